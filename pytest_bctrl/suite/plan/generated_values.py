"""Values of parameters that Hypothesis draws from the contract, the same in every run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.parameters import serialize_field, survives_transport
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.drawn import drawn
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

Values: TypeAlias = dict[tuple[str, str], Any]
"""By place and name of their parameters."""

_FIELD = "aZ09-_.~%&=+:@'()[]|^$!*?#"
_TEXT = f'{_FIELD} ,;"<>{{}}`\u00e9\u00df\u7a7a\u9593\U0001f680\u200b\u0301\ufeff'
"""Letters that mean something on the way of a request; a header field holds some of ASCII's alone."""


def generated(
    contract: Contract, operation: Operation, parameters: Iterable[Parameter], count: int
) -> Sequence[Values]:
    """Return at most `count` sets of values that the contract allows for some parameters of an operation.

    What would not arrive as it is meant is left out: a text with a comma, for one, arrives as two in a list that is
    joined by commas. Nothing is shrunk or replayed from a database: every set costs a request. Raises `NotCheckedError`
    where there is none, for a schema that no value is found for.
    """
    names = tuple((one.in_, one.name) for one in parameters)
    found = _generated(contract, operation.label, names, count)
    if not found:
        raise NotCheckedError(f"no value can be generated for {', '.join(name for _, name in names)}")
    return found


def generation_settings(count: int) -> settings:
    """Return Hypothesis settings that generate at most `count` examples, the same in each run, and do nothing else."""
    return settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType] - an enum of a metaclass of its own
    )


@lru_cache(maxsize=64)
def _generated(contract: Contract, label: str, names: tuple[tuple[str, str], ...], count: int) -> list[Values]:
    found: list[Values] = []
    parameters = [one for one in contract.operation(label).parameters if (one.in_, one.name) in names]

    @generation_settings(count)
    @given(_sets(contract, parameters))
    def draw(values: Values) -> None:
        if values and values not in found:
            found.append(values)

    draw()
    return found


@st.composite
def _sets(draw: st.DrawFn, contract: Contract, parameters: Sequence[Parameter]) -> Values:
    sent = [one for one in parameters if one.required or draw(st.booleans())]
    return {(one.in_, one.name): value for one in sent for value in _values(draw, contract, one)}


def _values(draw: st.DrawFn, contract: Contract, parameter: Parameter) -> list[Any]:
    """A value of a parameter, as a list of one; an empty list where it would not arrive."""
    in_field = parameter.in_ in ("header", "cookie")
    builder = Builder(contract, drawn(draw, _FIELD if in_field else _TEXT))
    try:
        value = builder.value(parameter.schema, parameter.name)
    except DocumentError:
        return []
    # Dots alone are a segment that servers resolve, and are among the odd values.
    is_sent = in_field or bool(serialize_field(parameter, value).strip("."))
    return [value] if is_sent and survives_transport(contract, parameter, value) else []
