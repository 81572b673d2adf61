"""Generates OpenAPI documents of at most 2 KB whose schemas multiply: nested applicators and references, by seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from random import Random
from string import ascii_letters, digits
from typing import Any

from tests.contract.documents import document

SIZE = 2_048
"""Characters that a document has at most."""

_LISTS = ("allOf", "anyOf", "oneOf")
_NAMES = "abcdefgh"
_LEAVES: tuple[Callable[[str], Any], ...] = (
    lambda name: {"required": [name]},
    lambda name: {"properties": {name: {"type": "string"}}},
    lambda name: {"properties": {name: {"const": name}}, "required": [name]},
    lambda name: {"properties": {name: {"enum": [1, 2, None]}}},
    lambda name: {"properties": {name: {"type": ["integer", "null"]}}},
    lambda name: {"type": "object", "additionalProperties": {"type": "string"}},
    lambda _: {"type": "object"},
    lambda _: {"type": ["object", "array", "null"]},
    lambda _: {"type": "array", "items": {"type": "integer"}},
    lambda _: {"type": "string", "format": "date"},
    lambda _: {"minProperties": 1},
    lambda _: {"maxProperties": 4},
    lambda _: {"minimum": 3},
    lambda _: True,
)


def nested_document(seed: int) -> str:
    """Return the text of a seed's document: `KNOWN_DOCUMENTS` for the first seeds, then a random one of each family."""
    if seed < len(KNOWN_DOCUMENTS):
        return KNOWN_DOCUMENTS[seed]
    source = Random(seed)
    family = _FAMILIES[seed % len(_FAMILIES)]
    is_listed, is_sent = source.random() < 0.4, source.random() < 0.3
    for copies in (40, 20, 12, 8, 5, 3):
        text = _text(*family(source, copies), is_listed=is_listed, is_sent=is_sent)
        if len(text) < SIZE:
            break
    return text


def _text(schema: Any, schemas: Mapping[str, Any], *, is_listed: bool = False, is_sent: bool = False) -> str:
    """Return the document of `_described` as compact JSON."""
    return json.dumps(_described(schema, schemas, is_listed=is_listed, is_sent=is_sent), separators=(",", ":"))


def _described(schema: Any, schemas: Mapping[str, Any], *, is_listed: bool = False, is_sent: bool = False) -> Any:
    """Return a document with a schema for the body, or its items if `is_listed`; for a query parameter if `is_sent`."""
    body = {"type": "object", "properties": {"things": {"type": "array", "items": schema}}} if is_listed else schema
    spec = document(body)
    spec["components"]["schemas"] = dict(schemas)
    if is_sent:
        operation = spec["paths"]["/v1/things/{id}"]["get"]
        sent = _ref(0) if "S0" in schemas else {"oneOf": [{"type": "string"}, schema]}
        operation["parameters"].append({"name": "q", "in": "query", "schema": sent})
    return spec


def _ref(number: int) -> dict[str, str]:
    """Return a reference to a component schema by its number."""
    return {"$ref": f"#/components/schemas/S{number}"}


def _applied(source: Random, inner: Callable[[], Any], copies: int = 2) -> Any:
    """Return a schema that applies schemas from `inner` in place, by a random keyword."""
    word = source.choice([*_LISTS, *_LISTS, "not", "if", "dependentSchemas"])
    if word in _LISTS:
        return {word: [inner() for _ in range(copies)]}
    if word == "not":
        return {"not": {"not": inner()}} if source.random() < 0.5 else {"not": inner()}
    if word == "if":
        return {"if": inner(), "then": inner(), "else": inner()}
    return {"dependentSchemas": {_NAMES[number % 8]: inner() for number in range(copies)}}


def _leaf(source: Random) -> Any:
    """Return a random schema that applies no others in place."""
    return source.choice(_LEAVES)(source.choice(_NAMES))


def _below(source: Random, schema: Any) -> Any:
    """Return `schema` itself, or a schema that applies it to a property, the items or all other members."""
    keyword = source.choice(["here", "here", "here", "properties", "items", "additionalProperties"])
    if keyword == "here":
        return schema
    return {"properties": {source.choice(_NAMES): schema}} if keyword == "properties" else {keyword: schema}


def _tree(source: Random, copies: int) -> tuple[Any, dict[str, Any]]:
    """Return a tree of applicators."""

    def grown(depth: int) -> Any:
        if depth == 0 or source.random() < 0.15:
            return _leaf(source)
        return _below(source, _applied(source, lambda: grown(depth - 1), source.choice((2, 2, 3))))

    return grown(min(copies, 6)), {}


def _conjunction(source: Random, copies: int) -> tuple[Any, dict[str, Any]]:
    """Return a choice repeated in `allOf`, with the same property names each time or with others."""
    is_same, seed = source.random() < 0.5, source.random()
    parts = []
    for number in range(copies):
        random_source = Random(seed)

        def inner(own: Random = random_source) -> Any:
            return _below(own, _leaf(own))

        part = _applied(random_source, inner, random_source.choice((2, 2, 3)))
        parts.append(part if is_same else json.loads(json.dumps(part).replace('"a"', f'"a{number}"')))
    return {"type": "object", "allOf": parts} if source.random() < 0.7 else {"allOf": parts}, {}


