"""Follows the pages of a list and checks that no item is missing or repeated and that there is a last page.

The list in the response to the plain request is compared with the same list page by page. A list that changes in the
meantime proves nothing, so it is requested again before anything is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import urlencode, urlsplit

from pytest_bctrl.checks.protocol import violation_outside_body
from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.checks.violation import Violation, findings
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.paging import LINK, Paging, member_value
from pytest_bctrl.contract.parameters import Pair
from pytest_bctrl.contract.schema.locations import ITEMS, Path
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.samples.inputs import Inputs
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.requests import PlannedRequest, TargetExchange, no_findings, plain
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

MAX_PAGES = 4
"""Maximum number of pages to request; if something is wrong, one more request shows whether the list changed."""

TARGET_PAGES = 3
"""Number of pages into which the list of the plain response should be divided."""

MAX_PAGE_SIZE = 1_000
"""Maximum page size if the contract sets no limit."""

CONFIRMATION_NUMBER = 99
"""The number of the request that shows whether the list changed, so that no other request equals it."""

Key: TypeAlias = str | int


def page_requests(run: ContractRun, operation: Operation, paging: Paging) -> Iterator[PlannedRequest]:
    """Request a list page by page: no item is missing or repeated, no page is too long, and there is a last page."""
    yield PlannedRequest(operation, no_findings, follow_up=PageTraversal(run, operation, paging).first_request)


def page_size_for(contract: Contract, paging: Paging, count: int) -> int | None:
    """Return the page size that divides `count` items into about three pages; None if none can be requested."""
    if paging.size is None:
        return None
    schema = flatten(contract, paging.size.schema)
    size = min(-(-count // TARGET_PAGES), schema.get("maximum", MAX_PAGE_SIZE))
    size = max(1, schema.get("minimum", 1), size)
    return size if accepts(contract, paging.size.schema, size) else None


_MAX_QUERY = 16_384
"""Maximum number of characters in a query; few servers accept a longer line."""

_UNUSABLE = "no request can carry what the server names as the next page"


class PageTraversal:
    """The traversal of one list from page to page."""

    def __init__(self, run: ContractRun, operation: Operation, paging: Paging) -> None:
        self._run, self._operation, self._paging = run, operation, paging
        self._all_keys: list[Key] = []
        self._size: int | None = None
        self._page_of: dict[Key, Response] = {}
        self._requested: list[tuple[Pair, ...]] = []
        self._next_query: list[Pair] | None = None
        self._repetitions: list[Finding] = []
        self._is_broken = self._is_unusable = False
        self._empty_pages = 0

    def first_request(self, exchange: TargetExchange) -> PlannedRequest:
        """Return the request for the first page, given the plain exchange.

        Raises `NotCheckedError` if no second page can be requested or no id identifies the items.
        """
        response, usual = exchange.response, plain(self._run, self._operation)
        self._all_keys = self._item_ids(response)
        count = len(self._all_keys)
        if len(set(self._all_keys)) < count:
            raise NotCheckedError(f"two items have the same {self._paging.identity}: no id identifies them")
        self._size = page_size_for(self._run.contract, self._paging, count)
        has_next = self._next_query_of(response, usual) is not None
        if self._is_unusable:
            raise NotCheckedError(_UNUSABLE)
        if not has_next and count <= (self._size or count):
            raise NotCheckedError(f"its {count} items fit on one page, and no smaller page can be requested")
        if self._paging.size is not None and self._size is not None:
            usual = usual.with_value(self._paging.size, self._size)
        return self._page_request(usual)

    def _item_ids(self, response: Response) -> list[Key]:
        """Return the ids of the items on a page. Raises `NotCheckedError` if there is no list, or an item has no id."""
        if not response.parsed.ok or response.status not in self._operation.success_statuses:
            raise NotCheckedError("the response has no list")
        items = self._paging.items_in(response.data)
        keys = [key for key in map(self._paging.identity_of, items) if key is not None]
        if len(keys) < len(items):
            raise NotCheckedError("no id identifies the items; name their id: x-bctrl-paging")
        return keys

    def _next_query_of(self, response: Response, inputs: Inputs) -> list[Pair] | None:
        """Return the query for the next page; None after the last, or if none can carry it (sets `_is_unusable`)."""
        self._is_unusable = False
        try:
            query = self._paging.next_query(response.data, response.header(LINK), inputs.query)
            if query is not None and len(urlencode(query)) > _MAX_QUERY:
                raise ValueError("the query is too long")
        except ValueError:
            # The server may send anything: text other than a URL, or characters that no URL can contain.
            self._is_unusable = True
            return None
        return query

    def _page_request(self, inputs: Inputs) -> PlannedRequest:
        """Return the request for a page, which checks the page and then requests the next one."""
        self._requested.append(tuple(sorted(inputs.query)))

        def check(exchange: TargetExchange) -> list[Finding]:
            """Return the findings in the response with the page, and store what the next request depends on."""
            page_findings = check_response(exchange.response, self._operation.success_statuses)
            return [*page_findings, *findings(exchange.response, self._check_page(exchange.response, inputs))]

        def follow_up(exchange: TargetExchange) -> PlannedRequest | None:
            """Return the request after the page, as `_next_request` does."""
            return self._next_request(exchange.response, inputs)

        # On a new connection, late bytes of the previous page are not taken for this one.
        return PlannedRequest(self._operation, check, inputs, opens_connection=True, follow_up=follow_up)

    def _check_page(self, response: Response, inputs: Inputs) -> Iterator[Violation]:
        """Yield the violations of a page, and store repeated items and the query for the next page."""
        try:
            keys = self._item_ids(response)
        except NotCheckedError:
            self._next_query, self._is_broken = None, True
            return
        self._repetitions += findings(response, self._repeated_items(response, keys))
        self._next_query = self._next_query_of(response, inputs)
        self._empty_pages += 1
        if keys:
            self._empty_pages = 0
        yield from self._check_end(response, keys)

    def _repeated_items(self, response: Response, keys: list[Key]) -> list[Violation]:
        """Return a violation for each item that occurred before, and store the first page of each item."""
        violations = []
        prefix = [self._paging.items] if self._paging.items else []
        for index, key in enumerate(keys):
            if key in self._page_of:
                path: Path = (*prefix, index, self._paging.identity)
                message = "an item of an earlier page is repeated"
                expected = "each item on one page"
                violations.append(Violation("repeated_item", "error", message, path, "", expected, key))
            self._page_of.setdefault(key, response)
        return violations

    def _check_end(self, response: Response, keys: list[Key]) -> Iterator[Violation]:
        """Yield a violation and stop if the pages never end: the next was requested before, or follows empty ones."""
        is_known_page = self._next_query is not None and tuple(sorted(self._next_query)) in self._requested
        # A server that skips items may send an empty page before the last one, unless all items were received.
        has_all_items = set(self._all_keys) <= self._page_of.keys()
        is_past_end = not keys and (self._empty_pages > 1 or has_all_items)
        counts_on = self._paging.by in ("page", "offset") and self._next_query is not None and is_past_end
        is_stuck = self._paging.by == "item" and not keys and member_value(response.data, self._paging.more) is True
        if not (is_known_page or counts_on or is_stuck):
            return
        message = "an empty page says that there are more"
        if is_known_page:
            message = "a page names as the next one a page before"
        link = self._paging.next_url(response.data, response.header(LINK))
        observed = link or member_value(response.data, self._paging.next or self._paging.more)
        yield violation_outside_body(
            "endless_paging", message, _next_page_location(self._paging), "a last page", observed
        )
        self._next_query, self._is_broken = None, not is_stuck

    def _next_request(self, response: Response, inputs: Inputs) -> PlannedRequest | None:
        """Return the request after a page: the next page, or the complete list to confirm problems; None at the end.

        Raises `NotCheckedError` if the list could not be followed to its end.
        """
        limits = [_UNUSABLE] if self._is_unusable else []
        if self._next_query is not None:
            limit = self._reason_to_stop(response, inputs)
            if not limit:
                return self._page_request(replace(inputs, query=tuple(self._next_query)))
            limits.append(limit)
        if not self._paging.has_next_page:
            limits.append("the contract does not describe how to request the second page")
        lost_items = self._lost_items(response, is_ended=not limits and not self._is_broken)
        if lost_items or self._repetitions:

            def check(exchange: TargetExchange) -> list[Finding]:
                """Return the problems if the list is unchanged."""
                return self._confirmed_findings(exchange, lost_items)

            usual = plain(self._run, self._operation)
            return PlannedRequest(self._operation, check, usual, number=CONFIRMATION_NUMBER)
        if limits:
            raise NotCheckedError(limits[0])
        return None

    def _reason_to_stop(self, response: Response, inputs: Inputs) -> str:
        """Return why the next page is not requested, or "" if it is."""
        link = self._paging.next_url(response.data, response.header(LINK)) or ""
        operation_path = self._operation.url_path(inputs.path)
        if urlsplit(link).path.rpartition("/")[2] not in ("", operation_path.rpartition("/")[2]):
            return "the next page has another path, and the suite requests only the path of the operation"
        if len(self._requested) < MAX_PAGES:
            return ""
        size = self._size or "the default size"
        return f"the list continues after {MAX_PAGES} pages of {size}: its end was not reached"

    def _lost_items(self, response: Response, *, is_ended: bool) -> list[Finding]:
        """Return a finding if an item was on no page; unless `is_ended`, only of items in front of a received one."""
        received = [index for index, key in enumerate(self._all_keys) if key in self._page_of]
        end = len(self._all_keys) if is_ended else max(received, default=0)
        lost = [index for index in range(end) if self._all_keys[index] not in self._page_of]
        if not lost:
            return []
        # It should have been on the page that contains the item after it.
        page = next((self._page_of[self._all_keys[index]] for index in received if index > lost[0]), response)
        location = f"{self._paging.items}{ITEMS}.{self._paging.identity}"
        observed = f"{len(lost)} of {len(self._all_keys)} on no page, such as {self._all_keys[lost[0]]}"
        message = "an item of the complete list is on no page"
        return findings(
            page, [violation_outside_body("lost_item", message, location, "each item on one page", observed)]
        )

    def _confirmed_findings(self, exchange: TargetExchange, lost_items: list[Finding]) -> list[Finding]:
        """Return repeated and lost items; raises `NotCheckedError` if the response's list is not the first one."""
        if self._item_ids(exchange.response) != self._all_keys:
            raise NotCheckedError("the list changed while its pages were requested")
        return [*self._repetitions, *lost_items]


def _next_page_location(paging: Paging) -> str:
    """Return where a response says that there is another page."""
    if paging.in_header:
        return f"header {LINK}"
    return ".".join(paging.next or paging.more) or f"{paging.items}{ITEMS}"
