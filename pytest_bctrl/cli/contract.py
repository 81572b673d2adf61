"""`pytest-bctrl contract show | build | update | suggest`."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from pytest_bctrl.cli.project import add_contract_argument, chosen_contract, load_contract, own_files, project_root
from pytest_bctrl.contract import build
from pytest_bctrl.contract.engine import is_known_format
from pytest_bctrl.contract.files import ContractFiles, packaged, update_command
from pytest_bctrl.contract.in_force import FOLDER, PUBLISHED
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, load, read_bundle
from pytest_bctrl.contract.references import keyword_objects
from pytest_bctrl.contract.show import contract_lines
from pytest_bctrl.contract.upgrade import upgrade_supported
from pytest_bctrl.errors import BctrlError, DocumentError, SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.samples import sample_text
from pytest_bctrl.samples.text import text_matching

if TYPE_CHECKING:
    from pytest_bctrl.observed.suggest import Suggestion

EXAMPLES = ("pytest-bctrl contract show", "pytest-bctrl contract update --dry-run page.md")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print the contract as a tree; * marks required properties and parameters")
    show.add_argument("path", nargs="?", help="an OpenAPI document, or published (default: the contract in force)")
    rebuild = actions.add_parser(
        "build", help="merge the vendored spec and the overlay into the JSON that test runs read"
    )
    update = actions.add_parser("update", help="show the drift, then update the vendored spec")
    update.add_argument("source", nargs="?", help="path, https URL or -; default: the source of the vendored spec")
    update.add_argument("--dry-run", action="store_true", help="show the drift and write nothing")
    rebuild.add_argument(
        "--overlay", action="append", default=[], type=Path, metavar="FILE", help="apply a further overlay; repeatable"
    )
    add_contract_argument(rebuild, "the contract to apply it to")
    rebuild.add_argument("--output", metavar="PATH", help="where to write the resulting contract")
    suggest = actions.add_parser("suggest", help="write an overlay that makes the contract accept the observed traffic")
    suggest.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="an observation or a JSON report that contains one, a recording, a HAR file, a JSON body; "
        "default: standard input",
    )
    add_contract_argument(suggest, "the contract to compare it with")
    suggest.add_argument("--output", metavar="PATH", help="where to write it; default: standard output")
    for action in (rebuild, update):
        action.add_argument(
            "--contracts", type=Path, metavar="DIR", help="folder of the contract's files; update creates it"
        )


def run(options: argparse.Namespace) -> int:
    """Carry out the action (show, build, update or suggest), and return the exit code."""
    if options.action == "show":
        _show(options.path)
        return 0
    if options.action == "suggest":
        return _suggest(options)
    files = _contract_files(options.contracts)
    if options.action == "build" and (options.overlay or options.contract or options.output):
        return _build_with_overlays(options, files)
    if options.contracts is None and not getattr(options, "dry_run", False):
        _reject_installed(files, options.action, getattr(options, "source", None))
    if options.action == "update":
        if options.contracts is None or options.contracts.exists():
            return update(files, options.source, options.dry_run)
        if options.dry_run:
            return update(packaged(), options.source, is_dry=True)
        with _packaged_copy(options.contracts):
            return update(files, options.source, is_dry=False, is_new=True)
    changed = build.build(files)
    _write_sample(files)
    print(escape_line(f"{files.merged}: {'written' if changed else 'unchanged'}"))
    return 0


def _contract_files(folder: Path | None) -> ContractFiles:
    """Return the files in the folder, else those of the project, else those of the package."""
    if folder:
        return ContractFiles(folder)
    return own_files() or packaged()


def _show(path: str | None) -> None:
    """Print a contract as a tree, with what is not validated in it."""
    contract = load_contract(path, "contract show")
    if path not in (None, PUBLISHED):
        contract = replace(contract, origin="")
    print("\n".join(map(escape_line, [*contract_lines(contract), *_unsupported_parts(contract)])))


def _write_sample(files: ContractFiles) -> None:
    """Write a sample response of the built contract beside it; prints why if none can be generated."""
    try:
        text = sample_text(load(files.merged))
    except BctrlError as error:
        print(f"pytest-bctrl: {files.sample.name} is not written: {escape_line(str(error))}", file=sys.stderr)
        return
    if not files.sample.is_file() or files.sample.read_text("utf-8") != text:
        build.write_files({files.sample: text})


def _unsupported_parts(contract: Contract) -> Iterator[str]:
    """Yield lines about unknown formats, if there are any, and one per pattern that no example can be generated for."""
    schemas = [
        schema for schema in keyword_objects(contract.document) if isinstance(schema.value.get("type", ""), str | list)
    ]
    formats = {str(schema.value["format"]) for schema in schemas if "format" in schema.value}
    unknown = sorted(name for name in formats if not is_known_format(name))
    if unknown:
        yield from ("", f"formats that are not checked: {', '.join(unknown)}")
    for schema in schemas:
        pattern = schema.value.get("pattern")
        sources = (Random(seed) for seed in range(_SEEDS))  # noqa: S311
        if isinstance(pattern, str) and all(text_matching(pattern, source) is None for source in sources):
            yield f"#{schema.pointer}: no sample can be generated for its pattern; add 'examples' to the schema"


_SEEDS = 20


@contextmanager
def _packaged_copy(folder: Path) -> Iterator[None]:
    """Copy the packaged contract to a new folder; after the block, print the next step, or remove it if that raised."""
    shutil.copytree(packaged().folder, folder, ignore=shutil.ignore_patterns("__pycache__", "*.py", "current"))
    try:
        yield
    except BaseException:
        shutil.rmtree(folder)
        raise
    print(escape_line(f"{folder}: created as a copy of the packaged contract"))
    if folder.resolve() == (project_root() / FOLDER).resolve():
        print("it is now the contract in force, for every command and for pytest")
        print("next: pytest --bctrl-mock bctrl")
    else:
        print(escape_line(f"next: pytest --bctrl-contract={shlex.quote(str(ContractFiles(folder).merged))}"))


def _reject_installed(files: ContractFiles, action: str, source: str | None = None) -> None:
    """Raise `SettingError` if the contract's files are part of an installed package."""
    if not files.is_installed:
        return
    copy = shlex.join(["cp", "-r", str(files.folder), "contracts"])
    hint = f"work on a copy: {copy}; pytest-bctrl contract build --contracts contracts"
    if action == "update":
        hint = f"name another folder, which is created as a copy: {update_command(source)}"
    raise SettingError(
        "the contract's files belong to the installed package, and its next upgrade would undo the change",
        where=str(files.folder),
        hint=hint,
    )


