"""Selects the exchanges with the API of the contract from all that the tests have."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.exchanges.account import Account
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from pytest_bctrl.http.routes import Routes, base_path
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
            origins.add(origin_of(urljoin(base_url, url)))
        except ValueError:
            # The URL of a server may be relative without any base URL, or have variables.
            continue
    prefixes = filter(None, (base_path(url, base_url) for url in ("", *own_servers)))
    return WatchedServers(frozenset(origins), frozenset(host.lower() for host in hosts), tuple(prefixes))


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


class WatchedApi:
    """The operations of a contract and their servers; `mocks` are the origins of the mock servers of this kit."""

    def __init__(self, contract: Contract, servers: WatchedServers) -> None:
        self._servers = servers
        self._routes = Routes(contract)
        self.mocks: set[Origin] = set()

    def exchange(self, watched: WatchedExchange) -> Exchange | None:
        """Return an exchange as the API receives it; None if its server is not watched."""
        origin = self.watched_origin(watched)
        if origin is None:
            return None
        content = watched.response_content()
        return Exchange(
            self.request(watched),
            0 if watched.unanswered or watched.unknown_response else watched.status,
            watched.response_headers,
            content.body,
            unanswered=watched.unanswered,
            response_unread=watched.unknown_response or content.unread,
            coding_problem=content.problem,
            has_all_headers=watched.has_all_headers,
            hides_credentials=watched.has_hidden_key,
            client_library=watched.client_library,
            test=watched.test,
            sent_at=watched.sent_at,
            called_at=watched.called_at,
            registered=watched.registered,
            is_mocked=watched.is_mocked,
            is_in_process=watched.is_in_process,
            is_of_mock=watched.is_of_mock or origin in self.mocks,
        )

    def request(self, watched: WatchedExchange) -> Request:
        """Return the request of an exchange as the API receives it."""
        target, body = self._target(watched.url), watched.request_body
        fields = tuple((name.lower(), value) for name, value in watched.request_headers)
        base_url = _base_url(watched.url, target)
        return Request(watched.method.upper(), target, fields, body.content, base_url, body.unread)

    def account_for(self, account: Account, watched: WatchedExchange, reason: str = "") -> None:
        """Add an exchange that is not checked to an account, for a reason, or because its server is not watched.

        A server is noted if it may be one that the settings should list: the path is one of the API.
        """
        origin, label = _origin(watched.url), self.operation_label(self.request(watched))
        if self.watched_origin(watched) is not None:
            account.add("not checked" if label else "unmatched", [reason] if label else (), (label,))
        elif origin is not None and label:
            account.add("foreign", [str(origin).removesuffix(":0")], (origin.url_host, label))
        else:
            account.add("foreign")

    def operation_label(self, request: Request) -> str:
        """Return the label of the operation of a request; empty if the contract has none."""
        operation, _ = self._routes.operation_and_values(request.method, request.target)
        return "" if operation is None else operation.label

    def watched_origin(self, watched: WatchedExchange) -> Origin | None:
        """Return the origin of the URL of an exchange; None unless its server is watched, in process or on loopback."""
        origin = _origin(watched.url)
        if origin is None:
            return None
        is_watched = self._servers.names(origin) or watched.is_in_process or _is_this_machine(origin)
        return origin if is_watched else None

    def _target(self, url: str) -> str:
        """Return the target of a URL, without the longest server prefix unless the contract has the path as it is.

        An invalid URL is returned as it is.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            return url
        target = parts.path or "/"
        if self._routes.match(target) is None:
            prefixes = (prefix for prefix in self._servers.prefixes if target.startswith(f"{prefix}/"))
            target = target.removeprefix(max(prefixes, key=len, default=""))
        return f"{target}?{parts.query}" if parts.query else target


def _base_url(url: str, target: str) -> str:
    """Return the part of a URL in front of the target."""
    return url.partition("#")[0].removesuffix(target).rstrip("/")
