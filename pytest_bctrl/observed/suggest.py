"""Suggests an overlay that makes a contract accept the observed responses, and nothing else.

Each difference is resolved by the smallest change of the schema at its location. A schema that other locations share
is copied first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

from pytest_bctrl.contract.document import value_at
from pytest_bctrl.contract.model import Contract, Operation, covers_media_type
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.overlay import Action, overlay_actions, unshared_copy
from pytest_bctrl.contract.read import from_document, from_validated
from pytest_bctrl.contract.references import keyword_objects, rewrite_objects
from pytest_bctrl.contract.schema.locations import display_location, parse_steps, split_location
from pytest_bctrl.contract.schema.node import Node, body_node, node_at
from pytest_bctrl.contract.schema.ref import SchemaRef, listed_values, named_types, reachable_schemas
from pytest_bctrl.contract.schema_document import follow_references
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.differences import every_difference
from pytest_bctrl.observed.facts import Facts, Observation, ObservedLocation, inferred_schema

NAME = "suggested overlay"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An overlay for the observed responses, the contract with it applied, and what it cannot express.

    `resolved` are the differences that the actions resolve, in their order; `not_expressible` those that no overlay can
    express, with the reason. An overlay without actions changes nothing.
    """

    overlay: Mapping[str, Any]
    contract: Contract
    resolved: tuple[Finding, ...]
    not_expressible: tuple[tuple[Finding, str], ...]

    @property
    def actions(self) -> list[Action]:
        """The actions of the overlay."""
        return list(self.overlay["actions"])


def suggest(contract: Contract, observation: Observation) -> Suggestion:
    """Return an overlay that makes a contract accept the observed responses, and what it cannot express.

    It contains names, types, formats and listed values, and nothing else that the API sent.
    """
    # Sorted, so that the overlay does not depend on the order of the responses.
    observation = replace(observation, places=dict(sorted(observation.places.items())))
    work = _Work(unshared_copy(contract.document))
    while True:
        current = from_validated(work.document, contract.name)
        findings = [*every_difference(current, observation), *_media_type_differences(contract, current, observation)]
        pending = [finding for finding in findings if _difference_key(finding) not in work.not_expressible]
        if not pending:
            break
        for finding in _resolved_together(min(pending, key=_sort_key), pending):
            try:
                step = _next_step(current, work.document, finding, observation)
                work.take_step(*step, finding)
            except NotExpressibleError as error:
                work.give_up(finding, str(error))
                break
            if step.pointer != finding.extra["pointer"]:
                # The schema was copied, so that the pointers of the other differences have changed.
                break
    info = {"title": "What the API was observed to send", "version": "1.0.0"}
    overlay = {"overlay": "1.0.0", "info": info, "actions": work.actions}
    proven = from_document(work.document, contract.name) if work.actions else contract
    return Suggestion(overlay, proven, tuple(work.resolved.values()), tuple(work.not_expressible.values()))


