"""A project with a careless test, what an impact run reports about it, and a clock that the test advances."""

from __future__ import annotations

import json
import time

import pytest

from tests.impact.drifts import DRIFTS, changed_spec

STATUS = """
import pytest

LABELS = dict.fromkeys(("starting", "idle", "active", "stopped", "failed"), "known")

def test_label(bctrl_client, bctrl_space_id):
    body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
    assert all(LABELS[one["status"]] for one in body["runtimes"])
"""
IMPACT = ("--bctrl-impact=changed.json", "--bctrl-report=impact.json", "-p", "no:randomly")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a project with one test that fails for a new status, and the spec with that status."""
    (pytester.path / "changed.json").write_text(changed_spec(DRIFTS[:1]), "utf-8")
    pytester.makepyfile(STATUS)
    return pytester


def verdicts(project: pytest.Pytester) -> list[tuple[str, str]]:
    """Return the verdict and reason for each change in the report of a run."""
    report = json.loads((project.path / "impact.json").read_text("utf-8"))
    return [(finding["impact"]["verdict"], finding["impact"]["why"]) for finding in report["findings"]]


SLOW = """
import time
import pytest

@pytest.mark.parametrize("number", range(5))
def test_slow(bctrl_client, bctrl_space_id, number):
    body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
    time.pass_a_second()
    with open("runs", "a") as runs:
        runs.write(".")
    assert [sorted(one) for one in body["runtimes"]]
"""
"""Five tests that read everything and take a second of the step clock."""


class StepClock:
    """A clock that only the tests of an impact run advance: a budget ends after the same number of runs everywhere."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the seconds."""
        return self.now

    def pass_a_second(self) -> None:
        """Advance the clock by a second."""
        self.now += 1.0


@pytest.fixture
def step_clock(monkeypatch: pytest.MonkeyPatch) -> StepClock:
    """Return a clock that impact runs in this process read; their tests call `time.pass_a_second`."""
    clock = StepClock()
    for module in ("hooks", "run", "progress"):
        monkeypatch.setattr(f"pytest_bctrl.impact.{module}.clock", clock)
    monkeypatch.setattr(time, "pass_a_second", clock.pass_a_second, raising=False)
    return clock
