"""Every page of the documentation is true: what it says to type works, and prints what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import forks
from tests.docs.environment import environment
from tests.docs.internet import internet
from tests.docs.page import BY_A_NEWCOMER, PROJECT, Reader, pages

PAGES = {name: page for page in pages() if (name := str(page.relative_to(PROJECT))) not in BY_A_NEWCOMER}


@pytest.mark.parametrize("name", PAGES)
def test_commands_and_outputs_of_a_page_are_right(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Each command is run and prints what the page shows. To update the page: python -m tests.docs --write PAGE."""
    variables = environment(tmp_path, tmp_path / "you", PAGES[name].read_text("utf-8"))
    if forks.IS_AVAILABLE:
        forks.write_commands(tmp_path / "bin", request.getfixturevalue("fork_server"))
    with internet(tmp_path) as outside:
        outcome = Reader(PAGES[name], tmp_path, variables, outside).follow()

    assert [] == outcome.problems, "\n".join(outcome.problems)
