"""Wheel and sdist: the same bytes from the same source, and what belongs in them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from email import message_from_bytes
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

from .conftest import ROOT, Built, build, copied

TOOLS = ("build", "hatchling", "twine")
MISSING = [name for name in TOOLS if find_spec(name) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"`tox -e release` has the tools; missing: {', '.join(MISSING)}")

EPOCH = "1760000000"
VERSION = re.findall(r'__version__ = "(.+)"', (ROOT / "pytest_bctrl" / "_version.py").read_text("utf-8"))[0]
DATA = {".css", ".html", ".js", ".json", ".py", ".toml", ".tsv", ".typed", ".yaml"}
"""The contents of the package; other files in its folder are not part of it."""


def wheel_names(built: Built) -> set[str]:
    """Return the names of all files in the wheel."""
    with ZipFile(built.wheel) as archive:
        return set(archive.namelist())


def sdist_names(built: Built) -> set[str]:
    """Return the names of all files in the sdist, below its top folder."""
    with tarfile.open(built.sdist) as archive:
        names = [PurePosixPath(member.name).parts for member in archive.getmembers()]
    assert {f"pytest_bctrl-{VERSION}"} == {parts[0] for parts in names}
    return {"/".join(parts[1:]) for parts in names}


def tree(folder: str, below: str) -> set[str]:
    """Return the names of all files in a folder of the project, with `below` in place of the folder."""
    paths = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {f"{below}/{path.relative_to(ROOT / folder).as_posix()}" for path in paths}


def test_builds_are_reproducible(built: Built, tmp_path: Path) -> None:
    """Archives built in another folder, with other permissions, times and variables have the same bytes."""
    second = copied(tmp_path / "deep" / "down")
    for path in second.rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o600)
    paths = build(
        second, "--wheel", "--sdist", SOURCE_DATE_EPOCH=EPOCH, TZ="Asia/Kathmandu", LC_ALL="C", PYTHONHASHSEED="7"
    )

    again = {path.name: path.read_bytes() for path in paths}

    assert {path.name: path.read_bytes() for path in (built.wheel, built.sdist)} == again


def test_the_wheel_contains_only_the_package(built: Built) -> None:
    about = f"pytest_bctrl-{VERSION}.dist-info"
    metadata_files = {
        f"{about}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    }

    assert tree("pytest_bctrl", "pytest_bctrl") | tree(
        "contracts", "pytest_bctrl/contracts"
    ) | metadata_files == wheel_names(built)
    assert DATA == {PurePosixPath(name).suffix for name in wheel_names(built) - metadata_files}


@pytest.mark.parametrize(
    "name",
    [
        "py.typed",
        "contracts/runtimes.openapi.yaml",
        "contracts/runtimes.overlay.yaml",
        "contracts/runtimes.contract.json",
        "contracts/runtimes.lock.json",
        "contracts/runtimes.sample.json",
        "checks/rules.toml",
        "drift/examples.json",
        "drift/rules.tsv",
        "reports/findings.schema.json",
        "reports/html/page/page.html",
        "reports/html/page/style.css",
        "reports/html/page/start.js",
    ],
)
def test_the_wheel_contains_the_data_files(built: Built, name: str) -> None:
    assert f"pytest_bctrl/{name}" in wheel_names(built)


def test_the_sdist_contains_package_contracts_tests_and_project_files(built: Built) -> None:
    names = sdist_names(built)

    assert {
        "CHANGELOG.md",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "Containerfile",
        "action.yml",
        "conftest.py",
        "pyproject.toml",
        "tox.ini",
        ".pre-commit-hooks.yaml",
    } <= names
    assert tree("pytest_bctrl", "pytest_bctrl") | tree("contracts", "contracts") | tree("tests", "tests") <= names


def test_the_sdist_contains_no_temporary_files(built: Built) -> None:
    temporary = re.compile(r"(^|/)(__pycache__|build|dist|\.(git|tox|venv|hypothesis|coverage.*|.*_cache))(/|$)")

    assert [] == sorted(name for name in sdist_names(built) if temporary.search(name))


def test_names_in_the_archives_are_portable(built: Built) -> None:
    """Their characters are allowed everywhere, and no two names differ only in case."""
    for names in (wheel_names(built), sdist_names(built)):
        assert [] == sorted(name for name in names if not re.fullmatch(r"[A-Za-z0-9._/-]*[A-Za-z0-9_]", name))
        assert len(names) == len({name.lower() for name in names})


def test_twine_accepts_the_archives(built: Built) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", str(built.wheel), str(built.sdist)],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert 2 == done.stdout.count("PASSED")


def test_the_version_is_in_the_metadata_and_the_changelog(built: Built) -> None:
    with ZipFile(built.wheel) as archive:
        metadata = message_from_bytes(archive.read(f"pytest_bctrl-{VERSION}.dist-info/METADATA"))
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)

    assert VERSION == metadata["Version"]
    assert f"pytest_bctrl-{VERSION}.tar.gz" == built.sdist.name
    # An unreleased version has a heading of its own, the first.
    assert headings[0] in {VERSION, "Unreleased"}


def test_the_metadata_has_requirements_and_entry_points(built: Built) -> None:
    """Of the wheel: Python version, license, no extra, and the entry points of plugin and command."""
    with ZipFile(built.wheel) as archive:
        metadata = message_from_bytes(archive.read(f"pytest_bctrl-{VERSION}.dist-info/METADATA"))
        entries = archive.read(f"pytest_bctrl-{VERSION}.dist-info/entry_points.txt").decode()

    assert (">=3.11", "MIT", None) == (
        metadata["Requires-Python"],
        metadata["License-Expression"],
        metadata.get_all("Provides-Extra"),
    )
    assert "[pytest11]\nbctrl = pytest_bctrl.plugin" in entries
    assert "pytest-bctrl = pytest_bctrl.cli:main" in entries
