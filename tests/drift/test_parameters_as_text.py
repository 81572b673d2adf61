"""The verdict on changed parameters, whose values are texts; `BCTRL_TEST_PAIRS` is the number of random pairs."""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_bctrl.contract.document import load_data
from pytest_bctrl.contract.spec import Spec
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.containment import Question
from pytest_bctrl.drift.node import Node
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.pattern_automaton import UndecidedError
from pytest_bctrl.drift.texts import representatives

from .pairs import Doc
from .random_parameters import (
    PLACES,
    Pair,
    breaking_values,
    changed,
    documents,
    judge,
    pair,
    readings_of_text,
    scalar,
    scalars_near,
    text_of,
)

PAIRS = int(os.environ.get("BCTRL_TEST_PAIRS", "100"))
TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
WORD = {**TEXT, "pattern": "^[a-z]+$", "minLength": 3, "maxLength": 5}
WRAPPINGS: dict[str, Any] = {
    "bare": lambda schema: schema,
    "item": lambda schema: {"type": "array", "items": schema},
    "property": lambda schema: {"type": "object", "properties": {"a": schema}},
    "oneOf with null": lambda schema: {"oneOf": [schema, {"type": "null"}]},
    "anyOf with null": lambda schema: {"anyOf": [schema, {"type": "null"}]},
    "allOf of one": lambda schema: {"allOf": [schema]},
}
CHANGES: dict[str, tuple[Doc, Doc, set[str]]] = {
    "another pattern": ({**TEXT, "pattern": "^p[0-9]{4}$"}, {**TEXT, "pattern": "^p[0-9]{5}$"}, {"error"}),
    "a length": (TEXT, {**TEXT, "maxLength": 2}, {"error"}),
    "a length, which is written with a fraction": ({**TEXT, "maxLength": 5.0}, {**TEXT, "maxLength": 4}, {"error"}),
    "a maximum": (WHOLE, {**WHOLE, "maximum": 5}, {"error"}),
    "a minimum that integers have": ({**WHOLE, "exclusiveMinimum": 0}, {**WHOLE, "minimum": 1}, set()),
    "an exclusive minimum": ({"type": "number", "minimum": 0}, {"type": "number", "exclusiveMinimum": 0}, {"error"}),
    "a pattern with the lengths": (WORD, {**TEXT, "pattern": "^[a-z]{3,5}$"}, {"info"}),
    "a pattern, shorter than the lengths": (WORD, {**TEXT, "pattern": "^[a-z]{3,4}$"}, {"error", "info"}),
    "a length that the pattern has": ({**TEXT, "pattern": "^[a-z]{3,5}$"}, {**WORD, "maxLength": 9}, {"info"}),
    "no null": ({"type": ["string", "null"]}, TEXT, set()),
    "no null among values": ({**TEXT, "enum": ["a", None], "nullable": True}, {**TEXT, "enum": ["a"]}, set()),
    "texts of booleans": ({"type": "boolean"}, {**TEXT, "enum": ["true", "false"]}, set()),
    "the text of one boolean": ({"type": "boolean"}, {**TEXT, "enum": ["true"]}, {"error"}),
    "texts of integers": ({**WHOLE, "enum": [1, 2]}, {**TEXT, "enum": ["1", "2"]}, set()),
    "texts of a range": ({**WHOLE, "minimum": 1, "maximum": 2}, {**TEXT, "enum": ["1", "2"]}, set()),
    "integers of texts": ({**TEXT, "enum": ["1", "2"]}, {**WHOLE, "enum": [1, 2]}, set()),
    "digits": ({**WHOLE, "minimum": 0}, {**TEXT, "pattern": "^[0-9]+$"}, {"info"}),
    "digits, too few": (WHOLE, {**TEXT, "maxLength": 3}, {"error"}),
}


def _node(document: Doc) -> Node:
    """Return the normal form of the schema of the only parameter of a document."""
    spec = Spec(load_data(document, "spec"))
    (path,) = document["paths"]
    (parameter,) = spec.items(spec.root / "paths" / path / "get" / "parameters")
    return Normalizer(spec).node((parameter / "schema",))


