"""Properties of every observation."""

from __future__ import annotations

import copy
import json
from typing import Any

import execnet
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_bctrl.contract.schema.locations import split_location
from pytest_bctrl.contract.schema.node import body_node, node_at
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.observed.facts import as_data, from_data
from tests.observed.bodies import BODIES, CONTRACT, LABEL, conforming, mutated, observation_of
from tests.observed.reference import documented, observation_by_walking


@given(st.lists(BODIES, max_size=3), st.lists(BODIES, max_size=3))
def test_adding_observations_equals_observing_together(some: list[Any], others: list[Any]) -> None:
    added = observation_of(*some)
    added.add(observation_of(*others))
    assert observation_of(*some, *others) == added


@example([{"runtimes": [{"status": 1.0}]}])
@given(st.lists(BODIES, max_size=3))
def test_an_observation_survives_serialization(bodies: list[Any]) -> None:
    """As JSON, and as xdist sends it between processes."""
    observation = observation_of(*bodies)
    assert observation == from_data(json.loads(json.dumps(as_data(observation))))
    assert observation == from_data(execnet.loads(execnet.dumps(as_data(observation))))


@given(BODIES)
@example({"runtimes": [{"status": 10**130}]})
@example({"runtimes": [{"status": 1e300}]})
def test_column_wise_observation_equals_a_walk_over_values(body: Any) -> None:
    """Whole lists at a time yield the counts of a walk over each value."""
    assert documented(observation_by_walking(200, body)) == documented(observation_of(body))


@given(mutated())
@settings(max_examples=10)
def test_a_long_list_observed_in_chunks_yields_the_same(body: Any) -> None:
    """As walking over its values one by one."""
    if isinstance(body, dict) and isinstance(body.get("runtimes"), list):
        long = {**body, "runtimes": [copy.copy(item) for _ in range(120) for item in body["runtimes"]]}
        assert documented(observation_by_walking(200, long)) == documented(observation_of(long))


@given(BODIES)
def test_every_observed_location_exists_in_the_schema_or_is_undocumented(body: Any) -> None:
    observation = observation_of(body)
    root = body_node(CONTRACT, LABEL, "200")
    assert root is not None
    unknown = {member.location for members in observation.unknown.values() for member in members}
    for place in observation.places:
        location, node = place.location, node_at(root, place.location)
        if node is None and not any(location.startswith(prefix) for prefix in unknown):
            while node is None:
                location = split_location(location)[0]
                node = node_at(root, location)
            # Below a value of a type that is not documented.
            assert set(observation.places[place._replace(location=location)].types) - node.types


@given(st.lists(BODIES, max_size=3))
def test_counts_do_not_exceed_totals_and_findings_are_unique(bodies: list[Any]) -> None:
    """For the differences of any observed bodies."""
    findings = differences(CONTRACT, observation_of(*bodies))
    for finding in findings:
        assert finding.total is None or 0 < finding.count <= finding.total
    keys = [
        (finding.rule, finding.location, finding.message, str(finding.extra), str(finding.observed))
        for finding in findings
    ]
    assert len(keys) == len(set(keys))


@given(st.lists(conforming(), max_size=3))
def test_conforming_traffic_has_no_differences(bodies: list[Any]) -> None:
    assert [] == differences(CONTRACT, observation_of(*bodies))
