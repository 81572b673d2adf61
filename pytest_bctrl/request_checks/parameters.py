"""Checks the path, query, header and cookie parameters of requests to one operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pytest_bctrl.checks.schema import violations
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.deep_object import is_member
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.key_fields import cookies
from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.parameters import Pair, is_required, object_members, read_field, read_pairs
from pytest_bctrl.http.message import Request
from pytest_bctrl.request_checks.violation import PARAMETERS, UNDOCUMENTED_PARAMETER

_REMEMBERED, _SHORT = 256, 512
"""Number of texts whose violations are remembered per operation and part of the request, and their maximum length."""


class ParameterChecks:
    """The parameters of one operation; the results for recent values are remembered, since clients repeat them."""

    def __init__(self, contract: Contract, operation: Operation) -> None:
        self._contract = contract
        self._path = operation.path_parameters
        self._query = [parameter for parameter in operation.parameters if parameter.in_ == "query"]
        self._headers = [(parameter.name.lower(), parameter) for parameter in _parameters_in(operation, "header")]
        self._cookies = _parameters_in(operation, "cookie")
        schemes = {scheme for group in operation.security for scheme in group}
        self._keys = {scheme.field for scheme in schemes if scheme.in_ == "query"}
        self._remembered_query = lru_cache(maxsize=_REMEMBERED)(self._query_violations)
        self._remembered_field = lru_cache(maxsize=_REMEMBERED)(self._field_violations)

    def path_violations(self, values: Mapping[str, str]) -> list[Violation]:
        """Return the violations of path values, which are decoded and given by name."""
        return [
            violation
            for parameter in self._path
            for violation in self._cached_field_violations(parameter, values.get(parameter.name, ""))
        ]

    def violations(self, request: Request) -> list[Violation]:
        """Return the violations of the query, the header fields and the cookies of a request."""
        query = urlsplit(request.target).query if "?" in request.target else ""
        remembered = self._remembered_query if len(query) < _SHORT else self._query_violations
        collected = list(remembered(query))
        for name, parameter in self._headers:
            collected += self._value_violations(parameter, request.header(name))
        for parameter in self._cookies:
            text = next(iter(cookies(request.header("cookie"), parameter.name)), None)
            collected += self._value_violations(parameter, text)
        return collected

    def _value_violations(self, parameter: Parameter, text: str | None) -> Sequence[Violation]:
        """Return the violations of a header or cookie value; for None, which was not sent, one if it is required."""
        if text is not None:
            return self._cached_field_violations(parameter, text)
        return [_missing_violation(parameter)] if parameter.required else ()

    def _cached_field_violations(self, parameter: Parameter, text: str) -> Sequence[Violation]:
        """Return the violations of a single value, remembered if it is short."""
        remembered = self._remembered_field if len(text) < _SHORT else self._field_violations
        return remembered(parameter.in_, parameter.name, text)

    def _field_violations(self, in_: str, name: str, text: str) -> tuple[Violation, ...]:
        """Return the violations of a single path, header or cookie value."""
        parameter = self._by_name[in_, name]
        return tuple(self._schema_violations(parameter, read_field(self._contract, parameter, text)))

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], Parameter]:
        """The path, header and cookie parameters by location and name."""
        fields = [*self._path, *(parameter for _, parameter in self._headers), *self._cookies]
        return {(parameter.in_, parameter.name): parameter for parameter in fields}

    def _query_violations(self, query: str) -> tuple[Violation, ...]:
        """Return the violations of a query: missing, invalid and undocumented parameters."""
        pairs = parse_qsl(query, keep_blank_values=True)
        names = {parameter.name for parameter in self._query} | self._keys
        collected: list[Violation] = []
        for parameter in self._query:
            values = read_pairs(self._contract, parameter, pairs, names) if pairs else []
            if not values and is_required(self._contract, parameter):
                collected.append(_missing_violation(parameter))
            elif values and not (parameter.allow_empty and _is_sent_empty(parameter, pairs)):
                collected += self._schema_violations(parameter, values[0])
        return (*collected, *self._undocumented_names(pairs, names))

    def _schema_violations(self, parameter: Parameter, value: Any) -> Iterator[Violation]:
        """Yield a violation for each way in which a value breaks the schema of its parameter."""
        if accepts(self._contract, parameter.schema, value):
            return
        for violation in violations(self._contract, parameter.schema, value):
            yield replace(violation, rule=PARAMETERS, place=f"{parameter.in_} {parameter.name}")

    def _undocumented_names(self, pairs: Sequence[Pair], documented: set[str]) -> Iterator[Violation]:
        """Yield a note for each name in a query that belongs to no parameter, up to a maximum number."""
        undocumented = (
            name
            for name in dict.fromkeys(name for name, _ in pairs)
            if name not in documented and not any(has_member(name) for has_member in self._member_tests)
        )
        for name in islice(undocumented, _MOST):
            message = "the contract does not document this parameter"
            yield Violation(UNDOCUMENTED_PARAMETER, "info", message, (), f"query {name}", "a documented name", name)

    @cached_property
    def _member_tests(self) -> list[Callable[[str], bool]]:
        """Functions that return whether a name in the query belongs to a parameter with another name."""
        tests: list[Callable[[str], bool]] = []
        for parameter in self._query:
            if parameter.style == "deepObject":
                tests.append(partial(is_member, parameter.name))
            elif parameter.explode and not parameter.is_json:
                documented, additional = object_members(self._contract, parameter.schema)
                tests.append(_any_name if additional is not None else documented.__contains__)
        return tests


_MOST = 20
"""Maximum number of undocumented names in a query that are reported."""


def _any_name(name: str) -> bool:
    """Return True for every name."""
    return True


def _parameters_in(operation: Operation, in_: str) -> list[Parameter]:
    """Return the parameters of an operation with this `in`."""
    return [parameter for parameter in operation.parameters if parameter.in_ == in_]


def _is_sent_empty(parameter: Parameter, pairs: Sequence[Pair]) -> bool:
    """Return whether a query has a parameter once, with an empty value."""
    return [value for name, value in pairs if name == parameter.name] == [""]


def _missing_violation(parameter: Parameter) -> Violation:
    """Return the violation of a required parameter that is missing."""
    place = f"{parameter.in_} {parameter.name}"
    message = "the parameter is required and missing"
    return Violation(PARAMETERS, "error", message, (), place, "a value", "no such parameter", "missing")
