"""Where the mock's successful bodies come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.incoming import TooLargeError, parsing_problem, read_file
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.mock.message import Payload


class Source:
    """Bodies of successful answers, one after the other and then from the start, made when the first is asked for."""

    def __init__(self, make: Callable[[], Iterable[bytes]]) -> None:
        self._make = make
        self._payloads: list[Payload] = []

    def body(self, number: int) -> Any:
        """Return the body of the `number`th answer, counted from zero, as JSON data."""
        return json.loads(self.payload(number).body)

    def payload(self, number: int) -> Payload:
        """Return the bytes of that body, made once for each body."""
        if not self._payloads:
            self._payloads = [Payload(body) for body in self._make()]
        return self._payloads[number % len(self._payloads)]


def fixed(make: Callable[[], Any]) -> Source:
    """Return a source of one body, given as JSON data."""
    return Source(lambda: [encode(make())])


def many_items(samples: Samples, count: int, seed: int, space_id: str) -> Source:
    """Return a source of one body with `count` items, made in blocks so that 100,000 take little memory and time."""
    return Source(lambda: [b"".join(_in_blocks(samples, count, seed, space_id))])


def _in_blocks(samples: Samples, count: int, seed: int, space_id: str) -> Iterator[bytes]:
    block = samples.items(samples.generated(min(count, _BLOCK), seed, space_id))
    before, _, after = encode(samples.with_items([_HOLE])).partition(encode(_HOLE))
    yield before
    for start in range(0, count, _BLOCK):
        body = samples.with_items([item.copy() for item in block[: count - start]])
        if start:
            samples.renewed(body, space_id, start)
        yield (b"," if start else b"") + encode(samples.items(body))[1:-1]
    yield after


_BLOCK = 500
_HOLE = "\ue000"
"""Stands for the items while the body around them is written; a private-use character that no sample holds."""


def from_file(path: Path, samples: Samples, space_id: str) -> Source:
    """Return a source of the body in a JSON file: a whole body, or a list of its items.

    Invariants that tie the body to the request are made to hold (`spaceId` is the mock's space); everything else is
    served as it stands. Raises `DocumentError` where the file is missing or is no JSON.
    """
    try:
        data = read_file(path)
        if problem := parsing_problem(data):
            raise TooLargeError(problem)
        body = json.loads(data)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or f"it is not JSON: {error}"
        raise DocumentError(reason, where=str(path), mend="give a JSON file: a response body, or a list") from None
    whole = samples.with_items(body) if isinstance(body, list) else body
    return fixed(lambda: samples.addressed(whole, space_id))
