"""Follows the pages of a list: is nothing lost, nothing repeated, and is there an end?

What is compared is the list that the plain request gets, in one piece, with the same list page by page. A list that
changes meanwhile tells nothing: it is asked for again before anything is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import urlencode, urlsplit

from pytest_bctrl.checks.protocol import around
from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.checks.violation import Violation, findings
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.paging import LINK, Paging, member_value, query_integer
from pytest_bctrl.contract.parameters import Pair
from pytest_bctrl.contract.schema.locations import ITEMS, Path
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.samples.inputs import Inputs
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.requests import Ask, Exchange, plain
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

MOST = 4
"""Pages that are asked for at most; where something is wrong, one request more tells whether the list changed."""

PIECES = 3
"""Pages that the list of the plain request is to come in."""

MANY = 1_000
"""Items of a page at most, where the contract sets no limit."""

CONFIRMING = 99
"""The number of the request that tells whether the list changed: no other request stands for it."""

Key: TypeAlias = str | int


def of_pages(run: ContractRun, operation: Operation, paging: Paging) -> Iterator[Ask]:
    """Ask for a list page by page: no item is lost or comes again, no page has too many, and there is a last one."""
    yield Ask(operation, lambda _exchange: [], then=Walk(run, operation, paging).begin)


def piece(contract: Contract, paging: Paging, count: int) -> int | None:
    """The size of a page by which a list of so many items comes in some pieces; None where none can be asked for."""
    if paging.size is None:
        return None
    said = flatten(contract, paging.size.schema)
    wanted = max(1, said.get("minimum", 1), min(-(-count // PIECES), said.get("maximum", MANY)))
    return wanted if accepts(contract, paging.size.schema, wanted) else None


def is_followed(samples: Samples) -> bool:
    """Whether the pages of a list that the sample holds can be followed, and its items told apart."""
    paging, items = samples.paging, samples.items(samples.sample()) if samples.lists else []
    if paging is None or not paging.has_next_page or None in map(paging.identity_of, items):
        return False
    first = min(len(items), paging.default_size or len(items))
    return first < len(items) or (piece(samples.contract, paging, first) or first) < first


_LONGEST = 16_384
"""Characters of a query at most; few servers take a longer line."""

_UNUSABLE = "no request can carry what the server names as the next page"


class Walk:
    """One list, followed from page to page."""

    def __init__(self, run: ContractRun, operation: Operation, paging: Paging) -> None:
        self._run, self._operation, self._paging = run, operation, paging
        self._whole: list[Key] = []
        self._size: int | None = None
        self._seen: dict[Key, Response] = {}
        self._asked: list[tuple[Pair, ...]] = []
        self._following: list[Pair] | None = None
        self._repeated: list[Finding] = []
        self._is_broken = self._is_unusable = False
        self._empty = 0

    def begin(self, exchange: Exchange) -> Ask:
        """Return what asks for the first page, by what the plain request was answered.

        Raises `NotCheckedError` where no second page can be asked for, and where no id identifies the items.
        """
        response, usual = exchange.response, plain(self._run, self._operation)
        self._whole = self._keys(response)
        if len(set(self._whole)) < len(self._whole):
            raise NotCheckedError(f"two items have one {self._paging.identity}: no id identifies them")
        self._size = piece(self._run.contract, self._paging, len(self._whole))
        goes_on = self._after(response, usual) is not None
        if self._is_unusable:
            raise NotCheckedError(_UNUSABLE)
        if not goes_on and len(self._whole) <= (self._size or len(self._whole)):
            raise NotCheckedError(f"its {len(self._whole)} items are one page, and no smaller one can be asked for")
        size = self._paging.size
        return self._ask(usual if size is None or self._size is None else usual.with_value(size, self._size))

    def _keys(self, response: Response) -> list[Key]:
        """What the items of a page are known by."""
        if not response.parsed.ok or response.status not in self._operation.success_statuses:
            raise NotCheckedError("there is no list to look at")
        items = self._paging.items_in(response.data)
        known = [key for one in items if (key := self._paging.identity_of(one)) is not None]
        if len(known) < len(items):
            raise NotCheckedError("no id identifies the items; name their id: x-bctrl-paging")
        return known

    def _after(self, response: Response, inputs: Inputs) -> list[Pair] | None:
        """Return the query for the page after an answer; None after the last, and where no request can carry it."""
        self._is_unusable = False
        try:
            following = self._paging.next_query(response.data, response.header(LINK), inputs.query)
            if following is not None and len(urlencode(following)) > _LONGEST:
                raise ValueError("it is too long")
        except ValueError:
            # No URL, or text that no URL can hold: the server may say anything.
            self._is_unusable = True
            return None
        return following

    def _ask(self, inputs: Inputs) -> Ask:
        self._asked.append(tuple(sorted(inputs.query)))

        def judge(exchange: Exchange) -> list[Finding]:
            found = check_answer(exchange.response, self._operation.success_statuses)
            return [*found, *findings(exchange.response, self._page(exchange.response, inputs))]

        # On a connection of its own: late bytes of the page before it are not taken for this one.
        return Ask(
            self._operation, judge, inputs, fresh=True, then=lambda exchange: self._next(exchange.response, inputs)
        )

    def _page(self, response: Response, inputs: Inputs) -> Iterator[Violation]:
        """Yield what is wrong with a page by itself; what a change of the list may explain is kept for later."""
        try:
            keys = self._keys(response)
        except NotCheckedError:
            self._following, self._is_broken = None, True
            return
        repeated = []
        for index, key in enumerate(keys):
            if key in self._seen:
                path: Path = (*([self._paging.items] if self._paging.items else []), index, self._paging.identity)
                words = "an item comes again that was on an earlier page"
                repeated.append(Violation("repeated_item", "error", words, path, "", "each item on one page", key))
            self._seen.setdefault(key, response)
        self._repeated += findings(response, repeated)
        # A link to the next page need not name the size.
        size, asked = self._paging.size, query_integer(self._paging.size, inputs.query, len(keys))
        if size is not None and len(keys) > asked:
            words, place, most = "a page has more items than were asked for", f"query {size.name}", f"{asked} at most"
            yield around("ignored_page_size", words, place, most, len(keys), level="warning")
        self._following = self._after(response, inputs)
        self._empty = 0 if keys else self._empty + 1
        is_known = self._following is not None and tuple(sorted(self._following)) in self._asked
        # Where a server passes items over, a page may be empty and not the last, but not when all were there.
        is_past = not keys and (self._empty > 1 or set(self._whole) <= self._seen.keys())
        counts = self._paging.by in ("page", "offset") and self._following is not None and is_past
        is_stuck = self._paging.by == "item" and not keys and member_value(response.data, self._paging.more) is True
        if is_known or counts or is_stuck:
            words = "an empty page says that there is more"
            words = "a page names as the next one a page before" if is_known else words
            link = self._paging.next_url(response.data, response.header(LINK))
            said = link or member_value(response.data, self._paging.next or self._paging.more)
            yield around("endless_paging", words, _told(self._paging), "a last page", said)
            self._following, self._is_broken = None, not is_stuck

    def _next(self, response: Response, inputs: Inputs) -> Ask | None:
        """Return what is asked after a page; None where all is said."""
        limits = [_UNUSABLE] if self._is_unusable else []
        if self._following is not None:
            target = self._paging.next_url(response.data, response.header(LINK)) or ""
            own = self._operation.url_path(inputs.path)
            if urlsplit(target).path.rpartition("/")[2] not in ("", own.rpartition("/")[2]):
                limits.append("the next page is at another path, and the suite asks for the operation's own alone")
            elif len(self._asked) < MOST:
                return self._ask(replace(inputs, query=tuple(self._following)))
            else:
                size = self._size or "its own size"
                limits.append(f"the list goes on after {MOST} pages of {size}: its end was not seen")
        if not self._paging.has_next_page:
            limits.append("the contract names nothing that asks for the page after the first")
        lost = self._lost(response, is_ended=not limits and not self._is_broken)
        if lost or self._repeated:
            usual = plain(self._run, self._operation)
            return Ask(self._operation, lambda exchange: self._confirmed(exchange, lost), usual, number=CONFIRMING)
        if limits:
            raise NotCheckedError(limits[0])
        return None

    def _lost(self, response: Response, *, is_ended: bool) -> list[Finding]:
        """What is wrong where an item of the whole list is on no page, as far as the pages went."""
        reached = [index for index, key in enumerate(self._whole) if key in self._seen]
        end = len(self._whole) if is_ended else max(reached, default=0)
        lost = [index for index in range(end) if self._whole[index] not in self._seen]
        if not lost:
            return []
        # The page on which it should have been has the item after it.
        after = next((self._seen[self._whole[index]] for index in reached if index > lost[0]), response)
        place = f"{self._paging.items}{ITEMS}.{self._paging.identity}"
        observed = f"{len(lost)} of {len(self._whole)} on no page, such as {self._whole[lost[0]]}"
        words = "an item of the whole list is on no page"
        return findings(after, [around("lost_item", words, place, "each item on one page", observed)])

    def _confirmed(self, exchange: Exchange, lost: list[Finding]) -> list[Finding]:
        """What was found, where the list is what it was; raises `NotCheckedError` where it changed meanwhile."""
        if self._keys(exchange.response) != self._whole:
            raise NotCheckedError("the list changed while its pages were asked for")
        return [*self._repeated, *lost]


def _told(paging: Paging) -> str:
    """Where an answer says that there is more."""
    if paging.in_header:
        return f"header {LINK}"
    return ".".join(paging.next or paging.more) or f"{paging.items}{ITEMS}"
