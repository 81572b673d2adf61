"""A project with a careless test, and what an impact run said of it."""

from __future__ import annotations

import json

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
