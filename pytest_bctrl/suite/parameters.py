"""What the suite puts in the parameters of query and header: values that are allowed, and values that are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.parameters import field_of, pairs_of, read_field, read_pairs, text_of
from pytest_bctrl.samples.breakers import BREAKERS
from pytest_bctrl.samples.inputs import Inputs, alternatives, inputs, inputs_without
from pytest_bctrl.samples.shapes import flatten, shapes, types

_REFUSING = (400, 404, 422)
_SHOWN = 24


class Trial(NamedTuple):
    """A request that tries one parameter: with a value, allowed or not, or without it; a test id calls it `name`."""

    name: str
    parameter: Parameter
    inputs: Inputs


def documented_refusals(operation: Operation) -> frozenset[int]:
    """The statuses by which the contract says that an operation refuses a parameter's value."""
    return frozenset(
        status for status in _REFUSING if (spec := operation.response_for(status)) and spec.status != "default"
    ) - (frozenset({404}) if operation.path_parameters or "400" in operation.responses else frozenset())


def is_guessable(contract: Contract, parameter: Parameter) -> bool:
    """Whether a value that was made up may name something that is there: a number, or a listed value."""
    kinds = {shape.kind for shape in shapes(contract, parameter.schema)}
    return kinds <= {"integer", "number", "fixed"}


def is_opaque(contract: Contract, parameter: Parameter) -> bool:
    """Whether the contract says of a parameter no more than that it is a text, as of a cursor: any that is made up may
    name nothing.
    """
    flat = flatten(contract, parameter.schema)
    is_text = {*types(flat)} - {"null"} == {"string"}
    return is_text and not parameter.examples and not flat.keys() & {"pattern", "format", "enum", "const", "default"}


def of_case(contract: Contract, operation: Operation, plain: Inputs, case: Any) -> Inputs:
    """Return `plain` with what Schemathesis generated for query and header, as far as it arrives as it was meant.

    An empty list that is joined by commas, for one, arrives as a list of one empty text.
    """
    made = plain
    groups = {"query": case.query or {}, "header": case.headers or {}, "cookie": case.cookies or {}}
    for parameter in operation.other_parameters:
        given = {name.lower(): value for name, value in dict(groups[parameter.place]).items()}
        value = given.get(parameter.name.lower())
        if value is None or not (parameter.place == "query" or _is_spelled(value)):
            continue
        if _survives(contract, parameter, value):
            made = made.with_value(parameter, value)
    return made


def variations(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> Iterator[Trial]:
    """Yield a request for each kind of value of each parameter beside the path's, that the contract allows."""
    plain = inputs(contract, operation, settings)
    for parameter in operation.other_parameters if plain else ():
        for value in alternatives(contract, parameter, settings):
            if plain is not None and _survives(contract, parameter, value):
                yield Trial(_named(parameter, value), parameter, plain.with_value(parameter, value))


def mistakes(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> Iterator[Trial]:
    """Yield a request for each way to break each parameter; none where the contract documents no refusal."""
    plain = inputs(contract, operation, settings)
    if plain is None or not documented_refusals(operation):
        return
    for parameter in operation.other_parameters:
        if parameter.required:
            bare = inputs_without(contract, operation, settings, parameter)
            yield Trial(f"without {parameter.name}", parameter, bare)
        seen = []
        for value in _broken(contract, parameter, settings):
            name = _named(parameter, value)
            if name not in seen and _is_refused(contract, parameter, value):
                seen.append(name)
                yield Trial(name, parameter, plain.with_value(parameter, value))


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
            yield from (value for _, value in breaker(schema, right) if _is_spelled(value))


def _is_spelled(value: Any) -> bool:
    """Whether a broken value can stand in a request: no object, and no character that no header can carry."""
    if isinstance(value, str):
        return value.isprintable() and value.isascii()
    return not isinstance(value, dict)


def _is_refused(contract: Contract, parameter: Parameter, value: Any) -> bool:
    """Whether what arrives breaks the schema: a number that is spelled out is as good as its text."""
    return any(not accepts(contract, parameter.schema, one) for one in _arriving(contract, parameter, value))


def _survives(contract: Contract, parameter: Parameter, value: Any) -> bool:
    """Whether what arrives is still allowed: an empty list, for one, leaves nothing to arrive."""
    arriving = _arriving(contract, parameter, value)
    return bool(arriving) and all(accepts(contract, parameter.schema, one) for one in arriving)


def _arriving(contract: Contract, parameter: Parameter, value: Any) -> list[Any]:
    if parameter.place == "query":
        return read_pairs(contract, parameter, pairs_of(parameter, value))
    return [read_field(contract, parameter, field_of(parameter, value))]


def _named(parameter: Parameter, value: Any) -> str:
    text = ",".join(map(text_of, value)) if isinstance(value, list) else text_of(value)
    return f"{parameter.name}={text if len(text) <= _SHOWN else f'{text[:_SHOWN]}...'}"
