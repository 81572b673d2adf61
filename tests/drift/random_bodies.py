"""Random pairs of bodies, judged without the kit: `python -m tests.drift.random_bodies 3000 SEED [DIRECTION]...`.

A pair breaks a consumer if a value of the declared names of one schema, which its document accepts, is invalid in the
other document. jsonschema rejects undeclared names here because `unevaluatedProperties: false` is added to schemas.
"""

from __future__ import annotations

import copy
import sys
from collections import Counter
from collections.abc import Collection
from random import Random
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator

from pytest_bctrl.drift import compare

from .pairs import Doc, body, document

DIRECTIONS = ("request", "response")
_NAMES = ("a", "b", "c", "d")
_SCALARS: tuple[Any, ...] = (None, True, 0, 1, 2.5, 7, "", "x", "ab", "abcd")
_TRIES, _MORE_TRIES = 250, 10_000


class Pair(NamedTuple):
    """The schemas of a body before and after a change."""

    old: Doc
    new: Doc


def random_schema(random: Random, depth: int = 0) -> Doc:
    """Return a random schema; the schemas inside it are smaller."""
    kinds = ("scalar", "scalar", "object", "object", "array", "alternatives", "allOf")
    kind = random.choice(kinds if depth < 3 else kinds[:2])
    if depth == 0:
        kind = random.choice(("object", "object", "object", "alternatives", "allOf"))
    if kind == "object":
        return _object(random, depth)
    if kind == "array":
        return {"type": "array", "items": random_schema(random, depth + 1), **_some(random, minItems=1, maxItems=2)}
    if kind == "alternatives":
        alternatives = [random_schema(random, depth + 1) for _ in range(random.randint(1, 3))]
        return {random.choice(("anyOf", "oneOf")): random.choice(([{"type": "null"}], [])) + alternatives}
    if kind == "allOf":
        return {"allOf": [_object(random, depth + 1) for _ in range(random.randint(1, 2))]}
    scalars: tuple[Doc, ...] = (
        {"type": "string", **_some(random, minLength=1, maxLength=3)},
        {"type": "integer", **_some(random, minimum=1, maximum=5)},
        {"type": ["string", "null"]}, {"type": ["integer", "string"]}, {"type": "boolean"}, {"type": "number"},
        {"enum": random.sample(("x", "ab", 1, 7, None), random.randint(1, 3))}, {},
    )  # fmt: skip
    return random.choice(scalars)


def _some(random: Random, **words: Any) -> Doc:
    """Return some of these keywords."""
    return {word: value for word, value in words.items() if random.random() < 0.25}


def _object(random: Random, depth: int) -> Doc:
    """Return a random schema of objects: some free-form, open or closed."""
    names = random.sample(_NAMES, random.choice((0, 1, 1, 2, 2, 3)))
    schema: Doc = {"type": "object"}
    if names:
        schema["properties"] = {name: random_schema(random, depth + 1) for name in names}
        required = [name for name in names if random.random() < 0.3]
        schema.update({"required": required} if required else {})
    if random.random() < 0.35:
        schema["additionalProperties"] = random.choice((True, False, False, {}, {"type": "integer"}))
    return {**schema, **_some(random, **random.choice(({}, {}, {"minProperties": 1}, {"maxProperties": 2})))}


def changed(schema: Doc, random: Random) -> Doc:
    """Return a copy of a schema with a change of one of the schemas in it."""
    schema = copy.deepcopy(schema)
    inside = [schema]
    for inner in inside:
        inside += inner.get("properties", {}).values()
        inside += [part for word in ("anyOf", "oneOf", "allOf") for part in inner.get(word, ())]
        inside += [inner[word] for word in ("items", "additionalProperties") if isinstance(inner.get(word), dict)]
    part = random.choice(inside)
    fresh = random_schema(random, 2)
    alternatives = next((part[word] for word in ("anyOf", "oneOf") if word in part), None)
    if alternatives and random.random() < 0.5:
        if len(alternatives) > 1 and random.random() < 0.5:
            alternatives.pop(random.randrange(len(alternatives)))
        else:
            alternatives.append(fresh)
    elif part.get("type") == "object" and random.random() < 0.8:
        _change_object(part, fresh, random)
    elif random.random() < 0.3:
        copied = copy.deepcopy(part)
        part.clear()
        part.update(random.choice(({"allOf": [copied]}, {"anyOf": [copied, {"type": "null"}]}, {"oneOf": [copied]})))
    else:
        part.clear()
        part.update(fresh)
    return schema


