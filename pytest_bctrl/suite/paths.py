"""Path values that name nothing: a server must refuse them, whatever is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.parameters import field_of, read_field
from pytest_bctrl.contract.schema.shapes import flatten
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.inputs import known_values
from pytest_bctrl.samples.rotation import Rotation
from pytest_bctrl.suite.parameters import is_guessable

REFUSED = frozenset({400, 403, 404})
"""Statuses that refuse a path value; 404 is the documented one, 400 and 403 say as much."""


class PathValue(NamedTuple):
    """One value, its name in test ids, and statuses beyond the documented ones that HTTP itself has for it."""

    name: str
    value: str
    refused_too: frozenset[int] = frozenset()


LONG = 4_000
"""Characters of the long value: with the rest of the request line still under the 4,094 bytes that servers take."""

# Version 4, as most ids are: a server may look at the version, too.
UNKNOWN = PathValue("unknown", "10ff4a95-4074-4292-924a-07cdbb0325ac")

ODD = (
    PathValue("not-a-uuid", "no-such-space"),
    PathValue("long", "x" * LONG, frozenset({414})),
    PathValue("unicode", "空間-ruimte-🚀"),
    PathValue("control-characters", "a\x01b\x1f\x7f"),
    PathValue("line-break", "a\r\nX-Injected: 1"),
    PathValue("null-byte", "a\x00b"),
    PathValue("not-utf-8", "a\udcffb"),
    PathValue("encoded-slash", "a/b"),
    PathValue("dot-segments", ".."),
    PathValue("quotes-and-percent", "100%'\"; --"),
)


def unknown(contract: Contract, parameter: Parameter) -> str:
    """Return a value that the parameter's schema allows and that names nothing: a UUID where that is allowed."""
    known = known_values(contract, parameter, {})
    made = [UNKNOWN.value, _FAR, *(_built(contract, parameter, seed) for seed in range(_SEEDS))]
    for text in made:
        if text and text not in known and accepts(contract, parameter.schema, read_field(contract, parameter, text)):
            return text
    return UNKNOWN.value


def _built(contract: Contract, parameter: Parameter, seed: int) -> str:
    try:
        # Without its examples, which name something that is there.
        schema = {key: value for key, value in flatten(contract, parameter.schema).items() if key != "examples"}
        return field_of(parameter, Builder(contract, Rotation(seed)).value(schema))
    except DocumentError:
        return ""


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


def probes(limit: int) -> tuple[PathValue, ...]:
    """Return the values to try, at most `limit`; the unknown one always comes first."""
    return (UNKNOWN, *ODD)[:limit]


def generated(limit: int) -> int:
    """Return how many generated values are left to try under `limit`: at least one.

    The real one counts, and one request is kept for what a target may make us send again.
    """
    return max(1, limit - len(probes(limit)) - 2)
