"""Which names a request may use for the mock, so that no page of another site reads it through a name of its own.

DNS rebinding: a page's own host name is made to resolve to this machine, and the browser takes the mock for the page's
own server. The request then has that name in `Host`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from pytest_bctrl.http.message import Request
from pytest_bctrl.traffic.origin import is_loopback

_PRIVATE = ".internal"
"""A top-level domain that is never delegated; containers reach their host by a name in it."""


def is_allowed(request: Request, hosts: Collection[str]) -> bool:
    """Whether a request is for a host that is one of `hosts`, or that no page elsewhere can have.

    These are this machine's names, addresses, names without a dot, as containers have, and those below `.internal`. A
    request without `Host` is of HTTP/1.0, and of no browser.
    """
    named = request.header("host")
    if named is None or "*" in hosts:
        return True
    host = name_of(named)
    is_private = is_loopback(host) or host.endswith(_PRIVATE) or "." not in host
    return is_private or _is_address(host) or host in map(name_of, hosts)


def name_of(host: str) -> str:
    """Return a host in lower case, without its port, the brackets of an IPv6 address and a dot at its end."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name.strip("[]").rstrip(".").lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
