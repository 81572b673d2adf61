"""The mock's pages: each item that stays in the list is returned once, and every page conforms to the contract."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.paging import Paging
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import SettingError
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.samples.paged import as_last_page
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.scenarios import Scenario
from pytest_bctrl.traffic.mock.source import single_body_source
from tests.contract.test_paging import APIS, LIST, MAYBE, TEXT, TRUTH, WHOLE, body, contract, of_api

PATH = "/v1/things/1"
CURSOR = {"limit": {**WHOLE, "minimum": 0, "maximum": 50, "default": 20}, "cursor": TEXT}
RUNTIMES = body(runtimes=LIST, hasMore=TRUTH, nextCursor=MAYBE)
PAGED = [name for name, api in APIS.items() if api.by or api.next]


def fetch(mock: MockServer, query: list[tuple[str, str]]) -> MockResponse:
    """Return the response to a GET of the list with this query."""
    return mock.respond(Request("GET", f"{PATH}?{urlencode(query)}", (("host", "mock.test"),)))


def samples_of(mock: MockServer) -> Samples:
    """Return the samples of the paging operation."""
    (samples,) = (candidate for candidate in (mock.samples, *mock.others.values()) if candidate.paging is not None)
    return samples


def paging_of(mock: MockServer) -> Paging:
    """Return the paging of the list."""
    paging = samples_of(mock).paging
    assert paging is not None
    return paging


def things(*numbers: int) -> list[dict[str, Any]]:
    """Return items with ids that contain these numbers."""
    return [{"id": f"thing-{number}"} for number in numbers]


def follow_pages(mock: MockServer, size: int | None, between: Any = lambda page: None) -> list[list[str]]:
    """Follow up to 40 pages, and return the ids of each; `between` is called with its number after each page."""
    paging = paging_of(mock)
    query = [(paging.size.name, str(size))] if paging.size is not None and size is not None else []
    pages: list[list[str]] = []
    following: list[tuple[str, str]] | None = query
    while following is not None and len(pages) < 40:
        response = fetch(mock, following)
        assert 200 == response.status
        data = json.loads(response.body)
        assert accepts(mock.contract, samples_of(mock).schema, data)
        pages.append([item["id"] for item in paging.items_in(data)])
        following = paging.next_query(data, response.header("Link"), following)
        between(len(pages))
    return pages


@pytest.mark.parametrize("name", PAGED)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_all_pages_together_are_the_list(name: str, size: int) -> None:
    """In each paging style, following the pages yields every item once and in order; no page exceeds the size."""
    mock = MockServer(of_api(name))
    mock.runtimes = things(*range(7))

    pages = follow_pages(mock, size)

    assert [item["id"] for item in things(*range(7))] == [*chain(*pages)]
    if paging_of(mock).size is not None:
        assert {size} >= {len(page) for page in pages[:-2]}


def test_the_page_size_is_honoured_and_has_more_is_set() -> None:
    """Without a limit, the contract's default applies; a limit that the contract forbids is rejected."""
    mock = MockServer(contract(RUNTIMES, CURSOR))
    mock.scenario("many", count=48)

    two, usual, none = (json.loads(fetch(mock, query).body) for query in ([("limit", "2")], [], [("limit", "0")]))

    assert (2, True) == (len(two["runtimes"]), two["hasMore"])
    assert (20, True) == (len(usual["runtimes"]), usual["hasMore"])
    assert (0, True) == (len(none["runtimes"]), none["hasMore"])
    assert 400 == fetch(mock, [("limit", "51")]).status
    again = json.loads(fetch(mock, [("limit", "2"), ("cursor", none["nextCursor"])]).body)
    assert two == again
    assert 48 == len(mock.runtimes)


def test_an_empty_page_says_that_there_is_more() -> None:
    """With `limit=0`, a list with an item has an empty first page, and `has_more` is true."""
    mock = MockServer(CONTRACTS["Stripe"])
    mock.runtimes = things(1)

    page = json.loads(fetch(mock, [("limit", "0")]).body)

    assert ([], True) == (page["data"], page["has_more"])


