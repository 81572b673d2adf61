"""Reads traffic that was kept, in files of any kind, and places what changed by it (`drift --observed`)."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pytest_bctrl.baseline.allowlist import FILE, accepted, list_notes, load_allow_list
from pytest_bctrl.checks.response import response_from as response_from_body
from pytest_bctrl.checks.strict_json import parse
from pytest_bctrl.contract.build import contract_with_overlay
from pytest_bctrl.contract.document import Document
from pytest_bctrl.contract.in_force import ContractInForce
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import BctrlError, DocumentError, SettingError
from pytest_bctrl.files.limits import read_file, read_stream
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.facts import Observation, from_data
from pytest_bctrl.observed.witnesses import next_steps, place
from pytest_bctrl.recorded.conform import response_from
from pytest_bctrl.traffic.recordings.exchange import Recording
from pytest_bctrl.traffic.recordings.har_file import attachments_beside
from pytest_bctrl.traffic.recordings.har_file import load as load_recording
from pytest_bctrl.traffic.recordings.har_read import decode, no_attachments

_KINDS = "an observation or a JSON report that holds one, a recording, a HAR file, a JSON body"
_HINT = f"give {_KINDS}, or - for standard input"


def name_of(path: str) -> str:
    """What errors and reports call a file that was named on the command line."""
    return "standard input" if path == "-" else path


def opened(path: str, hint: str = _HINT) -> Recording | bytes:
    """Return the recording that a file or, for `-`, standard input holds, or the bytes of what is none.

    A HAR is known by its name or by its `log`, which no documented body begins with. Raises `DocumentError`, with
    `hint`, for what cannot be read or is empty.
    """
    file = None if path == "-" else Path(path)
    if file is not None and file.suffix.lower() in (".har", ".zip"):
        recording = load_recording(file)
        if recording is None:
            raise DocumentError("there is no such file", where=path, hint="name a file or a folder that exists")
        return recording
    try:
        data = read_stream(sys.stdin.buffer) if file is None else read_file(file)
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise DocumentError(f"it cannot be read: {cause}", where=name_of(path), hint=hint) from None
    if not data.strip():
        raise DocumentError("it is empty", where=name_of(path), hint=hint)
    if re.match(rb'(?:\xef\xbb\xbf)?\s*\{\s*"log"', data):
        attachments = no_attachments if file is None else attachments_beside(file)
        return decode(data, name_of(path), attachments=attachments)
    return data


def read_traffic(paths: Sequence[str], contract: Contract) -> tuple[Observation, bool]:
    """Return what was seen in all the files together, and whether any of them holds the bodies themselves.

    Raises `DocumentError`, naming the file, for one that cannot be read, is of another kind, or shows nothing of the
    contract's operations.
    """
    everything = Observation()
    has_bodies = False
    labels = {operation.label for operation in contract.operations}
    for path in paths:
        found = opened(path)
        seen = None if isinstance(found, Recording) else _kept(found, name_of(path))
        has_bodies = has_bodies or seen is None
        seen = _observed(found, name_of(path), contract) if seen is None else seen
        if not any(label in labels for label, _ in seen.statuses):
            problem = "nothing in it answers an operation of the contract"
            raise DocumentError(problem, where=name_of(path), hint=_HINT)
        everything.add(seen)
    return everything, has_bodies


def _observed(found: Recording | bytes, name: str, contract: Contract) -> Observation:
    """What the answers of a recording, or a body alone, show."""
    seen = Observation()
    try:
        responses = (
            [response_from_body(found, contract)]
            if isinstance(found, bytes)
            else [response_from(exchange, contract) for exchange in found.exchanges]
        )
    except BctrlError as error:
        raise DocumentError(error.problem, where=name, hint="give a recording: it names what was asked") from None
    for response in filter(None, responses):
        seen.add(response.observed)
    return seen


def _kept(data: bytes, name: str) -> Observation | None:
    """The observation that JSON is, or that the report holds which it is; None for a body."""
    parsed = parse(data)
    if not parsed.ok:
        raise DocumentError(f"{parsed.problems[0]}: it is not traffic", where=name, hint=_HINT)
    value = parsed.value if isinstance(parsed.value, dict) else {}
    if {"version", "tool", "findings"} <= value.keys():
        value = _of_report(value, name)
    elif not {"version", "places", "statuses"} <= value.keys():
        if "openapi" in value or "swagger" in value:
            hint = "pytest-bctrl drift takes it as UPSTREAM"
            raise DocumentError("it is a spec, and no traffic", where=name, hint=hint)
        return None
    try:
        return from_data(value)
    except DocumentError as error:
        raise DocumentError(error.problem, where=name, hint=error.hint) from None


def _of_report(report: Mapping[str, Any], name: str) -> dict[str, Any]:
    if report.get("target") == "mock":
        raise DocumentError(
            "the report is of a run against the mock, which answers by the contract and says nothing about the API",
            where=name,
            hint="give the report of a run with --bctrl-live",
        )
    found = report.get("observation")
    if not isinstance(found, dict):
        raise DocumentError(
            "the report holds no observation",
            where=name,
            hint="pytest --bctrl-live --bctrl-report=FILE.json writes one that does",
        )
    return found


def placed(
    arguments: argparse.Namespace,
    old: Document,
    new: Document,
    changes: Sequence[Finding],
    today: date,
    chosen: ContractInForce | None,
) -> tuple[list[Finding], list[str]]:
    """Return what changed and what was seen, each with who moved, and remarks on the list of accepted findings.

    `chosen` is the contract in force, None where `--base` was given.
    Raises `BctrlError` where the traffic cannot be read, or upstream cannot be held to it.
    """
    if arguments.accept is not None:
        raise SettingError(
            "it accepts changes of the documents alone",
            where="--accept, with --observed",
            hint='leave --observed out; what was seen is accepted by: pytest-bctrl check FILE --accept "why"',
        )
    if [arguments.upstream, arguments.base, *arguments.observed].count("-") > 1:
        raise SettingError("standard input can be only one of them", where="-", hint="give paths for the others")
    vendored = chosen.load() if chosen else from_document(old.data, old.name)
    upstream = contract_with_overlay(new, chosen.overlay if chosen else None)
    observation, has_bodies = read_traffic(arguments.observed, vendored)
    next_ = commands(arguments.upstream, arguments.base, arguments.observed, chosen, has_bodies=has_bodies)
    found = place(vendored, upstream, observation, changes, next_)
    known = load_allow_list(Path(FILE), FILE)
    seen = [finding for finding in found if "revision" not in finding.extra]
    return [accepted(finding, known, today) for finding in found], list_notes(seen, known, today)


def commands(
    upstream: str | None,
    base: str | None,
    observed: Sequence[str],
    chosen: ContractInForce | None,
    *,
    has_bodies: bool,
) -> Mapping[str, str]:
    """Return the command to type next for each name; each works as it is printed, in the same folder.

    `chosen` is the contract in force, None where another `base` was given.
    """
    source = [] if upstream is None else [upstream]
    sides = source if base is None else [*source, "--base", base]
    again = shlex.join(["pytest-bctrl", "drift", *sides, *(part for path in observed for part in ("--observed", path))])
    suggest = shlex.join(["pytest-bctrl", "contract", "suggest", *observed, "--output", "suggested.overlay.yaml"])
    update = chosen.update_command(upstream) if chosen else shlex.join(["pytest-bctrl", "drift", *sides])
    check = shlex.join(["pytest-bctrl", "check", *observed]) if has_bodies else suggest
    return next_steps(check, suggest, update, again)
