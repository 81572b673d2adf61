"""Which line of the project is named as the one that sent a request."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from pytest_bctrl.watch.lines import ProjectLines

CALL = "def call(function):\n    return function()\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, in which distributions are found too."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def module(folder: Path, name: str) -> ModuleType:
    """Write a module with a function that calls another one, and return it; its packages have an `__init__.py` each."""
    path = folder.joinpath(*name.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    for parent in path.relative_to(folder).parents[:-1]:
        (folder / parent / "__init__.py").touch()
    path.write_text(CALL, "utf-8")
    created = ModuleType(name)
    exec(compile(CALL, path, "exec"), vars(created))
    return created


def install(folder: Path, name: str, source: Path, *, is_editable: bool = True, top_level: str = "") -> None:
    """Write what an installer writes about a distribution whose source is in a folder."""
    about = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    origin = {"url": source.as_uri(), "dir_info": {"editable": is_editable}}
    (about / "direct_url.json").write_text(json.dumps(origin), "utf-8")
    if top_level:
        (about / "top_level.txt").write_text(top_level, "utf-8")


def calling_line(project: Path, *modules: ModuleType) -> str:
    """Return the line that is named if each module calls the next one, and the last one sends a request."""
    lines = ProjectLines(project)
    call: Callable[[], str] = lines.calling_line
    for outer in modules[::-1]:
        call = partial(outer.call, call)
    return call()


def test_the_innermost_line_of_the_project_is_named(project: Path) -> None:
    modules = [module(project, name) for name in ("shop", "client.transport")]
    assert calling_line(project, *modules) == "client/transport.py:2"


@pytest.mark.parametrize("vendored", ["shop._vendor.http", "shop.vendored.http", "third_party.http"])
def test_a_vendored_package_is_not_the_project(project: Path, vendored: str) -> None:
    assert calling_line(project, module(project, "app"), module(project, vendored)) == "app.py:2"


@pytest.mark.parametrize(
    ("name", "package", "top_level", "line"),
    [
        ("python-ocean", "ocean", "", "app.py:2"),
        ("ocean", "ocean", "", "app.py:2"),
        ("sea", "ocean", "ocean\n", "app.py:2"),
        ("sea", "ocean", "", "ocean/transport.py:2"),
        ("ocean", "oceanic", "", "oceanic/transport.py:2"),
    ],
)
def test_a_package_in_editable_mode_is_not_the_project(
    project: Path, name: str, package: str, top_level: str, line: str
) -> None:
    """Its names are those that the distribution lists, or those that are a part of its own name."""
    install(project, name, project, top_level=top_level)
    modules = [module(project, "app"), module(project, f"{package}.transport")]
    assert calling_line(project, *modules) == line


def test_a_package_in_a_folder_for_sources_is_that_of_the_distribution(project: Path) -> None:
    install(project, "sea", project)
    modules = [module(project, "app"), module(project / "src", "ocean.transport")]
    assert calling_line(project, *modules) == "app.py:2"


@pytest.mark.parametrize("test", ["tests.helpers", "ocean.tests.helpers", "ocean.test_it", "ocean.conftest"])
def test_a_file_of_tests_is_the_project_although_the_distribution_lists_it(project: Path, test: str) -> None:
    install(project, "ocean", project, top_level="ocean\ntests\n")
    modules = [module(project, test), module(project, "ocean.transport")]
    assert calling_line(project, *modules) == f"{test.replace('.', '/')}.py:2"


def test_other_distributions_are_the_project(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One that is not in editable mode, one from elsewhere, and one whose origin cannot be read."""
    install(project, "ocean", project, is_editable=False)
    install(project, "client", tmp_path_factory.mktemp("elsewhere"))
    install(project, "shop", project)
    (project / "shop-1.0.dist-info" / "direct_url.json").write_text("{", "utf-8")
    for name in ("ocean.transport", "client.transport", "shop.transport"):
        assert calling_line(project, module(project, name)) == f"{name.replace('.', '/')}.py:2"


def test_the_line_of_a_test_is_the_outermost_one_in_its_file(project: Path) -> None:
    lines = ProjectLines(project)
    test, helper = module(project, "tests.test_it"), module(project, "helper")
    line = test.call(lambda: helper.call(lambda: lines.line_of_test("tests/test_it.py::test_a[1]")))
    assert line == "tests/test_it.py:2"
    assert lines.line_of_test("tests/test_it.py::test_a") == lines.calling_line() == ""
