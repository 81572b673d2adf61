"""Reads traffic that was kept, in files of any kind, and places what changed by it (`drift --observed`)."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from pytest_bctrl.baseline.allowlist import FILE, accepted, list_notes, load_allow_list
from pytest_bctrl.checks.answer import answer_of as answer_of_body
from pytest_bctrl.checks.strict_json import parse
from pytest_bctrl.contract.build import contract_of
from pytest_bctrl.contract.document import Document
from pytest_bctrl.contract.files import packaged, update_command
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.errors import BctrlError, DocumentError, SettingError
from pytest_bctrl.finding import Finding
from pytest_bctrl.incoming import read_file, read_stream
from pytest_bctrl.observed.facts import Observation, from_data
from pytest_bctrl.observed.witnesses import place
from pytest_bctrl.recorded.conform import answer_of
from pytest_bctrl.traffic.recordings.har_read import decode

HELP = "an observation or a JSON report that holds one, a recording, a HAR file, a JSON body, or - for standard input"

_MEND = f"give {HELP}"


def read_traffic(paths: Sequence[str], contract: Contract) -> tuple[Observation, bool]:
    """Return what was seen in all the files together, and whether any of them holds the bodies themselves.

    Raises `DocumentError`, naming the file, for one that cannot be read, is of another kind, or shows nothing of the
    contract's operations.
    """
    everything = Observation()
    has_bodies = False
    labels = {operation.label for operation in contract.operations}
    for path in paths:
        name = "standard input" if path == "-" else path
        seen, is_raw = _seen(_read(path, name), name, contract)
        if not any(label in labels for label, _ in seen.statuses):
            raise DocumentError("nothing in it answers an operation of the contract", where=name, mend=_MEND)
        has_bodies = has_bodies or is_raw
        everything.add(seen)
    return everything, has_bodies


def _read(path: str, name: str) -> bytes:
    try:
        data = read_stream(sys.stdin.buffer) if path == "-" else read_file(Path(path))
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise DocumentError(f"it cannot be read: {cause}", where=name, mend=_MEND) from None
    if not data.strip():
        raise DocumentError("it is empty", where=name, mend=_MEND)
    return data


def _seen(data: bytes, name: str, contract: Contract) -> tuple[Observation, bool]:
    if name.endswith(".har"):
        return _har(data, {}, name, contract)
    parsed = parse(data)
    if not parsed.ok:
        raise DocumentError(f"{parsed.problems[0]}: it is no traffic", where=name, mend=_MEND)
    for is_kind, read in _KINDS:
        if isinstance(parsed.value, dict) and is_kind(parsed.value):
            return read(data, parsed.value, name, contract)
    return _of_body(data, name, contract), True


_Read: TypeAlias = Callable[[bytes, Mapping[str, Any], str, Contract], tuple[Observation, bool]]


def _har(data: bytes, value: Mapping[str, Any], name: str, contract: Contract) -> tuple[Observation, bool]:
    seen = Observation()
    for exchange in decode(data, name).exchanges:
        answer = answer_of(exchange, contract)
        if answer is not None:
            seen.add(answer.observed)
    return seen, True


def _observation(data: bytes, value: Mapping[str, Any], name: str, contract: Contract) -> tuple[Observation, bool]:
    try:
        return from_data(value), False
    except DocumentError as error:
        raise DocumentError(error.problem, where=name, mend=error.mend) from None


def _report(data: bytes, value: Mapping[str, Any], name: str, contract: Contract) -> tuple[Observation, bool]:
    if value.get("target") == "mock":
        raise DocumentError(
            "the report is of a run against the mock, which answers by the contract and tells nothing of the API",
            where=name,
            mend="give the report of a run with --bctrl-live",
        )
    if not isinstance(value.get("observation"), dict):
        raise DocumentError(
            "the report holds no observation",
            where=name,
            mend="pytest --bctrl-live --bctrl-report=FILE.json writes one that does",
        )
    return _observation(data, value["observation"], name, contract)


def _spec(data: bytes, value: Mapping[str, Any], name: str, contract: Contract) -> tuple[Observation, bool]:
    raise DocumentError("it is a spec, and no traffic", where=name, mend="pytest-bctrl drift takes it as UPSTREAM")


_KINDS: tuple[tuple[Callable[[Mapping[str, Any]], bool], _Read], ...] = (
    (lambda value: "log" in value and isinstance(value["log"], dict), _har),
    (lambda value: {"version", "places", "statuses"} <= value.keys(), _observation),
    (lambda value: {"version", "tool", "findings"} <= value.keys(), _report),
    (lambda value: "openapi" in value or "swagger" in value, _spec),
)
"""How each kind of JSON file is told, and what reads it; anything else is a body."""


def _of_body(data: bytes, name: str, contract: Contract) -> Observation:
    try:
        answer = answer_of_body(data, contract)
    except BctrlError as error:
        raise DocumentError(error.problem, where=name, mend="give a recording: it names what was asked") from None
    return answer.observed


def placed(
    arguments: argparse.Namespace, old: Document, new: Document, changes: Sequence[Finding], today: date
) -> tuple[list[Finding], list[str]]:
    """Return what changed and what was seen, each with who moved, and remarks on the list of accepted findings.

    Raises `BctrlError` where the traffic cannot be read, or upstream cannot be held to it.
    """
    if arguments.accept is not None:
        raise SettingError(
            "it accepts changes of the documents alone",
            where="--accept, with --observed",
            mend='leave --observed out; what was seen is accepted by: pytest-bctrl check FILE --accept "why"',
        )
    if [arguments.upstream, arguments.base, *arguments.observed].count("-") > 1:
        raise SettingError("standard input can be only one of them", where="-", mend="give paths for the others")
    is_packaged = arguments.base is None
    vendored = load() if is_packaged else from_document(old.data, old.name)
    upstream = contract_of(new, packaged().overlay if is_packaged else None)
    observation, has_bodies = read_traffic(arguments.observed, vendored)
    next_ = commands(arguments.upstream, arguments.base, arguments.observed, has_bodies=has_bodies)
    found = [one.as_finding(next_[one.moved]) for one in place(vendored, upstream, observation, changes)]
    known = load_allow_list(Path(FILE), FILE)
    seen = [finding for finding in found if "revision" not in finding.extra]
    return [accepted(finding, known, today) for finding in found], list_notes(seen, known, today)


def commands(upstream: str | None, base: str | None, observed: Sequence[str], *, has_bodies: bool) -> Mapping[str, str]:
    """Return the command to type next for each name; each works as it is printed, in the same folder."""
    source = [] if upstream is None else [upstream]
    sides = source if base is None else [*source, "--base", base]
    again = shlex.join(["pytest-bctrl", "drift", *sides, *(part for path in observed for part in ("--observed", path))])
    suggest = shlex.join(["pytest-bctrl", "contract", "suggest", *observed, "--output", "suggested.overlay.yaml"])
    return {
        "the API broke its contract": shlex.join(["pytest-bctrl", "check", *observed]) if has_bodies else suggest,
        "the API is ahead of its documentation": suggest,
        "our copy is stale": update_command(upstream)
        if base is None
        else shlex.join(["pytest-bctrl", "drift", *sides]),
        "the documentation is ahead of the API": again,
        "not enough traffic to tell": again,
    }
