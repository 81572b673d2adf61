"""Finds every place of the package that makes an error for a person, so that none is forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest_bctrl
from pytest_bctrl import errors

PACKAGE = Path(pytest_bctrl.__file__).parent


class Site(NamedTuple):
    """One call that makes an error: the file, its lines, the problem as it is written, and the texts in it."""

    file: str
    first: int
    last: int
    problem: str
    texts: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the list of exceptions calls it: unchanged where only lines move."""
        return f"{self.file}: {self.problem[:44]}"


def _kinds() -> set[str]:
    """The names of all errors, those of other modules too: subclasses end in Error, as a rule of the linter has it."""
    found = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") in found for base in node.bases):
                found.add(node.name)
    return found


def sites() -> Iterator[Site]:
    """Yield every call of an error of the family, in the order of the files."""
    kinds = _kinds()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in kinds and node.args:
                texts = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
                yield Site(
                    path.relative_to(PACKAGE).as_posix(),
                    node.lineno,
                    node.end_lineno or node.lineno,
                    ast.unparse(node.args[0]),
                    tuple(text.strip() for text in texts if isinstance(text, str) and len(text.strip()) >= 6),
                )
