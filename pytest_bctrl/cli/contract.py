"""`pytest-bctrl contract show | build`."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_bctrl.contract import build, tree
from pytest_bctrl.contract.files import ContractFiles, packaged
from pytest_bctrl.contract.read import load
from pytest_bctrl.reports.terminal import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print the contract as a tree; * marks what is required")
    show.add_argument("path", nargs="?", help="an OpenAPI 3.1 document; default: the packaged contract")
    rebuild = actions.add_parser(
        "build", help="merge the vendored spec and the overlay into the JSON that test runs read"
    )
    rebuild.add_argument("--contracts", type=Path, metavar="DIR", help="folder of the contract's files")


def run(options: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    if options.action == "show":
        print("\n".join(map(printable, tree.lines(load(options.path)))))
        return 0
    files = ContractFiles(options.contracts) if options.contracts else packaged()
    changed = build.build(files)
    print(f"{files.merged}: {'written' if changed else 'unchanged'}")
    return 0
