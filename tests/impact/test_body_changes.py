"""Which values a change puts into a body: those of its counterexample, at its location, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pytest_bctrl.http.message import MockResponse, Payload
from pytest_bctrl.impact.change import Change
from tests.impact.simulation import body_after, changes_between, context_of, spec_with

_STRING = {"type": "string"}


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties."""
    return {"type": "object", "required": list(required), "properties": properties}


def _closed(*names: str) -> dict[str, Any]:
    """Return the schema of an object that allows strings with these names alone."""
    return {"type": "object", "properties": dict.fromkeys(names, _STRING), "additionalProperties": False}


def _names_up_to(length: int) -> dict[str, Any]:
    """Return the schema of an object whose names have at most this length."""
    return {"type": "object", "propertyNames": {"maxLength": length}}


def test_a_longer_name_is_added_to_every_object_of_a_map() -> None:
    """The counterexample has another name in the map than the body, which shows the change too."""
    old, new = (spec_with(_object(a={"type": "object", "additionalProperties": _names_up_to(n)})) for n in (3, 4))
    change = changes_between(old, new)["response-property-max-length-increased a.*<propertyNames>"]

    body = body_after(change, old, {"a": {"q": {"z": 1}, "r": {}}})

    assert {name: sorted(len(key) for key in value) for name, value in body["a"].items()} == {"q": [1, 4], "r": [4]}


@pytest.mark.parametrize("name", ["y", "x-y"])
def test_a_new_property_of_a_closed_object_is_added(name: str) -> None:
    """Also one whose name is not an identifier."""
    old = spec_with(_object(a=_closed("x")))
    new = spec_with(_object(a=_closed("x", name)))
    change = changes_between(old, new)[f"response-property-added-to-closed-object a.{name}"]

    body = body_after(change, old, {"a": {"x": "1"}})

    assert list(body["a"]) == ["x", name]
    assert body["a"]["x"] == "1"


def test_a_new_property_with_the_name_of_all_properties_is_not_run() -> None:
    """Its location, `a.*`, is that of every other property, so that no value is known to show the change."""
    old = spec_with(_object(a=_closed("x")))
    new = spec_with(_object(a=_closed("x", "*")))

    change = changes_between(old, new)["response-property-added-to-closed-object a.*"]

    assert change.not_run_reason == "no response that shows it could be generated"


_HARD = {
    "allOf": [
        {"type": "string", "pattern": "^[a-f]{7}$"},
        {"pattern": r"(.)\1(.)\2.*(.)\3"},
        {"pattern": "^[^a].*e$"},
        {"pattern": "d.*c.*b"},
    ],
    "not": {"pattern": "f"},
}
"""A schema of strings that is too hard for the generator; `ddccbbe` conforms to it."""


def _changes_of_component(first: Any, second: Any) -> dict[str, Change]:
    """Return the changes of two operations if the component `X` allows one property more than before."""
    old, new = (spec_with(first, {"X": {"type": "object", "maxProperties": count}}, second) for count in (2, 3))
    return changes_between(old, new)


_FIRST = _object(a={"allOf": [{"$ref": "#/components/schemas/X"}], **_object("h", h=_HARD)})
_SECOND = _object(b=_object(c={"$ref": "#/components/schemas/X"}))


def test_the_counterexample_of_another_place_shows_a_change() -> None:
    """Two operations have a component, and only for the second a value could be generated.

    Each body has more properties afterwards, at the location of its own operation and nowhere else.
    """
    old = spec_with(_FIRST, {"X": {"type": "object", "maxProperties": 2}}, _SECOND)
    change = _changes_of_component(_FIRST, _SECOND)["response-property-max-properties-increased a"]
    get_body, put_body = {"a": {"h": "ddccbbe"}}, {"b": {"c": {"z": 1}}}

    get_after = body_after(change, old, get_body, "GET")
    put_after = body_after(change, old, put_body, "PUT")

    assert (len(get_after["a"]), get_after["a"]["h"]) == (3, "ddccbbe")
    assert (len(put_after["b"]["c"]), put_after["b"]["c"]["z"]) == (3, 1)


