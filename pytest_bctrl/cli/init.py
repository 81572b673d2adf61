"""`pytest-bctrl init`: writes the configuration, first tests and a CI job of a project."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from shlex import quote
from textwrap import indent
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote as quote_path
from urllib.parse import urljoin, urlsplit

from pytest_bctrl.cli.contract_summary import SPACE_ID, ContractSummary, State, has_server, summarise
from pytest_bctrl.cli.project_files import (
    ConfigurationEntry,
    NewProject,
    Style,
    configuration,
    entries,
    first_tests,
    workflow,
)
from pytest_bctrl.cli.security_overlay import SecurityOverlay
from pytest_bctrl.contract.build import write_files
from pytest_bctrl.contract.document import load_document
from pytest_bctrl.contract.files import current_api, shown_path, update_command
from pytest_bctrl.contract.in_force import contract_of_config, upstream_of
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.read import from_document, load_from, read_bundle
from pytest_bctrl.drift.sources import read_text
from pytest_bctrl.errors import BctrlError, DocumentError, SettingError
from pytest_bctrl.escaping import escape_line, escape_lines
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.samples.inputs import Inputs, exemplified, inputs, responds_with_json
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings.project import read_config
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.traffic.origin import is_loopback, origin_of

if TYPE_CHECKING:
    import pytest

CURRENT = "current"
"""The value of DOCUMENT for today's API."""

VERSION_HEADER = "BCTRL-Version"

EXAMPLES = ("pytest-bctrl init", "pytest-bctrl init current")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "document",
        nargs="?",
        metavar="DOCUMENT",
        help="the API's OpenAPI document, a path or a URL, which is saved; or current: today's bctrl API "
        "(default: the contract in force, which is the packaged one in a project without its own)",
    )


class NewFile(NamedTuple):
    """A file to write, and what it is for; `table` is the one of an existing file that the text is added to."""

    path: Path
    text: str
    purpose: str
    table: str = ""


class Source(NamedTuple):
    """The contract of a new project, and how it is configured.

    `path` is the path of the document, empty for the packaged contract. `text` is the content of that file if it is to
    be written. `base_url` and `headers` are settings that the document requires, and `upstream` is where it is
    published, if that is known. `overlay` applies its security, and `merged` is the text of the contract that results;
    both are empty if the document needs no overlay.
    """

    contract: Contract
    path: str = ""
    text: str = ""
    base_url: str = ""
    headers: tuple[str, ...] = ()
    upstream: str = ""
    overlay: SecurityOverlay | None = None
    merged: str = ""

    @property
    def setting(self) -> str:
        """The value of `bctrl_contract`."""
        return self.path if self.overlay is None else self.overlay.contract_path


def run(options: argparse.Namespace) -> int:
    """Write the files of the project, and print what to add to tests and a CI job that exist; returns 0.

    Raises `BctrlError`, before anything is written, if the document or the project's configuration cannot be read, or
    if the contract suite can test no operation.
    """
    config = read_config()
    if config.inipath is not None and config.inipath.parent != Path.cwd():
        folder = quote(str(config.inipath.parent))
        raise SettingError(
            "the configuration of the project is in another folder",
            where=str(config.inipath),
            hint=f"run it there: cd {folder}; or, for a separate project in this folder: touch pytest.ini",
        )
    source = _contract_source(options.document, config)
    _require_free_name(source, options.document, options.redact(source.text))
    source, note = _with_security(source)
    project = _new_project(source, Path.cwd())
    _require_selectable(project.contract, config)
    operations = numbered(len(project.summary.operations), "operation")
    title = f"{source.contract.title} {source.contract.version}"
    print(escape_line(f"contract   {title}, {operations}: {project.summary.counts}"))
    if note:
        print(escape_line(f"note       credentials are not checked: {note}"))
    if is_loopback(urlsplit(source.upstream).hostname or ""):
        print(
            "note       the nightly job cannot reach this machine: set bctrl_upstream, and BCTRL_BASE_URL as a variable"
        )
    files = [file._replace(text=options.redact(file.text)) for file in _new_files(source, project, config.inipath)]
    _write_all(files)
    print("next       pytest --bctrl-mock")
    return 0


