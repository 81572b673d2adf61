"""A fork, in which tests run pytest, has the streams, folder, variables and exit code of a process of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests import forks

pytestmark = pytest.mark.skipif(not forks.IS_AVAILABLE, reason="there are no forks on this platform, or in coverage")

TEST = """
import os
from pathlib import Path


def test_of_a_fork():
    assert {"ONLY_HERE": "1"} == {name: value for name, value in os.environ.items() if name == "ONLY_HERE"}
    assert Path(__file__).parent == Path.cwd()
"""


def test_a_fork_runs_in_the_folder_of_its_caller_however_long_the_path_of_the_socket_is(
    fork_server: Path, tmp_path: Path
) -> None:
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    folder.mkdir(parents=True)
    (folder / "forks").symlink_to(fork_server.parent)
    (folder / "test_fork.py").write_text(TEST, "utf-8")
    command = [*forks.command(folder / "forks" / fork_server.name), "-m", "pytest", "-q", "-p", "no:cacheprovider"]

    passed = subprocess.run(command, cwd=folder, env={**os.environ, "ONLY_HERE": "1"}, capture_output=True, text=True)
    failed = subprocess.run(command, cwd=folder, capture_output=True, text=True)

    assert [pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED] == [passed.returncode, failed.returncode]
    assert "1 passed" in passed.stdout
    assert "1 failed" in failed.stdout
    assert "" == passed.stderr
