"""What the suite puts in parameters: values that are allowed, values that are not, and path values of nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.paging_read import read_paging
from pytest_bctrl.contract.parameters import (
    documented_rejections,
    read_field,
    read_pairs,
    received_values,
    serialize_field,
    serialize_scalar,
)
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.contract.schema.shapes import allowed_types, shapes
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.inputs import LEFT_OUT, Inputs, alternatives, inputs_with, known_values, unfilled
from pytest_bctrl.samples.mutants import BREAKERS
from pytest_bctrl.samples.text import RoundRobin

_SHOWN = 24


class Trial(NamedTuple):
    """A request that tries one parameter: with a value, allowed or not, or without it; a test id calls it `name`."""

    name: str
    parameter: Parameter
    inputs: Inputs


def is_guessable(contract: Contract, parameter: Parameter) -> bool:
    """Whether a value that was made up may name something that exists: a number, or a listed value."""
    kinds = {shape.kind for shape in shapes(contract, parameter.schema)}
    return kinds <= {"integer", "number", "fixed"}


def is_opaque(contract: Contract, parameter: Parameter) -> bool:
    """Whether the contract says of a parameter no more than that it is a text, as of a cursor: any that is made up may
    name nothing.
    """
    flat = flatten(contract, parameter.schema)
    is_text = {*allowed_types(flat)} - {"null"} == {"string"}
    return is_text and not parameter.examples and not flat.keys() & {"pattern", "format", "enum", "const", "default"}


def cursors(contract: Contract, operation: Operation) -> frozenset[str]:
    """The parameters whose values come from an answer: one that is made up names no page."""
    found = read_paging(contract, operation)
    return frozenset({found.start.name} if found is not None and found.start is not None and found.is_opaque else ())


def invalid_parameters(contract: Contract, operation: Operation, request: Inputs) -> list[Parameter]:
    """Return the parameters of query and header whose values a request leaves out or spells wrongly.

    A value is wrong if the schema allows no reading of it; of a name that is repeated, a server may read any value.
    """
    names = frozenset(one.name for one in operation.other_parameters if one.in_ == "query")
    fields = {name.lower(): text for name, text in request.headers}

    def is_invalid(parameter: Parameter) -> bool:
        if parameter.in_ == "query":
            own = [pair for pair in request.query if pair[0] == parameter.name]
            sent = [request.query, *([pair] for pair in own)]
            readings = [read_pairs(contract, parameter, pairs, names) for pairs in sent]
            values = [value for reading in readings for value in reading]
        else:
            text = fields.get(parameter.name.lower())
            values = [] if text is None else [read_field(contract, parameter, text)]
        return not any(accepts(contract, parameter.schema, value) for value in values) if values else parameter.required

    return [one for one in operation.other_parameters if one.in_ in ("query", "header") and is_invalid(one)]


def variations(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> Iterator[Trial]:
    """Yield a request for each kind of value of each parameter beside the path's, that the contract allows."""
    is_asked = not unfilled(contract, operation, settings)
    known = cursors(contract, operation)
    for parameter in operation.other_parameters if is_asked else ():
        for value in alternatives(contract, parameter, settings) if parameter.name not in known else ():
            yield _trial(contract, operation, settings, parameter, value)


def _trial(
    contract: Contract, operation: Operation, settings: Mapping[str, str], parameter: Parameter, value: Any
) -> Trial:
    given = {(parameter.in_, parameter.name): value}
    text = ",".join(map(serialize_scalar, value)) if isinstance(value, list) else serialize_scalar(value)
    name = f"{parameter.name}={text if len(text) <= _SHOWN else f'{text[:_SHOWN]}...'}"
    return Trial(name, parameter, inputs_with(contract, operation, settings, given))


