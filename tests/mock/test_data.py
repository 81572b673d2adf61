"""Data of the mock: checked against the contract, changed one runtime at a time, and over time."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_bctrl.conformance import check
from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import SettingError
from pytest_bctrl.http.message import Request
from pytest_bctrl.samples import Samples
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.custom import mock_scenario
from pytest_bctrl.traffic.mock.data import SequenceStep, StepSource
from tests.mock.asking import ask, listed
from tests.mock.test_own_contract import document, response

CONTRACT = load()
PUT: dict[str, Callable[[MockServer, list[Any], dict[str, Any]], object]] = {
    "set": lambda mock, items, _: setattr(mock, "runtimes", items),
    "serve": lambda mock, items, how: mock.serve(items, **how),
    "update": lambda mock, items, how: mock.update(items[0]["id"], **how, **{k: items[0][k] for k in list(items[0])}),
    "sequence": lambda mock, items, how: mock.sequence([], items, **how),
}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "status": ({"status": "stoped"}, r"error: response_schema_conformance at runtimes\[\*\].status"),
    "name": ({"nmae": "a"}, r"undocumented_property at runtimes\[\*\].nmae"),
    "time": ({"updatedAt": "1999-01-01T00:00:00Z"}, "updated_not_before_created"),
    "space": ({"spaceId": "11111111-1111-4111-8111-111111111111"}, "space_id_matches"),
    "not JSON": ({"metadata": {1j}}, "not JSON"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("put", PUT)
def test_nonconforming_data_is_an_error_without_conforming_false(mock: MockServer, put: str, wrong: str) -> None:
    """The served data then stay; with `conforming=False` they are served, except for data that are not JSON."""
    before = listed(mock).body
    changes, message = WRONG[wrong]
    items = [{**mock.runtimes[0], **changes}]
    with pytest.raises(SettingError, match=f"^mock.*: it (is|breaks) .*{message}"):
        PUT[put](mock, items, {})
    assert before == listed(mock).body
    if wrong != "not JSON" and put != "set":
        PUT[put](mock, items, {"conforming": False})
        replies = [listed(mock).json()["runtimes"] for _ in range(2)]
        assert changes.items() <= replies[-1][0].items()


def test_a_nonconforming_file_is_an_error_without_conforming_false(mock: MockServer, tmp_path: Path) -> None:
    """`serve_file` raises `SettingError`, or serves it with `conforming=False`."""
    file = tmp_path / "bad.json"
    file.write_text('[{"id": "x"}]', "utf-8")
    with pytest.raises(SettingError, match=r"bad\.json: it breaks the contract: 13 errors"):
        mock.serve_file(file)
    mock.serve_file(file, conforming=False)
    assert "x" == listed(mock).json()["runtimes"][0]["id"]


@pytest.mark.parametrize("space", ["mine", "11111111-1111-4111-8111-111111111111", "7"])
def test_a_space_id_may_be_any_string(space: str) -> None:
    """Or a number, if the contract documents an integer: the list is accepted, and an item whose id is null is not."""
    ids = {"id": {"type": "integer" if space == "7" else "string"}, "space": {"type": "integer"}}
    things = {"type": "array", "items": {"type": "object", "properties": ids, "required": list(ids)}}
    place = {"name": "s", "in": "path", "required": True, "schema": {}, "x-bctrl-setting": "space_id"}
    rule = {"rule": "mine", "level": "error", "each": "[*].space", "equals": "path.s", "because": ""}
    get = {"parameters": [place], "responses": {"200": response(things)}, "x-bctrl-invariants": [rule]}
    contract = document(paths={"/{s}/things": {"get": get}}) if space == "7" else CONTRACT
    mock = MockServer(contract, space_id=space)

    mock.runtimes = [mock.runtimes[0]]
    with pytest.raises(SettingError, match=r"^mock\.runtimes: it breaks the contract: 1 error"):
        mock.runtimes = [{**mock.runtimes[0], "id": None}]


def test_a_nonconforming_custom_scenario_is_an_error_without_conforming_false(mock: MockServer) -> None:
    """When it is set; one declared with `conforming=False` is served."""

    def bad(_samples: Samples) -> object:
        """Return a runtime with an invalid id and without its other properties."""
        return {"runtimes": [{"id": "x"}]}

    with pytest.raises(SettingError, match=r"^scenario bad .*: it breaks the contract"):
        mock.extend([mock_scenario("bad")(bad)]).scenario("bad")
    mock.extend([mock_scenario("bad", conforming=False)(bad)]).scenario("bad")
    assert "x" == listed(mock).json()["runtimes"][0]["id"]


@pytest.mark.parametrize(
    "edit",
    [
        lambda runtimes: runtimes.append({}),
        lambda runtimes: runtimes.sort(key=str),
        lambda runtimes: runtimes.__iadd__([{}]),
        lambda runtimes: runtimes[0].__setitem__("status", "failed"),
        lambda runtimes: runtimes[0].pop("id"),
        lambda runtimes: runtimes[0]["connections"].clear(),
        lambda runtimes: runtimes[:1][0].update(status="failed"),
    ],
)
def test_served_runtimes_are_read_only_but_can_be_copied(mock: MockServer, edit: Callable[[Any], object]) -> None:
    """Each way of editing `mock.runtimes` in place is an error; a copy can be edited."""
    before = mock.runtimes
    with pytest.raises(SettingError, match=r"cannot be edited in place \(change one with mock.update"):
        edit(mock.runtimes)
    assert before == mock.runtimes == listed(mock).json()["runtimes"]
    edit(copy.deepcopy(before))


def test_update_changes_dependent_properties(mock: MockServer) -> None:
    """`activeRunId`, `type` and `updatedAt` follow; other runtimes and the scenario stay; an unknown id is an error."""
    first, *others = mock.scenario("slow", seconds=0).runtimes
    states = [first]
    for status in ("failed", "active", "active", "stopped"):
        mock.update(first["id"], status=status)
        states.append(mock.runtimes[0])
    mock.update(first["id"], kind="desktop", updatedAt="2040-01-01T00:00:00Z")
    mock.update(first["id"], name="later").update(first["id"])

    assert [False, True, True, False] == [item["activeRunId"] is not None for item in states[1:]]
    assert states[2]["activeRunId"] == states[3]["activeRunId"]
    assert sorted(item["updatedAt"] for item in states[:4]) == [item["updatedAt"] for item in states[:4]]
    reply = listed(mock)
    changed, *unchanged = reply.json()["runtimes"]
    assert ("desktop", "2040-01-01T00:00:00.001Z") == (changed["type"], changed["updatedAt"])
    assert others == unchanged
    mock.assert_setup_used()
    message = rf'no runtime with the id "nope" is being served \(take one of: {first["id"]}, .*…\)'
    with pytest.raises(SettingError, match=message):
        mock.update("nope", status="failed")
    with pytest.raises(SettingError, match="take one of: none"):
        mock.scenario("empty").update("nope", status="failed")


def test_a_sequence_advances_per_response_and_stays_in_the_last_state(mock: MockServer) -> None:
    """A rejected request does not advance it, and a fault affects only the response of its own step."""
    item = mock.runtimes[0]
    stopped = mock.step({item["id"]: {"status": "stopped"}}, responses=2)
    mock.sequence({item["id"]: {"status": "active"}}, 503, stopped, "empty_body", [item])
    states: list[object] = []
    for _ in range(7):
        assert 401 == ask(mock, "GET", f"/v1/spaces/{mock.space_id}/runtimes", {}).status
        reply = listed(mock)
        runtimes = reply.json().get("runtimes") if reply.body else None
        states.append(runtimes[0]["status"] if runtimes else reply.status)
    assert ["active", 503, "stopped", "stopped", 200, item["status"], item["status"]] == states
    assert [item] == mock.runtimes
    assert ["status(503)"] == [name for entry in mock.requests if entry.status == 503 for name in entry.faults]
    assert [item] == mock.sequence().runtimes


@given(st.lists(st.tuples(st.sampled_from("as"), st.integers(1, 3)), min_size=1, max_size=5), st.data())
def test_a_sequence_advances_by_responses_and_time(steps: list[tuple[str, int]], data: st.DataObject) -> None:
    """With a simulated clock: each step begins where the previous one ends, after its last response or its time."""
    now = [0.0]
    source = StepSource(lambda: now[0])
    for number, (kind, length) in enumerate(steps):
        step = SequenceStep(None, length if kind == "a" else None, length if kind == "s" else None)
        source.add(step, str(number).encode(), None)
    at, begun, remaining, last = 0, 0.0, steps[0][1], 0.0
    for wait in data.draw(st.lists(st.integers(0, 4), max_size=12)):
        now[0] += wait
        while at < len(steps) - 1 and (remaining == 0 if steps[at][0] == "a" else now[0] >= begun + steps[at][1]):
            begun = last if steps[at][0] == "a" else begun + steps[at][1]
            at, remaining = at + 1, steps[at + 1][1]
        assert at == source.body(0) == json.loads(source.payload(0).body)
        remaining, last = max(0, remaining - 1), now[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda mock: mock.step([], responses=-1), "responses=-1 is not a whole number"),
        (lambda mock: mock.step([], seconds="x"), '"x" is not a time'),
        (lambda mock: mock.sequence("explode"), "explode: unknown fault"),
        (lambda mock: mock.sequence([], {"nope": {}}), "mock.sequence: step 2: no runtime with the id"),
    ],
)
def test_an_invalid_step_is_an_error(mock: MockServer, wrong: Callable[[MockServer], object], message: str) -> None:
    """`mock.step` and `mock.sequence` raise `SettingError` that names the invalid argument."""
    with pytest.raises(SettingError, match=message):
        wrong(mock)


@pytest.mark.parametrize("sent", ["Bearer {}", "Bearer {!r}"])
def test_the_error_for_a_masked_secret_suggests_reveal(mock: MockServer, path: str, sent: str) -> None:
    """A request with the asterisks that a `Secret` shows, in `Authorization` or in the query."""
    for reply in (
        ask(mock, "GET", path, {"Authorization": sent.format(Secret(mock.api_key))}),
        ask(mock, "GET", f"{path}?key=%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A", {}),
    ):
        assert reply.json()["error"]["message"].endswith("; it is the mask of a secret: send .reveal()")


def _own_list(mock: MockServer) -> Request:
    """Return a request for the runtimes of the mock's space, with its key."""
    fields = (("authorization", f"Bearer {mock.api_key}"),)
    return Request("GET", f"/v1/spaces/{mock.space_id}/runtimes", fields)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["active", "stopped", "failed"]), max_size=5), st.integers(0, 7))
def test_every_state_of_a_sequence_conforms_to_the_contract(statuses: list[str], index: int) -> None:
    """`check` has no findings for any response."""
    mock = MockServer(CONTRACT)
    runtime_id = mock.runtimes[index]["id"]
    mock.sequence(*({runtime_id: {"status": status}} for status in statuses), [])
    for _ in range(len(statuses) + 2):
        body = mock.respond(_own_list(mock)).body
        assert [] == check(body, contract=CONTRACT, operation=mock.samples.operation.label)
