"""The baseline: what it may contain, what it accepts, and how entries are added to it."""
# ruff: noqa: E501 - one line per case

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import pytest

from pytest_bctrl.baseline.baseline_file import (
    BaselineFile,
    add_entries,
    apply_baseline,
    baseline_notes,
    load_baseline,
)
from pytest_bctrl.drift.settings import read_drift_settings, require_known_rules
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.findings.finding import Finding

TODAY = date(2026, 11, 1)
FINDING = Finding(
    "response-property-enum-value-added",
    "error",
    "runtimes[*].status",
    "m",
    operation="GET /a",
    fingerprint="0123456789abcdef",
)
_TAIL = "reason: r, until: 2026-12-01"


@pytest.fixture(name="folder", autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def baseline_of(text: str) -> BaselineFile:
    """Return the baseline with this text, read from the file `f`."""
    path = Path("f")
    path.write_text(text)
    return load_baseline(path, "f")


@pytest.mark.parametrize(
    "entry",
    [
        f"fingerprint: 0123456789abcdef, {_TAIL}",
        f"fingerprint: 0123456789abcdef, rule: response-property-enum-value-added, {_TAIL}",
        f"rule: response-property-enum-value-added, location: 'runtimes[*].status', {_TAIL}",
        f"rule: response-property-enum-value-added, location: 'runtimes[*].status', operation: GET /a, {_TAIL}",
    ],
)
def test_an_entry_accepts_what_it_names(entry: str) -> None:
    partition = apply_baseline([FINDING], baseline_of(f"allow:\n  - {{{entry}}}\n"), TODAY)
    assert partition.remaining == []
    assert [finding.extra["accepted"] for finding in partition.accepted] == [
        {"reason": "r", "expires": "2026-12-01", "where": "f:2"}
    ]


@pytest.mark.parametrize(
    "entry",
    [
        f"fingerprint: fedcba9876543210, {_TAIL}",
        f"fingerprint: fedcba9876543210, rule: response-property-enum-value-added, location: 'runtimes[*].status', {_TAIL}",
        f"rule: response-property-enum-value-added, location: 'runtimes[*].kind', {_TAIL}",
        f"rule: response-property-became-optional, location: 'runtimes[*].status', {_TAIL}",
        f"rule: response-property-enum-value-added, location: 'runtimes[*].status', operation: GET /b, {_TAIL}",
        "fingerprint: 0123456789abcdef, reason: r, until: 2026-10-31",
    ],
)
def test_an_entry_accepts_nothing_else(entry: str) -> None:
    baseline = baseline_of(f"allow:\n  - {{{entry}}}\n")
    assert apply_baseline([FINDING], baseline, TODAY).remaining == [FINDING]
    assert len(baseline_notes([FINDING], baseline, TODAY)) == 1


def test_an_entry_is_valid_on_its_last_day() -> None:
    baseline = baseline_of("allow:\n  - {fingerprint: 0123456789abcdef, reason: r, until: 2026-11-01}\n")
    assert apply_baseline([FINDING], baseline, TODAY).remaining == []


@pytest.mark.parametrize(
    ("entry", "kinds"),
    [
        ("rule: response-property-became-optional, location: a", ["drift"]),
        ("fingerprint: aa, rule: response-property-became-optional", ["drift"]),
        ("rule: response_schema_conformance, location: a", ["checks"]),
        ("fingerprint: aa, rule: unique_ids", ["checks"]),
        ("rule: oddity, location: a", ["checks"]),
        ("fingerprint: aa", ["drift", "checks"]),
    ],
)
def test_an_entry_belongs_to_what_reports_its_rule(entry: str, kinds: list[str]) -> None:
    """A run of the suite does not call entries of drift stale, nor the other way round."""
    baseline = baseline_of(f"allow:\n  - {{{entry}, {_TAIL}}}\n")
    every_kind: list[Literal["drift", "checks"]] = ["drift", "checks"]
    assert [kind for kind in every_kind if baseline_notes([], baseline.only(kind), TODAY)] == kinds


def test_a_stale_entry_without_a_rule_may_belong_to_another_command() -> None:
    baseline = baseline_of(f"allow:\n  - {{fingerprint: aa, {_TAIL}}}\n")
    assert baseline_notes([FINDING], baseline, TODAY) == [
        "f:2: the entry for aa is stale: no finding matches it; remove it, or add the rule of the finding if another command reports it"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "not a mapping"),
        (
            "alow: []\n",
            "f:1: 'alow' is not known (its key is allow; levels and sunset-days belong in bctrl-drift.yaml)",
        ),
        ("allow: []\nlevels: {}\n", "f:2: 'levels' is not known"),
        ("allow:\n  a: b\n", "'allow' is not a list"),
        ("allow:\n  - fingerprint: a\n    until: 2027-01-01\n", "f:2: the entry gives no reason"),
        ("allow:\n  - fingerprint: a\n    reason: r\n", "f:2: the entry has no date"),
        ("allow:\n  - fingerprint: a\n    reason: r\n    until: soon\n", "f:2: until: 'soon' is not a date"),
        (
            "allow:\n  - fingerprint: a\n    reason: r\n    until: 2026-13-45\n",
            "f:2: until: '2026-13-45' is not a date",
        ),
        (
            "allow:\n  - rule: response-property-became-optional\n    reason: r\n    until: 2027-01-01\n",
            "names no finding",
        ),
        ("allow:\n  - fingerprint: a\n    because: r\n", "not of the right form"),
    ],
)
def test_a_mistake_in_the_baseline_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        baseline_of(text)
    assert message in str(caught.value)


