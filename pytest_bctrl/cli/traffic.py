"""Reads saved traffic from files, and finds the cause of each change with it (`drift --observed`)."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.response import response_from as response_from_body
from pytest_bctrl.checks.strict_json import parse
from pytest_bctrl.contract.build import contract_with_overlay
from pytest_bctrl.contract.document import Document
from pytest_bctrl.contract.in_force import ContractInForce
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.drift.sources import source_name
from pytest_bctrl.errors import BctrlError, DocumentError, SettingError
from pytest_bctrl.files.limits import read_file, read_stream
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.attribution import attribute_changes, next_steps
from pytest_bctrl.observed.facts import Observation, from_data
from pytest_bctrl.recorded.conform import response_from
from pytest_bctrl.traffic.recordings.har_file import Attachments
from pytest_bctrl.traffic.recordings.har_file import load as load_recording
from pytest_bctrl.traffic.recordings.har_read import decode, no_attachments
from pytest_bctrl.traffic.recordings.har_write import Recording

_KINDS = "an observation or a JSON report that contains one, a recording, a HAR file, a JSON body"
_HINT = f"give {_KINDS}, or - for standard input"


def open_traffic(path: str, hint: str = _HINT) -> Recording | bytes:
    """Return the recording in a file or standard input (`-`); other content is returned as bytes.

    A HAR is recognised by its suffix or by its `log` member, with which no documented body begins. Raises
    `DocumentError`, with `hint`, if the file cannot be read or is empty.
    """
    file = None if path == "-" else Path(path)
    if file is not None and file.suffix.lower() == ".har":
        recording = load_recording(file)
        if recording is None:
            raise DocumentError("the file does not exist", where=path, hint="name a file or a folder that exists")
        return recording
    try:
        data = read_stream(sys.stdin.buffer) if file is None else read_file(file)
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise DocumentError(f"it cannot be read: {cause}", where=source_name(path), hint=hint) from None
    if not data.strip():
        raise DocumentError("it is empty", where=source_name(path), hint=hint)
    if data.startswith(b"PK\x03\x04"):
        raise DocumentError("it is a zip archive", where=source_name(path), hint="unpack it, and name the .har file")
    if re.match(rb'(?:\xef\xbb\xbf)?\s*\{\s*"log"', data):
        attachments = no_attachments if file is None else Attachments(file)
        return decode(data, source_name(path), attachments=attachments)
    return data


def read_traffic(paths: Sequence[str], contract: Contract) -> tuple[Observation, bool]:
    """Return the observation of all files, and whether any of them has response bodies.

    Raises `DocumentError`, naming the file, if it cannot be read, is of another kind, or has no response of the
    contract's operations.
    """
    total = Observation()
    has_bodies = False
    labels = {operation.label for operation in contract.operations}
    for path in paths:
        content, name = open_traffic(path), source_name(path)
        observation = None
        if isinstance(content, bytes):
            observation = _saved_observation(content, name)
        if observation is None:
            has_bodies = True
            observation = _observe(content, name, contract)
        if not any(label in labels for label, _ in observation.statuses):
            problem = "no response of an operation of the contract"
            raise DocumentError(problem, where=name, hint=_HINT)
        total.add(observation)
    return total, has_bodies


def _observe(content: Recording | bytes, name: str, contract: Contract) -> Observation:
    """Return the observation of a recording's responses, or of a single body. Raises `DocumentError`."""
    responses: list[Response | None]
    try:
        if isinstance(content, bytes):
            responses = [response_from_body(content, contract)]
        else:
            responses = [response_from(exchange, contract) for exchange in content.exchanges]
    except BctrlError as error:
        hint = "give a recording, which has the request too"
        raise DocumentError(error.problem, where=name, hint=hint) from None
    observation = Observation()
    for response in filter(None, responses):
        observation.add(response.observed)
    return observation


def _saved_observation(data: bytes, name: str) -> Observation | None:
    """Return the observation in JSON data, which may be inside a report; None if the data is a body.

    Raises `DocumentError` for data that is not JSON, for a spec, and for a report without an observation.
    """
    parsed = parse(data)
    if not parsed.ok:
        raise DocumentError(f"{parsed.problems[0]}: it is not traffic", where=name, hint=_HINT)
    value = parsed.value if isinstance(parsed.value, dict) else {}
    if {"version", "tool", "findings"} <= value.keys():
        value = _report_observation(value, name)
    elif not {"version", "places", "statuses"} <= value.keys():
        if "openapi" in value or "swagger" in value:
            hint = "give it to pytest-bctrl drift as UPSTREAM"
            raise DocumentError("it is a spec, not traffic", where=name, hint=hint)
        return None
    try:
        return from_data(value)
    except DocumentError as error:
        raise DocumentError(error.problem, where=name, hint=error.hint) from None


def _report_observation(report: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the observation in a report. Raises `DocumentError` if it has none, or is of a run against the mock."""
    if report.get("target") == "mock":
        raise DocumentError(
            "the report is of a run against the mock, which follows the contract and shows nothing about the API",
            where=name,
            hint="give the report of a run with --bctrl-live",
        )
    observation = report.get("observation")
    if not isinstance(observation, dict):
        raise DocumentError(
            "the report has no observation",
            where=name,
            hint="pytest --bctrl-live --bctrl-report=FILE.json writes one",
        )
    return observation


def attributed_findings(
    arguments: argparse.Namespace,
    old: Document,
    new: Document,
    changes: Sequence[Finding],
    in_force: ContractInForce | None,
) -> list[Finding]:
    """Return the changes and the findings in traffic, each with its cause attributed.

    `in_force` is the contract in force; None if `--base` was given. Raises `BctrlError` if the traffic cannot be read
    or compared with upstream.
    """
    if arguments.accept is not None:
        raise SettingError(
            "it accepts only changes of the documents",
            where="--accept, with --observed",
            hint='omit --observed; to accept findings in traffic: pytest-bctrl check FILE --accept "why"',
        )
    if [arguments.upstream, arguments.base, *arguments.observed].count("-") > 1:
        raise SettingError("only one of them can be standard input", where="-", hint="give paths for the others")
    if in_force is None:
        vendored, overlay = from_document(old.data, old.name), None
    else:
        vendored, overlay = in_force.load(), in_force.overlay
    upstream = contract_with_overlay(new, overlay)
    observation, has_bodies = read_traffic(arguments.observed, vendored)
    next_commands = commands_to_run(
        arguments.upstream, arguments.base, arguments.observed, in_force, has_bodies=has_bodies
    )
    return attribute_changes(vendored, upstream, observation, changes, next_commands)


def commands_to_run(
    upstream: str | None,
    base: str | None,
    observed: Sequence[str],
    in_force: ContractInForce | None,
    *,
    has_bodies: bool,
) -> Mapping[str, str]:
    """Return the command to run next for each attribution, ready to paste into a shell in the same folder.

    `in_force` is the contract in force; None if another `base` was given.
    """
    drift = ["pytest-bctrl", "drift"]
    if upstream is not None:
        drift.append(upstream)
    if base is not None:
        drift += ["--base", base]
    again = shlex.join([*drift, *(part for path in observed for part in ("--observed", path))])
    suggest = shlex.join(["pytest-bctrl", "contract", "suggest", *observed, "--output", "suggested.overlay.yaml"])
    update = in_force.update_command(upstream) if in_force else shlex.join(drift)
    check = suggest
    if has_bodies:
        check = shlex.join(["pytest-bctrl", "check", *observed])
    return next_steps(check, suggest, update, again)
