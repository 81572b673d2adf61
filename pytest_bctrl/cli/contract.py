"""`pytest-bctrl contract show | build | update | suggest`."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from pytest_bctrl.cli.project import add_contract_argument, load_contract
from pytest_bctrl.contract import build
from pytest_bctrl.contract.document import is_self_contained, load_document
from pytest_bctrl.contract.engine import is_known_format
from pytest_bctrl.contract.files import ContractFiles, packaged, shown_path
from pytest_bctrl.contract.in_force import (
    FOLDER,
    PUBLISHED,
    ContractInForce,
    packaged_contract,
    project_contract,
    project_upstream,
)
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
    rebuild = actions.add_parser("build", help="merge the spec and its overlay into the JSON that test runs read")
    update = actions.add_parser("update", help="show the drift, then replace the spec of the contract")
    update.add_argument("source", nargs="?", help="path, https URL or -; default: bctrl_upstream, else the lock's")
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
    add_contract_argument(update, "the document to replace")
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
    contract = _target(options)
    if options.action == "build" and (options.overlay or options.contract or options.output):
        return _build_with_overlays(options, contract)
    if options.action == "build":
        return _build(contract)
    if options.contracts is None or options.contracts.exists():
        return update(contract, options.source, options.dry_run)
    if options.dry_run:
        return update(packaged_contract(), options.source, is_dry=True)
    with _packaged_copy(options.contracts):
        return update(contract, options.source, is_dry=False, is_new=True)


def _target(options: argparse.Namespace) -> ContractInForce:
    """Return the contract in the folder of `--contracts`, else that of `--contract`, else the one in force.

    Raises `SettingError` for a folder to create in a project that uses another document than the packaged one.
    """
    if options.contracts is None:
        return project_contract(options.contract if options.action == "update" else None)
    files = ContractFiles(options.contracts)
    if options.action == "update" and not options.contracts.exists():
        in_force = project_contract()
        if in_force.files is None or not in_force.files.is_vendored:
            raise SettingError(
                f"it would be a copy of the packaged contract, but the project uses {in_force.described}",
                where=f"--contracts {options.contracts}",
                hint=f"leave it out: {in_force.update_command(options.source)}",
            )
    return ContractInForce(files.merged, "--contracts", files)


def _build(contract: ContractInForce) -> int:
    """Merge the spec of a contract and its overlay, print whether that changed the contract, and return 0.

    Raises `SettingError` for a document without an overlay.
    """
    files = contract.files
    if files is None:
        raise SettingError(
            f"it has no overlay, so there is nothing to build: {contract.reason}",
            where=str(contract.path),
            hint="to apply an overlay to it: pytest-bctrl contract build --overlay FILE --output PATH",
        )
    _reject_installed(contract, "build")
    changed = build.build(files)
    _write_sample(files)
    print(escape_line(f"{files.merged}: {'written' if changed else 'unchanged'} ({contract.reason})"))
    return 0


def _show(path: str | None) -> None:
    """Print a contract as a tree, with what is not validated in it."""
    contract = load_contract(path, "contract show")
    if path not in (None, PUBLISHED):
        contract = replace(contract, origin="")
    print("\n".join(map(escape_line, [*contract_lines(contract), *_unsupported_parts(contract)])))


def _write_sample(files: ContractFiles) -> None:
    """Write a sample response of a vendored contract beside it; prints why if none can be generated."""
    if not files.is_vendored:
        return
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
    if ContractFiles(folder).merged.resolve() == project_contract().path.resolve():
        print("it is now the contract in force, for every command and for pytest")
        print("next: pytest --bctrl-mock bctrl")
    else:
        print(escape_line(f"next: pytest --bctrl-contract={shlex.quote(str(ContractFiles(folder).merged))}"))


def _reject_installed(contract: ContractInForce, action: str, source: str | None = None) -> None:
    """Raise `SettingError` if the contract's files are part of an installed package."""
    if contract.files is None or not contract.files.is_installed:
        return
    folder = contract.files.folder
    copy = shlex.join(["cp", "-r", str(folder), FOLDER])
    hint = f"work on a copy: {copy}; pytest-bctrl contract build --contracts {FOLDER}"
    if action == "update":
        hint = f"name another folder, which is created as a copy: {contract.update_command(source)}"
    raise SettingError(
        "the contract's files belong to the installed package, and its next upgrade would undo the change",
        where=str(folder),
        hint=hint,
    )


