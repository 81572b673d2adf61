"""A substitute for the Internet while a page runs: two hosts, and an error for every other host.

A proxy on loopback that ends TLS itself, with a certificate that the shell trusts. So a command of a page runs
unchanged, its https URL included, and no packet leaves the machine.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.traffic.servers import response
from tests.traffic.servers import serve as serve_script
from tests.variants.catalogue import named
from tests.variants.server import Server, serve

API = "api.bctrl.ai"
PUBLISHER = "platform.bctrl.ai"

_PROJECT = Path(__file__).resolve().parents[2]
_PAGE = "/api/api-reference/runtimes/list.md"


@dataclass(frozen=True, slots=True)
class Internet:
    """The simulated Internet: its variables, the API behind it, and the requested hosts that are not simulated."""

    environment: Mapping[str, str]
    api: Server
    rejected: list[str]


@contextlib.contextmanager
def internet(workspace: Path) -> Iterator[Internet]:
    """Simulate the API and the page that publishes its spec for the duration of the block."""
    with serve(named("plain")) as api, _publisher() as publisher:
        simulated = {API: int(api.url.rpartition(":")[2]), PUBLISHER: publisher}
        with proxy(workspace, simulated) as (environment, rejected):
            yield Internet(environment, api, rejected)


@contextlib.contextmanager
def proxy(workspace: Path, simulated: Mapping[str, int]) -> Iterator[tuple[Mapping[str, str], list[str]]]:
    """Simulate hosts by ports of this machine, over TLS; yield the variables to use and a list of rejected hosts."""
    authority = trustme.CA()
    trusted = workspace / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    rejected: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=_accept, args=(listener, authority, simulated, rejected), daemon=True).start()
        yield (
            {
                **dict.fromkeys(("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"), url),
                **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost"),
                **dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), str(trusted)),
            },
            rejected,
        )


@contextlib.contextmanager
def _publisher() -> Iterator[int]:
    """Serve the page that publishes the vendored spec; yield its port."""
    spec = (_PROJECT / "contracts" / "runtimes.openapi.yaml").read_text("utf-8")
    page = f"# List Runtimes\n\n## OpenAPI Specification\n\n```yaml\n{spec}```\n".encode()

    def step(connection: socket.socket, _number: int) -> None:
        """Send the page, with status 404 for another path."""
        connection.sendall(response(200 if server.requests[-1].split()[1] == _PAGE else 404, page))

    with serve_script(step) as server:
        yield server.port


def _accept(listener: socket.socket, authority: trustme.CA, simulated: Mapping[str, int], rejected: list[str]) -> None:
    """Serve each connection on a thread of its own, until the listener is closed."""
    with contextlib.suppress(OSError):
        while True:
            caller, _ = listener.accept()
            threading.Thread(target=_serve, args=(caller, authority, simulated, rejected), daemon=True).start()


def _serve(caller: socket.socket, authority: trustme.CA, simulated: Mapping[str, int], rejected: list[str]) -> None:
    """Connect a caller to the simulated host in its CONNECT request; reject another host with 403, and add it."""
    with caller, contextlib.suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = caller.recv(4096)
            if not chunk:
                return
            head += chunk
        match = re.match(rb"CONNECT ([^: ]+):443 ", head)
        host = match[1].decode("ascii", "replace") if match else head.split(b"\r\n")[0].decode("utf-8", "replace")
        if host not in simulated:
            rejected.append(host)
            caller.sendall(b"HTTP/1.1 403 Not simulated\r\nContent-Length: 0\r\n\r\n")
            return
        caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(context)
        with (
            context.wrap_socket(caller, server_side=True) as outside,
            socket.create_connection(("127.0.0.1", simulated[host])) as inside,
        ):
            backward = threading.Thread(target=_copy, args=(inside, outside), daemon=True)
            backward.start()
            _copy(outside, inside)
            backward.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Send everything that the source receives to the target, and shut both down at the end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for side in (source, target):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
