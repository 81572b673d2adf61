"""An upstream judged under a gate file: its levels, its policy, and what it allows."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.drift import judge_upstream
from pytest_bctrl.errors import DocumentError

from .pairs import document
from .published import SPEC, TEXT, page, written

PAUSED = page(TEXT.replace("- failed", "- failed\n        - paused"))
RULE = "response-property-enum-value-added"
TODAY = date(2026, 11, 27)
LATER = (TODAY + timedelta(days=10)).isoformat()


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same day in every run, and until the end of each."""

    class Today(date):
        @classmethod
        def today(cls) -> Today:
            return cls(TODAY.year, TODAY.month, TODAY.day)

    monkeypatch.setattr("datetime.date", Today)


def gate_file(folder: Path, text: str) -> Path:
    return Path(written(folder, text, "bctrl-drift.yaml"))


def allowed_until(until: str) -> str:
    return f"allow:\n  - {{rule: {RULE}, location: 'runtimes[*].status', reason: r, until: {until}}}\n"


def test_without_a_gate_file_all_that_is_found_remains(tmp_path: Path) -> None:
    judged = judge_upstream(written(tmp_path, PAUSED), SPEC, tmp_path / "bctrl-drift.yaml")
    assert [(finding.rule, finding.level) for finding in judged.remaining] == [(RULE, "error")]
    assert (judged.allowed, judged.notes) == ([], ())


def test_an_upstream_that_was_read_already_is_taken_as_it_is(tmp_path: Path) -> None:
    upstream = load_document(PAUSED, "page.md")
    judged = judge_upstream(upstream, SPEC, tmp_path / "bctrl-drift.yaml")
    assert [finding.extra["revision"]["document"] for finding in judged.remaining] == ["page.md"]


def test_levels_are_those_of_the_gate_file(tmp_path: Path) -> None:
    gate = gate_file(tmp_path, f"levels:\n  {RULE}: warning\n")
    judged = judge_upstream(written(tmp_path, PAUSED), SPEC, gate)
    assert [finding.level for finding in judged.remaining] == ["warning"]


def test_the_policy_for_deprecations_is_that_of_the_gate_file(tmp_path: Path) -> None:
    upstream = written(tmp_path, TEXT.replace("      summary: List", f"      deprecated: true\n      x-sunset: '{LATER}'\n      summary: List"), "new.yaml")  # fmt: skip # noqa: E501
    rules = [
        [finding.rule for finding in judge_upstream(upstream, SPEC, gate_file(tmp_path, text)).remaining]
        for text in ("", "sunset-days: 10\n", "sunset-days: 11\n")
    ]
    announced, too_late = ["endpoint-deprecated-with-sunset"], ["api-sunset-date-too-small"]
    assert rules == [announced, announced, too_late]


def test_what_the_gate_file_allows_is_parted_and_told_by_its_path(tmp_path: Path) -> None:
    gate = gate_file(tmp_path, allowed_until(LATER))
    judged = judge_upstream(written(tmp_path, PAUSED), SPEC, gate)
    assert judged.remaining == []
    assert [finding.extra["accepted"]["where"] for finding in judged.allowed] == [f"{gate}:2"]
    assert judged.notes == (f"1 of 1 findings are allowed by {gate}",)


def test_an_entry_that_expired_allows_nothing(tmp_path: Path) -> None:
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    judged = judge_upstream(written(tmp_path, PAUSED), SPEC, gate_file(tmp_path, allowed_until(yesterday)))
    assert [finding.rule for finding in judged.remaining] == [RULE]


def test_a_gate_file_that_cannot_be_read_is_told_by_its_path(tmp_path: Path) -> None:
    gate = gate_file(tmp_path, "levels: []\n")
    with pytest.raises(DocumentError) as caught:
        judge_upstream(load_document(TEXT, "spec.yaml"), document(), gate)
    assert caught.value.where == f"{gate}:1"
