"""The paging of an operation, recognised by known names or read from the extension."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.paging import link_target
from pytest_bctrl.contract.paging_read import read_paging
from pytest_bctrl.contract.read import load
from pytest_bctrl.contract.show import contract_lines
from pytest_bctrl.errors import DocumentError

from .documents import contract_of

TEXT, WHOLE, TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
MAYBE = {"type": ["string", "null"]}
LIST = {"type": "array", "items": {"type": "object", "properties": {"id": TEXT}, "required": ["id"]}}
LINKED = {"Link": {"schema": TEXT}}


def body(**members: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties, of which the first is required."""
    return {"type": "object", "properties": members, "required": list(members)[:1]}


class Api(NamedTuple):
    """How an API pages: its body, its query parameters, and the expected properties of its paging."""

    schema: dict[str, Any]
    query: dict[str, Any]
    by: str
    size: str
    next: str = ""
    headers: dict[str, Any] | None = None


APIS = {
    "Stripe": Api(
        body(object=TEXT, data=LIST, has_more=TRUTH, url=TEXT),
        {"limit": WHOLE, "ending_before": TEXT, "starting_after": TEXT},
        "item starting_after",
        "limit",
    ),
    "GitHub": Api(LIST, {"per_page": {**WHOLE, "default": 30}, "page": WHOLE}, "page page", "per_page", "Link", LINKED),
    "Box": Api(body(entries=LIST, next_marker=MAYBE, limit=WHOLE), {"marker": TEXT, "limit": WHOLE}, "cursor marker",
               "limit", "next_marker"),
    "Box, where a switch turns markers on": Api(
        body(entries=LIST, next_marker=MAYBE, total_count=WHOLE, offset=WHOLE),
        {"usemarker": TRUTH, "marker": TEXT, "offset": {**WHOLE, "default": 0}, "limit": WHOLE},
        "offset offset",
        "limit",
    ),
    "Notion": Api(body(results=LIST, next_cursor=MAYBE, has_more=TRUTH), {"start_cursor": TEXT, "page_size": WHOLE},
                  "cursor start_cursor", "page_size", "next_cursor"),
    "Google": Api(body(things=LIST, nextPageToken=TEXT), {"pageToken": TEXT, "pageSize": WHOLE}, "cursor pageToken",
                  "pageSize", "nextPageToken"),
    "Slack": Api(body(channels=LIST, response_metadata=body(next_cursor=TEXT)), {"cursor": TEXT, "limit": WHOLE},
                 "cursor cursor", "limit", "response_metadata.next_cursor"),
    "HubSpot": Api(body(results=LIST, paging=body(next=body(after=TEXT))), {"after": TEXT, "limit": WHOLE},
                   "cursor after", "limit", "paging.next.after"),
    "Graph": Api(body(value=LIST, **{"@odata.nextLink": TEXT}), {"$top": WHOLE, "$skip": WHOLE}, "offset $skip", "$top",
                 "@odata.nextLink"),
    "JSON:API": Api(body(data=LIST, links=body(next=MAYBE)), {"page[number]": WHOLE, "page[size]": WHOLE},
                    "page page[number]", "page[size]", "links.next"),
    "Django REST framework": Api(
        body(count=WHOLE, next={**MAYBE, "format": "uri"}, previous=MAYBE, results=LIST),
        {"page": WHOLE},
        "page page",
        "",
        "next",
    ),
    "Spring": Api(body(content=LIST, totalPages=WHOLE), {"page": {**WHOLE, "default": 0}, "size": WHOLE}, "page page",
                  "size"),
    "offset and limit": Api(body(items=LIST, total=WHOLE), {"offset": WHOLE, "limit": WHOLE}, "offset offset", "limit"),
    "Shopify": Api(body(products=LIST), {"limit": WHOLE, "page_info": TEXT}, "cursor page_info", "limit", "Link",
                   LINKED),
    "numbered": Api(body(rows=LIST, meta=body(next_page={"type": ["integer", "null"]})),
                    {"page": WHOLE, "per_page": WHOLE}, "page page", "per_page", "meta.next_page"),
    "an offset without a total": Api(LIST, {"offset": WHOLE, "limit": WHOLE}, "offset offset", "limit"),
    "a limit alone": Api(body(data=LIST, hasMore=TRUTH), {"limit": WHOLE}, "", "limit"),
}  # fmt: skip


