"""What `pytest_bctrl` exports: names that exist at run time and for type checkers, and fixtures with annotations."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from pkgutil import resolve_name

import pytest

import pytest_bctrl
from pytest_bctrl import plugin

TESTS = Path(__file__).resolve().parent
SOURCE = ast.parse(Path(str(pytest_bctrl.__file__)).read_text("utf-8"))


def names_for_type_checkers() -> dict[str, str]:
    """Return where each name that the package imports for type checkers is defined, as `module:name`."""
    imports = [node for node in ast.walk(SOURCE) if isinstance(node, ast.ImportFrom) and node.module != "typing"]
    return {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in imports
        for alias in node.names
        if node.module not in ("__future__", "pkgutil", "pytest_bctrl._version")
    }


@pytest.mark.parametrize("name", pytest_bctrl.__all__)
def test_a_public_name_can_be_imported(name: str) -> None:
    homes = names_for_type_checkers()
    if name != "__version__":
        assert getattr(pytest_bctrl, name) is resolve_name(homes[name])


def test_type_checkers_see_the_same_names() -> None:
    """The names imported for type checkers are those of `pytest_bctrl.__all__`."""
    assert sorted([*names_for_type_checkers(), "__version__"]) == pytest_bctrl.__all__


@pytest.mark.parametrize("name", sorted(name for name in vars(plugin) if name.startswith("bctrl_")))
def test_the_annotation_page_lists_every_fixture(name: str) -> None:
    page = TESTS.parent / "docs" / "how-to" / "annotate.md"
    function = inspect.unwrap(getattr(plugin, name)._get_wrapped_function())
    annotation = str(function.__annotations__["return"]).removeprefix("Iterator[")
    row = next(line for line in page.read_text("utf-8").splitlines() if line.startswith("|") and f"`{name}`" in line)
    assert annotation.removesuffix("]").rpartition(".")[2] in row.replace("\\|", "|")


def test_the_code_of_the_annotation_page_is_type_checked() -> None:
    """The page contains tests/typing/fixtures.py, which mypy and pyright check, as it is."""
    page = TESTS.parent / "docs" / "how-to" / "annotate.md"
    assert (TESTS / "typing" / "fixtures.py").read_text("utf-8").strip() in page.read_text("utf-8")
