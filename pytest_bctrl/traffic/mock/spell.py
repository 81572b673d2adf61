"""Reads a scenario or a fault that is written as a call: `many`, `delay(0.5)`, `status(503, times=2)`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from inspect import signature
from typing import Any

from pytest_bctrl.errors import SettingError


def called(text: str) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Return name, positional and keyword arguments of a call; nothing is executed, arguments are literals.

    Raises `SettingError` where `text` is neither a name nor such a call.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise _unreadable(text) from None
    if isinstance(node, ast.Name):
        return node.id, (), {}
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise _unreadable(text)
    try:
        positional = tuple(_argument(argument) for argument in node.args)
        named = {keyword.arg or "**": _argument(keyword.value) for keyword in node.keywords}
    except ValueError:
        raise _unreadable(text) from None
    return node.func.id, positional, named


def _argument(node: ast.expr) -> Any:
    # A fault within a sequence is a call itself, and is passed on as text.
    return ast.unparse(node) if isinstance(node, ast.Call | ast.Name) else ast.literal_eval(node)


def _unreadable(text: str) -> SettingError:
    return SettingError("it is not understood", where=repr(text), mend="write name, or name(value, key=value)")


def usage(name: str, function: Callable[..., object], skipped: int = 0) -> str:
    """Return how a scenario or a fault is called, without the parameters that it is given anyway: `many(count=300)`."""
    parameters = list(signature(function).parameters.values())[skipped:]
    plain = [one.replace(annotation=one.empty) for one in parameters]
    return f"{name}({', '.join(map(str, plain))})"
