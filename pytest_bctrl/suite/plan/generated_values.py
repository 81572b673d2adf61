"""Parameter values that Hypothesis generates from the contract, the same in every run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from pytest_bctrl.contract.budget import STEPS
from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.parameters import serialize_field, survives_transport
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.drawn import drawn
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

Values: TypeAlias = dict[tuple[str, str], Any]
"""Values by the `in` and name of their parameters."""

_FIELD = "aZ09-_.~%&=+:@'()[]|^$!*?#"
_TEXT = f'{_FIELD} ,;"<>{{}}`\u00e9\u00df\u7a7a\u9593\U0001f680\u200b\u0301\ufeff'
"""Characters with a special meaning somewhere in a request; a header field may contain only some of ASCII."""
_STEPS = STEPS // 50
"""Maximum number of steps for one value, because many are generated and most schemas need a few steps."""
_ALL_STEPS = STEPS // 4
"""Maximum number of steps for all values of an operation's parameters, those that Hypothesis discards included."""


def generated_values(
    contract: Contract, operation: Operation, parameters: Iterable[Parameter], count: int
) -> Sequence[Values]:
    """Return at most `count` sets of values that the contract allows for some parameters of an operation.

    Values that a server would read differently are left out, such as an item with a comma in a comma-separated list.
    Nothing is shrunk or replayed from a database, since every set costs a request. Raises `NotCheckedError` if no value
    can be generated.
    """
    names = tuple((parameter.in_, parameter.name) for parameter in parameters)
    value_sets = _value_sets(contract, operation.label, names, count)
    if not value_sets:
        raise NotCheckedError(f"no value can be generated for {', '.join(name for _, name in names)}")
    return value_sets


def generation_settings(count: int) -> settings:
    """Return Hypothesis settings that generate at most `count` examples, the same in each run, and do nothing else."""
    return settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType] - an enum with a custom metaclass
    )


@lru_cache(maxsize=64)
def _value_sets(contract: Contract, label: str, names: tuple[tuple[str, str], ...], count: int) -> list[Values]:
    value_sets: list[Values] = []
    parameters = [
        parameter for parameter in contract.operation(label).parameters if (parameter.in_, parameter.name) in names
    ]

    # All values share the schemas at each location, which take far longer to prepare than a value.
    locations: list[dict[str, Any]] = [{} for _ in parameters]
    budget = _Budget()

    @generation_settings(count)
    @given(_sets(contract, parameters, locations, budget))
    def draw(values: Values) -> None:
        if values and values not in value_sets:
            value_sets.append(values)

    try:
        draw()
    except (_StepsUsedUpError, Flaky):
        # Hypothesis notices that the last value is incomplete.
        if budget.steps > 0:
            raise
    return value_sets


class _StepsUsedUpError(BaseException):
    """Ends the generation of values. Hypothesis does not catch it, and does not repeat the last value."""


@dataclass(slots=True)
class _Budget:
    """The steps that are left for the values of an operation's parameters."""

    steps: int = _ALL_STEPS


@st.composite
def _sets(
    draw: st.DrawFn,
    contract: Contract,
    parameters: Sequence[Parameter],
    locations: Sequence[dict[str, Any]],
    budget: _Budget,
) -> Values:
    values: Values = {}
    for parameter, own_locations in zip(parameters, locations, strict=True):
        if parameter.required or draw(st.booleans()):
            for value in _values(draw, contract, parameter, own_locations, budget):
                values[parameter.in_, parameter.name] = value
    return values


def _values(
    draw: st.DrawFn, contract: Contract, parameter: Parameter, locations: dict[str, Any], budget: _Budget
) -> list[Any]:
    """Return a list of one value for a parameter, or an empty list if a server would read it differently.

    Raises `_StepsUsedUpError` if no steps are left for a value.
    """
    if budget.steps <= 0:
        raise _StepsUsedUpError
    in_field = parameter.in_ in ("header", "cookie")
    builder = Builder(contract, drawn(draw, _FIELD if in_field else _TEXT), locations, steps=_STEPS)
    try:
        value = builder.value(parameter.schema, parameter.name)
    except DocumentError:
        return []
    finally:
        budget.steps -= builder.used_steps
    # Servers resolve path segments of dots; those are among the unusual values.
    is_sent = in_field or bool(serialize_field(parameter, value).strip("."))
    return [value] if is_sent and survives_transport(contract, parameter, value) else []
