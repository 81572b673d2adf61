"""Checks recorded exchanges against the contract, and caches the results outside of the project.

A recording cannot state that it was checked, because anyone who can write the file could write that too. The cache
holds digests, in files that only this user can read and write.
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
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.findings.finding import Finding, at_or_above
from pytest_bctrl.http.routes import Match, Routes
from pytest_bctrl.reports.terminal import breach
from pytest_bctrl.traffic.recordings.exchange import RESPONSE, Exchange, select_headers


def response_from(exchange: Exchange, contract: Contract) -> Response | None:
    """Return the response of an exchange; None if its operation is unknown, its body incomplete or its method HEAD."""
    match = Routes(contract).match(exchange.target)
    if match is None or exchange.method == "HEAD" or not exchange.is_complete:
        return None
    operation = match.operations.get(exchange.method)
    if operation is None:
        return None
    headers = select_headers(exchange.headers, RESPONSE)
    return Response(contract, operation, exchange.status, headers, exchange.body, dict(match.values))


def errors_of(exchange: Exchange, contract: Contract, checked: Checked) -> list[Finding]:
    """Return the errors in a response; an exchange without errors is remembered in `checked`, and skipped later."""
    if exchange in checked:
        return []
    response = response_from(exchange, contract)
    errors: list[Finding] = []
    if response is not None:
        errors = at_or_above(check_response(response), "error")
    if not errors:
        checked.add(exchange)
    return errors


def require_conforming(
    exchanges: Sequence[Exchange], contract: Contract, checked: Checked, name: str, hint: str
) -> None:
    """Raise `DocumentError`, naming the recording and its entry, for the first exchange that breaks the contract."""
    for number, exchange in enumerate(exchanges, 1):
        errors = errors_of(exchange, contract, checked)
        if errors:
            where = f"{name}: entry {number} of {len(exchanges)}, {exchange.label}"
            raise DocumentError(f"it breaks the contract: {breach(errors)}", where=where, hint=hint)


def exchanges_with_route(exchanges: Iterable[Exchange], contract: Contract) -> Iterator[tuple[Exchange, Match]]:
    """Yield the exchanges whose request is for one of the contract's paths, with the route that matches."""
    routes = Routes(contract)
    for exchange in exchanges:
        match = routes.match(exchange.target)
        if match is not None:
            yield exchange, match


def recorded_space_id(exchanges: Iterable[Exchange], contract: Contract) -> str | None:
    """Return the space id in the first request that has one; None if no request has one."""
    spaces = (
        match.values.get(parameter.name)
        for _, match in exchanges_with_route(exchanges, contract)
        for operation in match.operations.values()
        for parameter in operation.path_parameters
        if parameter.setting == "space_id"
    )
    return next(spaces, None)


def base_path_of(exchange: Exchange, match: Match) -> str:
    """Return the part of an exchange's path in front of the operation's path; often empty."""
    segments = next(operation.path.count("/") for operation in match.operations.values())
    # A request may omit a leading version, so its path can be shorter than the operation's.
    before = exchange.path.split("/")[1:-segments]
    return "".join(f"/{segment}" for segment in before)


_DIGEST_SIZE = 32
"""Bytes per digest."""
MAX_DIGESTS = 512
"""Maximum number of digests in each of the 256 files: 4 MB in all. The oldest are dropped first."""


class Checked:
    """A cache of the exchanges that this installation found to conform to one contract.

    `in` looks an exchange up, `add` adds it. The cache is empty, and stores nothing, if its folder cannot be used (no
    home, no permission, accessible to others, or inside `project`). No method raises.
    """

    def __init__(self, contract: Contract, project: Path, environment: Mapping[str, str]) -> None:
        self._checker = (__version__, str(Path(__file__).parents[1]), contract.digest)
        # The XDG Base Directory Specification, and its counterpart on Windows.
        caches = environment.get("XDG_CACHE_HOME") or environment.get("LOCALAPPDATA")
        self._folder = Path(caches or Path(environment.get("HOME", ""), ".cache"), "pytest-bctrl", "checked")
        # A relative folder would depend on where pytest is started.
        is_outside = not Path(os.path.realpath(self._folder)).is_relative_to(os.path.realpath(project))
        self._is_usable = self._folder.is_absolute() and is_outside
        with suppress(OSError):
            if self._is_usable:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __contains__(self, exchange: Exchange) -> bool:
        digest, file = self._digest(exchange)
        with suppress(OSError):
            if self._is_usable and _is_private(self._folder.lstat()) and _is_private(file.stat()):
                return digest in file.read_bytes()
        return False

    def add(self, exchange: Exchange) -> None:
        """Remember on disk that an exchange conforms to the contract."""
        digest, file = self._digest(exchange)
        with suppress(OSError):
            if self._is_usable and _is_private(self._folder.lstat()):
                with open(file, "ab", opener=partial(os.open, mode=0o600)) as digests:
                    digests.write(digest)
                if file.stat().st_size > MAX_DIGESTS * _DIGEST_SIZE:
                    # A process that reads or adds meanwhile misses a digest, and checks again.
                    file.write_bytes(file.read_bytes()[-MAX_DIGESTS // 2 * _DIGEST_SIZE :])

    def _digest(self, exchange: Exchange) -> tuple[bytes, Path]:
        """Return the digest of all that a check of an exchange reads, and the cache file that stores it."""
        response = (exchange.method, exchange.target, exchange.status, exchange.headers, exchange.body_digest)
        digest = sha256(json.dumps([self._checker, response]).encode()).digest()
        return digest, self._folder / f"{digest[0]:02x}"


def _is_private(status: os.stat_result) -> bool:
    """Return whether a file or folder belongs to this user, and no other user can read or write it."""
    if sys.platform == "win32":  # pragma: no cover - Windows has no such permissions
        return True
    return status.st_uid == os.getuid() and not status.st_mode & 0o077
