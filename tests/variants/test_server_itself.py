"""The adversary is what it says: harmless variants keep the contract, the others show their fault."""

import collections
import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from . import CATALOGUE, Kind, Server, Variant, named, serve
from .oracle import Client, complaints, strict_json
from .published import Published
from .runtimes import KINDS, PROTOCOLS, STATUSES, sample


@pytest.fixture(scope="module")
def published() -> Published:
    return Published.read()


@pytest.fixture
def plain() -> Iterator[Server]:
    with serve(named("plain")) as server:
        yield server


def connected(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)


SHOWN: dict[Kind, set[str]] = {
    "harmless": set(),
    "schema": {"schema"},
    "auth": {"auth"},
    "undocumented": {"undocumented"},
    "invariants": {"invariants"},
}
"""What a client that shares no code with the kit complains of, by the kind of variant: of that, and of nothing else."""

VERDICTS: dict[Kind, set[str]] = {"harmless": {"pass"}, "undocumented": {"warning"}, "invariants": {"error", "warning"}}


# That client takes 103 for the answer: the variant that sends it has a test of its own.
@pytest.mark.parametrize("variant", [one for one in CATALOGUE if one.name != "early-hints"], ids=str)
def test_a_variant_shows_its_own_fault_and_no_other(variant: Variant, published: Published) -> None:
    with serve(variant) as server:
        shown = complaints(server, published, patience=0.4 if variant.kind == "protocol" else 1.5)
    if variant.kind == "protocol":
        # A whole answer with the wrong content at times, or with an error in it, shows as a broken schema.
        assert shown & {"protocol", "schema"}
    else:
        assert SHOWN[variant.kind] == shown
    if variant.kind == "schema":
        places = {error.json_path for error in published.validator.iter_errors(variant.service.document())}
        assert len(places) == (300 if variant.name.startswith("all-of-300") else 1)


def test_the_verdict_follows_from_the_kind() -> None:
    assert [] == [one for one in CATALOGUE if one.expect not in VERDICTS.get(one.kind, {"error"})]


def test_no_two_variants_share_a_name() -> None:
    assert [name for name, count in collections.Counter(v.name for v in CATALOGUE).items() if count > 1] == []


def test_an_unknown_name_says_how_to_find_the_names() -> None:
    with pytest.raises(LookupError, match="--list"):
        named("no such variant")


def test_the_sample_covers_every_branch() -> None:
    runtimes = sample()["runtimes"]

    assert {runtime["kind"] for runtime in runtimes} == set(KINDS)
    assert {runtime["status"] for runtime in runtimes} == set(STATUSES)
    assert {runtime.get("backing", {}).get("kind") for runtime in runtimes} == {None, "ephemeral", "profile"}
    assert {name for runtime in runtimes for name in runtime["connections"]} == set(PROTOCOLS)
    assert {"summary" in runtime for runtime in runtimes} == {True, False}
    assert {runtime["activeRunId"] is None for runtime in runtimes} == {True, False}
    assert {runtime["metadata"] is None for runtime in runtimes} == {True, False}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused_with_allow(plain: Server, method: str) -> None:
    connection = connected(plain)
    try:
        connection.request(method, f"/v1/spaces/{plain.space_id}/runtimes", body=b"{}")
        with connection.getresponse() as response:
            assert (response.status, response.getheader("Allow")) == (405, "GET, HEAD")
            assert set(json.loads(response.read())) == {"error", "code", "requestId"}
    finally:
        connection.close()


def test_a_get_with_a_body_leaves_the_connection_sound(plain: Server) -> None:
    connection = connected(plain)
    try:
        for body in (b'{"a": 1}', iter([b"{", b"}"]), None):
            connection.request(
                "GET",
                f"/v1/spaces/{plain.space_id}/runtimes",
                body=body,
                headers={"Authorization": f"Bearer {plain.api_key}"},
                encode_chunked=True,
            )
            with connection.getresponse() as response:
                assert response.status == 200
                assert strict_json(response.read()) == sample()
    finally:
        connection.close()

    assert [request.connection for request in plain.log] == [1, 1, 1]
    assert plain.listings == 3


