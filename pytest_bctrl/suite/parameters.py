"""What the suite puts in the parameters of query and header: values that are allowed, and values that are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.parameters import arriving, documented_refusals, survives, text_of
from pytest_bctrl.contract.schema.shapes import flatten, shapes
from pytest_bctrl.samples.breakers import BREAKERS
from pytest_bctrl.samples.inputs import LEFT_OUT, Inputs, alternatives, inputs_with, unfilled

_SHOWN = 24


class Trial(NamedTuple):
    """A request that tries one parameter: with a value, allowed or not, or without it; a test id calls it `name`."""

    name: str
    parameter: Parameter
    inputs: Inputs


def is_guessable(contract: Contract, parameter: Parameter) -> bool:
    """Whether a value that was made up may name something that is there: a number, or a listed value."""
    kinds = {shape.kind for shape in shapes(contract, parameter.schema)}
    return kinds <= {"integer", "number", "fixed"}


def of_case(contract: Contract, operation: Operation, settings: Mapping[str, str], case: Any) -> Inputs:
    """Return the plainest request with what Schemathesis generated for query and header, as far as it arrives as meant.

    A text with a comma, for one, arrives as two in a list that is joined by commas.
    """
    made = {}
    groups = {"query": case.query or {}, "header": case.headers or {}, "cookie": case.cookies or {}}
    for parameter in operation.other_parameters:
        given = {name.lower(): value for name, value in dict(groups[parameter.place]).items()}
        value = given.get(parameter.name.lower())
        if value is None or not (parameter.place == "query" or _is_spelled(value)):
            continue
        if survives(contract, parameter, value):
            made[parameter.place, parameter.name] = value
    return inputs_with(contract, operation, settings, made)


def variations(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> Iterator[Trial]:
    """Yield a request for each kind of value of each parameter beside the path's, that the contract allows."""
    is_asked = not unfilled(contract, operation, settings)
    for parameter in operation.other_parameters if is_asked else ():
        for value in alternatives(contract, parameter):
            yield _trial(contract, operation, settings, parameter, value)


def _trial(
    contract: Contract, operation: Operation, settings: Mapping[str, str], parameter: Parameter, value: Any
) -> Trial:
    given = {(parameter.place, parameter.name): value}
    return Trial(_named(parameter, value), parameter, inputs_with(contract, operation, settings, given))


def mistakes(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> Iterator[Trial]:
    """Yield a request for each way to break each parameter; none where the contract documents no refusal."""
    if unfilled(contract, operation, settings) or not documented_refusals(operation):
        return
    for parameter in operation.other_parameters:
        if parameter.required:
            bare = inputs_with(contract, operation, settings, {(parameter.place, parameter.name): LEFT_OUT})
            yield Trial(f"without {parameter.name}", parameter, bare)
        seen = []
        for value in _broken(contract, parameter):
            trial = _trial(contract, operation, settings, parameter, value)
            if trial.name not in seen and _is_refused(contract, parameter, value):
                seen.append(trial.name)
                yield trial


def _broken(contract: Contract, parameter: Parameter) -> Iterator[Any]:
    """Values that break a parameter's schema, or that of the items of its list."""
    right = next(iter(alternatives(contract, parameter)), None)
    schema = flatten(contract, parameter.schema)
    yield from _breaking(schema, right)
    if isinstance(right, list) and right and isinstance(schema.get("items"), Mapping):
        yield from ([value] for value in _breaking(flatten(contract, schema["items"]), right[0]))


def _breaking(schema: Mapping[str, Any], right: Any) -> Iterator[Any]:
    for keyword, breaker in BREAKERS.items():
        if keyword in schema:
            yield from (value for _, value in breaker(schema, right) if _is_spelled(value))


def _is_spelled(value: Any) -> bool:
    """Whether a broken value can stand in a request: no object, and no character that no header can carry."""
    if isinstance(value, str):
        return value.isprintable() and value.isascii()
    return not isinstance(value, dict)


def _is_refused(contract: Contract, parameter: Parameter, value: Any) -> bool:
    """Whether what arrives breaks the schema: a number that is spelled out is as good as its text."""
    return any(not accepts(contract, parameter.schema, one) for one in arriving(contract, parameter, value))


def _named(parameter: Parameter, value: Any) -> str:
    text = ",".join(map(text_of, value)) if isinstance(value, list) else text_of(value)
    return f"{parameter.name}={text if len(text) <= _SHOWN else f'{text[:_SHOWN]}...'}"
