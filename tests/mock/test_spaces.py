"""The independent spaces of one server, the control path that controls them, and CORS."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl import check
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import SettingError
from pytest_bctrl.http.routes import Routes
from pytest_bctrl.samples import runtime, runtimes
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock import MockServer, adjustable, data
from pytest_bctrl.traffic.mock.control import _DO, DOCUMENT
from pytest_bctrl.traffic.mock.server import MOCK_KEY
from pytest_bctrl.traffic.mock.space import Space
from tests.contract.documents import document

from .mock_command import MockCommand

TOKEN = "t0ken-of-the-control-path"
CONTROL = from_document(read_yaml(DOCUMENT.read_text("utf-8"), DOCUMENT.name), DOCUMENT.name)
ROUTES = Routes(CONTROL)
StatusHeadersJson = tuple[int, dict[str, str], Any]


def ask(url: str, target: str, key: str, method: str = "GET", body: Any = None, **fields: str) -> StatusHeadersJson:
    """Send a request with a bearer key, and return status, header fields and JSON of the response."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
    headers = {"Authorization": f"Bearer {key}", **{name.replace("_", "-"): value for name, value in fields.items()}}
    try:
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        data = response.read()
    finally:
        connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, json.loads(data or b"null")


def listed(space: Space, *, key: str = "", space_id: str = "") -> tuple[int, Any]:
    """Return status and runtimes of the response to a request for the list; None for an error."""
    target = f"/v1/spaces/{space_id or space.space_id}/runtimes"
    status, _, body = ask(space.url, target, key or space.api_key)
    return status, body.get("runtimes")


@pytest.fixture
def mock() -> Iterator[MockServer]:
    """Return a running mock with a control path."""
    with MockServer(load(), control=Secret(TOKEN)) as server:
        yield server


def test_spaces_are_independent(mock: MockServer) -> None:
    """Runtimes, faults and requests of two spaces and of the server are separate; a closed id can be used again."""
    with mock.space() as first, mock.space("other") as second:
        first.runtimes = [runtime(name="mine", spaceId=first.space_id)]
        second.fault("status", 503, times=1)
        assert ("00000000-0000-4000-8000-000000000001", 503) == (first.space_id, listed(second)[0])
        (only,) = listed(first)[1]
        assert ("mine", first.space_id, 200) == (only["name"], only["spaceId"], listed(second)[0])
        assert (mock.runtimes, len(first.requests), len(second.requests), 0) == (
            listed(mock)[1],
            1,
            2,
            len(mock.requests) - 1,
        )
        assert (401, 404) == (listed(first, key=second.api_key)[0], listed(first, space_id="none")[0])
        first.reset()
        assert (0, mock.samples.exemplary(first.space_id)["runtimes"]) == (len(first.requests), listed(first)[1])
    assert ([mock.space_id], 401) == ([*mock.spaces], listed(first)[0])
    with mock.space(first.space_id) as again:
        first.close()
        assert again is mock.spaces[first.space_id]


def test_the_id_of_a_space_conforms_to_the_contract(mock: MockServer) -> None:
    """`space()` without an id gets `space-1` or a UUID; an id or key in use is an error."""
    for schema, called in (
        ({"type": "string"}, "space-1"),
        ({"type": "string", "format": "uuid"}, f"{0:08}-0000-4000-8000-{1:012}"),
    ):
        spec = document(True)
        spec["paths"]["/v1/things/{id}"]["get"]["parameters"][0]["schema"] = schema
        with MockServer(from_document(spec, "things.json")).space() as space:
            assert called == space.space_id
    for wrong in ({"space_id": mock.space_id}, {"api_key": mock.api_key}):
        with pytest.raises(SettingError, match="another space has this"):
            mock.space(**wrong)