def _verdict(checked: Pair) -> str:
    """Return what the engine says about the schemas of a pair, without the search for a counterexample."""
    old, new = map(_node, documents(checked))
    return Question(old, new, "readOnly", is_text=True).verdict


@pytest.mark.parametrize("place", PLACES)
def test_no_value_refutes_a_proof(place: str) -> None:
    random = Random(place)
    pairs = [pair(random, place) for _ in range(PAIRS)]
    proven = [checked for checked in pairs if _verdict(checked) == "proven"]
    assert [] == [checked for checked in proven if breaking_values(checked, random)]
    assert len(proven) > PAIRS * 0.2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (WHOLE, {"oneOf": [{"type": ["integer", "string"]}, {"type": ["integer", "number"]}], "type": "integer"}),
        ({"type": "boolean"}, {"oneOf": [{"type": ["integer", "string"]}, {"type": "string"}]}),
        ({"items": WHOLE}, {"allOf": [{"items": WHOLE}, {"items": TEXT}]}),
        ({"items": WHOLE}, {"items": TEXT, "contains": WHOLE}),
        ({"properties": {"a": WHOLE}}, {"properties": {"a": TEXT}, "patternProperties": {"^a": WHOLE}}),
    ],
)
def test_a_schema_that_rejects_each_reading_of_a_text_is_not_proven(old: Doc, new: Doc) -> None:
    assert _verdict(Pair(old, new, {"in": "query"})) != "proven"


def _readings(text: str, schemas: list[Doc]) -> set[tuple[str, tuple[bool, ...]]]:
    """Return which of the schemas accept a text as a value of each type that it may be read as."""
    validators = list(map(Draft202012Validator, schemas))
    return {
        (type(value).__name__.replace("float", "int"), tuple(validator.is_valid(value) for validator in validators))
        for value in readings_of_text(text)
    }


def test_each_scalar_has_a_representative_that_schemas_accept_alike() -> None:
    random = Random(0)
    for _ in range(PAIRS):
        schema = scalar(random)
        schemas = [schema, changed(schema, random)]
        represented = [_readings(text_of(value), schemas) for value in representatives(*schemas)]
        texts = {text_of(value) for value in scalars_near(schemas, random)}
        assert [] == [text for text in texts if _readings(text, schemas) not in represented]


@pytest.mark.parametrize(
    "schema", [{**TEXT, "format": "uuid"}, {**TEXT, "pattern": "(?=a)"}, {"uniqueItems": True, "maxItems": 99}]
)
def test_texts_without_representatives_are_undecided(schema: Doc) -> None:
    with pytest.raises(UndecidedError):
        representatives(schema)
    assert _verdict(Pair(schema, {"anyOf": [schema, {"type": "null"}]}, {"in": "query"})) == "proven"


@pytest.mark.parametrize("place", PLACES)
def test_the_verdict_on_random_parameters_is_right_and_rarely_undecided(place: str) -> None:
    counts, doubtful = judge(place, PAIRS)
    assert [] == [text for text in doubtful if text.startswith(("missed", "proof refuted", "counterexample refuted"))]
    assert min(counts["breaking"], counts["compatible"]) > PAIRS * 0.2
    assert sum(counts[name] for name in ("undecided", "by rule", "invented")) <= PAIRS * 0.02


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_has_the_same_levels_in_every_wrapping(change: str, wrapping: str) -> None:
    old, new, levels = CHANGES[change]
    wrapped = WRAPPINGS[wrapping](old), WRAPPINGS[wrapping](new)
    for sent in ({"in": "query"}, {"in": "path", "required": True}, {"in": "header"}, {"in": "cookie"}):
        findings = compare(*documents(Pair(*wrapped, sent)))
        assert levels == {finding.level for finding in findings}
        assert all(finding.extra["shown"]["by"] != "rule" for finding in findings if finding.level == "error")
