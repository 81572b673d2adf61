"""Without the `contract` extra, fixtures work, and the contract suite is an error that says what to install."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.traffic.mock import MockServer

pytestmark = pytest.mark.skipif(
    find_spec("schemathesis") is not None, reason="the extra is installed; `tox -e base` runs this without it"
)


@pytest.mark.parametrize("arguments", [["--bctrl-mock"], ["--bctrl-live", "bctrl"]])
def test_the_suite_without_the_extra_is_an_error_with_the_install_command(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("BCTRL_API_KEY", "pk_base_0123456789")
    monkeypatch.setenv("BCTRL_SPACE_ID", "mine")
    result = pytester.runpytest_subprocess(*arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line.strip()]
    assert "pip install '.[contract]' in a clone" in line


def test_the_fixtures_work_without_the_extra(pytester: pytest.Pytester) -> None:
    """A test with client and mock passes, and its response conforms; warnings are errors."""
    pytester.makepyfile(
        """
        from pytest_bctrl import assert_conforms

        def test_it(bctrl_client, bctrl_space_id, bctrl_mock):
            assert_conforms(bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes"), fail_on="info")
        """
    )
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_recordings_work_without_the_extra(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A live run records a test, and a second run replays it."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.bctrl_recording
        def test_it(bctrl_client, bctrl_space_id):
            assert 200 == bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code
        """
    )
    with MockServer(load()) as server:
        monkeypatch.setenv("BCTRL_API_KEY", server.api_key.reveal())
        monkeypatch.setenv("BCTRL_SPACE_ID", server.space_id)
        result = pytester.runpytest_subprocess(
            "--bctrl-live", f"--bctrl-base-url={server.url}", "--bctrl-record-mode=once"
        )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["bctrl: *, without its contract suite (*", "written: recordings/*.har"])
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_the_schema_fixture_is_an_error_with_the_install_command(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(bctrl_schema):\n    pass\n")

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*bctrl_schema: *pip install '.[[]contract]' in a clone*"])


def test_doctor_reports_the_missing_extra(pytester: pytest.Pytester) -> None:
    result = pytester.run(sys.executable, "-m", "pytest_bctrl", "doctor", "--offline")

    assert 0 == result.ret
    output = result.stdout.str()
    assert "schemathesis and hypothesis missing: fixtures work, the contract suite does not" in output
    assert "pip install '.[contract]' in a clone of the kit, then pytest --bctrl-mock bctrl" in output
