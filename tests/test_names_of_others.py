"""No tracked file names an account, a package or a site that the project does not own: another may register it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMES = (
    r"(?:github|gitlab)\.com[/:][\w.-]+/pytest-bctrl",
    r"github\.com/bctrl\b",
    r"pytest-bctrl\.readthedocs",
    r"pypi\.org/(?:project|p)/pytest-bctrl",
    r"ghcr\.io/[\w./-]*bctrl",
    r"uses: *[\"']?(?!\./)[\w.-]+/pytest-bctrl",
    r"\b(?:pip|pipx|uv|poetry)\b[^\n`]* (?:install|add|run) [^\n`;&]*(?<=[ \"'])pytest-bctrl(?=[\[@=<>~ \"'\n]|$)",
    r"\bdefault: *[\"']?pytest-bctrl",
    r"[\w.+-]+@(?:bctrl|pytest-bctrl)\.\w+",
)
"""Patterns of names that would run, install or receive something of somebody else."""


def tracked_files() -> list[Path]:
    """Return the tracked files; skip the test without a Git repository, as in an unpacked sdist."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        pytest.skip("this is no Git repository")
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_file_names_an_account_package_or_site_that_the_project_does_not_own() -> None:
    pattern = re.compile("|".join(NAMES))
    named = []
    for path in tracked_files():
        if path == Path(__file__).resolve() or not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        named += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert [] == named


@pytest.mark.parametrize(
    "line",
    [
        "uses: someone/pytest-bctrl@v0.1.0",
        "pip install --upgrade pytest-bctrl\n",
        "pip install 'pytest-bctrl[name]'",
        'pip install "pytest-bctrl @ git+https://example.com/x"',
        "repo: https://github.com/someone/pytest-bctrl",
        "default: pytest-bctrl",
        "Documentation: https://pytest-bctrl.readthedocs.io",
    ],
)
def test_each_way_to_name_one_is_found(line: str) -> None:
    assert re.search("|".join(NAMES), line)
