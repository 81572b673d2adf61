"""A downstream suite with ten other plugins in it: pytest-xdist, pytest-asyncio, anyio, pytest-randomly,
pytest-timeout, pytest-cov, pytest-recording, pytest-httpx, respx and syrupy."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

SUITE = Path(__file__).with_name("downstream")
OTHERS = (
    "anyio",
    "pytest_asyncio",
    "pytest_cov",
    "pytest_httpx",
    "pytest_randomly",
    "pytest_recording",
    "pytest_timeout",
    "respx",
    "syrupy",
    "trio",
    "xdist",
)
MISSING = [name for name in OTHERS if find_spec(name) is None]
TESTS = 15
CONTRACT = 34

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"`tox -e together` has them all; missing: {', '.join(MISSING)}")


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """The downstream suite in a folder of its own, its recordings, cassettes and snapshots written."""
    # A measured run of this test is not to measure those inside of it too.
    monkeypatch.delenv("COV_CORE_SOURCE", raising=False)
    shutil.copytree(SUITE, pytester.path, dirs_exist_ok=True)
    pytester.runpytest_subprocess(
        "--bctrl-record-mode=once", "--record-mode=once", "--snapshot-update"
    ).assert_outcomes(passed=TESTS)
    assert ["test_asynchronous", "listing.har"] == sorted(
        path.name for path in (pytester.path / "recordings").iterdir()
    )[::-1]
    return pytester


def test_all_is_written_and_comes_back(suite: pytest.Pytester) -> None:
    """In another order, with the network of vcrpy shut."""
    (cassette,) = (suite.path / "cassettes").rglob("*.yaml")
    assert "/runtimes" in cassette.read_text("utf-8")

    suite.runpytest_subprocess("--record-mode=none", "-p", "randomly", "-p", "no:cacheprovider").assert_outcomes(
        passed=TESTS
    )