def test_hundreds_of_spaces_are_independent_under_load(mock: MockServer) -> None:
    """200 of them, four at a time, each with its own data and updates."""

    def is_independent(number: int) -> bool:
        """Return whether a new space serves its data and its update."""
        with mock.space() as space:
            space.runtimes = runtimes(2, name=f"n{number}", space_id=space.space_id)
            space.update(space.runtimes[0]["id"], status="failed")
            items = listed(space)[1]
            return [f"n{number}"] * 2 == [item["name"] for item in items] and "failed" == items[0]["status"]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(is_independent, range(200)))


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
def test_one_mock_command_serves_many_tests_at_once(tmp_path: Path, python: list[str]) -> None:
    """60 of them, four at a time, each in a new space that it opens over the control path."""
    with MockCommand(python, tmp_path).running("--control", "--quiet", "--origin", "https://app.test") as mock:
        ready = json.loads((tmp_path / "ready.json").read_text("utf-8"))
        token, url = ready["control"]["token"], ready["url"]
        assert (0o600, MOCK_KEY, f"{url}/__bctrl__/") == (
            (tmp_path / "ready.json").stat().st_mode & 0o777,
            ready["api_key"],
            ready["control"]["url"],
        )

        def is_independent(number: int) -> bool:
            """Return whether a space that is opened, filled and closed serves its data."""
            _, _, space = ask(url, "/__bctrl__/spaces", token, "POST")
            path = f"/__bctrl__/spaces/{space['id']}"
            ask(url, f"{path}/runtimes", token, "PUT", {"runtimes": runtimes(1, name=f"n{number}")})
            _, _, body = ask(url, f"/v1/spaces/{space['id']}/runtimes", space["key"])
            ask(url, path, token, "DELETE")
            return [f"n{number}"] == [item["name"] for item in body["runtimes"]]

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(is_independent, range(60)))
        assert token not in "".join(mock.end()[1:])


def test_advance_moves_a_sequence_on_without_waiting(mock: MockServer) -> None:
    first = mock.runtimes[0]["id"]
    mock.sequence(mock.step({first: {"name": "before"}}, seconds=60), {first: {"name": "after"}})
    assert "before" == listed(mock)[1][0]["name"]
    assert "after" == listed(mock.advance(61))[1][0]["name"]
    with pytest.raises(SettingError, match="is not a time"):
        mock.advance(-1)


class StoppedClock:
    """A clock on which no time passes by itself."""

    @staticmethod
    def monotonic() -> float:
        return 0.0


