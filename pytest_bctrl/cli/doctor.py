"""`pytest-bctrl doctor`: what is installed, what is set and where, whether the target answers, what to do next."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import pytest

from pytest_bctrl.cli.project import read_config
from pytest_bctrl.contract.build import merge_contract
from pytest_bctrl.contract.files import shown_path, update_command
from pytest_bctrl.contract.in_force import ContractInForce, contract_of_config
from pytest_bctrl.contract.json_source import read_json
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.escaping import escape_json, escape_line
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.samples.inputs import main_operation
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.suite.run import INSTALL, ContractRun, aimed
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.suite.sending.transport_errors import NoAnswerError
from pytest_bctrl.traffic.client import TIMEOUT
from pytest_bctrl.traffic.recordings.har_file import load as load_recording
from pytest_bctrl.traffic.retry import RetryPolicy

_BASE = ("pytest-bctrl", "pytest", "httpx", "jsonschema-rs", "PyYAML", "httptools")
_EXTRA = ("schemathesis", "hypothesis")
_BESIDE = ("pytest-xdist", "pytest-asyncio", "anyio", "bctrl", "requests")
_PASSED_OVER = frozenset({".git", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__", "site-packages"})
State = Literal["ok", "note", "wrong", "unknown"]
_MARKS: Mapping[State, str] = {"ok": " ", "note": "-", "wrong": "!", "unknown": "?"}
EXAMPLES = ("pytest-bctrl doctor --offline", "pytest-bctrl doctor --offline --format json")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is reported: its topic, its words, whether it is as it should be, and what would fix it.

    `unknown` stands for what could not be checked.
    """

    topic: str
    text: str
    state: State = "ok"
    hint: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--offline", action="store_true", help="send nothing: do not ask the target")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: %(default)s")
    parser.add_argument(
        "arguments", nargs="*", metavar="-- ARGUMENT", help="read the settings as for pytest with these"
    )


def run(options: argparse.Namespace) -> int:
    """Report everything; 0 where all is well, 1 where something is wrong, 2 where something could not be checked."""
    lines = list(_diagnosis(options, os.environ))
    states = {line.state for line in lines}
    code = 2 if "unknown" in states else 1 if "wrong" in states else 0
    lines.append(Line("next", _next(lines)))
    if options.format == "json":
        told = [{"topic": one.topic, "state": one.state, "text": one.text, "fix": one.hint} for one in lines]
        sys.stdout.write(escape_json(json.dumps({"exit_code": code, "lines": told}, indent=2)) + "\n")
    else:
        for line in lines:
            print(escape_line(f"{_MARKS[line.state]} {line.topic:<11}{line.text}"))
            if line.hint:
                print(escape_line(f"  {'':<11}fix: {line.hint}"))
    return code


def _diagnosis(options: argparse.Namespace, environment: Mapping[str, str]) -> Iterator[Line]:
    yield from _installed()
    try:
        config = read_config(options.arguments)
    except BctrlError as error:
        yield _of_error("settings", error, "unknown")
        return
    settings.add_secrets(options.redact, config, environment)
    yield from _settings(config, environment)
    try:
        chosen = contract_of_config(config)
        contract = chosen.load()
    except BctrlError as error:
        yield _of_error("contract", error, "unknown")
        return
    yield from _contract(chosen, contract)
    yield _target(config, contract, environment, options)
    yield from _recordings(config, contract, environment)


def _installed() -> Iterator[Line]:
    yield Line("python", f"{sys.version.split()[0]} at {sys.executable}")
    yield Line("installed", ", ".join(f"{name} {_version(name)}" for name in _BASE))
    missing = [name for name in _EXTRA if not _version(name)]
    if missing:  # pragma: no cover - tests/base_install is without the extra
        yield Line(
            "extra", f"{' and '.join(missing)} missing: fixtures work, the contract suite does not", "note", INSTALL
        )
    else:
        yield Line("extra", ", ".join(f"{name} {_version(name)}" for name in _EXTRA if _version(name)))
    beside = [f"{name} {_version(name)}" for name in _BESIDE if _version(name)]
    if beside:  # pragma: no branch - some stand beside it wherever its own tests run
        yield Line("beside", ", ".join(beside))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _settings(config: pytest.Config, environment: Mapping[str, str]) -> Iterator[Line]:
    yield Line("ini", str(config.inipath) if config.inipath else "no ini file is in force here")
    is_set = bool(environment.get(settings.KEY_VARIABLE))
    yield Line("setting", f"key: {'set' if is_set else 'not set'} ({settings.KEY_VARIABLE})")
    for setting in (one for one in settings.SETTINGS if one.default):
        found = settings.given(setting, config, environment)
        name = setting.ini.removeprefix("bctrl_")
        if found is None:
            yield Line("setting", f"{name}: {setting.default} (default)")
        else:
            by = ", command line or addopts" if found.where.startswith("--") else ""
            yield Line("setting", f"{name}: {_plain(found.value)} ({found.where}{by})")
    for read in (
        settings.fail_on,
        settings.max_examples,
        settings.record_mode,
        settings.upstream,
        settings.require_secrets,
    ):
        try:
            read(config, environment)
        except BctrlError as error:
            yield _of_error("setting", error)
    try:
        for entry in settings.levels(config).entries:
            yield Line("setting", f"level of {entry.name}: {entry.level} ({entry.where})")
    except BctrlError as error:
        yield _of_error("setting", error)


