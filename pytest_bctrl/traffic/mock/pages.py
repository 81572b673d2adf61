"""The pages of a list: selects the items that a request asks for, and adds the link or cursor of the next page.

A cursor identifies an item, and remains valid when that item is removed: a client that follows cursors gets every item
that stays in the list exactly once, even if other items are added or removed. Page numbers and offsets count the
current items, as they do in real APIs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from hashlib import blake2b
from math import ceil
from threading import Lock
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote, urlencode

from pytest_bctrl.contract.paging import LINK, Paging, member_value, query_integer
from pytest_bctrl.contract.parameters import Pair, survives_transport
from pytest_bctrl.contract.schema.invariant import as_uuid
from pytest_bctrl.http.message import Headers, Payload, Request
from pytest_bctrl.samples.paged import as_last_page, with_member
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode

Identity: TypeAlias = tuple[str, int]
"""The identity of an item as text, and the number of items with the same identity before it."""

DEFAULT_SIZE = 100
"""Number of items on a page if no parameter sets it."""


class Page(NamedTuple):
    """One page as it is sent."""

    payload: Payload
    headers: Headers = ()
    why: str = ""


class UnknownPageError(Exception):
    """A request has a cursor that the mock never sent, and the mock accepts no other cursors."""


class Pages:
    """The pages of one operation's current list; thread-safe.

    The page of a cursor that the mock never sent is the last, and has as few items as the contract allows. With
    `only_known_cursors`, such a request is rejected.
    """

    def __init__(self, samples: Samples, paging: Paging, *, only_known_cursors: bool = False) -> None:
        self._samples, self.paging = samples, paging
        self._only_known_cursors = only_known_cursors
        self._ranks: dict[Identity, int] = {}
        self._cursors: dict[str, Identity | None] = {}
        self._latest: tuple[tuple[str, str | None], Page] | None = None
        self._body: tuple[Payload, Any, list[Identity]] | None = None
        self._lock = Lock()

    def page(self, request: Request, payload: Payload) -> Page:
        """Return the page of the list in `payload` that a request selects, `payload` itself without a list.

        Raises `UnknownPageError` for a cursor that the mock did not send, if such requests are rejected.
        """
        with self._lock:
            body, identities = self._body_and_identities(payload)
            if not isinstance(member_value(body, (self.paging.items,) if self.paging.items else ()), list):
                # A body without a list has no pages.
                return Page(payload)
            key = request.target, request.header("host")
            if self._latest is None or self._latest[0] != key:
                self._latest = key, self._page(request, payload, body, identities)
            return self._latest[1]

    def _page(self, request: Request, payload: Payload, body: Any, identities: Sequence[Identity]) -> Page:
        """Return the selected page of a body, without a cache; raises `UnknownPageError` for a rejected cursor."""
        samples, paging, query = self._samples, self.paging, request.query
        items = paging.items_in(body)
        size = self._size(query, len(items))
        unknown = self._cursor_problem(query)
        if unknown and self._only_known_cursors:
            raise UnknownPageError(unknown)
        current = max(paging.first, query_integer(paging.start, query, paging.first))
        if paging.by == "page":
            start, following = (current - paging.first) * size, current + 1
            shown, has_more = items[start : start + size], len(items) > start + size
        elif paging.by == "offset":
            start, following = current - paging.first, current + size
            shown, has_more = items[start : start + size], len(items) > start + size
        elif unknown:
            shown, has_more, following = items[len(items) - min(len(items), samples.fewest_items) :], False, None
        else:
            shown, has_more, following = self._items_after_cursor(query, items, identities, size)
        page: Any = {**body, paging.items: []} if paging.items else []
        counts = [(paging.total, len(items)), (paging.pages, ceil(len(items) / size) if size else 0)]
        counts += [(members, size if parameter is paging.size else current) for members, parameter in paging.echoes]
        for members, number in counts:
            page = with_member(samples, page, members, [number])
        page, headers = with_next_page(samples, paging, page, request, following if has_more else None)
        page = {**page, paging.items: shown} if paging.items else shown
        return Page(Payload(encode(page), page_of=payload), headers, unknown)

    def _size(self, query: Sequence[Pair], available: int) -> int:
        """Return the page size: as requested or by default; else all items, or 100 if no parameter sets it."""
        requested = self.paging.requested_size(query)
        if requested is not None:
            return max(0, requested)
        if self.paging.size is None:
            return DEFAULT_SIZE
        return available

    def _items_after_cursor(
        self, query: Sequence[Pair], items: Sequence[Any], identities: Sequence[Identity], size: int
    ) -> tuple[list[Any], bool, Any]:
        """Return the items of the page after the cursor of a query, whether there are more, and the next cursor.

        If the contract allows no cursor, all remaining items are on the page.
        """
        anchor = self._anchor(query)
        anchor_rank = -1
        if anchor is not None:
            anchor_rank = self._ranks[anchor]
        remaining = [(item, key) for item, key in zip(items, identities, strict=True) if self._ranks[key] > anchor_rank]
        if 0 < size <= len(remaining):
            anchor = remaining[size - 1][1]
        following = self._cursor(anchor)
        if following is None:
            # The contract allows no cursor, so the page has all items.
            return [item for item, _ in remaining], False, None
        return [item for item, _ in remaining[:size]], len(remaining) > size, following

    def _body_and_identities(self, payload: Payload) -> tuple[Any, list[Identity]]:
        """Return the body of a payload and the identities of its items, ranked among those of earlier bodies."""
        if self._body is None or self._body[0] is not payload:
            body = json.loads(payload.body)
            counts = Counter[str]()
            identities: list[Identity] = []
            for item in self.paging.items_in(body):
                identity = self.paging.identity_of(item)
                text = json.dumps(item, sort_keys=True) if identity is None else str(identity)
                identities.append((text, counts[text]))
                counts[text] += 1
            self._ranks = {key: rank for rank, key in enumerate(merged_order([*self._ranks], identities))}
            self._latest = None
            self._body = payload, body, identities
        return self._body[1], self._body[2]

    def _cursor_problem(self, query: Sequence[Pair]) -> str:
        """Return why the cursor in a query is unknown; empty if it is known, or if there is none."""
        text = page_start(self.paging, query)
        if not text or not self.paging.has_next_page or self.paging.by in ("page", "offset"):
            return ""
        is_known = text in self._cursors
        if self.paging.by == "item":
            is_known = (text, 0) in self._ranks
        if is_known:
            return ""
        return f"query {self.paging.start_name}: the mock did not send this {self.paging.by or 'cursor'}"

    def _anchor(self, query: Sequence[Pair]) -> Identity | None:
        """Return the identity of the item after which the requested page begins; None for the first page."""
        text = page_start(self.paging, query)
        if not text or not self.paging.has_next_page:
            return None
        if self.paging.by == "item":
            return text, 0
        return self._cursors[text]

    def _cursor(self, identity: Identity | None) -> Any:
        """Return the cursor that stands for an item, always the same; None if the contract allows no cursor."""
        if self.paging.by == "item":
            return identity[0] if identity else ""
        if self._cursor_format is None:
            return None
        digest = blake2b(repr(identity).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        cursor = self._cursor_format(digest)
        self._cursors[str(cursor)] = identity
        return cursor

    @cached_property
    def _cursor_format(self) -> Callable[[str], Any] | None:
        """The first format of cursors that the contract allows in query and response; None if there is none."""
        paging, page = self.paging, self._samples.with_items([])
        members = () if paging.is_link else paging.next
        for cursor_format in _CURSOR_FORMATS:
            cursor = cursor_format("5c" * 16)
            if paging.start is not None and not survives_transport(self._samples.contract, paging.start, cursor):
                continue
            if not members or member_value(with_member(self._samples, page, members, [cursor]), members) == cursor:
                return cursor_format
        return None


_CURSOR_FORMATS: tuple[Callable[[str], Any], ...] = (
    "c_{}".format,
    as_uuid,
    lambda digest: digest[:8],
    lambda digest: int(digest[:8], 16),
    lambda digest: str(int(digest[:8], 16)),
)


def merged_order(earlier: Sequence[Identity], identities: Sequence[Identity]) -> list[Identity]:
    """Return the identities of all items that were ever in the list, in order; new ones at their current position.

    An item that was moved keeps its earlier position.
    """
    ranks = {key: rank for rank, key in enumerate(earlier)}
    order: list[Identity] = []
    done = 0
    for key in identities:
        rank = ranks.get(key)
        if rank is None:
            order.append(key)
        elif rank >= done:
            order += earlier[done : rank + 1]
            done = rank + 1
    return [*order, *earlier[done:]]


def is_further(paging: Paging, request: Request) -> bool:
    """Return whether a request selects a page after the first."""
    if paging.by in ("page", "offset"):
        return query_integer(paging.start, request.query, paging.first) > paging.first
    return page_start(paging, request.query) != ""


def page_start(paging: Paging, query: Sequence[Pair]) -> str:
    """Return the cursor, page number or offset in a query as text; empty if there is none."""
    return next((value for name, value in query if name == paging.start_name), "")


def page_target(paging: Paging, request: Request, *start: str, hidden: Collection[str] = ()) -> str:
    """Return the request target of the first page, or of the page at `start`, without the parameters in `hidden`."""
    pairs = [pair for pair in request.query if pair[0] not in (paging.start_name, *hidden)]
    query = urlencode([*pairs, *((paging.start_name, value) for value in start)], quote_via=quote)
    path = request.path
    return f"{path}?{query}" if query else path


def with_next_page(
    samples: Samples, paging: Paging, body: Any, request: Request, following: Any
) -> tuple[Any, Headers]:
    """Return body and header fields that announce the next page at `following`; if None, the body of the last page."""
    if following is None:
        return as_last_page(samples, paging, body), ()
    body = with_member(samples, body, paging.more, [True])
    schemes = {scheme for group in samples.operation.security for scheme in group}
    key_names = {scheme.field for scheme in schemes if scheme.in_ == "query"}
    target = page_target(paging, request, str(following), hidden=key_names)
    host = request.header("host")
    urls = [target]
    if host and target.startswith("/"):
        urls.insert(0, f"http://{host}{target}")
    if paging.in_header:
        return body, ((LINK, f'<{urls[0]}>; rel="next"'),)
    if paging.is_link:
        return with_member(samples, body, paging.next, urls), ()
    cursors = [following]
    if isinstance(following, str) and following.isdecimal():
        cursors.append(int(following))
    return with_member(samples, body, paging.next, cursors), ()
