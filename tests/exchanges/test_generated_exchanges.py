"""Each drawn exchange gets the same findings at every entry point, except for those that `UNKNOWN` lists.

The proxy knows everything, so its findings are the expected ones. `FREE` lists where an entry point reports more, and
`DEFECTS` what it gets wrong today: a fix removes an entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, TypeAlias

import httpx
import pytest
from hypothesis import assume, given, settings

from pytest_bctrl import Request, check, check_request
from pytest_bctrl.exchanges.exchange_checks import ExchangeChecks
from pytest_bctrl.http.exchange import Exchange
from tests.exchanges.catalogue import NOT_CHECKED, UNMATCHED, Case, Catalogue, shown
from tests.exchanges.drawn import cases, drawn_cases
from tests.exchanges.entry_points import ENTRY_POINTS, Run, catalogue_server
from tests.exchanges.paths import PATHS, SECURITY
from tests.exchanges.test_matrix import CHECK, EVERYTHING, RESPONDERS, SUITE, WATCH, expected_lines
from tests.request_checks.orders import contract_of_paths

MANY, FEW = 240, 100
"""The number of exchanges for entry points that send them within a second, and for the others."""
FAST = ("check, httpx", "check, requests", "check_request", "HAR file", "mock", "mock, process")
OTHERS = tuple(name for name in ENTRY_POINTS if name not in FAST and name != "proxy")


class Free(NamedTuple):
    """Lines that entry points may report or not, about exchanges for which `applies` returns true."""

    entry_points: tuple[str, ...]
    lines: str
    reason: str
    applies: Callable[[Case], bool]


def _is_stream(case: Case) -> bool:
    """Return whether the operation has a stream of items."""
    return case.template in ("/events", "/lines")


def _is_cut_short(case: Case) -> bool:
    """Return whether the body of the response is the beginning of one in its content coding."""
    return case.is_undecodable and b"\x1f\x8b".startswith(case.body[:2])


def _is_misframed(case: Case) -> bool:
    """Return whether the response has two framings, or a body that its status does not allow."""
    return case.has_surplus_bytes or "Transfer-Encoding" in case.fields


def _has_no_har_entry(case: Case) -> bool:
    """Return whether a browser does not keep the body of the response."""
    return case.is_undecodable or case.has_surplus_bytes


FREE = (
    Free(("HAR file",), EVERYTHING, "a browser writes no such entry", _has_no_har_entry),
    Free(
        RESPONDERS,
        EVERYTHING,
        "the library compares decoded paths, so none is registered",
        lambda case: "%" in case.target,
    ),
    Free(SUITE, EVERYTHING, "the suite sends GET in place of HEAD", lambda case: case.method == "HEAD"),
    Free(SUITE, NOT_CHECKED, "the account names some of its operations only", _is_stream),
    Free(
        SUITE,
        "response error status_code_conformance",
        "the suite expects the success that the contract documents, not `default`",
        lambda case: case.template == "/items/{id}" and case.status in (201, 204, 205, 299),
    ),
    Free(SUITE, "response warning undocumented_property", "it is for successes", lambda case: case.status >= 300),
    Free(
        ("recording and replay",),
        EVERYTHING,
        "the client raises because of the surplus bytes, and the exchange is not recorded",
        lambda case: case.has_surplus_bytes,
    ),
    Free(("recording and replay",), ".* body.pin$", "a credential has a placeholder as value", lambda _case: True),
    Free(("watch, aiohttp",), f"response|{NOT_CHECKED}", "aiohttp rejects the response", _is_misframed),
    Free(
        (*CHECK, *WATCH, "recording and replay"),
        EVERYTHING,
        "clients decode the part of the body that has arrived",
        _is_cut_short,
    ),
    Free(
        WATCH,
        "response error not_a_server_error",
        "a test may make its API fail as the contract documents it",
        lambda case: case.template == "/items/{id}" and case.method in ("GET", "HEAD"),
    ),
)
DEFECTS = (
    Free(
        SUITE,
        EVERYTHING,
        "the coding of a rejection is not reported if the operation cannot be checked",
        lambda case: case.is_undecodable and case.status >= 300,
    ),
    Free(
        ("watch, aiohttp",),
        "request",
        "the body of a request is not known if the client rejects the response",
        _is_misframed,
    ),
)


class Drawn(NamedTuple):
    """Drawn exchanges, with the lines that they must get, and the URL of their server."""

    catalogue: Catalogue
    url: str


Draw: TypeAlias = Callable[[int], Drawn]


@pytest.fixture(scope="module")
def draw(tmp_path_factory: pytest.TempPathFactory, python: list[str]) -> Iterator[Draw]:
    """Yield a function that draws a number of exchanges and asks the proxy about them, once per number."""
    with ExitStack() as servers:

        @cache
        def draw(number: int) -> Drawn:
            """Return drawn exchanges."""
            catalogue = Catalogue(drawn_cases(number))
            url = servers.enter_context(catalogue_server(catalogue))
            lines = ENTRY_POINTS["proxy"](Run(tmp_path_factory.mktemp("proxy"), python, url, catalogue))
            catalogue.cases = {
                name: replace(case, expected=tuple(_with_target(case, lines.get(name, set()))))
                for name, case in catalogue.cases.items()
            }
            return Drawn(catalogue, url)

        yield draw


def _with_target(case: Case, lines: set[str]) -> set[str]:
    """Return the lines of the proxy; if no operation matches, also those that say so.

    The proxy itself lists only the first hundred or so of such requests.
    """
    if case.template is None:
        return {*lines, UNMATCHED, "request error request_target path"}
    if case.method.lower().replace("head", "get") not in PATHS[case.template]:
        return {*lines, UNMATCHED, "request error request_target method"}
    return lines


@pytest.mark.hypothesis
@pytest.mark.parametrize("entry_point", FAST)
def test_many_drawn_exchanges_get_the_findings_of_the_proxy(
    entry_point: str, tmp_path: Path, python: list[str], draw: Draw
) -> None:
    assert_findings_of_the_proxy(entry_point, tmp_path, python, draw(MANY))


@pytest.mark.hypothesis
@pytest.mark.parametrize("entry_point", OTHERS)
def test_drawn_exchanges_get_the_findings_of_the_proxy(
    entry_point: str, tmp_path: Path, python: list[str], draw: Draw
) -> None:
    library = entry_point.removeprefix("watch, ")
    if entry_point in RESPONDERS and find_spec(library) is None:
        pytest.skip(f"needs {library}: tox -e watch")
    assert_findings_of_the_proxy(entry_point, tmp_path, python, draw(FEW))


def assert_findings_of_the_proxy(entry_point: str, folder: Path, python: list[str], drawn: Drawn) -> None:
    """Compare the lines of an entry point about drawn exchanges with the expected ones."""
    observed = ENTRY_POINTS[entry_point](Run(folder, python, drawn.url, drawn.catalogue))
    wrong = []
    for name, case in drawn.catalogue.cases.items():
        lines, expected = observed.pop(name, set()), expected_lines(entry_point, case)
        differing = {line for line in lines ^ expected if not _is_free(entry_point, case, line)}
        if differing:
            wrong.append(f"{case}: missing {expected & differing}, unexpected {lines & differing}")
    assert {} == observed, "lines about no drawn exchange"
    assert not wrong, "\n".join(wrong)


def _is_free(entry_point: str, case: Case, line: str) -> bool:
    """Return whether an entry point may report a line about an exchange or not."""
    rows = [row for row in (*FREE, *DEFECTS) if entry_point in row.entry_points and row.applies(case)]
    return any(re.match(row.lines, line) for row in rows)


@pytest.mark.hypothesis
def test_drawn_exchanges_are_of_all_kinds(draw: Draw) -> None:
    """Faulty and correct ones, of each operation, method, direction and level, and unmatched ones."""
    drawn = draw(MANY).catalogue.cases.values()
    lines = {line for case in drawn for line in case.expected}
    assert len({case.template for case in drawn}) >= 9
    assert {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} == {case.method for case in drawn}
    assert sum(not case.expected for case in drawn) > len(drawn) / 20
    kinds = {" ".join(line.split()[:2]) for line in lines - {UNMATCHED, NOT_CHECKED}}
    levels = {f"request {level}" for level in ("error", "warning", "info")}
    assert levels | {"response error", "response warning"} == kinds
    assert len({line.split()[2] for line in lines - {UNMATCHED, NOT_CHECKED}}) >= 15


CONTRACT = contract_of_paths(PATHS, openapi="3.2.0", components=SECURITY)


@settings(max_examples=900)
@given(cases())
def test_functions_report_what_the_check_of_the_exchange_reports(case: Case) -> None:
    # Only a response that was received has a framing, and all header fields.
    assume("Transfer-Encoding" not in case.fields)
    headers, fields = tuple(case.headers.items()), tuple(case.fields.items())
    content = (case.content or "").encode()
    request = httpx.Request(case.method, "http://h" + case.target, headers=headers, content=content)
    try:
        response = httpx.Response(case.status, headers=fields, content=case.body, request=request)
    except httpx.DecodingError:
        assume(False)
    sent = Request(case.method, request.url.raw_path.decode(), tuple(request.headers.items()), content)
    exchange = Exchange(sent, case.status, tuple(response.headers.items()), response.content, has_all_headers=False)
    result = ExchangeChecks(CONTRACT).check(exchange)
    of_request = set(map(shown, check_request(request, contract=CONTRACT)))
    if result.operation is None:
        assert {"request error request_target"} == {line.rpartition(" ")[0] for line in of_request}
        return
    of_response = set(map(shown, check(response, contract=CONTRACT)))
    # `check` does not say that a required header field may be missing in a hand-made response.
    reasons = [reason for reason in result.not_checked if "may lack" not in reason]
    lines = {*map(shown, result.findings), *([NOT_CHECKED] if reasons else [])}
    assert {line for line in lines if line.startswith("request")} == of_request
    assert {line for line in lines if not line.startswith("request")} == of_response
