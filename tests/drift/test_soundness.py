"""The verdict against a validator's: without an error, the old schema accepts every value that the new one accepts."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.options import Options
from pytest_bctrl.drift.rules import rules

from .meaning import schemas
from .pairs import body

thorough = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
_TEXTS = ("a", "b", "c", "only", "abcdefghijkl", "b1", "t0", "t1")
TOLERATED = frozenset(
    f"{scope}-{suffix}"
    for scope in ("response-body", "response-property", "response-header")
    for suffix in ("any-of-added", "pattern-removed", "pattern-changed")
)
"""What oasdiff calls info although a response may be new. It reads an alternative of `anyOf` as one more way to look at
the same value, and a pattern as a hint that few consumers check. The levels are kept, so that they are the ones that
its users know; a consumer that validates raises them in its configuration."""
_RAISED = Options(levels=dict.fromkeys(TOLERATED, "error"))
_ATOMS: tuple[Any, ...] = (None, None, True, 0, 1, 5, 1.5, -2, *_TEXTS, [], {})


def instances(schema: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for values, of which the schema may accept some."""
    strategies = [st.sampled_from(_ATOMS)]
    properties = schema.get("properties")
    if properties:
        strategies.append(
            st.fixed_dictionaries({}, optional={name: instances(inner) for name, inner in properties.items()})
        )
        strategies.append(st.fixed_dictionaries({name: instances(inner) for name, inner in properties.items()}))
    if "items" in schema:
        strategies.append(st.lists(instances(schema["items"]), max_size=2))
    strategies += [instances(branch) for kind in ("oneOf", "anyOf") for branch in schema.get(kind, ())]
    if "const" in schema:
        strategies.append(st.just(schema["const"]))
    return st.one_of(strategies)


def one_changed(schema: Any, draw: Any) -> Any:
    """Return a copy of a schema with one change of a schema inside, which may have no effect."""
    changed = copy.deepcopy(schema)
    subschemas = [changed]
    for schema in subschemas:
        subschemas += [*schema.get("properties", {}).values(), *schema.get("oneOf", ()), *schema.get("anyOf", ())]
        subschemas += [schema["items"]] if "items" in schema else []
    schema = draw(st.sampled_from(subschemas))
    change = draw(st.sampled_from(CHANGES))
    change(schema, draw)
    return changed


def let_null_in(schema: Any, draw: Any) -> None:
    """Add null to a schema of one type, in place, also to its enum."""
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        schema.update({"enum": [*schema["enum"], None]} if "enum" in schema else {})


def change_required(schema: Any, draw: Any) -> None:
    """Replace `required` of an object schema, in place."""
    if schema.get("type") == "object":
        schema["required"] = draw(st.lists(st.sampled_from(("id", "name", "kind")), unique=True))


def change_properties(schema: Any, draw: Any) -> None:
    """Remove, add or replace a property of a schema with properties, in place."""
    if "properties" in schema:
        name = draw(st.sampled_from(("id", "name", "kind")))
        schema["properties"].pop(name, None)
        if draw(st.booleans()):
            schema["properties"][name] = draw(schemas())


def drop_a_keyword(schema: Any, draw: Any) -> None:
    """Remove a keyword, in place."""
    if schema:
        del schema[draw(st.sampled_from(sorted(schema)))]


def change_a_value(schema: Any, draw: Any) -> None:
    """Change enum, bounds, alternatives and numeric type of a schema, as far as it has them, in place."""
    for key, values in (("enum", (["a"], ["a", "b", "c", "only"])), ("maxLength", (1, 20)), ("minimum", (0, 5))):
        if key in schema:
            schema[key] = draw(st.sampled_from(values))
    for kind in ("oneOf", "anyOf"):
        if len(schema.get(kind, ())) > 1 and draw(st.booleans()):
            schema[kind].pop()
    if schema.get("type") in ("integer", "number"):
        schema["type"] = draw(st.sampled_from(("integer", "number")))


def become_another(schema: Any, draw: Any) -> None:
    """Replace a schema by another one, in place."""
    schema.clear()
    schema.update(draw(schemas()))


CHANGES = (let_null_in, change_required, change_properties, drop_a_keyword, change_a_value, become_another)


def test_tolerated_rules_are_info_by_default() -> None:
    assert {rules()[rule].level for rule in TOLERATED} == {"info"}


@thorough
@given(st.data())
def test_without_an_error_or_warning_every_new_value_was_valid_before(data: st.DataObject) -> None:
    """Without any finding, a value is valid in both documents or in neither."""
    old = data.draw(schemas())
    new = one_changed(old, data.draw)
    assume(old != new)
    levels = {finding.level for finding in compare(body(old), body(new), _RAISED)}
    before, after = Draft202012Validator(old), Draft202012Validator(new)
    for instance in data.draw(st.lists(instances(new), min_size=8, max_size=8)):
        if "error" not in levels and "warning" not in levels:
            assert before.is_valid(instance) or not after.is_valid(instance)
        if not levels:
            assert before.is_valid(instance) == after.is_valid(instance)
