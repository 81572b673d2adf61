"""The values of a request's parameters: from settings, from the document's examples, or generated from a schema.

A path value names something that exists, so it comes from a setting, an example, a default or a listed value; it is
generated only for a mock. The same applies to any other parameter for which an invented value proves nothing, such as a
URL, an e-mail address or an id.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from pytest_bctrl.contract.model import Contract, Operation, Parameter, Schema
from pytest_bctrl.contract.parameters import Pair, serialize_field, serialize_pairs, survives_transport
from pytest_bctrl.contract.schema.ref import flatten, listed_values
from pytest_bctrl.contract.schema.shapes import Shape, allowed_types, shapes
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.text import RoundRobin

_MAX_ALTERNATIVES = 8
_SEED = 1
_TRIES = 12
_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Inputs:
    """The serialised parameters of one request: path values by name, query pairs and header fields, all decoded."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: tuple[Pair, ...] = ()
    headers: tuple[Pair, ...] = ()

    def target(self, operation: Operation) -> str:
        """Return the request target: path and query, percent-encoded (RFC 3986, 3)."""
        return operation.url_path(self.path) + self.query_text

    @property
    def query_text(self) -> str:
        """The query with its question mark; empty if there is none."""
        if not self.query:
            return ""
        return f"?{urlencode(self.query, quote_via=quote)}"

    def with_value(self, parameter: Parameter, value: Any) -> Inputs:
        """Return the same request with a query, header or cookie parameter set or replaced."""
        if parameter.in_ == "query":
            pairs = serialize_pairs(parameter, value)
            names = {name for name, _ in pairs} | {parameter.name}
            unchanged = tuple(pair for pair in self.query if pair[0] not in names)
            return Inputs(self.path, (*unchanged, *pairs), self.headers)
        name, text = parameter.name, serialize_field(parameter, value)
        if parameter.in_ == "cookie":
            # One field contains all cookies (RFC 6265, 4.2.1).
            cookie_field = "; ".join(value for field, value in self.headers if field == "Cookie").split("; ")
            cookies = [cookie for cookie in cookie_field if cookie and not cookie.startswith(f"{name}=")]
            name, text = "Cookie", "; ".join([*cookies, f"{name}={text}"])
        unchanged = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return Inputs(self.path, self.query, (*unchanged, (name, text)))


