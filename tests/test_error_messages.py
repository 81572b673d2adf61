"""Errors that a mistake of the user causes: each states the problem, its location, and what to do."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

import pytest_bctrl
from pytest_bctrl.errors import BctrlError

from .error_makers import KEY
from .error_triggers import TRIGGERS

PACKAGE = Path(pytest_bctrl.__file__).parent

PARTS = ("problem", "where", "hint")
"""The parameters of `BctrlError`, in order."""

CALLS_WITHOUT_LOCATION = ["secrets/secret.py: BctrlError without where"]
"""A mistake in code that uses a secret, where the traceback shows the location."""


@cache
def trees() -> dict[str, ast.Module]:
    """Return the syntax tree of each module of the package by path."""
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}


@cache
def error_classes() -> dict[str, ast.ClassDef | None]:
    """Return the classes of the package's errors by name; None for the base class."""
    classes: dict[str, ast.ClassDef | None] = {BctrlError.__name__: None}
    definitions = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    while derived := {
        node.name: node
        for node in definitions
        if node.name not in classes and any(isinstance(base, ast.Name) and base.id in classes for base in node.bases)
    }:
        classes |= derived
    return classes


def has_own_parts(name: str) -> bool:
    """Return whether the class sets location and hint in its own `__init__`, which is checked in place of its calls."""
    definition = error_classes()[name]
    return definition is not None and any(getattr(node, "name", "") == "__init__" for node in definition.body)


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield the name of the error and the call that creates it, for each in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in error_classes():
            if not has_own_parts(node.func.id):
                yield node.func.id, node
        elif isinstance(node, ast.ClassDef) and node.name in error_classes():
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and ast.unparse(inner.func) == "super().__init__":
                    yield node.name, inner


def faults(name: str, error_calls: Iterable[tuple[str, ast.Call]]) -> Iterator[str]:
    """Yield each call of an error that lacks a part, or has a part that is empty or of several lines."""
    for error, call in error_calls:
        arguments = dict(zip(PARTS, call.args, strict=False)) | {
            keyword.arg or "": keyword.value for keyword in call.keywords
        }
        for part in PARTS:
            value = arguments.get(part)
            if value is None:
                yield f"{name}: {error} without {part}"
            elif isinstance(value, ast.Constant) and (not value.value or "\n" in str(value.value)):
                yield f"{name}: {error} with {part} {value.value!r}"


def test_every_error_has_problem_location_and_hint() -> None:
    """Each call of an error class in the package passes problem, `where` and `hint`, except for a listed call."""
    calls_by_module = {name: list(calls(tree)) for name, tree in trees().items()}
    assert sum(map(len, calls_by_module.values())) > 200
    assert CALLS_WITHOUT_LOCATION == [
        fault for name, error_calls in calls_by_module.items() for fault in faults(name, error_calls)
    ]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("SettingError('it is wrong', 'here', 'fix it')", []),
        ("SettingError('it is wrong', hint='fix it')", ["m: SettingError without where"]),
        ("DocumentError('it is wrong', where)", ["m: DocumentError without hint"]),
        (
            "BctrlError('', 'here', 'two\\nlines')",
            ["m: BctrlError with problem ''", "m: BctrlError with hint 'two\\nlines'"],
        ),
        ("BudgetError(3, 'here')", []),
        ("ValueError('it is wrong')", []),
    ],
)
def test_an_error_that_lacks_a_part_is_found(call: str, expected: list[str]) -> None:
    """The scan of the source reports an error class that is called without a location or a hint."""
    assert expected == list(faults("m", calls(ast.parse(f"raise {call}"))))


WITHOUT_LOCATION = {"sample text"}
"""Mistakes in code that calls the package, where the traceback shows the location."""


@pytest.mark.parametrize("mistake", TRIGGERS)
def test_an_error_message_has_problem_location_and_expected_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    """The error of each mistake has a location and a hint, is a single line, and shows neither key nor traceback."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BctrlError) as caught:
        TRIGGERS[mistake](tmp_path)

    error = caught.value
    message = str(error)
    assert error.where or mistake in WITHOUT_LOCATION, message
    assert error.hint, message
    assert "\n" not in message
    assert KEY not in message
    assert "Traceback" not in message
