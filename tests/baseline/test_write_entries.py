"""Adding entries to a baseline: new entries are complete, and everything else in the file stays as it is."""

from __future__ import annotations

from datetime import date
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.baseline.baseline_file import BaselineEntry, parse_baseline
from pytest_bctrl.baseline.write_entries import add_entries, add_to_baseline
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.findings.finding import Finding

FINDING = Finding(
    "response-property-enum-value-added",
    "error",
    "runtimes[*].status",
    "m",
    operation="GET /a",
    fingerprint="0123456789abcdef",
)
UNTIL = date(2027, 2, 3)


def common_prefix(left: str, right: str) -> str:
    """Return the characters with which both texts begin."""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False))
    return "".join(character for character, _ in pairs)


def entries_of(text: str) -> tuple[BaselineEntry, ...]:
    """Return the entries in a text, without their lines."""
    return tuple(entry._replace(line=0) for entry in parse_baseline(text, "f").entries)


_COMMENTS = st.sampled_from(["", "  # why", "\t# `: - {", " "])
_ROWS_BETWEEN = st.lists(st.sampled_from(["", "# a comment", "    # - dash", "   "]), max_size=3)
_FINGERPRINTS = st.sampled_from(["aa", '"0x1f"', "'12'", "!!str 1e5", "&f abc"])
_REASONS = st.sampled_from(
    [
        "plain",
        "plain text\n{indent}  that goes on\n\n{indent}  and on",
        f"long {'and long ' * 40}text",
        "'it''s # no comment'",
        '"\\u00e9 \\" \\\n{indent}  folded"',
        ">-\n{indent}  folded\n{indent}  # no comment\n\n{indent}  text\n",
        "|+  # a comment\n{indent}  literal\n{indent}    deeper\n\n",
        "&r !!str anchored",
        "dürfen wir 𝄞",
    ]
)
_FLOW_ENTRIES = st.sampled_from(
    [
        "{fingerprint: ab, reason: r, until: 2026-12-01}",
        '{"fingerprint":"ab","reason":"r","until":"2026-12-01"}',
        '{ "fingerprint": "ab",\n      reason: \'r\', # why\n      until: 2026-12-01 }',
    ]
)


@st.composite
def _block_entries(draw: st.DrawFn, column: int) -> str:
    """Return an entry in block style whose dash is in this column."""
    indent = " " * (column + 2)
    after_dash = draw(st.sampled_from([" ", "  ", f"\n{indent}", f" # why\n{indent}", f" &e\n{indent}"]))
    if after_dash == "  ":
        indent += " "
    blanks = draw(st.sampled_from([" ", "   "]))
    reason = draw(_REASONS).replace("{indent}", indent)
    until = draw(st.sampled_from(["2026-12-01", '"2026-12-01"']))
    rows = [
        f"fingerprint: {draw(_FINGERPRINTS)}{draw(_COMMENTS)}",
        f"reason:{blanks}{reason}",
        f"until: {until}{draw(_COMMENTS)}",
    ]
    if draw(st.booleans()):
        rows.insert(1, "rule: 'a-rule'")
    return f"-{after_dash}" + f"\n{indent}".join(rows)


@st.composite
def _entries(draw: st.DrawFn, column: int) -> str:
    """Return the text of an entry and the rows after it."""
    entry = draw(st.one_of(_block_entries(column), _FLOW_ENTRIES.map("- ".__add__)))
    return "\n".join([" " * column + entry, *draw(_ROWS_BETWEEN), ""])


@st.composite
def _baselines(draw: st.DrawFn, max_entries: int = 3) -> list[str]:
    """Return a hand-written baseline in pieces: what precedes the entries, each entry, and what follows."""
    column = draw(st.sampled_from([0, 2, 4]))
    start = draw(st.sampled_from(["", "---\n", "# ours\n", "# ours\n--- # start\n", "%YAML 1.2\n---\n", "\ufeff"]))
    key = draw(st.sampled_from(["allow:", "allow:  # accepted", '"allow" :', "allow: &list"]))
    entries = draw(st.lists(_entries(column), min_size=1, max_size=max_entries))
    rows = draw(_ROWS_BETWEEN)
    end = draw(st.sampled_from(["", "# the end", "# the end\n", "...\n", "...\n# the end"]))
    pieces = ["\n".join([start + key, *rows, ""]), *entries, end]
    if draw(st.booleans()):
        return [piece.replace("\n", "\r\n") for piece in pieces]
    return pieces


