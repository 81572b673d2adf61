"""The imports of the package: they form no cycle, those for type checkers and those inside functions included."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "pytest_bctrl"

Graph = Mapping[str, set[str]]


def modules() -> dict[str, ast.Module]:
    """Return the syntax trees of all modules by their dotted names."""
    trees = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        trees[name] = ast.parse(path.read_text("utf-8"), str(path))
    return trees


def import_graph(trees: Mapping[str, ast.Module]) -> Graph:
    """Return the modules that each module imports, wherever in its text: `TYPE_CHECKING` and functions included."""
    return {name: set(imported(tree, trees)) - {name} for name, tree in trees.items()}


def imported(tree: ast.Module, modules: Collection[str]) -> Iterator[str]:
    """Yield those of `modules` that a module imports; for a module of a package, not the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            for alias in node.names:
                full_name = f"{node.module}.{alias.name}"
                if full_name in modules:
                    yield full_name
                elif node.module in modules:
                    yield str(node.module)


def first_cycle(graph: Graph) -> list[str]:
    """Return the modules of one cycle, in the order in which they import each other; an empty list without one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def between_packages(graph: Graph) -> Graph:
    """Return which package imports which; a module directly in `pytest_bctrl` counts as a package."""
    packages: dict[str, set[str]] = {}
    for name, targets in graph.items():
        package = package_of(name)
        packages.setdefault(package, set()).update(package_of(target) for target in targets)
        packages[package].discard(package)
    return packages


def package_of(name: str) -> str:
    """Return the first two parts of a module's name."""
    return ".".join(name.split(".")[:2])


def without_the_root(graph: Graph) -> Graph:
    """Return the graph without `pytest_bctrl` itself, which every import of a module loads first."""
    return {name: targets - {"pytest_bctrl"} for name, targets in graph.items() if name != "pytest_bctrl"}


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Return the import graph of the package."""
    return import_graph(modules())


def test_imports_between_modules_form_no_cycle(graph: Graph) -> None:
    assert first_cycle(graph) == []


def test_imports_between_packages_form_no_cycle(graph: Graph) -> None:
    assert first_cycle(between_packages(without_the_root(graph))) == []


@pytest.mark.parametrize(
    "text",
    [
        "import pkg.b",
        "from pkg import b",
        "from pkg.b import name",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pkg.b import name",
        "def function():\n    from pkg.b import name",
    ],
    ids=["import", "module", "name", "type-checking", "function"],
)
def test_every_form_of_import_is_recognised(text: str) -> None:
    trees = {"pkg.a": ast.parse(text), "pkg.b": ast.parse("from pkg.a import other")}
    assert {"pkg.a", "pkg.b"} == set(first_cycle(import_graph(trees)))


def test_at_most_six_modules_are_at_the_root() -> None:
    """The folder of the package has mostly packages, which are named after their contents."""
    names = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert len(names) <= 6, sorted(names)


def test_no_product_module_is_named_like_a_test() -> None:
    names = [path.name for path in PACKAGE.rglob("*.py")]
    assert not [name for name in names if name.startswith("test") or name.endswith(("_test.py", "_tests.py"))]
