"""The verdict against a validator's: where no error is found, whatever the new schema takes the old one takes too."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_bctrl.drift import compare

from .meaning import schemas
from .pairs import body

thorough = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
_TEXTS = ("a", "b", "c", "only", "abcdefghijkl", "b1", "t0", "t1")
_ATOMS: tuple[Any, ...] = (None, True, 0, 1, 5, 1.5, -2, *_TEXTS, [], {})


def instances(schema: Any) -> st.SearchStrategy[Any]:
    """Values that a schema may take, and some that it should not."""
    known = [st.sampled_from(_ATOMS)]
    properties = schema.get("properties")
    if properties:
        known.append(st.fixed_dictionaries({}, optional={name: instances(inner) for name, inner in properties.items()}))
        known.append(st.fixed_dictionaries({name: instances(inner) for name, inner in properties.items()}))
    if "items" in schema:
        known.append(st.lists(instances(schema["items"]), max_size=2))
    known += [instances(branch) for branch in schema.get("oneOf", ())]
    if "const" in schema:
        known.append(st.just(schema["const"]))
    return st.one_of(known)


def one_changed(schema: Any, draw: Any) -> Any:
    """The schema with one thing of it changed, so that most of the two is alike."""
    changed = copy.deepcopy(schema)
    spots = [changed]
    for spot in spots:
        spots += [*spot.get("properties", {}).values(), *spot.get("oneOf", ())]
        spots += [spot["items"]] if "items" in spot else []
    spot = draw(st.sampled_from(spots))
    other = draw(schemas())
    if draw(st.booleans()):
        spot.clear()
        spot.update(other)
    else:
        for key in draw(st.sets(st.sampled_from(sorted({*spot, *other}) or ["type"]))):
            spot.pop(key, None)
            if key in other:
                spot[key] = other[key]
    return changed


@thorough
@given(st.data())
def test_no_error_means_that_no_response_is_new(data: st.DataObject) -> None:
    old = data.draw(schemas())
    new = one_changed(old, data.draw)
    assume(old != new)
    levels = {finding.level for finding in compare(body(old), body(new))}
    before, after = Draft202012Validator(old), Draft202012Validator(new)
    for instance in data.draw(st.lists(instances(new), min_size=8, max_size=8)):
        if "error" not in levels and "warning" not in levels:
            assert before.is_valid(instance) or not after.is_valid(instance)
        if not levels:
            assert before.is_valid(instance) == after.is_valid(instance)