def test_a_drift_rule_that_does_not_exist_is_named_with_its_line() -> None:
    entry = "- {rule: no-such-rule, location: a, reason: r, until: 2027-01-01}"
    baseline = baseline_of(f"allow:\n\n  {entry}\n")
    with pytest.raises(DocumentError) as caught:
        require_known_rules(baseline)
    assert str(caught.value) == "f:3: there is no rule 'no-such-rule' (pytest-bctrl explain lists the rules)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("levels: []\n", "'levels' is not a mapping"),
        ("levels:\n  nope: info\n", "f:2: there is no rule 'nope'"),
        ("levels:\n  endpoint-added: fatal\n", "f:2: 'fatal' is not a level"),
        ("sunset-days: -1\n", "sunset-days is -1"),
        ("sunset-days: true\n", "sunset-days is True"),
    ],
)
def test_a_mistake_in_the_settings_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_drift_settings(text, "f")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# ours\n",
        "allow: []\n",
        "allow:\n",
        "allow:\n- fingerprint: aa\n  reason: r\n  until: 2027-01-01\n",
        "allow:\n    - fingerprint: aa\n      reason: r\n      until: 2027-01-01\n\n# the end\n",
        "allow:\n  - fingerprint: aa\n    reason: r\n    until: 2027-01-01\n\n\n",
        "# ours\nallow:\n  # why\n  - fingerprint: aa\n    reason: r\n    until: 2027-01-01",
    ],
)
def test_new_entries_leave_the_rest_of_the_file_as_it_is(text: str) -> None:
    """The old entries and comments stay; the new entry is read back, with its rule."""
    before = baseline_of(text)
    added = add_entries(text, "f", [FINDING], 'a "reason": #1', date(2027, 2, 3))
    entries = baseline_of(added).entries
    assert [entry.fingerprint for entry in entries] == [
        *(entry.fingerprint for entry in before.entries),
        FINDING.fingerprint,
    ]
    assert (entries[-1].rule, entries[-1].reason) == (FINDING.rule, 'a "reason": #1')
    assert entries[-1].until == date(2027, 2, 3)
    assert all(line in added for line in text.splitlines() if line.strip().startswith("#"))


def test_a_list_on_one_line_is_not_extended() -> None:
    with pytest.raises(DocumentError, match="one line"):
        add_entries("allow: [{fingerprint: aa, reason: r, until: 2027-01-01}]\n", "f", [FINDING], "r", date(2027, 2, 3))