def mistakes(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> Iterator[Trial]:
    """Yield a request for each way to break each parameter; none where the contract documents no refusal."""
    if unfilled(contract, operation, settings) or not documented_rejections(operation):
        return
    for parameter in operation.other_parameters:
        if parameter.required:
            bare = inputs_with(contract, operation, settings, {(parameter.in_, parameter.name): LEFT_OUT})
            yield Trial(f"without {parameter.name}", parameter, bare)
        seen = []
        for value in _broken(contract, parameter, settings):
            trial = _trial(contract, operation, settings, parameter, value)
            # A number that is spelled out is as good as its text.
            arrives = received_values(contract, parameter, value)
            if trial.name not in seen and not all(accepts(contract, parameter.schema, one) for one in arrives):
                seen.append(trial.name)
                yield trial


def _broken(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> Iterator[Any]:
    """Values that break a parameter's schema, or that of the items of its list."""
    right = next(iter(alternatives(contract, parameter, settings)), None)
    schema = flatten(contract, parameter.schema)
    yield from _breaking(schema, right)
    if isinstance(right, list) and right and isinstance(schema.get("items"), Mapping):
        yield from ([value] for value in _breaking(flatten(contract, schema["items"]), right[0]))


def _breaking(schema: Mapping[str, Any], right: Any) -> Iterator[Any]:
    for keyword, breaker in BREAKERS.items():
        if keyword in schema:
            for _, value in breaker(schema, right):
                # No object can stand in a request, nor a character that no header can carry.
                if value.isprintable() and value.isascii() if isinstance(value, str) else not isinstance(value, dict):
                    yield value


REFUSED = frozenset({400, 403, 404})
"""Statuses that refuse a path value; 404 is the documented one, 400 and 403 say as much."""


_SHORT = 8
"""Characters of a real value that may name something else still without its end."""


class PathValue(NamedTuple):
    """One value, its name in test ids, and statuses beyond the documented ones that HTTP itself has for it.

    `{0}` in a `value` stands for the real one, `{1}` for it without its end: a server may look at a part of it.
    """

    name: str
    value: str
    refused_too: frozenset[int] = frozenset()

    def beside(self, real: str) -> str:
        """Return the value for a parameter with a real one that cannot be guessed, or is empty."""
        known = real if len(real) > _SHORT else "no-such-space"
        return self.value.format(known, known[:-1])


LONG = 4_000
"""Characters of the long value: with the rest of the request line still under the 4,094 bytes that servers take."""

# Version 4, as most ids are: a server may look at the version, too.
UNKNOWN = PathValue("unknown", "10ff4a95-4074-4292-924a-07cdbb0325ac")

ODD = (
    PathValue("not-a-uuid", "{1}"),
    PathValue("long", "x" * LONG, frozenset({414})),
    PathValue("unicode", "空間-ruimte-🚀"),
    PathValue("control-characters", "a\x01b\x1f\x7f\r\nX-Injected: 1"),
    PathValue("blank-behind-it", "{0}\t"),
    PathValue("null-byte", "{0}\x00b"),
    PathValue("not-utf-8", "a\udcffb"),
    PathValue("encoded-slash", "a/b"),
    PathValue("dot-segments", ".."),
    PathValue("quotes-and-percent", "100%'\"; --"),
)


def unknown(contract: Contract, parameter: Parameter) -> str:
    """Return a value that the parameter's schema allows and that names nothing: a UUID where that is allowed."""
    known = known_values(contract, parameter, {})
    made = [UNKNOWN.value, _FAR]
    # Without its examples, which name something that exists.
    schema = {key: value for key, value in flatten(contract, parameter.schema).items() if key != "examples"}
    for seed in range(_SEEDS):
        with suppress(DocumentError):
            made.append(serialize_field(parameter, Builder(contract, RoundRobin(seed)).value(schema)))
    for text in made:
        if text not in known and accepts(contract, parameter.schema, read_field(contract, parameter, text)):
            return text
    return UNKNOWN.value


_FAR = "999999937"
_SEEDS = 8


def near_misses(contract: Contract, operation: Operation, real: Mapping[str, str]) -> list[dict[str, str]]:
    """Return path values that a server takes for the real ones if it looks at a part of them: three for each parameter.

    One has another last character, one another first, one has one more. A parameter that may be guessed has none: it
    may name something.
    """
    return [
        {**real, parameter.name: almost}
        for parameter in operation.path_parameters
        if not is_guessable(contract, parameter) and real.get(parameter.name)
        for almost in _almost(real[parameter.name])
    ]


def _almost(value: str) -> tuple[str, ...]:
    last = f"{value[:-1]}{'1' if value.endswith('0') else '0'}"
    first = f"{'1' if value.startswith('0') else '0'}{value[1:]}"
    return tuple(dict.fromkeys((last, f"{value}0", first)))


def path_probes(limit: int) -> tuple[PathValue, ...]:
    """Return the values to try, at most `limit`; the unknown one always comes first."""
    return (UNKNOWN, *ODD)[:limit]


def generated_paths(limit: int) -> int:
    """Return how many generated values are left to try under `limit`, beside the real one: at least one."""
    return max(1, limit - len(path_probes(limit)) - 4)
