"""A change of the contract as it is played: each answer of the mock, or of a recording, as it would be with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Literal, TypeAlias

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.schema.locations import Path, parted, select
from pytest_bctrl.contract.schema.shapes import changed
from pytest_bctrl.finding import Finding
from pytest_bctrl.fingerprint import shape
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.mock.message import Answer, Payload, Request

Kind: TypeAlias = Literal["drift", "together", "break", "extreme"]
"""A finding of the drift gate, or all of them; a derived break of the contract; something unusual that keeps it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, the operation that it asks, if any, the values in its path, and the answer without the change."""

    request: Request
    operation: Operation | None
    values: Mapping[str, str]
    answer: Answer

    @property
    def shape(self) -> str:
        """The label of the operation with its path parameters nameless, as they may be renamed; empty where none is."""
        return shape(self.operation.label) if self.operation else ""


Play: TypeAlias = Callable[[Call], Answer]
"""Returns the answer with the change; the same object where the change does not touch it."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One change: the finding that tells of it, and how it is played; without a `play`, `why_not` says why.

    `locations` are the places of a body that it changes; none where it is about the whole answer. A change of what
    is taken `asks` the operations of those shapes: who asks one and is not refused copes with it. `control` puts
    another value that the contract allows in the same places: a test that fails with that too compares with the very
    data.
    """

    finding: Finding
    kind: Kind
    play: Play | None = None
    why_not: str = ""
    locations: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    control: Play | None = None

    @property
    def key(self) -> str:
        """What tells it from the others, the same in every process and run."""
        return self.finding.fingerprint


def together(plays: Sequence[Play]) -> Play:
    """Play several changes, one after the other."""

    def play(call: Call) -> Answer:
        for one in plays:
            call = replace(call, answer=one(call))
        return call.answer

    return play


BodyChange: TypeAlias = Callable[[Any], Any]
"""Takes a body as JSON data and returns a changed copy; the same object where the change does not touch it."""


def body_play(change: BodyChange, concerns: Callable[[Call], bool]) -> Play:
    """Play a change of the bodies of those calls that it `concerns`; each body is changed once."""

    @lru_cache(maxsize=8)
    def made_of(body: bytes) -> Payload | None:
        try:
            given = json.loads(body)
        except ValueError:
            return None
        made = change(given)
        return None if made is given else Payload(encode(made))

    def play(call: Call) -> Answer:
        body = call.answer.body
        payload = made_of(body) if body and concerns(call) else None
        return call.answer if payload is None or payload.body == body else replace(call.answer, payload=payload)

    return play


REMOVED: Any = object()
"""In place of a value: there is none any more."""


def put(
    body: Any,
    location: str,
    value: Any,
    *,
    once: bool = False,
    first: Sequence[Any] = (),
    stays: Callable[[Path, Any], bool] = lambda _path, _value: False,
) -> Any:
    """Return `body` with another value, or none, in every place that a location names; `once` in one of them only.

    Where some of the places hold one of the values of `first`, it is those alone; what `stays` is left. A member that
    is not there is added to every object that could have it. The same object where there is no place.
    """
    above, step = parted(location)
    if step is None:
        return body if value is REMOVED else value
    held = list(select(body, location))
    found = [path for path, old in held if old in first] or [path for path, old in held if not stays(path, old)]
    if not held and step.kind == "member" and value is not REMOVED:
        found = [(*path, step.text) for path, outer in select(body, above) if isinstance(outer, dict)]
    # From the end, so that an item that goes moves no other.
    for path in reversed(found[:1] if once else found):
        body = changed(body, path[:-1], partial(_with, key=path[-1], value=value))
    return body


def _with(outer: Any, *, key: str | int, value: Any) -> Any:
    copy = outer.copy()
    if value is REMOVED:
        del copy[key]
    else:
        copy[key] = value
    return copy
