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
from math import inf
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import yaml

from pytest_bctrl.cli.project import add_contract_argument, load_contract, own_files, project_root
from pytest_bctrl.contract import build
from pytest_bctrl.contract.engine import is_known_format
from pytest_bctrl.contract.files import ContractFiles, packaged, update_command
from pytest_bctrl.contract.in_force import FOLDER, PUBLISHED
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.contract.references import keyword_objects
from pytest_bctrl.contract.show import contract_lines
from pytest_bctrl.errors import BctrlError, DocumentError, SettingError
from pytest_bctrl.escaping import escape_line, escape_yaml
from pytest_bctrl.samples import sample_text
from pytest_bctrl.samples.text import matching

if TYPE_CHECKING:
    from pytest_bctrl.observed.suggest import Suggestion

EXAMPLES = ("pytest-bctrl contract show", "pytest-bctrl contract update --dry-run page.md")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print the contract as a tree; * marks what is required")
    show.add_argument("path", nargs="?", help="an OpenAPI document, or published (default: the contract in force)")
    rebuild = actions.add_parser(
        "build", help="merge the vendored spec and the overlay into the JSON that test runs read"
    )
    update = actions.add_parser("update", help="show the drift, then vendor the published spec again")
    update.add_argument("source", nargs="?", help="path, https URL or -; default: where the vendored spec came from")
    update.add_argument("--dry-run", action="store_true", help="show the drift and write nothing")
    rebuild.add_argument(
        "--overlay", action="append", default=[], type=Path, metavar="FILE", help="apply a further overlay; repeatable"
    )
    add_contract_argument(rebuild, "what to apply it to")
    rebuild.add_argument("--output", metavar="PATH", help="where to write the contract that this makes")
    suggest = actions.add_parser("suggest", help="write what was seen as an overlay that makes the contract accept it")
    suggest.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="an observation or a JSON report that holds one, a recording, a HAR file, a JSON body; default: standard "
        "input",
    )
    add_contract_argument(suggest, "what to compare it with")
    suggest.add_argument("--output", metavar="PATH", help="where to write it; default: standard output")
    for action in (rebuild, update):
        action.add_argument(
            "--contracts", type=Path, metavar="DIR", help="folder of the contract's files; update begins one"
        )


