"""The changes between the contract in force and another spec: each finding of the drift gate, as it is played."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation, Schema
from pytest_bctrl.contract.schema.invariant import Invariant
from pytest_bctrl.contract.schema.locations import Path, generalised, select, shown
from pytest_bctrl.contract.schema.shapes import located, replaced
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.finding import Finding
from pytest_bctrl.impact.change import REMOVED, BodyChange, Call, Change, Play, body_play, put
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.text import RoundRobin, encode
from pytest_bctrl.secret import Secret
from pytest_bctrl.traffic.mock.message import Answer, Payload, with_headers
from pytest_bctrl.traffic.mock.refusal import Admission, Refusals, Refused
from pytest_bctrl.traffic.mock.routes import Routes

_DRAWS = 12
_NOTHING_SENT = "it changes no request and no answer"
_GONE = ("api-path-removed", "api-removed")
_PARAMETER_PLACES = ("query", "header", "cookie")


def drifted(findings: Sequence[Finding], old: Contract, new: Contract, key: Secret, space_id: str) -> list[Change]:
    """Return a change for each finding; what cannot be played says why."""
    sides = _Sides(findings, old, new, key, space_id)
    return [sides.change(finding) for finding in findings]


class _Sides:
    """The two contracts, and what the new one makes of a request or an answer of the old one."""

    def __init__(self, findings: Sequence[Finding], old: Contract, new: Contract, key: Secret, space_id: str) -> None:
        self._old = {operation.label: operation for operation in old.operations}
        self._new = {operation.label: operation for operation in new.operations}
        self._contracts = old, new
        self._key = key
        self._space_id = space_id
        self._routes = Routes(new)
        self._bodies: dict[int, list[Any]] = {}
        self._unique = _unique_places(old)
        # The values that the new contract has no more, by their place: where one stands, a new one takes its place.
        self._removed: dict[str, list[Any]] = {}
        for finding in findings:
            if finding.rule.endswith("enum-value-removed"):
                self._removed.setdefault(finding.location, []).append(finding.expected)

    @cached_property
    def _refusals(self) -> Refusals:
        return Refusals(self._contracts[1])

    def change(self, finding: Finding) -> Change:
        """Return one finding as a change."""
        rule = finding.rule
        if rule.startswith(_GONE):
            return Change(finding, "drift", self._gone(finding.operation), asks=(finding.operation,))
        if rule.startswith(("api-security", "api-global-security")) and finding.level != "info":
            play = self._refused(finding, lambda one: replace(one, parameters=()))
            return Change(finding, "drift", play, asks=tuple(_labels(finding)) or tuple(self._old))
        if finding.direction == "request":
            return self._of_request(finding)
        if finding.direction == "response":
            return self._of_response(finding)
        return Change(finding, "drift", why_not=_NOTHING_SENT)

    def _gone(self, label: str) -> Play:
        def play(call: Call) -> Answer:
            match = self._routes.match(call.request.target)
            if call.operation is None or call.operation.label != label or (match and match.of(call.request.method)):
                return call.answer
            refused = Refused(405 if match else 404, "the operation is gone", {"Allow": match.allow} if match else {})
            return self._answer(call, refused, None)

        return play

    def _of_request(self, finding: Finding) -> Change:
        place, _, name = finding.location.partition(" ")
        if place not in _PARAMETER_PLACES:
            what = "the mock reads no request body" if place == "requestBody" else "the mock takes any value there"
            return Change(finding, "drift", why_not=what)

        def demanding(operation: Operation) -> Operation:
            own = [one for one in operation.parameters if one.place == place and _is_of(name, one.name)]
            return replace(operation, parameters=tuple(own), security=())

        return Change(finding, "drift", self._refused(finding, demanding), asks=tuple(_labels(finding)))

    def _refused(self, finding: Finding, demanding: Callable[[Operation], Operation]) -> Play:
        """Refuse what the new operation would refuse for what is `demanding` of it alone."""
        labels = _labels(finding)
        admissions = {
            label: Admission(self._contracts[1], demanding(operation), self._key, self._space_id)
            for label, operation in self._new.items()
            if label in labels or not labels
        }

        def play(call: Call) -> Answer:
            admission = admissions.get(call.operation.label) if call.operation else None
            refused = admission.refusal(call.request, call.values) if admission and call.answer.status < 400 else None
            return call.answer if refused is None else self._answer(call, refused, call.operation)

        return play

    def _answer(self, call: Call, refused: Refused, operation: Operation | None) -> Answer:
        new = self._new.get(operation.label) if operation else None
        request_id = call.answer.header("x-request-id") or ""
        return self._refusals.answer(
            refused.status, refused.reason, request_id, operation=new, headers=refused.headers or None
        )

    def _of_response(self, finding: Finding) -> Change:
        rule, location = finding.rule, finding.location
        if "status" in rule:
            return self._of_status(finding)
        if "media-type" in rule:
            return Change(finding, "drift", self._with_media_type(finding))
        if location.startswith("header ") or "response-header" in rule:
            return Change(finding, "drift", self._with_header(finding, location.removeprefix("header ").split(" ")[0]))
        candidates = list(self._candidates(finding))
        if not candidates:
            return Change(finding, "drift", why_not="no answer that shows it could be made")
        places = [one for one in finding.extra["places"] if "status" in one]

        def concerns(call: Call) -> bool:
            return _is_concerned(call, places)

        play = body_play(self._showing(finding, candidates), concerns)
        others = self._same_type(finding, *candidates[0])
        control = body_play(_with_another(location, others), concerns) if others else None
        return Change(finding, "drift", play, locations=(shown(location),), control=control)

    def _same_type(self, finding: Finding, location: str, value: Any) -> list[Any]:
        """Other values of the place that the old contract allows, if they are of the type that the new one is of."""
        samples = self._samples(self._schema(finding, 0), 0)
        found = [one for body in samples for _, one in select(body, location)]
        return [one for one in found if type(one) is type(value) and one not in ([], {})]

    def _showing(self, finding: Finding, candidates: list[tuple[str, Any]]) -> BodyChange:
        """Put the first candidate into a body that the old contract then refuses, where it has to."""
        old = self._contracts[0]
        before = self._schema(finding, 0)
        breaks = finding.level == "error"
        after = None if breaks else self._schema_at(finding)

        def stays(value: Any) -> bool:
            return after is not None and accepts(self._contracts[1], after, value)

        def change(body: Any) -> Any:
            was_kept = before is not None and accepts(old, before, body)
            for location, value in candidates:
                first = self._removed.get(location, ())
                made = put(body, location, value, once=location in self._unique, first=first, stays=stays)
                if made is body or made == body:
                    continue
                if not breaks or not was_kept or before is None or not accepts(old, before, made):
                    return made
            return body

        return change

    def _candidates(self, finding: Finding) -> Iterator[tuple[str, Any]]:
        """Places and values, or their absence, that show a change: the gate's own example before further samples."""
        given = finding.extra.get("shown", {})
        location = finding.location
        if "property-removed" in finding.rule:
            # The gate's example may have anything there, which no document describes any more.
            yield location, REMOVED
        if given.get("by") == "counterexample":
            way, value = str(given["of"]).removeprefix("."), given["value"]
            rest = location.removeprefix(way).removeprefix(".") if location.startswith(way) else ""
            path, there = _followed(value, str(given["at"]))
            at = "" if not path else generalised(path)
            whole = ".".join(filter(None, (way, at))).replace(".[", "[")
            found = next((one for _, one in select(value, rest)), REMOVED) if rest else value
            if found is not REMOVED:
                yield location, found
            elif location != whole:
                yield location, REMOVED
            if there is not REMOVED:
                yield whole, there
        seen: list[Any] = []
        for body in self._samples(self._schema(finding, 1), 1):
            for _, value in select(body, location):
                if value not in seen and len(seen) < _DRAWS:
                    seen.append(value)
                    yield location, value

    def _schema(self, finding: Finding, side: int) -> Schema | None:
        """The schema of the first JSON body that a finding is about, on one side."""
        operations = (self._old, self._new)[side]
        for place in finding.extra["places"]:
            operation = operations.get(place["operation"])
            status = str(place.get("status", ""))
            response = operation.responses.get(status) if operation else None
            if response is not None and response.json is not None:
                return response.json[1]
        return None

    def _schema_at(self, finding: Finding) -> Schema | None:
        """The schema that the new contract has at the place of a finding: a value that it allows stays as it is."""
        schema, new = self._schema(finding, 1), self._contracts[1]
        spots = (spot for body in self._samples(schema, 1) for spot in located(new, schema or {}, body))
        return next((spot.schema for spot in spots if spot.location == finding.location), None)

    def _samples(self, schema: Schema | None, side: int) -> list[Any]:
        """Bodies that a schema of one side allows; none where none can be made."""
        if schema is None:
            return []
        if id(schema) not in self._bodies:
            builder, made = Builder(self._contracts[side], RoundRobin(1)), []
            for _ in range(_DRAWS):
                try:
                    made.append(builder.value(schema))
                except BctrlError:
                    break
            self._bodies[id(schema)] = made
        return self._bodies[id(schema)]

    def _of_status(self, finding: Finding) -> Change:
        """A status that is gone, or new. When an error is answered no spec says, so that nothing can be played."""
        if "non-success" in finding.rule:
            return Change(finding, "drift", why_not="no spec says when an error is answered")
        is_removed, status = finding.rule.endswith("removed"), str(finding.extra.get("status", ""))
        new = self._new.get(finding.operation)
        if new is None or new.success is None or (is_removed and status in new.responses):
            return Change(finding, "drift", why_not="the new spec has no other success")
        response = new.success if is_removed else new.responses.get(status, new.success)

        def play(call: Call) -> Answer:
            is_success = 200 <= call.answer.status < 300
            if call.operation is None or call.operation.label != finding.operation or not is_success:
                return call.answer
            if response.json is None:
                kept = with_headers(call.answer.headers, {"Content-Type": None})
                return replace(call.answer, status=response.code, headers=kept, payload=Payload(b""))
            headers = with_headers(call.answer.headers, {"Content-Type": response.json[0]})
            payload, schema = call.answer.payload, response.json[1]
            if not is_removed and not accepts(self._contracts[1], schema, json.loads(payload.body or b"0")):
                payload = next((Payload(encode(one)) for one in self._samples(schema, 1)), payload)
            return replace(call.answer, status=response.code, headers=headers, payload=payload)

        return Change(finding, "drift", play)

    def _with_media_type(self, finding: Finding) -> Play:
        labels = _labels(finding)

        def play(call: Call) -> Answer:
            new = self._new.get(call.operation.label) if call.operation and call.operation.label in labels else None
            response = new.response_for(call.answer.status) if new else None
            names = list(response.content) if response else []
            given = (call.answer.header("content-type") or "").partition(";")[0].lower()
            if not names or not given or given in (name.partition(";")[0].lower() for name in names):
                return call.answer
            return replace(call.answer, headers=with_headers(call.answer.headers, {"Content-Type": names[0]}))

        return play

    def _with_header(self, finding: Finding, name: str) -> Play:
        """Leave a header field out, or give it the value of the gate's example."""
        places, given = finding.extra["places"], finding.extra.get("shown", {})
        value = given.get("value")
        text = value if isinstance(value, str) else json.dumps(value)
        is_gone = finding.rule.endswith(("header-removed", "header-became-optional"))
        is_shown = given.get("by") == "counterexample" and not is_gone and text.isprintable() and text.isascii()

        def play(call: Call) -> Answer:
            is_there = call.answer.header(name) is not None
            if not _is_concerned(call, places) or not (is_shown or (is_gone and is_there)):
                return call.answer
            headers = with_headers(call.answer.headers, {name: text if is_shown else None})
            return replace(call.answer, headers=headers)

        return play


