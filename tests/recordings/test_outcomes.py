"""Only a test that passed is recorded, and no outcome hides a request that was not recorded."""

from __future__ import annotations

import pytest

from tests.recordings.conftest import Run

PROJECT = """
import unittest

import pytest

pytestmark = pytest.mark.bctrl_recording


class Unit(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _aim(self, bctrl_client, bctrl_space_id):
        self.fetch = lambda: bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").raise_for_status()

    def test_passes(self):
        self.fetch()

    def test_fails(self):
        self.fetch()
        self.fail()

    def test_breaks(self):
        self.fetch()
        raise KeyError

    def test_skips(self):
        self.fetch()
        self.skipTest("later")

    def test_fails_in_part(self):
        self.fetch()
        with self.subTest():
            self.fail()

    def test_fails_at_its_end(self):
        self.addCleanup(self.fail)
        self.fetch()


def test_fails(bctrl_client, bctrl_space_id):
    bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    pytest.fail("on purpose")


def test_skips(bctrl_client, bctrl_space_id):
    bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    pytest.skip("later")


@pytest.mark.xfail(strict=True)
def test_fails_as_expected(bctrl_client, bctrl_space_id):
    bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    pytest.fail("on purpose")
"""


def test_only_passing_tests_are_recorded(pytester: pytest.Pytester, replay: Run) -> None:
    """There is a single file, that of the passing test; other tests fail, skip or are expected to fail."""
    pytester.makepyfile(test_mine=PROJECT)

    replay("--bctrl-record-mode=once")

    assert ["Unit.test_passes"] == [path.name.rpartition("-")[0] or path.stem for path in pytester.path.rglob("*.har")]


SWALLOWING = """
import contextlib, unittest

import httpx, pytest

xfail = pytest.mark.xfail
pytestmark = [pytest.mark.bctrl_recording]


class Unit(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _aim(self, bctrl_client):
        self.client = bctrl_client

    def test_passes(self):
        with contextlib.suppress(httpx.HTTPError):
            self.client.get("/v1/x")

    def test_skips(self):
        with contextlib.suppress(httpx.HTTPError):
            self.client.get("/v1/x")
        self.skipTest("there is no network")


def test_passes(bctrl_client):
    with contextlib.suppress(httpx.HTTPError):
        bctrl_client.get("/v1/x")


def test_fails(bctrl_client):
    with contextlib.suppress(httpx.HTTPError):
        bctrl_client.get("/v1/x")
    pytest.fail("of its own")


def test_skips(bctrl_client):
    try:
        bctrl_client.get("/v1/x")
    except httpx.HTTPError:
        pytest.skip("there is no network")
"""


def test_a_test_with_an_unrecorded_request_fails_whatever_its_outcome(pytester: pytest.Pytester, replay: Run) -> None:
    """Five tests catch the error, and then pass, fail or skip."""
    pytester.makepyfile(test_mine=SWALLOWING)

    result = replay()

    result.assert_outcomes(failed=5)
    result.stdout.fnmatch_lines(["bctrl recording: recordings/*: no response is recorded for this request"] * 5)


def test_an_xfail_test_with_an_unrecorded_request_is_xfailed(pytester: pytest.Pytester, replay: Run) -> None:
    pytester.makepyfile(test_mine=SWALLOWING.replace("bctrl_recording]", "bctrl_recording, xfail]"))

    replay("-k", "passes").assert_outcomes(xfailed=2, deselected=3)
