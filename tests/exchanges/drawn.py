"""Draws further exchanges: those of the catalogue with up to three changes, each of which may be a fault or none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.exchanges.catalogue import CASES, Case
from tests.exchanges.paths import FORM, JSON

Change: TypeAlias = Callable[[st.DrawFn, Case], Case]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
PATHS = (
    "/items/7",
    "/items/lamp",
    "/items/-7",
    "/items/7.5",
    "/items/%37",
    "/orders",
    "/orders/",
    "/Orders",
    "/orders/7",
)
QUERY_NAMES = ("limit", "kind", "maker[age]", "maker[height]", "maker", "text", "colour", "Limit")
QUERY_VALUES = ("5", "0", "101", "abc", "", "small", "huge", "5.0", "%35", "a%20b", "1,2")
STATUSES = (200, 201, 204, 205, 299, 302, 400, 404, 409, 418, 422, 500, 502)
MEDIA_TYPES = (
    *(JSON, "application/json; charset=utf-8", "application/json;charset=latin-1", "APPLICATION/JSON", "text/json"),
    *("application/problem+json", "application/hal+json", "application/jsonl", "application/xml", "text/event-stream"),
    *("text/plain", "text/plain; charset=latin-1", "text/html", FORM, "application/*", "json", "", None),
)
ACCEPT = (JSON, "*/*", "application/*", "text/html", "application/json;q=0", "text/plain, */*;q=0.1", "nothing")
INTEGERS = ("1", "01", "-5", "many", "1.0", "1e3", "1, 2", "", None)
OTHER_FIELDS = (
    ("Deprecation", "@1767225600"),
    ("Sunset", "Sat, 31 Dec 2050 23:59:59 GMT"),
    ("Sunset", "tomorrow"),
    ("Link", "</next>; rel=next"),
    ("Content-Encoding", "identity"),
    ("Transfer-Encoding", "chunked"),
)
NAMES = ("id", "qty", "size", "notes", "name", "kind", "pin", "maker", "created", "colour", "nick", "lives", "title")
VALUES: tuple[Any, ...] = (
    *(None, True, 0, 7, -1, 1.0, 0.5, 2**53 + 1, "", "s", "small", "a long name", "2026-01-01T00:00:00Z", "yesterday"),
    *("\ud800", "\0", "é", [], {}, [7], ["long"], {"name": "Ada"}, {"name": 7, "address": {"city": None}}),
)


def _method(draw: st.DrawFn, case: Case) -> Case:
    """Change the method."""
    return replace(case, method=draw(st.sampled_from(METHODS)))


def _path(draw: st.DrawFn, case: Case) -> Case:
    """Change the path."""
    _, mark, query = case.target.partition("?")
    return replace(case, target=draw(st.sampled_from(PATHS)) + mark + query)


def _query(draw: st.DrawFn, case: Case) -> Case:
    """Change the query."""
    pairs = st.tuples(st.sampled_from(QUERY_NAMES), st.sampled_from(QUERY_VALUES))
    query = "&".join(f"{name}={value}" for name, value in draw(st.lists(pairs, max_size=3)))
    return replace(case, target=case.target.partition("?")[0] + (query and f"?{query}"))


def _headers(draw: st.DrawFn, case: Case) -> Case:
    """Change a field of the request."""
    name, values = draw(
        st.sampled_from(
            [
                ("Content-Type", MEDIA_TYPES),
                ("Accept", ACCEPT),
                ("X-Page", INTEGERS),
                ("Authorization", ("Basic", None)),
            ]
        )
    )
    return replace(case, headers=_with(case.headers, name, draw(st.sampled_from(values))))


def _sent(draw: st.DrawFn, case: Case) -> Case:
    """Change the body of the request."""
    return replace(case, sent=draw(st.none() | _bodies(case.sent, is_ascii=True)))


def _status(draw: st.DrawFn, case: Case) -> Case:
    """Change the status."""
    return replace(case, status=draw(st.sampled_from(STATUSES)))


def _fields(draw: st.DrawFn, case: Case) -> Case:
    """Change a field of the response."""
    integers = st.sampled_from(INTEGERS)
    media_types = st.tuples(st.just("Content-Type"), st.sampled_from(MEDIA_TYPES))
    totals = st.tuples(st.sampled_from(["X-Total", "X-Left"]), integers)
    name, value = draw(media_types | totals | st.sampled_from(OTHER_FIELDS))
    return replace(case, fields=_with(case.fields, name, value))


def _received(draw: st.DrawFn, case: Case) -> Case:
    """Change the body of the response."""
    return replace(case, received=draw(_bodies(case.received)))


def _coding(draw: st.DrawFn, case: Case) -> Case:
    """Compress the body of the response, unless it is; or only say so."""
    if "Content-Encoding" in case.fields or case.method == "HEAD" or case.status == 204:
        return case
    body = gzip.compress(case.body, mtime=0) if draw(st.booleans()) else case.body
    fields = _with(case.fields, "Content-Encoding", "gzip")
    return replace(case, received=body.decode("utf-8", "surrogateescape"), fields=fields)


CHANGES: tuple[Change, ...] = (_method, _path, _query, _headers, _sent, _status, _fields, _received, _coding)
"""The changes in the order in which they are applied."""


def _with(fields: Mapping[str, str], name: str, value: str | None) -> dict[str, str]:
    """Return header fields with another value of one, without it for None."""
    others = {key: field for key, field in fields.items() if key != name}
    return others if value is None else {**others, name: value}


@st.composite
def _bodies(draw: st.DrawFn, body: Any, *, is_ascii: bool = False) -> Any:
    """Draw a body like another: JSON data with a change, or a text with a mistake."""
    if not isinstance(body, str) and draw(st.booleans()):
        changed = draw(_changed(body))
        return json.dumps(changed) if isinstance(changed, str) else changed
    text = body if isinstance(body, str) else json.dumps(body)
    place = draw(st.integers(0, len(text)))
    texts = ["", text[:place], text + ",", text + "\n", f"[{text}", f"[{text}]", f'{{"id": 1, "id": {text}}}', "NaN"]
    texts += [text.replace("7", "7e400"), text.replace("7", "07"), text.replace('"', "'"), '{"id": 7}\n{"id": "x"}\n']
    if not is_ascii:
        texts += [f"\ufeff{text}", text[:place] + "\udcff" + text[place:], text.replace("a", "é")]
    return draw(st.sampled_from(texts))


@st.composite
def _changed(draw: st.DrawFn, value: Any) -> Any:
    """Draw JSON data that differ from others in one place."""
    if isinstance(value, dict):
        name = draw(st.sampled_from([*value, *NAMES]))
        if name not in value:
            return {**value, name: draw(st.sampled_from(VALUES))}
        if draw(st.booleans()):
            return {**value, name: draw(_changed(value[name]))}
        return {key: member for key, member in value.items() if key != name}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [*value, draw(_changed(value[0]))]
    return draw(st.sampled_from(VALUES))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw an exchange of the catalogue with changes, without the findings that it must get."""
    case = replace(draw(st.sampled_from(list(CASES.values()))), expected=())
    kinds = draw(st.sets(st.sampled_from(range(len(CHANGES))), min_size=1, max_size=3))
    for kind in sorted(kinds):
        case = CHANGES[kind](draw, case)
    if case.status == 204:
        # requests waits for the end of a chunked body that does not come.
        return replace(case, fields=_with(case.fields, "Transfer-Encoding", None))
    return case


def drawn_cases(number: int) -> dict[str, Case]:
    """Return drawn exchanges by name: always the same ones, except with the profile `search`.

    Hypothesis varies an exchange some times before it draws another, so only every fifth is taken.
    """
    drawn: list[Case] = []

    @settings(max_examples=5 * number, phases=[Phase.generate])
    @given(cases())
    def draw(case: Case) -> None:
        """Add an exchange."""
        drawn.append(case)

    draw()
    return {_name(index): case for index, case in enumerate(drawn[::5])}


def _name(index: int) -> str:
    """Return a name without digits: the watch lists a path with `{id}` for each segment that has one."""
    return "drawn " + "".join("abcdefghij"[int(digit)] for digit in str(index))
