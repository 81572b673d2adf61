"""Describes how an operation returns a list in pages, and derives the request for the next page from a response."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pytest_bctrl.contract.model import Parameter
from pytest_bctrl.contract.parameters import Pair
from pytest_bctrl.contract.schema.locations import exact_location

By = Literal["cursor", "item", "page", "offset", ""]
Default = TypeVar("Default", int, int | None)
Members = tuple[str, ...]
"""The names that lead from the body to a value; empty if the body does not have the value."""

LINK = "Link"

_ABSOLUTE_URL = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Paging:
    """The query parameters that select a page of an operation, and where its response refers to the next page.

    `size` is the parameter for the page size, and `default_size` the page size without it. `start` is the parameter
    that selects the page, and `by` what its value is; a number begins at `first`. `next` is where the response has the
    next cursor, or a URL if it `is_link`; with `in_header`, the `Link` field has the URL. `items` is the member with
    the list, empty if the body is the list, and `identity` the member that identifies an item. `echoes` are members
    that repeat a parameter of the request.
    """

    items: str
    identity: str
    size: Parameter | None = None
    default_size: int | None = None
    start: Parameter | None = None
    by: By = ""
    first: int = 0
    next: Members = ()
    more: Members = ()
    total: Members = ()
    pages: Members = ()
    echoes: tuple[tuple[Members, Parameter], ...] = ()
    is_link: bool = False
    in_header: bool = False

    def __str__(self) -> str:
        """The parts as in `x-bctrl-paging`: `size: limit, cursor: cursor, next: nextCursor`."""
        parameters = {"size": self.size, self.by: self.start}
        locations = {"next": self.next, "more": self.more, "total": self.total, "pages": self.pages}
        names = {"items": self.items, "id": self.identity}
        parts = {key: parameter.name for key, parameter in parameters.items() if parameter is not None}
        parts |= {key: exact_location(members) for key, members in locations.items() if members}
        if self.in_header:
            parts["next"] = LINK
        parts |= {key: name for key, name in names.items() if name}
        return ", ".join(f"{key}: {value}" for key, value in parts.items())

    @property
    def has_next_page(self) -> bool:
        """Whether any page after the first can be requested."""
        return self.start is not None or self.is_link or self.in_header

    @property
    def start_name(self) -> str:
        """The name of the query parameter that selects the page; an assumed name if only a link selects it."""
        if self.start is None:
            return "cursor"
        return self.start.name

    @property
    def is_opaque(self) -> bool:
        """Whether the page parameter takes only values that a response contained, as a cursor does."""
        return self.by in ("cursor", "item")

    def requested_size(self, query: Sequence[Pair]) -> int | None:
        """Return the page size that a query requests, or the default size; None if neither is known."""
        return query_integer(self.size, query, self.default_size)

    def has_items(self, body: Any) -> bool:
        """Return whether a response body has the list of items, which may be empty."""
        return isinstance(member_value(body, (self.items,) if self.items else ()), list)

    def items_in(self, body: Any) -> list[Any]:
        """Return the items of the list in a response body; empty if there is no list."""
        return items_of(body, self.items)

    def identity_of(self, item: Any) -> str | int | None:
        """Return the value that identifies an item, or None if it has none."""
        if not isinstance(item, Mapping):
            return None
        identity = item.get(self.identity)
        if not isinstance(identity, str | int) or isinstance(identity, bool):
            return None
        return identity

    def next_url(self, body: Any, field: str | None) -> str | None:
        """Return the URL of the next page, from the body or from the `Link` field; None if there is none.

        A cursor that is an absolute URL is the URL of the next page, although its name does not say so.
        """
        if self.in_header:
            return link_target(field, "next")
        url = member_value(body, self.next)
        if not isinstance(url, str) or not url:
            return None
        is_url = self.is_link or (self.by == "cursor" and _ABSOLUTE_URL.match(url) is not None)
        return url if is_url else None

    def next_query(self, body: Any, field: str | None, query: Sequence[Pair]) -> list[Pair] | None:
        """Return the query for the page after a response to `query`, or None after the last page.

        `body` is the body of the response and `field` its `Link` field.
        """
        if (self.more and member_value(body, self.more) is False) or not self.has_next_page:
            return None
        url = self.next_url(body, field)
        if url is not None:
            return parse_qsl(urlsplit(url).query, keep_blank_values=True)
        if self.is_link or self.in_header:
            return None
        value = self._next_value(body, query)
        if value in (None, "", False):
            return None
        other_pairs = [(name, text) for name, text in query if name != self.start_name]
        return [*other_pairs, (self.start_name, str(value))]

    def _next_value(self, body: Any, query: Sequence[Pair]) -> Any:
        """Return the value of the parameter that selects the next page, or a false value after the last page."""
        if self.by == "cursor":
            return member_value(body, self.next)
        items = self.items_in(body)
        size = self.requested_size(query) or len(items)
        is_short = len(items) < size or not items
        if self.by == "item":
            if not items or (is_short and not self.more):
                return None
            return self.identity_of(items[-1])
        if self.next and not member_value(body, self.next):
            return None
        if is_short and not (self.more or self.next or self.total or self.pages):
            return None
        if self.by == "page":
            return self._next_page(body, query, size)
        return self._next_offset(body, query, size)

    def _next_page(self, body: Any, query: Sequence[Pair], size: int) -> int | None:
        """Return the number of the next page; None only if a total of items or pages in the body is reached."""
        page = query_integer(self.start, query, self.first)
        pages = page - self.first + 1
        if _has_reached(body, self.total, pages * size) or _has_reached(body, self.pages, pages):
            return None
        return page + 1

    def _next_offset(self, body: Any, query: Sequence[Pair], size: int) -> int | None:
        """Return the offset of the next page; None only if a total of items in the body is reached."""
        offset = query_integer(self.start, query, self.first)
        if _has_reached(body, self.total, offset - self.first + size):
            return None
        return offset + size


def _has_reached(body: Any, members: Members, count: int) -> bool:
    """Return whether a count is at least the number that a body has at a location; False without a number."""
    if not members:
        return False
    number = member_value(body, members)
    return isinstance(number, int) and count >= number


def query_integer(parameter: Parameter | None, query: Sequence[Pair], default: Default) -> int | Default:
    """Return the integer in a query for a parameter, or the default if there is none."""
    text = next((value for name, value in query if parameter is not None and name == parameter.name), "")
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    return default


def member_value(body: Any, members: Members) -> Any:
    """Return the value of nested members in a body, or None if one of the members is missing."""
    for name in members:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


def items_of(body: Any, name: str) -> list[Any]:
    """Return the items of the list at a member of a body, or of the body for an empty name; empty without a list."""
    items = member_value(body, (name,) if name else ())
    return items if isinstance(items, list) else []


_LINK_VALUE = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^\s\",;]*))?)*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]*))", re.IGNORECASE)


def link_target(field: str | None, relation: str) -> str | None:
    """Return the URL of the first link with a relation in a `Link` field (RFC 8288, 3), or None."""
    for target, parameters in _LINK_VALUE.findall(field or ""):
        match = _REL.search(parameters)
        if match is not None and relation in (match[1] or match[2] or "").lower().split():
            return str(target)
    return None
