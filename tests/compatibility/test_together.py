"""A downstream suite works together with the plugins and libraries in `OTHERS`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .test_jobs import STRICT

SUITE = Path(__file__).with_name("downstream")
OTHERS = (
    "anyio", "pytest_asyncio", "pytest_cov", "pytest_httpx", "pytest_randomly", "pytest_recording", "pytest_timeout",
    "respx", "syrupy", "trio", "xdist",
)  # fmt: skip
MISSING = [name for name in OTHERS if find_spec(name) is None]
TESTS = 15
CONTRACT = 45
WRITE = ("--bctrl-record-mode=once", "--record-mode=once", "--snapshot-update", "--randomly-seed=3")

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"`tox -e together` has them all; missing: {', '.join(MISSING)}")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the downstream project in which recordings, cassettes and snapshots were written."""
    folder = tmp_path_factory.mktemp("downstream")
    shutil.copytree(SUITE, folder, dirs_exist_ok=True)
    # Nothing can be recorded with the network blocked, so that test runs later.
    blocked = "--deselect=test_kept.py::test_a_recording_with_the_network_blocked"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *STRICT, *WRITE, blocked], cwd=folder, capture_output=True, text=True
    )
    assert f"{TESTS - 1} passed, 1 deselected" in done.stdout, done.stdout + done.stderr
    return folder


@pytest.fixture
def suite(pytester: pytest.Pytester, written: Path) -> pytest.Pytester:
    """Return a copy of the written project, ready to run."""
    shutil.copytree(written, pytester.path, dirs_exist_ok=True)
    return pytester


def test_each_plugin_writes_its_own_files(suite: pytest.Pytester) -> None:
    """Of `.har`, `.yaml` and `.ambr` files: two recordings, a cassette of vcrpy and a snapshot of syrupy."""
    files = [
        path.relative_to(suite.path) for path in suite.path.rglob("*") if path.suffix in {".har", ".yaml", ".ambr"}
    ]

    assert [
        "__snapshots__/test_kept.ambr",
        "cassettes/test_kept/test_a_cassette.yaml",
        "recordings/listing.har",
        "recordings/test_asynchronous/test_recorded.har",
    ] == sorted(path.as_posix() for path in files)


@pytest.mark.parametrize(
    "arguments",
    [
        ("-p", "no:randomly", "--block-network", "--allowed-hosts=127.0.0.1"),
        ("--randomly-seed=4", "-o", "asyncio_mode=auto"),
        ("--randomly-seed=1", "-p", "no:xdist", "-p", "no:cov"),
    ],
    ids=["network blocked", "asyncio everywhere", "alone"],
)
def test_recordings_are_replayed_in_any_order(suite: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    """With other plugins, a blocked network, or a random order: all tests of the project pass."""
    result = suite.runpytest_subprocess(*STRICT, "--record-mode=none", *arguments)

    result.assert_outcomes(passed=TESTS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--randomly-seed=5",),
        ("-n2", "--randomly-seed=2", "--record-mode=none", "--dist=loadscope", "--timeout-method=thread"),
    ],
    ids=["alone", "workers"],
)
def test_the_contract_suite_works_with_coverage_and_time_outs(
    suite: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    measured_and_timed = ("--cov=.", "--cov-branch", "--cov-report=json", "--timeout=60")
    result = suite.runpytest_subprocess(*STRICT, "--bctrl-mock", *measured_and_timed, *arguments)

    result.assert_outcomes(passed=TESTS + CONTRACT)
    measured = json.loads((suite.path / "coverage.json").read_text("utf-8"))["files"]
    assert {100.0} == {file["summary"]["percent_covered"] for name, file in measured.items() if "test_" in name}