def _change_object(schema: Doc, fresh: Doc, random: Random) -> None:
    """Change a property of a schema of objects, or which other names it allows, in place."""
    properties, name = schema.get("properties", {}), random.choice(_NAMES)
    word = random.choice(("property", "property", "required", "additionalProperties"))
    if word == "property" and name in properties and random.random() < 0.5:
        del properties[name]
    elif word == "property":
        schema.setdefault("properties", {})[name] = fresh
    elif word == "required":
        schema["required"] = sorted({*schema.get("required", ())} ^ {random.choice([*properties, name])})
    else:
        schema.pop(word, None)
        schema.update(random.choice(({}, {word: False}, {word: True}, {word: {"type": "integer"}})))


def with_declared_names(schema: Any) -> Any:
    """Return a schema of the values that have only declared names, except in open schemas."""
    closed = _with_inner(schema)
    if not _declares(schema) or _states_others(schema):
        return closed
    return {"allOf": [closed], "unevaluatedProperties": False}


def _with_inner(schema: Any, shared: Collection[str] = ()) -> Any:
    """Return a schema in which the schemas of members and items have only declared names, except `shared` members."""
    if not isinstance(schema, dict):
        return schema
    written = {**schema}
    if "properties" in schema or "required" in schema:
        inner_schemas = {**dict.fromkeys(schema.get("required", ()), True), **schema.get("properties", {})}
        written["properties"] = {
            name: inner if name in shared else with_declared_names(inner) for name, inner in inner_schemas.items()
        }
    for word in ("items", "additionalProperties"):
        if word in schema:
            written[word] = with_declared_names(schema[word])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            written[word] = [_alternative(part) for part in schema[word]]
    if "allOf" in schema:
        shared = _shared_properties(schema["allOf"])
        written["allOf"] = [*(_with_inner(part, shared) for part in schema["allOf"]), {"properties": shared}]
    return written


def _shared_properties(parts: list[Any]) -> Doc:
    """Return the properties that several parts of `allOf` declare, whose names are those of all these parts."""
    schemas_of: dict[str, list[Any]] = {}
    for part in parts:
        for name, inner in part.get("properties", {}).items():
            schemas_of.setdefault(name, []).append(inner)
    return {name: with_declared_names({"allOf": inner}) for name, inner in schemas_of.items() if len(inner) > 1}


def _alternative(schema: Any) -> Any:
    """Return an alternative; of one that declares no names, any name is evaluated."""
    written = _with_inner(schema)
    if isinstance(written, dict) and not _declares(schema) and not _states_others(schema):
        return {**written, "additionalProperties": True}
    return written


def _declares(schema: Any) -> bool:
    """Return whether a schema or a part of it declares or requires a name."""
    if not isinstance(schema, dict):
        return False
    parts = [part for word in ("anyOf", "oneOf", "allOf") for part in schema.get(word, ())]
    return bool(schema.get("properties") or schema.get("required")) or any(map(_declares, parts))


def _states_others(schema: Any) -> bool:
    """Return whether a schema, or each value that meets it, has a rule about other names."""
    if not isinstance(schema, dict):
        return False
    return "additionalProperties" in schema or any(map(_states_others, schema.get("allOf", ())))


