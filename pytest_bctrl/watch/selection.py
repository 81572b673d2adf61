"""Selects the exchanges with the API of the contract from all that the tests have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.http.message import Request
from pytest_bctrl.http.routes import Routes
from pytest_bctrl.traffic.origin import Origin, is_loopback, origin_of
from pytest_bctrl.watch.exchange import WatchedExchange

_SOCKETS = ("http+", "https+")
"""The beginning of the schemes by which adapters of requests send to a socket or pipe: `http+unix`, `http+docker`."""

_ENCODED_SLASH = "%2f"
"""What a host has that is the path of a socket, as in `http://%2Frun%2Fapi.sock`."""


@dataclass(frozen=True, slots=True)
class WatchedServers:
    """The servers whose exchanges are watched.

    `origins` are those of the contract, of its operations and of the base URL, `hosts` further hosts, each with or
    without a port. `prefixes` are the paths of the base URL and of the servers of operations.
    """

    origins: frozenset[Origin]
    hosts: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def names(self, origin: Origin) -> bool:
        """Return whether an origin is a server of the contract, or listed by the settings."""
        host = origin.url_host
        return origin in self.origins or bool({host, f"{host}:{origin.port}"} & self.hosts)


def watched_servers(contract: Contract, base_url: str, hosts: Iterable[str]) -> WatchedServers:
    """Return the servers of a contract, of a base URL (which may be empty), and of the setting `bctrl_watch_hosts`."""
    origins = set()
    own_servers = dict.fromkeys(url for operation in contract.operations for url in operation.servers)
    for url in filter(None, (*contract.servers, *own_servers, base_url)):
        try:
            origins.add(origin_of(url))
        except ValueError:
            # The URL of a server may be relative, or have variables.
            continue
    prefixes = filter(None, map(_path, (base_url, *own_servers)))
    return WatchedServers(frozenset(origins), frozenset(host.lower() for host in hosts), tuple(prefixes))


def _path(url: str) -> str:
    """Return the path of a URL without a slash at its end; empty for an invalid URL."""
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def _origin(url: str) -> Origin | None:
    """Return the origin of a URL, None if it has none.

    Adapters of tests have schemes of their own, such as `mock://api.example` and `http+unix://%2Frun%2Fapi.sock`. The
    port is 0 if the URL of such a scheme has none.
    """
    with suppress(ValueError):
        return origin_of(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if not parts.hostname or scheme in ("http", "https"):
        return None
    return Origin(scheme, parts.hostname, port or 0)


def _is_this_machine(origin: Origin) -> bool:
    """Return whether an origin is on this machine: a loopback address, or a socket, as in `http+unix:` or as a path."""
    return origin.scheme.startswith(_SOCKETS) or _ENCODED_SLASH in origin.host.lower() or is_loopback(origin.host)


class ApiExchange(NamedTuple):
    """An exchange with a watched server: its request, and its operation, None if the contract has none for it.

    `origin` is that of its URL, `is_named` whether the server is one of the contract or of the settings, and
    `is_of_mock` whether it is a mock of this kit.
    """

    request: Request
    operation: Operation | None
    origin: Origin
    is_named: bool
    is_of_mock: bool

    @property
    def operation_label(self) -> str:
        """The label of the operation; empty if there is none."""
        return "" if self.operation is None else self.operation.label

    def documents(self, status: int) -> bool:
        """Return whether the operation documents a response for a status."""
        return self.operation is not None and self.operation.response_for(status) is not None


class UnwatchedExchange(NamedTuple):
    """An exchange with a server that is not watched: its origin and host, and the operation that has its path."""

    origin: str
    host: str
    operation_label: str


class WatchedApi:
    """The operations of a contract and their servers; `mocks` are the origins of the mock servers of this kit."""

    def __init__(self, contract: Contract, servers: WatchedServers) -> None:
        self._servers = servers
        self._routes = Routes(contract)
        self.mocks: set[Origin] = set()

    def select(self, exchange: WatchedExchange) -> ApiExchange | None:
        """Return an exchange as the API receives it; None unless its server is watched, in process or on loopback."""
        origin = _origin(exchange.url)
        if origin is None:
            return None
        is_named = self._servers.names(origin)
        if not (is_named or exchange.is_in_process or _is_this_machine(origin)):
            return None
        target = self._target(exchange.url)
        fields = tuple((name.lower(), value) for name, value in exchange.request_headers)
        method = exchange.method.upper()
        body = exchange.request_body
        request = Request(method, target, fields, body.content, _base_url(exchange.url, target), body.unread)
        operation, _ = self._routes.operation_and_values(method, target)
        return ApiExchange(request, operation, origin, is_named, exchange.is_of_mock or origin in self.mocks)

    def operation_label(self, exchange: WatchedExchange) -> str:
        """Return the label of the operation of an exchange with the API; empty for any other exchange."""
        api_exchange = self.select(exchange)
        return "" if api_exchange is None else api_exchange.operation_label

    def unwatched(self, exchange: WatchedExchange) -> Iterator[UnwatchedExchange]:
        """Yield an exchange that `select` leaves out because of its server, if its path is one of the API.

        It may be one of another API that has the same path, or one of a server that the settings should list.
        """
        origin = _origin(exchange.url)
        if origin is None:
            return
        operation, _ = self._routes.operation_and_values(exchange.method.upper(), self._target(exchange.url))
        if operation is not None:
            yield UnwatchedExchange(str(origin).removesuffix(":0"), origin.url_host, operation.label)

    def _target(self, url: str) -> str:
        """Return the target of a URL, without the longest server prefix unless the contract has the path as it is."""
        parts = urlsplit(url)
        target = parts.path or "/"
        if self._routes.match(target) is None:
            prefixes = (prefix for prefix in self._servers.prefixes if target.startswith(f"{prefix}/"))
            target = target.removeprefix(max(prefixes, key=len, default=""))
        return f"{target}?{parts.query}" if parts.query else target


def _base_url(url: str, target: str) -> str:
    """Return the part of a URL in front of the target."""
    return url.partition("#")[0].removesuffix(target).rstrip("/")
