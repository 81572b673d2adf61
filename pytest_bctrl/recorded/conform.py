"""Holds recorded exchanges to the contract, and remembers outside of the project what this installation has checked.

Nothing in a recording says that it was checked: who can write the file could write that too. What is remembered are
digests, in files that this user alone can read and write, outside of the project.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path

from pytest_bctrl._version import __version__
from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.findings.finding import Finding, at_or_above
from pytest_bctrl.http.routes import Match, Routes
from pytest_bctrl.reports.terminal import breach
from pytest_bctrl.traffic.recordings.exchange import Exchange


def response_from(exchange: Exchange, contract: Contract) -> Response | None:
    """Return what one exchange answers; None where the contract has no such operation, or the body is not there."""
    match = Routes(contract).match(exchange.target)
    operation = match.operations.get(exchange.method) if match else None
    if operation is None or match is None or exchange.method == "HEAD" or not exchange.is_complete:
        return None
    return Response(contract, operation, exchange.status, exchange.headers, exchange.body, dict(match.values))


def failing(exchange: Exchange, contract: Contract, checked: Checked) -> list[Finding]:
    """Return the errors of one exchange; one that has none is put into `checked`, and not looked at again."""
    if exchange in checked:
        return []
    response = response_from(exchange, contract)
    found = [] if response is None else at_or_above(check_answer(response), "error")
    if not found:
        checked.add(exchange)
    return found


def require_conforming(
    exchanges: Sequence[Exchange], contract: Contract, checked: Checked, name: str, hint: str
) -> None:
    """Raise `DocumentError`, naming the recording and its entry, for the first exchange that breaks the contract."""
    for number, exchange in enumerate(exchanges, 1):
        found = failing(exchange, contract, checked)
        if found:
            where = f"{name}: entry {number} of {len(exchanges)}, {exchange.label}"
            raise DocumentError(f"it breaks the contract: {breach(found)}", where=where, hint=hint)


def listing(exchanges: Iterable[Exchange], contract: Contract) -> Iterator[tuple[Exchange, Match]]:
    """Yield the exchanges that ask for one of the contract's paths, with what their paths say."""
    routes = Routes(contract)
    for exchange in exchanges:
        match = routes.match(exchange.target)
        if match is not None:
            yield exchange, match


def space_of(exchanges: Iterable[Exchange], contract: Contract) -> str | None:
    """Return the space that the first of the exchanges asks for; None where none asks for one."""
    spaces = (
        match.values.get(parameter.name)
        for _, match in listing(exchanges, contract)
        for operation in match.operations.values()
        for parameter in operation.path_parameters
        if parameter.setting == "space_id"
    )
    return next(spaces, None)


def base_path(exchange: Exchange, match: Match) -> str:
    """Return what stands in an exchange's path before the path of the contract's operation; often nothing."""
    segments = next(operation.path.count("/") for operation in match.operations.values())
    # A leading version may be left out of a request, so that there is less than the whole path.
    before = exchange.path.split("/")[1:-segments]
    return "".join(f"/{segment}" for segment in before)


_BYTES = 32
"""Of each mark."""
MOST = 512
"""Marks in each of the 256 files: 4 MB in all. The oldest go first, and what they stood for is checked again."""


class Checked:
    """The exchanges that this very installation found to keep one contract: `in` asks, `add` adds.

    Where the cache cannot be used (no home, no rights, others may read or write there, or it lies within `project`),
    nothing is known and nothing remembered; nothing here raises.
    """

    def __init__(self, contract: Contract, project: Path, environment: Mapping[str, str]) -> None:
        self._checker = (__version__, str(Path(__file__).parents[1]), contract.digest)
        # XDG Base Directory Specification, and what Windows has.
        caches = environment.get("XDG_CACHE_HOME") or environment.get("LOCALAPPDATA")
        self._folder = Path(caches or Path(environment.get("HOME", ""), ".cache"), "pytest-bctrl", "checked")
        # A relative one would lie wherever pytest is started.
        is_outside = not Path(os.path.realpath(self._folder)).is_relative_to(os.path.realpath(project))
        self._is_usable = self._folder.is_absolute() and is_outside
        with suppress(OSError):
            if self._is_usable:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __contains__(self, exchange: Exchange) -> bool:
        mark, file = self._mark(exchange)
        with suppress(OSError):
            if self._is_usable and _is_private(self._folder.lstat()) and _is_private(file.stat()):
                return mark in file.read_bytes()
        return False

    def add(self, exchange: Exchange) -> None:
        """Remember an exchange that keeps the contract."""
        mark, file = self._mark(exchange)
        with suppress(OSError):
            if self._is_usable and _is_private(self._folder.lstat()):
                with open(file, "ab", opener=partial(os.open, mode=0o600)) as marks:
                    marks.write(mark)
                if file.stat().st_size > MOST * _BYTES:
                    # Whoever reads or adds meanwhile misses a mark, and checks again.
                    file.write_bytes(file.read_bytes()[-MOST // 2 * _BYTES :])

    def _mark(self, exchange: Exchange) -> tuple[bytes, Path]:
        """What stands for all that a check looks at, and the file that it belongs in."""
        response = (exchange.method, exchange.target, exchange.status, exchange.headers, exchange.body_digest)
        mark = sha256(json.dumps([self._checker, response]).encode()).digest()
        return mark, self._folder / f"{mark[0]:02x}"


def _is_private(status: os.stat_result) -> bool:
    """Whether a file or folder is this user's, and no other may read it or write to it."""
    if sys.platform == "win32":  # pragma: no cover - it has no such rights
        return True
    return status.st_uid == os.getuid() and not status.st_mode & 0o077
