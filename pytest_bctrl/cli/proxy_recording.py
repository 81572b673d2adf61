"""Records the exchanges that pass through the proxy in a HAR file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.files.limits import RECORDED, size
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import split_url
from pytest_bctrl.recorded.conform import recorded_space_id
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.traffic.origin import origin_of
from pytest_bctrl.traffic.recordings.guard import LeakError, recordable, require_absent, scrub
from pytest_bctrl.traffic.recordings.har_file import save

_TEST = "pytest-bctrl proxy"
"""The name under which the exchanges are in the file, in place of a test's."""


class ProxyRecording:
    """Collects exchanges, each distinct one once, and writes them at the end.

    An exchange with a secret in it is left out, and so are all exchanges beyond the maximum size of a recording; notes
    say how many. With `scrubs_ids`, identifiers are replaced.
    """

    def __init__(
        self, path: Path, contract: Contract, target: str, redaction: Redaction, *, scrubs_ids: bool = False
    ) -> None:
        self._path = path
        self._contract = contract
        self._target = target
        self._redaction = redaction
        self._scrubs_ids = scrubs_ids
        self._exchanges: dict[Hashable, Exchange] = {}
        self._size = 0
        self._omitted: Counter[str] = Counter()

    def add(self, exchange: Exchange) -> None:
        """Add an exchange, unless an equal one was added, its request is incomplete, or the recording is full."""
        request = exchange.request
        if request.unread:
            self._omitted[f"of the request: {request.unread}"] += 1
            return
        base_path = urlsplit(self._target).path.rstrip("/")
        base_url, target = split_url(f"{origin_of(self._target)}{request.target}", base_path)
        request = replace(request, base_url=base_url, target=target)
        exchange = replace(exchange, request=request, started=_now(), test=_TEST, contract=self._contract.digest)
        key = (request.method, request.target, request.body, exchange.status, exchange.body_digest)
        if key in self._exchanges:
            return
        added = len(exchange.body) + len(request.body)
        if self._size + added > RECORDED:
            self._omitted[f"a recording holds up to {size(RECORDED)}"] += 1
        else:
            self._size += added
            self._exchanges[key] = exchange

    @property
    def notes(self) -> list[str]:
        """A sentence per reason for which exchanges were left out, with their number."""
        return [f"not recorded: {numbered(count, 'exchange')}, {reason}" for reason, count in self._omitted.items()]

    def save(self) -> list[str]:
        """Write the file without secrets; returns the problems that kept any exchange from being written."""
        problems = []
        exchanges = []
        for exchange in recordable(self._exchanges.values(), self._contract):
            try:
                require_absent([exchange], self._path.name, self._redaction.find, "a secret")
                exchanges.append(exchange)
            except LeakError as error:
                problems.append(f"not recorded: {error.problem.removesuffix(', and nothing was written')}")
        try:
            if self._scrubs_ids:
                exchanges = list(scrub(exchanges, self._path.name, recorded_space_id(exchanges, self._contract) or ""))
            hint = "move it away, and run the proxy again"
            save(self._path, _TEST, exchanges, self._target, _now(), hint, option="--record")
        except BctrlError as error:
            problems.append(str(error))
        return problems


def _now() -> str:
    """Return the current time in UTC as ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
