"""Random pairs of parameters, judged without the kit: `python -m tests.drift.random_parameters 3000 SEED [PLACE]...`.

A pair breaks a consumer if some value of the old schema is sent as a text that the new one accepts as a value of no
type.
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
    "^[a-z]+$", "^[a-z]{3,5}$", "^[a-z]*$", "^a", "b$", "^[ab]+$", "^[0-9]+$", "^[0-9]{2,4}$", "^-?[0-9]+$",
    "^p[0-9]{4}$", "^p[0-9]{5}$", "^p", "^(true|false)$", "^.{2,4}$", "[0-9]", "^[A-Z]", "^[a-z][a-z0-9]*$", "^.+$",
)  # fmt: skip
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?\Z")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_LIMIT = 4_000


class Pair(NamedTuple):
    """Two parameters, and the style that both are sent in."""

    old: Doc
    new: Doc
    sent: Doc


def _number(random: Random, kind: str) -> Doc:
    """Return a random schema of numbers of a type."""
    schema: Doc = {"type": kind}
    bounds: tuple[float, ...] = (-5, 0, 1, 2, 10, 99, 100)
    if kind == "number":
        bounds += (-4.5, 0.5, 2.5, 99.5)
    for word in _BOUNDS:
        if random.random() < 0.2:
            schema[word] = random.choice(bounds)
    if random.random() < 0.1:
        schema["multipleOf"] = random.choice((1, 2, 3, 4, 10))
    return schema


def _text(random: Random) -> Doc:
    """Return a random schema of texts."""
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
    """Return a random schema of lists of scalars."""
    schema: Doc = {"type": "array", "items": scalar(random)}
    for word, values in (("minItems", (1, 2)), ("maxItems", (1, 2, 3)), ("uniqueItems", (True,))):
        if random.random() < 0.3:
            schema[word] = random.choice(values)
    return schema


def _object(random: Random) -> Doc:
    """Return a random schema of objects of scalars."""
    names = random.sample(("a", "b", "c"), random.randint(1, 3))
    schema: Doc = {"type": "object", "properties": {name: scalar(random) for name in names}}
    if random.random() < 0.5:
        schema["required"] = random.sample(names, random.randint(1, len(names)))
    if random.random() < 0.3:
        schema["additionalProperties"] = random.choice((False, {"type": "integer"}))
    if random.random() < 0.1:
        schema["additionalProperties"] = False
        schema[random.choice(("minProperties", "maxProperties"))] = random.randint(1, 2)
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
    random.choice((_merge, _merge, _merge, _drop, _tweak, _tweak, _let_null_in, _wrap, _replace))(
        random.choice(inside), random
    )
    return schema


def _merge(schema: Doc, random: Random) -> None:
    """Add the constraints of another schema of the same type, in place."""
    others = [_like(schema, random) for _ in range(3)]
    other = next((other for other in others if other.get("type") == schema.get("type")), {})
    schema.update({word: value for word, value in other.items() if word not in ("items", "properties", "required")})


def _drop(schema: Doc, random: Random) -> None:
    """Remove a constraint, in place."""
    if words := _constraints(schema):
        del schema[random.choice(words)]


def _tweak(schema: Doc, random: Random) -> None:
    """Change the value of a constraint, in place."""
    words = _constraints(schema)
    if not words:
        return
    word = random.choice(words)
    value = schema[word]
    if word == "enum":
        schema[word] = random.sample((*value, random.choice(_WORDS)), random.randint(1, len(value)))
    elif word == "pattern":
        schema[word] = random.choice(_PATTERNS)
    elif word in _BOUNDS:
        schema[word] = value + random.choice((-1, 1, 2))
    elif word not in ("uniqueItems", "additionalProperties") and isinstance(value, int):
        schema[word] = max(value + random.choice((-1, 1, 2)), 1)


def _let_null_in(schema: Doc, _: Random) -> None:
    """Add null to a schema of one type of scalars, in place."""
    if schema.get("type") in ("string", "integer", "number", "boolean"):
        schema["type"] = [schema["type"], "null"]
        schema.update({"enum": [*schema["enum"], None]} if "enum" in schema else {})


def _wrap(schema: Doc, random: Random) -> None:
    """Make a schema an alternative, or a part or all of an `allOf`, in place."""
    copied, alike = copy.deepcopy(schema), _like(schema, random)
    ways: list[Doc] = [{"allOf": [copied]}, {"oneOf": [copied, {"type": "null"}]}]
    ways += [{"allOf": [copied, alike]}, {"oneOf": [copied, alike]}]
    if copied.get("type") not in ("array", "object"):
        ways.append({"anyOf": [copied, scalar(random)]})
    schema.clear()
    schema.update(random.choice(ways))


def _replace(schema: Doc, random: Random) -> None:
    """Replace a schema by another one of the same kind, in place."""
    other = _like(schema, random)
    schema.clear()
    schema.update(other)


def _constraints(schema: Doc) -> list[str]:
    """Return the keywords of a schema that constrain its values further."""
    return [word for word in schema if word not in ("type", "properties", "items")]


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


def scalars_near(schemas: list[Any], random: Random) -> list[Any]:
    """Return scalars near the limits of schemas, and random texts."""
    values: list[Any] = [*_WORDS, 0, 1, 2, 3, 12, 1.5, -7, 123456, -123456, 0.25, True, False, "", "x" * 9, "q q"]
    waiting = list(schemas)
    for schema in waiting:
        if isinstance(schema, list):
            waiting += schema
        elif isinstance(schema, dict):
            waiting += schema.values()
            for word, value in schema.items():
                values += _near(word, value)
    for _ in range(150):
        letters = random.choice(("ab", "az09", "0123456789", "pA1-", "1"))
        values.append("".join(random.choice(letters) for _ in range(random.randint(1, 7))))
    values += [f"p{random.randrange(10**length):0{length}}" for length in (3, 4, 5, 6)]
    unique = {(type(value), value): value for value in values if value is not None}
    return [int(value) if isinstance(value, float) and value == int(value) else value for value in unique.values()]


def _near(word: str, value: Any) -> list[Any]:
    """Return scalars near the value of a keyword."""
    if word == "enum":
        return [*value]
    if word in (*_BOUNDS, "multipleOf"):
        near = [value + step for step in (-1, -0.5, -0.01, 0, 0.01, 0.5, 1)]
        return [*near, 2 * value, 12 * value, math.floor(value), math.ceil(value)]
    if word in ("minLength", "maxLength"):
        lengths = [max(value + step, 0) for step in (-1, 0, 1)]
        texts = [letter * length for letter in "a1b" for length in lengths]
        return [*texts, *(f"p{'1' * (length - 1)}" for length in lengths), *(10 ** max(n - 1, 0) for n in lengths)]
    return []


def _part(schema: Any, kind: str) -> Any:
    """Return a schema of a type that is in a schema by itself or among its alternatives; None if there is none."""
    if schema.get("type") == kind:
        return schema
    inside = [inner for word in ("allOf", "anyOf", "oneOf") for inner in schema.get(word, ())]
    return next((part for part in (_part(inner, kind) for inner in inside) if part is not None), None)


def _values(old: Doc, new: Doc, random: Random) -> list[Any]:
    """Return values that the old schema accepts and a consumer sends: only names that it declares."""
    scalars = scalars_near([old, new], random)
    is_old = Draft202012Validator(old).is_valid
    if (part := _part(old, "array")) is not None:
        return [value for value in _lists(part, scalars, random) if is_old(value)]
    if (part := _part(old, "object")) is not None:
        return [value for value in _objects(part, scalars, random) if is_old(value)][:_LIMIT]
    return [value for value in scalars if is_old(value)]


def _lists(schema: Doc, scalars: list[Any], random: Random) -> list[Any]:
    """Return lists of up to four items, none of which have the same text unless they are equal."""
    valid = _shuffled_valid(schema["items"], scalars, random)
    lists = [[], *([value] for value in valid), *(valid[:length] for length in range(2, 5))]
    lists += [[value] * length for value in valid[:3] for length in range(2, 5)]
    return [value for value in lists if len({*map(text_of, value)}) == len({*map(repr, value)})]


def _objects(schema: Doc, scalars: list[Any], random: Random) -> list[Any]:
    """Return objects of all combinations of the declared names."""
    members = {name: _shuffled_valid(inner, scalars, random) for name, inner in schema["properties"].items()}
    if schema.get("additionalProperties"):
        more = _shuffled_valid(schema["additionalProperties"], [5, "x", "2"], random)
        members = {**dict.fromkeys("abcx", more), **members}
    objects: list[Any] = []
    for included in product((True, False), repeat=len(members)):
        names = [name for name, is_in in zip(members, included, strict=True) if is_in and members[name]]
        count = max((len(members[name]) for name in names), default=1)
        objects += [{name: members[name][index % len(members[name])] for name in names} for index in range(count)]
    return objects


def _shuffled_valid(schema: Any, scalars: list[Any], random: Random) -> list[Any]:
    """Return the scalars that a schema accepts, in random order."""
    is_valid = Draft202012Validator(schema).is_valid
    valid = [value for value in scalars if is_valid(value)]
    random.shuffle(valid)
    return valid


def text_of(value: Any) -> str:
    """Return a scalar as a client writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def readings_of_text(text: str) -> list[Any]:
    """Return a text as a value of each type that it may be of."""
    readings: list[Any] = [text]
    if text in ("true", "false"):
        readings.append(text == "true")
    if _NUMBER.match(text):
        number = float(text)
        readings.append(int(number) if number == int(number) else number)
    return readings