def test_the_lifecycle_scenario_depends_on_seed_and_clock(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed at the same time yields the same states; each of them conforms and all occur."""
    for module in (adjustable, data):
        monkeypatch.setattr(module, "clock", StoppedClock)

    def states_over_time(space: Space) -> Iterator[list[str]]:
        """Yield the states of four runtimes, 40 times in steps of ten seconds; each body must conform."""
        space.scenario("lifecycle", count=4, seed=3)
        before: list[str] = []
        for _ in range(40):
            status, _, body = ask(space.url, f"/v1/spaces/{space.space_id}/runtimes", space.api_key)
            assert (200, []) == (
                status,
                [finding for finding in check(json.dumps(body)) if finding.rule != "space_id_matches"],
            )
            for item, state in zip(body["runtimes"], before, strict=bool(before)):
                assert state == item["status"] or (item["status"] == "active") == (item["activeRunId"] is not None)
            before = [item["status"] for item in body["runtimes"]]
            yield before
            space.advance(10)

    with mock.space() as first_space, mock.space() as second_space:
        first, second = list(states_over_time(first_space)), list(states_over_time(second_space))
    assert first == second
    for states in zip(*first, strict=True):
        assert len(list(groupby(states))) > 5
    assert {"active", "stopped", "failed"} == {state for states in first for state in states}
    with pytest.raises(SettingError, match="no property of an item has the state active"):
        MockServer(from_document(document({"type": "array", "items": {"type": "object"}}), "x")).scenario("lifecycle")


def control(mock: MockServer, method: str, path: str, body: Any = None, token: str = TOKEN) -> tuple[int, Any]:
    """Send a request to the control path, and validate the response against its document."""
    status, headers, data = ask(mock.url, f"/__bctrl__{path}", token, method, body)
    match = ROUTES.match(f"/__bctrl__{path}")
    operation = match.of(method) if match else None
    if operation is not None:
        raw = Response(status, headers, b"" if data is None else json.dumps(data).encode())
        assert [] == check(raw, contract=CONTROL, operation=operation.operation_id)
    return status, data


class Response:
    """A response with the attributes that `check` reads."""

    def __init__(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.status_code, self.headers, self.content = status, headers, content
        self.url, self.request = "", None


def test_the_control_path_controls_a_space(mock: MockServer) -> None:
    """Each operation of its document once, with the documented response."""
    status, space = control(mock, "POST", "/spaces", {"id": "web"})
    assert (201, {"id": "web", "key": space["key"], "url": mock.url}) == (status, space)
    assert (200, {"spaces": [mock.space_id, "web"]}) == control(mock, "GET", "/spaces")
    web = mock.spaces["web"]
    assert (204, None) == control(mock, "PUT", "/spaces/web/runtimes", {"runtimes": runtimes(2)})
    (first, *_rest) = control(mock, "GET", "/spaces/web/runtimes")[1]["runtimes"]
    assert (204, None) == control(mock, "PATCH", f"/spaces/web/runtimes/{first['id']}", {"status": "failed"})
    assert "failed" == listed(web)[1][0]["status"]
    assert (204, None) == control(mock, "POST", "/spaces/web/faults", {"fault": "status(503, times=2)"})
    assert 503 == listed(web)[0]
    assert {"faults": [{"fault": "status(503, times=2)", "applied": 1}]} == control(mock, "GET", "/spaces/web/faults")[
        1
    ]
    snapshot = control(mock, "GET", "/spaces/web/snapshot")[1]
    assert (204, None) == control(mock, "DELETE", "/spaces/web/faults")
    steps = [{"update": {first["id"]: {"name": "x"}}, "seconds": 60}, {"runtimes": [], "answers": 1}, {}]
    assert (204, None) == control(mock, "PUT", "/spaces/web/sequence", {"steps": steps})
    assert "x" == listed(web)[1][0]["name"]
    assert (204, None) == control(mock, "POST", "/spaces/web/clock", {"seconds": 61})
    assert [] == listed(web)[1]
    assert (204, None) == control(mock, "PUT", "/spaces/web/scenario", {"scenario": "many(count=3)"})
    assert 3 == len(listed(web)[1])
    assert (204, None) == control(mock, "PUT", "/spaces/web/snapshot", snapshot)
    assert (503, "failed") == (listed(web)[0], control(mock, "GET", "/spaces/web/runtimes")[1]["runtimes"][0]["status"])
    journal = control(mock, "GET", "/spaces/web/requests")[1]["requests"]
    assert ([200, 503], "/v1/spaces/web/runtimes") == ([entry["status"] for entry in journal][:2], journal[0]["path"])
    assert space["key"] not in json.dumps(journal)
    assert (204, None) == control(mock, "POST", "/spaces/web/reset")
    assert {"requests": []} == control(mock, "GET", "/spaces/web/requests")[1]
    assert (204, None) == control(mock, "DELETE", "/spaces/web")
    assert {operation.operation_id for operation in CONTROL.operations} == {*_DO}
    assert CONTROL.source == json.loads(json.dumps(ask(mock.url, "/__bctrl__/openapi.json", TOKEN)[2]))


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/spaces/none/runtimes", None, 404, "unknown space"),
        ("GET", "/nowhere", None, 404, "there is no GET here"),
        ("PUT", "/spaces", None, 404, "there is no PUT here"),
        ("DELETE", "/spaces/{own}", None, 400, "it is the server's own"),
        ("PUT", "/spaces/{own}/runtimes", {}, 400, "the required property is missing"),
        ("PUT", "/spaces/{own}/runtimes", {"runtimes": [{"id": "x"}]}, 400, "it breaks the contract"),
        ("PUT", "/spaces/{own}/runtimes", {"runtimes": [7, None]}, 400, "it breaks the contract"),
        ("PUT", "/spaces/{own}/sequence", {"steps": [{"runtimes": [7]}]}, 400, "it breaks the contract"),
        ("PUT", "/spaces/{own}/scenario", {"scenario": "nope"}, 400, "unknown scenario"),
        ("POST", "/spaces/{own}/reset", {"x": 1}, 400, "the body at $"),
        ("POST", "/spaces", {"id": 7}, 400, "the body at id: the value has the wrong type, integer"),
        ("POST", "/spaces", {"id": "{own}"}, 400, "another space has this id"),
    ],
)
def test_an_invalid_control_request_gets_an_error_with_a_hint(
    mock: MockServer, method: str, path: str, body: Any, status: int, message: str
) -> None:
    sent = json.loads(json.dumps(body).replace("{own}", mock.space_id))
    result, data = control(mock, method, path.replace("{own}", mock.space_id), sent)
    assert (status, True) == (result, message in data["error"]), data


def test_the_control_path_requires_the_token_and_is_off_by_default(mock: MockServer) -> None:
    """Without the token 401, without `control` 404; a contract with such a path is an error."""
    assert 401 == control(mock, "GET", "/spaces", token="another")[0]
    connection = HTTPConnection(mock.url.removeprefix("http://"))
    connection.request("POST", "/__bctrl__/spaces", b"{", {"Authorization": f"Bearer {TOKEN}"})
    assert (400, True) == ((response := connection.getresponse()).status, b"not JSON" in response.read())
    connection.close()
    with MockServer(load()) as without_control:
        assert 404 == ask(without_control.url, "/__bctrl__/spaces", TOKEN)[0]
    claimed = document(True)
    claimed["paths"]["/__bctrl__/x"] = claimed["paths"].pop("/v1/things/{id}")
    claimed["paths"]["/__bctrl__/x"]["get"].pop("parameters")
    with pytest.raises(SettingError, match="the contract has GET /__bctrl__/x"):
        MockServer(from_document(claimed, "x"), control=Secret(TOKEN))


@pytest.mark.parametrize(
    ("origin", "origins", "is_allowed"),
    [
        ("http://localhost:5173", (), True),
        ("https://app.test", (), False),
        ("https://app.test", ("https://app.test",), True),
        ("https://app.test", ("*",), True),
        ("null", (), False),
        ("https://127.0.0.1", (), True),
        ("http://[::1]:3000", (), True),
        ("chrome-extension://localhost", (), False),
        ("moz-extension://127.0.0.1", (), False),
        ("file://localhost", (), False),
        ("http://localhost.evil.test", (), False),
        ("http://[localhost", (), False),
    ],
)
def test_cors_allows_loopback_and_configured_origins(
    contract: Contract, origin: str, origins: tuple[str, ...], is_allowed: bool
) -> None:
    """The preflight response has the origin, method and headers for them, and none of these otherwise."""
    with MockServer(contract, origins=origins) as mock:
        target = f"/v1/spaces/{mock.space_id}/runtimes"
        headers = {"Access_Control_Request_Method": "GET", "Access_Control_Request_Headers": "authorization"}
        status, fields, _ = ask(mock.url, target, "", "OPTIONS", None, Origin=origin, **headers)
        assert 204 == status
        allows = [
            fields.get(f"access-control-allow-{name}") for name in ("origin", "methods", "headers", "credentials")
        ]
        assert ([origin, "GET", "authorization", "true"] if is_allowed else [None] * 4) == allows
        status, fields, _ = ask(mock.url, target, "wrong", Origin=origin)
        shown = fields.get("access-control-expose-headers", "").lower()
        assert (401, is_allowed, is_allowed) == (
            status,
            origin == fields.get("access-control-allow-origin"),
            "x-request-id" in shown,
        )
        assert is_allowed == ("Origin" in fields.get("vary", ""))


def test_a_key_can_be_given_as_text() -> None:
    """`MockServer` and `space` accept it, and the attribute `api_key` is the same text."""
    with MockServer(load(), api_key="key-of-the-server", control="token-of-the-path") as mock:
        space = mock.space(api_key="key-of-a-space")
        assert (200, 200) == (listed(mock, key="key-of-the-server")[0], listed(space, key="key-of-a-space")[0])
        assert ("key-of-the-server", "key-of-a-space") == (mock.api_key, space.api_key)