def run(options: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    if options.action == "show":
        contract = load_contract(options.path, "contract show")
        if options.path not in (None, PUBLISHED):
            contract = replace(contract, origin="")
        print("\n".join(map(escape_line, [*contract_lines(contract), *_left_aside(contract)])))
        return 0
    if options.action == "suggest":
        return _suggest(options)
    files = ContractFiles(options.contracts) if options.contracts else own_files() or packaged()
    if options.action == "build" and (options.overlay or options.contract or options.output):
        return _build_with(options, files)
    if options.contracts is None and not getattr(options, "dry_run", False):
        _refuse_installed(files, options.action, getattr(options, "source", None))
    if options.action == "update":
        if options.contracts is None or options.contracts.exists():
            return update(files, options.source, options.dry_run)
        if options.dry_run:
            return update(packaged(), options.source, is_dry=True)
        with _copied(options.contracts):
            return update(files, options.source, is_dry=False, is_begun=True)
    changed = build.build(files)
    _write_sample(files)
    print(escape_line(f"{files.merged}: {'written' if changed else 'unchanged'}"))
    return 0


def _write_sample(files: ContractFiles) -> None:
    """Write the sample that the built contract gives; where none can be made of it, say why."""
    try:
        text = sample_text(load(files.merged))
    except BctrlError as error:
        print(f"pytest-bctrl: {files.sample.name} is not written: {escape_line(str(error))}", file=sys.stderr)
        return
    if not files.sample.is_file() or files.sample.read_text("utf-8") != text:
        build.write_files({files.sample: text})


def _left_aside(contract: Contract) -> Iterator[str]:
    """Say which formats no value is held to, and for which patterns no sample can be made."""
    schemas = [one for one in keyword_objects(contract.document) if isinstance(one.value.get("type", ""), str | list)]
    formats = {str(one.value["format"]) for one in schemas if "format" in one.value}
    unknown = sorted(name for name in formats if not is_known_format(name))
    if unknown:
        yield from ("", f"formats that are not checked: {', '.join(unknown)}")
    for one in schemas:
        pattern = one.value.get("pattern")
        sources = (Random(seed) for seed in range(_SEEDS))  # noqa: S311
        if isinstance(pattern, str) and all(matching(pattern, source) is None for source in sources):
            yield f"#{one.pointer}: no sample can be made for its pattern; add 'examples' to the schema"


_SEEDS = 20


@contextmanager
def _copied(folder: Path) -> Iterator[None]:
    """Begin a folder of one's own with the files of the package; it is gone again where nothing came of it."""
    shutil.copytree(packaged().folder, folder, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    try:
        yield
    except BaseException:
        shutil.rmtree(folder)
        raise
    print(escape_line(f"{folder}: it was not there, and began as a copy of the packaged contract"))
    if folder.resolve() == (project_root() / FOLDER).resolve():
        print("it is the contract in force from now on, for every command and for pytest")
        print("next: pytest --bctrl-mock bctrl")
    else:
        print(escape_line(f"next: pytest --bctrl-contract={shlex.quote(str(ContractFiles(folder).merged))}"))


def _refuse_installed(files: ContractFiles, action: str, source: str | None = None) -> None:
    """Raise `SettingError` where the contract's files are a part of an installed package."""
    if not files.is_installed:
        return
    copy = shlex.join(["cp", "-r", str(files.folder), "contracts"])
    raise SettingError(
        "the contract's files belong to the installed package, and its next upgrade would undo the change",
        where=str(files.folder),
        hint=f"name a folder of your own, which begins as a copy: {update_command(source)}"
        if action == "update"
        else f"work on a copy: {copy}; pytest-bctrl contract build --contracts contracts",
    )


def update(files: ContractFiles, source: str | None, is_dry: bool, is_begun: bool = False) -> int:
    """Show the drift and vendor the spec again; no file is changed where that cannot be done.

    `is_begun` says that the files were copied for this, and are to say from where their spec was read.
    """
    from pytest_bctrl.drift.contract_change import compare_contracts
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.drift.sources import read_text
    from pytest_bctrl.reports.drift_text import drift_text
    from pytest_bctrl.reports.wording import Title

    given = source or build.published_url(files)
    name = "standard input" if given == "-" else given
    ready = build.prepare_update(read_text(given), name, files, date.today())
    compared = compare_contracts(ready.old, ready.new, files.overlay, Options())
    sys.stdout.write(drift_text(compared.findings, Title("drift", ready.old.name, name)))
    if is_dry or not (ready.changes or is_begun):
        why = "as asked" if ready.changes else "the spec is the vendored one"
        print(escape_line(f"{files.folder}: nothing written, {why}"))
        return 0
    build.write_files(ready.texts)
    _write_sample(files)
    print(escape_line(f"{files.folder}: written: {', '.join(sorted(path.name for path in ready.texts))}"))
    return 0


_OBSERVED = "observed.contract.json"


def _suggest(options: argparse.Namespace) -> int:
    """Print or write what was seen as an overlay; 0 where it says all of that, 2 where something cannot be said.

    Raises `BctrlError` where the traffic or the contract cannot be read.
    """
    from pytest_bctrl.cli.traffic import read_traffic
    from pytest_bctrl.observed.suggest import suggest

    contract = load_contract(options.contract)
    observation, _ = read_traffic(options.files or ["-"], contract)
    made = suggest(contract, observation)
    for (_, code, media), count in sorted(observation.unread.items()):
        of = f"{code} {media or 'without a media type'}: nothing is learned from the bodies of {count} answers"
        print(escape_line(f"pytest-bctrl: {of}: only JSON is read"), file=sys.stderr)
    for finding, why in made.unsaid:
        place = f"{finding.extra['status']} {finding.location}"
        print(escape_line(f"pytest-bctrl: {place}: {finding.message}: no overlay says it: {why}"), file=sys.stderr)
    if made.actions:
        _hand_over(options, made)
    elif not made.unsaid:
        what = "read" if observation.unread else "seen"
        print(f"pytest-bctrl: nothing to suggest: the contract says all that was {what}", file=sys.stderr)
    return 2 if made.unsaid else 0


def _hand_over(options: argparse.Namespace, made: Suggestion) -> None:
    text = _text(made, _build_command(options))
    if options.output in (None, "-"):
        sys.stdout.write(text)
        return
    build.write_files({Path(options.output): options.redact(text)})
    print(escape_line(f"{options.output}: {len(made.actions)} actions for {len(made.admitted)} differences"))
    print(escape_line(f"next: {_build_command(options)}"))


def _build_command(options: argparse.Namespace) -> str:
    output = "suggested.overlay.yaml" if options.output in (None, "-") else options.output
    own = [] if options.contract is None else ["--contract", options.contract]
    return shlex.join(["pytest-bctrl", "contract", "build", *own, "--overlay", output, "--output", _OBSERVED])


class _Dumper(yaml.SafeDumper):
    """Writes sequences indented below their key, no aliases, and in double quotes what is to be escaped."""

    def represent_scalar(self, tag: str, value: str, style: str | None = None) -> yaml.ScalarNode:
        return super().represent_scalar(tag, value, style if escape_line(value) == value else '"')

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(made: Suggestion, command: str) -> str:
    head = (
        "# What the API was seen to send and the contract does not say; no data but listed values. Apply it by\n"
        f"#   {escape_line(command)}\n"
        f"#   pytest --bctrl-contract={_OBSERVED} …\n"
    )
    return head + yaml_text(made.overlay)


def yaml_text(data: Any) -> str:
    """Return data as YAML that may be printed: what its texts hold is escaped."""
    # A folded line might begin with a command.
    return escape_yaml(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=inf))


def _build_with(options: argparse.Namespace, files: ContractFiles) -> int:
    """Write the contract that further overlays make, sound and whole, to a file of its own."""
    if not options.overlay or options.output is None:
        raise SettingError(
            "they go together, since the packaged contract is that of its own overlay alone",
            where="--overlay, --contract, --output",
            hint=f"--overlay suggested.overlay.yaml --output {_OBSERVED}",
        )
    base = load_contract(options.contract).document if options.contract else build.merge_contract(files)
    document = build.apply_overlays(base, options.overlay)
    from_document(document, options.output)
    path = Path(options.output)
    if path.resolve() == files.merged.resolve():
        raise DocumentError("it is the packaged contract", where=options.output, hint="give another --output")
    build.write_files({path: build.render(document)})
    print(escape_line(f"{options.output}: written"))
    print(escape_line(f"next: pytest --bctrl-live --bctrl-contract={shlex.quote(options.output)}"))
    return 0
