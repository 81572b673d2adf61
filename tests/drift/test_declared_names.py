"""Clients send and APIs return only names that their document declares; `BCTRL_TEST_PAIRS` is the number of pairs."""

from __future__ import annotations

import os
from typing import Any

import pytest

from pytest_bctrl.drift import compare

from .pairs import Doc
from .random_bodies import DIRECTIONS, Pair, documents, judge

PAIRS = int(os.environ.get("BCTRL_TEST_PAIRS", "100"))
WHOLE, TEXT = {"type": "integer"}, {"type": "string"}
OBJECT: Doc = {"type": "object"}
A, AB = {**OBJECT, "properties": {"a": TEXT}}, {**OBJECT, "properties": {"a": TEXT, "b": WHOLE}}
B = {**OBJECT, "properties": {"b": WHOLE}}
LIST = {"type": "array", "items": TEXT}
ERROR, SAFE = "error", "info"
REQUESTS: dict[str, tuple[Doc, Doc, str]] = {
    "a property": (A, AB, SAFE),
    "a property of an open schema": ({**A, "additionalProperties": True}, AB, ERROR),
    "a property of an open schema that stays open": (
        {**A, "additionalProperties": {}}, {**AB, "additionalProperties": {}}, ERROR,
    ),
    "a property of a map": ({**A, "additionalProperties": TEXT}, AB, ERROR),
    "a property of a map with its values": ({**A, "additionalProperties": WHOLE}, AB, SAFE),
    "a property of a free-form object": (OBJECT, B, ERROR),
    "any property of a free-form object": (OBJECT, {**OBJECT, "properties": {"b": {}}}, SAFE),
    "a property of a free-form member": (
        {**OBJECT, "properties": {"m": OBJECT}}, {**OBJECT, "properties": {"m": B}}, ERROR,
    ),
    "a property beside one that is only required": ({**OBJECT, "required": ["a"]}, {**B, "required": ["a"]}, SAFE),
    "a property beside one of allOf": ({"allOf": [A, OBJECT]}, {"allOf": [A, B]}, SAFE),
    "a name that is excluded": ({**OBJECT, "not": {"required": ["a"]}}, {**OBJECT, "not": {"required": ["b"]}}, ERROR),
    "a property beside patterns": ({**OBJECT, "patternProperties": {"^x-": TEXT}}, B, SAFE),
    "a property that matches a pattern": (
        {**OBJECT, "patternProperties": {"^b": TEXT}}, {**B, "patternProperties": {"^b": {}}}, ERROR,
    ),
    "no other names": (A, {**A, "additionalProperties": False}, SAFE),
    "no other names of an open schema": (
        {**A, "additionalProperties": True}, {**A, "additionalProperties": False}, ERROR,
    ),
    "no names of a free-form object": (OBJECT, {**OBJECT, "additionalProperties": False}, ERROR),
    "an alternative that overlaps": ({"oneOf": [A, LIST]}, {"oneOf": [A, LIST, B]}, ERROR),
    "an alternative with a required name": ({"oneOf": [A, LIST]}, {"oneOf": [A, LIST, {**B, "required": ["b"]}]}, SAFE),
    "a property of an alternative": ({"oneOf": [A, LIST]}, {"oneOf": [AB, LIST]}, SAFE),
    "a property of a free-form alternative": ({"oneOf": [OBJECT, LIST]}, {"oneOf": [B, LIST]}, ERROR),
    "a property of an alternative beside names": (
        {**A, "anyOf": [OBJECT, {"required": ["a"]}]}, {**A, "anyOf": [B, {"required": ["a"]}]}, SAFE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_has_the_names_that_the_old_document_declares_a_response_those_of_the_new(
    name: str, direction: str
) -> None:
    old, new, level = REQUESTS[name]
    pair = Pair(old, new) if direction == "request" else Pair(new, old)

    findings = compare(*documents(pair, direction))

    assert (level == ERROR) == any(finding.level == ERROR for finding in findings)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_verdict_on_random_bodies_is_right_and_rarely_undecided(direction: str) -> None:
    counts, doubtful = judge(direction, PAIRS)

    rarely: Any = ("undecided", "by rule", "invented")
    assert [] == [text for text in doubtful if not text.startswith(rarely)]
    assert min(counts["breaking"], counts["compatible"]) > PAIRS * 0.2
    assert sum(counts[name] for name in rarely) <= PAIRS * 0.02


def test_no_counterexample_has_an_undeclared_name() -> None:
    """The objects must have two of three declared members, then all three."""
    old = {**AB, "minProperties": 2, "properties": {**AB["properties"], "c": LIST}}
    new = {**old, "minProperties": 3}

    (finding,) = compare(*documents(Pair(old, new), "request"))

    assert finding.extra["shown"]["value"].keys() <= {"a", "b", "c"}


def test_no_counterexample_has_names_of_an_alternative_that_it_does_not_meet() -> None:
    """The items of the other alternative, which is open, declare other names."""

    def lists(c: Doc) -> Doc:
        """Return a list of closed objects with a member, or of others."""
        closed = {**OBJECT, "properties": {"a": TEXT, "c": c}, "required": ["a", "c"], "additionalProperties": False}
        return {"oneOf": [{"type": "array", "items": closed}, {"type": "array", "items": B}]}

    (finding,) = compare(*documents(Pair(lists({"enum": [None, 1]}), lists({"type": ["string", "null"]})), "response"))

    assert (finding.level, finding.extra["shown"]["by"]) == ("error", "rule")