def _chain(source: Random, copies: int) -> tuple[Any, dict[str, Any]]:
    """Return schemas that each apply the next one several times; the last applies a leaf or is recursive."""
    word, repeated, levels = source.choice(_LISTS), source.choice((1, 2, 2, 3)), min(copies, 20)
    is_plain, is_circle = source.random() < 0.4, source.random() < 0.3
    schemas: dict[str, Any] = {}
    for level in range(levels):
        parts = [_ref(level + 1) if is_plain else _below(source, _ref(level + 1)) for _ in range(repeated)]
        schemas[f"S{level}"] = {word: [*parts, *([_leaf(source)] if source.random() < 0.3 else [])]}
    schemas[f"S{levels}"] = {"properties": {"a": _ref(0)}} if is_circle else _leaf(source)
    return _ref(0), schemas


def _product(source: Random, copies: int) -> tuple[Any, dict[str, Any]]:
    """Return properties that each have alternatives, under alternatives of the object."""
    choice = _applied(source, lambda: _leaf(source))
    properties = {f"{source.choice(_NAMES)}{number}": choice for number in range(copies)}
    beside = _applied(source, lambda: _leaf(source), 3)
    return {"type": "object", "properties": properties, **beside}, {}


def _conditions(source: Random, copies: int) -> tuple[Any, dict[str, Any]]:
    """Return several conditions: `if` in `allOf`, and `dependentSchemas` for many names."""
    if source.random() < 0.5:
        parts = [
            {"if": {"required": [f"n{number}"]}, "then": _leaf(source), "else": _leaf(source)}
            for number in range(copies)
        ]
        return {"type": "object", "allOf": parts}, {}
    return {
        "type": "object",
        "properties": {f"n{number}": {"type": "string"} for number in range(copies // 2)},
        "dependentSchemas": {f"n{number}": _below(source, _leaf(source)) for number in range(copies)},
    }, {}


def _lattice(source: Random, copies: int) -> tuple[Any, dict[str, Any]]:
    """Return schemas that each apply several of the following schemas, under any keyword."""
    levels = min(copies, 14)
    schemas = {}
    for level in range(levels):

        def inner(level: int = level) -> Any:
            return _ref(source.randint(level + 1, min(level + 2, levels)))

        schemas[f"S{level}"] = _below(source, _applied(source, inner))
    schemas[f"S{levels}"] = _leaf(source)
    return {"allOf": [_ref(0), _leaf(source)]}, schemas


def _alternating(source: Random, copies: int) -> tuple[Any, dict[str, Any]]:
    """Return `allOf` of `anyOf` of `allOf` with distinct names, which a normal form would multiply out."""
    width = source.choice((2, 3))
    count = iter(range(10_000))

    def grown(depth: int, word: str) -> Any:
        if depth == 0:
            return {"required": [f"n{next(count)}"]}
        following = {"allOf": source.choice(("anyOf", "oneOf")), "anyOf": "allOf", "oneOf": "allOf"}[word]
        return {word: [grown(depth - 1, following) for _ in range(width)]}

    return {"type": "object", **grown(min(copies, 5), "allOf")}, {}


_FAMILIES = (_tree, _conjunction, _chain, _product, _conditions, _lattice, _alternating)


def _doubled(levels: int) -> str:
    """Return a chain of schemas that each apply the next one twice, in the shortest YAML."""
    names = [*ascii_letters, *digits][: levels + 1]
    chain = "".join(f"{a}: {{allOf: [{{$ref: '#/x/{b}'}},{{$ref: '#/x/{b}'}}]}}," for a, b in pairwise(names))
    responses = "{200: {description: x, content: {application/json: {schema: {$ref: '#/x/a'}}}}}"
    paths = f"paths: {{/x: {{get: {{responses: {responses}}}}}}}"
    return f"openapi: 3.1.0\ninfo: {{title: x, version: '1'}}\n{paths}\nx: {{{chain}{names[-1]}: {{type: integer}}}}\n"


def _known_documents() -> Iterator[str]:
    """Yield the texts of `KNOWN_DOCUMENTS`."""
    yield from map(_doubled, (40, 13))
    choice = {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    yield _text({"type": "object", "allOf": [choice] * 20}, {})
    branches = [[{"required": [f"a{n}"]}, {"required": ["b"]}] for n in range(20)]
    yield _text({"type": "object", "allOf": [{"oneOf": pair} for pair in branches]}, {})
    yield _text({"type": "object", "dependentSchemas": {f"n{n}": {"required": ["a"]} for n in range(30)}}, {})
    conditions = [{"if": {"required": [f"n{n}"]}, "else": {"required": ["z"]}} for n in range(18)]
    yield _text({"type": "object", "allOf": conditions}, {})
    strings = {"type": "object", "additionalProperties": {"type": "string"}}
    choices = [{"oneOf": [strings, {"properties": {f"a{n}": True}}]} for n in range(12)]
    yield _text({"type": "object", "allOf": choices}, {})
    further: dict[int, list[Any]] = {5: [True], 9: [{"properties": {"b": False}}], 11: [{"properties": {"e": False}}]}
    schemas: dict[str, Any] = {f"S{n}": {"oneOf": [_ref(n + 1), *further.get(n, [])]} for n in range(12)}
    yield _text(_ref(0), {**schemas, "S12": {"properties": {"a": _ref(0)}}}, is_listed=True, is_sent=True)


KNOWN_DOCUMENTS = [*_known_documents()]
"""Documents that took too long once or were rejected without a pointer, and a chain of schemas."""
