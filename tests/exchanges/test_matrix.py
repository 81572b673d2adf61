"""Each exchange of the catalogue gets the same findings at every entry point that can know its fault.

`UNKNOWN` lists what an entry point cannot know, and `DEFECTS` what it gets wrong today: a fix removes an entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.exchanges.catalogue import CASES, CORRECT, FAULTY, NOT_CHECKED, UNMATCHED, Case
from tests.exchanges.entry_points import ENTRY_POINTS, Run, catalogue_server

CHECK = ("check, httpx", "check, requests")
FILES = ("HAR file", "recording and replay")
CLIENTS = ("watch, httpx", "watch, requests", "watch, aiohttp")
RESPONDERS = ("watch, respx", "watch, responses")
WATCH = (*CLIENTS, *RESPONDERS)
MOCKS = ("mock", "mock, process")
REQUESTS_ONLY = ("check_request", *MOCKS)
WITH_ACCOUNT = (*FILES, *WATCH, "proxy", "contract suite")
SUITE = ("contract suite",)

FRAMING = "response error (response_framing|complete_answer header)"
CODING = "response error complete_answer body"
EVERYTHING = ".*"
NOTHING = "(?!)"


def _always(_case: Case) -> bool:
    """Return True: the entry point never knows it."""
    return True


def _is_conforming_rejection(case: Case) -> bool:
    """Return whether a safe request to an operation is rejected, and the response has no error."""
    is_sent = case.method in ("GET", "HEAD") and UNMATCHED not in case.expected
    return is_sent and case.status >= 300 and not any(line.startswith("response error") for line in case.expected)


class Unknown(NamedTuple):
    """What entry points cannot know: the lines that match `lines`, of exchanges for which `applies` returns true.

    `instead` is the line that they report for such an exchange, if any.
    """

    entry_points: tuple[str, ...]
    lines: str
    reason: str
    applies: Callable[[Case], bool] = _always
    instead: str = ""


UNKNOWN = (
    Unknown(REQUESTS_ONLY, "response", "it has no response, or one of the mock"),
    Unknown(CHECK, "request", "it has the response: `check_request` checks the request"),
    Unknown(REQUESTS_ONLY, NOT_CHECKED, "it returns findings, and keeps no account"),
    Unknown(REQUESTS_ONLY, UNMATCHED, "it keeps no account: a finding says so"),
    Unknown(WITH_ACCOUNT, "request error request_target", "its account says so"),
    Unknown((*CHECK, *CLIENTS), "response error response_framing", "the client drops the body of a 204"),
    Unknown(RESPONDERS, FRAMING, "a hand-made response has no framing"),
    Unknown(
        RESPONDERS,
        "response error response_headers_conformance",
        "a hand-made response need not have all header fields",
        lambda case: "X-Total" not in case.fields,
        NOT_CHECKED,
    ),
    Unknown(
        RESPONDERS,
        "response error (not_a_server_error|status_code_conformance)",
        "a test has a mock return a failure on purpose",
        lambda case: case.status >= 400,
        "response info status_code_conformance status",
    ),
    Unknown(
        RESPONDERS,
        "request error request_credentials",
        "a mock needs no credential",
        instead="request info request_credentials header Authorization",
    ),
    Unknown(FILES, FRAMING, "a file has no framing"),
    Unknown(FILES, "request error request_credentials", "files leave out credentials"),
    Unknown(("HAR file",), CODING, "a HAR file has decoded bodies"),
    Unknown(
        (*CHECK, "recording and replay", "watch, respx"),
        EVERYTHING,
        "the client raises, and returns no response",
        lambda case: case.is_undecodable,
    ),
    Unknown(("watch, aiohttp",), "response error complete_answer header", "aiohttp rejects the response"),
    Unknown(("watch, aiohttp",), CODING, "aiohttp decodes a body, and keeps no bytes", _always, NOT_CHECKED),
    Unknown(
        ("watch, aiohttp",),
        "request error request_body body$",
        "aiohttp adds a Content-Type to a POST without a body",
        lambda case: case.sent is None and "Content-Type" not in case.headers,
        "request error request_media_type header Content-Type",
    ),
    Unknown(SUITE, f"request|{UNMATCHED}", "the requests of the suite conform to the contract"),
    Unknown(SUITE, "response warning ignored", "its plain requests have no filter and no page size"),
    Unknown(SUITE, EVERYTHING, "a live run sends safe methods only", lambda case: case.method not in ("GET", "HEAD")),
    Unknown(
        SUITE,
        NOTHING,
        "the suite needs a success to check the operation",
        _is_conforming_rejection,
        NOT_CHECKED,
    ),
)


class Defect(NamedTuple):
    """What entry points get wrong today: the lines of these exchanges differ from the expected ones."""

    entry_points: tuple[str, ...]
    cases: tuple[str, ...]
    today: str


STREAMS = ("events", "lines", "event of a wrong type", "line of a wrong type")
OF_REQUESTS = tuple(name for name, case in FAULTY.items() if case.expected[0].startswith("request"))
UNMATCHED_CASES = ("wrong path", "wrong method")
ALL_BUT_REQUESTS_ONLY = (*CHECK, *WITH_ACCOUNT)

DEFECTS: tuple[Defect, ...] = ()


def expected_lines(entry_point: str, case: Case) -> set[str]:
    """Return the lines that an entry point must report about an exchange."""
    lines = set(case.expected)
    for unknown in UNKNOWN:
        if entry_point in unknown.entry_points and unknown.applies(case):
            remaining = {line for line in lines if not re.match(unknown.lines, line)}
            if unknown.instead and (remaining < lines or unknown.lines == NOTHING):
                remaining.add(unknown.instead)
            lines = remaining
    return lines


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Yield the URL of a server of all exchanges."""
    with catalogue_server() as server_url:
        yield server_url


