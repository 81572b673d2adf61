"""The names by which settings give values to parameters: for the whole contract, or for one operation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.errors import SettingError
from pytest_bctrl.settings.table import VALUES


def values_of(operation: Operation, settings: Mapping[str, str]) -> Mapping[str, str]:
    """Return the settings, with the values for this operation also under the plain names of its parameters.

    `METHOD /path name` takes precedence over `operationId.name`, and that over `name`.
    """
    values = dict(settings)
    for parameter in operation.parameters:
        for prefix in _prefixes(operation):
            value = settings.get(prefix + parameter.name)
            if value is not None:
                values |= dict.fromkeys(_own_names(parameter), value)
    return values


def _prefixes(operation: Operation) -> Iterator[str]:
    """Yield the prefixes that limit a name in settings to one operation, that with the highest precedence last."""
    if operation.operation_id:
        yield f"{operation.operation_id}."
    yield f"{operation.label} "


def _own_names(parameter: Parameter) -> Iterator[str]:
    """Yield the names that settings may use for a parameter."""
    yield parameter.name
    if parameter.setting:
        yield parameter.setting


def require_parameters(contract: Contract, names: Iterable[str]) -> None:
    """Raise `SettingError`, with similar names, for a name that fits no parameter of the contract.

    The operations that a contract excludes are unknown, so the names of such a contract are not checked.
    """
    if contract.excluded:
        return
    valid = {
        prefix + name
        for operation in contract.operations
        for parameter in operation.parameters
        for prefix in ("", *_prefixes(operation))
        for name in _own_names(parameter)
    }
    for name in names:
        if name in valid:
            continue
        similar = get_close_matches(name, sorted(valid), 3)
        hint = "write parameter = value, operationId.parameter = value, or METHOD /path parameter = value"
        if similar:
            hint = f"did you mean {' or '.join(similar)}?"
        elif not valid:
            hint = "remove the line: the operations have no parameters"
        raise SettingError(f"no operation has the parameter {name!r}", where=VALUES.ini, hint=hint)


def setting_lines(contract: Contract, operation: Operation, names: Iterable[str]) -> list[str]:
    """Return the lines of `bctrl_values` that give parameters of an operation a value, such as `owner = VALUE`.

    A name that stands for different things in different operations, such as a user and a group, is limited to the
    operation: the literal segments in front of it differ.
    """
    lines = []
    for name in names:
        kinds = {_segment_before(path, name) for path in {operation.path for operation in contract.operations}} - {None}
        prefix = next(_prefixes(operation)) if len(kinds) > 1 else ""
        lines.append(f"{prefix}{name} = VALUE")
    return lines


def _segment_before(path: str, name: str) -> str | None:
    """Return the path segment in front of a path parameter; None if the path does not have it."""
    before, parameter, _ = path.partition(f"{{{name}}}")
    return before.rstrip("/").rpartition("/")[2] if parameter else None