def _value(schema: Any, random: Random, extra: list[Any], depth: int = 0) -> Any:
    """Return a value that is probably valid."""
    if not isinstance(schema, dict) or random.random() < 0.05:
        return random.choice((*_SCALARS, {}, []))
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            return _value(random.choice(schema[word]), random, extra, depth)
    if "allOf" in schema:
        members = [_value(part, random, extra, depth) for part in schema["allOf"]]
        merged = {name: value for part in members if isinstance(part, dict) for name, value in part.items()}
        return merged if isinstance(members[0], dict) else members[0]
    if "enum" in schema:
        return random.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object" or (kind is None and random.random() < 0.2):
        declared = schema.get("properties", {})
        others = schema.get("additionalProperties", {})
        names = [name for name in _NAMES if name in schema.get("required", ()) or random.random() < 0.45]
        values = {name: _value(declared.get(name, others), random, extra, depth + 1) for name in names}
        return {name: random.choice(extra) if random.random() < 0.1 else value for name, value in values.items()}
    if kind == "array":
        return [_value(schema["items"], random, extra, depth + 1) for _ in range(random.randint(0, 3))]
    return random.choice(_SCALARS)


def breaking_values(allowing: Doc, forbidding: Doc, tries: int) -> list[Any]:
    """Return values of declared names that one schema allows and the other forbids, as far as they are found."""
    random = Random(0)
    is_sent, is_allowed = Draft202012Validator(with_declared_names(allowing)), Draft202012Validator(allowing)
    is_accepted = Draft202012Validator(forbidding)
    extra: list[Any] = [*_SCALARS, {}, [], {"a": 1}, {"zz": "x"}]
    values = [_value(random.choice((allowing, allowing, forbidding)), random, extra) for _ in range(tries)]
    return [
        value
        for value in values
        if not is_accepted.is_valid(value) and is_allowed.is_valid(value) and is_sent.is_valid(value)
    ]


def documents(pair: Pair, direction: str) -> tuple[Doc, Doc]:
    """Return a document for each side of a pair."""
    if direction == "response":
        return body(pair.old), body(pair.new)
    old, new = (
        document({"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}})
        for schema in pair
    )
    return old, new


def judged(pair: Pair, direction: str) -> tuple[str, str]:
    """Return the judgement of the verdict about a pair, and the findings with the values that break a consumer."""
    allowing, forbidding = pair if direction == "request" else (pair.new, pair.old)
    breaking = breaking_values(allowing, forbidding, _TRIES)
    findings = compare(*documents(pair, direction))
    errors = [finding for finding in findings if finding.level == "error"]
    evidence = [(finding.rule, finding.level, finding.location, finding.extra.get("shown", {})) for finding in findings]
    shown = [example["value"] for *_, example in evidence if example.get("by") == "counterexample"]
    described = repr((breaking[:1], evidence))
    validators = [Draft202012Validator(schema) for schema in (allowing, with_declared_names(allowing), forbidding)]
    for value in shown:
        is_allowed, has_declared_names, is_accepted = (validator.is_valid(value) for validator in validators)
        if not is_allowed or is_accepted:
            return "counterexample refuted", described
        if not has_declared_names:
            return "undeclared name", described
    if breaking and not errors:
        proofs = [example for *_, example in evidence if example.get("by") == "proof"]
        return ("proof refuted" if proofs else "missed"), described
    if any(rule.endswith(("-narrowed", "-widened")) and "may-be" in rule for rule, *_ in evidence):
        return "undecided", described
    if errors and not shown:
        breaking = breaking or breaking_values(allowing, forbidding, _MORE_TRIES)
        return ("by rule" if breaking else "invented"), described
    return ("breaking" if errors else "compatible"), described


def judge(direction: str, count: int, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """Judge random pairs; return how many judgements of each kind there are, and each that is not right."""
    random = Random(f"{direction} {seed}")
    counts: Counter[str] = Counter()
    doubtful = []
    while counts.total() < count:
        schema = random_schema(random)
        pair = Pair(schema, changed(schema, random))
        if pair.old == pair.new:
            continue
        name, described = judged(pair, direction)
        counts[name] += 1
        if name not in ("breaking", "compatible"):
            doubtful.append(f"{name}: {pair}: {described}")
    return counts, doubtful


if __name__ == "__main__":
    for direction_ in sys.argv[3:] or DIRECTIONS:
        counts_, doubtful_ = judge(direction_, int(sys.argv[1]), int(sys.argv[2]))
        print(*doubtful_, f"{direction_}: {dict(counts_)}", sep="\n")
