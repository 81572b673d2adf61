"""The values that the suite sends in parameters: allowed ones, invalid ones, and path values that name nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.key_fields import cookies
from pytest_bctrl.contract.model import Contract, Operation, Parameter, Schema
from pytest_bctrl.contract.paging_read import read_paging
from pytest_bctrl.contract.parameters import (
    documented_rejections,
    is_required,
    is_sent_by_member_names,
    read_field,
    read_pairs,
    received_values,
    serialize_field,
    serialize_scalar,
)
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.contract.schema.shapes import allowed_types, shapes
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.request_checks.view import operation_view
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.inputs import (
    LEFT_OUT,
    Inputs,
    distinct_values,
    existing_path_values,
    inputs_with,
    names_without_value,
    needs_real_value,
)
from pytest_bctrl.samples.mutants import BREAKERS
from pytest_bctrl.samples.text import RoundRobin
from pytest_bctrl.suite.run import ContractRun

_MAX_SHOWN = 24
"""Characters of a value in a test id."""


class ParameterTrial(NamedTuple):
    """A request that tests one parameter, with a valid or an invalid value or without it; `name` is for test ids."""

    name: str
    parameter: Parameter
    inputs: Inputs


def is_guessable(contract: Contract, parameter: Parameter) -> bool:
    """Return whether a parameter allows only numbers or listed values, so that a generated one may name something."""
    kinds = {shape.kind for shape in shapes(contract, parameter.schema)}
    return kinds <= {"integer", "number", "fixed"}


def is_opaque(contract: Contract, parameter: Parameter) -> bool:
    """Return whether the contract describes a parameter as any string, as it may a cursor, without examples.

    A generated value may then name nothing.
    """
    return not parameter.examples and _is_unconstrained_text(contract, parameter.schema)


_CONSTRAINTS = frozenset({"pattern", "format", "enum", "const", "default"})
_MAX_DEPTH = 4


def _is_unconstrained_text(contract: Contract, schema: Schema, depth: int = 0) -> bool:
    """Return whether a schema allows any string, and besides strings at most null."""
    flat = flatten(contract, schema)
    if flat.keys() & _CONSTRAINTS or depth > _MAX_DEPTH:
        return False
    branches = flat.get("anyOf") or flat.get("oneOf")
    if not branches:
        return {*allowed_types(flat)} - {"null"} == {"string"}
    texts = [branch for branch in branches if {*allowed_types(flatten(contract, branch))} != {"null"}]
    return bool(texts) and all(_is_unconstrained_text(contract, branch, depth + 1) for branch in texts)


def cursor_parameters(contract: Contract, operation: Operation) -> frozenset[str]:
    """Return the name of the cursor parameter, whose values come from a response; empty if paging has no cursor."""
    operation_paging = read_paging(contract, operation)
    if operation_paging is None or operation_paging.start is None or not operation_paging.is_opaque:
        return frozenset()
    return frozenset({operation_paging.start.name})


def generatable_parameters(run: ContractRun, operation: Operation) -> list[Parameter]:
    """Return the query and header parameters whose values may be generated, unlike those that name something.

    The values of the other parameters come from settings, examples or responses.
    """
    fixed = {*run.values_of(operation), *cursor_parameters(run.contract, operation)}
    return [
        parameter
        for parameter in operation.other_parameters
        if parameter.setting is None and parameter.name not in fixed and not needs_real_value(run.contract, parameter)
    ]


def invalid_parameters(contract: Contract, operation: Operation, request: Inputs) -> list[Parameter]:
    """Return the parameters besides the path that a request lacks although required, or has with invalid values.

    A value is invalid if the schema allows no reading of it. A server may read any value of a repeated name.
    """
    names = frozenset(parameter.name for parameter in operation.other_parameters if parameter.in_ == "query")
    fields = {name.lower(): text for name, text in request.headers}

    def readings(parameter: Parameter) -> list[Any]:
        """Return the values that the request may have for a parameter."""
        if parameter.in_ == "query":
            single_pairs = [[pair] for pair in request.query if pair[0] == parameter.name]
            readings_of_pairs = [
                read_pairs(contract, parameter, pairs, names) for pairs in (request.query, *single_pairs)
            ]
            return [value for values in readings_of_pairs for value in values]
        if parameter.in_ == "cookie":
            texts = cookies(fields.get("cookie"), parameter.name)
        else:
            texts = [text for name, text in fields.items() if name == parameter.name.lower()]
        return [read_field(contract, parameter, text) for text in texts]

    def is_invalid(parameter: Parameter) -> bool:
        """Return whether a parameter is missing although required, or none of its readings is valid."""
        values = readings(parameter)
        if not values:
            return is_required(contract, parameter)
        return not any(accepts(contract, parameter.schema, value) for value in values)

    return [parameter for parameter in operation.other_parameters if is_invalid(parameter)]


def has_empty_list(contract: Contract, operation: Operation, request: Inputs) -> bool:
    """Return whether a request sends an empty text, as for an empty list in `tags=`, that its parameter rejects.

    No standard says how to send one, and a server may read it as an empty text that the schema does not allow.
    """
    sent = [(name.lower(), text) for name, text in (*request.query, *request.headers)]
    return any(
        [text for name, text in sent if name == parameter.name.lower()] == [""]
        and not accepts(contract, parameter.schema, "")
        for parameter in operation.other_parameters
    )


def allowed_values(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> Iterator[ParameterTrial]:
    """Yield a trial for each kind of allowed query or header value; none if a required parameter lacks a value."""
    if names_without_value(contract, operation, settings):
        return
    operation_cursors = cursor_parameters(contract, operation)
    view, viewed_operation = operation_view(contract, operation)
    for parameter in viewed_operation.other_parameters:
        if parameter.name not in operation_cursors:
            for value in distinct_values(view, parameter, settings):
                yield _trial(contract, operation, settings, parameter, value)


def _trial(
    contract: Contract, operation: Operation, settings: Mapping[str, str], parameter: Parameter, value: Any
) -> ParameterTrial:
    """Return the trial of one value of a parameter, named after both."""
    text = ",".join(map(serialize_scalar, value)) if isinstance(value, list) else serialize_scalar(value)
    if len(text) > _MAX_SHOWN:
        text = f"{text[:_MAX_SHOWN]}..."
    inputs = inputs_with(contract, operation, settings, {(parameter.in_, parameter.name): value})
    return ParameterTrial(f"{parameter.name}={text}", parameter, inputs)


def invalid_values(contract: Contract, operation: Operation, settings: Mapping[str, str]) -> Iterator[ParameterTrial]:
    """Yield trials that omit a required parameter or violate a schema; none if the contract documents no rejection."""
    if names_without_value(contract, operation, settings) or not documented_rejections(operation):
        return
    for parameter in operation.other_parameters:
        if is_required(contract, parameter):
            inputs = inputs_with(contract, operation, settings, {(parameter.in_, parameter.name): LEFT_OUT})
            yield ParameterTrial(f"without {parameter.name}", parameter, inputs)
        names = set()
        for value in _breaking_values(contract, parameter, settings):
            trial = _trial(contract, operation, settings, parameter, value)
            # A number sent as text may be valid.
            readings = received_values(contract, parameter, value)
            is_valid = all(accepts(contract, parameter.schema, reading) for reading in readings)
            if trial.name not in names and not is_valid:
                names.add(trial.name)
                yield trial


def _breaking_values(contract: Contract, parameter: Parameter, settings: Mapping[str, str]) -> Iterator[Any]:
    """Yield values that violate a parameter's schema, or lists with items that violate the items' schema.

    None if the parameter is sent by the names of its members: a value of another type has no such name, so that a
    server sees an undocumented parameter, which it may ignore.
    """
    if is_sent_by_member_names(contract, parameter):
        return
    valid = next(iter(distinct_values(contract, parameter, settings)), None)
    schema = flatten(contract, parameter.schema)
    yield from _values_breaking_schema(schema, valid)
    if isinstance(valid, list) and valid and isinstance(schema.get("items"), Mapping):
        for item in _values_breaking_schema(flatten(contract, schema["items"]), valid[0]):
            yield [item]


def _values_breaking_schema(schema: Mapping[str, Any], valid: Any) -> Iterator[Any]:
    """Yield values that violate a keyword of a schema and that a parameter can carry."""
    for keyword, breaker in BREAKERS.items():
        if keyword in schema:
            for _, value in breaker(schema, valid):
                if _is_sendable(value):
                    yield value


def _is_sendable(value: Any) -> bool:
    """Return whether a parameter can carry a value: no object, and of texts only those in printable ASCII."""
    if isinstance(value, str):
        return value.isprintable() and value.isascii()
    return not isinstance(value, dict)


REJECTING_STATUSES = frozenset({400, 403, 404})
"""Statuses that reject a path value; 404 is the documented one, 400 and 403 mean the same."""


_MIN_RANDOM, _MIN_CHANGES = 16, 4
"""How long an id that looks random is at least, and how often letters and digits follow each other in it."""

_UUID = re.compile(
    r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{12}[1-8][0-9A-Fa-f]{3}[89ABab][0-9A-Fa-f]{15}"
)
"""Matches a UUID, or one without hyphens, which has its version and variant at fixed positions (RFC 9562, 4)."""


def is_random(value: str) -> bool:
    """Return whether an id looks random, such as a UUID, so that no similar id exists by chance.

    Numbers, words, names and numbered ids may have neighbours: `/users/10`, `/invoices/invoice-2026-00012`.
    """
    if _UUID.fullmatch(value):
        return True
    kinds = "".join(map(_character_kind, value))
    changes = kinds.count("ad") + kinds.count("da")
    return len(value) >= _MIN_RANDOM and changes >= _MIN_CHANGES


def _character_kind(character: str) -> str:
    """Return `a` for a letter, `d` for a digit, and "" for any other character."""
    if character.isdigit():
        return "d"
    return "a" if character.isalpha() else ""


class PathValue(NamedTuple):
    """A path value, its name in test ids, and statuses that HTTP allows for it beyond the documented ones.

    In `value`, `{0}` stands for the real value and `{1}` for the real value without its last character: a server may
    compare only a part of it.
    """

    name: str
    value: str
    tolerated: frozenset[int] = frozenset()

    def for_real_value(self, real_value: str) -> str:
        """Return the value to send, with the real value filled in if that looks random, else with `no-such-value`."""
        if not is_random(real_value):
            real_value = "no-such-value"
        return self.value.format(real_value, real_value[:-1])


LONG = 4_000
"""Length of the long value; the request line stays below the 4,094 bytes that servers accept."""

# A server may check the version of a UUID; most ids have version 4.
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
"""Unusual path values."""


def unknown_value(contract: Contract, parameter: Parameter) -> str:
    """Return a value that names nothing and that the schema allows; the unknown UUID if that or no other is allowed."""
    existing = existing_path_values(contract, parameter, {})
    candidates = [UNKNOWN.value, _LARGE_NUMBER]
    # Examples name something that exists.
    schema = {key: value for key, value in flatten(contract, parameter.schema).items() if key != "examples"}
    for seed in range(_SEEDS):
        with suppress(DocumentError):
            candidates.append(serialize_field(parameter, Builder(contract, RoundRobin(seed)).value(schema)))
    for text in candidates:
        if text not in existing and accepts(contract, parameter.schema, read_field(contract, parameter, text)):
            return text
    return UNKNOWN.value


_LARGE_NUMBER = "999999937"
_SEEDS = 8


def near_miss_paths(contract: Contract, operation: Operation, real: Mapping[str, str]) -> list[dict[str, str]]:
    """Return sets of path values in which one value differs little from the real one: three per parameter.

    They differ in the last character, in the first one, or have one more. Guessable parameters and values that do not
    look random are left out, since a similar value may name something.
    """
    return [
        {**real, parameter.name: near_miss}
        for parameter in operation.path_parameters
        if not is_guessable(contract, parameter) and is_random(real.get(parameter.name, ""))
        for near_miss in _near_misses(real[parameter.name])
    ]


def _near_misses(value: str) -> tuple[str, ...]:
    """Return a value with another last character, with one character more, and with another first character."""
    last = f"{value[:-1]}{'1' if value.endswith('0') else '0'}"
    first = f"{'1' if value.startswith('0') else '0'}{value[1:]}"
    return tuple(dict.fromkeys((last, f"{value}0", first)))


def path_probes(limit: int) -> tuple[PathValue, ...]:
    """Return the unknown path value and the unusual ones, at most `limit` in all."""
    return (UNKNOWN, *ODD)[:limit]


def generated_path_count(limit: int) -> int:
    """Return how many path values to generate: `limit` less those of `path_probes` and four more, but at least one."""
    return max(1, limit - len(path_probes(limit)) - 4)
