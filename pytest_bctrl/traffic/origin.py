"""Base URLs, the origins that may get a key, and the settings of a connection: header fields, rate, certificates."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pytest_bctrl.errors import SettingError
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings import lookup, secret_settings, table
from pytest_bctrl.settings.lookup import SettingSource, SettingValue
from pytest_bctrl.traffic.retry import Pace

if TYPE_CHECKING:
    import ssl

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port (RFC 6454); a key for one origin is sent to no other origin."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.url_host}:{self.port}"

    @property
    def url_host(self) -> str:
        """The host as a URL has it: an IPv6 address in brackets."""
        if ":" in self.host:
            return f"[{self.host}]"
        return self.host


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Return whether a host name or address always means this machine (RFC 6761, 6.3; RFC 1122, 3.2.1.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin_of(url: str) -> Origin:
    """Return the origin of an http(s) URL; raises `ValueError` if it has none."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"no http(s) origin in {url!r}")
    if parts.port == 0:
        raise ValueError(f"no port 0 in {url!r}")
    return Origin(scheme, parts.hostname, parts.port or _PORTS[scheme])


def base_url(text: str, *, where: str, prefix: str = "/v1", http_hosts: Collection[str] = ()) -> str:
    """Return a base URL without `prefix` and slash at its end; raises `SettingError` for an invalid or unsafe URL.

    The contract's paths begin with `prefix`; users give the base URL with and without it. Raises `SettingError`, with
    `where` naming the setting, unless the URL is https, or http to loopback or to one of `http_hosts`, without a
    password, query and fragment.
    """
    import httpx

    example = "it should look like https://api.example.com, or http://localhost:8787 for a server on this machine"
    text = text.strip()
    try:
        parts, origin = urlsplit(text), origin_of(text)
        # Reject URLs that httpx rejects, and characters that URL parsers drop or treat differently.
        httpx.URL(text)
        if re.search(r"[\s\\]", text) or not text.isprintable():
            raise ValueError(text)
    except (ValueError, httpx.InvalidURL):
        # The value may hold a password.
        shown = "the value" if "@" in text else repr(text)
        raise SettingError(f"{shown} is not an http(s) URL", where=where, hint=example) from None
    if parts.username is not None or parts.password is not None:
        raise SettingError("the URL contains a user name or password", where=where, hint=f"leave it out; {example}")
    if parts.query or parts.fragment:
        # The query may hold a key, so it is not shown.
        raise SettingError("the URL has a query or a fragment", where=where, hint=f"leave it out; {example}")
    if origin.scheme == "http" and not is_loopback(origin.host) and origin.host not in http_hosts:
        raise SettingError(
            f"{text} would send the key in plain text",
            where=where,
            hint="use https; plain http is for this machine (localhost, 127.0.0.1, [::1]) and bctrl_http_hosts",
        )
    path = parts.path.rstrip("/").removesuffix(prefix).rstrip("/")
    return f"{parts.scheme.lower()}://{parts.netloc}{path}"


_RESERVED = frozenset({"accept-encoding", "connection", "content-length", "host", "transfer-encoding"})
"""Header fields that only the client sets: those of the message framing."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The settings that all requests to a target share.

    `headers` are sent to the key's origin only: name, value, and both in shell syntax. `certificate` is the path of
    the client certificate (PEM, with its key). `http_hosts` may get plain http, as this machine may. `pace` limits the
    request rate of all clients together; `contexts` holds the TLS context that they share, once it was made.
    """

    headers: tuple[tuple[str, Secret, str], ...] = ()
    certificate: str = ""
    http_hosts: frozenset[str] = frozenset()
    pace: Pace = field(default_factory=Pace, compare=False, repr=False)
    contexts: list[ssl.SSLContext] = field(default_factory=list, compare=False, repr=False)


def connection(source: SettingSource, environment: Mapping[str, str]) -> Connection:
    """Return the connection settings: header fields, certificate, hosts, rate. Raises `SettingError`."""
    certificate = lookup.find_value(table.CLIENT_CERT, source, environment)
    hosts = (line.value.strip().lower() for line in lookup.file_values(table.HTTP_HOSTS, source))
    return Connection(
        tuple(_header_settings(source, environment)),
        certificate.value if certificate else "",
        frozenset(hosts),
        Pace(_seconds_per_request(lookup.find_value(table.RATE, source, environment))),
    )


def values(source: SettingSource, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the real values of parameters by name, from `bctrl_values`; raises `SettingError` for a wrong line."""
    parameters: dict[str, str] = {}
    for line in lookup.file_values(table.VALUES, source):
        name, equals, text = (part.strip() for part in line.value.partition("="))
        if not name or not equals:
            raise SettingError("a line names no parameter", where=line.where, hint="write parameter = value")
        if text in _PLACEHOLDERS:
            hint = f"write {name} = and a value that exists on the target, or remove the line"
            raise SettingError(f"{name} has no value", where=line.where, hint=hint)
        # A label has one space between method, path and name.
        name, value = " ".join(name.split()), lookup.substitute_variables(text, line.where, environment)
        if parameters.setdefault(name, value) != value:
            hint = f"keep one line; for one operation only, write operationId.{name} = value"
            raise SettingError(f"{name} has two values", where=line.where, hint=hint)
    return parameters


_PLACEHOLDERS = ("", "VALUE", "…", "...")
"""Texts that stand for a value in suggested lines and in documentation."""


def _header_settings(source: SettingSource, environment: Mapping[str, str]) -> Iterator[tuple[str, Secret, str]]:
    """Yield the name, value and quoted setting of each header field in `bctrl_headers`, or raise `SettingError`."""
    for line in lookup.list_values(table.HEADERS, source):
        name, colon, text = (part.strip() for part in line.value.partition(":"))
        if not colon or not secret_settings.is_field_name(name):
            raise SettingError("it is not a header field", where=line.where, hint="write 'NAME: VALUE'")
        if name.lower() in _RESERVED:
            raise SettingError(f"{name} cannot be set", where=line.where, hint="remove it: the client sets it")
        value = Secret(lookup.substitute_variables(text, line.where, environment))
        if not value or not secret_settings.is_sendable(value.reveal()):
            hint = "give printable ASCII"
            raise SettingError(f"the value of {name} is empty, or no header can carry it", where=line.where, hint=hint)
        yield name, value, lookup.quote_for_shell(f"{name}: {text}")


def _seconds_per_request(rate: SettingValue | None) -> float:
    """Return the seconds between two requests at a rate such as `30/m`; 0 without one. Raises `SettingError`."""
    if rate is None:
        return 0.0
    match = re.fullmatch(r"(\d{1,6})/([smh])", rate.value.strip(), re.ASCII)
    if match is None or not int(match[1]):
        hint = "write requests per unit: 30/m, 5/s or 1000/h"
        raise SettingError(f"{rate.value!r} is not a rate", where=rate.where, hint=hint)
    return {"s": 1, "m": 60, "h": 3600}[match[2]] / int(match[1])
