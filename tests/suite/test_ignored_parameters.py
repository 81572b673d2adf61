"""The suite finds that a server ignores a filter or a page size, by the allowed values that it sends."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.local_server import Handler, serving
from tests.request_checks.orders import contract_of_paths, response

STATES = ["new", "found", "lost"]
STATUS = {"enum": STATES}
THINGS = [{"id": f"thing-{number}", "status": STATES[number % 3]} for number in range(6)]
THING = {"type": "object", "properties": {"id": {"type": "string"}, "status": STATUS}}
LIST = {"type": "object", "required": ["data"], "properties": {"data": {"type": "array", "items": THING}}}
PARAMETERS = [
    {"name": "status", "in": "query", "schema": STATUS},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}},
]
CONTRACT = contract_of_paths({"/things": {"get": {"parameters": PARAMETERS, "responses": {"200": response(LIST)}}}})


class Things(Handler):
    """Returns the things that a request filters by status, and as many as it asks for."""

    def do_GET(self) -> None:
        self.respond(200, json.dumps({"data": self.things(parse_qs(urlsplit(self.path).query))}).encode())

    def things(self, query: dict[str, list[str]]) -> list[Any]:
        things = [thing for thing in THINGS if thing["status"] in query.get("status", STATES)]
        return things[: int(query.get("limit", ["9"])[0])]


class AllThings(Things):
    """Returns all things to every request."""

    def things(self, query: dict[str, list[str]]) -> list[Any]:
        return THINGS


IGNORED = {
    ("warning", "ignored_filter", "data[*].status", "the request filters by status"),
    ("warning", "ignored_page_size", "query limit", "a page has more items than requested"),
}


def findings_of_run(pytester: pytest.Pytester, *options: str) -> set[tuple[str, str, str, str]]:
    """Return level, rule, location and the start of the message of the findings of a run of the suite."""
    pytester.path.joinpath("things.json").write_text(json.dumps(CONTRACT.source), "utf-8")
    pytester.runpytest("--bctrl-contract=things.json", "--bctrl-report=report.json", *options)
    report = json.loads(pytester.path.joinpath("report.json").read_text("utf-8"))
    assert "passed" == report["verdict"]["status"]
    return {
        (finding["level"], finding["rule"], finding["location"], re.split("[,;]", finding["message"])[0])
        for finding in report["findings"]
    }


@pytest.mark.parametrize(("server", "expected"), [(Things, set()), (AllThings, IGNORED)])
def test_a_server_that_ignores_parameters_is_found(
    pytester: pytest.Pytester, server: type[Things], expected: set[tuple[str, ...]]
) -> None:
    with serving(server) as url:
        assert expected == findings_of_run(pytester, "--bctrl-live", f"--bctrl-base-url={url}")


def test_the_mock_filters_nothing_and_has_no_warning(pytester: pytest.Pytester) -> None:
    assert set() == findings_of_run(pytester, "--bctrl-mock")