@example(["allow:\n", "  - fingerprint: aa\n    until: 2026-12-01\n    reason: |+\n      a\n\n", ""])
@example(["allow:\r\n", "  - {fingerprint: aa, reason: r, until: 2026-12-01}", ""])
@given(_baselines())
def test_new_entries_leave_each_other_character_as_it_is(pieces: list[str]) -> None:
    text = "".join(pieces)

    added = add_entries(text, "f", [FINDING], "why: #1", UNTIL)

    head = common_prefix(text, added)
    tail = common_prefix(text[len(head) :][::-1], added[len(head) :][::-1])
    assert len(text) == len(head) + len(tail)
    *old_entries, new_entry = entries_of(added)
    assert entries_of(text) == tuple(old_entries)
    assert new_entry == BaselineEntry("why: #1", UNTIL, 0, FINDING.fingerprint, FINDING.rule)
    assert text.count("\n") - text.count("\r\n") in (0, text.count("\n"))
    assert ("\r\n" in text) == (added.count("\r\n") == added.count("\n") > 0)


_OLD_ENTRIES = st.sampled_from(
    [
        ["fingerprint: 0123456789abcdef", "reason: old # why", "until: 2026-12-01"],
        [
            "# why\n{indent}fingerprint: '0123456789abcdef'",
            "until: 2026-12-01",
            "reason: >-\n{indent}  old\n{indent}  too",
        ],
        [
            "reason: 'a\n{indent}  b'",
            "rule: response-property-enum-value-added # why",
            "location: runtimes[*].status",
            "until: 2026-12-01",
        ],
    ]
)


@given(_baselines(), _OLD_ENTRIES, st.data())
def test_a_renewed_entry_leaves_each_other_entry_as_it_is(
    pieces: list[str], old_entry: list[str], data: st.DataObject
) -> None:
    column = pieces[1].index("-")
    indent = " " * (column + 2)
    text = " " * column + "- " + f"\n{indent}".join(old_entry).replace("{indent}", indent) + "\n"
    pieces.insert(data.draw(st.integers(1, len(pieces) - 1)), text)
    before = "".join(pieces)
    index = pieces.index(text)

    added = add_entries(before, "f", [FINDING], "new", UNTIL)

    head, tail = "".join(pieces[:index]), "".join(pieces[index + 1 :])
    assert (added.startswith(head), added.endswith(tail)) == (True, True)
    renewed = added[len(head) : len(added) - len(tail)]
    assert [row for row in renewed.split("\n") if "# why" in row] != []
    entry = entries_of(before)[index - 1]._replace(reason="new", until=UNTIL, rule=FINDING.rule)
    assert entries_of(added) == (*entries_of(before)[: index - 1], entry, *entries_of(before)[index:])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "- fingerprint: 0123456789abcdef  # why\n    reason: old\n    until: 2026-12-01",
            "- rule: response-property-enum-value-added\n    fingerprint: 0123456789abcdef  # why\n"
            '    reason: "new"\n    until: 2027-02-03',
        ),
        (
            "- {fingerprint: 0123456789abcdef, reason: old, until: 2026-12-01}",
            "- {rule: response-property-enum-value-added, fingerprint: 0123456789abcdef, "
            'reason: "new", until: 2027-02-03}',
        ),
        (
            '- {"fingerprint":"0123456789abcdef","reason":"old","until":"2026-12-01"}',
            '- {rule: response-property-enum-value-added, "fingerprint":"0123456789abcdef",'
            '"reason": "new","until": 2027-02-03}',
        ),
        (
            "- fingerprint: 0123456789abcdef\n    rule: ''\n    reason: |-\n      old\n\n    until: '2026-12-01'",
            "- fingerprint: 0123456789abcdef\n    rule: response-property-enum-value-added\n"
            '    reason: "new"\n\n    until: 2027-02-03',
        ),
    ],
    ids=["block", "flow", "json", "empty rule"],
)
def test_a_renewed_entry_gets_reason_date_and_rule(text: str, expected: str) -> None:
    added = add_entries(f"allow:\n  {text}\n", "f", [FINDING], "new", UNTIL)
    assert f"allow:\n  {expected}\n" == added


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("", "allow:\n"),
        ("# ours\n", "# ours\nallow:\n"),
        ("# ours", "# ours\nallow:\n"),
        ("---\n", "---\nallow:\n"),
        ("null # ours\n", " # ours\nallow:\n"),
        ("allow: []", "allow:\n"),
        ("allow: []  # none yet\n# ours\n", "allow:  # none yet\n# ours\n"),
        ("allow:  # none yet\n", "allow:  # none yet\n"),
        ("---\nallow: ~\n", "---\nallow:\n"),
    ],
)
def test_a_file_without_entries_gets_the_first(text: str, head: str) -> None:
    """It is empty, or has comments or an empty list; `head` is the expected text before the new entry."""
    assert add_entries(text, "f", [FINDING], "r", UNTIL).rstrip() == head + (
        "  # response-property-enum-value-added at runtimes[*].status\n"
        "  - fingerprint: 0123456789abcdef\n"
        "    rule: response-property-enum-value-added\n"
        '    reason: "r"\n'
        "    until: 2027-02-03"
    )


