"""`pytest-bctrl contract build` and `contract update`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from pytest_bctrl.contract.files import ContractFiles


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    actions.add_parser("build", help="rebuild the merged contract from vendored spec and overlay")
    update = actions.add_parser("update", help="show the drift, then vendor the published spec anew")
    update.add_argument(
        "source", nargs="?", metavar="SOURCE", help="path, https URL or - (default: where the vendored spec came from)"
    )
    update.add_argument("--dry-run", action="store_true", help="show the drift and write nothing")
    for action in (update, actions.choices["build"]):
        action.add_argument(
            "--contracts", metavar="DIR", help="the folder of the vendored contract (default: the packaged one)"
        )


def run(arguments: argparse.Namespace) -> int:
    """Build or update the contract. Raises `BctrlError` where that cannot be done; then no file is changed."""
    from pathlib import Path

    from pytest_bctrl.contract.files import ContractFiles, packaged

    files = ContractFiles(Path(arguments.contracts)) if arguments.contracts else packaged()
    if arguments.action == "build":
        from pytest_bctrl.contract.build import build

        changed = build(files)
        print(f"{files.merged}: {'rebuilt' if changed else 'is up to date'}")
        return 0
    return _update(arguments, files)


def _update(arguments: argparse.Namespace, files: ContractFiles) -> int:
    from datetime import date

    from pytest_bctrl.contract.update import locked_source, prepare, write
    from pytest_bctrl.drift import compare
    from pytest_bctrl.drift.sources import read_text
    from pytest_bctrl.reports.drift_text import drift_text
    from pytest_bctrl.reports.title import Title

    source = arguments.source or locked_source(files)
    name = "standard input" if source == "-" else source
    update = prepare(read_text(source), name, files, date.today())
    findings = compare(update.old, update.new)
    sys.stdout.write(drift_text(findings, Title("drift", update.old.name, name)))
    if arguments.dry_run:
        print("dry run: nothing written" if update.changes else "dry run: the spec is the vendored one")
        return 0
    if not update.changes:
        print("the vendored spec is the published one; nothing written")
        return 0
    write(update.texts)
    print(f"vendored anew: {', '.join(path.name for path in update.texts)} in {files.folder}")
    return 0
