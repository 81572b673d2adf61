"""What was seen, as an overlay: applied after the contract's own, it admits exactly that and nothing else.

Each difference is answered by the least change of the schema at its place, and the way there is parted from others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import pairwise
from typing import Any, TypeAlias
from urllib.parse import unquote

from pytest_bctrl.contract.document import escape_token, value_at
from pytest_bctrl.contract.model import Contract, Operation, covers_media_type, follow_references
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.overlay import Action, actions, unshared_copy
from pytest_bctrl.contract.read import from_document, from_validated
from pytest_bctrl.contract.references import keyword_objects, rewrite_objects
from pytest_bctrl.contract.schema.locations import display_location, parse_steps, split_location
from pytest_bctrl.contract.schema.node import Node, body_node, node_at
from pytest_bctrl.contract.schema.ref import SchemaRef, listed_values, named_types, reachable_schemas
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.differences import every_difference
from pytest_bctrl.observed.facts import Facts, Observation, Place, inferred

NAME = "suggested overlay"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An overlay with what was seen, the contract that it makes, and what no overlay can say, each with the reason.

    `admitted` are the differences that the actions answer, in their order. An overlay without actions changes nothing.
    """

    overlay: Mapping[str, Any]
    contract: Contract
    admitted: tuple[Finding, ...]
    unsaid: tuple[tuple[Finding, str], ...]

    @property
    def actions(self) -> list[Action]:
        """The overlay's actions."""
        return list(self.overlay["actions"])


def suggest(contract: Contract, observation: Observation) -> Suggestion:
    """Return the overlay that makes a contract admit what was seen; the same facts give the same overlay.

    It holds names, types, formats and listed values, and nothing else of what the API sent.
    """
    # In one order of its places, whatever came first.
    observation = replace(observation, places=dict(sorted(observation.places.items())))
    work = _Work(unshared_copy(contract.document))
    while True:
        current = from_validated(work.document, contract.name)
        found = [*every_difference(current, observation), *_media_types(contract, current, observation)]
        waiting = [one for one in found if _key(one) not in work.unsaid]
        if not waiting:
            break
        finding = _together(min(waiting, key=_turn), waiting)
        try:
            work.take(*_step(current, work.document, finding, observation), finding)
        except UnsayableError as error:
            work.give_up(finding, str(error))
    info = {"title": "What the API was seen to send", "version": "1.0.0"}
    overlay = {"overlay": "1.0.0", "info": info, "actions": work.actions}
    proven = from_document(work.document, contract.name) if work.actions else contract
    return Suggestion(overlay, proven, tuple(work.admitted.values()), tuple(work.unsaid.values()))


