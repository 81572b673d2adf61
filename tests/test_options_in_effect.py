"""Options and ini keys that no other test gives: each does what its words say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_bctrl.contract.files import packaged
from pytest_bctrl.samples import response
from tests.variants import named, serve


def test_the_space_of_the_command_line_is_asked_for(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile("def test_it(bctrl_space_id):\n    assert bctrl_space_id == 'mine'\n")
    with serve(named("plain")) as server:
        monkeypatch.setenv("BCTRL_API_KEY", server.api_key)
        monkeypatch.setenv("BCTRL_SPACE_ID", server.space_id)
        result = pytester.runpytest(
            "--bctrl-live", f"--bctrl-base-url={server.url}", "--bctrl-space-id=mine", "-m", "not bctrl_contract"
        )

    assert 1 == result.parseoutcomes()["passed"]


@pytest.mark.parametrize("where", ["option", "file"])
def test_a_run_that_sees_less_than_the_least_coverage_fails(pytester: pytest.Pytester, where: str) -> None:
    (pytester.path / "pytest.toml").write_text("[pytest]\n" + ("bctrl_min_coverage = 100\n" if where == "file" else ""))
    option = ["--bctrl-min-coverage=100"] if where == "option" else []

    result = pytester.runpytest("--bctrl-mock", "-k", "test_answer_conforms", *option)

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["*coverage of * is below the minimum of 100%*"])


def test_what_was_observed_tells_who_moved(tmp_path: Path) -> None:
    body = response()
    body["runtimes"][0]["status"] = "archived"
    (tmp_path / "seen.json").write_text(json.dumps(body))
    command = [sys.executable, "-m", "pytest_bctrl", "drift", str(packaged().spec), "--observed", "seen.json"]

    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert 1 == result.returncode
    assert "THE API IS AHEAD OF ITS DOCUMENTATION" in result.stdout