def inputs(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> Inputs | None:
    """Return the inputs of a request with only the required parameters; None if one of them has no value."""
    if names_without_value(contract, operation, settings):
        return None
    return inputs_with(contract, operation, settings, {})


LEFT_OUT = object()
"""Stands for the value of a parameter that is not sent."""


def inputs_with(
    contract: Contract, operation: Operation, settings: Mapping[str, str], overrides: Mapping[tuple[str, str], Any]
) -> Inputs:
    """Return the inputs of a request with the required parameters and `overrides`, which may omit one (`LEFT_OUT`).

    The keys of `overrides` are `in` and name of a parameter.
    """
    path_values: dict[str, str] = {}
    for parameter in operation.path_parameters:
        for value in existing_path_values(contract, parameter, settings)[:1]:
            path_values[parameter.name] = value
    request = Inputs(path_values)
    for parameter in operation.other_parameters:
        key = parameter.in_, parameter.name
        if key in overrides and overrides[key] is not LEFT_OUT:
            request = request.with_value(parameter, overrides[key])
        elif key not in overrides and parameter.required:
            request = request.with_value(parameter, next(_possible_values(contract, parameter, settings)))
    return request


def names_without_value(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> list[str]:
    """Return the names of the required parameters that have no value."""
    required = [parameter for parameter in operation.parameters if parameter.required or parameter.in_ == "path"]
    return [parameter.name for parameter in required if not _has_value(contract, parameter, settings)]


def optional_names_without_value(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> list[str]:
    """Return the names of the optional parameters that are not sent, because an invented value would prove nothing."""
    optional = [parameter for parameter in operation.other_parameters if not parameter.required]
    return [
        parameter.name
        for parameter in optional
        if needs_real_value(contract, parameter) and not _has_value(contract, parameter, settings)
    ]


def _has_value(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> bool:
    """Return whether a parameter has a value."""
    if parameter.in_ == "path":
        return bool(_existing_values(contract, parameter, settings))
    return any(True for _ in _possible_values(contract, parameter, settings))


_NAMING = frozenset({
    "id", "ids", "uuid", "guid", "slug", "url", "urls", "uri", "link", "host", "hostname", "domain", "email", "mail",
    "phone", "username", "password", "token", "secret", "key", "code", "signature",
})  # fmt: skip
"""Words in the name of a required parameter whose value names something, or is issued by somebody."""

_CHOSEN_BY_CLIENT = frozenset({"request", "correlation", "trace", "span", "idempotency", "nonce"})
"""Words in the name of a parameter whose value the client invents, such as `X-Request-Id`."""

_FORMATS = frozenset({
    "uri", "uri-reference", "iri", "iri-reference", "url", "email", "idn-email", "hostname", "idn-hostname", "uuid",
    "ipv4", "ipv6", "password",
})  # fmt: skip
"""Formats of values that name something."""

_ID_PATTERN = re.compile(r"^\^?[A-Za-z]{2,}_|\{(?:1[2-9]|[2-9]\d|\d{3,})[,}]")
"""Matches in a pattern of ids: it begins with a prefix such as `cus_`, or repeats a character twelve times or more."""


def needs_real_value(contract: Contract, parameter: Parameter) -> bool:
    """Return whether an invented value of a parameter proves nothing, since it must name something that exists.

    A format or a pattern says so, or the name of a required parameter. A value that the schema lists is not invented.
    """
    words = {*words_in(parameter.name)}
    if words & _CHOSEN_BY_CLIENT:
        return False
    is_named = parameter.required and bool(words & _NAMING)
    return any(
        (is_named and allowed_types(schema) in _TYPES_OF_NAMES)
        or schema.get("format") in _FORMATS
        or _ID_PATTERN.search(str(schema.get("pattern", "")))
        for schema in _scalar_schemas(contract, parameter.schema)
    )


_TYPES_OF_NAMES = ((), ("string",), ("integer",))


def words_in(name: str) -> list[str]:
    """Return the words of a name in lower case: `pet` and `id` of `petId`, `pet_id` or `PetID`."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]


def _scalar_schemas(contract: Contract, schema: Schema, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield the flat schemas of the branches and items of a schema that list no values, or of the schema itself."""
    flat = flatten(contract, schema)
    branches = [*flat.get("oneOf", ()), *flat.get("anyOf", ())]
    parts = branches or ([flat["items"]] if "items" in flat else [])
    if listed_values(flat) is not None or depth > _MAX_DEPTH:
        return
    if not parts:
        yield flat
    for part in parts:
        yield from _scalar_schemas(contract, part, depth + 1)


def existing_path_values(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> list[str]:
    """Return the serialised values of a path parameter that name something that exists."""
    return [serialize_field(parameter, value) for value in _existing_values(contract, parameter, settings)]


def distinct_values(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> list[Any]:
    """Return at most eight different values of a parameter: that of a setting, else examples, listed values, limits.

    Each survives transport. Of other values, a generated one per alternative of the schema is included.
    """
    values: list[Any] = []
    for value in _possible_values(contract, parameter, settings):
        if value not in values and len(values) < _MAX_ALTERNATIVES:
            values.append(value)
    return values


def _existing_values(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> list[Any]:
    """Return the values of a parameter that exist: from settings, or else examples and listed values."""
    if configured := _from_settings(parameter, settings):
        return configured
    if parameter.setting is not None and not parameter.examples:
        return []
    listed = [shape.value for shape in shapes(contract, parameter.schema) if shape.kind == "fixed"]
    return [*parameter.examples, *(value for value in listed if value is not None)]


def exemplified(contract: Contract, settings: Mapping[str, str]) -> Contract:
    """Return a contract for a mock, in which each parameter that needs a real value and has none gets a generated one.

    An example that the schema rejects is left out: the mock would reject it too.

    The result is the same object for the same arguments, because values are cached per contract object.
    """
    return _with_path_examples(contract, tuple(sorted(settings.items())))


@lru_cache(maxsize=8)
def _with_path_examples(contract: Contract, setting_pairs: tuple[tuple[str, str], ...]) -> Contract:
    """Return the contract with an example for each parameter that needs a real value and has no valid one."""
    settings = dict(setting_pairs)

    def with_example(parameter: Parameter) -> Parameter:
        """Return a parameter that needs a real value without invalid examples, with a generated one if it has none."""
        if parameter.in_ != "path" and not needs_real_value(contract, parameter):
            return parameter
        valid = tuple(filter(partial(survives_transport, contract, parameter), parameter.examples))
        if len(valid) < len(parameter.examples):
            parameter = replace(parameter, examples=valid)
        if _existing_values(contract, parameter, settings):
            return parameter
        bare = replace(parameter, setting=None)
        return replace(parameter, examples=tuple(islice(_generated_values(contract, bare), 1)))

    parameters = [tuple(map(with_example, operation.parameters)) for operation in contract.operations]
    if parameters == [operation.parameters for operation in contract.operations]:
        return contract
    changes = zip(contract.operations, parameters, strict=True)
    return replace(contract, operations=tuple(replace(operation, parameters=changed) for operation, changed in changes))


def _from_settings(parameter: Parameter, settings: Mapping[str, str]) -> list[str]:
    """Return the value that settings give a parameter, as a list of at most one."""
    return [settings[name] for name in (parameter.setting, parameter.name) if name and name in settings][:1]


def _possible_values(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> Iterator[Any]:
    """Yield values of a parameter that survive transport: that of a setting, else examples and generated values."""
    arriving = partial(survives_transport, contract, parameter)
    if parameter.setting is not None or parameter.name in settings:
        # Only the settings know what exists; a generated value would name nothing.
        yield from filter(arriving, _from_settings(parameter, settings) or parameter.examples)
        return
    yield from filter(arriving, parameter.examples)
    if parameter.in_ != "path" and needs_real_value(contract, parameter):
        return
    yield from _generated_values(contract, parameter)


def _generated_values(contract: Contract, parameter: Parameter) -> Iterator[Any]:
    """Yield listed and generated values of a parameter that survive transport."""
    arriving = partial(survives_transport, contract, parameter)
    for number, shape in enumerate(shapes(contract, parameter.schema)):
        if shape.kind == "fixed":
            yield from filter(arriving, [shape.value])
        elif not shape.empty:
            bounds = [(shape.schema or {}).get(word) for word in ("minimum", "maximum")]
            yield from filter(arriving, [bound for bound in bounds if bound is not None])
            generated = _generated_values_cache(contract)
            # The entry keeps the parameter alive, so that no other parameter can have its id.
            key = id(parameter), number
            if key not in generated:
                generated[key] = (
                    parameter,
                    list(islice(filter(arriving, _values_of_shape(contract, parameter, shape)), 1)),
                )
            yield from copy.deepcopy(generated[key][1])


@lru_cache(maxsize=8)
def _generated_values_cache(_contract: Contract) -> dict[tuple[int, int], tuple[Parameter, list[Any]]]:
    """Return the cache of a contract's generated parameter values, because generating a value may take many steps."""
    return {}


def _values_of_shape(contract: Contract, parameter: Parameter, shape: Shape) -> Iterator[Any]:
    """Yield generated values of a shape, of which not every one survives serialisation."""
    for seed in range(_SEED, _SEED + _TRIES):
        builder = Builder(contract, RoundRobin(seed))
        try:
            yield "text" if shape.kind == "any" else builder.value(shape.schema or {}, parameter.name)
        except DocumentError:
            # No string can be generated for the pattern.
            return


def main_operation(contract: Contract) -> Operation:
    """Return the default operation: the first GET with a JSON response, else the first such, else the first of all.

    Samples and scenarios use it.
    """
    answering = [operation for operation in contract.operations if responds_with_json(operation)]
    reading = [operation for operation in answering if operation.method == "GET"]
    return (reading or answering or list(contract.operations))[0]


def responds_with_json(operation: Operation) -> bool:
    """Return whether an operation documents a successful JSON response."""
    return operation.method != "HEAD" and operation.success is not None and operation.success.json is not None
