"""Errors that a mistake of the user causes: one line with the problem, its location and the expected input."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_bctrl.errors import BctrlError

from .error_makers import KEY
from .error_triggers import TRIGGERS

MESSAGE = re.compile(r"(?P<location>[^\n]+?: )?(?P<problem>[^\n]{4,}) \((?P<expected>[^\n]{3,})\)")

WITHOUT_LOCATION = {"secret copied", "sample text"}
"""Mistakes in code that calls the package, where the traceback shows the location."""


@pytest.mark.parametrize("mistake", TRIGGERS)
def test_a_message_says_what_is_wrong_where_and_what_is_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BctrlError) as caught:
        TRIGGERS[mistake](tmp_path)

    message = str(caught.value)
    parts = MESSAGE.fullmatch(message)
    assert parts is not None, message
    assert parts["location"] or mistake in WITHOUT_LOCATION, message
    assert KEY not in message
    assert "hidden" not in message, "the password of a URL"
    assert "Traceback" not in message
