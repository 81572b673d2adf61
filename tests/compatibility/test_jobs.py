"""Each feature of the kit besides the contract suite, once, in a process of its own as a user would run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_bctrl.samples import response
from tests.drift.published import TEXT, page, written
from tests.variants import named, serve

STRICT = ("--strict-markers", "--strict-config", "-W", "error")

FIXTURES = """
import pytest
from pytest_bctrl import assert_conforms, check


def test_client(bctrl_client, bctrl_space_id):
    assert_conforms(bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes"), fail_on="info")


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_async_client(bctrl_async_client, bctrl_space_id):
    assert [] == check(await bctrl_async_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes"))


@pytest.mark.bctrl_scenario("empty")
def test_scenario(bctrl_mock, bctrl_client):
    assert [] == bctrl_client.get(f"/v1/spaces/{bctrl_mock.space_id}/runtimes").json()["runtimes"]
    assert 1 == len(bctrl_mock.requests)


def test_fault(bctrl_mock, bctrl_client):
    with bctrl_mock.fault("status", 403):
        assert 403 == bctrl_client.get(f"/v1/spaces/{bctrl_mock.space_id}/runtimes").status_code


def test_contract(bctrl_contract):
    assert ["GET /v1/spaces/{id}/runtimes"] == [operation.label for operation in bctrl_contract.operations]


@pytest.mark.bctrl_live
def test_live_only(bctrl_client):
    raise RuntimeError("must not run")
"""

RECORDED = """
import pytest

pytestmark = pytest.mark.bctrl_recording


def test_recorded(bctrl_client, bctrl_space_id):
    response = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    assert {bctrl_space_id} == {runtime["spaceId"] for runtime in response.json()["runtimes"]}


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_recorded_async(bctrl_async_client, bctrl_space_id):
    assert (await bctrl_async_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")).json()["runtimes"]
"""


ANY_ENCODING = ("-X", "warn_default_encoding")
"""Options of Python: a warning for text that is opened in the system's encoding, which differs on Windows."""


def command(*arguments: str, folder: Path, python: tuple[str, ...] = ANY_ENCODING) -> subprocess.CompletedProcess[str]:
    """Run pytest-bctrl in a subprocess in `folder`, with warnings as errors and these options of Python."""
    return subprocess.run(
        [sys.executable, *python, "-W", "error", "-m", "pytest_bctrl", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def test_the_fixtures_work_with_workers(pytester: pytest.Pytester) -> None:
    """The tests of a project that use them pass with `-n2`; `test_loading` runs them in one process."""
    pytester.makepyfile(FIXTURES)

    pytester.runpytest_subprocess(*STRICT, "-n2").assert_outcomes(passed=5, skipped=1)


def test_a_recording_is_replayed_without_its_server(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(test_mine=RECORDED)
    with serve(named("plain")) as server, monkeypatch.context() as patch:
        patch.setenv("BCTRL_API_KEY", server.api_key)
        patch.setenv("BCTRL_SPACE_ID", server.space_id)
        options = ("--bctrl-live", f"--bctrl-base-url={server.url}", "--bctrl-record-mode=once")
        pytester.runpytest_subprocess(*STRICT, *options).assert_outcomes(passed=2)
        assert len(server.log) == 2

    pytester.runpytest_subprocess(*STRICT).assert_outcomes(passed=2)


@pytest.mark.parametrize(("status", "code"), [("active", 0), ("archived", 1)])
def test_the_check_command_finds_a_violation(tmp_path: Path, status: str, code: int) -> None:
    """For a wrong status, it exits with 1 and prints one finding; for a conforming body, with 0 and none."""
    body = response()
    body["runtimes"][0]["status"] = status
    (tmp_path / "body.json").write_text(json.dumps(body), "utf-8")

    done = command("check", "body.json", "--format", "json", folder=tmp_path)

    assert (code, "") == (done.returncode, done.stderr)
    assert code == len(json.loads(done.stdout)["findings"])


@pytest.mark.parametrize(("text", "code"), [(TEXT, 0), (TEXT.replace("- failed", "- failed\n        - paused"), 1)])
def test_the_drift_command_finds_a_change(tmp_path: Path, text: str, code: int) -> None:
    """For a new enum value, it exits with 1 and prints one SARIF result; for the same page, with 0 and none."""
    written(tmp_path, page(text))

    done = command("drift", "page.md", "--format", "sarif", folder=tmp_path)

    assert code == done.returncode, done.stderr
    assert code == len(json.loads(done.stdout)["runs"][0]["results"])


def test_doctor_reports_no_problem(tmp_path: Path) -> None:
    """It exits with 0 and prints nothing to standard error, in a project that turns warnings into errors."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\naddopts = -W error\n", "utf-8")

    done = command("doctor", "--offline", folder=tmp_path, python=())

    assert (0, "") == (done.returncode, done.stderr)
