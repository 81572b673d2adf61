"""The responder: a request in, an answer out; no sockets, no clock. It keeps what the mock plays at the moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from threading import Lock

from pytest_bctrl.contract.key_fields import BEARER
from pytest_bctrl.contract.model import Operation, ResponseSpec
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import RoundRobin
from pytest_bctrl.secret import Secret
from pytest_bctrl.traffic.mock.change import Fault, FaultInPlay, Scene
from pytest_bctrl.traffic.mock.message import Answer, Payload, Request, accepts, preferred_status, usable_request_id
from pytest_bctrl.traffic.mock.refusal import SEED, Admission, Refusals, Refused, challenge, completed
from pytest_bctrl.traffic.mock.routes import Match, Routes
from pytest_bctrl.traffic.mock.scenarios import Scenario, Source, fixed


def _own_sample(samples: Samples) -> Source:
    return fixed(samples.sample)


class Responder:
    """Answers as the contract says the API does, for one key and one space, in a scenario and with faults.

    It is the one place where the mock keeps what changes; safe to use from several threads. `source` gives the bodies
    of the main operation; `successes` is the number of its latest successful answer, counted from zero. `others` are
    the samples of the operations beside it, by label.
    """

    def __init__(
        self, samples: Samples, others: Mapping[str, Samples], source: Source, key: Secret, space_id: str
    ) -> None:
        contract = self._contract = samples.contract
        self._samples = samples
        self._others = others
        self._first = source
        self._key = key
        self._refusals = Refusals(contract)
        self._lock = Lock()
        self._routes = Routes(contract)
        self._usual = {
            operation.label: operation.success or ResponseSpec("204", "", {}, ()) for operation in contract.operations
        }
        self._admissions = {
            operation.label: Admission(contract, operation, key, space_id) for operation in contract.operations
        }
        self.reset()

    def respond(self, request: Request) -> Answer:
        """Return the answer to one request, as scenario and faults leave it."""
        request_id = self._request_id(request)
        match = self._routes.match(request.target)
        operation = match.of(request.method) if match else None
        answer = self._answer(request, match, operation, request_id)
        asked = operation or self._samples.operation
        if operation is not None:
            answer = completed(self._contract, operation, answer)

        def granted() -> Answer:
            return completed(self._contract, asked, self._success(Request("GET", request.target), asked, request_id))

        return self._play(request, answer, granted, asked)

    def refuse(self, status: int, message: str) -> Answer:
        """Return the answer to what was no proper request, such as 400 to garbage; no fault changes it."""
        return self._errors.answer(status, message, self._next_request_id())

    def _request_id(self, request: Request) -> str:
        given = usable_request_id(request.header("x-request-id"))
        # A key that strayed into this field must not come back in header, body and journal.
        return given if given and self._key.reveal() not in given else self._next_request_id()

    def _answer(self, request: Request, match: Match | None, operation: Operation | None, request_id: str) -> Answer:
        if match is None:
            if request.method == "OPTIONS" and request.target == "*":
                return Answer(204, (("Allow", "GET, HEAD, OPTIONS"), ("X-Request-Id", request_id)))
            known = ", ".join(dict.fromkeys(operation.path for operation in self._contract.operations))
            return self._errors.answer(404, f"there is nothing at this path; the contract has {known}", request_id)
        if request.method == "OPTIONS" and "OPTIONS" not in match.operations:
            return Answer(204, (("Allow", match.allow), ("X-Request-Id", request_id)))
        if operation is None:
            return self._errors.answer(
                405, f"this path does not take {request.method}", request_id, headers={"Allow": match.allow}
            )
        return self._refusal(request, operation, match, request_id) or self._success(request, operation, request_id)

    def _refusal(self, request: Request, operation: Operation, match: Match, request_id: str) -> Answer | None:
        refused = self._admissions[operation.label].refusal(request, match.values)
        media = (self._usual[operation.label].json or ("",))[0]
        is_taken = not media or accepts(request.header("accept"), media.partition(";")[0].strip())
        if not is_taken and (refused is None or refused.status != 401):
            refused = Refused(406, f"this operation answers with {media}")
        if refused is None:
            return None
        status, reason, headers = refused
        return self._errors.answer(status, reason, request_id, operation=operation, headers=headers)

    def _non_json(self, response: ResponseSpec, request_id: str) -> Answer:
        """An answer in the first documented media type, with a text that its schema allows; bare without one."""
        identified = ("X-Request-Id", request_id)
        for media, schema in response.content.items():
            value = Builder(self._contract, RoundRobin(SEED)).value(schema)
            body = value if isinstance(value, str) else "a sample"
            # A range of media types is none.
            fields = (("Content-Type", "text/plain" if "*" in media else media), identified)
            return Answer(response.code, fields, Payload(body.encode()))
        return Answer(response.code, (identified,))

    def _success(self, request: Request, operation: Operation, request_id: str) -> Answer:
        status = preferred_status(request.header("prefer"))
        usual = self._usual[operation.label]
        if status is None or status == usual.code:
            if usual.json is None:
                return self._non_json(usual, request_id)
            number = self._next_success() if operation is self._samples.operation else 0
            payload = self._source_of(operation).payload(number)
            return Answer(usual.code, (("Content-Type", usual.json[0]), ("X-Request-Id", request_id)), payload)
        applied = {"Preference-Applied": f"code={status}"}
        if status == 429:
            applied["Retry-After"] = "1"
        if status < 400:
            return Answer(status, (*applied.items(), ("X-Request-Id", request_id)))
        if status == 401:
            applied["WWW-Authenticate"] = challenge(BEARER, given=True)
        message = f"this status was asked for with Prefer: code={status}"
        return self._errors.answer(status, message, request_id, operation=operation, headers=applied)

    def reset(self) -> None:
        """Go back to how it was made: first source, plain answers, no faults, counters at zero."""
        self._faults: tuple[FaultInPlay, ...] = ()
        self._request_ids = count(1)
        self._requests = count(1)
        self.set(Scenario("as made"))

    def set(self, scenario: Scenario, source_for: Callable[[Samples], Source] = _own_sample) -> None:
        """Play a scenario in place of the one before; faults stay.

        `source_for` makes, from its samples, the bodies of an operation beside the main one.
        """
        self.source = scenario.source or self._first
        self._sources: dict[str, Source] = {}
        self._source_for = source_for
        self._transform = scenario.transform
        self._errors = scenario.errors or self._refusals
        self._successes = count()
        self.successes = 0

    def _source_of(self, operation: Operation) -> Source:
        """Return where the bodies of an operation come from; made when it is first asked for."""
        if operation is self._samples.operation:
            return self.source
        sources = self._sources
        if operation.label not in sources:
            sources[operation.label] = self._source_for(self._others[operation.label])
        return sources[operation.label]

    def add(self, fault: Fault) -> FaultInPlay:
        """Put a fault on stage, after those that are there already."""
        added = FaultInPlay(fault, self._remove)
        with self._lock:
            self._faults = (*self._faults, added)
        return added

    @property
    def faults(self) -> tuple[FaultInPlay, ...]:
        """The faults on stage, in the order in which they are applied."""
        return self._faults

    def _next_request_id(self) -> str:
        """Return the next request id: a number, so that the same run gives the same ids."""
        return f"req_{next(self._request_ids):08d}"

    def _next_success(self) -> int:
        """Return the number of the next successful answer, counted from zero."""
        self.successes = next(self._successes)
        return self.successes

    def _play(self, request: Request, answer: Answer, granted: Callable[[], Answer], operation: Operation) -> Answer:
        """Return `answer` as the scenario dresses it and then the faults leave it.

        `granted` gives the successful answer, whatever credential and space the request has.
        """
        transform, faults = self._transform, self._faults
        if transform is None and not faults:
            return answer
        samples = self._others.get(operation.label, self._samples)
        scene = Scene(request, answer, self._errors, samples, granted, next(self._requests))
        if transform is not None:
            scene = replace(scene, answer=transform(scene))
        for fault in faults:
            scene = replace(scene, answer=fault.apply(scene))
        return scene.answer

    def _remove(self, fault: FaultInPlay) -> None:
        with self._lock:
            self._faults = tuple(one for one in self._faults if one is not fault)