def _of_error(topic: str, error: BctrlError, state: State = "wrong") -> Line:
    return Line(topic, f"{error.where}: {error.problem}", state, error.hint)


def _plain(value: str) -> str:
    """The value without what may be a password or a token: the user, the query and the fragment of a URL."""
    if "://" not in value and "@" not in value:
        return value
    head, mark, rest = value.rpartition("://")
    rest = rest.rpartition("@")[2]
    return f"{head}{mark}{rest.partition('?')[0].partition('#')[0]}"


def _contract(chosen: ContractInForce, contract: Contract) -> Iterator[Line]:
    overlay = f"overlay {chosen.overlay}" if chosen.overlay else "no overlay"
    operations = numbered(len(contract.operations), "operation")
    title = f"{contract.title} {contract.version}, {operations}, digest {contract.short_digest}"
    yield Line("contract", f"{title}, {chosen.path} ({chosen.provenance}), {overlay}")
    if chosen.ignored is not None:
        hint = f"nothing, where it is not meant to be one; else write one there: {update_command(None)}"
        yield Line("contract", f"{chosen.ignored} is not used: it holds no contract of pytest-bctrl", "note", hint)
    if chosen.overlay is None or chosen.files is None:
        return
    try:
        is_built = merge_contract(chosen.files) == read_json(
            chosen.files.merged.read_text("utf-8"), str(chosen.files.merged)
        )
    except BctrlError as error:
        yield _of_error("contract", error)
        return
    if not is_built:
        folder = shown_path(chosen.files.folder)
        hint = f"pytest-bctrl contract build --contracts {folder}"
        yield Line("contract", f"{chosen.path} is not what its spec and its overlay give", "wrong", hint)


def _target(
    config: pytest.Config, contract: Contract, environment: Mapping[str, str], options: argparse.Namespace
) -> Line:
    has_key = bool(environment.get(settings.KEY_VARIABLE))
    has_space = settings.given(settings.SPACE_ID, config, environment) is not None
    if not has_key and not has_space:
        return Line("target", "not asked: neither key nor space id is set, and the mock needs none", "note")
    try:
        run = aimed(ContractRun("live", contract, max_examples=1), config, environment)
        if options.offline:
            return Line("target", f"{run.base_url}: not asked, as --offline says", "note")
        return probe(run, options.redact)
    except BctrlError as error:
        return _of_error("target", error)


def probe(run: ContractRun, redact: Callable[[str], str] = str, timeout: float = TIMEOUT) -> Line:
    """Send one GET with the key, and say what came of it; `redact` removes secrets from what the target says."""
    target = Target(run, RetryPolicy(attempts=1), timeout, at_once=1)
    try:
        status = target.first(main_operation(run.contract)).response.status
        if status < 300:
            return Line("target", f"{run.base_url} answers: {status}")
        text, hint, is_known = f"the server fails: {status}", "try again later, or ask those who run it", True
    except NoAnswerError as error:
        text, _, hint = redact(error.finding.message).partition("; ")
        is_known = error.finding.observed != "none"
        text = text if hint else f"it answers {error.finding.observed}: {text}"
    finally:
        target.close()
    state: State = "wrong" if is_known else "unknown"
    return Line("target", f"{run.base_url}: {text}", state, hint or "see what it says with curl -i")


def _recordings(config: pytest.Config, contract: Contract, environment: Mapping[str, str]) -> Iterator[Line]:
    files = sorted(_files(config, environment))
    broken, stale = [], []
    for path in files:
        try:
            recording = load_recording(path)
        except BctrlError as error:
            broken.append(_of_error("recordings", error))
            continue
        digests = {exchange.contract for exchange in recording.exchanges if exchange.contract} if recording else set()
        if digests - {contract.digest}:
            stale.append(path)
    if not files:
        hint = "pytest --bctrl-record-mode=once records the tests marked bctrl_recording"
        yield Line("recordings", "none", "note", hint)
        return
    yield Line(
        "recordings", f"{len(files)} in all, {len(stale)} of another contract, {len(broken)} that cannot be read"
    )
    yield from broken
    for path in stale:
        hint = "pytest checks it against this one; --bctrl-record-mode=rewrite records it again"
        yield Line("recordings", f"{path} was recorded under another contract", "note", hint)


def _files(config: pytest.Config, environment: Mapping[str, str]) -> Iterator[Path]:
    found = settings.given(settings.RECORDINGS, config, environment)
    if found is not None:
        yield from Path(config.rootpath, found.value).rglob("*.har")
        return
    for folder, names, files in os.walk(config.rootpath):
        names[:] = [name for name in names if name not in _PASSED_OVER]
        if "recordings" in Path(folder).relative_to(config.rootpath).parts:
            yield from (Path(folder, name) for name in files if name.endswith(".har"))


def _next(lines: Sequence[Line]) -> str:
    for state in ("unknown", "wrong"):
        for line in lines:
            if line.state == state:
                return f"fix the first of these: {line.topic}: {line.hint}"
    topics = {line.topic: line for line in lines}
    if topics["extra"].state == "note":  # pragma: no cover - tests/base_install is without the extra
        return f"{INSTALL}, then pytest --bctrl-mock bctrl"
    if topics["target"].state == "note":
        return "pytest --bctrl-mock bctrl; with BCTRL_API_KEY and BCTRL_SPACE_ID set: pytest --bctrl-live bctrl"
    return "pytest --bctrl-live bctrl"