def test_without_findings_the_text_of_a_baseline_is_unchanged() -> None:
    assert add_entries("allow: [] # none", "f", [], "r", UNTIL) == "allow: [] # none"


@pytest.mark.parametrize("text", ["allow: [{fingerprint: aa, reason: r, until: 2027-01-01}]\n", "{allow: []}", "{}"])
def test_a_list_on_one_line_is_an_error(text: str) -> None:
    with pytest.raises(DocumentError, match="f:1: 'allow' is written on one line"):
        add_entries(text, "f", [FINDING], "r", UNTIL)


@pytest.mark.parametrize(
    "text",
    [
        "allow:\n"
        "- {fingerprint: 0123456789abcdef, reason: &r old, until: 2026-12-01}\n"
        "- {fingerprint: aa, reason: *r, until: 2026-12-01}\n",
        "<<: {allow: [{fingerprint: aa, reason: r, until: 2026-12-01}]}\n",
    ],
    ids=["anchor", "merge key"],
)
def test_an_entry_that_shares_values_with_another_is_not_changed(text: str) -> None:
    """By an anchor or a merge key of YAML: `add_entries` raises `DocumentError`."""
    with pytest.raises(DocumentError, match="shares values with another"):
        add_entries(text, "f", [FINDING], "r", UNTIL)


@pytest.mark.parametrize(
    "renewed",
    [
        "<<: *e\n  fingerprint: 0123456789abcdef",
        "fingerprint: 0123456789abcdef\n  reason: *r\n  until: *u",
        "{fingerprint: 0123456789abcdef, reason: *r, until: *u}",
    ],
)
def test_a_renewed_entry_no_longer_shares_values(renewed: str) -> None:
    """An entry that shares its values with another by YAML aliases is renewed, and the other stays as it is."""
    text = f"allow:\n- &e {{fingerprint: aa, reason: &r old, until: &u 2026-12-01}}\n- {renewed}\n"
    unchanged, entry = entries_of(add_entries(text, "f", [FINDING], "new", UNTIL))
    assert ("old", date(2026, 12, 1)) == (unchanged.reason, unchanged.until)
    assert ("new", UNTIL) == (entry.reason, entry.until)


def test_an_entry_that_is_repeated_by_an_alias_is_renewed_once() -> None:
    text = f"allow:\n- &e {{fingerprint: {FINDING.fingerprint}, reason: old, until: 2026-12-01}}\n- *e\n"
    added = add_entries(text, "f", [FINDING], "new", UNTIL)
    assert ["new", "new"] == [entry.reason for entry in entries_of(added)]
    assert added.endswith("}\n- *e\n")


def test_a_file_keeps_its_line_ends_and_its_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "bctrl-baseline.yaml"
    before = b"\xef\xbb\xbfallow:\r\n- {fingerprint: aa, reason: r, until: 2027-01-01}\r\n"
    path.write_bytes(before)

    add_to_baseline(path, [FINDING], "r", UNTIL)

    after = path.read_bytes()
    assert after.startswith(before)
    assert after.count(b"\r\n") == after.count(b"\n") == 7
