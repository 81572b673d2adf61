"""How requests reach a target, beside its URL: header fields for all of them, pace, certificates, plain-http hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pytest_bctrl import settings
from pytest_bctrl.errors import SettingError
from pytest_bctrl.secret import Secret
from pytest_bctrl.settings import Given, Source
from pytest_bctrl.traffic.retry import Pace

_UNITS = {"s": 1, "m": 60, "h": 3600}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(
    {"accept-encoding", "authorization", "connection", "content-length", "cookie", "host", "transfer-encoding"}
)
"""Fields that the client writes itself: the key's, and those that say how a message is sent."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What every request to a target has in common.

    `headers` go to the key's origin only. `certificate` is the path of the client's own (PEM, with its key). Plain http
    is sent to the hosts of `http_hosts`, beside this machine. `pace` keeps the requests of all its clients apart.
    """

    headers: tuple[tuple[str, Secret], ...] = ()
    certificate: str = ""
    http_hosts: frozenset[str] = frozenset()
    pace: Pace = field(default_factory=Pace, compare=False, repr=False)


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
            raise SettingError("a line names no parameter", where=line.where, mend="write parameter = value")
        found[name] = settings.with_variables(text, line.where, environment)
    return found


def _headers(source: Source, environment: Mapping[str, str]) -> Iterator[tuple[str, Secret]]:
    for line in settings.headers(source):
        name, colon, text = (part.strip() for part in line.value.partition(":"))
        if not colon or not _NAME.fullmatch(name):
            raise SettingError("it is no header field", where=line.where, mend="write 'NAME: VALUE'")
        if name.lower() in _OURS:
            mend = "the key comes from BCTRL_API_KEY, and the client writes the rest"
            raise SettingError(f"{name} cannot be set", where=line.where, mend=mend)
        value = Secret(settings.with_variables(text, line.where, environment))
        if not value or not settings.is_sendable(value.reveal()):
            mend = "give printable ASCII"
            raise SettingError(f"the value of {name} is empty, or no header can carry it", where=line.where, mend=mend)
        yield name, value


def _seconds(rate: Given | None) -> float:
    found = re.fullmatch(r"(\d{1,6})/([smh])", rate.value.strip(), re.ASCII) if rate else None
    if rate and (found is None or not int(found[1])):
        mend = "write requests per unit: 30/m, 5/s or 1000/h"
        raise SettingError(f"{rate.value!r} is not a rate", where=rate.where, mend=mend)
    return _UNITS[found[2]] / int(found[1]) if found else 0.0
