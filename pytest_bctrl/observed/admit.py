"""The least change of a schema that admits what was seen at its place, and the way through a document to that place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote

from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.locations import Step, parted, shown, steps
from pytest_bctrl.contract.schema.node import body_node, node_at, reachable
from pytest_bctrl.finding import Finding
from pytest_bctrl.observed.facts import Facts, Observation, Place
from pytest_bctrl.observed.unknown import inferred

SchemaData: TypeAlias = dict[str, Any]


class UnsayableError(Exception):
    """What was seen cannot be told by a change of this schema; the text says why."""


@dataclass(frozen=True)
class Seen:
    """A difference of a contract, and what was seen that shows it."""

    contract: Contract
    finding: Finding
    observation: Observation

    @property
    def name(self) -> str:
        """The property that the difference is about."""
        *_, last = steps(self.finding.location)
        return last.text

    def places(self) -> Iterator[Place]:
        """The places that the difference's location stands for, one for each branch that was told.

        Not those of branches to which the schema that it points to does not apply: what was seen there is not its own.
        """
        wanted = (self.finding.operation, self.finding.extra["status"])
        root = body_node(self.contract, *wanted)
        for place in self.observation.places:
            if root is not None and place[:2] == wanted and shown(place.location) == self.finding.location:
                node = node_at(root, place.location)
                if node is not None and self.finding.extra["pointer"] in {
                    spot.pointer for spot in reachable(self.contract, node.firm)
                }:
                    yield place

    def facts(self) -> Facts:
        """All facts of these places."""
        facts = Facts()
        for place in self.places():
            facts.add(self.observation.places[place])
        return facts


def admitted(schema: Mapping[str, Any], seen: Seen) -> SchemaData:
    """Return `schema`, the one that a difference points to, changed so that it admits what the difference shows.

    Raises `UnsayableError` where no change says just that.
    """
    return _EDITS[seen.finding.extra["kind"]](dict(schema), seen)


def _property(schema: SchemaData, seen: Seen) -> SchemaData:
    if seen.name.endswith(" characters)"):
        raise UnsayableError("the property's name is too long to be kept")
    return {**schema, "properties": {**schema.get("properties", {}), seen.name: seen.finding.extra["schema"]}}


def _value(schema: SchemaData, seen: Seen) -> SchemaData:
    facts = seen.facts()
    if facts.others:
        raise UnsayableError("there are more values than were told apart: it is no enumeration any more")
    listed = [schema["const"]] if "const" in schema else list(schema.get("enum", ()))
    known = {json.dumps(value) for value in listed}
    values = [json.loads(text) for text, count in sorted(facts.values.items()) if count]
    more = [value for value in values if json.dumps(value) not in known]
    if not listed or not more:
        raise UnsayableError("the values are listed in several places")
    made = {key: value for key, value in schema.items() if key != "const"}
    return {**made, "enum": [*listed, *more]}


def _branch(schema: SchemaData, seen: Seen) -> SchemaData:
    return _alternative(schema, {"type": "object", **seen.finding.extra["schema"]})


def _alternative(schema: SchemaData, branch: SchemaData) -> SchemaData:
    word = "oneOf" if "oneOf" in schema else "anyOf"
    if word == "oneOf" and branch == {"type": "number"}:
        # An integer is a number too, and of two alternatives it would be of none.
        branch = {**branch, "not": {"type": "integer"}}
    return {**schema, word: [*schema[word], branch]}


def _type(schema: SchemaData, seen: Seen) -> SchemaData:
    name = str(seen.finding.observed)
    said = schema.get("type")
    types = [said] if isinstance(said, str) else list(said or ())
    if types and name not in types and name not in ("object", "array"):
        return {**schema, "type": [*types, name]}
    # A type alone would admit any object and any list; these are described as they were seen.
    part = _part(name, seen)
    if not types and ("oneOf" in schema or "anyOf" in schema):
        return _alternative(schema, part)
    return {"anyOf": [schema, part]}


def _none_of_them(schema: SchemaData, seen: Seen) -> SchemaData:
    """What was seen beside all alternatives, not as one more of them: a value of two would be of none."""
    if seen.finding.extra["schema"].keys() == {"type"}:
        raise UnsayableError("nothing that is documented was ever there by which it could be described")
    return {"anyOf": [schema, seen.finding.extra["schema"]]}


def _part(name: str, seen: Seen) -> SchemaData:
    """What was seen of one type at the place of a difference."""
    words = {"object": ("properties", "required"), "array": ("items",), "string": ("format",)}.get(name, ())
    place = next(place for place in seen.places() if seen.observation.places[place].types[name])
    known = inferred(seen.observation, place)
    return {"type": name, **{word: known[word] for word in words if word in known}}


def _format(schema: SchemaData, seen: Seen) -> SchemaData:
    return {key: value for key, value in schema.items() if key != "format"}


def _missing(schema: SchemaData, seen: Seen) -> SchemaData:
    if seen.name in schema.get("required", ()):
        return {**schema, "required": [one for one in schema["required"] if one != seen.name]}
    # The property tells the branches apart, and an object without it is of none: it is one more.
    location, _ = parted(seen.finding.location)
    parent = Place(seen.finding.operation, seen.finding.extra["status"], location)
    known = inferred(seen.observation, parent) if parent in seen.observation.places else {}
    told: SchemaData = {word: known[word] for word in ("properties", "required") if word in known}
    told.get("properties", {}).pop(seen.name, None)
    return _alternative(schema, {"type": "object", **told, "not": {"required": [seen.name]}})


_EDITS: Mapping[str, Callable[[SchemaData, Seen], SchemaData]] = {
    "undocumented-property": _property,
    "unlisted-value": _value,
    "new-branch": _branch,
    "alternatives": _none_of_them,
    "type": _type,
    "null": _type,
    "format": _format,
    "missing": _missing,
}


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
    """Return the document with a copy of what a reference names in its place.

    To change a component that is used at several places would accept at one what was seen at another.
    """
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