def _labels(finding: Finding) -> set[str]:
    return {place["operation"] for place in finding.extra.get("places", ()) if place["operation"]}


def _is_of(location: str, name: str) -> bool:
    """Whether the place of a parameter's value, such as `limit` or `filter.name`, is in the parameter of a name."""
    return location == name or location.startswith((f"{name}.", f"{name}[", f"{name} "))


def _is_concerned(call: Call, places: Sequence[Mapping[str, str]]) -> bool:
    if call.operation is None:
        return False
    status = call.answer.status
    known = {str(status), f"{status // 100}XX", "default"}
    return any(one["operation"] == call.operation.label and one["status"] in known for one in places)


def _followed(value: Any, pointer: str) -> tuple[Path, Any]:
    """A JSON pointer as the path in a value, and what stands there; `REMOVED` where nothing does."""
    path: Path = ()
    for token in pointer.split("/")[1:]:
        key: Any = int(token) if isinstance(value, list) else token.replace("~1", "/").replace("~0", "~")
        path = (*path, key)
        try:
            value = value[key]
        except (LookupError, TypeError):
            value = REMOVED
    return path, value


def _with_another(location: str, others: Sequence[Any]) -> BodyChange:
    """Put another value than the present one in each place that a location names."""

    def change(body: Any) -> Any:
        for path, value in select(body, location):
            body = replaced(body, path, next((one for one in others if one != value), value))
        return body

    return change


def _unique_places(contract: Contract) -> set[str]:
    """The places whose values must differ from item to item."""
    rules = (rule for one in contract.operations for said in one.invariants for rule in Invariant.of(said))
    return {rule.location for rule in rules if rule.keyword == "unique"}