def update(files: ContractFiles, source: str | None, is_dry: bool, is_new: bool = False) -> int:
    """Print the drift, update a vendored spec that changed unless `is_dry`, and return 0; an error changes no file.

    `is_new` means that the files are a fresh copy, so that they are written even without a change: they name the
    source of their spec.
    """
    from pytest_bctrl.drift.contract_change import compare_contracts
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.drift.sources import read_text, source_name
    from pytest_bctrl.reports.drift_text import drift_text
    from pytest_bctrl.reports.verdict import Title

    source = source or build.published_url(files)
    name = source_name(source)
    pending = build.prepare_update(read_text(source), name, files, date.today())
    comparison = compare_contracts(pending.old, pending.new, files.overlay, Options())
    title = Title("drift", pending.old.name, name, notes=comparison.notes, not_checked=comparison.not_compared)
    sys.stdout.write(drift_text(comparison.findings, title))
    if is_dry and pending.changes:
        print(escape_line(f"{files.folder}: nothing written (--dry-run)"))
        return 0
    if is_dry or not (pending.changes or is_new):
        print(escape_line(f"{files.folder}: nothing written, the spec is unchanged"))
        return 0
    build.write_files(pending.texts)
    _write_sample(files)
    print(escape_line(f"{files.folder}: written: {', '.join(sorted(path.name for path in pending.texts))}"))
    return 0


_OBSERVED = "observed.contract.json"


