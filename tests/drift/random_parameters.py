"""Random pairs of parameters, judged without the kit: `python -m tests.drift.random_parameters 3000 [PLACE]...`.

A pair breaks a consumer if some value of the old schema is sent as a text that no reading makes valid in the new one.
"""

from __future__ import annotations

import copy
import math
import re
import sys
from collections import Counter
from itertools import islice, product
from random import Random
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator

from pytest_bctrl.drift import compare

from .pairs import Doc, document

PLACES = ("query", "path", "header", "cookie", "deepObject")
_WORDS = ("a", "b", "ab", "abc", "zzzzzz", "p1234", "p12345", "A", "1", "2", "10", "05", "-3", "1.5", "true", "false")
_PATTERNS = (
    "^[a-z]+$", "^[a-z]{3,5}$", "^[a-z]*$", "^a", "b$", "^[ab]+$", "^[0-9]+$", "^[0-9]{2,4}$", "^-?[0-9]+$", "^p[0-9]{4}$",
    "^p[0-9]{5}$", "^p", "^(true|false)$", "^.{2,4}$", "[0-9]", "^[A-Z]", "^[a-z][a-z0-9]*$", "^.+$",
)  # fmt: skip
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?\Z")
_LIMIT = 4_000


class Pair(NamedTuple):
    """Two parameters, and the style that both are sent in."""

    old: Doc
    new: Doc
    sent: Doc


def _number(random: Random, kind: str) -> Doc:
    schema: Doc = {"type": kind}
    for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if random.random() < 0.2:
            schema[word] = random.choice((-5, 0, 1, 2, 10, 99, 100)) + (0.5 if kind == "number" else 0) * random.randint(0, 1)
    if random.random() < 0.1:
        schema["multipleOf"] = random.choice((1, 2, 3, 4, 10))
    return schema


def _text(random: Random) -> Doc:
    schema: Doc = {"type": "string"}
    if random.random() < 0.3:
        return {**schema, "enum": random.sample(_WORDS, random.randint(1, 4))}
    if random.random() < 0.4:
        schema["pattern"] = random.choice(_PATTERNS)
    if random.random() < 0.3:
        schema["minLength"] = random.randint(0, 5)
    if random.random() < 0.3:
        schema["maxLength"] = random.randint(1, 6)
    return schema


def scalar(random: Random, depth: int = 0) -> Doc:
    """Return a random schema of a single text."""
    kind = random.choice(("integer", "number", "boolean", "string", "string", "string", "values", "types", "anyOf"))
    if kind in ("integer", "number"):
        schema = _number(random, kind)
    elif kind == "boolean":
        schema = {"type": "boolean"}
    elif kind == "values":
        schema = {"enum": random.sample((1, 2, 10, 1.5, True, False, "a", "b", "1", "true"), random.randint(1, 4))}
    elif kind == "types":
        schema = {"type": random.sample(("integer", "number", "boolean", "string"), 2)}
    elif kind == "anyOf" and depth < 2:
        word = random.choice(("anyOf", "anyOf", "oneOf"))
        schema = {word: [scalar(random, depth + 1), random.choice(({"type": "null"}, scalar(random, depth + 1)))]}
    else:
        schema = _text(random)
    if random.random() < 0.1 and isinstance(schema.get("type"), str):
        schema = {**schema, "type": [schema["type"], "null"]}
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def _array(random: Random) -> Doc:
    schema: Doc = {"type": "array", "items": scalar(random)}
    for word, values in (("minItems", (1, 2)), ("maxItems", (1, 2, 3)), ("uniqueItems", (True,))):
        if random.random() < 0.3:
            schema[word] = random.choice(values)
    return schema


def _object(random: Random) -> Doc:
    names = random.sample(("a", "b", "c"), random.randint(1, 3))
    schema: Doc = {"type": "object", "properties": {name: scalar(random) for name in names}}
    if random.random() < 0.5:
        schema["required"] = random.sample(names, random.randint(1, len(names)))
    if random.random() < 0.3:
        schema["additionalProperties"] = random.choice((False, {"type": "integer"}))
    if random.random() < 0.1:
        schema |= {random.choice(("minProperties", "maxProperties")): random.randint(1, 2), "additionalProperties": False}
    return schema


