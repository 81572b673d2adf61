"""Listening sockets of the mock and the proxy."""

from __future__ import annotations

import errno
import socket

from pytest_bctrl.errors import SettingError

_BACKLOG = 4096
_LAST_PORT = 65_535


def listening_socket(host: str, port: int, server: str) -> socket.socket:
    """Return a non-blocking socket that listens on an address; raises `SettingError`, which names `server`."""
    if not 0 <= port <= _LAST_PORT:
        # The resolver would reduce it modulo 65,536.
        raise SettingError(f"there is no port {port}", where=f"{host}:{port}", hint=f"take one from 0 to {_LAST_PORT}")
    try:
        family, address = socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port)
        if ":" not in host and not host.replace(".", "").isdigit():
            # The resolver loads the IDNA codec, whose large tables an IP address does not need.
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]  # type: ignore[assignment]
        is_dual = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        sock = socket.create_server(address, family=family, backlog=_BACKLOG, dualstack_ipv6=is_dual)
    except (OSError, ValueError) as error:
        where = f"{host}:{port}"
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            hint = "stop what listens there, or take --port 0"
            raise SettingError(f"port {port} is in use", where=where, hint=hint) from None
        reason = (getattr(error, "strerror", None) or "no host has such a name").partition(" (while")[0]
        raise SettingError(f"{server} cannot listen there: {reason}", where=where, hint="take 127.0.0.1") from None
    sock.setblocking(False)
    return sock


def base_url_of(sock: socket.socket) -> str:
    """Return the base URL of a listening socket."""
    name, port = sock.getsockname()[:2]
    if ":" in name:
        name = f"[{name}]"
    return f"http://{name}:{port}"


def reachable_url(url: str) -> str:
    """Return the URL with the loopback address instead of one that stands for all interfaces."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
