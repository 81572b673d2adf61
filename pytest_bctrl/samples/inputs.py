"""What the parameters of a request are filled with: settings, the document's own examples, or values made of a schema.

A value of a path names something that is there, so it is made up for a mock alone: it comes from a setting, an example,
a default or a listed value.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.parameters import Pair, serialize_field, serialize_pairs, survives_transport
from pytest_bctrl.contract.schema.shapes import Shape, shapes
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.text import RoundRobin

_MOST = 8
_SEED = 1
_TRIES = 12


@dataclass(frozen=True, slots=True)
class Inputs:
    """The parameters of one request, spelled: path values by name, the query's pairs, header fields; all decoded."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: tuple[Pair, ...] = ()
    headers: tuple[Pair, ...] = ()

    def target(self, operation: Operation) -> str:
        """Return path and query as they go on the wire, percent-encoded (RFC 3986, 3)."""
        return operation.url_path(self.path) + self.query_text

    @property
    def query_text(self) -> str:
        """The query with its question mark; empty where there is none."""
        return f"?{urlencode(self.query, quote_via=quote)}" if self.query else ""

    def with_value(self, parameter: Parameter, value: Any) -> Inputs:
        """Return the same request with a parameter of the query or the header set, in the place of what it had."""
        if parameter.in_ == "query":
            own = serialize_pairs(parameter, value)
            names = {name for name, _ in own} | {parameter.name}
            kept = tuple(pair for pair in self.query if pair[0] not in names)
            return Inputs(self.path, (*kept, *own), self.headers)
        name, text = parameter.name, serialize_field(parameter, value)
        if parameter.in_ == "cookie":
            # All cookies stand in one field (RFC 6265, 4.2.1).
            known = "; ".join(value for field, value in self.headers if field == "Cookie").split("; ")
            cookies = [one for one in known if one and not one.startswith(f"{name}=")]
            name, text = "Cookie", "; ".join([*cookies, f"{name}={text}"])
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return Inputs(self.path, self.query, (*kept, (name, text)))


def inputs(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> Inputs | None:
    """Return the plainest request of an operation: what is required and no more; None where a value is missing."""
    return None if unfilled(contract, operation, settings) else inputs_with(contract, operation, settings, {})


LEFT_OUT = object()
"""Stands for the value of a parameter that is not sent."""


def inputs_with(
    contract: Contract, operation: Operation, settings: Mapping[str, str], given: Mapping[tuple[str, str], Any]
) -> Inputs:
    """Return the plainest request with some values, by place and name of their parameters, or without (`LEFT_OUT`)."""
    known = {one.name: known_values(contract, one, settings)[:1] for one in operation.path_parameters}
    made = Inputs({name: value for name, values in known.items() for value in values})
    for parameter in operation.other_parameters:
        key = parameter.in_, parameter.name
        if key in given or parameter.required:
            value = given[key] if key in given else next(_values(contract, parameter, settings))
            made = made if value is LEFT_OUT else made.with_value(parameter, value)
    return made


def unfilled(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> list[str]:
    """Return the names of the parameters that a request needs and nothing gives a value."""

    def is_given(parameter: Parameter) -> bool:
        if parameter.in_ == "path":
            return bool(_known(contract, parameter, settings))
        return not parameter.required or any(True for _ in _values(contract, parameter, settings))

    return [parameter.name for parameter in operation.parameters if not is_given(parameter)]


def known_values(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> list[str]:
    """Return the values of a path parameter that name something that exists, spelled."""
    return [serialize_field(parameter, value) for value in _known(contract, parameter, settings)]


def alternatives(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> list[Any]:
    """Return values that a parameter may have, each of another kind: examples, listed values, limits; eight at most.

    A setting's alone, where one gives the value.
    """
    found: list[Any] = []
    for value in _values(contract, parameter, settings):
        if value not in found and len(found) < _MOST:
            found.append(value)
    return found


def _known(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> list[Any]:
    if given := _given(parameter, settings):
        return given
    if parameter.setting is not None and not parameter.examples:
        return []
    listed = [shape.value for shape in shapes(contract, parameter.schema) if shape.kind == "fixed"]
    return [*parameter.examples, *(value for value in listed if value is not None)]


def exemplified(contract: Contract, settings: Mapping[str, str]) -> Contract:
    """Return a contract for a mock, where any value will do: each path parameter without one has an example."""

    def with_example(parameter: Parameter) -> Parameter:
        if parameter.in_ != "path" or _known(contract, parameter, settings):
            return parameter
        bare = replace(parameter, setting=None)
        return replace(parameter, examples=tuple(islice(_values(contract, bare, {}), 1)))

    own = contract.operations
    made = tuple(replace(one, parameters=tuple(map(with_example, one.parameters))) for one in own)
    return replace(contract, operations=made) if made != own else contract


def _given(parameter: Parameter, settings: Mapping[str, str]) -> list[str]:
    """The value that a setting gives a parameter: by the name of the setting, or by the parameter's own."""
    return [settings[name] for name in (parameter.setting, parameter.name) if name and name in settings][:1]


def _values(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> Iterator[Any]:
    arriving = partial(survives_transport, contract, parameter)
    if parameter.setting is not None or parameter.name in settings:
        # What is there is known to the settings alone: what is made up names nothing.
        yield from filter(arriving, _given(parameter, settings) or parameter.examples)
        return
    yield from filter(arriving, parameter.examples)
    for number, shape in enumerate(shapes(contract, parameter.schema)):
        if shape.kind == "fixed":
            yield from filter(arriving, [shape.value])
        elif not shape.empty:
            bounds = [(shape.schema or {}).get(word) for word in ("minimum", "maximum")]
            yield from filter(arriving, [one for one in bounds if one is not None])
            generated = _generated(contract)
            # By identity, with the parameter beside it, so that no other one has that meanwhile.
            key = id(parameter), number
            if key not in generated:
                generated[key] = parameter, list(islice(filter(arriving, _made(contract, parameter, shape)), 1))
            yield from copy.deepcopy(generated[key][1])


@lru_cache(maxsize=8)
def _generated(_contract: Contract) -> dict[tuple[int, int], tuple[Parameter, list[Any]]]:
    """Return where the generated values of a contract's parameters are kept: to generate one may take many steps."""
    return {}


def _made(contract: Contract, parameter: Parameter, shape: Shape) -> Iterator[Any]:
    """Values of a shape, one of which may arrive as it was meant: a list that holds something, for one."""
    for seed in range(_SEED, _SEED + _TRIES):
        builder = Builder(contract, RoundRobin(seed))
        try:
            yield "text" if shape.kind == "any" else builder.value(shape.schema or {}, parameter.name)
        except DocumentError:
            # A pattern for which no text can be made.
            return


def main_operation(contract: Contract) -> Operation:
    """Return the operation that samples and scenarios are about: the first GET that answers with JSON.

    Failing that, the first operation that answers with JSON, and else the first of all.
    """
    answering = [operation for operation in contract.operations if answers_with_json(operation)]
    reading = [operation for operation in answering if operation.method == "GET"]
    return (reading or answering or list(contract.operations))[0]


def answers_with_json(operation: Operation) -> bool:
    """Whether an operation documents a successful answer in JSON."""
    return operation.method != "HEAD" and operation.success is not None and operation.success.json is not None