def contract(schema: Any, query: dict[str, Any], headers: Any = None, **operation: Any) -> Contract:
    """Return the contract of an operation with this success response, which documents 400 and 404 too."""
    identity = {"name": "id", "in": "path", "required": True, "schema": TEXT, "example": "1"}
    parameters = [
        {"name": name, "in": "query", "schema": schema_of_parameter} for name, schema_of_parameter in query.items()
    ]
    refused = {"description": "", "content": {"application/json": {"schema": body(error=TEXT)}}}
    listed = {"description": "", "headers": headers or {}, "content": {"application/json": {"schema": schema}}}
    responses = {"200": listed, "400": refused, "404": refused}
    return contract_of(responses=responses, parameters=[identity, *parameters], **operation)


def of_api(name: str) -> Contract:
    """Return the contract of the API with this name."""
    return contract(APIS[name].schema, APIS[name].query, APIS[name].headers)


@pytest.mark.parametrize("name", APIS)
def test_paging_is_recognised_by_parameter_and_property_names(name: str) -> None:
    _, _, by, size, following, _ = APIS[name]
    of = of_api(name)

    paging = read_paging(of, of.operations[0])

    assert paging is not None
    start = f"{paging.by} {paging.start.name}" if paging.start else ""
    next_location = "Link" if paging.in_header else ".".join(paging.next)
    assert (by, size, following) == (start, paging.size.name if paging.size else "", next_location)
    assert bool(by or following) == paging.has_next_page
    assert "id" == paging.identity
    assert (following == "Link") == ("next: Link" in str(paging))


@pytest.mark.parametrize(
    ("second", "expected"), [({"id": TEXT, "seats": WHOLE}, "id"), ({"seats": WHOLE, "uuid": TEXT}, "uuid"), ({}, "")]
)
def test_the_identity_of_items_with_alternatives_is_a_member_of_all(second: dict[str, Any], expected: str) -> None:
    """Also within alternatives of an alternative."""
    first = body(id=TEXT, uuid=TEXT, cargo=TEXT)
    items = {"oneOf": [first, {"anyOf": [body(**second), {"allOf": [first, body(deck=TEXT)]}]}]}
    of = contract(body(data={"type": "array", "items": items}, nextCursor=MAYBE), {"cursor": TEXT})

    paging = read_paging(of, of.operations[0])

    assert paging is not None
    assert expected == paging.identity


@pytest.mark.parametrize(
    ("schema", "query", "extension"),
    [
        (LIST, {}, None),
        (LIST, {"size": WHOLE}, None),
        (LIST, {"cursor": TEXT}, None),
        (LIST, {"limit": TEXT, "page": TEXT}, None),
        (body(id=TEXT), {"limit": WHOLE, "page": WHOLE}, None),
        (LIST, {"limit": WHOLE, "page": WHOLE}, False),
    ],
)
def test_read_paging_returns_none_without_paging(schema: Any, query: dict[str, Any], extension: Any) -> None:
    of = contract(schema, query, **({} if extension is None else {"x-bctrl-paging": extension}))

    assert read_paging(of, of.operations[0]) is None


def test_the_packaged_contract_has_no_paging() -> None:
    packaged_contract = load()
    assert [] == [operation for operation in packaged_contract.operations if read_paging(packaged_contract, operation)]


def test_x_bctrl_paging_names_unusual_parameters_and_properties() -> None:
    schema = body(rows=LIST, others=LIST, go=body(on=TEXT), left=TRUTH)
    extension = {"items": "rows", "cursor": "from", "next": "go.on", "more": "left", "size": "n", "id": "id"}
    of = contract(schema, {"from": TEXT, "n": WHOLE}, **{"x-bctrl-paging": extension})

    paging = read_paging(of, of.operations[0])

    assert paging is not None
    assert "size: n, cursor: from, next: go.on, more: left, items: rows, id: id" == str(paging)
    assert f"  pages       {paging}" in [*contract_lines(of)]
    assert [("from", "here"), ("n", "2")] == sorted(
        paging.next_query({"rows": [{"id": "1"}], "go": {"on": "here"}, "left": True}, None, [("n", "2")]) or []
    )


