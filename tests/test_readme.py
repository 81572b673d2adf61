"""Every Python snippet of the README is a test that passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_snippet(pytester: pytest.Pytester, number: int) -> None:
    pytester.makepyfile(SNIPPETS[number])
    if "def pytest_" in SNIPPETS[number]:
        # What a hook needs a conftest.py for; its test is run from the test file.
        pytester.makeconftest(SNIPPETS[number])

    # A recorded test has no recording yet: it is recorded from the mock.
    result = pytester.runpytest_subprocess("--strict-markers", "-W", "error", "--bctrl-record-mode=once")

    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes()["passed"] >= 1