def is_accepted(value: Any, schema: Doc) -> bool:
    """Return whether a server accepts what a client sends for a value, if it reads equal items of a list alike."""
    is_valid = Draft202012Validator(schema).is_valid
    if isinstance(value, dict):
        members = islice(product(*(readings_of_text(text_of(member)) for member in value.values())), _LIMIT)
        return any(is_valid(dict(zip(value, reading, strict=True))) for reading in members)
    texts = [text_of(item) for item in (value if isinstance(value, list) else [value])]
    each = {text: readings_of_text(text) for text in texts}
    for reading in islice(product(*each.values()), _LIMIT):
        chosen = dict(zip(each, reading, strict=True))
        items = [chosen[text] for text in texts]
        if is_valid(items if isinstance(value, list) else items[0]):
            return True
    return False


def breaking_values(checked: Pair, random: Random) -> list[Any]:
    """Return values that were accepted and no longer are, as far as they are found."""
    values = _values(checked.old, checked.new, random)
    return [value for value in values if not is_accepted(value, checked.new)]


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
    """Return the schema at the path of a part of a value; None if it is not declared."""
    for step in re.findall(r"\.\w+|\[\*\]", path):
        part = _part(schema, "array" if step == "[*]" else "object")
        schema = part["items"] if step == "[*]" else part["properties"].get(step[1:])
        if schema is None:
            return None
    return schema