def test_a_change_for_which_no_complete_body_could_be_generated_is_not_run() -> None:
    """A value of the component alone is not known to be part of a valid body."""
    first, second = (
        {**schema, "required": ["h"], "properties": {**schema["properties"], "h": _HARD}}
        for schema in (_FIRST, _SECOND)
    )

    change = _changes_of_component(first, second)["response-property-max-properties-increased a"]

    assert change.not_run_reason == "no response that shows it could be generated"


def test_a_counterexample_that_shows_another_change_too_shows_only_its_own() -> None:
    """Fewer properties are required, and one of them has another type: each change leaves the other's value alone."""
    before = {**_object(i=_object("s", s=_STRING), t=_STRING), "minProperties": 3}
    after = {**_object(i=_object("s", s={"type": "integer"}), t=_STRING), "minProperties": 1}
    old, new = spec_with(_object(o=before)), spec_with(_object(o=after))
    changes = changes_between(old, new)
    body = {"o": {"i": {"s": "1"}, "t": "b", "u": 1}}

    fewer = body_after(changes["response-property-min-properties-decreased o"], old, body)
    retyped = body_after(changes["response-property-type-changed o.i.s"], old, body)

    assert fewer in ({"o": {"i": {"s": "1"}, "t": "b"}}, {"o": {"i": {"s": "1"}, "u": 1}})
    assert type(retyped["o"]["i"]["s"]) is int
    assert {**retyped["o"], "i": None} == {**body["o"], "i": None}


def test_a_counterexample_of_another_change_alone_is_not_used() -> None:
    """More properties are allowed, but the counterexample has only another type: the body stays as it is."""
    before = {**_object(i=_object(s=_STRING)), "maxProperties": 2}
    after = {**_object(i=_object(s={"type": "integer"})), "maxProperties": 3}
    old = spec_with(_object(o={**before, "additionalProperties": _STRING}))
    new = spec_with(_object(o={**after, "additionalProperties": _STRING}))
    change = changes_between(old, new)["response-property-max-properties-increased o"]
    body = {"o": {"a": "1", "b": "2"}}

    assert body_after(change, old, copy.deepcopy(body)) == body


def test_a_change_inside_a_member_keeps_the_rest_of_the_member() -> None:
    """Of an object with a condition on two of its members, only the value inside one of them is removed."""
    properties = {"x": _STRING, "y": _object(z=_STRING, w=_STRING)}
    condition = {"dependentSchemas": {"x": {"properties": {"y": {"required": ["z"]}}}}}
    old, new = spec_with(_object(a={**_object(**properties), **condition})), spec_with(_object(a=_object(**properties)))
    change = changes_between(old, new)["response-keyword-changed a"]

    body = body_after(change, old, {"a": {"x": "1", "y": {"z": "1", "w": "2"}}})

    assert body == {"a": {"x": "1", "y": {"w": "2"}}}


def test_a_change_of_an_operation_that_the_overlay_removes_affects_no_response() -> None:
    """The published spec has the change, and the contract in force does not have the operation."""
    published_old = spec_with(_STRING, put=_object(a=_STRING))
    published_new = spec_with(_STRING, put=_object(a={"type": "integer"}))
    old, new = spec_with(_STRING), spec_with(_STRING)
    response = MockResponse(200, (), Payload(b'{"a": "1"}'))

    [change] = changes_between(published_old, published_new, contracts=(old, new)).values()

    assert change.transform is not None
    for method in ("GET", "PUT"):
        assert change.transform(context_of(old, response, method)) is response


def test_a_property_with_a_dot_in_its_name_is_not_run() -> None:
    """Its location, `odd.name`, is that of a member of another property."""
    old = spec_with({"type": "object", "properties": {"odd.name": _STRING}})
    new = spec_with({"type": "object", "properties": {"odd.name": {"type": "integer"}}})

    change = changes_between(old, new)["response-property-type-changed odd.name"]

    assert change.not_run_reason == "no response that shows it could be generated"
