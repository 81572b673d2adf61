"""The way through a document to a schema, and who else comes by: what is changed for one place may not hold elsewhere.

A component that is used at several places is written out where the change is due, and stays as it is elsewhere. That
is exact in every case; to change the component would accept at one place what was seen at another.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.observed.location import Step, steps

Tokens = tuple[str | int, ...]
"""The keys and indexes that lead to a value of a document."""

_ANNOTATIONS = frozenset({"title", "description", "summary", "deprecated", "examples", "example", "$comment"})


def tokens_of(document: Mapping[str, Any], pointer: str) -> Tokens:
    """Return the tokens of a JSON Pointer (RFC 6901) into a document, array indexes as numbers."""
    tokens: list[str | int] = []
    value: Any = document
    for text in unquote(pointer.removeprefix("#")).split("/")[1:]:
        name = text.replace("~1", "/").replace("~0", "~")
        tokens.append(int(name) if isinstance(value, list) else name)
        value = value_at(value, tokens[-1:])
    return tuple(tokens)


def value_at(document: Any, tokens: Sequence[str | int]) -> Any:
    """Return the value that tokens lead to."""
    for token in tokens:
        document = document[token]
    return document


def with_value(document: Mapping[str, Any], tokens: Tokens, value: Any) -> dict[str, Any]:
    """Return a copy of a document with another value at some tokens."""
    made: dict[str, Any] = copy.deepcopy(dict(document))
    value_at(made, tokens[:-1])[tokens[-1]] = copy.deepcopy(value)
    return made


def way(document: Mapping[str, Any], operation: Operation, status: str, location: str, goal: Tokens) -> list[Tokens]:
    """Return where the references stand that lead from an answer to the schema at `goal`, in their order.

    The schema is one of those that apply on the way to the location.
    """
    spec = operation.response_for(int(status))
    key = status if spec is None else spec.status
    start: Tokens = ("paths", operation.path)
    wanted = list(steps("" if location == "$" else location))
    trails = _to_answer(document, start, (operation.method.lower(), "responses", key), [])
    found = (_search(document, tokens, wanted, goal, references, set()) for tokens, references in trails)
    return next(references for references in found if references is not None)


def _to_answer(
    document: Mapping[str, Any], tokens: Tokens, below: Sequence[str], references: list[Tokens]
) -> list[tuple[Tokens, list[Tokens]]]:
    """Every schema of an answer's body, through references of path items and responses."""
    value = value_at(document, tokens)
    while isinstance(value, Mapping) and "$ref" in value:
        references = [*references, tokens]
        tokens = tokens_of(document, value["$ref"])
        value = value_at(document, tokens)
    if below:
        return _to_answer(document, (*tokens, below[0]), below[1:], references)
    content = value.get("content", {})
    return [((*tokens, "content", media, "schema"), references) for media in content if "schema" in content[media]]


def _search(
    document: Mapping[str, Any],
    tokens: Tokens,
    wanted: list[Step],
    goal: Tokens,
    references: list[Tokens],
    seen: set[tuple[Tokens, int]],
) -> list[Tokens] | None:
    if tokens == goal:
        return references
    schema = value_at(document, tokens)
    if not isinstance(schema, Mapping) or (tokens, len(wanted)) in seen:
        return None
    seen.add((tokens, len(wanted)))
    if isinstance(schema.get("$ref"), str):
        target = tokens_of(document, schema["$ref"])
        found = _search(document, target, wanted, goal, [*references, tokens], seen)
        if found is not None:
            return found
    for inner, rest in _below(schema, tokens, wanted):
        found = _search(document, inner, rest, goal, references, seen)
        if found is not None:
            return found
    return None


def _below(schema: Mapping[str, Any], tokens: Tokens, wanted: list[Step]) -> Iterator[tuple[Tokens, list[Step]]]:
    for word in ("allOf", "anyOf", "oneOf"):
        yield from (((*tokens, word, index), wanted) for index in range(len(schema.get(word, ()))))
    yield from (((*tokens, word), wanted) for word in ("if", "then", "else") if word in schema)
    yield from (((*tokens, "dependentSchemas", name), wanted) for name in schema.get("dependentSchemas", {}))
    if not wanted:
        return
    step, rest = wanted[0], wanted[1:]
    if step.kind == "items":
        yield from (((*tokens, "prefixItems", index), rest) for index in range(len(schema.get("prefixItems", ()))))
    if step.kind in ("items", "position") and "items" in schema:
        yield (*tokens, "items"), rest
    if step.kind == "member" and step.text in schema.get("properties", {}):
        yield (*tokens, "properties", step.text), rest
    if step.kind in ("member", "others"):
        yield from (((*tokens, word), rest) for word in _OTHERS if word in schema)


_OTHERS = ("additionalProperties", "unevaluatedProperties")


def first_shared(document: Mapping[str, Any], references: Sequence[Tokens], goal: Tokens) -> Tokens | None:
    """Return the first reference on the way to a schema whose target others lead to as well; None where none is."""
    if not references:
        return None
    targets = [(site, tokens_of(document, ref)) for site, ref in _references(document)]
    for site, place in zip(references, [*references[1:], goal], strict=True):
        if [one for one, target in targets if place[: len(target)] == target] != [site]:
            return site
    return None


def written_out(document: Mapping[str, Any], site: Tokens) -> dict[str, Any]:
    """Return the document with a copy of what a reference names in its place."""
    reference = value_at(document, site)
    target = value_at(document, tokens_of(document, reference["$ref"]))
    beside = {key: value for key, value in reference.items() if key != "$ref"}
    if isinstance(target, Mapping) and beside.keys() <= _ANNOTATIONS:
        return with_value(document, site, {**target, **beside})
    return with_value(document, site, {"allOf": [target], **beside})


def _references(value: Any, tokens: Tokens = ()) -> Iterator[tuple[Tokens, str]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield tokens, value["$ref"]
        for key, member in value.items():
            yield from _references(member, (*tokens, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _references(member, (*tokens, index))
