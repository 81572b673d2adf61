"""The pages of a list: which part of it a request asks for, and what its answer says of the next one.

A cursor stands for an item, and what is behind that item stays known when it is taken out: whoever follows cursors
gets each item that is there throughout once, whatever else is put in or removed. Page numbers and offsets count the
items that are there at the time, as they do in the APIs that have them.
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

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.paging import LINK, Paging, member_value, query_integer
from pytest_bctrl.contract.parameters import Pair
from pytest_bctrl.contract.schema.invariant import as_uuid
from pytest_bctrl.http.message import Headers, Payload, Request
from pytest_bctrl.samples.paged import ended, with_member
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode

Key: TypeAlias = tuple[str, int]
"""What an item is known by, as text, and how many before it have the same."""

USUAL = 100
"""Items of a page where no parameter asks for a number of them."""


class Page(NamedTuple):
    """One page as it is sent."""

    payload: Payload
    headers: Headers = ()


class UnknownPageError(Exception):
    """A request asks for a page by what the mock never gave; the message says so."""


class Pages:
    """The pages of one operation, of whatever list it has at the time; safe to use from several threads."""

    def __init__(self, samples: Samples, paging: Paging) -> None:
        self._samples, self.paging = samples, paging
        self._ranks: dict[Key, int] = {}
        self._cursors: dict[str, Key | None] = {}
        self._made: tuple[tuple[str, str | None], Page] | None = None
        self._body: tuple[Payload, Any, list[Key]] | None = None
        self._lock = Lock()

    def page(self, request: Request, payload: Payload) -> Page:
        """Return the page of the list in `payload` that a request asks for; raises `UnknownPageError`."""
        with self._lock:
            body, keys = self._known(payload)
            if not isinstance(member_value(body, (self.paging.items,) if self.paging.items else ()), list):
                # What is served against the contract, or leaves its list out, has no pages.
                return Page(payload)
            asked = request.target, request.header("host")
            if self._made is None or self._made[0] != asked:
                self._made = asked, self._page(request, payload, body, keys)
            return self._made[1]

    def _page(self, request: Request, payload: Payload, body: Any, keys: Sequence[Key]) -> Page:
        samples, paging, query = self._samples, self.paging, request.query
        items = paging.items_in(body)
        asked = paging.requested_size(query)
        size = max(0, asked if asked is not None else USUAL if paging.size is None else len(items))
        now = max(paging.first, query_integer(paging.start, query, paging.first))
        if paging.by in ("page", "offset"):
            start = (now - paging.first) * (size if paging.by == "page" else 1)
            shown, left = items[start : start + size], len(items) - start - size
            following: Any = now + 1 if paging.by == "page" else now + size
        else:
            anchor = self._anchor(query)
            after = -1 if anchor is None else self._ranks[anchor]
            behind = [(item, key) for item, key in zip(items, keys, strict=True) if self._ranks[key] > after]
            shown, left = [item for item, _ in behind[:size]], len(behind) - size
            following = self._cursor(behind[size - 1][1] if 0 < size <= len(behind) else anchor)
            if following is None:
                # Nothing can stand for the rest, so it is all here.
                shown, left = [item for item, _ in behind], 0
        made: Any = {**body, paging.items: []} if paging.items else []
        counts = [(paging.total, len(items)), (paging.pages, ceil(len(items) / size) if size else 0)]
        counts += [(members, size if parameter is paging.size else now) for members, parameter in paging.echoes]
        for members, number in counts:
            made = with_member(samples, made, members, [number])
        made, headers = announced(samples, paging, made, request, following if left > 0 else None)
        whole = {**made, paging.items: shown} if paging.items else shown
        return Page(Payload(encode(whole), page_of=payload), headers)

    def _known(self, payload: Payload) -> tuple[Any, list[Key]]:
        """The body of a payload and what its items are known by; they take their place among all that were there."""
        if self._body is None or self._body[0] is not payload:
            body = json.loads(payload.body)
            seen = Counter[str]()
            keys: list[Key] = []
            for item in self.paging.items_in(body):
                known = self.paging.identity_of(item)
                text = json.dumps(item, sort_keys=True) if known is None else str(known)
                keys.append((text, seen[text]))
                seen[text] += 1
            self._ranks = {key: rank for rank, key in enumerate(merged([*self._ranks], keys))}
            self._made = None
            self._body = payload, body, keys
        return self._body[1], self._body[2]

    def _anchor(self, query: Sequence[Pair]) -> Key | None:
        """The item behind which a page begins; None for the first page."""
        text = started(self.paging, query)
        if not text or not self.paging.has_next_page:
            return None
        if self.paging.by == "item":
            if (text, 0) in self._ranks:
                return text, 0
        elif text in self._cursors:
            return self._cursors[text]
        raise UnknownPageError(f"query {self.paging.start_name}: the mock gave no such {self.paging.by or 'cursor'}")

    def _cursor(self, key: Key | None) -> Any:
        """What stands for an item, in a spelling that the contract allows; the same each time. None where none is."""
        if self.paging.by == "item":
            return key[0] if key else ""
        if self._spelling is None:
            return None
        made = self._spelling(blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest())
        self._cursors[str(made)] = key
        return made

    @cached_property
    def _spelling(self) -> Callable[[str], Any] | None:
        """How a cursor is written: in the first way that the contract allows, in the query and in the answer."""
        paging, first = self.paging, self._samples.with_items([])
        members = () if paging.is_link else paging.next
        for spelling in _SPELLINGS:
            made = spelling("5c" * 16)
            is_taken = paging.start is None or accepts(self._samples.contract, paging.start.schema, made)
            if is_taken and (
                not members or member_value(with_member(self._samples, first, members, [made]), members) == made
            ):
                return spelling
        return None


_SPELLINGS: tuple[Callable[[str], Any], ...] = (
    "c_{}".format,
    as_uuid,
    lambda digest: digest[:8],
    lambda digest: int(digest[:8], 16),
    lambda digest: str(int(digest[:8], 16)),
)


def merged(known: Sequence[Key], keys: Sequence[Key]) -> list[Key]:
    """Return the order in which all items stand that were ever there: what is new comes where it is now.

    An item that was moved keeps the place that it had.
    """
    ranks = {key: rank for rank, key in enumerate(known)}
    made: list[Key] = []
    done = 0
    for key in keys:
        rank = ranks.get(key)
        if rank is None:
            made.append(key)
        elif rank >= done:
            made += known[done : rank + 1]
            done = rank + 1
    return [*made, *known[done:]]


def is_further(paging: Paging, request: Request) -> bool:
    """Whether a request asks for another page than the first."""
    if paging.by in ("page", "offset"):
        return query_integer(paging.start, request.query, paging.first) > paging.first
    return started(paging, request.query) != ""


def started(paging: Paging, query: Sequence[Pair]) -> str:
    """What a query says of which page is asked for; empty where it says nothing."""
    return next((value for name, value in query if name == paging.start_name), "")


def target_of(paging: Paging, request: Request, *start: str, hidden: Collection[str] = ()) -> str:
    """The target of a request for another page: the first, or that which `start` asks for, without what is hidden."""
    kept = [one for one in request.query if one[0] not in (paging.start_name, *hidden)]
    query = urlencode([*kept, *((paging.start_name, one) for one in start)], quote_via=quote)
    return request.target.partition("?")[0] + (f"?{query}" if query else "")


def announced(samples: Samples, paging: Paging, body: Any, request: Request, following: Any) -> tuple[Any, Headers]:
    """Return a body that says what asks for the next page, None after the last, and the header fields that say so."""
    if following is None:
        return ended(samples, paging, body), ()
    body = with_member(samples, body, paging.more, [True])
    secret = {one.field for group in samples.operation.security for one in group if one.in_ == "query"}
    target = target_of(paging, request, str(following), hidden=secret)
    host = request.header("host")
    urls = [f"http://{host}{target}", target] if host and target.startswith("/") else [target]
    spelled = [following, int(following)] if isinstance(following, str) and following.isdecimal() else [following]
    if paging.in_header:
        return body, ((LINK, f'<{urls[0]}>; rel="next"'),)
    return with_member(samples, body, paging.next, urls if paging.is_link else spelled), ()