@pytest.mark.parametrize(
    ("following", "query"),
    [
        ("https://api.example.org/v1/things/1?limit=2&after=7&z=", [("limit", "2"), ("after", "7"), ("z", "")]),
        ("HTTP://localhost/things?after=7", [("after", "7")]),
        ("https", [("limit", "2"), ("after", "https")]),
        ("/things?after=7", [("limit", "2"), ("after", "/things?after=7")]),
        ("", None),
        (7, [("limit", "2"), ("after", "7")]),
    ],
)
def test_a_cursor_that_is_an_absolute_url_is_the_url_of_the_next_page(following: Any, query: Any) -> None:
    """As `next_page` in the API of Figma, whose document describes the URL in words only."""
    of = contract(body(data=LIST, next_page=MAYBE), {"limit": WHOLE, "after": TEXT})
    paging = read_paging(of, of.operations[0])

    assert paging is not None
    assert query == paging.next_query({"data": [], "next_page": following}, None, [("limit", "2"), ("after", "3")])
    is_url = isinstance(following, str) and "://" in following
    assert (following if is_url else None) == paging.next_url({"next_page": following}, None)


def test_items_are_identified_by_the_unique_property_of_an_invariant() -> None:
    """`unique: data[*].name` makes `name` the id, although an item has an `id`, and a nested id is unique too."""
    named = {"type": "array", "items": body(id=TEXT, name=TEXT)}
    rules = [
        {"rule": f"unique_{place}", "level": "error", "because": "", "unique": place}
        for place in ("data[*].owner.id", "data[*].name")
    ]
    of = contract(body(data=named), {"limit": WHOLE}, **{"x-bctrl-invariants": rules})

    assert "size: limit, items: data, id: name" == str(read_paging(of, of.operations[0]))


WRONG = {
    "no parameter": ({"size": "much"}, "size: no query parameter is called 'much' (there is: limit)"),
    "two": ({"page": "limit", "offset": "limit"}, "it names both offset and page (keep the parameter that *"),
    "no member": ({"next": "meta.gone"}, "next: the response documents no 'meta.gone' (there is: *Link*)"),
    "no list": (
        {"items": "rows"},
        "items: the response has no list 'rows' (name the member with the list: items: data)",
    ),
    "no id": ({"id": "name"}, "id: an item documents no 'name' (there is: id)"),
    "no part": ({"cursors": "x"}, '*"size", "cursor", * is expected, not "cursors" *'),
    "a word": ("cursor", '*[[]false] is expected, not "cursor" *'),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_invalid_x_bctrl_paging_is_a_one_line_error(name: str) -> None:
    extension, problem = WRONG[name]

    with pytest.raises(DocumentError) as caught:
        contract(body(data=LIST), {"limit": WHOLE}, **{"x-bctrl-paging": extension})

    place = "things.json: #/paths/~1v1~1things~1{id}/get/x-bctrl-paging*: "
    pytest.LineMatcher([str(caught.value)]).fnmatch_lines([place + problem])


@pytest.mark.parametrize(
    ("schema", "extension", "problem"),
    [
        (body(a=LIST, b=LIST), {"size": "limit"}, "items: the response has no list ''"),
        (LIST, {"id": "id"}, "no parameter selects a page"),
    ],
)
def test_an_incomplete_x_bctrl_paging_is_an_error(schema: Any, extension: Any, problem: str) -> None:
    """It names no list although there are two, or no parameter that selects a page."""
    query = {"limit": WHOLE} if "size" in extension else {"z": TEXT}

    with pytest.raises(DocumentError, match=problem):
        contract(schema, query, **{"x-bctrl-paging": extension})


def test_x_bctrl_paging_without_a_list_is_an_error() -> None:
    with pytest.raises(DocumentError, match="the operation returns no list"):
        contract_of(responses={"204": {"description": ""}}, **{"x-bctrl-paging": {"size": "limit"}})


@pytest.mark.parametrize(
    ("field", "target"),
    [
        (None, None),
        ('<https://a.example/x?p=3>; rel="next", <https://a.example/x?p=9>; rel="last"', "https://a.example/x?p=3"),
        ('<a>; rel="prev"; title="a, <b>; rel=next", </c?d=1,2>; REL=Next', "/c?d=1,2"),
        ('<a>; rel="first next"', "a"),
        ("<a>; rel=nextish", None),
    ],
)  # fmt: skip
def test_link_target_returns_the_url_of_the_relation(field: str | None, target: str | None) -> None:
    """That of `next` in a `Link` field; None if the field or the relation is missing."""
    assert target == link_target(field, "next")
