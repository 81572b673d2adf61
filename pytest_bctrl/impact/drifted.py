"""The changes between the contract in force and another spec: each finding of the drift gate, as it is played.

Here is what changes an answer as a whole: it is refused, or its status, media type or a header field is another one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property

from pytest_bctrl.contract.model import Contract, Operation, Parameter, ResponseSpec
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.finding import Finding
from pytest_bctrl.impact.change import Call, Change, Play
from pytest_bctrl.impact.side import Side, is_at, shapes
from pytest_bctrl.impact.values import Values
from pytest_bctrl.samples.text import encode
from pytest_bctrl.secret import Secret
from pytest_bctrl.traffic.mock.message import Answer, Payload, with_headers
from pytest_bctrl.traffic.mock.refusal import Admission, Refusals, Refused
from pytest_bctrl.traffic.mock.routes import Routes

_NOTHING_SENT = "it changes no request and no answer"
_NOTHING_SHOWS = "no answer that shows it could be made"
_GONE = ("api-path-removed", "api-removed")
_PARAMETER_PLACES = ("query", "header", "cookie")


def drifted(findings: Sequence[Finding], old: Contract, new: Contract, key: Secret, space_id: str) -> list[Change]:
    """Return a change for each finding; what cannot be played says why."""
    sides = Side(old), Side(new)
    whole, values = _Whole(*sides, key, space_id), Values(*sides, findings)
    return [whole.change(finding) or values.change(finding) for finding in findings]


class _Whole:
    """What each finding makes of an answer as a whole."""

    def __init__(self, old: Side, new: Side, key: Secret, space_id: str) -> None:
        self._old, self._new = old, new
        self._key = key
        self._space_id = space_id
        self._routes = Routes(new.contract)

    @cached_property
    def _refusals(self) -> Refusals:
        return Refusals(self._new.contract)

    def change(self, finding: Finding) -> Change | None:
        """Return one finding as a change; None where it is about values of a body."""
        rule, concerned = finding.rule, tuple(shapes(finding))
        if rule.startswith(_GONE):
            return Change(finding, "drift", self._gone(concerned), asks=concerned)
        if rule.startswith(("api-security", "api-global-security")) and finding.level != "info":
            play = self._refused(finding, lambda one: replace(one, parameters=()))
            return Change(finding, "drift", play, asks=concerned or tuple(self._old.operations))
        if finding.direction == "request":
            return self._of_request(finding)
        if finding.direction != "response":
            return Change(finding, "drift", why_not=_NOTHING_SENT)
        if "-status-" in rule:
            return self._of_status(finding)
        if rule.startswith("response-media-type"):
            return Change(finding, "drift", self._with_media_type(finding))
        if finding.location.startswith("header ") or "response-header" in rule:
            return self._with_header(finding)
        return None

    def _gone(self, gone: Sequence[str]) -> Play:
        def play(call: Call) -> Answer:
            if call.shape not in gone:
                return call.answer
            match = self._routes.match(call.request.target)
            refused = Refused(404, "the operation is gone")
            # Where a path with parameters fits in its place, it names nothing by it.
            if match and not match.of(call.request.method):
                refused = refused._replace(status=405, headers={"Allow": match.allow})
            return self._answer(call, refused)

        return play

    def _of_request(self, finding: Finding) -> Change:
        place, _, name = finding.location.partition(" ")
        if place not in _PARAMETER_PLACES:
            what = "the mock reads no request body" if place == "requestBody" else "the mock takes any value there"
            return Change(finding, "drift", why_not=what)
        is_demanded = "required" in finding.rule

        def demanding(operation: Operation) -> Operation:
            own = [one for one in operation.parameters if one.place == place and _is_of(name, one)]
            taken = [] if finding.level == "info" else [replace(one, required=is_demanded) for one in own]
            return replace(operation, parameters=tuple(taken), security=())

        return Change(finding, "drift", self._refused(finding, demanding), asks=tuple(shapes(finding)))

    def _refused(self, finding: Finding, demanding: Callable[[Operation], Operation]) -> Play:
        """Refuse what the new operation would refuse for what is `demanding` of it alone."""
        concerned = shapes(finding)
        admissions = {
            name: Admission(self._new.contract, demanding(operation), self._key, self._space_id)
            for name, operation in self._new.operations.items()
            if name in concerned or not concerned
        }

        def play(call: Call) -> Answer:
            admission = admissions.get(call.shape)
            refused = admission.refusal(call.request, call.values) if admission and call.answer.status < 400 else None
            return call.answer if refused is None else self._answer(call, refused)

        return play

    def _answer(self, call: Call, refused: Refused) -> Answer:
        status, reason, headers = refused
        operation, request_id = self._new.operations.get(call.shape), call.answer.header("x-request-id") or ""
        return self._refusals.answer(status, reason, request_id, operation=operation, headers=headers)

    def _of_status(self, finding: Finding) -> Change:
        """A status that is gone, or new. When an error is answered no spec says, so that nothing can be played."""
        if "non-success" in finding.rule:
            return Change(finding, "drift", why_not="no spec says when an error is answered")
        is_removed, status = finding.rule.endswith("removed"), str(finding.extra.get("status", ""))
        responses: dict[str, ResponseSpec] = {}
        for name in shapes(finding):
            new = self._new.operations.get(name)
            if new is not None and new.success is not None and not (is_removed and status in new.responses):
                responses[name] = new.success if is_removed else new.responses.get(status, new.success)
        if not responses:
            return Change(finding, "drift", why_not="the new spec has no other success")

        def play(call: Call) -> Answer:
            response = responses.get(call.shape)
            if response is None or not 200 <= call.answer.status < 300:
                return call.answer
            # Of a range, another one than before: any may be sent now.
            status_sent = response.code + (6 if finding.rule.endswith("generalized") else 0)
            if response.json is None:
                return _without_body(call.answer, status_sent)
            name, schema = response.json
            payload = call.answer.payload
            if self._new.refuses(schema, payload.body):
                payload = next((Payload(encode(one)) for one in self._new.bodies(schema)), payload)
            return with_headers(replace(call.answer, status=status_sent, payload=payload), {"Content-Type": name})

        return Change(finding, "drift", play)

    def _with_media_type(self, finding: Finding) -> Play:
        was = str(finding.expected).partition(";")[0].lower()

        def play(call: Call) -> Answer:
            new = self._new.operations.get(call.shape)
            response = new.response_for(call.answer.status) if new else None
            given = (call.answer.header("content-type") or "").partition(";")[0].lower()
            is_concerned = any(is_at(call, place) for place in finding.extra["places"])
            if response is None or not is_concerned or not given or not fnmatchcase(given, was):
                return call.answer
            name = finding.observed or next(iter(response.content), None)
            if name is None:
                return _without_body(call.answer, call.answer.status)
            payload = call.answer.payload if is_json(name) or "*" in name else Payload(f"it is in {name}".encode())
            name = name.replace("*/", "application/").replace("*", "x-another")
            return with_headers(replace(call.answer, payload=payload), {"Content-Type": name})

        return play

    def _with_header(self, finding: Finding) -> Change:
        """Leave a header field out, or give it the value of the gate's example."""
        name = finding.location.removeprefix("header ").split(" ")[0]
        given = finding.extra.get("shown", {})
        value = given.get("value")
        text = value if isinstance(value, str) else json.dumps(value)
        is_gone = finding.rule.endswith(("header-removed", "header-became-optional"))
        if not is_gone and not (given.get("by") == "counterexample" and text.isprintable() and text.isascii()):
            return Change(finding, "drift", why_not=_NOTHING_SHOWS)

        def play(call: Call) -> Answer:
            is_there = call.answer.header(name) is not None
            if (is_gone and not is_there) or not any(is_at(call, place) for place in finding.extra["places"]):
                return call.answer
            return with_headers(call.answer, {name: None if is_gone else text})

        return Change(finding, "drift", play)


def _is_of(location: str, parameter: Parameter) -> bool:
    """Whether the place of a parameter's value, such as `limit` or `filter.name`, is in this parameter."""
    name = parameter.name.lower() if parameter.place == "header" else parameter.name
    return location == name or location.startswith((f"{name}.", f"{name}[", f"{name} "))


def _without_body(answer: Answer, status: int) -> Answer:
    return with_headers(replace(answer, status=status, payload=Payload(b"")), {"Content-Type": None})
