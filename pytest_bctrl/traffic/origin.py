"""Base URLs and origins, where a key may go, and how requests get there: header fields, pace, certificates."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pytest_bctrl.errors import SettingError
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings.resolve import Given, Source
from pytest_bctrl.traffic.retry import Pace

if TYPE_CHECKING:
    import ssl

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port (RFC 6454): a key that was given for one is sent to no other."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine by definition (RFC 6761, 6.3; RFC 1122, 3.2.1.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin_of(url: str) -> Origin:
    """Return the origin of an http(s) URL; raises `ValueError` where it has none."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"no http(s) origin in {url!r}")
    if parts.port == 0:
        raise ValueError(f"no port 0 in {url!r}")
    return Origin(scheme, parts.hostname, parts.port or _PORTS[scheme])


def base_url(text: str, *, where: str, prefix: str = "/v1", http_hosts: Collection[str] = ()) -> str:
    """Return a base URL in one form: no trailing slash, and without `prefix` where it ends with it.

    `prefix` is what the contract's paths begin with; people give the base URL with and without it. Raises
    `SettingError`, with `where` naming the setting, for anything but https, or http to loopback and to `http_hosts`.
    """
    import httpx

    example = "it should look like https://api.bctrl.ai, or http://localhost:8787 for a server on this machine"
    text = text.strip()
    try:
        parts, origin = urlsplit(text), origin_of(text)
        # What the client's own parser refuses, and what URL parsers drop or differ on.
        httpx.URL(text)
        if re.search(r"[\s\\]", text) or not text.isprintable():
            raise ValueError(text)
    except (ValueError, httpx.InvalidURL):
        # What may hold a password is not repeated.
        shown = repr(text) if "@" not in text else "the value"
        raise SettingError(f"{shown} is not an http(s) URL", where=where, hint=example) from None
    if parts.username is not None or parts.password is not None:
        raise SettingError("the URL holds a user name or password", where=where, hint=f"leave it out; {example}")
    if parts.query or parts.fragment:
        # What stands there may be a key.
        raise SettingError("the URL has a query or a fragment", where=where, hint=f"leave it out; {example}")
    if origin.scheme == "http" and not is_loopback(origin.host) and origin.host not in http_hosts:
        raise SettingError(
            f"{text} would send the key in plain text",
            where=where,
            hint="use https; plain http is for this machine (localhost, 127.0.0.1, [::1]) and bctrl_http_hosts",
        )
    path = parts.path.rstrip("/").removesuffix(prefix).rstrip("/")
    return f"{parts.scheme.lower()}://{parts.netloc}{path}"


_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(
    {"accept-encoding", "authorization", "connection", "content-length", "cookie", "host", "transfer-encoding"}
)
"""Fields that the client writes itself: the key's, and those that say how a message is sent."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What every request to a target has in common.

    `headers` go to the key's origin only: a name, its value, and both as a shell writes them. `certificate` is the
    path of the client's own (PEM, with its key). Plain http is sent to the hosts of `http_hosts`, beside this machine.
    `pace` keeps the requests of all its clients apart; `contexts` holds the TLS context that they share, once there
    is one.
    """

    headers: tuple[tuple[str, Secret, str], ...] = ()
    certificate: str = ""
    http_hosts: frozenset[str] = frozenset()
    pace: Pace = field(default_factory=Pace, compare=False, repr=False)
    contexts: list[ssl.SSLContext] = field(default_factory=list, compare=False, repr=False)


def connection(source: Source, environment: Mapping[str, str]) -> Connection:
    """Return what the settings say; raises `SettingError`, never showing the value of a variable."""
    certificate = settings.given(settings.CLIENT_CERT, source, environment)
    hosts = (one.value.strip().lower() for one in settings.in_file(settings.HTTP_HOSTS, source))
    return Connection(
        tuple(_headers(source, environment)),
        certificate.value if certificate else "",
        frozenset(hosts),
        Pace(_seconds(settings.given(settings.RATE, source, environment))),
    )


def values(source: Source, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the real values of parameters by name, from `bctrl_values`; raises `SettingError` for a wrong line."""
    found = {}
    for line in settings.in_file(settings.VALUES, source):
        name, equals, text = (part.strip() for part in line.value.partition("="))
        if not name or not equals:
            raise SettingError("a line names no parameter", where=line.where, hint="write parameter = value")
        found[name] = settings.with_variables(text, line.where, environment)
    return found


def _headers(source: Source, environment: Mapping[str, str]) -> Iterator[tuple[str, Secret, str]]:
    for line in settings.several(settings.HEADERS, source):
        name, colon, text = (part.strip() for part in line.value.partition(":"))
        if not colon or not _NAME.fullmatch(name):
            raise SettingError("it is not a header field", where=line.where, hint="write 'NAME: VALUE'")
        if name.lower() in _OURS:
            hint = "the key comes from BCTRL_API_KEY, and the client writes the rest"
            raise SettingError(f"{name} cannot be set", where=line.where, hint=hint)
        value = Secret(settings.with_variables(text, line.where, environment))
        if not value or not settings.is_sendable(value.reveal()):
            hint = "give printable ASCII"
            raise SettingError(f"the value of {name} is empty, or no header can carry it", where=line.where, hint=hint)
        yield name, value, settings.in_shell(f"{name}: {text}")


def _seconds(rate: Given | None) -> float:
    found = re.fullmatch(r"(\d{1,6})/([smh])", rate.value.strip(), re.ASCII) if rate else None
    if rate and (found is None or not int(found[1])):
        hint = "write requests per unit: 30/m, 5/s or 1000/h"
        raise SettingError(f"{rate.value!r} is not a rate", where=rate.where, hint=hint)
    return {"s": 1, "m": 60, "h": 3600}[found[2]] / int(found[1]) if found else 0.0
