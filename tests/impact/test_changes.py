"""How each kind of change transforms a response of the mock: data in, a response out."""

from __future__ import annotations

import copy
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl import check
from pytest_bctrl.contract.build import contract_with_overlay
from pytest_bctrl.contract.document import load_data
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.examples import example
from pytest_bctrl.drift.rules import rules
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.http.message import MockResponse, Payload, Request
from pytest_bctrl.impact.candidates import joined_location, relative_location
from pytest_bctrl.impact.change import Change, ResponseContext
from pytest_bctrl.impact.change_report import failure_lines
from pytest_bctrl.impact.derived_changes import derive_changes
from pytest_bctrl.impact.read_locations import Reads, encode_differently, is_read, record_reads
from pytest_bctrl.impact.rerun import RerunOutcome, enforce_limit
from pytest_bctrl.impact.response_changes import changes_from_drift
from pytest_bctrl.samples.inputs import Inputs, inputs
from pytest_bctrl.traffic.mock import MockServer
from tests.contract.documents import contract_of as things
from tests.impact.drifts import SPEC, items, operation

CONTRACT = load()


def _context(mock: MockServer, *headers: tuple[str, str]) -> ResponseContext:
    """Return a request for the main operation, with the response of the mock before a change."""
    main_operation = mock.samples.operation
    values = inputs(mock.contract, main_operation, {"space_id": mock.space_id, "id": "1"}) or Inputs()
    fields = [("authorization", f"Bearer {mock.api_key}"), *((name.lower(), v) for name, v in values.headers)]
    request = Request("GET", values.target(main_operation), (*fields, *headers))
    return ResponseContext(request, main_operation, mock.samples.parameters(mock.space_id), mock.respond(request))


def _transformed(change: Change, call: ResponseContext) -> MockResponse:
    """Return the response after a change, which must have a transform."""
    assert change.transform is not None
    return change.transform(call)


def _changes(of_spec: Callable[[Any], Any]) -> dict[str, Change]:
    """Return the changes of a changed spec by rule, without the additional responses of the overlay."""
    document = copy.deepcopy(SPEC)
    of_spec(document)
    new = contract_with_overlay(load_data(document, "new"), None)
    mock = MockServer(CONTRACT)
    findings = changes_from_drift(compare(SPEC, document), CONTRACT, new, mock.api_key, mock.space_id)
    return {change.finding.rule: change for change in findings}


@pytest.mark.parametrize("kind", ["break", "extreme"])
def test_checks_find_violations_but_not_unusual_responses(kind: str) -> None:
    """`check` reports each derived violation but one, and no extreme value other than as undocumented."""
    call = _context(MockServer(CONTRACT))

    rules_of = {}
    for change in derive_changes(CONTRACT):
        response = _transformed(change, call) if change.kind == kind else call.response
        if response is not call.response:
            findings = check(response.body, contract=CONTRACT)
            rules_of[f"{change.finding.location} {change.finding.message}"] = [finding.rule for finding in findings]
    assert len(rules_of) > 30
    if kind == "break":
        # Whose space it is, is known of a request alone.
        silent = [name for name, rules in rules_of.items() if not rules]
        assert silent == ["runtimes[*].spaceId space_id_matches broken: the last is another's"]
    else:
        assert {rule for rules in rules_of.values() for rule in rules} <= {"undocumented_property"}


_RULES = [name for name in rules() if name.startswith(("response-body-", "response-property-"))]
_BY_RULE = {"min-items-unset", "min-items-decreased"}
_BY_RULE |= {"content-encoding-changed", "content-media-type-changed"}
_BY_RULE |= {f"discriminator-{words}" for words in ("mapping-added", "mapping-changed", "property-name-changed")}
"""Rules whose changes show nothing in the sample that the old contract rejects."""


def test_a_breaking_change_of_a_body_is_simulated_as_a_violation() -> None:
    """The old contract rejects each changed sample, with the smallest pair of documents for each rule about bodies.

    The changes of the rules in `_BY_RULE` leave the sample as it is.
    """
    rejected, untouched = 0, set()
    for name in _RULES:
        pair = example(name)
        try:
            old, new = from_document(pair.base, "old"), from_document(pair.revision, "new")
            mock = MockServer(old)
            call = _context(mock)
        except BctrlError:
            continue
        for change in changes_from_drift(compare(pair.base, pair.revision), old, new, mock.api_key, mock.space_id):
            if change.finding.level != "error" or change.transform is None or not change.locations:
                continue
            response = change.transform(call)
            if response is call.response:
                untouched.add(name.removeprefix("response-body-").removeprefix("response-property-"))
            else:
                assert not accepts(old, mock.samples.schema, json.loads(response.body)), name
                rejected += 1
    assert rejected > 80
    assert untouched <= _BY_RULE


def test_a_change_of_documented_errors_is_not_simulated() -> None:
    change = _changes(lambda spec: operation(spec)["responses"].update({"503": {"description": "down"}}))

    assert (
        change["response-non-success-status-added"].not_run_reason == "no spec defines when an error response is sent"
    )