@pytest.mark.parametrize("name", ["Stripe", "Notion", "Shopify"])
def test_a_cursor_that_the_mock_never_issued_gets_an_empty_last_page(name: str) -> None:
    """The status is 200 and the journal has the reason: any value that the schema accepts is valid."""
    mock = MockServer(of_api(name))
    paging = paging_of(mock)
    assert paging.start is not None

    page = fetch(mock, [(paging.start.name, "made-up")])

    assert 200 == page.status
    assert f"query {paging.start.name}: the mock did not send this" in page.why
    assert [] == paging.items_in(json.loads(page.body))
    assert accepts(mock.contract, samples_of(mock).schema, json.loads(page.body))
    assert "" == fetch(mock, []).why


def test_the_page_of_an_unknown_cursor_has_the_items_that_the_contract_requires() -> None:
    """With `minItems: 2`, it has two items and no next cursor."""
    schema = body(runtimes={**LIST, "minItems": 2}, hasMore=TRUTH, nextCursor=MAYBE)
    paging = {"size": "limit", "cursor": "cursor", "next": "nextCursor", "items": "runtimes"}
    mock = MockServer(contract(schema, CURSOR, **{"x-bctrl-paging": paging}))

    page = json.loads(fetch(mock, [("cursor", "made-up")]).body)

    assert (2, None) == (len(page["runtimes"]), page.get("nextCursor"))


@pytest.mark.parametrize("name", ["Stripe", "Notion", "Shopify"])
def test_an_exhaustive_mock_rejects_an_unknown_cursor(name: str) -> None:
    """The response is 400 with the reason."""
    mock = MockServer(of_api(name), is_exhaustive=True)
    start = paging_of(mock).start
    assert start is not None

    rejected = fetch(mock, [(start.name, "made-up")])

    assert 400 == rejected.status
    assert f"query {start.name}: the mock did not send this" in json.loads(rejected.body)["error"]


def test_a_complete_list_is_marked_as_the_last_page() -> None:
    """Bodies of `Samples` have `hasMore: false`, no next cursor or a null, and unique ids."""
    samples = MockServer(contract(RUNTIMES, CURSOR)).samples

    bodies = [samples.sample(), samples.sample_with_optionals(optional=True), *samples.run(3, 6)]

    assert {(False, None)} == {(body["hasMore"], body.get("nextCursor")) for body in bodies}
    listed = [[item["id"] for item in body["runtimes"]] for body in bodies]
    assert [len(set(ids)) for ids in listed] == [len(ids) for ids in listed]


CHANGES = st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=4)


@given(
    st.sampled_from(["Stripe", "Box", "Notion", "Shopify", "Google"]), st.integers(1, 4), st.lists(CHANGES, max_size=8)
)
def test_an_item_present_throughout_is_listed_once_despite_changes(
    name: str, size: int, changes: list[list[tuple[bool, int]]]
) -> None:
    """Items are inserted and removed anywhere between two pages, including the item of a cursor."""
    mock = MockServer(CONTRACTS[name])
    items = things(*range(8))
    mock.serve(items)
    throughout, new = {item["id"] for item in items}, iter(range(100, 200))

    def change(page: int) -> None:
        """Insert and remove items after a page, as `changes` has it, and serve them."""
        for puts_in, place in changes[page - 1] if page <= len(changes) else []:
            if puts_in:
                items.insert(place % (len(items) + 1), things(next(new))[0])
            elif items:
                throughout.discard(items.pop(place % len(items))["id"])
        mock.serve(items, conforming=False)

    listed = [*chain(*follow_pages(mock, size, change))]

    assert throughout <= set(listed)
    assert len(listed) == len(set(listed))


CONTRACTS = {name: of_api(name) for name in APIS}


@pytest.mark.parametrize("is_beside", [False, True])
def test_pages_that_follow_one_another_come_from_one_body(is_beside: bool) -> None:
    """In the scenario `generated`, a list has all items of its first page's body, and the next list has others."""
    data = json.loads(json.dumps(contract(RUNTIMES, CURSOR).source))
    about = {"description": "", "content": {"application/json": {"schema": body(about=TEXT)}}}
    beside = {"/v1/about": {"get": {"operationId": "about", "responses": {"200": about}}}} if is_beside else {}
    data["paths"] = {**beside, **data["paths"]}
    mock = MockServer(from_document(data, "things.json")).scenario("generated")
    assert len(beside) == len(mock.others)
    lists = [json.loads(fetch(mock, [("limit", "50")]).body)["runtimes"] for _ in range(24)]

    (first, *later) = follow_pages(mock, 2)

    assert [item["id"] for item in lists[0]] == [*chain(first, *later)]
    assert lists[0] != lists[2]