def _contract_source(document: str | None, config: pytest.Config) -> Source:
    """Return the contract that DOCUMENT names: a path, a URL, `current`, or None for the one in force."""
    if document is None:
        in_force = contract_of_config(config)
        if in_force.is_packaged:
            return Source(load_from(None, "init", ""))
        upstream = ""
        with suppress(BctrlError):
            upstream = upstream_of(in_force, settings.upstream(config, os.environ))
        return Source(in_force.load(), shown_path(in_force.path), upstream=upstream)
    if document == CURRENT:
        contract = load_from(current_api(), "init", "")
        header = f"{VERSION_HEADER}: {contract.version}"
        return Source(contract, current_api().name, current_api().read_text("utf-8"), headers=(header,))
    if "://" in document:
        return _download_contract(document)
    return Source(load_from(Path(document), "init", ""), document)


def _require_free_name(source: Source, document: str | None, text: str) -> None:
    """Raise `SettingError` if the contract is to be written to a file that has another content than `text`."""
    path = Path(source.path)
    if not source.text or not path.exists():
        return
    if path.is_file() and path.read_bytes() == text.encode():
        return
    hint = (
        f"to use the file: pytest-bctrl init {source.path}; to compare it with the document and replace it: "
        f"{update_command(document, '--contract', source.path)}"
    )
    raise SettingError(f"the file exists and is not the document of {document}", where=source.path, hint=hint)


def _download_contract(url: str) -> Source:
    """Return the contract at a URL; if its first server is relative, the base URL is relative to the document's."""
    text = read_text(url)
    document = load_document(text, url)
    contract = from_document(document.data, url)
    suffix = "json" if document.format == "json" else "yaml"
    base_url = ""
    if not has_server(contract):
        base_url = _base_url(url, next(iter(contract.servers), "/"))
    return Source(contract, f"openapi.{suffix}", document.text, base_url, upstream=url)


def _with_security(source: Source) -> tuple[Source, str]:
    """Return a source with the overlay that applies the security of its document, if there is one scheme to apply.

    Also returns why there is no overlay although the document describes security; empty otherwise. A contract that an
    earlier run has written is used as it is.
    """
    unapplied = source.contract.unapplied
    if not source.path or unapplied is None or not unapplied.schemes:
        return source, ""
    overlay = SecurityOverlay(unapplied, source.path)
    if not unapplied.scheme:
        command = shlex.join(["pytest-bctrl", "doctor", "--contract", source.path])
        return source, f"{unapplied.reason}; {command} shows the overlay that applies one of them"
    document = load_document(source.text, source.path).data if source.text else read_bundle(source.path, "init")
    merged = overlay.merged(document)
    if not merged:
        return source, f"{unapplied.reason}, and the kit cannot send a key by the scheme {unapplied.scheme}"
    if Path(overlay.contract_path).is_file():
        contract = load_from(Path(overlay.contract_path), "init", "")
        return source._replace(contract=contract, overlay=overlay), ""
    contract = from_document(json.loads(merged), overlay.contract_path)
    return source._replace(contract=contract, overlay=overlay, merged=merged), ""


def _base_url(url: str, server: str) -> str:
    """Return the URL of the relative server of the document at `url` (RFC 3986, 5.2); empty if it is invalid."""
    try:
        target = urljoin(url, server)
        origin_of(target)
    except ValueError:
        return ""
    parts = urlsplit(target)
    path = quote_path(parts.path, safe="/%:@!$&'()*+,;=~-._", errors="surrogatepass").rstrip("/")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"