def update(contract: ContractInForce, source: str | None, is_dry: bool, is_new: bool = False) -> int:
    """Print the drift, replace the spec of a contract if it changed unless `is_dry`, and return 0.

    The new spec is that at `source`, else the upstream of the contract. An error changes no file. `is_new` means that
    the files are a fresh copy, so that they are written even without a change: they name the source of their spec.
    """
    from pytest_bctrl.contract.bundle import bundle_files
    from pytest_bctrl.drift.contract_change import compare_contracts
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.drift.sources import read_source, read_text, source_name
    from pytest_bctrl.reports.drift_text import drift_text
    from pytest_bctrl.reports.verdict import Title

    if not is_dry:
        _reject_installed(contract, "update", source)
    source = source or project_upstream(contract)
    text = read_text(source)
    old, new = read_source(shown_path(contract.spec)), load_document(text, source_name(source))
    data = new.data if is_self_contained(text) else bundle_files(new, read_text)
    contract.require_same_api(old.data, new.data)
    texts = build.updated_texts(new, data, text, contract.spec, contract.files, date.today())
    overlay = contract.files.overlay if contract.files else None
    comparison = compare_contracts(old, new._replace(data=data), overlay, Options())
    notes = (f"contract {contract.described}", *comparison.notes)
    title = Title("drift", old.name, new.name, notes=notes, not_checked=comparison.not_compared)
    sys.stdout.write(drift_text(comparison.findings, title))
    is_vendored = contract.files is not None and contract.files.is_vendored
    where = shown_path(contract.spec.parent if is_vendored else contract.spec)
    has_changed = build.normalise_spec(old.text) != texts[contract.spec]
    if is_dry and has_changed:
        print(escape_line(f"{where}: nothing written (--dry-run)"))
    elif has_changed or (is_new and not is_dry):
        build.write_files(texts)
        if contract.files:
            _write_sample(contract.files)
        print(escape_line(f"{where}: written: {', '.join(sorted(path.name for path in texts))}"))
    else:
        print(escape_line(f"{where}: nothing written, the spec is unchanged"))
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


def _build_with_overlays(options: argparse.Namespace, contract: ContractInForce) -> int:
    """Apply further overlays to a contract, write the result to `--output`, and return 0.

    Raises for an invalid contract, and for an output that would overwrite what it is built from.
    """
    if not options.overlay or options.output is None:
        raise SettingError(
            "they belong together, because a contract is built with its own overlay only",
            where="--overlay, --contract, --output",
            hint=f"--overlay suggested.overlay.yaml --output {_OBSERVED}",
        )
    path = Path(options.output)
    chosen = contract if options.contract is None else project_contract(options.contract)
    if chosen.files and path.resolve() == chosen.files.merged.resolve():
        problem = "it is the contract that is built without --overlay"
        raise DocumentError(problem, where=options.output, hint="give another --output")
    if path.resolve() in {name.resolve() for name in (*options.overlay, chosen.path)}:
        raise DocumentError(
            "it would overwrite what it is built from", where=options.output, hint="give another --output"
        )
    # The document and not its contract, from which invalid operations are excluded.
    if chosen.files is None or chosen.is_published:
        base = upgrade_supported(read_bundle(chosen.path, "--contract"), str(chosen.path))
    else:
        base = build.merge_contract(chosen.files)
    document = build.apply_overlays(base, options.overlay)
    from_document(document, options.output)
    build.write_files({path: build.render(document)})
    print(escape_line(f"{options.output}: written"))
    print(escape_line(f"next: pytest --bctrl-live --bctrl-contract={shlex.quote(options.output)}"))
    return 0
