"""Parses the calls of scenarios and faults (`many`, `status(503, times=2)`), and validates their arguments."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from inspect import Parameter, signature
from typing import Any, TypeVar

from pytest_bctrl.errors import SettingError

Result = TypeVar("Result")


def parse_call(text: str) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Return name, positional and keyword arguments of a call as text, whose arguments are literals; executes nothing.

    Raises `SettingError` if `text` is neither a name nor such a call.
    """
    with suppress(SyntaxError, ValueError):
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, (), {}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            named = {keyword.arg or "**": _argument_value(keyword.value) for keyword in node.keywords}
            return node.func.id, tuple(map(_argument_value, node.args)), named
    raise SettingError("it is not understood", where=shown(text), hint="write name, or name(value, key=value)")


def call_text(name: str, positional: tuple[Any, ...], named: Mapping[str, Any]) -> str:
    """Return a call as text with its arguments: `many(count=500)`."""
    arguments = ", ".join([*map(repr, positional), *(f"{key}={value!r}" for key, value in named.items())])
    return f"{name}({arguments})"


def shown(value: object) -> str:
    """Return a value as it is shown in an error, which callers in any language read: as JSON if it is JSON data."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(value)


_CONSTANTS: Mapping[str, object] = {"true": True, "false": False, "null": None}
"""Constants of JSON, for callers in other languages than Python."""


def _argument_value(node: ast.expr) -> Any:
    """Return the value of an argument: a constant such as `true`, the text of a nested call or name, or a literal."""
    if isinstance(node, ast.Name) and node.id in _CONSTANTS:
        return _CONSTANTS[node.id]
    # A fault within a sequence is itself a call, which is kept as text.
    if isinstance(node, ast.Call | ast.Name):
        return ast.unparse(node)
    return ast.literal_eval(node)


def call_by_name(
    kind: str,
    name: str,
    functions: Mapping[str, Callable[..., Result]],
    positional: tuple[Any, ...],
    named: Mapping[str, Any],
    leading: tuple[Any, ...] = (),
) -> Result:
    """Call the function with this name in `functions`, the arguments in `leading` first, and return its result.

    Raises `SettingError` for a name that is not in `functions`, or arguments that do not fit; errors call the function
    a `kind`.
    """
    function = functions.get(name)
    if function is None:
        raise SettingError(f"unknown {kind}", where=name, hint=f"choose one of: {', '.join(functions)}")
    require_fitting(function, name, f"{kind} {name}", (*leading, *positional), named, len(leading))
    return function(*leading, *positional, **named)


def require_fitting(
    function: Callable[..., object],
    name: str,
    where: str,
    positional: tuple[Any, ...],
    named: Mapping[str, Any],
    skipped: int,
) -> None:
    """Raise `SettingError`, naming `where`, if a function does not accept the arguments; the error shows its signature.

    The check runs before the call because a `TypeError` inside the function says nothing about its arguments. The first
    `skipped` parameters are not shown: `many(count=300)`.
    """
    try:
        signature(function).bind(*positional, **named)
    except TypeError as error:
        parameters = list(signature(function).parameters.values())[skipped:]
        accepted = ", ".join(map(_parameter_text, parameters))
        problem = str(error).replace("got an unexpected keyword argument", "there is no argument").replace("'", "")
        raise SettingError(
            f"the arguments do not fit: {problem}", where=where, hint=f"it takes {name}({accepted})"
        ) from None


def _parameter_text(parameter: Parameter) -> str:
    """Return a parameter as a signature shows it: `code`, or with its default `count=300`."""
    if parameter.kind is Parameter.VAR_POSITIONAL:
        return f"{parameter.name}, …"
    if parameter.kind is Parameter.VAR_KEYWORD:
        return "…"
    if parameter.default is Parameter.empty:
        return parameter.name
    default = "…" if parameter.default is None else shown(parameter.default)
    return f"{parameter.name}={default}"


def whole_number(value: object, name: str, where: str, maximum: int) -> int:
    """Return the value of the argument `name`; raises `SettingError` unless it is whole, from 0 to `maximum`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
        problem = f"{name}={shown(value)} is not a whole number from 0 to {maximum:,}"
        raise SettingError(problem, where=where, hint="give one")
    return value


_LARGEST = 10**9
"""Maximum number of seconds, and of bytes per second."""


def require_seconds(value: object, where: str, what: str = "a time", hint: str = "give seconds, such as 0.5") -> float:
    """Return `value` if it is a number of seconds; raises `SettingError` that says it is not `what`."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise SettingError(f"{shown(value)} is not {what}", where=where, hint=hint)
    return value


def require_status_code(value: object, where: str) -> int:
    """Return `value` if it is a status from 200 to 599; raises `SettingError`, naming `where`, if not."""
    if not isinstance(value, int) or not 200 <= value <= 599:
        raise SettingError(f"{shown(value)} is not a status", where=where, hint="give one from 200 to 599")
    return value


def require_one_line(text: object) -> str:
    """Return `text` if it is a single printable line, as a header field needs; raises `SettingError` if not."""
    if not isinstance(text, str) or not text.isprintable():
        raise SettingError(
            f"{shown(text)} is not a single line of text", where="the value of a header field", hint="give one"
        )
    return text