def _like(schema: Doc, random: Random) -> Doc:
    """Return another random schema of the same kind."""
    if schema.get("type") == "array":
        return _array(random)
    if schema.get("type") == "object":
        return _object(random)
    return scalar(random)


def changed(schema: Doc, random: Random) -> Doc:
    """Return a copy of a schema with a change of one of the schemas in it."""
    schema = copy.deepcopy(schema)
    inside = [schema]
    for inner in inside:
        inside += [*inner.get("properties", {}).values(), *inner.get("anyOf", ()), *inner.get("oneOf", ())]
        inside += [inner["items"]] if "items" in inner else []
    chosen = random.choice(inside)
    other = _like(chosen, random)
    same = other if other.get("type") == chosen.get("type") else _like(chosen, random)
    action = random.choice(("merge", "merge", "merge", "drop", "tweak", "tweak", "null", "wrap", "replace"))
    words = [word for word in chosen if word not in ("type", "properties", "items")]
    if action == "merge" and same.get("type") == chosen.get("type"):
        chosen.update({word: value for word, value in same.items() if word not in ("items", "properties", "required")})
    elif action == "drop" and words:
        del chosen[random.choice(words)]
    elif action == "tweak" and words:
        word = random.choice(words)
        value = chosen[word]
        if isinstance(value, int) and not isinstance(value, bool):
            chosen[word] = value + (1 if word == "multipleOf" else random.choice((-1, 1, 2)))
            chosen[word] = max(chosen[word], 0) if word[3:] in ("Length", "Items", "Properties") else chosen[word]
        elif word == "enum":
            chosen[word] = random.sample((*value, random.choice(_WORDS)), random.randint(1, len(value)))
        elif word == "pattern":
            chosen[word] = random.choice(_PATTERNS)
    elif action == "null" and chosen.get("type") in ("string", "integer", "number", "boolean"):
        chosen["type"] = [chosen["type"], "null"]
        chosen.update({"enum": [*chosen["enum"], None]} if "enum" in chosen else {})
    elif action == "wrap":
        copied = copy.deepcopy(chosen)
        chosen.clear()
        wrapped = random.choice(({"anyOf": [copied, other]}, {"allOf": [copied]}, {"oneOf": [copied, {"type": "null"}]}))
        if copied.get("type") in ("array", "object") and "anyOf" in wrapped:
            wrapped = {"allOf": [copied]}
        chosen.update(wrapped)
    elif action == "replace":
        chosen.clear()
        chosen.update(other)
    return schema


def pair(random: Random, place: str) -> Pair:
    """Return a random parameter and the same with one or two changes."""
    sent: Doc = {"in": place}
    if place == "deepObject":
        schema, sent = _object(random), {"in": "query", "style": "deepObject", "explode": True}
    else:
        schema = random.choice((scalar, scalar, scalar, scalar, _array, _array, _object))(random)
        if place in ("path", "header", "query") and random.random() < 0.5:
            sent["explode"] = random.choice((True, False))
    if place == "path":
        sent["required"] = True
    new = changed(schema, random)
    if random.random() < 0.4:
        new = changed(new, random)
    return Pair(schema, new, sent)