def _suggest(options: argparse.Namespace) -> int:
    """Write an overlay that accepts the traffic; returns 2 if no overlay can express some of it, else 0.

    Raises `BctrlError` if the traffic or the contract cannot be read.
    """
    from pytest_bctrl.cli.traffic import read_traffic
    from pytest_bctrl.observed.suggest import suggest

    contract = load_contract(options.contract)
    observation, _ = read_traffic(options.files or ["-"], contract)
    suggestion = suggest(contract, observation)
    for (_, code, media_type), count in sorted(observation.unread.items()):
        skipped = f"{code} {media_type or 'without a media type'}: the bodies of {count} responses were skipped"
        print(escape_line(f"pytest-bctrl: {skipped}: only JSON is read"), file=sys.stderr)
    for finding, reason in suggestion.not_expressible:
        location = f"{finding.extra['status']} {finding.location}"
        problem = f"{location}: {finding.message}: no overlay can express it: {reason}"
        print(escape_line(f"pytest-bctrl: {problem}"), file=sys.stderr)
    if suggestion.actions:
        _write_suggestion(options, suggestion)
    elif not suggestion.not_expressible:
        print("pytest-bctrl: nothing to suggest: the contract already accepts the traffic", file=sys.stderr)
    if suggestion.not_expressible:
        return 2
    return 0


def _write_suggestion(options: argparse.Namespace, suggestion: Suggestion) -> None:
    """Write the overlay to a file and print the command that applies it, or write it to standard output."""
    text = _overlay_text(suggestion, _build_command(options))
    if options.output in (None, "-"):
        sys.stdout.write(text)
        return
    build.write_files({Path(options.output): options.redact(text)})
    print(
        escape_line(f"{options.output}: {len(suggestion.actions)} actions for {len(suggestion.resolved)} differences")
    )
    print(escape_line(f"next: {_build_command(options)}"))


def _build_command(options: argparse.Namespace) -> str:
    """Return the command that builds a contract with the suggested overlay."""
    overlay = options.output
    if overlay in (None, "-"):
        overlay = "suggested.overlay.yaml"
    command = ["pytest-bctrl", "contract", "build"]
    if options.contract is not None:
        command += ["--contract", options.contract]
    return shlex.join([*command, "--overlay", overlay, "--output", _OBSERVED])


def _overlay_text(suggestion: Suggestion, command: str) -> str:
    """Return an overlay as YAML, below a comment with the command that applies it."""
    # Loads PyYAML, which the other actions need only for YAML documents.
    from pytest_bctrl.cli.yaml_output import yaml_text

    head = (
        "# Responses that the API sent and the contract does not document; no data but listed values. Apply it with\n"
        f"#   {escape_line(command)}\n"
        f"#   pytest --bctrl-contract={_OBSERVED} …\n"
    )
    return head + yaml_text(suggestion.overlay)


def _build_with_overlays(options: argparse.Namespace, files: ContractFiles) -> int:
    """Apply further overlays to a contract, write the result to `--output`, and return 0.

    Raises for an invalid contract, and for an output that would overwrite what it is built from.
    """
    if not options.overlay or options.output is None:
        raise SettingError(
            "they belong together, because the packaged contract is built with its own overlay only",
            where="--overlay, --contract, --output",
            hint=f"--overlay suggested.overlay.yaml --output {_OBSERVED}",
        )
    path = Path(options.output)
    if path.resolve() == files.merged.resolve():
        problem = "it is the contract that is built without --overlay"
        raise DocumentError(problem, where=options.output, hint="give another --output")
    inputs = [*options.overlay, *filter(None, [options.contract])]
    if path.resolve() in {Path(name).resolve() for name in inputs}:
        raise DocumentError(
            "it would overwrite what it is built from", where=options.output, hint="give another --output"
        )
    base: Mapping[str, Any] = build.merge_contract(files)
    if options.contract:
        # The document and not its contract, from which invalid operations are excluded.
        source = chosen_contract(options.contract)
        base = upgrade_supported(read_bundle(source.path, "--contract"), str(source.path))
    document = build.apply_overlays(base, options.overlay)
    from_document(document, options.output)
    build.write_files({path: build.render(document)})
    print(escape_line(f"{options.output}: written"))
    print(escape_line(f"next: pytest --bctrl-live --bctrl-contract={shlex.quote(options.output)}"))
    return 0
