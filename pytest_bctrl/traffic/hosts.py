"""Checks the `Host` of requests to the mock and the proxy, as a protection against DNS rebinding.

With DNS rebinding, the host name of a web page is made to resolve to this machine, so that the browser treats the mock
or the proxy as the page's server. The requests then have that name in `Host`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from pytest_bctrl.traffic.origin import is_loopback

PREFIX = "/__bctrl__/"
"""Prefix of the paths of the mock itself: health and control."""

_PRIVATE = ".internal"
"""A top-level domain that is never delegated; containers use names in it for their host."""


def is_allowed(host_field: str | None, hosts: Collection[str]) -> bool:
    """Return whether the `Host` of a request is missing, one of `hosts`, or a name that no public web page can have.

    `*` in `hosts` allows every name. No public web page has a name of this machine, an IP address, a name without a
    dot, which containers have, or a name in `.internal`. A request without `Host` is HTTP/1.0, which no browser sends.
    """
    if host_field is None or "*" in hosts:
        return True
    host = name_of(host_field)
    is_private = is_loopback(host) or host.endswith(_PRIVATE) or "." not in host
    return is_private or _is_address(host) or host in map(name_of, hosts)


def name_of(host: str) -> str:
    """Return a host in lower case, without port, brackets of an IPv6 address, and trailing dot."""
    name, _, port = host.rpartition(":")
    if not port.isdigit():
        name = host
    return name.strip("[]").rstrip(".").lower()


def _is_address(host: str) -> bool:
    """Return whether a host is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
