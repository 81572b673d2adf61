"""Scenarios and faults as calls: how they are written (`many`, `status(503, times=2)`), what arguments may be."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from contextlib import suppress
from inspect import signature
from math import inf
from typing import Any, TypeVar

from pytest_bctrl.errors import SettingError

Made = TypeVar("Made")


def called(text: str) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Return name, positional and keyword arguments of a call; nothing is executed, arguments are literals.

    Raises `SettingError` where `text` is neither a name nor such a call.
    """
    with suppress(SyntaxError, ValueError):
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, (), {}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            named = {keyword.arg or "**": _argument(keyword.value) for keyword in node.keywords}
            return node.func.id, tuple(map(_argument, node.args)), named
    raise SettingError("it is not understood", where=repr(text), hint="write name, or name(value, key=value)")


def _argument(node: ast.expr) -> Any:
    # A fault within a sequence is a call itself, and is passed on as text.
    return ast.unparse(node) if isinstance(node, ast.Call | ast.Name) else ast.literal_eval(node)


def made_by(
    kind: str,
    name: str,
    known: Mapping[str, Callable[..., Made]],
    positional: tuple[Any, ...],
    named: Mapping[str, Any],
    given: tuple[Any, ...] = (),
) -> Made:
    """Return what the maker of a name makes of its arguments, and of those that it is `given` anyway before them.

    Raises `SettingError` for a name that is not known, or arguments that do not fit; `kind` is what it names.
    """
    maker = known.get(name)
    if maker is None:
        raise SettingError(f"there is no such {kind}", where=name, hint=f"there are: {', '.join(known)}")
    require_fitting(maker, name, f"{kind} {name}", (*given, *positional), named, len(given))
    return maker(*given, *positional, **named)


def require_fitting(
    function: Callable[..., object],
    name: str,
    where: str,
    positional: tuple[Any, ...],
    named: Mapping[str, Any],
    skipped: int,
) -> None:
    """Raise `SettingError`, naming `where`, for arguments that a function does not take, and show how it is called.

    That is done before the call: a `TypeError` from within the function is no matter of its arguments. The first
    `skipped` of them are given anyway, and not shown: `many(count=300)`.
    """
    try:
        signature(function).bind(*positional, **named)
    except TypeError as error:
        plain = [one.replace(annotation=one.empty) for one in list(signature(function).parameters.values())[skipped:]]
        raise SettingError(
            f"the arguments do not fit: {error}", where=where, hint=f"it takes {name}({', '.join(map(str, plain))})"
        ) from None


def whole(value: object, name: str, where: str, most: int) -> int:
    """Return a whole number from 0 to `most`; `name` is the argument's."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise SettingError(f"{name}={value!r} is not a whole number from 0 to {most:,}", where=where, hint="give one")
    return value


def seconds_of(value: object, where: str) -> float:
    """Return a time in seconds."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < inf:
        raise SettingError(f"{value!r} is not a time", where=where, hint="give seconds, such as 0.5")
    return value


def status_code(value: object, where: str) -> int:
    """Return a status that an answer can have."""
    if not isinstance(value, int) or not 200 <= value <= 599:
        raise SettingError(f"{value!r} is not a status", where=where, hint="give one from 200 to 599")
    return value


def one_line(text: object) -> str:
    """Return the value of a header field."""
    if not isinstance(text, str) or not text.isprintable():
        raise SettingError(f"{text!r} is not a single line of text", where="a header field's value", hint="give one")
    return text