def _new_project(source: Source, root: Path) -> NewProject:
    """Return the data for the texts of the files: the contract, its summary and settings, and the first request."""
    summary = summarise(ContractRun("live", source.contract))
    operation, values, is_on_mock_only = _first_request(source.contract, summary)
    return NewProject(
        source.setting,
        summary,
        operation,
        values,
        is_on_mock_only,
        has_server=has_server(source.contract),
        base_url=source.base_url,
        headers=source.headers,
        upstream=source.upstream,
        has_requirements=(root / "requirements.txt").is_file(),
    )


def _require_selectable(contract: str, config: pytest.Config) -> None:
    """Raise `SettingError` if the configuration file already sets another contract than the one at this path."""
    for setting in lookup.file_values(table.CONTRACT, config):
        if contract and Path(setting.value).resolve() != Path(contract).resolve():
            hint = f"remove the setting, or set it to {contract}, and run pytest-bctrl init again"
            raise SettingError(f"the configuration selects another contract: {setting.value}", setting.where, hint)


def _first_request(contract: Contract, summary: ContractSummary) -> tuple[Operation, Inputs, bool]:
    """Return the operation of the first tests, its inputs, and whether only the mock accepts their values.

    An operation that a live run checks is preferred, and one with a JSON response. Raises `SettingError` if no
    operation can be tested.
    """
    states: dict[str, State] = {operation.label: operation.state for operation in summary.operations}
    # A test cannot take a value from the response of another one.
    states |= {operation.label: "no value" for operation in summary.operations if operation.received}
    states |= dict.fromkeys(summary.needs_space_id, "checked")
    for label in chain.from_iterable(summary.schemes_without_value.values()):
        if states[label] == "not checked":
            states[label] = "no value"

    def rank(operation: Operation) -> tuple[bool, bool]:
        """Return a sort key that prefers an operation that is checked and responds with JSON."""
        return states[operation.label] != "checked", not responds_with_json(operation)

    usable = [operation for operation in contract.operations if states[operation.label] in ("checked", "no value")]
    usable.sort(key=rank)
    mocked = exemplified(contract, {SPACE_ID: ""})
    for operation in usable:
        values = inputs(mocked, mocked.operation(operation.label), {SPACE_ID: "…"})
        if values is not None:
            return operation, values, states[operation.label] != "checked"
    raise SettingError(
        "no operation of the contract can be tested: none has a safe method, a documented response and parameters "
        "with a value",
        where=contract.name,
        hint="pytest-bctrl doctor --contract DOCUMENT lists the operations with the reasons",
    )


def _new_files(source: Source, project: NewProject, config_file: Path | None) -> Iterator[NewFile]:
    """Yield the files to write: the contract, settings in `config_file` or a new `pytest.ini`, tests and a CI job."""
    root = Path.cwd()
    if source.text:
        yield NewFile(root / source.path, source.text, "the contract")
    if source.overlay is not None and source.merged:
        purpose = f"applies the scheme {source.overlay.unapplied.scheme}, which the document does not apply"
        yield NewFile(root / source.overlay.path, source.overlay.text, purpose)
        yield NewFile(root / source.setting, source.merged, "the contract with this overlay")
    if config_file is None:
        text = configuration("pytest", "ini", entries(project))
        yield NewFile(root / "pytest.ini", text, "the configuration of pytest")
    else:
        name, style = _pytest_table(config_file)
        missing = _missing(config_file, name, entries(project))
        text = configuration(name, style, missing) if missing else ""
        yield NewFile(config_file, text, "the configuration of pytest", name)
    folder = root / "tests" if (root / "tests").is_dir() else root
    yield NewFile(folder / "test_api.py", first_tests(project), "first tests")
    yield NewFile(root / ".github" / "workflows" / "contract.yml", workflow(project), "a CI job for GitHub Actions")


def _pytest_table(config_file: Path) -> tuple[str, Style]:
    """Return the name of pytest's table in a configuration file, and the style of its values."""
    if config_file.name == "pyproject.toml":
        tables = _parsed(config_file, config_file.read_text("utf-8")).get("tool", {}).get("pytest", {})
        is_native = bool(tables) and "ini_options" not in tables
        return ("tool.pytest" if is_native else "tool.pytest.ini_options"), "toml"
    if config_file.suffix == ".toml":
        return "pytest", "toml"
    return ("tool:pytest" if config_file.name == "setup.cfg" else "pytest"), "ini"


