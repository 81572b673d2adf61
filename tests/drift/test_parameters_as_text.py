"""The verdict on changed parameters, whose values are texts; `BCTRL_TEST_PAIRS` is the number of random pairs."""

from __future__ import annotations

import os
from typing import Any

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc
from .random_parameters import PLACES, Pair, documents, judge

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