def test_a_sequence_advances_from_page_to_page() -> None:
    """A request for the second page meets the next step: a 503, then the changed list after the cursor."""
    mock = MockServer(contract(RUNTIMES, CURSOR))
    mock.sequence(things(1, 2, 3), 503, things(1, 3, 4))

    first = json.loads(fetch(mock, [("limit", "2")]).body)
    failed = fetch(mock, [("limit", "2"), ("cursor", first["nextCursor"])])
    last = json.loads(fetch(mock, [("limit", "2"), ("cursor", first["nextCursor"])]).body)

    assert (503, things(3, 4), False) == (failed.status, last["runtimes"], last["hasMore"])


def test_equal_items_without_an_id_have_different_cursors() -> None:
    """Following the cursors yields each of four texts, three of which are equal."""
    plain = contract(body(names={"type": "array", "items": TEXT}, nextCursor=MAYBE), {"cursor": TEXT, "limit": WHOLE})
    mock = MockServer(plain)
    mock.play(Scenario("names", single_body_source(lambda: {"names": ["a", "b", "a", "a"], "nextCursor": None})))
    names, query = [], [("limit", "1")]
    while query:
        data = json.loads(fetch(mock, query).body)
        names += data["names"]
        query = [("limit", "1"), ("cursor", data["nextCursor"])] if data["nextCursor"] else []

    assert ["a", "b", "a", "a"] == names


@pytest.mark.parametrize(
    ("cursor", "following", "spelled"),
    [
        ({"type": "string", "format": "uuid"}, MAYBE, r"[0-9a-f-]{36}"),
        ({"type": "integer", "minimum": 1}, {"type": ["integer", "null"]}, r"\d+"),
        ({"type": "string", "maxLength": 8}, MAYBE, r"[0-9a-f]{8}"),
        ({"type": "string", "pattern": "^[0-9]+$"}, MAYBE, r"\d+"),
        (TEXT, {"type": ["string", "null"], "pattern": "^[0-9]+$"}, r"\d+"),
        ({"type": "number"}, MAYBE, r"\d+"),
        ({"type": "integer"}, MAYBE, r"\d+"),
    ],
)
def test_a_cursor_conforms_to_its_documented_schema(cursor: Any, following: Any, spelled: str) -> None:
    """A UUID, an integer, a short text, or digits in the query, in the body or both; following it yields each item."""
    mock = MockServer(contract(body(data=LIST, next_cursor=following), {"limit": WHOLE, "cursor": cursor}))
    mock.runtimes = things(1, 2, 3)
    first = json.loads(fetch(mock, [("limit", "1")]).body)

    assert re.fullmatch(spelled, str(first["next_cursor"]))
    assert [["thing-1"], ["thing-2"], ["thing-3"]] == follow_pages(mock, 1)


@pytest.mark.parametrize("served", ["no object", {"hasMore": True}, {"runtimes": 7}])
def test_a_body_without_a_list_is_served_unchanged(served: Any) -> None:
    """Although the contract documents pages: a text, or an object whose list is missing or a number."""
    mock = MockServer(contract(RUNTIMES, CURSOR))
    mock.play(Scenario("odd", single_body_source(lambda: served)))

    assert served == json.loads(fetch(mock, [("limit", "2")]).body)


def test_all_items_are_on_one_page_if_no_cursor_is_possible() -> None:
    """The schema of the cursor allows a single value only."""
    odd = {"type": "string", "enum": ["only-this"]}
    mock = MockServer(contract(body(data=LIST, next_cursor=MAYBE), {"limit": WHOLE, "cursor": odd}))
    mock.runtimes = things(1, 2, 3)

    assert [["thing-1", "thing-2", "thing-3"]] == follow_pages(mock, 1)


