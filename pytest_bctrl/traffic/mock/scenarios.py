"""The scenarios by name: conforming states of the API that a consumer must handle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path as File
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.contract.schema.shapes import LocatedValue, Shape, allowed_types, located_values, shapes, with_value
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files.limits import TooLargeError, parsing_problem, read_file
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.mock import change
from pytest_bctrl.traffic.mock.call_syntax import call_by_name, parse_call, require_seconds, whole_number
from pytest_bctrl.traffic.mock.change import Change
from pytest_bctrl.traffic.mock.data import LifecycleSource
from pytest_bctrl.traffic.mock.source import BodySource, single_body_source


def _encoded_in_blocks(samples: Samples, count: int, seed: int, space_id: str) -> Iterator[bytes]:
    """Yield the parts of an encoded body with `count` items, made in blocks to save memory and time."""
    block = samples.items(samples.generated(min(count, _BLOCK), seed, space_id))
    before, _, after = encode(samples.with_items([_HOLE])).partition(encode(_HOLE))
    yield before
    for start in range(0, count, _BLOCK):
        body = samples.with_items([copy(item) for item in block[: count - start]])
        if start:
            samples.renewed(body, space_id, start)
        yield (b"," if start else b"") + encode(samples.items(body))[1:-1]
    yield after


_BLOCK = 500
_HOLE = "\ue000"
"""Placeholder of the items while the body around them is encoded; a private-use character that no sample contains."""


def from_file(path: File, samples: Samples, space_id: str) -> BodySource:
    """Return a source of the body in a JSON file: a complete body, or the list of its items.

    Values that must match the request are replaced (`spaceId` becomes the mock's space); everything else is served
    unchanged. Raises `DocumentError` if the file is missing or is not JSON.
    """
    try:
        data = read_file(path)
        if problem := parsing_problem(data):
            raise TooLargeError(problem)
        body = json.loads(data)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or f"it is not JSON: {error}"
        raise DocumentError(reason, where=str(path), hint="give a JSON file: a response body, or a list") from None
    if isinstance(body, list):
        body = samples.with_items(body)
    return single_body_source(lambda: samples.set_space_id(body, space_id))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named state: the source of the bodies, and a change of the responses; None means the mock's default."""

    name: str
    source: BodySource | None = None
    transform: Change | None = None


def sample(samples: Samples, space_id: str) -> Scenario:
    """The sample, one body: every enum value, branch, null, omitted property and empty list of the contract."""
    return Scenario("sample", single_body_source(lambda: samples.sample(space_id)))


def empty(samples: Samples, space_id: str) -> Scenario:
    """A list without items."""
    return Scenario("empty", single_body_source(lambda: samples.with_items([])))


def many(samples: Samples, space_id: str, count: int = 300, seed: int = 0) -> Scenario:
    """A list of `count` items, up to 100,000, generated once."""
    count = whole_number(count, "count", "scenario many", MOST)
    return Scenario("many", BodySource(lambda: [b"".join(_encoded_in_blocks(samples, count, seed, space_id))]))


def generated(samples: Samples, space_id: str, seed: int = 0) -> Scenario:
    """A different list per response, the same lists for the same seed; a dozen cover the contract."""
    return Scenario("generated", BodySource(lambda: map(encode, samples.run(seed, 24, space_id=space_id))))


def lifecycle(samples: Samples, space_id: str, count: int = 8, seed: int = 0) -> Scenario:
    """Items that start, run, stop and fail over time, at independent times; the same for the same seed."""
    count = whole_number(count, "count", "scenario lifecycle", MOST)
    return Scenario("lifecycle", LifecycleSource(samples, samples.generated(count, seed, space_id), seed))


def minimal(samples: Samples, space_id: str) -> Scenario:
    """Items without optional properties."""
    return Scenario("minimal", single_body_source(lambda: samples.sample_with_optionals(space_id, optional=False)))


def full(samples: Samples, space_id: str) -> Scenario:
    """Items with all optional properties."""
    return Scenario("full", single_body_source(lambda: samples.sample_with_optionals(space_id, optional=True)))


def unicode(samples: Samples, space_id: str) -> Scenario:
    """Free text in many scripts, with emoji, combining marks, right-to-left text and escapes."""
    return Scenario("unicode", single_body_source(lambda: _with_texts(samples, _SCRIPTS, space_id)))


def large(samples: Samples, space_id: str, length: int = 10_000) -> Scenario:
    """Free text of `length` characters at every location that allows it."""
    length = whole_number(length, "length", "scenario large", _LONGEST)
    return Scenario("large", single_body_source(lambda: _with_texts(samples, ("x" * length,), space_id)))


def deep(samples: Samples, space_id: str, levels: int = 60) -> Scenario:
    """Free-form objects that are nested `levels` deep."""
    depth = whole_number(levels, "levels", "scenario deep", _DEEPEST)

    def is_free(located: LocatedValue) -> bool:
        """Return whether a value is not null, and its schema allows any object and names no properties."""
        schema = located.schema
        extra = schema.get("additionalProperties", True)
        is_open = extra is not False and shapes(samples.contract, extra) == (Shape("any"),)
        is_object = "object" in allowed_types(schema) and located.value is not None
        return is_open and is_object and "properties" not in schema

    def make() -> Any:
        """Return the sample with its free-form objects nested `levels` deep."""
        inner: Any = {"end": True}
        for level in range(depth):
            inner = {f"level{level}": inner, "list": [level]} if level % 2 else {f"level{level}": [inner]}
        return _with_values_replaced(samples, space_id, is_free, lambda: {"content": inner})

    return Scenario("deep", single_body_source(make))


def slow(contract: Contract, seconds: float = 0.2) -> Scenario:
    """Delayed responses, within the usual time-outs of clients."""
    return Scenario("slow", transform=change.delay(require_seconds(seconds, "scenario slow")))


MOST = 100_000
_LONGEST = 1_000_000
_DEEPEST = 200
"""Maximum depth; JSON parsers that use recursion may fail beyond it."""

_SCRIPTS = (
    "Grüße aus Zürich",
    "実行環境 カタカナ",
    "среда выполнения",
    "بيئة التشغيل",
    "סביבת הרצה",
    "e\u0301 a\u030a \u0928\u093f",
    "🦄 👩\u200d💻 🇨🇭",
    'line\nbreak\ttab "quote" back\\slash \u0000 \u001f',
    "\u2028 \ufeff \U0010fffd",
    "",
)

DATA_SCENARIOS: Mapping[str, Callable[..., Scenario]] = {maker.__name__: maker for maker in (
    sample, empty, many, generated, lifecycle, minimal, full, unicode, large, deep,
)}  # fmt: skip
"""Scenarios of the data in JSON bodies; each is made from the samples of an operation."""

RESPONSE_SCENARIOS: Mapping[str, Callable[..., Scenario]] = {maker.__name__: maker for maker in (
    slow,
)}  # fmt: skip
"""Scenarios of any response, with or without a body; each is made from the contract alone."""

SCENARIOS: Mapping[str, Callable[..., Scenario]] = {**DATA_SCENARIOS, **RESPONSE_SCENARIOS}
"""All scenarios by name, for `.scenario(name, …)`, `--scenario` and the marker `bctrl_scenario`."""


def scenario(
    spec: str,
    contract: Contract,
    samples: Callable[[], Samples],
    space_id: str,
    custom: Mapping[str, Callable[..., Scenario]],
    named: Mapping[str, Any],
) -> Scenario:
    """Return the scenario with a name, or of a call as text (`"many(count=500)"`).

    `samples` returns the samples of the operation that it is for; it is called for a scenario of data only. Raises
    `SettingError` for an unknown name, or arguments that do not fit.
    """
    name, positional, keywords = parse_call(spec)
    leading: tuple[Any, ...] = (contract,)
    if name in DATA_SCENARIOS or name in custom:
        leading = (samples(), space_id)
    return call_by_name("scenario", name, {**SCENARIOS, **custom}, positional, {**keywords, **named}, leading)


_BOUNDS = frozenset({"format", "enum", "const", "pattern", "minLength", "maxLength"})


def _with_texts(samples: Samples, texts: Sequence[str], space_id: str) -> Any:
    """Return the sample with every string that the contract does not constrain replaced by `texts` in turn."""

    def is_free(located: LocatedValue) -> bool:
        """Return whether a value is a string that its schema does not constrain."""
        schema = located.schema
        return isinstance(located.value, str) and "string" in allowed_types(schema) and not schema.keys() & _BOUNDS

    return _with_values_replaced(samples, space_id, is_free, cycle(texts).__next__)


def _with_values_replaced(
    samples: Samples, space_id: str, is_free: Callable[[LocatedValue], bool], make: Callable[[], Any]
) -> Any:
    """Return the sample with every value for which `is_free` is true replaced by a result of `make`."""
    body = samples.sample_with_optionals(space_id, optional=True)
    values = list(located_values(samples.contract, samples.schema, body))
    # Items that must be unique stay unchanged, and so does everything inside a replaced value.
    unique_locations = {f"{value.location}[*]" for value in values if value.schema.get("uniqueItems")}
    replaced: list[Path] = []
    for value in values:
        is_inside = any(value.path[: len(path)] == path for path in replaced)
        if is_free(value) and not is_inside and value.location not in unique_locations:
            changed = with_value(body, value.path, make())
            # A condition elsewhere in the schema may reject a value that looks free.
            if not value.branch or accepts(samples.contract, samples.schema, changed):
                replaced.append(value.path)
                body = changed
    return samples.repair(body, space_id)
