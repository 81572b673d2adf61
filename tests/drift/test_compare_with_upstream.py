"""An upstream compared under the levels and the policy of the settings, and under the baseline."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from pytest_bctrl.baseline.baseline_file import BaselineFile, load_baseline
from pytest_bctrl.contract.document import load_document
from pytest_bctrl.drift import compare_with_upstream
from pytest_bctrl.errors import DocumentError

from .pairs import document
from .published import SPEC, TEXT, page, written

PAUSED = page(TEXT.replace("- failed", "- failed\n        - paused"))
RULE = "response-property-enum-value-added"
TODAY = date(2026, 11, 27)
NO_BASELINE = BaselineFile("bctrl-baseline.yaml")
LATER = (TODAY + timedelta(days=10)).isoformat()


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the date constant during a test."""

    class Today(date):
        @classmethod
        def today(cls) -> Today:
            return cls(TODAY.year, TODAY.month, TODAY.day)

    monkeypatch.setattr("datetime.date", Today)


def settings_file(folder: Path, text: str) -> Path:
    """Write drift settings and return their path."""
    return Path(written(folder, text, "bctrl-drift.yaml"))


def accepted_until(folder: Path, until: str) -> BaselineFile:
    """Write a baseline that accepts the value added to the enum until a date, and return it."""
    entry = f"{{rule: {RULE}, location: 'runtimes[*].status', reason: r, until: {until}}}"
    path = written(folder, f"allow:\n  - {entry}\n", "bctrl-baseline.yaml")
    return load_baseline(Path(path), "bctrl-baseline.yaml")


def test_all_findings_remain_without_settings_and_baseline(tmp_path: Path) -> None:
    partition = compare_with_upstream(written(tmp_path, PAUSED), SPEC, tmp_path / "bctrl-drift.yaml", NO_BASELINE)
    assert [(finding.rule, finding.level) for finding in partition.remaining] == [(RULE, "error")]
    assert (partition.accepted, partition.notes) == ([], ())


def test_an_upstream_document_that_is_already_loaded_is_not_read_again(tmp_path: Path) -> None:
    upstream = load_document(PAUSED, "page.md")
    partition = compare_with_upstream(upstream, SPEC, tmp_path / "bctrl-drift.yaml", NO_BASELINE)
    assert [finding.extra["revision"]["document"] for finding in partition.remaining] == ["page.md"]


def test_levels_come_from_the_settings(tmp_path: Path) -> None:
    settings = settings_file(tmp_path, f"levels:\n  {RULE}: warning\n")
    partition = compare_with_upstream(written(tmp_path, PAUSED), SPEC, settings, NO_BASELINE)
    assert [finding.level for finding in partition.remaining] == ["warning"]


def test_accepted_findings_are_separated_and_refer_to_the_line_of_their_entry(tmp_path: Path) -> None:
    baseline = accepted_until(tmp_path, LATER)
    partition = compare_with_upstream(written(tmp_path, PAUSED), SPEC, tmp_path / "bctrl-drift.yaml", baseline)
    assert partition.remaining == []
    assert [finding.extra["accepted"]["where"] for finding in partition.accepted] == ["bctrl-baseline.yaml:2"]
    assert partition.notes == ("1 of 1 findings are accepted by bctrl-baseline.yaml",)


def test_an_expired_entry_accepts_nothing(tmp_path: Path) -> None:
    baseline = accepted_until(tmp_path, (TODAY - timedelta(days=1)).isoformat())
    partition = compare_with_upstream(written(tmp_path, PAUSED), SPEC, tmp_path / "bctrl-drift.yaml", baseline)
    assert [finding.rule for finding in partition.remaining] == [RULE]


def test_an_error_in_the_settings_names_the_path_of_their_file(tmp_path: Path) -> None:
    settings = settings_file(tmp_path, "levels: []\n")
    with pytest.raises(DocumentError) as caught:
        compare_with_upstream(load_document(TEXT, "spec.yaml"), document(), settings, NO_BASELINE)
    assert caught.value.where == f"{settings}:1"
