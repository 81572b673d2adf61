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
    refused: list[str]


@contextlib.contextmanager
def internet(workspace: Path) -> Iterator[Internet]:
    """Simulate the API and the page that publishes its spec for the duration of the block."""
    with serve(named("plain")) as api, _publisher() as publisher:
        played = {API: int(api.url.rpartition(":")[2]), PUBLISHER: publisher}
        with proxy(workspace, played) as (environment, refused):
            yield Internet(environment, api, refused)


@contextlib.contextmanager
def proxy(workspace: Path, played: Mapping[str, int]) -> Iterator[tuple[Mapping[str, str], list[str]]]:
    """Simulate hosts by ports of this machine, over TLS; yield the variables to use and the unknown hosts."""
    authority = trustme.CA()
    trusted = workspace / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    refused: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        threading.Thread(target=_welcome, args=(door, authority, played, refused), daemon=True).start()
        yield (
            {
                **dict.fromkeys(("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"), url),
                **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost"),
                **dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), str(trusted)),
            },
            refused,
        )


@contextlib.contextmanager
def _publisher() -> Iterator[int]:
    """Serve the page that publishes the vendored spec; yield its port."""
    spec = (_PROJECT / "contracts" / "runtimes.openapi.yaml").read_text("utf-8")
    page = f"# List Runtimes\n\n## OpenAPI Specification\n\n```yaml\n{spec}```\n".encode()

    def step(connection: socket.socket, _number: int) -> None:
        connection.sendall(response(200 if server.requests[-1].split()[1] == _PAGE else 404, page))

    with serve_script(step) as server:
        yield server.port


def _welcome(door: socket.socket, authority: trustme.CA, played: Mapping[str, int], refused: list[str]) -> None:
    with contextlib.suppress(OSError):
        while True:
            caller, _ = door.accept()
            threading.Thread(target=_serve, args=(caller, authority, played, refused), daemon=True).start()


def _serve(caller: socket.socket, authority: trustme.CA, played: Mapping[str, int], refused: list[str]) -> None:
    with caller, contextlib.suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = caller.recv(4096)
            if not chunk:
                return
            head += chunk
        asked = re.match(rb"CONNECT ([^: ]+):443 ", head)
        host = asked[1].decode("ascii", "replace") if asked else head.split(b"\r\n")[0].decode("utf-8", "replace")
        if host not in played:
            refused.append(host)
            caller.sendall(b"HTTP/1.1 403 Not played\r\nContent-Length: 0\r\n\r\n")
            return
        caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(context)
        with (
            context.wrap_socket(caller, server_side=True) as outside,
            socket.create_connection(("127.0.0.1", played[host])) as inside,
        ):
            backward = threading.Thread(target=_copy, args=(inside, outside), daemon=True)
            backward.start()
            _copy(outside, inside)
            backward.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for side in (source, target):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