def test_a_new_tag_is_not_simulated() -> None:
    change = _changes(lambda spec: operation(spec)["tags"].append("new"))

    assert change["api-tag-added"].not_run_reason == "it changes no request and no response"


def test_values_that_the_changed_spec_allows_are_unchanged() -> None:
    """If an enum loses a value, only that value is replaced in the response."""
    call = _context(MockServer(CONTRACT))
    status = items(SPEC, "Status")["enum"][0]

    response = _transformed(
        _changes(lambda spec: items(spec, "Status")["enum"].remove(status))["response-property-enum-value-removed"],
        call,
    )

    pairs = zip(json.loads(call.response.body)["runtimes"], json.loads(response.body)["runtimes"], strict=True)
    changed = [(before["status"], after["status"]) for before, after in pairs if before != after]
    assert {old for old, _ in changed} == {status}
    assert status not in {new for _, new in changed}


def test_a_unique_value_of_another_type_replaces_only_the_first() -> None:
    """Ids become numbers: two items with the same number would show a repeated id too."""
    call = _context(MockServer(CONTRACT))
    change = _changes(lambda spec: items(spec)["properties"].update(id={"type": "integer"}))

    response = _transformed(change["response-property-type-changed"], call)

    before, after = (json.loads(body)["runtimes"] for body in (call.response.body, response.body))
    assert type(after[0]["id"]) is int
    assert [{**after[0], "id": before[0]["id"]}, *after[1:]] == before


_READS: tuple[tuple[str, Callable[[Any], Any], str], ...] = (
    ("a member", lambda data: data["a"], "a"),
    ("get", lambda data: data.get("a"), "a"),
    ("get what is not a name", lambda data: data.get(0, data["a"]), "a"),
    ("in", lambda data: "a" in data, "a"),
    ("pop", lambda data: data.pop("a"), "a"),
    ("names", list, "b.c"),
    ("keys", lambda data: data.keys(), "a"),
    ("values", lambda data: data.values(), "a"),
    ("items", lambda data: data.items(), "a"),
    ("copy", lambda data: data.copy(), "a"),
    ("equal", lambda data: data == {}, "a"),
    ("unequal", lambda data: data != {}, "a"),
    ("length", len, "a"),
    ("union", lambda data: data | {}, "a"),
    ("text", repr, "a"),
    ("a list", lambda data: data["b"][0]["c"], "b[*].c"),
    ("a member that no schema documents", lambda data: data["a"], "*"),
)


@pytest.mark.parametrize(("name", "use", "location"), _READS, ids=[name for name, *_ in _READS])
def test_the_locations_that_a_test_reads_are_recorded(name: str, use: Callable[[Any], Any], location: str) -> None:
    """`record_reads` notes the location that a use of a parsed body reads; `list` of an object reads names only."""
    reads = Reads()
    read = reads.locations
    text = '{"a": 1, "b": [{"c": 2}]}'

    with record_reads(text.__eq__, reads):
        use(json.loads(text))
        json.loads('{"other": 1}')["other"]

    assert is_read(location, read) is (name != "names")
    assert not is_read("x.y", read)
    # A test that reads any location has the body, and each item of a body that is a list.
    assert is_read("[*]", read)
    assert is_read("", read)
    assert not is_read("[*]", set())


@pytest.mark.parametrize("ancestor", ["", "status", "runtimes[*]", "backing<Backing0>", "a.*"])
@pytest.mark.parametrize("remainder", ["code", "[*].code", "<Cloud>.code", "*"])
def test_a_location_below_another_is_relative_to_it(ancestor: str, remainder: str) -> None:
    assert relative_location(joined_location(ancestor, remainder), ancestor) == remainder


@pytest.mark.parametrize("location", ["status", "statusCode", "statusCode.text", "code.status"])
def test_a_location_beside_another_is_not_relative_to_it(location: str) -> None:
    """A member whose name begins with that of another member is beside it."""
    assert relative_location(location, "status") == ""


def test_only_the_first_failures_are_listed() -> None:
    """Five of seven, and a line with the number of the others."""
    tests = [
        {"test": f"t.py::test_{number}", "line": f"KeyError: {number}", "where": "t.py:1", "note": ""}
        for number in range(7)
    ]

    assert list(failure_lines(tests))[4:] == ["t.py::test_4: KeyError: 4 (t.py:1)", "… and 2 more failures"]


def test_a_failure_outside_the_project_is_described_by_its_report(tmp_path: Path) -> None:
    """The first line of its text, without a location."""
    report = pytest.TestReport("t.py::test", ("t.py", 1, "test"), {}, "failed", "no leaks allowed\nhere", "call")
    outcome = RerunOutcome()

    outcome.record_phase(report, pytest.CallInfo.from_call(lambda: None, "call"), tmp_path)

    assert (outcome.failed, outcome.line, outcome.where) == (True, "no leaks allowed", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGALRM")
def test_an_alarm_of_the_project_is_still_handled() -> None:
    """`enforce_limit` calls the project's handler of SIGALRM for an alarm that is not its own."""
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: rung.append(number))
    try:
        with enforce_limit(0.01):
            signal.raise_signal(signal.SIGALRM)
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    finally:
        signal.signal(signal.SIGALRM, before)

    assert rung == [signal.SIGALRM]
    with enforce_limit(60):
        # Another's alarm, before the time is over.
        signal.raise_signal(signal.SIGALRM)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGALRM")