class _Work:
    """The document after the actions so far, with the earlier documents for undoing a step that did not help."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.actions: list[Action] = []
        self.resolved: dict[_Key, Finding] = {}
        self.not_expressible: dict[_Key, tuple[Finding, str]] = {}
        self._before: dict[tuple[_Key, str], tuple[dict[str, Any], int]] = {}

    def take_step(self, changed: dict[str, Any], why: str, pointer: str, finding: Finding) -> None:
        """Take a step; raises `NotExpressibleError` if it changes nothing or was taken before, which is then undone."""
        new_actions = overlay_actions(self.document, changed)
        added = [{"target": action["target"], "description": why, **action} for action in new_actions]
        step = (_difference_key(finding), pointer)
        if step in self._before:
            self.document, count = self._before[step]
            del self.actions[count:]
            # The later steps are undone as well, so each of them may be taken again.
            steps = list(self._before)
            for later in steps[steps.index(step) + 1 :]:
                del self._before[later]
        if step in self._before or not added:
            raise NotExpressibleError("no change of the schema at this location allows it")
        self._before[step] = self.document, len(self.actions)
        self.actions += added
        self.document = changed
        self.resolved.setdefault(_difference_key(finding), finding)

    def give_up(self, finding: Finding, why: str) -> None:
        """Remember that no overlay can express a finding."""
        self.resolved.pop(_difference_key(finding), None)
        self.not_expressible[_difference_key(finding)] = finding, why


_Key: TypeAlias = tuple[str, ...]


def _difference_key(finding: Finding) -> _Key:
    """Return the key of a finding, equal for the findings that one action of the overlay resolves."""
    extra = finding.extra
    value = ""
    if extra["kind"] in ("new-branch", "type", "status", "media-type"):
        value = repr(finding.observed)
    return finding.operation, extra["status"], finding.location, extra["kind"], value


def _with_all_values(first: Finding, pending: list[Finding]) -> Finding:
    """Return all unlisted values of a location as one difference, because one list of values admits them."""
    group = [finding for finding in pending if _difference_key(finding) == _difference_key(first)]
    if len(group) == 1:
        return first
    count = sum(finding.count for finding in group)
    return replace(first, count=count, observed=[finding.observed for finding in group])


def _resolved_together(first: Finding, pending: list[Finding]) -> list[Finding]:
    """Return the differences to resolve before the contract is compared again: the first, or all that add its branches.

    After a branch is added, the property that distinguishes the branches may no longer do so, which would hide the
    other differences of the same schema.
    """
    if first.extra["kind"] not in _ADDING_BRANCHES:
        return [_with_all_values(first, pending)]
    pointer = first.extra.get("pointer")
    alike = [finding for finding in pending if finding.extra["kind"] in _ADDING_BRANCHES]
    group = sorted((finding for finding in alike if finding.extra.get("pointer") == pointer), key=_sort_key)
    # One branch resolves an equal difference at another location or status of the same schema.
    first_of: dict[Hashable, Finding] = {}
    for finding in group:
        property_name = split_location(finding.location)[1]
        first_of.setdefault((property_name, *_difference_key(finding)[3:]), finding)
    return list(first_of.values())


_ADDING_BRANCHES = ("new-branch", "missing")
"""The kinds of differences that may add a branch to those that a property distinguishes."""


def _sort_key(finding: Finding) -> tuple[bool, _Key, int, _Key]:
    """Return the sort key of a finding: branches are added last, because a new branch would hide other differences."""
    kind = finding.extra["kind"]
    rank = _RANKS.get(kind, len(_RANKS))
    return kind in _ADDING_BRANCHES, _difference_key(finding)[:3], rank, _difference_key(finding)[3:]


_RANKS = {"null": 0, "unlisted-value": 1, "format": 2}


class _Step(NamedTuple):
    """One step towards accepting a difference: the document after it, the reason, and the pointer that it changes."""

    document: dict[str, Any]
    why: str
    pointer: str


def _next_step(contract: Contract, document: Mapping[str, Any], finding: Finding, observation: Observation) -> _Step:
    """Return the next step towards accepting a difference from a contract.

    Raises `NotExpressibleError` if no step is possible.
    """
    if "pointer" not in finding.extra:
        raise NotExpressibleError("the contract has no schema at this location")
    pointer = str(finding.extra["pointer"])
    times = f"{finding.count} of {finding.total}"
    code = finding.extra["status"]
    if finding.extra["kind"] == "status":
        why = f"{code}: the status of {times} responses, undocumented."
        return _Step(_with_response(document, pointer, finding, observation), why, pointer)
    if finding.extra["kind"] == "not-json":
        raise NotExpressibleError("the responses are wrong, not the contract")
    if finding.extra["kind"] == "media-type":
        why = f"{code}: the media type of {times} responses is {finding.observed}; their bodies were not read."
        return _Step(_with_media_type(document, pointer, finding), why, pointer)
    difference = ObservedDifference(contract, finding, observation)
    shared = first_shared(document, difference.ref_chain, pointer)
    if shared is not None:
        why = f"{code} {finding.location}: written out here, so that elsewhere it stays as it is."
        return _Step(with_target_inlined(document, shared), why, f"{shared}/$ref")
    why = f"{code} {finding.location}: {finding.message}, {times}."
    schema = _EDITS[finding.extra["kind"]](dict(value_at(document, pointer)), difference)
    return _Step(with_value(document, pointer, schema), why, pointer)


def _with_response(
    document: Mapping[str, Any], pointer: str, finding: Finding, observation: Observation
) -> dict[str, Any]:
    """Return the document with a response for a status, with the observed body if there was one."""
    code = finding.extra["status"]
    phrases = {status.value: status.phrase for status in HTTPStatus}
    response: dict[str, Any] = {"description": phrases.get(int(code), f"Status {code}")}
    body = ObservedLocation(finding.operation, code, "")
    if body in observation.places:
        response["content"] = {"application/json": {"schema": inferred_schema(observation, body)}}
    return with_value(document, pointer, {**value_at(document, pointer), code: response})


def _media_type_differences(contract: Contract, current: Contract, observation: Observation) -> Iterator[Finding]:
    """Yield a finding for each media type of unread bodies: it is not documented, or the bodies are not JSON.

    `contract` is the original contract, and `current` the contract with the actions so far.
    """
    for (label, code, media), count in sorted(observation.unread.items()):
        operation = next((operation for operation in current.operations if operation.label == label), None)
        if operation is None or operation.response_for(int(code)) is None:
            continue
        kind, problem = "media-type", f"the media type {media or '(none)'} is not documented"
        if _documents_media_type(operation, code, media):
            kind, problem = "not-json", f"the body is not {media}"
            if not is_json(media) or not _documents_media_type(contract.operation(label), code, media):
                continue
        pointer = f"{operation.pointer}/responses"
        extra = {"kind": kind, "status": code, "pointer": pointer}
        total = observation.statuses[label, code]
        rule, location = "content_type_conformance", "$"
        yield Finding(rule, "error", location, problem, None, media, count, total, operation=label, extra=extra)


def _documents_media_type(operation: Operation, code: str, media: str) -> bool:
    """Return whether an operation documents a media type for a status code."""
    spec = operation.response_for(int(code))
    return spec is not None and any(covers_media_type(documented, media) for documented in spec.content)


def _with_media_type(document: Mapping[str, Any], pointer: str, finding: Finding) -> dict[str, Any]:
    """Return the document with the observed media type, without a schema; `NotExpressibleError` for an invalid name."""
    media, code = finding.observed, finding.extra["status"]
    if not _MEDIA_TYPE.fullmatch(media):
        raise NotExpressibleError("it is not the name of one")
    responses = value_at(document, pointer)
    # YAML may have parsed a status as a number.
    keys = {str(key): key for key in responses}
    names = (code, f"{code[0]}XX", f"{code[0]}xx", "default")
    documented = next(responses[keys[name]] for name in names if name in keys)
    *_, documented = follow_references(document, documented, NAME)
    response = {**documented, "content": {**documented.get("content", {}), media: {}}}
    return with_value(document, pointer, {**responses, keys.get(code, code): response})


_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+")


SchemaData: TypeAlias = dict[str, Any]


class NotExpressibleError(Exception):
    """Raised when no schema change can express the observation; the message says why."""


@dataclass(frozen=True)
class ObservedDifference:
    """A difference from a contract, and the observation that shows it."""

    contract: Contract
    finding: Finding
    observation: Observation

    @property
    def name(self) -> str:
        """The name of the property at the location of the difference."""
        *_, last = parse_steps(self.finding.location)
        return last.text

    def places(self) -> Iterator[ObservedLocation]:
        """Yield the observed locations that the location of the difference covers, one per branch.

        Branches to which the schema of the difference does not apply are left out.
        """
        for place, node in self._at(self.finding.location):
            if self._broken_schema(node.certain):
                yield place

    @property
    def ref_chain(self) -> tuple[str, ...]:
        """The references that lead to the schema that the finding breaks, at its location or that of its object."""
        above = split_location(self.finding.location)[0] or "$"
        nodes = (node for location in (self.finding.location, above) for _, node in self._at(location))
        schemas = (self._broken_schema((*node.certain, *node.possible)) for node in nodes)
        return next(schema for schema in schemas if schema is not None).ref_chain

    def _at(self, location: str) -> Iterator[tuple[ObservedLocation, Node]]:
        """Yield the observed locations and nodes at a displayed location."""
        response = (self.finding.operation, self.finding.extra["status"])
        root = body_node(self.contract, *response)
        for place in self.observation.places:
            if place[:2] == response and display_location(place.location) == location:
                node = node_at(root, place.location)
                if node is not None:
                    yield place, node

    def _broken_schema(self, references: Iterable[SchemaRef]) -> SchemaRef | None:
        """Return the reachable schema that the finding breaks; None if it is not among them."""
        pointer = self.finding.extra["pointer"]
        reachable = reachable_schemas(self.contract, references)
        return next((reference for reference in reachable if reference.pointer == pointer), None)


def _with_property(schema: SchemaData, difference: ObservedDifference) -> SchemaData:
    """Return the schema with the observed property added; raises `NotExpressibleError` if its name was shortened."""
    if difference.name.endswith(" characters)"):
        raise NotExpressibleError("the name of the property is too long to be recorded")
    return {
        **schema,
        "properties": {**schema.get("properties", {}), difference.name: difference.finding.extra["schema"]},
    }


def _with_values(schema: SchemaData, difference: ObservedDifference) -> SchemaData:
    """Return the schema with all observed values added to those that it lists; may raise `NotExpressibleError`."""
    facts = Facts()
    for place in difference.places():
        facts.add(difference.observation.places[place])
    if facts.others:
        raise NotExpressibleError("there are more values than an enumeration lists")
    listed = listed_values(schema) or []
    listed_texts = {json.dumps(value) for value in listed}
    values = [json.loads(text) for text, count in sorted(facts.values.items()) if count]
    unlisted = [value for value in values if json.dumps(value) not in listed_texts]
    if not listed or not unlisted:
        raise NotExpressibleError("the values are listed at several locations")
    without_const = {key: value for key, value in schema.items() if key != "const"}
    return {**without_const, "enum": [*listed, *unlisted]}


def _with_branch(schema: SchemaData, branch: SchemaData) -> SchemaData:
    """Return the schema with one more branch."""
    keyword = "oneOf" if "oneOf" in schema else "anyOf"
    if keyword == "oneOf" and branch == {"type": "number"}:
        # An integer is a number too: it would match two alternatives, which `oneOf` rejects.
        branch = {**branch, "not": {"type": "integer"}}
    return {**schema, keyword: [*schema[keyword], branch]}


def _with_type(schema: SchemaData, difference: ObservedDifference) -> SchemaData:
    """Return the schema with the observed type added, or with an alternative of that type."""
    name = str(difference.finding.observed)
    types = named_types(schema)
    if types and name not in types and name not in ("object", "array"):
        return {**schema, "type": [*types, name]}
    # A type alone would accept any object and any list, so the schema describes those that were observed.
    place = next(place for place in difference.places() if difference.observation.places[place].types[name])
    part = inferred_schema(difference.observation, place, name)
    if not types and ("oneOf" in schema or "anyOf" in schema):
        return _with_branch(schema, part)
    return {"anyOf": [schema, part]}


def _with_other_values(schema: SchemaData, difference: ObservedDifference) -> SchemaData:
    """Return an `anyOf` of the schema and the observed values; as part of a `oneOf`, a value could match twice.

    Raises `NotExpressibleError` if only a type describes the values.
    """
    if difference.finding.extra["schema"].keys() == {"type"}:
        raise NotExpressibleError("no documented property was present that could describe it")
    return {"anyOf": [schema, difference.finding.extra["schema"]]}


def _with_optional_property(schema: SchemaData, difference: ObservedDifference) -> SchemaData:
    """Return the schema without the requirement of a missing property, or else with a branch for objects without it."""
    if difference.name in schema.get("required", ()):
        return {**schema, "required": [name for name in schema["required"] if name != difference.name]}
    # The property distinguishes the branches. An object without it matches none of them, so it becomes a new branch.
    location, _ = split_location(difference.finding.location)
    parent = ObservedLocation(difference.finding.operation, difference.finding.extra["status"], location)
    branch = inferred_schema(difference.observation, parent, "object")
    branch.get("properties", {}).pop(difference.name, None)
    return _with_branch(schema, {**branch, "not": {"required": [difference.name]}})


def _with_tagged_branch(schema: SchemaData, difference: ObservedDifference) -> SchemaData:
    """Return the schema with a branch for the objects with an unknown tag."""
    return _with_branch(schema, {"type": "object", **difference.finding.extra["schema"]})


def _without_format(schema: SchemaData, _difference: ObservedDifference) -> SchemaData:
    """Return the schema without its format."""
    return {key: value for key, value in schema.items() if key != "format"}


_EDITS: Mapping[str, Callable[[SchemaData, ObservedDifference], SchemaData]] = {
    "undocumented-property": _with_property,
    "unlisted-value": _with_values,
    "new-branch": _with_tagged_branch,
    "alternatives": _with_other_values,
    "type": _with_type,
    "null": _with_type,
    "format": _without_format,
    "missing": _with_optional_property,
}
"""Functions that change a schema so that it admits a kind of difference, or raise `NotExpressibleError`."""


_ANNOTATIONS = frozenset({"title", "description", "summary", "deprecated", "examples", "example", "$comment"})


def with_value(document: Mapping[str, Any], pointer: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a document with the object at a pointer replaced."""
    changed: dict[str, Any] = rewrite_objects(document, {pointer: lambda _: unshared_copy(value)})
    return changed


def first_shared(document: Mapping[str, Any], ref_chain: Sequence[str], pointer: str) -> str | None:
    """Return the pointer of the first reference in a chain whose target is also used elsewhere; None without one."""
    objects = [schema for schema in keyword_objects(document) if "$ref" in schema.value]
    targets = {schema.pointer: f"{unquote(str(schema.value['$ref'])[1:])}/" for schema in objects}
    for site, inside in pairwise((*ref_chain, pointer)):
        if [referrer for referrer, target in targets.items() if f"{inside}/".startswith(target)] != [site]:
            return site
    return None


def with_target_inlined(document: Mapping[str, Any], site: str) -> dict[str, Any]:
    """Return the document with a reference replaced by a copy of its target.

    Changing a shared component would accept at one location what was observed at another.
    """
    reference = value_at(document, site)
    target = value_at(document, unquote(reference["$ref"][1:]))
    beside = {key: value for key, value in reference.items() if key != "$ref"}
    if isinstance(target, Mapping) and beside.keys() <= _ANNOTATIONS:
        return with_value(document, site, {**target, **beside})
    return with_value(document, site, {"allOf": [target], **beside})
