"""Memory follows the size of the contract, and not that of the traffic."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.observed.data import as_data, from_data
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.observed.facts import MANY, Observation
from pytest_bctrl.observed.observe import observe
from pytest_bctrl.observed.relabel import relabelled
from tests.contract.documents import contract_of
from tests.observed.bodies import CONTRACT, LABEL, OPERATION
from tests.variants.runtimes import mixed_runtime


def odd(number: int) -> dict[str, Any]:
    """A runtime that has something of its own wherever something of its own can be."""
    return {
        **mixed_runtime(number),
        f"field-{number}": {f"inner-{number}": [{f"deep-{number}": number}]},
        "status": f"status-{number}",
        "backing": {"kind": f"kind-{number}", f"member-{number}": 1},
        "metadata": {f"key-{number}": number},
    }


def held_after(items: int) -> int:
    """The bytes that an observation holds after so many runtimes, of which no two are alike."""
    tracemalloc.start()
    made = Observation()
    for start in range(0, items, 500):
        observe(CONTRACT, LABEL, 200, {"runtimes": [odd(number) for number in range(start, start + 500)]}, made)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


def test_forty_times_the_traffic_holds_no_more() -> None:
    held_after(500)
    assert held_after(20_000) < 1.5 * held_after(500)


def test_what_is_carried_is_bounded_too() -> None:
    sizes = []
    for items in (1_000, 10_000):
        made = Observation()
        observe(CONTRACT, LABEL, 200, {"runtimes": [odd(number) for number in range(items)]}, made)
        sizes.append(len(json.dumps(as_data(made))))
    assert sizes[1] < 1.2 * sizes[0]


def test_names_that_are_not_told_apart_are_counted_and_said() -> None:
    made = Observation()
    observe(CONTRACT, LABEL, 200, {"runtimes": [{**mixed_runtime(n), f"field-{n}": n} for n in range(MANY + 36)]}, made)
    found = differences(CONTRACT, made)
    assert MANY == sum(1 for one in found if one.location.startswith("runtimes[*]['field-") or "field-" in one.location)
    (more,) = [one for one in found if one.location == "runtimes[*]"]
    assert ("undocumented_property", 36) == (more.rule, more.count)
    free = contract_of({"type": "object", "properties": {"runtimes": {"type": "array", "items": {"type": "object"}}}})
    assert [] == differences(free, relabelled(made, {LABEL: free.operations[0].label}))


def test_an_observation_tells_its_differences_without_the_samples_too() -> None:
    made = Observation()
    observe(CONTRACT, LABEL, 200, {"runtimes": [odd(1)]}, made)
    data = json.loads(json.dumps(as_data(made)), object_hook=lambda one: {**one, "samples": {}} if "of" in one else one)
    told, bare = differences(CONTRACT, made), differences(CONTRACT, from_data(data))
    assert [(one.location, one.message, one.count) for one in told] == [
        (one.location, one.message, one.count) for one in bare
    ]
    assert {None} == {one.sample for one in bare}


def test_a_secret_that_stands_in_traffic_is_in_no_sample() -> None:
    secret = "vk_live_51Nightjar4Kd9wQx2LmZ"
    body = {"runtimes": [{**mixed_runtime(1), "name": secret, "token": secret, "links": {"self": [secret]}}]}
    made = Observation()
    observe(CONTRACT, LABEL, 200, body, made)
    assert secret not in json.dumps(as_data(made))
    assert secret not in repr([one.as_dict() for one in differences(CONTRACT, made)])


@pytest.mark.parametrize("number", ["9" * 5_000, "1e999", "-0", "1" + "0" * 400])
def test_numbers_beyond_what_the_interpreter_writes_are_observed_too(number: str) -> None:
    text = json.dumps({"runtimes": [mixed_runtime(1)]})
    for replaced in ('"active"', '"eu-west-3"', '"us-east-1"'):
        text = text.replace(replaced, number)
    made = Answer(CONTRACT, OPERATION, 200, (("Content-Type", "application/json"),), text.encode())
    places = {one.location for one in differences(CONTRACT, made.observed)}
    assert {one.location for one in check_answer(made) if one.rule == "response_schema_conformance"} == places


def test_a_body_of_a_recursive_schema_may_be_deeper_than_the_interpreter_goes() -> None:
    schema = {"$ref": "#/components/schemas/Node"}
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    contract = contract_of(schema, {"Node": node})
    raw = ('{"next":' * 700 + "{}" + "}" * 700).encode()
    made = Answer(contract, contract.operations[0], 200, (("Content-Type", "application/json"),), raw)
    assert [] == check_answer(made)