def _texts(schemas: list[Any], random: Random) -> list[Any]:
    """Return scalars near the limits of schemas, and random texts."""
    values: list[Any] = [*_WORDS, 0, 1, 2, 3, 12, 1.5, -7, 123456, -123456, 0.25, True, False, "", "x" * 9, "q q"]
    waiting = list(schemas)
    for schema in waiting:
        if isinstance(schema, dict):
            waiting += [*schema.values()]
            values += schema.get("enum", ()) if isinstance(schema.get("enum"), list) else ()
            for word, bound in schema.items():
                if word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
                    values += [bound - 1, bound, bound + 1, bound - 0.5, bound + 0.5, bound + 0.01, bound - 0.01, 2 * bound]
                    values += [math.floor(bound), math.ceil(bound), 12 * bound]
                elif word in ("minLength", "maxLength"):
                    lengths = (bound - 1, bound, bound + 1)
                    values += [letter * max(length, 0) for letter in "a1b" for length in lengths]
                    values += [10 ** max(length - 1, 0) for length in lengths]
                    values += ["p" + "1" * max(length - 1, 0) for length in lengths]
        elif isinstance(schema, list):
            waiting += schema
    for _ in range(150):
        letters = random.choice(("ab", "az09", "0123456789", "pA1-", "1"))
        values.append("".join(random.choice(letters) for _ in range(random.randint(1, 7))))
    values += ["p" + "".join(random.choice("0123456789") for _ in range(length)) for length in (3, 4, 5, 6)]
    unique = {(isinstance(value, bool), type(value) is str, value): value for value in values if value is not None}
    return [int(value) if isinstance(value, float) and value == int(value) else value for value in unique.values()]


def _resolved(schema: Any) -> Any:
    """Return a schema without an `allOf` of one."""
    while isinstance(schema, dict) and schema.keys() == {"allOf"}:
        (schema,) = schema["allOf"]
    return schema


def _is_of(schema: Any, kind: str) -> bool:
    schema = _resolved(schema)
    inside = [inner for word in ("anyOf", "oneOf") for inner in schema.get(word, ())]
    return kind in (schema.get("type"), *(inner.get("type") for inner in map(_resolved, inside)))


def _part(schema: Any, kind: str) -> Any:
    """Return the alternative of a schema that has a type."""
    schema = _resolved(schema)
    for word in ("anyOf", "oneOf"):
        for inner in schema.get(word, ()):
            if _resolved(inner).get("type") == kind:
                return _resolved(inner)
    return schema


def values_of(old: Doc, new: Doc, random: Random) -> list[Any]:
    """Return values that the old schema accepts and a consumer sends: only names that it declares."""
    atoms = _texts([old, new], random)
    is_old = Draft202012Validator(old).is_valid
    if _is_of(old, "array"):
        items = Draft202012Validator(_part(old, "array").get("items", {})).is_valid
        valid = [value for value in atoms if items(value)]
        random.shuffle(valid)
        lists = [[], *([value] for value in valid), *(valid[:length] for length in range(2, 5))]
        lists += [[value] * length for value in valid[:3] for length in range(2, 5)]
        return [value for value in lists if is_old(value) and len(set(map(sent_text, value))) in (len(value), 1)]
    if _is_of(old, "object"):
        part = _part(old, "object")
        properties, more = part.get("properties", {}), part.get("additionalProperties")
        members: dict[str, list[Any]] = {}
        for name, schema in properties.items():
            own = Draft202012Validator(schema).is_valid
            members[name] = [value for value in atoms if own(value)]
            random.shuffle(members[name])
        if more is not None and more is not False or not properties:
            own = Draft202012Validator({} if more is None else more).is_valid
            members |= {name: [value for value in (5, "x", "2") if own(value)] for name in "abcx" if name not in properties}
        objects: list[Any] = []
        for included in product((True, False), repeat=len(members)):
            names = [name for name, is_in in zip(members, included, strict=True) if is_in and members[name]]
            for index in range(max((len(members[name]) for name in names), default=1)):
                objects.append({name: members[name][index % len(members[name])] for name in names})
        return [value for value in objects if is_old(value)][:_LIMIT]
    return [value for value in atoms if is_old(value)]


