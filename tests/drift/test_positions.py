"""The verdict in every position of a schema, against another validator and the algebra of the engine."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, reject, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema_rs import canonical, canonicalize

from pytest_bctrl.contract.combinations import Combinations
from pytest_bctrl.contract.document import load_data
from pytest_bctrl.contract.spec import Spec
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.containment import Question
from pytest_bctrl.drift.node import Node
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.rules import is_about_values, rules
from pytest_bctrl.findings.finding import Finding

from .meaning import schemas
from .pairs import Doc, body
from .positions import POSITIONS
from .test_soundness import instances, one_changed

thorough = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
_TEXT: Doc = {"type": "string"}
_WHOLE: Doc = {"type": "integer"}


def _split(schema: Any) -> Any:
    """Divide the properties of an object between two schemas of `allOf`, of which the first is closed."""
    properties = schema.get("properties", {})
    first = {name: properties[name] for name in [*properties][:1]}
    closed = {"type": "object", "properties": first, "additionalProperties": False}
    return {"allOf": [closed, {"properties": properties}]}


def _overlapping(schema: Any) -> Any:
    """Return alternatives that a value may meet at once, which each contain the schema."""
    properties = {**schema.get("properties", {}), "kind": {"type": "string"}}
    return {"oneOf": [schema, {**schema, "properties": properties, "required": ["kind"]}]}


_FORMS = (
    _overlapping,
    lambda schema: {"oneOf": [schema, {"type": "integer"}]},
    lambda schema: {"anyOf": [schema, {"type": ["integer", "null"]}]},
    lambda schema: {"oneOf": [schema, {"type": ["integer", "null"]}]},
    lambda schema: {**schema, "not": {"required": ["id"]}},
    lambda schema: {"allOf": [schema, {"not": {"const": "a"}}]},
    lambda schema: {**schema, "patternProperties": {"^n": {"type": "string"}}},
    lambda schema: {"if": {"required": ["id"]}, "then": schema, "else": {"type": ["object", "string"]}},
    _split,
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Draw two different schemas, of which the rules cannot follow some."""
    old = draw(schemas())
    new = draw(st.sampled_from((old, one_changed(old, draw))))
    forms = draw(
        st.sampled_from([(None, None), *((form, form) for form in _FORMS), *((None, form) for form in _FORMS)])
    )
    old, new = (
        schema if form is None else form(copy.deepcopy(schema)) for schema, form in zip((old, new), forms, strict=True)
    )
    if draw(st.booleans()):
        old, new = new, old
    assume(old != new)
    return old, new


def schema_errors(findings: list[Finding]) -> list[Finding]:
    """Return the findings of level error under rules about values."""
    return [finding for finding in findings if finding.level == "error" and is_about_values(finding.rule)]


def is_tolerated_by_the_table(finding: Finding) -> bool:
    """Return whether a finding is a warning, as the table of rules has it for a maximum of a parameter, for example."""
    return rules()[finding.rule].level == finding.level == "warning"


@pytest.mark.parametrize("name", POSITIONS)
@thorough
@given(pair=pairs(), data=st.data())
def test_a_value_that_breaks_a_consumer_is_an_error_at_its_position(
    name: str, pair: tuple[Any, Any], data: st.DataObject
) -> None:
    """Or a warning, if the table of rules has that level; without any finding, no value breaks a consumer."""
    position, (old, new) = POSITIONS[name], pair
    allowing, forbidding = (old, new) if position.is_sent else (new, old)
    values = data.draw(st.lists(instances(allowing), min_size=8, max_size=8))
    allows, forbids = (
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for schema in (allowing, forbidding)
    )
    broken = [value for value in values if allows.is_valid(value) and not forbids.is_valid(value)]
    findings = compare(position.document(old), position.document(new))
    if broken:
        assert schema_errors(findings) or any(map(is_tolerated_by_the_table, findings)), broken[0]
    if not findings:
        assert all(allows.is_valid(value) <= forbids.is_valid(value) for value in values)


@pytest.mark.parametrize("name", POSITIONS)
def test_excluding_a_value_that_its_format_excludes_breaks_nobody(name: str) -> None:
    """The text `a` is not a UUID."""
    position = POSITIONS[name]
    identities = {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "string", "format": "uuid"}]}
    without_a = {"allOf": [identities, {"not": {"const": "a"}}]}
    assert [] == schema_errors(compare(position.document(identities), position.document(without_a)))
    assert [] == schema_errors(compare(position.document(without_a), position.document(identities)))


TEXT = {"type": "string"}
NAMED = {
    "type": "object",
    "properties": {"name": {"oneOf": [TEXT, {"type": "integer"}]}},
    "required": [],
    "additionalProperties": TEXT,
}
"""Alternatives whose combination with a pattern of names the engine does not read."""


def _node(schema: Any) -> Node:
    """Return the normal form of a schema in a response body."""
    spec = Spec(load_data(body(schema), "spec"))
    responses = spec.root / "paths" / "/a" / "get" / "responses"
    return Normalizer(spec).node((responses / "200" / "content" / "application/json" / "schema",))


def _are_read(pair: tuple[Any, Any], access: str) -> bool:
    """Return whether two schemas are small enough for a question, as they are written for the engine."""
    allowing, forbidding = map(_node, pair)
    try:
        Question(allowing, forbidding, access)
    except LookupError:
        return False
    return all(Combinations(schema, "").are_bounded(schema) for schema in pair)


def _nested(depth: int, innermost: Any) -> Any:
    """Return two equal alternatives of `oneOf`, in each of which two others are nested, and so on."""
    for _ in range(depth):
        holder = {"type": "array", "items": innermost}
        innermost = {"oneOf": [holder, {**holder, "required": ["kind"]}]}
    return innermost


LARGE = (_nested(7, TEXT), _nested(7, {"type": "array"}))
"""Schemas that allow no value, because each value meets two alternatives; too large for a question."""


@pytest.mark.parametrize("name", POSITIONS)
@thorough
@given(pair=pairs())
@example(pair=LARGE)
@example(pair=({"anyOf": [TEXT, NAMED]}, {"anyOf": [TEXT, NAMED], "patternProperties": {"^n": TEXT}}))
def test_what_the_engine_proves_is_no_error_at_its_position(name: str, pair: tuple[Any, Any]) -> None:
    """If the engine reads both schemas, which is so within a budget of schemas and of combinations of alternatives.

    About schemas beyond the budget, no question is asked, so that their size costs no time. The rules alone decide
    then, and they may report an error about a change that has no effect.
    """
    position, (old, new) = POSITIONS[name], pair
    allowing, forbidding = (old, new) if position.is_sent else (new, old)
    narrow, wide = (canonicalize(schema, draft=20, validate_formats=True) for schema in (allowing, forbidding))
    try:
        containment = wide.covers(narrow)
    except canonical.UnsupportedOperand:
        reject()
    assume(containment == canonical.Containment.YES)
    access = "readOnly" if position.is_sent else "writeOnly"
    assume(_are_read((allowing, forbidding), access))
    assert [] == schema_errors(compare(position.document(old), position.document(new)))
