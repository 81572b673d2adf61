"""Adds entries to the text of a baseline; each character that does not belong to a changed value stays as it is.

PyYAML's parser gives the position of each value. A library that writes the whole document again would change the
layout of entries that nobody touched: ruamel.yaml 0.19, for example, drops comments before `---` and joins lines.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_bctrl.baseline.baseline_file import BaselineEntry, parse_baseline, read_baseline_text
from pytest_bctrl.contract.build import write_files
from pytest_bctrl.contract.yaml_source import YamlNode, read_nodes
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.escaping import escape_line, escape_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pytest_bctrl.findings.finding import Finding

_PLAIN_RULE = re.compile(r"[a-z]+(?:[_-][a-z0-9]+)+")
_PLAIN_FINGERPRINT = re.compile(r"[0-9a-f]*[abcdf][0-9a-f]*")
"""Text that YAML reads as a string without quotes; it could read other digits as a number."""


class _Edit(NamedTuple):
    """A new text for a range of characters."""

    start: int
    end: int
    text: str


def add_to_baseline(path: Path, findings: Sequence[Finding], reason: str, until: date) -> None:
    """Add entries for the findings to the file, which is created if it does not exist, completely or not at all.

    Raises `DocumentError` if the file cannot be read or written, is not a baseline, or cannot be extended.
    """
    text = read_baseline_text(path, str(path), keep_line_ends=True)
    write_files({path: add_entries(text, str(path), findings, reason, until)})


def add_entries(text: str, path: str, findings: Sequence[Finding], reason: str, until: date) -> str:
    """Return the text of a baseline with entries for the findings; an existing entry gets the reason and the date.

    Raises `DocumentError` if the text is not a baseline, if its list is written on one line, and if an entry cannot
    change alone because it shares values with another.
    """
    entries = parse_baseline(text, path).entries
    renewed_entries = _renewed_entries(entries, findings, reason.strip(), until)
    new_findings = [finding for finding in findings if not any(entry.covers(finding) for entry in entries)]
    if not renewed_entries and not new_findings:
        return text
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    root = read_nodes(text)
    edits = _edits_of_entries(text, _allow_node(root), renewed_entries)
    if new_findings:
        rows = [row for finding in new_findings for row in _entry_rows(finding, reason, until)]
        edits.update(_appending_edits(text, path, root, rows))
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    _require_entries(text, path, [renewed_entries.get(index, entry) for index, entry in enumerate(entries)])
    return mark + text


def _renewed_entries(
    entries: Sequence[BaselineEntry], findings: Sequence[Finding], reason: str, until: date
) -> dict[int, BaselineEntry]:
    """Return the new content of each entry that covers a finding, by its index; a missing rule is added."""
    renewed_entries = {}
    for index, entry in enumerate(entries):
        covered = next((finding for finding in findings if entry.covers(finding)), None)
        if covered is not None:
            renewed_entries[index] = entry._replace(reason=reason, until=until, rule=entry.rule or covered.rule)
    return renewed_entries


def _allow_node(root: YamlNode | None) -> YamlNode | None:
    """Return the YAML node of the list under `allow`; None if the document is empty or lacks that key."""
    return root.members().get("allow") if root else None


def _edits_of_entries(text: str, list_node: YamlNode | None, entries: Mapping[int, BaselineEntry]) -> set[_Edit]:
    """Return the edits that write reason, date and a missing rule of these entries, by index, into the list."""
    edits: set[_Edit] = set()
    for index, node in enumerate(list_node.nodes if list_node else ()):
        if index in entries:
            edits.update(_edits_of_entry(text, node, entries[index]))
    return edits


def _edits_of_entry(text: str, node: YamlNode, entry: BaselineEntry) -> Iterator[_Edit]:
    """Yield the edits of an entry; none for an alias, which changes with the entry that has the anchor."""
    members = node.members()
    if not members:
        return
    values = {"reason": _quoted_yaml(entry.reason), "until": entry.until.isoformat()}
    if "rule" not in members or not members["rule"].text:
        values["rule"] = _quoted_yaml(entry.rule, _PLAIN_RULE)
    for key, value in values.items():
        if key in members:
            yield _value_edit(text, members[key], value)
        else:
            yield _prepending_edit(text, node, f"{key}: {value}")


def _value_edit(text: str, node: YamlNode, value: str) -> _Edit:
    """Return the edit that replaces the value of a node."""
    start, end = _trimmed_span(text, node)
    if text[start - 1] == ":":
        value = f" {value}"
    return _Edit(start, end, value)


def _trimmed_span(text: str, node: YamlNode) -> tuple[int, int]:
    """Return the start and the end of a value, without the line breaks that end a block scalar."""
    return node.start, node.start + len(text[node.start : node.end].rstrip())


def _prepending_edit(text: str, node: YamlNode, row: str) -> _Edit:
    """Return the edit that puts a member in front of the first member of an entry."""
    first_key = node.nodes[0]
    separator = _line_end(text) + " " * first_key.column
    if node.is_flow:
        separator = ", "
    return _Edit(first_key.start, first_key.start, row + separator)


def _appending_edits(text: str, path: str, root: YamlNode | None, rows: Sequence[str]) -> Iterator[_Edit]:
    """Yield the edits that append rows to the list, which ends with the document."""
    list_node = _allow_node(root)
    _require_block_style(path, root)
    indent = "  "
    if list_node and list_node.nodes:
        _require_block_style(path, list_node)
        indent = _indentation(text, list_node)
    elif empty_node := list_node or root:
        yield _removing_edit(text, empty_node)
    rows = [indent + row for row in rows]
    if list_node is None:
        rows.insert(0, "allow:")
    line_end = _line_end(text)
    new_text = "".join(row + line_end for row in rows)
    end = _end_of_rows(text, root)
    if end and text[end - 1] != "\n":
        new_text = line_end + new_text.removesuffix(line_end)
    yield _Edit(end, end, new_text)


def _require_block_style(path: str, node: YamlNode | None) -> None:
    """Raise `DocumentError` if a list or mapping is written on one line, where no lines can be added."""
    if node and node.is_flow:
        where = f"{path}:{node.line + 1}"
        raise DocumentError("'allow' is written on one line", where=where, hint="write each entry on separate lines")


def _indentation(text: str, list_node: YamlNode) -> str:
    """Return the spaces in front of the dashes of a list; an anchor and comments may precede the first dash."""
    rows = text[list_node.start - list_node.column :].split("\n")
    first_row = next(row for row in rows if row.lstrip(" ").startswith("-"))
    return first_row[: first_row.index("-")]


def _removing_edit(text: str, node: YamlNode) -> _Edit:
    """Return the edit that removes an empty list or a null, and the spaces in front of it."""
    start, end = _trimmed_span(text, node)
    return _Edit(len(text[:start].rstrip(" ")), end, "")


def _end_of_rows(text: str, root: YamlNode | None) -> int:
    """Return the position after the last line of the document that is not blank."""
    end = len(text) if root is None else root.end
    last_character = len(text[:end].rstrip())
    line_feed = text.find("\n", last_character)
    return line_feed + 1 if line_feed >= 0 else len(text)


def _line_end(text: str) -> str:
    """Return the line end of the first line: CR LF, or LF."""
    first_line, _, _ = text.partition("\n")
    return "\r\n" if first_line.endswith("\r") else "\n"


def _entry_rows(finding: Finding, reason: str, until: date) -> list[str]:
    """Return the lines of a new entry, headed by a comment that says which finding it is."""
    location = finding.location or finding.operation or "the document"
    comment = escape_line(" ".join(f"{finding.rule} at {location}".split()))
    return [
        f"# {comment}",
        f"- fingerprint: {_quoted_yaml(finding.fingerprint, _PLAIN_FINGERPRINT)}",
        f"  rule: {_quoted_yaml(finding.rule, _PLAIN_RULE)}",
        f"  reason: {_quoted_yaml(reason)}",
        f"  until: {until.isoformat()}",
    ]


def _quoted_yaml(text: str, plain: re.Pattern[str] | None = None) -> str:
    """Return a string as YAML, in quotes unless it matches `plain`."""
    if plain is not None and plain.fullmatch(text):
        return text
    return escape_yaml(json.dumps(text, ensure_ascii=False))


def _require_entries(text: str, path: str, entries: Sequence[BaselineEntry]) -> None:
    """Raise `DocumentError` unless the text begins with these entries: an edit changed the value of an anchor."""
    hint = "write the values of each entry out, without anchors, aliases and merge keys"
    problem = "an entry shares values with another, so it cannot change alone"
    try:
        read = parse_baseline(text, path).entries[: len(entries)]
    except DocumentError:
        raise DocumentError(problem, where=path, hint=hint) from None
    if [entry._replace(line=0) for entry in read] != [entry._replace(line=0) for entry in entries]:
        raise DocumentError(problem, where=path, hint=hint)
