"""What was seen, as an overlay: applied after the contract's own, it admits exactly that and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, TypeAlias

from pytest_bctrl.contract import overlay as overlays
from pytest_bctrl.contract.model import Contract, Operation, at, covers, escaped, is_json, referred
from pytest_bctrl.contract.overlay import Action, actions
from pytest_bctrl.contract.read import from_document, from_sound
from pytest_bctrl.finding import Finding
from pytest_bctrl.observed.admit import Seen, UnsayableError, admitted, first_shared, inlined, with_value
from pytest_bctrl.observed.differences import every_difference
from pytest_bctrl.observed.facts import Observation, Place, inferred

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
    work = _Work(overlays.fresh(contract.document))
    while True:
        current = from_sound(work.document, contract.name)
        found = [*every_difference(current, observation), *_media_types(contract, current, observation)]
        waiting = [one for one in found if _key(one) not in work.unsaid]
        if not waiting:
            break
        finding = _together(min(waiting, key=_turn), waiting)
        try:
            work.take(*_step(current, work.document, finding, observation), finding)
        except UnsayableError as error:
            work.give_up(finding, str(error))
    overlay = {"overlay": "1.0.0", "info": dict(_INFO), "actions": work.actions}
    proven = from_document(work.document, contract.name) if work.actions else contract
    return Suggestion(overlay, proven, tuple(work.admitted.values()), tuple(work.unsaid.values()))


_INFO = {"title": "What the API was seen to send", "version": "1.0.0"}


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
    return with_value(document, goal, admitted(at(document, goal), seen)), why, goal


def _documented(document: Mapping[str, Any], goal: str, finding: Finding, observation: Observation) -> dict[str, Any]:
    """The document with a response for a status: the body as it was seen, or none."""
    code = finding.extra["status"]
    known = {status.value: status.phrase for status in HTTPStatus}
    response: dict[str, Any] = {"description": known.get(int(code), f"Status {code}")}
    body = Place(finding.operation, code, "")
    if body in observation.places:
        response["content"] = {"application/json": {"schema": inferred(observation, body)}}
    return with_value(document, goal, {**at(document, goal), code: response})


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
        pointer = f"/paths/{escaped(operation.path)}/{operation.method.lower()}/responses"
        extra = {"kind": kind, "status": code, "pointer": pointer}
        total = observation.statuses[label, code]
        rule, location = "content_type_conformance", "$"
        yield Finding(rule, "error", location, problem, None, media, count, total, operation=label, extra=extra)


def _documents(operation: Operation, code: str, media: str) -> bool:
    spec = operation.response_for(int(code))
    return spec is not None and any(covers(one, media) for one in spec.content)


def _with_media_type(document: Mapping[str, Any], goal: str, finding: Finding) -> dict[str, Any]:
    """The document with a media type for a status, nothing said of its bodies: nothing was learned of them."""
    media, code = finding.observed, finding.extra["status"]
    if not _MEDIA_TYPE.fullmatch(media):
        raise UnsayableError("it is not the name of one")
    responses = at(document, goal)
    # YAML may have read a status as a number.
    keys = {str(key): key for key in responses}
    given = next(responses[keys[name]] for name in (code, f"{code[0]}XX", f"{code[0]}xx", "default") if name in keys)
    *_, given = referred(document, given, NAME)
    response = {**given, "content": {**given.get("content", {}), media: {}}}
    return with_value(document, goal, {**responses, keys.get(code, code): response})


_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+")
