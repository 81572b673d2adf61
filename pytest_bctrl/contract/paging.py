"""How an operation lists page by page: what asks for a page, and what its answer says of the next."""

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
"""The names that lead from the body to a value; none where there is no such value."""

LINK = "Link"


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
        """The parts in the words of `x-bctrl-paging`: `size: limit, cursor: cursor, next: nextCursor`."""
        asking = {"size": self.size, self.by: self.start}
        places = {"next": self.next, "more": self.more, "total": self.total, "pages": self.pages}
        parts = {word: parameter.name for word, parameter in asking.items() if parameter is not None}
        parts |= {word: exact_location(members) for word, members in places.items() if members}
        parts |= {"next": LINK} if self.in_header else {}
        parts |= {word: name for word, name in (("items", self.items), ("id", self.identity)) if name}
        return ", ".join(f"{word}: {said}" for word, said in parts.items())

    @property
    def has_next_page(self) -> bool:
        """Whether a page after the first can be asked for."""
        return self.start is not None or self.is_link or self.in_header

    @property
    def start_name(self) -> str:
        """The query parameter that says which page is asked for, of a link too where the contract names none."""
        return self.start.name if self.start is not None else "cursor"

    @property
    def is_opaque(self) -> bool:
        """Whether what asks for a page comes from an answer, so that no other value names one."""
        return self.by in ("cursor", "item")

    def requested_size(self, query: Sequence[Pair]) -> int | None:
        """How many items a query asks for, or gets without asking; None where nothing says so."""
        return query_integer(self.size, query, self.default_size)

    def items_in(self, body: Any) -> list[Any]:
        """The items of an answer's body."""
        found = member_value(body, (self.items,) if self.items else ())
        return found if isinstance(found, list) else []

    def identity_of(self, item: Any) -> str | int | None:
        """The value by which an item is known; None where it has none."""
        found = item.get(self.identity) if isinstance(item, Mapping) else None
        return found if isinstance(found, str | int) and not isinstance(found, bool) else None

    def next_url(self, body: Any, field: str | None) -> str | None:
        """The URL of the next page that an answer gives, in its body or its `Link` field."""
        if self.in_header:
            return link_target(field, "next")
        found = member_value(body, self.next) if self.is_link else None
        return found if isinstance(found, str) and found else None

    def next_query(self, body: Any, field: str | None, query: Sequence[Pair]) -> list[Pair] | None:
        """Return the query for the page after an answer to `query`, whose `Link` is `field`; None after the last."""
        if (self.more and member_value(body, self.more) is False) or not self.has_next_page:
            return None
        if self.is_link or self.in_header:
            target = self.next_url(body, field)
            return None if target is None else parse_qsl(urlsplit(target).query, keep_blank_values=True)
        value = self._next_value(body, query)
        kept = [one for one in query if one[0] != self.start_name]
        return None if value in (None, "", False) else [*kept, (self.start_name, str(value))]

    def _next_value(self, body: Any, query: Sequence[Pair]) -> Any:
        items = self.items_in(body)
        size = self.requested_size(query) or len(items)
        if self.by == "cursor":
            return member_value(body, self.next)
        is_short = len(items) < size or not items
        if self.by == "item":
            return None if not items or (is_short and not self.more) else self.identity_of(items[-1])
        if self.next and not member_value(body, self.next):
            return None
        now = query_integer(self.start, query, self.first)
        done = (now - self.first + 1) * size if self.by == "page" else now - self.first + size
        for counted, reached in ((self.total, done), (self.pages, now - self.first + 1 if self.by == "page" else None)):
            most = member_value(body, counted) if counted else None
            if reached is not None and isinstance(most, int) and reached >= most:
                return None
        if is_short and not (self.more or self.next or self.total or self.pages):
            return None
        return now + 1 if self.by == "page" else now + size


def query_integer(parameter: Parameter | None, query: Sequence[Pair], default: Default) -> int | Default:
    """The whole number that a query gives a parameter; the default where it gives none."""
    given = next((value for name, value in query if parameter is not None and name == parameter.name), "")
    return int(given) if re.fullmatch(r"-?\d{1,18}", given) else default


def member_value(body: Any, members: Members) -> Any:
    """What a body has at some members; None where they lead nowhere."""
    for name in members:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


_LINKED = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^\s\",;]*))?)*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]*))", re.IGNORECASE)


def link_target(field: str | None, relation: str) -> str | None:
    """The target of the first link of a relation in a `Link` field (RFC 8288, 3); None where there is none."""
    for target, parameters in _LINKED.findall(field or ""):
        found = _REL.search(parameters)
        if found is not None and relation in (found[1] or found[2] or "").lower().split():
            return str(target)
    return None
