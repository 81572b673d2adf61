"""Bodies of samples and strategies conform, or violate the one rule that they name."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from pytest_bctrl import check, strategies
from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import SettingError
from pytest_bctrl.samples import SPACE_ID, Samples, response, runtime, runtimes
from pytest_bctrl.samples.mutants import rules
from pytest_bctrl.strategies import Nonconforming, nonconforming
from pytest_bctrl.strategies import responses as bodies
from pytest_bctrl.strategies import runtimes as items
from tests.contract.documents import contract_of, rooted

CONTRACT = load()
SAMPLES = Samples(CONTRACT, CONTRACT.operations[0])
VALIDATOR = Draft202012Validator(rooted(CONTRACT, SAMPLES.schema), format_checker=FormatChecker())

slow = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)

quick = settings(slow, phases=[Phase.generate])


@slow
@given(bodies())
def test_every_generated_body_is_valid_by_jsonschema_and_the_checks(body: dict[str, Any]) -> None:
    VALIDATOR.validate(body)
    assert [] == check(body)
    assert body == json.loads(json.dumps(body))


@slow
@given(items(status="failed", kind=st.sampled_from(["browser", "desktop"]), createdAt="2030-01-01T00:00:00Z"))
def test_dependent_properties_follow_overrides(item: dict[str, Any]) -> None:
    """`items(status=…, kind=…, createdAt=…)`: `type` equals `kind`, and `updatedAt` is not earlier."""
    assert ("failed", item["kind"], "2030-01-01T00:00:00Z") == (item["status"], item["type"], item["createdAt"])
    assert datetime.fromisoformat(item["updatedAt"]) >= datetime.fromisoformat(item["createdAt"])
    assert [] == check(response([item]))


@slow
@given(nonconforming())
def test_a_nonconforming_body_violates_exactly_its_rule(case: Nonconforming) -> None:
    (finding,) = check(case.body)

    assert case.rule == finding.rule
    is_schema = case.rule == "response_schema_conformance"
    assert is_schema == (not VALIDATOR.is_valid(case.body))


@pytest.mark.parametrize("strategy", [bodies(), nonconforming()])
def test_strategies_pass_the_health_checks_on_a_slow_machine(
    strategy: st.SearchStrategy[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock counts function calls, and so is the same on every machine: ten times the usual duration of a call."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        """Count a call of a Python function."""
        nonlocal calls
        calls += event == "call"

    @settings(settings.get_profile("default"), max_examples=10, database=None, phases=[Phase.generate])
    @given(strategy)
    def draw(_body: Any) -> None:
        """Accept any body."""

    monkeypatch.setattr("hypothesis.internal.conjecture.data.time", SimpleNamespace(perf_counter=lambda: calls * 4e-6))
    # What Hypothesis finds out once, the first draw of all pays, and here nobody: no call is counted yet.
    draw()
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for number in range(3):
            seed(number)(draw)()
    finally:
        sys.setprofile(before)


def test_nonconforming_supports_a_list_of_at_most_one_item() -> None:
    """The simplest case violates exactly its rule."""
    things = {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}, "maxItems": 1}
    contract = contract_of({"type": "object", "properties": {"things": things}, "required": ["things"]})
    case = find(nonconforming(contract=contract), lambda _case: True, settings=slow)
    assert [case.rule] == [finding.rule for finding in check(case.body, contract=contract)]


@settings(quick, max_examples=10)
@given(bodies(min_size=1, id=SPACE_ID))
def test_generated_ids_are_unique(body: Any) -> None:
    """With a fixed id and `min_size=1`, a body has exactly one item."""
    assert 1 == len(body["runtimes"])


@settings(quick, max_examples=1)
@given(data=st.data())
def test_a_strategy_can_be_created_inside_a_test(data: st.DataObject) -> None:
    """`bodies()` within `@given(data=…)`, with nothing cached."""
    strategies._prepare.cache_clear()
    assert [] == check(data.draw(bodies()))


def test_shrinking_yields_small_bodies() -> None:
    """The smallest body with a runtime has one, in under 600 characters, without optional objects."""
    smallest = find(bodies(), lambda body: len(body["runtimes"]) > 0, settings=slow)

    assert 1 == len(smallest["runtimes"])
    assert len(json.dumps(smallest)) < 600
    assert not smallest["runtimes"][0].keys() & {"backing", "summary"}


RULES = {name: "response_schema_conformance" if ":" in name else name for name in rules(SAMPLES)}


@pytest.mark.parametrize(
    "name", ["runtimes[*].status: enum", "undocumented_property", "unique_ids", "kind_equals_type"]
)
def test_nonconforming_can_violate_a_rule_of_each_kind(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The case has the rule of the check that detects it.

    Each rule is drawn separately, because rare rules would take hundreds of draws.
    """
    monkeypatch.setattr(strategies, "_rules", lambda _: [name])
    assert (RULES[name], name) == find(nonconforming(), bool, settings=quick)[:2]


