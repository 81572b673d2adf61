"""The files that reports of a pytest run are written to, as its options name them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_REPORT = re.compile(r"xml|html|report|json|log|csv|tap|md|markdown|debug|output|allure", re.IGNORECASE)
"""A part of the name of each option that names a file of a report, of any plugin."""
_FOLDER = re.compile(r"allure|report.*dir|dir.*report", re.IGNORECASE)
_INI = ("log_file",)
_TICK = 0.05
"""Seconds by which the time of a file may be early: a file system's clock moves in steps."""


def report_paths(config: pytest.Config) -> set[Path]:
    """Return the absolute paths that options give for reports, whether there is a file or not."""
    return {path for _, path in _named(config)}


def changed_files(config: pytest.Config, since: float) -> Iterator[Path]:
    """Yield each file of a report that was written since a time (seconds since the epoch)."""
    seen = set()
    for name, path in _named(config):
        files = [path]
        if path.is_dir():
            is_project = path in (config.rootpath, *config.rootpath.parents)
            files = sorted(path.rglob("*")) if _FOLDER.search(name) and not is_project else []
        elif path.suffix == ".html":
            # Where pytest-html puts what it does not put into the page.
            files += sorted((path.parent / "assets").glob("*"))
        for file in files:
            if file not in seen and file.is_file() and file.stat().st_mtime >= since - _TICK:
                seen.add(file)
                yield file


def _named(config: pytest.Config) -> Iterator[tuple[str, Path]]:
    options = {name: value for name, value in vars(config.option).items() if _REPORT.search(name)}
    options |= {name: config.getini(name) for name in _INI}
    for name, value in options.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str | Path) and str(text):
                for folder in dict.fromkeys((config.invocation_params.dir, config.rootpath)):
                    yield name, Path(folder, text).absolute()
