"""A list that violates the filter or the page size of its request, and lists of which nothing is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl import Contract, Finding, check
from tests.request_checks.orders import contract_of_paths, response

STATES = ("new", "found", "lost")
STATE = {"enum": [*STATES]}
MAYBE = {"anyOf": [STATE, {"type": "null"}]}
LIST_OF_STATES = {"type": "array", "items": STATE}
WHOLE = {"type": "integer"}
FILTER, PAGE_SIZE = "ignored_filter", "ignored_page_size"


def contract_of_things(
    parameter: Any = STATE, item: Any = STATE, *, name: str = "status", member: str = "", **settings: Any
) -> Contract:
    """Return the contract of a list with a query parameter, a page size, and items with a property `status`."""
    schema: Any = {"type": "array", "items": {"type": "object", "properties": {"status": item}}}
    if member:
        schema = {"type": "object", "properties": {member: schema, "total": WHOLE}}
    parameters = [
        {"name": name, "in": "query", "schema": parameter, **settings},
        {"name": "limit", "in": "query", "schema": {**WHOLE, "maximum": 50}},
    ]
    paths = {"/things": {"get": {"parameters": parameters, "responses": {"200": response(schema)}}}}
    return contract_of_paths(paths)


def findings_of(contract: Contract, query: Any, body: Any, status: int = 200, method: str = "GET") -> list[Finding]:
    """Return the findings about ignored parameters that `check` returns for a response of httpx."""
    request = httpx.Request(method, f"http://h/things?{query if isinstance(query, str) else urlencode(query)}")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    received = httpx.Response(status, headers={"Content-Type": "application/json"}, content=content, request=request)
    return [finding for finding in check(received, contract=contract) if finding.rule.startswith("ignored_")]


@st.composite
def sent_states(draw: st.DrawFn) -> tuple[Contract, str, str, set[str]]:
    """Draw a contract, its list, a query that filters by some states in one of its forms, and these states."""
    member = draw(st.sampled_from(["", "data"]))
    item = draw(st.sampled_from([STATE, MAYBE, LIST_OF_STATES]))
    states = draw(st.lists(st.sampled_from(STATES), min_size=1, unique=True))
    form = draw(st.sampled_from(["single", "repeated", "joined"]))
    if form == "single":
        return contract_of_things(MAYBE, item, member=member), member, f"status={states[0]}", {states[0]}
    contract = contract_of_things(LIST_OF_STATES, item, member=member, explode=form == "repeated")
    query = "&".join(f"status={state}" for state in states)
    if form == "joined":
        query = f"status={','.join(states)}"
    return contract, member, query, set(states)


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [*STATES, None, "unlisted", 7, ["new"], ["new", "lost"], ["unlisted"], {}]
)
THINGS = st.lists(st.one_of(st.builds(lambda value: {"status": value}, VALUES), st.sampled_from([{}, None, "lost"])))


def violates(item: Any, sent: set[str]) -> bool:
    """Return whether an item has documented states, and none of those that were sent."""
    if not isinstance(item, Mapping) or item.get("status") is None:
        return False
    states = item["status"] if isinstance(item["status"], list) else [item["status"]]
    return all(state in STATES and state not in sent for state in states)


@given(sent_states(), THINGS)
@example((contract_of_things(), "", "status=lost", {"lost"}), [{"status": "lost"}, {"status": "new"}])
def test_items_that_violate_a_filter_are_one_finding(
    drawn: tuple[Contract, str, str, set[str]], things: list[Any]
) -> None:
    contract, member, query, sent = drawn
    findings = findings_of(contract, query, {member: things} if member else things)

    expected = [thing for thing in things if violates(thing, sent)]
    assert bool(expected) == bool(findings)
    for finding in findings:
        assert (FILTER, "warning", f"{member}[*].status") == (finding.rule, finding.level, finding.location)
        assert (len(expected), sorted(sent)) == (finding.count, finding.expected)
        assert finding.sample is not None
        assert f"[{things.index(expected[0])}].status" in finding.sample["location"]
        assert "the request filters by status" in finding.message
        assert "a warning, because" in finding.message


@given(st.integers(-2, 60), st.lists(st.just({}), max_size=60))
def test_more_items_than_requested_are_a_finding(limit: int, things: list[Any]) -> None:
    findings = findings_of(contract_of_things(), {"limit": limit}, things)

    is_ignored = 1 <= limit <= 50 and len(things) > limit
    assert [PAGE_SIZE] * is_ignored == [finding.rule for finding in findings]
    for finding in findings:
        assert ("warning", "query limit", f"{limit} at most", len(things)) == (
            finding.level,
            finding.location,
            finding.expected,
            finding.observed,
        )


BRANCHES = {"oneOf": [{"const": "new"}, {"enum": ["found", "lost"]}]}


@pytest.mark.parametrize(("parameter", "item"), [(STATE, BRANCHES), (BRANCHES, MAYBE), (BRANCHES, BRANCHES)])
def test_the_values_of_alternatives_are_joined(parameter: Any, item: Any) -> None:
    assert findings_of(contract_of_things(parameter, item), "status=lost", [{"status": "new"}])


def test_items_of_several_types_have_the_values_of_all() -> None:
    cat, dog = ({"type": "object", "properties": {"kind": {"const": kind}}} for kind in ("cat", "dog"))
    kinds = {"name": "kind", "in": "query", "schema": {"enum": ["cat", "dog"]}}
    pets = response({"type": "array", "items": {"oneOf": [cat, dog]}})
    contract = contract_of_paths({"/things": {"get": {"parameters": [kinds], "responses": {"200": pets}}}})

    assert ["[*].kind"] == [finding.location for finding in findings_of(contract, "kind=dog", [{"kind": "cat"}])]


NO_FILTER = {
    "another name": ("status!=new", contract_of_things(name="status!")),
    "one more value": ("status=lost", contract_of_things({"enum": [*STATES, "all"]})),
    "one value less": ("status=lost", contract_of_things({"enum": ["new", "lost"]})),
    "all": ("status=new", contract_of_things({"enum": ["all", "new"]}, {"enum": ["all", "new"]})),
    "a category above another": (
        "status=new",
        contract_of_things({"enum": ["new", "new.a"]}, {"enum": ["new", "new.a"]}),
    ),
    "any text": ("status=lost", contract_of_things({"type": "string"}, {"type": "string"})),
    "booleans": ("status=true", contract_of_things({"type": "boolean"}, {"type": "boolean"})),
}


@pytest.mark.parametrize("name", NO_FILTER)
def test_a_parameter_that_does_not_list_the_same_values_is_no_filter(name: str) -> None:
    query, contract = NO_FILTER[name]
    assert [] == findings_of(contract, query, [{"status": value} for value in ("new", "new.a", "all", False)])


@pytest.mark.parametrize("query", ["", "limit=", "status=", "status=LOST", "status=new&status=lost", "limit=1&limit=1"])
def test_a_value_that_is_not_sent_or_not_allowed_is_not_checked(query: str) -> None:
    assert [] == findings_of(contract_of_things(), query, [{"status": "new"}, {"status": "found"}])


@pytest.mark.parametrize("value", [float("inf"), 10**400, "\ud800", [[["new"]]]])
def test_an_unusual_value_does_not_stop_the_check(value: Any) -> None:
    contract = contract_of_things({"enum": ["new", 7, 1.5, True]}, {"enum": ["new", 7, 1.5, True]})
    body = json.dumps([{"status": value}, {"status": 7.0}, {"status": 1}]).replace("Infinity", "1e999")
    assert [["new"]] == [finding.expected for finding in findings_of(contract, "status=new", body.encode())]


@pytest.mark.parametrize(
    ("documented", "method", "status", "expected"),
    [
        ("200", "GET", 200, [PAGE_SIZE, FILTER]),
        ("200", "GET", 299, []),
        ("200", "GET", 404, []),
        ("200", "POST", 200, []),
        ("default", "GET", 200, [PAGE_SIZE, FILTER]),
        ("default", "GET", 404, []),
    ],
)
def test_only_the_success_of_get_is_checked(documented: str, method: str, status: int, expected: list[str]) -> None:
    operation = dict(contract_of_things().source["paths"]["/things"]["get"])
    operation["responses"] = {documented: operation["responses"]["200"]}
    contract = contract_of_paths({"/things": {method.lower(): operation}})
    findings = findings_of(contract, "status=lost&limit=1", [{"status": "new"}] * 2, status, method)
    assert expected == [finding.rule for finding in findings]


@pytest.mark.parametrize("body", [{"data": {}}, {"data": None}, {}, "data", None])
def test_a_body_without_its_list_is_not_checked(body: Any) -> None:
    assert [] == findings_of(contract_of_things(member="data"), "status=lost&limit=1", body)


def test_a_response_without_a_request_is_not_checked() -> None:
    contract = contract_of_things()
    assert [] == check([{"status": "new"}, {"status": "found"}], contract=contract)
    assert [] == check(httpx.Response(200, json=[{"status": "new"}]), contract=contract)


def test_the_value_of_a_password_is_not_shown() -> None:
    contract = contract_of_things({**STATE, "format": "password"})
    assert [] == findings_of(contract, "status=lost", [{"status": "new"}])