@pytest.mark.parametrize("entry_point", [name for name in ENTRY_POINTS if name not in RESPONDERS])
def test_each_exchange_gets_its_findings(entry_point: str, tmp_path: Path, python: list[str], url: str) -> None:
    assert_each_exchange_gets_its_findings(entry_point, Run(tmp_path, python, url))


@pytest.mark.parametrize("entry_point", RESPONDERS)
def test_each_exchange_with_a_mock_library_gets_its_findings(
    entry_point: str, tmp_path: Path, python: list[str], url: str
) -> None:
    library = entry_point.removeprefix("watch, ")
    if find_spec(library) is None:
        pytest.skip(f"needs {library}: tox -e watch")
    assert_each_exchange_gets_its_findings(entry_point, Run(tmp_path, python, url))


def assert_each_exchange_gets_its_findings(entry_point: str, run: Run) -> None:
    """Compare the lines of an entry point about all exchanges with the expected ones, except in known defects."""
    observed = ENTRY_POINTS[entry_point](run)
    defects = {name for defect in DEFECTS if entry_point in defect.entry_points for name in defect.cases}
    wrong = {}
    for name, case in CASES.items():
        lines, expected = observed.pop(name, set()), expected_lines(entry_point, case)
        if lines != expected:
            wrong[name] = {"missing": expected - lines, "unexpected": lines - expected}
    assert {} == observed, "lines about no exchange of the catalogue"
    assert {} == {name: lines for name, lines in wrong.items() if name not in defects}
    assert set() == defects - wrong.keys(), "fixed: remove them from DEFECTS"


def test_catalogue_is_large_enough() -> None:
    """At least 15 correct and 40 faulty exchanges, and each faulty one has a finding or an account."""
    assert len(CORRECT) >= 15
    assert len(FAULTY) >= 40
    assert 14 == len(ENTRY_POINTS)
    assert all(case.expected for case in FAULTY.values())


def test_proxy_knows_everything() -> None:
    """The proxy must report each fault: no row of `UNKNOWN` is about it, except for the form of its account."""
    rows = [unknown.lines for unknown in UNKNOWN if "proxy" in unknown.entry_points]
    assert ["request error request_target"] == rows
