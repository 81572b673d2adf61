"""Ways to change an answer: what faults and scenarios are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock.message import Answer, Payload, Request, with_headers
from pytest_bctrl.traffic.mock.refusal import Refusals


@dataclass(frozen=True, slots=True)
class Scene:
    """What a change sees: the request, the answer so far, and what it needs to make another.

    `granted` gives the successful answer whatever the request's credential and space are. `number` counts the
    requests from one.
    """

    request: Request
    answer: Answer
    refusals: Refusals
    samples: Samples
    granted: Callable[[], Answer]
    number: int

    @property
    def request_id(self) -> str:
        """The id that the answer carries."""
        return self.answer.header("x-request-id") or ""

    @property
    def is_success(self) -> bool:
        """Whether the answer so far is a successful one with a body."""
        return 200 <= self.answer.status < 300 and bool(self.answer.body)

    def refused(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Return an error answer in the documented shape, with the same request id."""
        return self.refusals.answer(status, message, self.request_id, headers=headers)

    def json(self) -> Any:
        """Return the answer's body as JSON data of its own."""
        return json.loads(self.answer.body)


Change: TypeAlias = Callable[[Scene], Answer]


def headers(changes: Mapping[str, str | None]) -> Change:
    """Set header fields, or drop those whose value is None."""
    return lambda scene: replace(scene.answer, headers=with_headers(scene.answer.headers, changes))


def body(make: Callable[[Scene], bytes]) -> Change:
    """Put other bytes in place of a successful body, made once for each body that is replaced."""
    made: dict[int, tuple[Payload, Payload]] = {}

    def change(scene: Scene) -> Answer:
        if not scene.is_success:
            return scene.answer
        # Keyed by identity, and kept with what it was made from, whose identity must not pass to another.
        known = made.get(id(scene.answer.payload))
        if known is None:
            if len(made) >= 64:
                made.clear()
            known = made[id(scene.answer.payload)] = (scene.answer.payload, Payload(make(scene)))
        return replace(scene.answer, payload=known[1])

    return change


def status(code: int, message: str, extra: Mapping[str, str] | None = None) -> Change:
    """Answer with an error status, in the documented shape; below 400, with the status and no body."""
    if code >= 400:
        return lambda scene: scene.refused(code, message, extra)
    return lambda scene: replace(
        scene.answer,
        status=code,
        headers=with_headers((), {**(extra or {}), "X-Request-Id": scene.request_id}),
        payload=Payload(b""),
        why=message,
    )


def delay(seconds: float) -> Change:
    """Wait before the first byte."""
    return lambda scene: replace(scene.answer, delay=scene.answer.delay + seconds)