def _judged_counterexample(checked: Pair, shown: Doc) -> str:
    """Return `true` if a counterexample breaks a consumer, `undeclared` if it has an undeclared name, else `false`."""
    old, new = (_inner(schema, shown["of"]) for schema in checked[:2])
    value = shown["value"]
    names = value.keys() if isinstance(value, dict) else ()
    declared = (_part(old, "object") or {}).get("properties", {}) if old is not None else {}
    if old is None or new is None or any(name not in declared for name in names):
        return "undeclared"
    return "true" if Draft202012Validator(old).is_valid(value) and not is_accepted(value, new) else "false"


def judged(checked: Pair) -> tuple[str, str]:
    """Return the judgement of the verdict about a pair, and the findings with the values that break a consumer."""
    breaking = breaking_values(checked, Random(0))[:1]
    findings = compare(*documents(checked))
    errors = [finding for finding in findings if finding.level == "error"]
    evidence = [(finding.rule, finding.level, finding.extra.get("shown", {})) for finding in findings]
    proofs = [rule for rule, _, shown in evidence if shown.get("by") == "proof"]
    shown = [_judged_counterexample(checked, shown) for _, _, shown in evidence if shown.get("by") == "counterexample"]
    described = repr((breaking, evidence))
    if "false" in shown:
        return "counterexample refuted", described
    if breaking and not errors:
        return ("proof refuted" if proofs else "missed"), described
    if any("may-be" in rule for rule, _, _ in evidence):
        return "undecided", described
    if errors and not shown:
        return ("by rule" if breaking else "invented"), described
    return ("breaking" if errors else "compatible"), described


def judge(place: str, count: int, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """Judge random pairs of a place; return how many judgements of each kind there are, and each that is not right."""
    random = Random(f"{place} {seed}")
    counts: Counter[str] = Counter()
    doubtful = []
    while counts.total() < count:
        checked = pair(random, place)
        if checked.old == checked.new:
            continue
        name, described = judged(checked)
        counts[name] += 1
        if name not in ("breaking", "compatible"):
            doubtful.append(f"{name}: {checked}: {described}")
    return counts, doubtful


if __name__ == "__main__":
    for place_ in sys.argv[3:] or PLACES:
        counts_, doubtful_ = judge(place_, int(sys.argv[1]), int(sys.argv[2]))
        print(*doubtful_, f"{place_}: {dict(counts_)}", sep="\n")
