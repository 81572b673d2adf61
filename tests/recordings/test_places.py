"""Recordings are kept where they are wanted."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("where", "value"), [("ini", "kept"), ("option", "kept/")])
def test_recordings_are_kept_where_they_are_wanted(pytester: pytest.Pytester, where: str, value: str) -> None:
    """In one folder for all, they lie in the folders of their test files; the command line wins over the ini file."""
    pytester.makeini(f"[pytest]\nbctrl_recordings = {value if where == 'ini' else 'elsewhere'}\n")
    pytester.mkdir("deep").joinpath("test_deep.py").write_text(
        "def test_it(bctrl_runtimes):\n    assert bctrl_runtimes\n"
    )
    option = [] if where == "ini" else ["--bctrl-recordings", value]

    pytester.runpytest("--bctrl-record-mode=once", *option).assert_outcomes(passed=1)

    assert (pytester.path / "kept" / "deep" / "test_deep" / "test_it.har").is_file()
    assert not (pytester.path / "elsewhere").exists()
