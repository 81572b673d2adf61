"""Writes `docs/reference/python-api.md` from the code: signatures and docstrings of the public API.

Run `python -m tests.python_page` in the root of the project after changing one of them.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import Any, get_args

import pytest_bctrl
from pytest_bctrl.integration import hookspecs

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "python-api.md"

# A module stands for all its public names. Names after a hyphen are omitted from the entry of a class.
SECTIONS: Mapping[str, str] = {
    "Checks": "check check_request assert_conforms Finding at_or_above Level FailOn",
    "Checks, scenarios and faults of your own": """
        contract_check Check Problem Response-observed Parsed mock_scenario mock_fault CustomScenario CustomFault
        integration.hookspecs""",
    "Samples": "samples",
    "Strategies": "strategies",
    "The mock server": """
        MockServer-respond-refuse Space-respond-refuse OperationMock FaultInPlay Journal-add-clear-entry JournalEntry
        Fault RequestContext Scenario BodySource Payload Request MockResponse ErrorResponses ServerLimits""",
    "Recordings": "RecordedTest",
    "The contract": """
        load_contract Contract Operation Parameter RequestBody MediaType Encoding ResponseSpec SecurityScheme schema""",
    "Drift": "drift.compare drift.check_upstream",
    "Secrets and errors": "Secret BctrlError SettingError DocumentError UnsafeRequestError UnreachableError",
}
_INTRODUCTION = """\
# Python

The public API is what `pytest_bctrl` exports, and the modules `pytest_bctrl.samples`, `pytest_bctrl.strategies` and
`pytest_bctrl.drift`. All of it is typed; see [how to annotate the fixtures](../how-to/annotate.md).
This page is generated from the code: `python -m tests.python_page`.
"""
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def python_page() -> str:
    """Return the text of the page."""
    lines = [_INTRODUCTION]
    for heading, names in SECTIONS.items():
        lines.append(f"\n## {heading}\n")
        for name in names.split():
            shown, *hidden = f"pytest_bctrl.{name}".split("-")
            exported = resolve_name(shown)
            if get_args(exported):
                lines.append(_alias(shown, get_args(exported)))
            elif exported is hookspecs:
                lines += [_entry(inner, value, ()) for inner, value in _public_callables(exported)]
            elif isinstance(exported, ModuleType):
                lines.append(f"\n{inspect.getdoc(exported)}\n")
                lines += [_entry(f"{shown}.{inner}", value, ()) for inner, value in _public_callables(exported)]
            else:
                lines.append(_entry(shown, exported, hidden))
    return "".join(lines)


def _alias(path: str, values: Sequence[str]) -> str:
    """Return the entry of a type alias for a set of strings."""
    name = path.rpartition(".")[2]
    return f"\n### {name}\n\n`{path}` is one of the texts {', '.join(f'`{value}`' for value in values)}.\n"


def _public_callables(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Return name and value of each callable in `__all__`, or without it, of each that the module defines."""
    defined = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    values = ((name, getattr(module, name)) for name in getattr(module, "__all__", defined))
    return ((name, value) for name, value in values if callable(value))


def _entry(path: str, value: Any, hidden: Collection[str]) -> str:
    """Return the entry of a class or function: usage, docstring, and the members that are not hidden."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(value))).body
    assert isinstance(node, _Definition)
    assert value.__doc__, path
    members = {name: row for base in _unlisted_bases(value) for name, *row in _members(_class_node(base))}
    members |= {name: row for name, *row in _members(node)}
    rows = [f"- `{call}`: {text}\n" for name, (call, text) in members.items() if name not in hidden]
    listed = "\n" + "".join(rows) if rows else ""
    kinds = "".join(f", subclass of `{ast.unparse(base)}`" for base in getattr(node, "bases", ()))
    name = path.rpartition(".")[2]
    return f"\n### {name}\n\n`{path}{_arguments(node)}`{kinds}\n\n{inspect.getdoc(value)}\n{listed}"


def _arguments(node: _Definition) -> str:
    """Return the parameters and return type of a callable as source code; of a dataclass, its fields."""
    if not isinstance(node, ast.ClassDef):
        arguments = re.sub(r"^(self|cls)(, )?", "", ast.unparse(node.args))
        return f"({arguments})" + (f" -> {ast.unparse(node.returns)}" if node.returns else "")
    for inner in node.body:
        if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
            return _arguments(inner).removesuffix(" -> None")
    fields = [inner for inner in node.body if isinstance(inner, ast.AnnAssign)]
    arguments = ", ".join(ast.unparse(inner) for inner in fields if not ast.unparse(inner.target).startswith("_"))
    shown = re.sub(r"field\(.*?\)(?=, |$)", "…", arguments)
    return f"({shown})" if fields else ""


def _class_node(value: type) -> ast.ClassDef:
    """Return the syntax tree of a class."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(value))).body
    assert isinstance(node, ast.ClassDef)
    return node


def _unlisted_bases(value: Any) -> list[type]:
    """Return the base classes that have no entry, the most general first; the entry lists their members too."""
    bases = []
    for base in getattr(value, "__mro__", ())[1:]:
        if base.__name__ in pytest_bctrl.__all__ or not base.__module__.startswith("pytest_bctrl."):
            break
        bases.append(base)
    return bases[::-1]


def _members(node: _Definition) -> Iterator[tuple[str, str, str]]:
    """Yield name, usage and docstring of each public member of a class that has a docstring, in order."""
    for inner in node.body if isinstance(node, ast.ClassDef) else ():
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_"):
            is_value = any("property" in ast.unparse(decorator) for decorator in inner.decorator_list)
            returns = f": {ast.unparse(inner.returns)}" if inner.returns else ""
            words = ast.get_docstring(inner)
            if words:
                usage = returns if is_value else _arguments(inner)
                yield inner.name, f"{inner.name}{usage}", " ".join(words.split())


if __name__ == "__main__":
    PAGE.write_text(python_page(), "utf-8")
