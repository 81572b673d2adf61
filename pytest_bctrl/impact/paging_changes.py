"""Paging that a new contract introduces: responses become real pages, with fewer items and a reference to the next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import ceil
from typing import Any
from urllib.parse import urlencode

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.paging import LINK, Members, Paging, query_integer
from pytest_bctrl.contract.paging_read import read_paging
from pytest_bctrl.contract.schema.locations import ITEMS, exact_location
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.http.message import MockResponse, Payload, with_headers
from pytest_bctrl.impact.change import REMOVED, Change, ResponseContext, combine, set_value
from pytest_bctrl.impact.contract_version import ContractVersion
from pytest_bctrl.samples.text import encode

_CURSORS = ("next-{}", "{}", "00000000-0000-4000-8000-{:012d}")
"""Formats of a cursor; its number is the index of the first item of the page."""


class PagingChanges:
    """Turns findings about members that refer to a next page into changes, if the old contract has no paging."""

    def __init__(self, old: ContractVersion, new: ContractVersion) -> None:
        self._old = old
        self._new = new

    def change(self, finding: Finding) -> Change | None:
        """Return the change of a finding that introduces paging; None for any other finding."""
        pages = [page for place in finding.extra.get("places", ()) for page in self._introduced(finding, place)]
        if not pages:
            return None
        locations = dict.fromkeys(location for page in pages for location in page.locations)
        return Change(finding, "drift", combine([page.apply for page in pages]), locations=tuple(locations))

    def _introduced(self, finding: Finding, place: dict[str, str]) -> Iterator[_Pages]:
        """Yield the pages of an operation, if only the new contract has paging and the finding adds a part of it."""
        operation_shape = shape(place["operation"])
        old, new = self._old.operations.get(operation_shape), self._new.operations.get(operation_shape)
        if old is None or new is None or "-added" not in finding.rule:
            return
        paging = read_paging(self._new.contract, new)
        if paging is None or not paging.has_next_page or read_paging(self._old.contract, old) is not None:
            return
        members = (paging.next, paging.more, paging.total, paging.pages)
        # The object around a member may be new too.
        locations = {exact_location(names[:count]) for names in members for count in range(1, len(names) + 1)}
        if paging.in_header:
            locations |= {f"header {LINK}", f"header {LINK.lower()}"}
        if place["location"] in locations:
            yield _Pages(self._new, new, paging)


class _Pages:
    """The pages of one operation: half of the items at once, unless the request has a page size."""

    def __init__(self, version: ContractVersion, operation: Operation, paging: Paging) -> None:
        self._version = version
        self._shape = shape(operation.label)
        self._paging = paging
        members = (paging.next, paging.more, paging.total, paging.pages)
        self.locations = [exact_location(names) for names in members if names]
        self.locations.append(f"{paging.items}{ITEMS}")
        self._place = {"operation": operation.label, "status": "200", "location": exact_location(paging.next)}

    def apply(self, context: ResponseContext) -> MockResponse:
        """Return the page of the list in a response that its request selects; other responses stay as they are."""
        response = context.response
        if context.operation_shape != self._shape or not 200 <= response.status < 300:
            return response
        try:
            body = json.loads(response.body)
        except ValueError:
            return response
        items = self._paging.items_in(body)
        if len(items) < 2:
            return response
        query = context.request.query
        size = query_integer(self._paging.size, query, None) or ceil(len(items) / 2)
        start = self._start(context, items, size)
        page_items = items[start : start + size]
        body = {**body, self._paging.items: page_items} if self._paging.items else page_items
        next_start = start + size if start + size < len(items) else None
        body, link = self._with_next_page(context, body, page_items, next_start, size)
        body = self._with_counts(body, len(items), size)
        changed = MockResponse(response.status, response.headers, Payload(encode(body)))
        return with_headers(changed, {LINK: link}) if link else changed

    def _start(self, context: ResponseContext, items: list[Any], size: int) -> int:
        """Return the index of the first item of the requested page; 0 for an unknown cursor."""
        paging = self._paging
        if paging.by in ("page", "offset"):
            number = max(0, query_integer(paging.start, context.request.query, paging.first) - paging.first)
            return number * size if paging.by == "page" else number
        text = next((value for name, value in context.request.query if name == paging.start_name), "")
        if not text:
            return 0
        indexes = [
            index
            for index in range(1, len(items))
            if text in (str(self._cursor(index)), self._identity_before(items, index))
        ]
        return indexes[0] if indexes else 0

    def _identity_before(self, items: list[Any], index: int) -> str | None:
        """Return the identity of the item before an index, which selects the page; None if paging is not by item."""
        if self._paging.by != "item":
            return None
        return str(self._paging.identity_of(items[index - 1]))

    def _with_next_page(
        self, context: ResponseContext, body: Any, page_items: list[Any], next_start: int | None, size: int
    ) -> tuple[Any, str]:
        """Return a body that refers to the next page or says that it is last, and its `Link` field (empty if none)."""
        paging = self._paging
        body = _with_member(body, paging.more, next_start is not None)
        if next_start is None:
            return self._as_last_page(body), ""
        selector: Any = self._cursor(next_start)
        if paging.by == "item":
            selector = paging.identity_of(page_items[-1])
        elif paging.by == "page":
            selector = next_start // size + paging.first
        elif paging.by == "offset":
            selector = next_start + paging.first
        pairs = [pair for pair in context.request.query if pair[0] != paging.start_name]
        path = context.request.path
        url = f"{path}?{urlencode([*pairs, (paging.start_name, str(selector))])}"
        host = context.request.header("host")
        if context.request.base_url:
            url = f"{context.request.base_url}{url}"
        elif host and url.startswith("/"):
            url = f"http://{host}{url}"
        if paging.in_header:
            return body, f'<{url}>; rel="next"'
        return _with_member(body, paging.next, url if paging.is_link else selector), ""

    def _as_last_page(self, body: Any) -> Any:
        """Return a body whose reference to the next page is null, or removed where null is not allowed."""
        schema = self._version.schema_at(self._place)
        if not self._paging.next:
            return body
        if schema is None or self._version.accepts(schema, None):
            return _with_member(body, self._paging.next, None)
        return _with_member(body, self._paging.next, REMOVED)

    def _with_counts(self, body: Any, count: int, size: int) -> Any:
        """Return a body with the total number of items and of pages, as far as it has members for them."""
        body = _with_member(body, self._paging.total, count)
        return _with_member(body, self._paging.pages, ceil(count / size))

    def _cursor(self, index: int) -> Any:
        """Return the cursor of the page that begins at an index, if possible in a format that the contract allows."""
        schema = self._version.schema_at(self._place)
        values: list[Any] = [text.format(index) for text in _CURSORS]
        for value in (*values, index):
            if schema is None or self._version.accepts(schema, value):
                return value
        return values[0]


def _with_member(body: Any, members: Members, value: Any) -> Any:
    """Return a body with a value at nested members; unchanged if there are none or it is not an object."""
    if not members or not isinstance(body, dict):
        return body
    outer = members[0]
    if len(members) > 1:
        return {**body, outer: _with_member(body.get(outer) or {}, members[1:], value)}
    return set_value(body, exact_location(members), value)
