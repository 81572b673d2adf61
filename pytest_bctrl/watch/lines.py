"""Finds the lines of the project on the call stack."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from importlib.metadata import Distribution, distributions
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

_VENDORED = re.compile(r"[\\/](?:_vendor|_?vendored|third_party|site-packages|dist-packages|node_modules)[\\/]")

_OF_TESTS = re.compile(r"(?:^|/)(?:tests?/|test_[^/]*\.py$|[^/]*_test\.py$|conftest\.py$)")
"""The files of tests, which setuptools may list as a package of the distribution."""


class _Editable(NamedTuple):
    """A distribution that is installed in editable mode: its folder, and the names of its packages."""

    folder: str
    packages: frozenset[str]


class ProjectLines:
    """The lines of a project: of the files in its folder `root` that belong to no installed or vendored package."""

    def __init__(self, root: Path) -> None:
        self._root = f"{root}{os.sep}"
        self._kit = f"{Path(__file__).parents[1]}{os.sep}"
        self._is_project: dict[str, bool] = {}
        self._is_installed: dict[tuple[str, str], bool] = {}

    def calling_line(self) -> str:
        """Return the innermost line of the project on the call stack as `file:line`.

        Empty if there is none, as in a thread that runs a function of a library.
        """
        for frame in self._frames():
            # Code that a test runs by `exec` may have no name.
            package = str(frame.f_globals.get("__name__")).partition(".")[0]
            if not self._is_of_installed(frame.f_code.co_filename, package):
                return self.shown_line(frame.f_code.co_filename, frame.f_lineno)
        return ""

    def line_of_test(self, test: str) -> str:
        """Return the outermost line on the call stack in the file of a test, which a node id names; empty if none."""
        file = f"{self._root}{test.partition('::')[0].replace('/', os.sep)}"
        outermost: FrameType | None = None
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if frame.f_code.co_filename == file:
                outermost = frame
            frame = frame.f_back
        return self.shown_line(file, outermost.f_lineno) if outermost is not None else ""

    def line_of(self, function: Any) -> str:
        """Return the line at which a function of the project is defined; empty for other functions and objects."""
        code = getattr(function, "__code__", None)
        if code is None or not self.is_project(code.co_filename):
            return ""
        return self.shown_line(code.co_filename, code.co_firstlineno)

    def shown_line(self, file: str, line: int) -> str:
        """Return a line as messages show it: the path of its file relative to the project, and the number."""
        return f"{self.shown_file(file)}:{line}"

    def shown_file(self, file: str) -> str:
        """Return the path of a file relative to the project."""
        return file.removeprefix(self._root).replace(os.sep, "/")

    def is_project(self, file: str) -> bool:
        """Return whether a source file is in the folder of the project, and not in an environment or vendored."""
        is_project = self._is_project.get(file)
        if is_project is None:
            elsewhere = (self._kit, *self._environments_in_project())
            is_elsewhere = _VENDORED.search(file) is not None or file.startswith(elsewhere)
            is_project = self._is_project[file] = file.startswith(self._root) and not is_elsewhere
        return is_project

    def _frames(self) -> Iterator[FrameType]:
        """Yield the frames of the project on the call stack, the innermost first."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if self.is_project(frame.f_code.co_filename):
                yield frame
            frame = frame.f_back

    def _environments_in_project(self) -> tuple[str, ...]:
        """Return the folders of the virtual environment that are inside the project."""
        folders = (f"{sys.prefix}{os.sep}", f"{sys.base_prefix}{os.sep}")
        return tuple(folder for folder in folders if folder.startswith(self._root) and folder != self._root)

    def _is_of_installed(self, file: str, package: str) -> bool:
        """Return whether a file belongs to a package that is installed in editable mode."""
        key = file, package
        if key not in self._is_installed:
            self._is_installed[key] = not _OF_TESTS.search(self.shown_file(file)) and any(
                package in editable.packages and file.startswith(editable.folder) for editable in self._editables
            )
        return self._is_installed[key]

    @cached_property
    def _editables(self) -> list[_Editable]:
        """The distributions that are installed in editable mode (PEP 610), inside the project or around it."""
        editables = []
        for distribution in distributions():
            with suppress(OSError, ValueError, KeyError, TypeError):
                origin = json.loads(distribution.read_text("direct_url.json") or "{}")
                if not origin.get("dir_info", {}).get("editable"):
                    continue
                folder = f"{Path(unquote(urlsplit(origin['url']).path))}{os.sep}"
                if folder.startswith(self._root) or self._root.startswith(folder):
                    editables.append(_Editable(folder, _packages(distribution, folder)))
        return editables


def _packages(distribution: Distribution, folder: str) -> frozenset[str]:
    """Return the names of the packages of a distribution in a folder.

    These are the names that the distribution lists, or else the packages in `src` and those that have a part of its
    name: `digitalocean` of python-digitalocean.
    """
    listed = (distribution.read_text("top_level.txt") or "").split()
    if listed:
        return frozenset(listed)
    name = f"-{_normalized(distribution.name)}-"
    packages = {path.parent.name for path in Path(folder).glob("*/__init__.py")}
    named = {package for package in packages if f"-{_normalized(package)}-" in name}
    return frozenset({*named, *(path.parent.name for path in Path(folder, "src").glob("*/__init__.py"))})


def _normalized(name: str) -> str:
    """Return the name of a distribution or package in lower case, with single hyphens (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
