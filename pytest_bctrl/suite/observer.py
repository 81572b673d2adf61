"""The one observer of a run: what every answer showed, whoever asked for it, and what sees them pass by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

import httpx

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.observed.facts import Observation, as_data, from_data
from pytest_bctrl.traffic.mock.routes import Routes

Headers = Iterable[tuple[str, str]]


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

    def see(self, request: httpx.Request, response: httpx.Response, *, judged: bool) -> None:
        """Take down an answer of the contract whose body is in memory, reading it without using it up."""
        match = self._routes.match(request.url.raw_path.decode("ascii").partition("?")[0])
        operation = match.operations.get(request.method) if match is not None else None
        if operation is None or match is None or not isinstance(response.stream, httpx.ByteStream):
            return
        wire = b"".join(response.stream)
        try:
            body = httpx.Response(response.status_code, headers=response.headers, content=wire).content
        except httpx.DecodingError:
            # The client of the test meets the same, and says so.
            return
        headers = tuple(response.headers.multi_items())
        answer = Answer(self.contract, operation, response.status_code, headers, body, match.values)
        query, sent = request.url.query.decode("ascii"), request.headers.multi_items()
        self.see_answer(answer, judged=judged, query=query, request_headers=sent)

    def see_answer(
        self, answer: Answer, *, judged: bool = True, query: str = "", request_headers: Headers = ()
    ) -> None:
        """Take down one answer that was read already."""
        if answer.parsed.ok:
            # Values and names of what is not documented are the API's own. Of a body that is not read nothing is kept.
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


class ObservingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Hands on what `inner` answers, a transport of either kind, and lets an observer see it."""

    def __init__(self, inner: Any, observer: Observer, *, judged: bool) -> None:
        self._inner = inner
        self._see = partial(observer.see, judged=judged)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        response: httpx.Response = self._inner.handle_request(request)
        self._see(request, response)
        return response

    def close(self) -> None:
        """Close `inner`."""
        self._inner.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        response: httpx.Response = await self._inner.handle_async_request(request)
        self._see(request, response)
        return response

    async def aclose(self) -> None:
        """Close `inner`."""
        await self._inner.aclose()