def _missing(config_file: Path, name: str, settings: Iterable[ConfigurationEntry]) -> list[ConfigurationEntry]:
    """Return the settings that a configuration file does not have yet: not even as a comment, if not active."""
    content = config_file.read_bytes().decode()
    present = _table(_parsed(config_file, content), name)
    return [entry for entry in settings if entry.name not in (present if entry.is_active else content)]


def _parsed(path: Path, content: str) -> dict[str, Any]:
    """Return the tables of a configuration file with this content; raises `ValueError` if it is invalid."""
    if path.suffix == ".toml":
        return tomllib.loads(content)
    from iniconfig import IniConfig, ParseError

    try:
        return dict(IniConfig("", data=content).sections)
    except ParseError as error:
        raise ValueError(str(error)) from None


def _table(tables: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the table of this dotted name, which is created if it is missing."""
    for key in name.split("."):
        tables = tables.setdefault(key, {})
    return tables


def _write_all(files: Sequence[NewFile]) -> None:
    """Write the files, all or none, and print that; print what to add to a file that exists. Raises `DocumentError`."""
    existing = {file.path: _content(file.path) for file in files}
    texts = {}
    for file in files:
        content = existing[file.path]
        if file.table and content is not None:
            if file.text:
                texts[file.path] = _extended(file, content.decode())
        elif content in (None, file.text.encode()):
            _create_folder(file.path.parent)
            texts[file.path] = file.text
    write_files(texts, new=[file.path for file in files if not file.table])
    for file in files:
        _print_file(file, existing[file.path])


def _content(path: Path) -> bytes | None:
    """Return the content of a file, None if nothing has its name; empty if it cannot be read."""
    if not os.path.lexists(path):
        return None
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _create_folder(folder: Path) -> None:
    """Create a folder for a file; raises `DocumentError` if that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DocumentError(
            f"the folder cannot be created: {error.strerror}",
            where=shown_path(folder),
            hint="run it in a folder that may be written to",
        ) from None


def _extended(file: NewFile, content: str) -> str:
    """Return the content of a configuration file with the text in its table, or after the rest if it has no such table.

    Raises `SettingError` if that changes something else, such as for the tables `tool = { … }`.
    """
    header, _, lines = file.text.partition("\n")
    heading = re.search(rf"^{re.escape(header)}[ \t]*(?:#.*)?\r?$", content, re.MULTILINE)
    if heading is None:
        result = content + ("\n" if content.endswith("\n") else "\n\n") * bool(content) + file.text
    else:
        following = content[heading.end() :]
        result = f"{content[: heading.end()]}\n{lines}{following if following.strip() else ''}"
    before = _parsed(file.path, content)
    added = _table(before, file.table)
    try:
        after = _parsed(file.path, result)
        added.update({name: value for name, value in _table(after, file.table).items() if name not in added})
    except (AttributeError, ValueError):
        after = {}
    if before != after:
        raise SettingError(
            f"the settings cannot be added to the table [{file.table}]",
            where=shown_path(file.path),
            hint="write the table with a header of its own, or, to configure pytest in another file: touch pytest.ini",
        )
    return result


def _print_file(file: NewFile, previous: bytes | None) -> None:
    """Print the result for a file that had this content: written, extended, or what to add to it."""
    name, purpose = shown_path(file.path), file.purpose
    if previous is None:
        print(escape_line(f"written    {name}: {purpose}"))
    elif previous == file.text.encode() or not file.text:
        print(escape_line(f"unchanged  {name}: {purpose}"))
    elif file.table:
        print(escape_line(f"extended   {name}: {purpose}"))
    else:
        print(escape_line(f"exists     {name} was not changed; to add {purpose}:"))
        print(escape_lines(indent(file.text, "    ")), end="")