def sent_text(value: Any) -> str:
    """Return a scalar as a client writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _readings(text: str) -> list[Any]:
    readings: list[Any] = [text]
    if text in ("true", "false"):
        readings.append(text == "true")
    if _NUMBER.match(text):
        number = float(text)
        readings.append(int(number) if number == int(number) else number)
    return readings


def is_accepted(value: Any, schema: Doc) -> bool:
    """Return whether a server that reads each text as any type finds what a client sent valid."""
    is_valid = Draft202012Validator(schema).is_valid
    if isinstance(value, list):
        each = [_readings(sent_text(item)) for item in value]
        return any(is_valid(list(reading)) for reading in islice(product(*each), _LIMIT))
    if isinstance(value, dict):
        each = [_readings(sent_text(item)) for item in value.values()]
        return any(is_valid(dict(zip(value, reading, strict=True))) for reading in islice(product(*each), _LIMIT))
    readings = _readings(sent_text(value))
    return any(map(is_valid, readings))


def breaking_value(checked: Pair, random: Random) -> Any:
    """Return a value that was accepted and no longer is, in a list; an empty list if none is found."""
    return next(([v] for v in values_of(checked.old, checked.new, random) if not is_accepted(v, checked.new)), [])


def documents(checked: Pair) -> tuple[Doc, Doc]:
    """Return a document for each side of a pair."""
    both = []
    for schema in (checked.old, checked.new):
        get = {"parameters": [{"name": "q", **checked.sent, "schema": schema}]}
        changed_document = document(get)
        if checked.sent["in"] == "path":
            changed_document["paths"] = {"/a/{q}": changed_document["paths"]["/a"]}
        both.append(changed_document)
    return both[0], both[1]


def _inner(schema: Any, path: str) -> Any:
    """Return the schema at the path of a part; None if it is within alternatives."""
    for step in re.findall(r"\.\w+|\[\*\]", path):
        schema = _part(schema, "array" if step == "[*]" else "object")
        schema = schema.get("items") if step == "[*]" else schema.get("properties", {}).get(step[1:])
        if schema is None:
            return None
    return schema


def judged(checked: Pair, random: Random) -> tuple[str, str]:
    """Return the judgement of the verdict about a pair, and what shows it."""
    breaking = breaking_value(checked, random)
    findings = compare(*documents(checked))
    errors = [finding for finding in findings if finding.level == "error"]
    shown = [finding.extra.get("shown", {}) for finding in errors]
    for evidence in shown:
        if evidence.get("by") == "counterexample":
            old, new = (_inner(schema, evidence["of"]) for schema in (checked.old, checked.new))
            value = evidence["value"]
            if old is not None and new is not None:
                if value is None or not Draft202012Validator(old).is_valid(value) or is_accepted(value, new):
                    return "false counterexample", repr((evidence, [finding.rule for finding in errors]))
                breaking = breaking or [value]
    described = repr((breaking, [(f.rule, f.level, f.extra.get("shown")) for f in findings]))
    if breaking and not errors:
        proven = any(finding.extra.get("shown", {}).get("by") == "proof" for finding in findings)
        return "proof refuted" if proven else "missed", described
    if not breaking and errors:
        by = {evidence.get("by") for evidence in shown}
        return f"invented by {'/'.join(sorted(map(str, by)))}", described
    if any("may-be" in finding.rule for finding in findings):
        return "undecided", described
    if errors and not any(evidence.get("by") == "counterexample" for evidence in shown):
        return "error without a value", described
    return "breaking" if breaking else "compatible", described


def judge(place: str, count: int, seed: int = 0) -> tuple[Counter[str], list[tuple[str, str, Pair]]]:
    """Judge random pairs of a place; return how many judgements of each kind there are, and each wrong one."""
    random = Random(f"{place} {seed}")
    counts: Counter[str] = Counter()
    wrong = []
    while counts.total() < count:
        checked = pair(random, place)
        if checked.old == checked.new:
            continue
        name, evidence = judged(checked, Random(0))
        counts[name] += 1
        if name not in ("breaking", "compatible"):
            wrong.append((name, evidence, checked))
    return counts, wrong


if __name__ == "__main__":
    for place_ in sys.argv[2:] or PLACES:
        totals, wrong_ = judge(place_, int(sys.argv[1]))
        for name_, evidence_, checked_ in wrong_:
            print(f"{place_}: {name_}: {checked_} {evidence_}")
        print(place_, dict(totals))