def test_samples_conform_and_are_reproducible_by_seed() -> None:
    """`runtimes` and `runtime` with a seed, a space id, and a `type` that `kind` follows."""
    assert runtimes(20, seed=3) == runtimes(20, seed=3) != runtimes(20, seed=4)
    assert [] == check(response(runtimes(20, seed=3)))
    assert {"elsewhere"} == {item["spaceId"] for item in runtimes(3, space_id="elsewhere")}
    assert "desktop" == runtime(type="desktop")["kind"]
    assert SPACE_ID == runtime()["spaceId"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"status": "archived"}, r'runtime\(status=…\): status: "archived" is not one of'),
        ({"id": 7}, r'id: 7 is not of type "string"'),
        ({"stauts": "active"}, r"stauts: the contract does not document this property"),
        (
            {"id": "{5b1e0c8e-0000-4000-8000-00000000bc71}"},
            r'id: "{5b1e0c8e-.*}" is not a "uuid"',
        ),
        ({"createdAt": "yesterday"}, r"createdAt: 'yesterday' is not an ISO 8601 time"),
        ({"createdAt": "2026-W01-1"}, r"createdAt: '2026-W01-1' is not an ISO 8601 time"),
        ({"kind": "browser", "type": "desktop"}, r"kind and type: kind and type share one enum"),
        ({"createdAt": "2026-01-02T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}, r"nothing is changed before"),
    ],
)
def test_a_nonconforming_override_is_an_error_unless_intended(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        runtime(**overrides)

    item = runtime(conforming=False, **overrides)
    assert overrides == {name: item[name] for name in overrides}
    with pytest.raises(SettingError, match=r"response\(\): item 0"):
        response([item])
    assert check(response([item], conforming=False))


@pytest.mark.parametrize(
    ("items", "message", "rule"),
    [
        ([runtime(), runtime()], "items 0 and 1 have the same id", "unique_ids"),
        ([runtime(), {**runtime(), "id": runtime()["id"].upper()}], "items 0 and 1 have the same id", "unique_ids"),
        (
            [{**runtime(), "createdAt": "2026-01-05T00:00:00Z", "updatedAt": "2026-01-03T00:00:00-11:00"}],
            "item 0: createdAt and updatedAt: ",
            "updated_not_before_created",
        ),
    ],
)
def test_items_that_violate_an_invariant_are_an_error_unless_intended(items: Any, message: str, rule: str) -> None:
    """Ids that differ only in case are equal, and times are compared across offsets."""
    with pytest.raises(SettingError, match=message):
        response(items)

    (finding,) = check(response(items, conforming=False))
    assert rule == finding.rule


@pytest.mark.parametrize("conforming", [True, False])
@pytest.mark.parametrize("value", [float("nan"), float("-inf"), {1}, {1: "x"}, [object()], b"x"])
def test_values_that_are_not_json_are_always_an_error(value: object, conforming: bool) -> None:
    with pytest.raises(SettingError, match="is not JSON"):
        runtime(name=value, conforming=conforming)
    with pytest.raises(SettingError, match=r"item 0: name.* is not JSON"):
        response([{**runtime(), "name": value}], conforming=conforming)


@pytest.mark.parametrize("count", [-1, 1.5, "2", True])
def test_an_invalid_count_is_an_error(count: Any) -> None:
    with pytest.raises(SettingError, match="is not a count"):
        runtimes(count)

    assert [] == runtimes(0)


TREE = {
    "type": "object",
    "properties": {
        "name": {"enum": ["a", "b"]},
        "alias": {"enum": ["a", "b"]},
        "grown": {"type": ["string", "null"]},
        "below": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
    },
}
TREES = contract_of(
    {"type": "object", "properties": {"trees": {"type": "array", "items": TREE}}, "required": ["trees"]},
    {"Tree": TREE},
    **{
        "x-bctrl-invariants": [
            {"rule": "names", "level": "error", "because": "x", "each": "trees[*]", "same": ["name", "alias"]},
            {"rule": "times", "level": "error", "because": "x", "each": "trees[*]", "times": ["grown"]},
        ]
    },
)


@slow
@given(bodies(contract=TREES))
def test_strategies_support_a_recursive_contract_with_optional_properties(body: dict[str, Any]) -> None:
    """`check` has no finding for a drawn body."""
    assert [] == check(body, contract=TREES)