def test_an_alarm_while_the_limit_is_removed_fails_no_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test has ended by then. No later test gets an alarm, and the next limit applies."""
    set_timer = signal.setitimer

    def remove_late(which: int, seconds: float, _interval: float = 0.0) -> object:
        """Set no timer; raise its alarm when it is removed, after the limit."""
        if not seconds:
            time.sleep(0.01)
            signal.raise_signal(signal.SIGALRM)
        return set_timer(which, 0)

    monkeypatch.setattr(signal, "setitimer", remove_late)
    with enforce_limit(0.001):
        pass
    assert signal.SIG_DFL == signal.getsignal(signal.SIGALRM)


def test_a_value_that_is_read_past_the_methods_of_its_object_is_rejected() -> None:
    """Code that bypasses them, as compiled code does, gets a value whose use raises `TypeError`."""
    text = '{"a": 1}'
    with record_reads(text.__eq__, Reads()):
        value = dict.__getitem__(json.loads(text), "a")

    with pytest.raises(TypeError, match="read by code that cannot be observed"):
        str(value)


@pytest.mark.parametrize(("media_type", "body"), [("text/csv", b"1,2"), ("application/json", b"{")])
def test_a_body_that_is_not_json_is_not_encoded_differently(media_type: str, body: bytes) -> None:
    """Neither one of another media type nor one that is truncated."""
    call = _context(MockServer(CONTRACT))
    response = MockResponse(200, (("Content-Type", media_type),), Payload(body))

    assert encode_differently(replace(call, response=response)) is response


def test_record_reads_restores_json_afterwards() -> None:
    decode = json.JSONDecoder.decode
    with record_reads(lambda text: True, Reads()):
        assert json.JSONDecoder.decode is not decode
    assert json.JSONDecoder.decode is decode


def test_unusual_lists_conform_to_the_contract() -> None:
    """`check` has no finding for extreme forms of a list: empty, uniform or reversed, as far as the schema allows."""
    texts = {"type": "string", "enum": ["a", "b", "c"]}
    mock = MockServer(things({"type": "array", "minItems": 2, "maxItems": 3, "uniqueItems": True, "items": texts}))
    call = _context(mock)
    transformed = {
        change.finding.message: _transformed(change, call)
        for change in derive_changes(mock.contract)
        if change.kind == "extreme"
    }
    assert [] == [
        finding for response in transformed.values() for finding in check(response.body, contract=mock.contract)
    ]
    body = call.response.body
    assert body == transformed["the list is empty"].body == transformed["the value is always 'a'"].body
    assert body != transformed["the items are in reverse order"].body


def _derived(schema: Any, message: str, body: Any, **operation_keys: Any) -> tuple[MockResponse, MockResponse]:
    """Return a response with a body, and the same after the change of a contract with this message."""
    contract = things(schema, **operation_keys)
    [change] = [change for change in derive_changes(contract) if change.finding.message == message]
    call = _context(MockServer(contract))
    response = replace(call.response, payload=Payload(json.dumps(body).encode()))
    return response, _transformed(change, replace(call, response=response))


@pytest.mark.parametrize(("body", "is_changed"), [({"b": 2}, True), ({"a": 1, "b": 2}, False)])
def test_a_body_that_stays_valid_is_not_changed_by_a_violation(body: Any, is_changed: bool) -> None:
    """Without `b`, a body with `a` conforms to another alternative."""
    alternatives = [{"required": ["a"]}, {"required": ["b"]}]
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}

    before, after = _derived({**schema, "anyOf": alternatives}, "required broken: without b, anyOf 1", body)

    assert (after is not before) is is_changed


def test_added_items_have_the_value_of_the_request_in_each_property_that_repeats_it() -> None:
    """The list becomes longer, although the generated items have to be adjusted to the invariants."""
    texts = {name: {"type": "string"} for name in ("id", "space", "owner")}
    schema = {"type": "array", "items": {"type": "object", "required": [*texts], "properties": texts}}
    common = {"level": "error", "because": ""}
    invariants = [
        {"rule": "own_space", "each": "[*].space", "equals": "path.id", **common},
        {"rule": "owner_is_space", "each": "[*]", "same": ["space", "owner"], **common},
    ]
    body = [{"id": "a", "space": "mine", "owner": "mine"}]

    _, after = _derived(schema, "the list has 300 more items", body, **{"x-bctrl-invariants": invariants})

    things_after = json.loads(after.body)
    assert body == things_after[:1]
    assert 300 == len(things_after[1:])
    assert {("mine", "mine")} == {(thing["space"], thing["owner"]) for thing in things_after}


def test_a_property_that_another_requires_is_not_omitted_from_an_object() -> None:
    """An unusual response stays valid: the body without its optional property would not be."""
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}

    before, after = _derived(
        {**schema, "dependentRequired": {"a": ["b"]}}, "the optional property is omitted", {"a": 1, "b": 2}
    )

    assert after is before
