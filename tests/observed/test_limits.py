"""Limits of an observation: values it does not distinguish or keep, deep values, and memory."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.observed.coverage import coverage
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.observed.facts import MANY, Observation, as_data, from_data, with_labels_replaced
from pytest_bctrl.observed.observe import observe
from tests.contract.documents import contract_of
from tests.observed.bodies import CONTRACT, LABEL, OPERATION, observation_of, odd
from tests.variants.runtimes import mixed_runtime


def test_property_names_beyond_the_limit_are_counted() -> None:
    """One further finding has their number; under a contract of items with any properties, there is no finding."""
    observation = observation_of({"runtimes": [{**mixed_runtime(n), f"field-{n}": n} for n in range(MANY + 36)]})
    findings = differences(CONTRACT, observation)
    assert MANY == sum(
        1 for finding in findings if finding.location.startswith("runtimes[*]['field-") or "field-" in finding.location
    )
    (further,) = [finding for finding in findings if finding.location == "runtimes[*]"]
    assert ("undocumented_property", 36) == (further.rule, further.count)
    free = contract_of({"type": "object", "properties": {"runtimes": {"type": "array", "items": {"type": "object"}}}})
    assert [] == differences(free, with_labels_replaced(observation, {LABEL: free.operations[0].label}))


def test_discriminator_values_beyond_the_limit_are_counted() -> None:
    """Ten are listed, and one finding counts the others."""
    kinds = [{**mixed_runtime(n), "backing": {"kind": f"kind-{n}"}} for n in range(MANY + 36)]
    observation = observation_of({"runtimes": kinds})
    *listed, further = differences(CONTRACT, observation)
    assert [("new-branch", 1)] * 10 == [(finding.extra["kind"], finding.count) for finding in listed]
    assert ("further-values", MANY + 26) == (further.extra["kind"], further.count)
    assert f"{MANY - 9} further values" == further.observed


def test_differences_are_found_without_samples() -> None:
    """An observation from which the samples were removed has the same locations, messages and counts."""
    observation = observation_of({"runtimes": [odd(1)]})
    data = json.loads(
        json.dumps(as_data(observation)),
        object_hook=lambda finding: {**finding, "samples": {}} if "of" in finding else finding,
    )
    with_samples, bare = differences(CONTRACT, observation), differences(CONTRACT, from_data(data))
    assert [(finding.location, finding.message, finding.count) for finding in with_samples] == [
        (finding.location, finding.message, finding.count) for finding in bare
    ]
    assert {None} == {finding.sample for finding in bare}


def test_samples_never_contain_values_of_the_traffic() -> None:
    """Neither the serialized observation nor its findings."""
    secret = "vk_live_51Nightjar4Kd9wQx2LmZ"
    body = {"runtimes": [{**mixed_runtime(1), "name": secret, "token": secret, "links": {"self": [secret]}}]}
    observation = observation_of(body)
    assert secret not in json.dumps(as_data(observation))
    assert secret not in repr([finding.as_dict() for finding in differences(CONTRACT, observation)])


@pytest.mark.parametrize("number", ["9" * 4_000, "1e999", "-0", "1" + "0" * 400])
def test_observation_and_check_agree_on_unusual_numbers(number: str) -> None:
    """Both find the same locations for a number of 4,000 digits, 1e999 and others."""
    text = json.dumps({"runtimes": [mixed_runtime(1)]})
    for replaced in ('"active"', '"eu-west-3"', '"us-east-1"'):
        text = text.replace(replaced, number)
    response = Response(CONTRACT, OPERATION, 200, (("Content-Type", "application/json"),), text.encode())
    places = {finding.location for finding in differences(CONTRACT, response.observed)}
    assert {
        finding.location for finding in check_response(response) if finding.rule == "response_schema_conformance"
    } == places


def test_a_recursive_body_may_have_the_maximum_depth() -> None:
    """400 nested objects have no findings."""
    schema = {"$ref": "#/components/schemas/Node"}
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    contract = contract_of(schema, {"Node": node})
    raw = ('{"next":' * 399 + "{}" + "}" * 399).encode()
    response = Response(contract, contract.operations[0], 200, (("Content-Type", "application/json"),), raw)
    assert [] == check_response(response)


def memory_after(items: int) -> int:
    """Return the memory that an observation of this many different runtimes uses."""
    tracemalloc.start()
    observation = Observation()
    for start in range(0, items, 100):
        observe(
            CONTRACT, OPERATION, 200, {"runtimes": [odd(number) for number in range(start, start + 100)]}, observation
        )
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return memory


def test_memory_does_not_grow_with_the_traffic() -> None:
    """Ten times the responses take less than 1.5 times the memory."""
    memory_after(100)
    assert memory_after(1_000) < 1.5 * memory_after(100)


def test_the_size_of_a_serialized_observation_is_bounded() -> None:
    """Ten times the unlike items take less than 1.2 times the length."""
    bodies = [{"runtimes": [odd(number) for number in range(items)]} for items in (200, 2_000)]
    few, many = (len(json.dumps(as_data(observation_of(body)))) for body in bodies)
    assert many < 1.2 * few


BODY = "coverage of GET /v1/things/{id} 200"
SCHEMA = "things.json: #/paths/~1v1~1things~1{id}/get/responses/200/content/application~1json/schema"


def test_coverage_names_the_schema_whose_alternatives_are_not_distinguished() -> None:
    """If alternatives combine in more than 1,024 ways."""
    pairs = [{"anyOf": [{"required": [f"a{number}"]}, {"required": [f"b{number}"]}]} for number in range(20)]
    assert (
        f"{BODY}, $: {SCHEMA}/allOf/10: alternatives are not distinguished from here on: with those before, "
        "they combine in more than 1,024 ways",
    ) == coverage(contract_of({"type": "object", "allOf": pairs}), Observation()).not_measured


def test_coverage_names_the_schema_that_has_too_many_points() -> None:
    """`not_measured` has one line with the pointer of that schema."""

    def level(number: int) -> dict[str, object]:
        """Return a schema with two properties, which both refer to the schema of the next number."""
        return {"properties": {name: {"$ref": f"#/components/schemas/S{number + 1}"} for name in "ab"}}

    contract = contract_of(level(0), {f"S{number}": level(number) if number < 20 else {} for number in range(1, 21)})
    (line,) = coverage(contract, Observation()).not_measured
    assert line.startswith(f"{BODY}: things.json: #/components/schemas/S5/properties/a: properties and alternatives ")