def test_head_has_the_length_and_no_body(plain: Server) -> None:
    connection = connected(plain)
    try:
        for method in ("HEAD", "GET"):
            connection.request(
                method,
                f"/v1/spaces/{plain.space_id}/runtimes",
                headers={"Authorization": f"bearer {plain.api_key}"},
            )
            with connection.getresponse() as response:
                length, body = int(response.getheader("Content-Length", "0")), response.read()
                assert (response.status, len(body)) == (200, length if method == "GET" else 0)
    finally:
        connection.close()


def test_the_log_tells_what_came_and_when(plain: Server) -> None:
    before = time.time()
    Client(plain, 5).ask(f"Bearer {plain.api_key}", space="elsewhere")

    (request,) = plain.log
    assert (request.method, request.path) == ("GET", "/v1/spaces/elsewhere/runtimes")
    assert ("Authorization", f"Bearer {plain.api_key}") in request.headers
    assert before <= request.time <= time.time()
    assert not plain.key_reached_elsewhere


def test_the_second_origin_tells_whether_the_key_reached_it() -> None:
    with serve(named("redirect-302-to-another-host")) as server:
        second = http.client.HTTPConnection(urlsplit(server.elsewhere).netloc, timeout=5)
        try:
            for headers in ({}, {"X-Other": server.api_key}):
                known = server.key_reached_elsewhere
                second.request("GET", f"/v1/spaces/{server.space_id}/runtimes", headers=headers)
                with second.getresponse() as response:
                    assert (known, response.status) == (False, 200)
                    assert strict_json(response.read()) == sample()
        finally:
            second.close()

        assert len(server.strays) == 2
        assert server.key_reached_elsewhere


def spoken(server: Server, data: bytes) -> bytes:
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), timeout=5) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def test_what_is_not_http_is_refused(plain: Server) -> None:
    assert spoken(plain, b"hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_early_hints_come_before_the_list() -> None:
    with serve(named("early-hints")) as server:
        answer = spoken(
            server,
            f"GET /v1/spaces/{server.space_id}/runtimes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Authorization: Bearer {server.api_key}\r\n\r\n".encode(),
        )
    hints, head, body = answer.split(b"\r\n\r\n")

    assert hints.startswith(b"HTTP/1.1 103 ")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert strict_json(body) == sample()


@pytest.mark.parametrize("name", ["silent", "drip-of-body", "endless-body"])
def test_a_server_that_never_ends_its_answer_closes_at_once(name: str) -> None:
    with serve(named(name)) as server:
        connection = connected(server)
        connection.request(
            "GET",
            f"/v1/spaces/{server.space_id}/runtimes",
            headers={"Authorization": f"Bearer {server.api_key}"},
        )
        while not server.log:
            time.sleep(0.001)
        closing = time.monotonic()
    connection.close()

    assert time.monotonic() - closing < 2


def test_by_hand_a_variant_prints_its_settings_and_serves() -> None:
    command = [sys.executable, "-m", f"{__package__}", "empty-list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_root()) as process:
        try:
            assert process.stdout is not None
            settings = dict(part.split("=", 1) for part in process.stdout.readline().split())
            assert set(settings) == {"BCTRL_BASE_URL", "BCTRL_API_KEY", "BCTRL_SPACE_ID"}
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", settings["BCTRL_BASE_URL"])
        finally:
            process.terminate()


def test_by_hand_the_list_names_every_variant() -> None:
    command = [sys.executable, "-m", f"{__package__}", "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=_root())

    assert [line.split()[2] for line in done.stdout.splitlines()] == [variant.name for variant in CATALOGUE]


def _root() -> Path:
    return Path(__file__).parents[len((__package__ or "").split("."))]
