"""Every page of the documentation is true: what it says to type works, and prints what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import forks
from tests.docs.environment import environment
from tests.docs.internet import internet
from tests.docs.page import BY_A_NEWCOMER, PROJECT, Reader, pages

PAGES = {name: page for page in pages() if (name := str(page.relative_to(PROJECT))) not in BY_A_NEWCOMER}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the address of the process that runs pytest in forks."""
    folder = tmp_path_factory.mktemp("forks")
    command = [sys.executable, "-P", forks.__file__, "serve", "door"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with subprocess.Popen(command, cwd=folder, env=variables, stdout=subprocess.DEVNULL) as server:
        while not (folder / "door").exists():
            assert server.poll() is None
            time.sleep(0.05)
        yield folder / "door"
        server.terminate()


@pytest.mark.parametrize("name", PAGES)
def test_commands_and_outputs_of_a_page_are_right(name: str, tmp_path: Path, door: Path) -> None:
    """To update the shown outputs: python -m tests.docs --write PAGE."""
    variables = environment(tmp_path, tmp_path / "you", PAGES[name].read_text("utf-8"))
    if "coverage" not in sys.modules:
        # It measures starts, and no forks.
        forks.stand_in(tmp_path / "bin" / "pytest", door)
    with internet(tmp_path) as outside:
        outcome = Reader(PAGES[name], tmp_path, variables, outside).follow()

    assert [] == outcome.problems, "\n".join(outcome.problems)
