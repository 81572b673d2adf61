"""The archives of a release, built as a maintainer would, in a copy of the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".tox", ".venv", "build", "dist", "__pycache__", "*.egg-info", ".hypothesis", ".*_cache"
)


@dataclass(frozen=True, slots=True)
class Built:
    """The two archives of one build."""

    wheel: Path
    sdist: Path


def build(source: Path, *what: str, **environment: str) -> list[Path]:
    """Build the requested archives from a tree and return their paths sorted by name."""
    out = source / "dist"
    arguments = ["--no-isolation", *what, "--outdir", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "build", *arguments, str(source)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(out.iterdir())


def copied(folder: Path) -> Path:
    """Copy the project to a folder, without build and cache folders, and return the folder."""
    shutil.copytree(ROOT, folder, ignore=LEFT_BEHIND)
    return folder


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Return one build, in which the wheel is made from the sdist, as pip does."""
    wheel, sdist = sorted(
        build(copied(tmp_path_factory.mktemp("first") / "tree"), SOURCE_DATE_EPOCH="1760000000"),
        key=lambda path: path.suffix != ".whl",
    )
    return Built(wheel, sdist)
