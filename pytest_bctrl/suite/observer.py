"""The one observer of a run: what every answer showed, whoever asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.observed.facts import Observation, as_data, from_data
from pytest_bctrl.traffic.mock.routes import Routes

Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request and its answer, as far as observing needs them; `body` has no content coding any more."""

    method: str
    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    request_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


class Observer:
    """Takes down what answers show, in bounded memory.

    `hide` takes secrets out of what is taken down.

    `judged` is what other tests hold to the contract, or what is broken on purpose: it counts for coverage alone.
    `unjudged` is the traffic of ordinary tests, whose differences from the contract nobody else would tell.
    """

    def __init__(self, contract: Contract, hide: Callable[[str], str] = str) -> None:
        self.contract = contract
        self.judged = Observation()
        self.unjudged = Observation()
        self._routes = Routes(contract)
        self._hide = hide
        # A test may ask from several threads.
        self._lock = Lock()

    @property
    def everything(self) -> Observation:
        """All that was seen."""
        both = Observation()
        both.add(self.judged)
        both.add(self.unjudged)
        return both

    def see(self, seen: Seen, *, judged: bool) -> bool:
        """Take down one answer; return whether it is one of an operation of the contract."""
        parts = urlsplit(seen.url)
        match = self._routes.match(parts.path)
        operation = match.operations.get(seen.method) if match is not None else None
        if operation is None or match is None:
            return False
        answer = Answer(self.contract, operation, seen.status, tuple(seen.headers), seen.body, match.values)
        self.see_answer(answer, judged=judged, query=parts.query, request_headers=seen.request_headers)
        return True

    def see_answer(
        self, answer: Answer, *, judged: bool = True, query: str = "", request_headers: Headers = ()
    ) -> None:
        """Take down one answer that was read already."""
        # Values and names of what is not documented are the API's own.
        body = answer.body.decode("utf-8", "surrogateescape")
        clean = self._hide(body)
        answer = answer if clean == body else replace(answer, body=clean.encode("utf-8", "surrogateescape"))
        label = answer.operation.label
        observed = answer.observed
        with self._lock:
            into = self.judged if judged else self.unjudged
            into.add(observed)
            for name in _given(answer.operation, query, request_headers):
                into.parameters[label, name] += 1

    def take(self) -> dict[str, Any] | None:
        """Return all that was seen since the last call as plain data, and forget it; None where it is nothing."""
        if not self.judged.statuses and not self.unjudged.statuses:
            return None
        with self._lock:
            judged, self.judged = self.judged, Observation()
            unjudged, self.unjudged = self.unjudged, Observation()
        return {"judged": as_data(judged), "unjudged": as_data(unjudged)}

    def add(self, data: Mapping[str, Any]) -> None:
        """Add what another process took down."""
        self.judged.add(from_data(data["judged"]))
        self.unjudged.add(from_data(data["unjudged"]))


def _given(operation: Operation, query: str, headers: Headers) -> Iterable[str]:
    """The documented parameters that a request gave, as `place:name`."""
    queried = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    sent = {name.lower() for name, _ in headers}
    for parameter in operation.parameters:
        if (
            parameter.place == "path"
            or (parameter.place == "query" and parameter.name in queried)
            or (parameter.place == "header" and parameter.name.lower() in sent)
        ):
            yield f"{parameter.place}:{parameter.name}"