def test_the_link_header_omits_the_key_of_the_query() -> None:
    """The URL of the next page has page and size only."""
    keyed = contract(LIST, {"per_page": WHOLE, "page": WHOLE}, {"Link": {"schema": TEXT}}).source
    keyed = json.loads(json.dumps(keyed))
    keyed["security"] = [{"key": []}]
    keyed["components"]["securitySchemes"] = {"key": {"type": "apiKey", "in": "query", "name": "api_key"}}
    mock = MockServer(from_document(keyed, "things.json"))
    mock.runtimes = things(1, 2)

    response = fetch(mock, [("api_key", mock.api_key), ("per_page", "1")])

    assert '<http://mock.test/v1/things/1?per_page=1&page=2>; rel="next"' == response.header("Link")


def test_the_error_for_an_impossible_paging_fault_has_the_reason() -> None:
    """The operation has no pages, or its response does not say whether there are more."""
    with pytest.raises(
        SettingError,
        match=r"fault lost_item\(\): it has no pages, as far as it says \("
        "name the parameter of a page and the member with the next page: x-bctrl-paging",
    ):
        MockServer(contract(LIST, {})).fault("lost_item")
    with pytest.raises(SettingError, match="its response does not say whether there is more"):
        MockServer(CONTRACTS["offset and limit"]).fault("endless_cursor")


def test_a_paging_fault_changes_only_its_own_page() -> None:
    """`lost_item` drops the first item of the second page."""
    mock = MockServer(CONTRACTS["Box"])
    mock.runtimes = things(1, 2, 3, 4)
    mock.fault("lost_item")
    assert [["thing-1", "thing-2"], ["thing-4"]] == follow_pages(mock, 2)


@pytest.mark.parametrize("name", ["lost_item", "repeat_page", "endless_cursor"])
def test_a_paging_fault_leaves_a_response_that_is_no_page_as_it_is(name: str) -> None:
    """That of an operation without pages, a rejection, and a page that an earlier fault made invalid JSON."""
    source = json.loads(json.dumps(CONTRACTS["Box"].source))
    source["paths"]["/v1/plain"] = {
        "get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": LIST}}}}}
    }
    mock = MockServer(from_document(source, "things.json"))
    mock.runtimes = things(1, 2, 3)
    second_page = [("limit", "1"), ("marker", json.loads(fetch(mock, [("limit", "1")]).body)["next_marker"])]

    def response(path: str) -> tuple[int, bytes, tuple[str, ...]]:
        """Return status, body and applied faults of the response to a GET of a path."""
        received = mock.respond(Request("GET", path, (("host", "mock.test"),)))
        return received.status, received.body, received.faults

    for path, status in (("/v1/plain", 200), ("/v1/unknown", 404)):
        before = response(path)
        mock.fault(name)
        assert status == before[0]
        assert before == response(path)
        mock.reset()
        mock.runtimes = things(1, 2, 3)
    mock.fault("malformed_json")
    broken = response(f"{PATH}?{urlencode(second_page)}")
    mock.fault(name)
    assert broken == response(f"{PATH}?{urlencode(second_page)}")


def test_as_last_page_returns_the_body_unchanged_if_it_cannot_be_marked() -> None:
    """The contract allows no other value, or an object on the way to the property is missing."""
    schema = body(data=LIST, meta={"type": "object", "properties": {"next_cursor": {"const": "x"}}})
    samples = Samples(of := contract(schema, {"cursor": TEXT}), of.operations[0])
    paging = samples.paging
    assert paging is not None

    assert [{"data": [], "meta": {}}, {"data": []}] == [
        as_last_page(samples, paging, {"data": [], **extra}, dict) for extra in ({"meta": {"next_cursor": "x"}}, {})
    ]


@pytest.mark.parametrize("extra", [{}, {"meta": None}], ids=str)
def test_as_last_page_keeps_the_items_if_no_property_is_required_and_meta_is_no_object(extra: dict[str, Any]) -> None:
    meta = {"type": ["object", "null"], "properties": {"next_cursor": TEXT}}
    schema = {"type": "object", "properties": {"data": LIST, "meta": meta}}
    samples = Samples(of := contract(schema, {"cursor": TEXT}), of.operations[0])
    assert samples.paging is not None
    page = {"data": things(1), **extra}
    assert page == as_last_page(samples, samples.paging, page, dict)
