"""Every page of the documentation is true: what it says to type works, and prints what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.environment import environment
from tests.docs.internet import internet
from tests.docs.page import BY_A_NEWCOMER, PROJECT, Reader, pages

PAGES = {name: page for page in pages() if (name := str(page.relative_to(PROJECT))) not in BY_A_NEWCOMER}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_true(name: str, tmp_path: Path) -> None:
    """Where a command rightly prints something else now: python -m tests.docs --write PAGE."""
    with internet(tmp_path) as outside:
        outcome = Reader(PAGES[name], tmp_path, environment(tmp_path, tmp_path / "you"), outside).follow()

    assert [] == outcome.problems, "\n".join(outcome.problems)
