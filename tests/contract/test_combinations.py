"""The number of combinations of alternatives, and the engine beyond the limit."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.budget import EXPANDED, BudgetError
from pytest_bctrl.contract.combinations import Combinations
from pytest_bctrl.contract.engine import accepts, canonical_form
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.text import RoundRobin

from .documents import contract_of

A, B, C = ({"required": [name]} for name in "abc")
PAIR = {"anyOf": [A, B]}


def is_bounded(schema: Any, **schemas: Any) -> bool:
    """Return whether a schema, which may refer to `schemas`, has no more combinations than the engine expands."""
    return Combinations({"$defs": schemas}, "x.json").are_bounded(schema)


@pytest.mark.parametrize(
    ("schema", "ways"),
    [
        (PAIR, 2),
        ({"oneOf": [A, B, C]}, 3),
        ({"anyOf": [PAIR, C]}, 3),
        ({"allOf": [PAIR, PAIR]}, 4),
        ({"not": {"allOf": [A, B]}}, 2),
        ({"not": {"not": PAIR}}, 2),
        ({"not": {"required": ["a"]}}, 1),
        ({"not": {"required": ["a", "b"]}}, 3),
        ({"not": {"properties": {"a": True, "b": True}}}, 2),
        ({"not": {"patternProperties": {"a": True, "b": True, "c": True}}}, 3),
        ({"not": {"type": "object", "title": "x", "minimum": 3}}, 2),
        ({"not": {"dependentRequired": {"a": [], "b": []}}}, 2),
        ({"not": {"dependentSchemas": {"a": True, "b": True}}}, 2),
        ({"not": {"if": A, "then": B, "else": C}}, 2),
        ({"if": A, "then": B}, 2),
        ({"if": {**A, "properties": {"a": {"const": 1}}}, "then": B}, 3),
        ({"if": A, "then": PAIR, "else": C}, 3),
        ({"dependentSchemas": {"a": True}}, 2),
        ({"dependentSchemas": {"a": PAIR}}, 3),
        ({"dependentRequired": {"a": ["b"]}}, 2),
        ({"$ref": "#/$defs/pair"}, 2),
    ],
    ids=str,
)
def test_alternatives_that_multiply_are_bounded_up_to_the_limit(schema: Any, ways: int) -> None:
    """As many copies in an `allOf` as the limit allows are bounded; one more is not, if a copy has several ways."""
    copies = next((number for number in range(20) if ways ** (number + 1) > EXPANDED), 20)
    assert is_bounded({"allOf": [schema] * copies}, pair=PAIR)
    assert (ways == 1) == is_bounded({"allOf": [schema] * (copies + 1)}, pair=PAIR)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        A,
        {"not": {"anyOf": [A, B]}},
        {"not": {"const": 1}},
        {"properties": {"a": PAIR, "b": PAIR}},
        {"items": PAIR},
        {"properties": {"a": {"not": {"enum": [1, 2]}}}, "required": ["a", "b"]},
    ],
    ids=str,
)
def test_keywords_that_do_not_multiply_are_always_bounded(schema: Any) -> None:
    """`is_bounded` is true for 200 copies in an `allOf`."""
    assert is_bounded({"allOf": [schema] * 200})


def test_a_long_list_of_alternatives_is_bounded_unless_multiplied() -> None:
    """One over the limit is bounded alone, but not inside an `allOf`."""
    listed = {"oneOf": [{"const": number} for number in range(EXPANDED + 1)]}
    assert is_bounded(listed)
    assert not is_bounded({"allOf": [listed]})


def test_nested_and_referenced_schemas_are_counted() -> None:
    """`is_bounded` is false if a property, an item or a referenced schema has too many combinations."""
    many = {"allOf": [PAIR] * 12}
    assert not is_bounded({"properties": {"a": {"items": [many]}, "b": {"items": many}}})
    assert not is_bounded({"properties": {"a": {"$ref": "#/$defs/many"}}}, many=many)
    assert is_bounded({"properties": {"a": {"$ref": "#/$defs/few"}}}, few=PAIR)


def test_a_recursive_schema_is_bounded_only_through_a_property() -> None:
    """`is_bounded` is false if `allOf` contains the schema itself."""
    assert is_bounded({"$ref": "#/$defs/a"}, a={"properties": {"next": {"$ref": "#/$defs/a"}}, **PAIR})
    assert not is_bounded({"$ref": "#/$defs/a"}, a={"allOf": [{"$ref": "#/$defs/a"}]})


def test_a_chain_of_doubled_references_is_counted_once_per_level() -> None:
    """90 levels with a plain schema at the end are bounded, and with alternatives there they are not."""
    chain = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(90)}
    assert is_bounded({"$ref": "#/$defs/a0"}, **chain, a90=A)
    assert not is_bounded({"$ref": "#/$defs/a0"}, **chain, a90=PAIR)


@pytest.mark.parametrize("word", ["allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas", "dependentRequired"])
@pytest.mark.parametrize("value", [None, 5, "text", [5], {}, {"a": 5}], ids=str)
def test_malformed_keywords_are_ignored(word: str, value: Any) -> None:
    """`is_bounded` is true for them."""
    assert is_bounded({word: value, "required": value})
    assert is_bounded({"not": {word: value, "required": value, "properties": value}})


def test_an_unresolvable_reference_is_an_error() -> None:
    with pytest.raises(DocumentError, match="#/nowhere"):
        is_bounded({"$ref": "#/nowhere"})


def test_a_schema_with_too_many_attempts_is_named_by_its_pointer() -> None:
    """Generating it is an error with the pointer, although the form that is tried last has none."""
    strings = {"type": "object", "additionalProperties": {"type": "string"}}
    parts = [{"oneOf": [strings, {"properties": {f"a{number}": True}}]} for number in range(12)]
    contract = contract_of({"type": "object", "allOf": parts})
    with pytest.raises(DocumentError, match=r"^things\.json: #/paths/.*/schema: "):
        Builder(contract, RoundRobin(), steps=100).value(
            contract.operations[0].responses["200"].content["application/json"]
        )


def test_composed_schemas_are_validated_rightly_beyond_the_limit_of_the_cache() -> None:
    """Each of 300 schemas accepts its own value and not -1, twice over."""
    contract = contract_of()
    schemas = [{"const": number} for number in range(300)]
    for _ in range(2):
        assert all(accepts(contract, schema, schema["const"]) for schema in schemas)
        assert not any(accepts(contract, {"const": number}, -1) for number in range(300))


def test_counts_of_temporary_schemas_are_not_reused() -> None:
    """Of 100 new schemas, every second one exceeds the bound: each is counted separately."""
    composed = {"allOf": [PAIR] * 2}
    combinations = Combinations({}, "x.json", {id(composed)})
    for _ in range(50):
        assert combinations.are_bounded({"allOf": [composed, {"allOf": [PAIR] * 9}]})
        assert not combinations.are_bounded({"allOf": [composed, {"allOf": [PAIR] * 10}]})


def alternatives(schema: Any, *, is_negated: bool = False) -> list[tuple[str, ...]]:
    """Return the alternatives of a schema in disjunctive normal form."""
    ((word, value),) = schema.items()
    if word == "not":
        return alternatives(value, is_negated=not is_negated)
    if word == "required":
        return [tuple(value)]
    parts = [alternatives(part, is_negated=is_negated) for part in value]
    if (word == "allOf") is is_negated:
        return [alternative for part in parts for alternative in part]
    return [sum(combination, ()) for combination in product(*parts)]


SCHEMAS = st.recursive(
    st.sampled_from([A, B, C]),
    lambda inner: st.builds(
        lambda word, parts: {word: parts[0] if word == "not" else parts},
        st.sampled_from(["allOf", "anyOf", "oneOf", "not"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=12,
)


@given(SCHEMAS)
def test_the_count_equals_the_number_of_expanded_alternatives(schema: Any) -> None:
    ways = len(alternatives(schema))
    # Copies beside it make the bound the limit of the schema's own count.
    room = EXPANDED // ways
    bounded = [{"anyOf": [A] * room}] if room else []
    assert bool(room) == is_bounded({"allOf": [schema, *bounded]})
    assert not is_bounded({"allOf": [schema, {"anyOf": [A] * (room + 1)}]})


def test_the_engine_expands_combinations_within_the_budget_only() -> None:
    """`canonical_form` of seven choices has no `allOf`; twelve choices are returned unchanged."""
    choices = [{"anyOf": [{"required": [f"a{n}"]}, {"maxProperties": 3}]} for n in range(12)]
    contract = contract_of({"oneOf": [{"type": "object", "allOf": choices[:number]} for number in (7, 12)]})
    (_, schema) = contract.operations[0].responses["200"].json or ("", {})
    assert isinstance(schema, dict)
    few, many = schema["oneOf"]
    expanded = canonical_form(contract, few)
    assert isinstance(expanded, dict)
    assert "allOf" not in expanded
    assert many is canonical_form(contract, many)


def conditional(number: int) -> dict[str, Any]:
    """Return the schema of an object of this number of kinds, each of which requires another property."""
    kinds = [f"k{n}" for n in range(number)]
    conditions = [
        {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": {"required": [f"a{kind}"]}}
        for kind in kinds
    ]
    return {"type": "object", "properties": {"kind": {"enum": kinds}}, "required": ["kind"], "allOf": conditions}


def test_a_sample_satisfies_seven_conditions() -> None:
    """The schema has seven `if` and `then`; its validator accepts the built value."""
    contract = contract_of(conditional(7))
    (_, schema) = contract.operations[0].responses["200"].json or ("", False)
    assert accepts(contract, schema, Builder(contract, RoundRobin()).value(schema))


def test_a_builder_expands_no_more_combinations_than_its_steps_allow() -> None:
    """With 100 steps, a sample of seven conditions is an error that names their schema and the limit."""
    contract = contract_of(conditional(7))
    (_, schema) = contract.operations[0].responses["200"].json or ("", False)
    builder = Builder(contract, RoundRobin(), steps=100)
    with pytest.raises(BudgetError, match=r"^things\.json: #/paths/.*/schema: .* more than 1,000 ways"):
        builder.value(schema)
    assert builder.used_combinations > 1_000
