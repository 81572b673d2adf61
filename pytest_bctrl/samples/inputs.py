"""What the parameters of a request are filled with: settings, the document's own examples, or values made of a schema.

A value of a path names something that is there, so it is never made up: it comes from a setting, an example, a default
or a listed value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.parameters import Pair, field_of, pairs_of
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.build import Builder, Rotation
from pytest_bctrl.samples.shapes import Shape, shapes

_MOST = 8
_SEED = 1


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
        if parameter.place == "query":
            own = pairs_of(parameter, value)
            names = {name for name, _ in own} | {parameter.name}
            kept = tuple(pair for pair in self.query if pair[0] not in names)
            return Inputs(self.path, (*kept, *own), self.headers)
        text = field_of(parameter, value)
        name = "Cookie" if parameter.place == "cookie" else parameter.name
        text = f"{parameter.name}={text}" if parameter.place == "cookie" else text
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return Inputs(self.path, self.query, (*kept, (name, text)))


def inputs(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> Inputs | None:
    """Return the plainest request of an operation: what is required and no more; None where a value is missing."""
    if unfilled(contract, operation, settings):
        return None
    return _plainest(contract, operation, settings, operation.other_parameters)


def inputs_without(
    contract: Contract, operation: Operation, settings: Mapping[str, str], parameter: Parameter
) -> Inputs:
    """Return the plainest request of an operation, less a parameter of its query or header that it requires."""
    others = [other for other in operation.other_parameters if other is not parameter]
    return _plainest(contract, operation, settings, others)


def _plainest(
    contract: Contract, operation: Operation, settings: Mapping[str, str], others: Iterable[Parameter]
) -> Inputs:
    made = Inputs(
        {parameter.name: known_values(contract, parameter, settings)[0] for parameter in operation.path_parameters}
    )
    for parameter in others:
        if parameter.required:
            made = made.with_value(parameter, next(_values(contract, parameter, settings)))
    return made


def unfilled(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> list[str]:
    """Return the names of the parameters that a request needs and nothing gives a value."""
    return [
        parameter.name
        for parameter in operation.parameters
        if (parameter.place == "path" and not _known(contract, parameter, settings))
        or (parameter.place != "path" and parameter.required and not list(_values(contract, parameter, settings)))
    ]


def known_values(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> list[str]:
    """Return the values of a path parameter that name something that is there, spelled."""
    return [field_of(parameter, value) for value in _known(contract, parameter, settings)]


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


def _given(parameter: Parameter, settings: Mapping[str, str]) -> list[str]:
    """The value that a setting gives a parameter: by the name of the setting, or by the parameter's own."""
    return [settings[name] for name in (parameter.setting, parameter.name) if name and name in settings][:1]


def _values(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> Iterator[Any]:
    if parameter.setting is not None or parameter.name in settings:
        # What is there is known to the settings alone: what is made up names nothing.
        yield from _given(parameter, settings) or parameter.examples
        return
    yield from parameter.examples
    for shape in shapes(contract, parameter.schema):
        if shape.kind == "fixed":
            yield shape.value
        elif not shape.empty:
            yield from _made(contract, parameter, shape)


def _made(contract: Contract, parameter: Parameter, shape: Shape) -> Iterator[Any]:
    schema = shape.schema or {}
    if shape.kind in ("integer", "number"):
        yield from (schema[word] for word in ("minimum", "maximum") if word in schema)
    builder = Builder(contract, Rotation(_SEED))
    try:
        yield "text" if shape.kind == "any" else builder.value(schema, parameter.name)
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
    return operation.method != "HEAD" and any(
        "json" in media
        for status, spec in operation.responses.items()
        if status.startswith("2")
        for media in spec.content
    )
