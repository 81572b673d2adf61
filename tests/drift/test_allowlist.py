"""The gate's file: what it may hold, what it allows, and how entries are added to it."""
# ruff: noqa: E501 - a case a line

from __future__ import annotations

from datetime import date

import pytest

from pytest_bctrl.baseline.allowlist import judge, with_entries
from pytest_bctrl.drift.gate_file import read_gate_file
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


@pytest.mark.parametrize(
    "entry",
    [
        f"fingerprint: 0123456789abcdef, {_TAIL}",
        f"rule: response-property-enum-value-added, location: 'runtimes[*].status', {_TAIL}",
        f"rule: response-property-enum-value-added, location: 'runtimes[*].status', operation: GET /a, {_TAIL}",
    ],
)
def test_an_entry_allows_what_it_names(entry: str) -> None:
    judged = judge([FINDING], read_gate_file(f"allow:\n  - {{{entry}}}\n", "f").allow_list, TODAY)
    assert judged.remaining == []
    assert [finding.extra["accepted"] for finding in judged.allowed] == [
        {"reason": "r", "expires": "2026-12-01", "where": "f:2"}
    ]


@pytest.mark.parametrize(
    "entry",
    [
        f"fingerprint: fedcba9876543210, {_TAIL}",
        f"rule: response-property-enum-value-added, location: 'runtimes[*].kind', {_TAIL}",
        f"rule: response-property-became-optional, location: 'runtimes[*].status', {_TAIL}",
        f"rule: response-property-enum-value-added, location: 'runtimes[*].status', operation: GET /b, {_TAIL}",
        "fingerprint: 0123456789abcdef, reason: r, until: 2026-10-31",
    ],
)
def test_an_entry_allows_nothing_else(entry: str) -> None:
    judged = judge([FINDING], read_gate_file(f"allow:\n  - {{{entry}}}\n", "f").allow_list, TODAY)
    assert judged.remaining == [FINDING]
    assert len(judged.notes) == 1


def test_an_entry_holds_on_its_last_day() -> None:
    gate = read_gate_file("allow:\n  - {fingerprint: 0123456789abcdef, reason: r, until: 2026-11-01}\n", "f")
    assert judge([FINDING], gate.allow_list, TODAY).remaining == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a\n", "not a mapping"),
        ("alow: []\n", "'alow' is not known"),
        ("allow: []\nlevels: []\n", "'levels' is not a mapping"),
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
        ("allow:\n  - rule: nope\n    location: a\n    reason: r\n    until: 2027-01-01\n", "there is no rule 'nope'"),
        ("allow:\n  - fingerprint: a\n    because: r\n", "not of the right form"),
        ("levels:\n  nope: info\n", "f:2: there is no rule 'nope'"),
        ("levels:\n  endpoint-added: fatal\n", "f:2: 'fatal' is not a level"),
        ("sunset-days: -1\n", "sunset-days is -1"),
        ("sunset-days: true\n", "sunset-days is True"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(text: str, says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_gate_file(text, "f")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# ours\nlevels:\n  endpoint-added: warning\n",
        "allow: []\n",
        "allow:\n",
        "allow:\n- fingerprint: aa\n  reason: r\n  until: 2027-01-01\n",
        "allow:\n    - fingerprint: aa\n      reason: r\n      until: 2027-01-01\n\nlevels:\n  endpoint-added: warning\n",
        "allow:\n  - fingerprint: aa\n    reason: r\n    until: 2027-01-01\n\n\n",
        "sunset-days: 3\nallow:\n  # why\n  - fingerprint: aa\n    reason: r\n    until: 2027-01-01",
    ],
)
def test_entries_are_added_to_whatever_stands_there(text: str) -> None:
    """The old entries, levels and remarks stay; the new entry is read back."""
    before = read_gate_file(text, "f")
    added = with_entries(text, "f", [FINDING], 'a "reason": #1', date(2027, 2, 3))
    after = read_gate_file(added, "f")
    assert [entry.fingerprint for entry in after.entries] == [
        *(entry.fingerprint for entry in before.entries),
        FINDING.fingerprint,
    ]
    assert (after.entries[-1].reason, after.entries[-1].until) == ('a "reason": #1', date(2027, 2, 3))
    assert after.levels == before.levels
    assert all(line in added for line in text.splitlines() if line.strip().startswith("#"))


def test_a_list_on_one_line_is_not_added_to() -> None:
    with pytest.raises(DocumentError, match="one line"):
        with_entries(
            "allow: [{fingerprint: aa, reason: r, until: 2027-01-01}]\n", "f", [FINDING], "r", date(2027, 2, 3)
        )
