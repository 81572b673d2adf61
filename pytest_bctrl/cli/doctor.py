"""`pytest-bctrl doctor`: installed versions, settings, the contract, the target's response, and the next step."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pytest_bctrl.cli.contract_summary import (
    SPACE_ID,
    ContractSummary,
    has_bare_key,
    has_server,
    summarise,
    summary_lines,
    value_lines,
)
from pytest_bctrl.cli.security_overlay import SecurityOverlay
from pytest_bctrl.contract.build import merge_contract
from pytest_bctrl.contract.files import shown_path, update_command
from pytest_bctrl.contract.in_force import (
    FOLDER,
    ContractInForce,
    contract_in_force,
    contract_of_config,
    with_security_settings,
)
from pytest_bctrl.contract.json_source import read_json
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.escaping import escape_json, escape_line, escape_lines
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.samples.inputs import main_operation
from pytest_bctrl.samples.parameter_settings import require_parameters
from pytest_bctrl.secrets.secret import KEY_VARIABLE, Secret
from pytest_bctrl.settings import lookup, secret_settings, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings.project import read_config
from pytest_bctrl.suite.operations import reason_not_requested, requestable_operations
from pytest_bctrl.suite.run import ContractRun, required_variables, with_credentials, with_live_target
from pytest_bctrl.traffic.origin import connection, values
from pytest_bctrl.traffic.recordings.har_file import load as load_recording
from pytest_bctrl.traffic.retry import RetryPolicy

if TYPE_CHECKING:
    import pytest

_REQUIRED_PACKAGES = (
    "pytest-bctrl", "pytest", "httpx", "jsonschema-rs", "PyYAML", "httptools",
    "schemathesis", "hypothesis", "jsonschema",
)  # fmt: skip
_RELATED_PACKAGES = ("pytest-xdist", "pytest-asyncio", "anyio", "bctrl", "requests")
_SKIPPED_FOLDERS = frozenset({".git", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__", "site-packages"})
State = Literal["ok", "note", "wrong", "unknown"]
_MARKS: Mapping[State, str] = {"ok": " ", "note": "-", "wrong": "!", "unknown": "?"}
EXAMPLES = ("pytest-bctrl doctor --offline", "pytest-bctrl doctor --contract published --format json")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report: its topic, text, state, and a hint how to fix it.

    The state is `unknown` if it could not be checked. `command` is the next step if nothing is wrong.
    """

    topic: str
    text: str
    state: State = "ok"
    hint: str = ""
    command: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--offline", action="store_true", help="send no request to the target")
    parser.add_argument(
        "--contract",
        metavar="DOCUMENT",
        help="explain an OpenAPI document instead: which operations are checked, and which settings the others need",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: %(default)s")
    parser.add_argument(
        "arguments", nargs="*", metavar="-- ARGUMENT", help="arguments of pytest with which to read the settings"
    )


def run(options: argparse.Namespace) -> int:
    """Print the report; returns 2 if something could not be checked, else 1 if something is wrong, else 0."""
    diagnosis = _diagnose_project if options.contract is None else _explain_document
    lines = list(diagnosis(options, os.environ))
    states = {line.state for line in lines}
    code = 0
    if "unknown" in states:
        code = 2
    elif "wrong" in states:
        code = 1
    if "next" not in {line.topic for line in lines}:
        lines.append(Line("next", _next_step(lines)))
    if options.format == "json":
        rows = [{"topic": line.topic, "state": line.state, "text": line.text, "fix": line.hint} for line in lines]
        sys.stdout.write(escape_json(json.dumps({"exit_code": code, "lines": rows}, indent=2)) + "\n")
    else:
        for line in lines:
            if line.topic in ("paste", "overlay"):
                print(escape_line(f"  {line.topic:<10} {line.hint}:\n".rstrip()) + "\n")
                print(escape_lines(f"{line.text}\n"))
                continue
            print(escape_line(f"{_MARKS[line.state]} {line.topic:<10} {line.text}"))
            if line.hint:
                print(escape_line(f"  {'':<11}fix: {line.hint}"))
    return code


def _diagnose_project(options: argparse.Namespace, environment: Mapping[str, str]) -> Iterator[Line]:
    """Yield the lines about the project: packages, settings, contract, target and recordings."""
    yield from _installed()
    try:
        config = read_config(options.arguments)
    except BctrlError as error:
        yield _error_line("settings", error, "unknown")
        return
    secret_settings.add_secrets(options.redact, config, environment)
    try:
        in_force = contract_of_config(config)
        contract = in_force.load()
    except BctrlError as error:
        yield from _setting_lines(config, environment)
        yield _error_line("contract", error, "unknown")
        return
    yield from _setting_lines(config, environment, has_space=contract.has_space)
    yield from _contract_lines(in_force, contract)
    if not in_force.is_packaged:
        summary = _summary(config, in_force, contract, environment)
        if isinstance(summary, Line):
            yield summary
        else:
            yield from _summary_lines(summary, options)
            yield from _overlay_lines(contract, summary, shown_path(in_force.path))
    yield _target_line(config, ContractRun("live", contract, chosen=in_force, max_examples=1), environment, options)
    yield from _recording_lines(config, contract, environment)


def _explain_document(options: argparse.Namespace, environment: Mapping[str, str]) -> Iterator[Line]:
    """Yield the lines about one document: its operations, what they need, and the lines to paste."""
    try:
        config = read_config(options.arguments)
        secret_settings.add_secrets(options.redact, config, environment)
        in_force = contract_in_force(options.contract, config.rootpath, "--contract")
        in_force = with_security_settings(in_force, config)
        contract = in_force.load()
    except BctrlError as error:
        yield _error_line("contract", error, "unknown")
        return
    yield from _contract_lines(in_force, contract)
    summary = _summary(config, in_force, contract, environment)
    if isinstance(summary, Line):
        yield summary
        return
    yield from _summary_lines(summary, options)
    yield from _overlay_lines(contract, summary, options.contract)
    pasted = "\n".join(_lines_to_paste(options.contract, in_force.key_prefix, contract, summary))
    yield Line(
        "paste", pasted, hint="into pytest.ini (pytest-bctrl init adds them to the configuration of the project)"
    )
    option = shlex.join([f"--bctrl-contract={options.contract}", *options.arguments])
    live = f"{summary.variables}pytest --bctrl-live {option} bctrl"
    yield Line("next", f"pytest --bctrl-mock {option} bctrl  # checks the mock; {live} checks the API")


def _summary(
    config: pytest.Config, in_force: ContractInForce, contract: Contract, environment: Mapping[str, str]
) -> ContractSummary | Line:
    """Return the summary of a contract under the project's settings, or the line about a wrong setting."""
    try:
        configured = values(config, environment)
        space_id = lookup.find_value(table.SPACE_ID, config, environment)
        require_parameters(contract, configured)
        if contract.has_space and space_id is not None:
            configured = {SPACE_ID: space_id.value, **configured}
        run = with_credentials(ContractRun("live", contract, values=configured, chosen=in_force), config, environment)
        return summarise(replace(run, connection=connection(config, environment)))
    except BctrlError as error:
        return _error_line("setting", error)


def _summary_lines(summary: ContractSummary, options: argparse.Namespace) -> Iterator[Line]:
    """Yield the lines about what a live run checks; JSON output has no limit on their number."""
    limit = {} if options.format == "text" else {"limit": None}
    for line in summary_lines(summary, **limit):
        yield Line(line.topic, line.text, "note" if line.is_gap else "ok")


def _overlay_lines(contract: Contract, summary: ContractSummary, document: str) -> Iterator[Line]:
    """Yield the line with the overlay that applies the security of a document, and with what to do with it."""
    if summary.unapplied is None or not summary.unapplied.schemes:
        return
    overlay, scheme = SecurityOverlay(summary.unapplied, document), summary.unapplied.scheme
    if scheme and not overlay.merged(contract.document):
        yield Line("key", f"no overlay is suggested: the kit cannot send a key by the scheme {scheme}", "note")
        return
    hint = f"save it as {overlay.path}, set bctrl_contract = {overlay.contract_path}, and run {overlay.command}"
    if scheme:
        hint += f" (in a new project, {shlex.join(['pytest-bctrl', 'init', document])} does that)"
    yield Line("overlay", overlay.text, "note", hint)


def _lines_to_paste(name: str, key_prefix: str, contract: Contract, summary: ContractSummary) -> Iterator[str]:
    """Yield the lines of a pytest.ini for live runs with a contract, in which users replace `VALUE` and `…`."""
    yield "[pytest]"
    yield f"bctrl_contract = {name}"
    if key_prefix:
        yield f"bctrl_key_prefix = {key_prefix.strip()}"
    elif has_bare_key(summary):
        yield "# if the API expects a word in front of the key: bctrl_key_prefix = Token"
    if not has_server(contract):
        yield "bctrl_base_url = …"
    lines = value_lines(summary)
    if lines:
        yield "bctrl_values ="
    yield from (f"  {line}" for line in lines)


def _installed() -> Iterator[Line]:
    """Yield the lines about Python and the installed packages."""
    yield Line("python", f"{sys.version.split()[0]} at {sys.executable}")
    yield Line("installed", ", ".join(f"{name} {_version(name)}" for name in _REQUIRED_PACKAGES))
    related = [f"{name} {_version(name)}" for name in _RELATED_PACKAGES if _version(name)]
    if related:  # pragma: no branch - the tests install some of them
        yield Line("related", ", ".join(related))


def _version(name: str) -> str:
    """Return the installed version of a package; empty if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _setting_lines(config: pytest.Config, environment: Mapping[str, str], *, has_space: bool = True) -> Iterator[Line]:
    """Yield the lines about settings: ini file, key, those with a default, levels, and a line per wrong setting.

    `has_space` is whether the contract has a parameter for the space id.
    """
    yield Line("ini", str(config.inipath or "none"))
    key_state = "set" if Secret(environment.get(KEY_VARIABLE, "")) else "not set"
    yield Line("setting", f"key: {key_state} ({KEY_VARIABLE})")
    defaults = []
    for setting in [setting for setting in table.SETTINGS if setting.default]:
        name = setting.ini.removeprefix("bctrl_")
        explicit = lookup.find_value(setting, config, environment)
        if explicit is not None:
            source = explicit.where
            if source.startswith("--"):
                source += ", command line or addopts"
            yield Line("setting", f"{name}: {_without_credentials(explicit.value)} ({source})")
        elif has_space or setting is not table.SPACE_ID:
            defaults.append(f"{name}: {setting.default}")
    yield Line("defaults", "; ".join(defaults))
    for read in (
        settings.fail_on,
        settings.max_examples,
        settings.record_mode,
        settings.upstream,
        secret_settings.require_secrets,
    ):
        try:
            read(config, environment)
        except BctrlError as error:
            yield _error_line("setting", error)
    try:
        for entry in settings.levels(config).entries:
            yield Line("setting", f"level of {entry.name}: {entry.level} ({entry.where})")
    except BctrlError as error:
        yield _error_line("setting", error)


def _error_line(topic: str, error: BctrlError, state: State = "wrong") -> Line:
    """Return the line about an error."""
    return Line(topic, f"{error.where}: {error.problem}", state, error.hint)


def _without_credentials(value: str) -> str:
    """Return a value with `://` or `@` without user, query and fragment, which may be secret; another one unchanged."""
    if "://" not in value and "@" not in value:
        return value
    head, mark, rest = value.rpartition("://")
    rest = rest.rpartition("@")[2]
    return f"{head}{mark}{rest.partition('?')[0].partition('#')[0]}"


def _contract_lines(in_force: ContractInForce, contract: Contract) -> Iterator[Line]:
    """Yield a line with title, path and overlay of the contract; more if it is out of date, or a folder is not used."""
    overlay = "no overlay"
    if in_force.overlay:
        overlay = f"overlay {in_force.overlay}"
    operations = numbered(len(contract.operations), "operation")
    title = f"{contract.title} {contract.version}, {operations}, digest {contract.short_digest}"
    yield Line("contract", f"{title}, {in_force.path} ({in_force.provenance}), {overlay}")
    if in_force.ignored is not None:
        hint = f"if it should be one, create it: {update_command(None, '--contracts', FOLDER)}"
        yield Line("contract", f"{in_force.ignored} is not used: it contains no contract of pytest-bctrl", "note", hint)
    if in_force.overlay is None or in_force.files is None:
        return
    try:
        is_built = merge_contract(in_force.files) == read_json(
            in_force.files.merged.read_text("utf-8"), str(in_force.files.merged)
        )
    except BctrlError as error:
        yield _error_line("contract", error)
        return
    if not is_built:
        hint = "pytest-bctrl contract build"
        if in_force.files.is_vendored:
            hint += f" --contracts {shown_path(in_force.files.folder)}"
        yield Line("contract", f"{in_force.path} is out of date: its spec or overlay has changed", "wrong", hint)


def _target_line(
    config: pytest.Config, run: ContractRun, environment: Mapping[str, str], options: argparse.Namespace
) -> Line:
    """Return the line about the target: its response, or why no request was sent."""
    has_key = bool(Secret(environment.get(KEY_VARIABLE, "")))
    has_space = lookup.find_value(table.SPACE_ID, config, environment) is not None
    try:
        required = required_variables(replace(run, values=values(config, environment)))
        if required and not has_key and not has_space:
            text = "no key is set (--bctrl-mock needs none)"
            if run.contract.has_space:
                text = "neither key nor space id is set (--bctrl-mock needs neither)"
            names = " and ".join(variable.partition("=")[0] for variable in required.split())
            command = f"pytest --bctrl-mock bctrl  # with {names} set: pytest --bctrl-live bctrl"
            return Line("target", f"no request sent: {text}", "note", command=command)
        run = with_live_target(run, config, environment)
        if options.offline:
            return Line("target", f"{run.base_url}: no request sent (--offline)", "note")
        return probe(run, options.redact)
    except BctrlError as error:
        return _error_line("target", error)


def probe(run: ContractRun, redact: Callable[[str], str] = str, timeout: float | None = None) -> Line:
    """Return a line about the response to one request, of an operation whose parameters have values.

    `redact` removes secrets from the line.
    """
    # These load httpx, which a diagnosis without a request does not need.
    from pytest_bctrl.suite.sending.target import Target
    from pytest_bctrl.suite.sending.transport_errors import NoAnswerError
    from pytest_bctrl.traffic.client import TIMEOUT

    operations = requestable_operations(run)
    if not operations:
        reason = reason_not_requested(run, main_operation(run.contract))
        return Line("target", f"{run.base_url}: no request sent: {reason}", "note", command="pytest --bctrl-mock bctrl")
    operation = main_operation(replace(run.contract, operations=tuple(operations)))
    run = replace(run, contract=replace(run.contract, operations=(operation,)))
    target = Target(run, RetryPolicy(attempts=1), TIMEOUT if timeout is None else timeout, max_parallel=1)
    try:
        status = target.plain_exchange(operation).response.status
        if status < 300:
            return Line("target", f"{run.base_url} responds: {status}")
        text, hint, is_known = f"the server fails: {status}", "try again later, or contact its operators", True
    except NoAnswerError as error:
        text, _, hint = redact(error.finding.message).partition("; ")
        is_known = error.finding.observed != "none"
        if not hint:
            text = f"it responds with {error.finding.observed}: {text}"
    finally:
        target.close()
    state: State = "wrong" if is_known else "unknown"
    return Line("target", f"{run.base_url}: {text}", state, hint or "inspect the response with curl -i")


def _recording_lines(config: pytest.Config, contract: Contract, environment: Mapping[str, str]) -> Iterator[Line]:
    """Yield lines about recordings: their number, unreadable ones, and those of another contract."""
    files = sorted(_recording_files(config, environment))
    broken, stale = [], []
    for path in files:
        try:
            recording = load_recording(path)
        except BctrlError as error:
            broken.append(_error_line("recordings", error))
            continue
        exchanges = recording.exchanges if recording else ()
        if any(exchange.contract not in ("", contract.digest) for exchange in exchanges):
            stale.append(path)
    if not files:
        hint = "pytest --bctrl-record-mode=once records the tests marked bctrl_recording"
        yield Line("recordings", "none", "note", hint)
        return
    yield Line("recordings", f"{len(files)} found, {len(stale)} of another contract, {len(broken)} unreadable")
    yield from broken
    for path in stale:
        hint = "pytest checks it against this contract; --bctrl-record-mode=rewrite records it again"
        yield Line("recordings", f"{path} was recorded under another contract", "note", hint)


def _recording_files(config: pytest.Config, environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the recordings of the project: all in the configured folder, else those in folders named `recordings`."""
    folder_setting = lookup.find_value(table.RECORDINGS, config, environment)
    if folder_setting is not None:
        yield from Path(config.rootpath, folder_setting.value).rglob("*.har")
        return
    for folder, names, files in os.walk(config.rootpath):
        names[:] = [name for name in names if name not in _SKIPPED_FOLDERS]
        if "recordings" in Path(folder).relative_to(config.rootpath).parts:
            yield from (Path(folder, name) for name in files if name.endswith(".har"))


def _next_step(lines: Sequence[Line]) -> str:
    """Return the next command: run the suite, or this command again after the first problem is fixed."""
    for state in ("unknown", "wrong"):
        for line in lines:
            if line.state == state:
                return f"pytest-bctrl doctor  # first fix {line.topic}: {line.hint}"
    topics = {line.topic: line for line in lines}
    return topics["target"].command or "pytest --bctrl-live bctrl"
