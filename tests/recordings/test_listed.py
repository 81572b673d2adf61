"""Every option, ini key, fixture and marker of recordings is shown with its words."""

from __future__ import annotations

import pytest

SHOWN = {
    "--fixtures": ["bctrl_recording -- ", "bctrl_runtimes -- ", "The recording of this test"],
    "--markers": ["@pytest.mark.bctrl_recording(name=None, conforming=True): the test is answered from its recording"],
    "--help": [
        "--bctrl-record-mode=MODE",
        "--bctrl-recordings=DIR",
        "bctrl_secrets (linelist):",
        "bctrl_scrub (string):",
    ],
}


@pytest.mark.parametrize("option", SHOWN)
def test_it_is_listed(pytester: pytest.Pytester, option: str) -> None:
    text = " ".join(pytester.runpytest_subprocess(option).stdout.str().split())

    assert [] == [words for words in SHOWN[option] if words not in text]


@pytest.mark.parametrize(("where", "value"), [("ini", "kept"), ("option", "kept/")])
def test_recordings_are_kept_where_they_are_wanted(pytester: pytest.Pytester, where: str, value: str) -> None:
    """In one folder for all, they lie in the folders of their test files; the command line wins over the ini file."""
    pytester.makeini(f"[pytest]\nbctrl_recordings = {value if where == 'ini' else 'elsewhere'}\n")
    pytester.mkdir("deep").joinpath("test_deep.py").write_text(
        "def test_it(bctrl_runtimes):\n    assert bctrl_runtimes\n"
    )
    option = [] if where == "ini" else ["--bctrl-recordings", value]

    pytester.runpytest_subprocess("--bctrl-record-mode=once", *option).assert_outcomes(passed=1)

    assert (pytester.path / "kept" / "deep" / "test_deep" / "test_it.har").is_file()
    assert not (pytester.path / "elsewhere").exists()
