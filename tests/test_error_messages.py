"""Errors that a mistake of the user causes: one line with the problem, its location and the expected input."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_bctrl.errors import BctrlError

from .error_makers import KEY
from .error_triggers import TRIGGERS

WITHOUT_LOCATION = {"secret copied", "sample text"}
"""Mistakes in code that calls the package, where the traceback shows the location."""


@pytest.mark.parametrize("mistake", TRIGGERS)
def test_an_error_message_has_problem_location_and_expected_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BctrlError) as caught:
        TRIGGERS[mistake](tmp_path)

    error = caught.value
    message = str(error)
    assert error.where or mistake in WITHOUT_LOCATION, message
    assert error.hint, message
    assert "\n" not in message
    assert KEY not in message
    assert "hidden" not in message, "the password of a URL"
    assert "Traceback" not in message