class _Work:
    """The document as it is after the actions so far, and the way back from a step that led nowhere."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.actions: list[Action] = []
        self.admitted: dict[_Key, Finding] = {}
        self.unsaid: dict[_Key, tuple[Finding, str]] = {}
        self._before: dict[tuple[_Key, str], tuple[dict[str, Any], int]] = {}

    def take(self, changed: dict[str, Any], why: str, goal: str, finding: Finding) -> None:
        """Take a step; one that was taken already, and did not help, is taken back."""
        made = actions(self.document, changed)
        added = [{"target": action["target"], "description": why, **action} for action in made]
        mark = (_key(finding), goal)
        if mark in self._before:
            self.document, count = self._before[mark]
            del self.actions[count:]
        if mark in self._before or not added:
            raise UnsayableError("no change of the schema at its place admits it")
        self._before[mark] = self.document, len(self.actions)
        self.actions += added
        self.document = changed
        self.admitted.setdefault(_key(finding), finding)

    def give_up(self, finding: Finding, why: str) -> None:
        """Remember that no overlay says this."""
        self.admitted.pop(_key(finding), None)
        self.unsaid[_key(finding)] = finding, why


_Key: TypeAlias = tuple[str, ...]


def _key(finding: Finding) -> _Key:
    extra = finding.extra
    which = str(finding.observed) if extra["kind"] in ("new-branch", "type", "status", "media-type") else ""
    return finding.operation, extra["status"], finding.location, extra["kind"], which


def _together(first: Finding, waiting: list[Finding]) -> Finding:
    """All unlisted values of a place as one difference: one list admits them."""
    same = [one for one in waiting if _key(one) == _key(first)]
    if len(same) == 1:
        return first
    return replace(first, count=sum(one.count for one in same), observed=[one.observed for one in same])


def _turn(finding: Finding) -> tuple[_Key, int, _Key]:
    """Whose turn it is: values are listed before a branch is added, beside which no list could be told any more."""
    kind = finding.extra["kind"]
    rank = _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
    return _key(finding)[:3], rank, _key(finding)[3:]


_FIRST = ("null", "unlisted-value", "format", "missing")


def _step(
    contract: Contract, document: Mapping[str, Any], finding: Finding, observation: Observation
) -> tuple[dict[str, Any], str, str]:
    """One step towards admitting a difference: part what is shared on the way there, else change the schema.

    Returns the document after it, why it was taken, and the schema that it is about.
    """
    if "pointer" not in finding.extra:
        raise UnsayableError("the contract has no schema at its place")
    goal = str(finding.extra["pointer"])
    times = f"{finding.count} of {finding.total}"
    code = finding.extra["status"]
    if finding.extra["kind"] == "status":
        return _documented(document, goal, finding, observation), f"{code}: answered {times} times, undocumented.", goal
    if finding.extra["kind"] == "not-json":
        raise UnsayableError("the answers are wrong, not the contract")
    if finding.extra["kind"] == "media-type":
        why = f"{code}: answered in {finding.observed}, {times}; nothing was learned from the bodies."
        return _with_media_type(document, goal, finding), why, goal
    seen = Seen(contract, finding, observation)
    shared = first_shared(document, seen.ref_chain, goal)
    if shared is not None:
        why = f"{code} {finding.location}: written out here, so that elsewhere it stays as it is."
        return inlined(document, shared), why, f"{shared}/$ref"
    why = f"{code} {finding.location}: {finding.message}, {times}."
    return with_value(document, goal, _EDITS[finding.extra["kind"]](dict(value_at(document, goal)), seen)), why, goal


def _documented(document: Mapping[str, Any], goal: str, finding: Finding, observation: Observation) -> dict[str, Any]:
    """The document with a response for a status: the body as it was seen, or none."""
    code = finding.extra["status"]
    known = {status.value: status.phrase for status in HTTPStatus}
    response: dict[str, Any] = {"description": known.get(int(code), f"Status {code}")}
    body = Place(finding.operation, code, "")
    if body in observation.places:
        response["content"] = {"application/json": {"schema": inferred(observation, body)}}
    return with_value(document, goal, {**value_at(document, goal), code: response})


def _media_types(contract: Contract, current: Contract, observation: Observation) -> Iterator[Finding]:
    """Yield a finding for each media type of bodies that taught nothing: it is not documented, or they are not JSON.

    `contract` is the one that is suggested for, and `current` the same with what was suggested so far.
    """
    for (label, code, media), count in sorted(observation.unread.items()):
        operation = next((one for one in current.operations if one.label == label), None)
        if operation is None or operation.response_for(int(code)) is None:
            continue
        kind, problem = "media-type", f"the media type {media or '(none)'} is not documented"
        if _documents(operation, code, media):
            kind, problem = "not-json", f"the body is not {media}"
            if not is_json(media) or not _documents(contract.operation(label), code, media):
                continue
        pointer = f"/paths/{escape_token(operation.path)}/{operation.method.lower()}/responses"
        extra = {"kind": kind, "status": code, "pointer": pointer}
        total = observation.statuses[label, code]
        rule, location = "content_type_conformance", "$"
        yield Finding(rule, "error", location, problem, None, media, count, total, operation=label, extra=extra)


def _documents(operation: Operation, code: str, media: str) -> bool:
    spec = operation.response_for(int(code))
    return spec is not None and any(covers_media_type(one, media) for one in spec.content)


def _with_media_type(document: Mapping[str, Any], goal: str, finding: Finding) -> dict[str, Any]:
    """The document with a media type for a status, nothing said of its bodies: nothing was learned of them."""
    media, code = finding.observed, finding.extra["status"]
    if not _MEDIA_TYPE.fullmatch(media):
        raise UnsayableError("it is not the name of one")
    responses = value_at(document, goal)
    # YAML may have read a status as a number.
    keys = {str(key): key for key in responses}
    given = next(responses[keys[name]] for name in (code, f"{code[0]}XX", f"{code[0]}xx", "default") if name in keys)
    *_, given = follow_references(document, given, NAME)
    response = {**given, "content": {**given.get("content", {}), media: {}}}
    return with_value(document, goal, {**responses, keys.get(code, code): response})


_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+")


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
        *_, last = parse_steps(self.finding.location)
        return last.text

    def places(self) -> Iterator[Place]:
        """The places that the difference's location stands for, one for each branch that was told.

        Not those of branches to which the schema that it points to does not apply: what was seen there is not its own.
        """
        for place, node in self._at(self.finding.location):
            if self._schema(node.certain):
                yield place

    @property
    def ref_chain(self) -> tuple[str, ...]:
        """The references that lead to the schema that the difference points to, which may be that of the object."""
        above = split_location(self.finding.location)[0] or "$"
        nodes = (node for location in (self.finding.location, above) for _, node in self._at(location))
        return next(found for node in nodes if (found := self._schema((*node.certain, *node.possible)))).ref_chain

    def _at(self, location: str) -> Iterator[tuple[Place, Node]]:
        wanted = (self.finding.operation, self.finding.extra["status"])
        root = body_node(self.contract, *wanted)
        for place in self.observation.places:
            if place[:2] == wanted and display_location(place.location) == location:
                node = node_at(root, place.location)
                if node is not None:
                    yield place, node

    def _schema(self, spots: Iterable[SchemaRef]) -> SchemaRef | None:
        pointer = self.finding.extra["pointer"]
        return next((one for one in reachable_schemas(self.contract, spots) if one.pointer == pointer), None)


def _property(schema: SchemaData, seen: Seen) -> SchemaData:
    if seen.name.endswith(" characters)"):
        raise UnsayableError("the property's name is too long to be kept")
    return {**schema, "properties": {**schema.get("properties", {}), seen.name: seen.finding.extra["schema"]}}


def _value(schema: SchemaData, seen: Seen) -> SchemaData:
    facts = Facts()
    for place in seen.places():
        facts.add(seen.observation.places[place])
    if facts.others:
        raise UnsayableError("there are more values than an enumeration lists")
    listed = listed_values(schema) or []
    known = {json.dumps(value) for value in listed}
    values = [json.loads(text) for text, count in sorted(facts.values.items()) if count]
    more = [value for value in values if json.dumps(value) not in known]
    if not listed or not more:
        raise UnsayableError("the values are listed in several places")
    made = {key: value for key, value in schema.items() if key != "const"}
    return {**made, "enum": [*listed, *more]}


def _alternative(schema: SchemaData, branch: SchemaData) -> SchemaData:
    word = "oneOf" if "oneOf" in schema else "anyOf"
    if word == "oneOf" and branch == {"type": "number"}:
        # An integer is a number too, and of two alternatives it would be of none.
        branch = {**branch, "not": {"type": "integer"}}
    return {**schema, word: [*schema[word], branch]}


def _type(schema: SchemaData, seen: Seen) -> SchemaData:
    name = str(seen.finding.observed)
    types = named_types(schema)
    if types and name not in types and name not in ("object", "array"):
        return {**schema, "type": [*types, name]}
    # A type alone would admit any object and any list; these are described as they were seen.
    place = next(place for place in seen.places() if seen.observation.places[place].types[name])
    part = inferred(seen.observation, place, name)
    if not types and ("oneOf" in schema or "anyOf" in schema):
        return _alternative(schema, part)
    return {"anyOf": [schema, part]}


def _none_of_them(schema: SchemaData, seen: Seen) -> SchemaData:
    """What was seen beside all alternatives, not as one more of them: a value of two would be of none."""
    if seen.finding.extra["schema"].keys() == {"type"}:
        raise UnsayableError("nothing that is documented was ever there by which it could be described")
    return {"anyOf": [schema, seen.finding.extra["schema"]]}


def _missing(schema: SchemaData, seen: Seen) -> SchemaData:
    if seen.name in schema.get("required", ()):
        return {**schema, "required": [one for one in schema["required"] if one != seen.name]}
    # The property tells the branches apart, and an object without it is of none: it is one more.
    location, _ = split_location(seen.finding.location)
    parent = Place(seen.finding.operation, seen.finding.extra["status"], location)
    known = inferred(seen.observation, parent, "object")
    known.get("properties", {}).pop(seen.name, None)
    return _alternative(schema, {**known, "not": {"required": [seen.name]}})


_EDITS: Mapping[str, Callable[[SchemaData, Seen], SchemaData]] = {
    "undocumented-property": _property,
    "unlisted-value": _value,
    "new-branch": lambda schema, seen: _alternative(schema, {"type": "object", **seen.finding.extra["schema"]}),
    "alternatives": _none_of_them,
    "type": _type,
    "null": _type,
    "format": lambda schema, seen: {key: value for key, value in schema.items() if key != "format"},
    "missing": _missing,
}
"""What makes of the schema that a kind of difference points to one that admits it, or raises `UnsayableError`."""


_ANNOTATIONS = frozenset({"title", "description", "summary", "deprecated", "examples", "example", "$comment"})


def with_value(document: Mapping[str, Any], pointer: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a document with another object at a pointer."""
    made: dict[str, Any] = rewrite_objects(document, {pointer: lambda _: unshared_copy(value)})
    return made


def first_shared(document: Mapping[str, Any], ref_chain: Sequence[str], goal: str) -> str | None:
    """Return the first reference on the way to a schema whose target others lead to as well; None where none is."""
    references = {one.pointer: str(one.value["$ref"])[1:] for one in keyword_objects(document) if "$ref" in one.value}
    targets = {site: f"{unquote(target)}/" for site, target in references.items()}
    for site, inside in pairwise((*ref_chain, goal)):
        if [one for one, target in targets.items() if f"{inside}/".startswith(target)] != [site]:
            return site
    return None


def inlined(document: Mapping[str, Any], site: str) -> dict[str, Any]:
    """Return the document with a copy of what a reference names in its place.

    To change a component that is used at several places would accept at one what was seen at another.
    """
    reference = value_at(document, site)
    target = value_at(document, unquote(reference["$ref"][1:]))
    beside = {key: value for key, value in reference.items() if key != "$ref"}
    if isinstance(target, Mapping) and beside.keys() <= _ANNOTATIONS:
        return with_value(document, site, {**target, **beside})
    return with_value(document, site, {"allOf": [target], **beside})
