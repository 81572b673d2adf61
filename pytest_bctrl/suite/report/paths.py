"""Finds the report files of a pytest run from its options."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_REPORT = re.compile(
    r"xml|html|report|json|log|[ct]sv|tap|md|markdown|debug|output|allure|ctrf|result|summary|sarif|trx|nunit",
    re.IGNORECASE,
)
"""Matches the names of options, of any plugin, that name a report file."""
_FOLDER = re.compile(r"allure|report.*dir|dir.*report", re.IGNORECASE)
_INI = ("log_file",)
_ENVIRONMENT = ("GITHUB_STEP_SUMMARY",)
"""Environment variables that name a report to which plugins may append."""
_TICK = 0.05
"""Seconds by which the modification time of a file may be early: file systems use coarse clocks."""


def report_paths(config: pytest.Config) -> set[Path]:
    """Return the absolute paths that options may mean as reports, whether the files exist or not."""
    return {path for _, path in _report_options(config)}


def changed_files(config: pytest.Config, since: float) -> Iterator[Path]:
    """Yield each report file that was written since a time (seconds since the epoch)."""
    yielded = set()
    for name, path in _report_options(config):
        files = [path]
        if path.is_dir():
            is_project = path in (config.rootpath, *config.rootpath.parents)
            files = []
            if _FOLDER.search(name) and not is_project:
                files = sorted(path.rglob("*"))
        elif path.suffix == ".html":
            # pytest-html writes assets that are not part of the page.
            files += sorted((path.parent / "assets").glob("*"))
        for file in files:
            if file not in yielded and file.is_file() and file.stat().st_mtime >= since - _TICK:
                yielded.add(file)
                yield file


def _report_options(config: pytest.Config) -> Iterator[tuple[str, Path]]:
    """Yield the name of each option, ini key or variable for a report, with each path that its value may stand for."""
    options = {name: value for name, value in vars(config.option).items() if _REPORT.search(name)}
    options |= {name: config.getini(name) for name in _INI}
    options |= {name: os.environ.get(name, "") for name in _ENVIRONMENT}
    for name, value in options.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str | Path) and str(text):
                for folder in dict.fromkeys((config.invocation_params.dir, config.rootpath)):
                    yield name, Path(folder, text).absolute()
