"""The baseline: its valid contents, the findings that it accepts, and entries added to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pytest_bctrl.baseline.baseline_file import (
    BaselineFile,
    apply_baseline,
    baseline_notes,
    load_baseline,
)
from pytest_bctrl.baseline.write_entries import add_entries
from pytest_bctrl.drift.rules import rules
from pytest_bctrl.drift.settings import require_known_rules
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
    """Change to an empty folder and return it."""
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
def test_an_entry_accepts_a_matching_finding(entry: str) -> None:
    partition = apply_baseline([FINDING], baseline_of(f"allow:\n  - {{{entry}}}\n"), TODAY)
    assert partition.remaining == []
    assert [finding.extra["accepted"] for finding in partition.accepted] == [
        {"reason": "r", "expires": "2026-12-01", "where": "f:2"}
    ]


@pytest.mark.parametrize(
    "entry",
    [
        f"fingerprint: fedcba9876543210, {_TAIL}",
        f"fingerprint: fedcba9876543210, rule: response-property-enum-value-added, {_TAIL}",
        f"rule: response-property-enum-value-added, location: 'runtimes[*].kind', {_TAIL}",
        f"rule: response-property-became-optional, location: 'runtimes[*].status', {_TAIL}",
        f"rule: response-property-enum-value-added, location: 'runtimes[*].status', operation: GET /b, {_TAIL}",
        "fingerprint: 0123456789abcdef, reason: r, until: 2026-10-31",
    ],
)
def test_an_entry_does_not_accept_other_findings(entry: str) -> None:
    """The entry has another fingerprint, rule, location or operation, or expired; a note says so."""
    baseline = baseline_of(f"allow:\n  - {{{entry}}}\n")
    assert apply_baseline([FINDING], baseline, TODAY).remaining == [FINDING]
    assert len(baseline_notes([FINDING], baseline, TODAY)) == 1


def test_an_entry_is_valid_on_its_last_day() -> None:
    baseline = baseline_of("allow:\n  - {fingerprint: 0123456789abcdef, reason: r, until: 2026-11-01}\n")
    assert apply_baseline([FINDING], baseline, TODAY).remaining == []


@pytest.mark.parametrize(
    ("entry", "is_of_drift", "is_of_checks"),
    [
        ("rule: response-property-became-optional, location: a", True, False),
        ("fingerprint: aa, rule: response-property-became-optional", True, False),
        ("rule: response_schema_conformance, location: a", False, True),
        ("rule: response-schema-conformance, location: a", False, True),
        ("fingerprint: aa, rule: unique_ids", False, True),
        ("rule: oddity, location: a", False, True),
        ("rule: ids-are-unique, location: a", False, True),
        ("fingerprint: aa", True, True),
    ],
)
def test_entries_are_divided_into_drift_rules_and_check_rules(
    entry: str, is_of_drift: bool, is_of_checks: bool
) -> None:
    """A baseline without findings has a note on each entry; those of drift and of checks can be selected.

    So neither command calls the entries of the other stale. An entry without a rule belongs to both.
    """
    baseline = baseline_of(f"allow:\n  - {{{entry}, {_TAIL}}}\n")
    assert is_of_drift == bool(baseline_notes([], baseline.of_rules(rules()), TODAY))
    assert is_of_checks == bool(baseline_notes([], baseline.without_rules(rules()), TODAY))


def test_the_note_on_a_stale_entry_without_a_rule_mentions_other_commands() -> None:
    baseline = baseline_of(f"allow:\n  - {{fingerprint: aa, {_TAIL}}}\n")
    assert baseline_notes([FINDING], baseline, TODAY) == [
        "f:2: the entry for aa is stale: no finding matches it; remove it, or add the rule of the finding if another "
        "command reports it"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "not a mapping"),
        (
            "alow: []\n",
            "f:1: 'alow' is not known (its key is allow; levels belong in bctrl-drift.yaml)",
        ),
        ("allow: []\nlevels: {}\n", "f:2: 'levels' is not known"),
        ("allow:\n  a: b\n", "'allow' is not a list"),
        ("allow:\n  - fingerprint: a\n    until: 2027-01-01\n", "f:2: the entry gives no reason"),
        (
            "allow:\n  - fingerprint: a\n    location: b\n    reason: r\n    until: 2027-01-01\n",
            "f:2: the entry has a fingerprint, so its location would be ignored",
        ),
        (
            "allow:\n  - fingerprint: 0123\n    reason: r\n    until: 2027-01-01\n",
            "f:2: fingerprint: 123 is not text (put it in quotes)",
        ),
        ("allow:\n  - rule: 7\n    location: b\n    reason: r\n    until: 2027-01-01\n", "f:2: rule: 7 is not text"),
        ("allow:\n  - fingerprint: a\n    reason: r\n", "f:2: the entry has no expiry date"),
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
def test_an_invalid_baseline_is_an_error(text: str, message: str) -> None:
    """The message has the problem, and for an invalid entry or key its line."""
    with pytest.raises(DocumentError) as caught:
        baseline_of(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("rule", ["no-such-rule", "response_property_became_optional"])
def test_an_unknown_rule_is_an_error_with_the_line_number(rule: str) -> None:
    entry = f"- {{rule: {rule}, location: a, reason: r, until: 2027-01-01}}"
    baseline = baseline_of(f"allow:\n\n  {entry}\n")
    with pytest.raises(DocumentError) as caught:
        require_known_rules(baseline)
    assert str(caught.value) == f"f:3: there is no rule {rule!r} (pytest-bctrl explain lists the rules)"


def test_a_rule_declared_by_the_contract_is_known() -> None:
    """`require_known_rules` raises nothing for an entry with that rule."""
    baseline = baseline_of("allow:\n  - {rule: ids-are-unique, location: a, reason: r, until: 2027-01-01}\n")
    require_known_rules(baseline, lambda: ["ids-are-unique"])


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
def test_adding_entries_preserves_existing_entries_and_comments(text: str) -> None:
    """The new entry can be read back, with its rule."""
    before = baseline_of(text)
    added = add_entries(text, "f", [FINDING], 'a "reason": #1', date(2027, 2, 3))
    entries = baseline_of(added).entries
    assert entries[:-1] == before.entries
    assert entries[-1].fingerprint == FINDING.fingerprint
    assert (entries[-1].rule, entries[-1].reason) == (FINDING.rule, 'a "reason": #1')
    assert entries[-1].until == date(2027, 2, 3)
    assert all(line in added for line in text.splitlines() if line.strip().startswith("#"))


def test_adding_to_a_flow_style_list_is_an_error() -> None:
    with pytest.raises(DocumentError, match="one line"):
        add_entries("allow: [{fingerprint: aa, reason: r, until: 2027-01-01}]\n", "f", [FINDING], "r", date(2027, 2, 3))


@pytest.mark.parametrize(
    "finding",
    [
        *(replace(FINDING, rule=rule) for rule in ("ids: unique", "no #1 twice", "007", "null", "'quoted'", "- a")),
        *(
            replace(FINDING, fingerprint=fingerprint)
            for fingerprint in ("0123456701234567", "1234567890e12345", "123456789012e100", "1e10")
        ),
    ],
    ids=lambda finding: f"{finding.rule} {finding.fingerprint}",
)
def test_a_written_entry_can_be_read_back(finding: Finding) -> None:
    added = add_entries("", "f", [finding], "r", date(2027, 2, 3))
    (entry,) = baseline_of(added).entries
    assert (finding.rule, finding.fingerprint) == (entry.rule, entry.fingerprint)


def test_an_entry_for_one_status_does_not_accept_a_change_that_affects_two() -> None:
    places = [
        {"rule": FINDING.rule, "location": "a", "operation": "GET /a", "status": status, "fingerprint": "f" * 16}
        for status in ("200", "404")
    ]
    finding = replace(FINDING, extra={**FINDING.extra, "places": places})
    entry = f"rule: {FINDING.rule}, location: a, status: 404, {_TAIL}"
    baseline = baseline_of(f"allow:\n  - {{{entry}}}\n")
    assert apply_baseline([finding], baseline, TODAY).remaining == [finding]
    assert "only some locations" in baseline_notes([finding], baseline, TODAY)[0]


def test_renewing_an_entry_adds_its_rule() -> None:
    """The entry had none; `add_entries` also replaces its reason and its date."""
    text = f"allow:\n  - fingerprint: {FINDING.fingerprint}\n    reason: old\n    until: 2026-12-01\n"
    renewed = add_entries(text, "f", [FINDING], "new", date(2027, 2, 3))
    (entry,) = baseline_of(renewed).entries
    assert (FINDING.rule, "new", date(2027, 2, 3)) == (entry.rule, entry.reason, entry.until)
