"""Collects the changes of a comparison: each change once, with all of its locations."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.document import FILES, escape_token, unescape_token, value_at
from pytest_bctrl.drift.budget_order import budget_order
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.pair import RANK, Change, Located, as_json, described_change, rank, steps
from pytest_bctrl.drift.rules import KEYWORD_CHANGED, deprecation_word
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.findings.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_bctrl.contract.spec import Part, Spec
    from pytest_bctrl.drift.compare_schema import SchemaComparer
    from pytest_bctrl.drift.counterexample import Examples, Shown
    from pytest_bctrl.drift.node import Schema
    from pytest_bctrl.drift.pair import Sides, View
    from pytest_bctrl.drift.rules import Rule
    from pytest_bctrl.findings.finding import Finding


MAX_CHANGES = 100_000
_COMPONENT = re.compile(rf"/(?:components/[^/]+|{FILES})/[^/]+")
_DIRECTION = re.compile(r"\b(?:request|response)\b")
_OF_TYPES = frozenset(
    ("type-changed", "became-enum", "became-not-enum", "enum-value-added", "enum-value-removed", "const-added",
     "const-changed", "const-removed")
)  # fmt: skip
"""Changes of a type or of listed values, which may be the same values as another type."""
Values = dict[str, str]
"""Values and their pointers; an empty pointer is that of all values together."""


class Report:
    """The changes of a comparison, in the order in which they are noted."""

    def __init__(self, sides: Sides) -> None:
        self.examples: Examples | None = None
        self.sides = sides
        self.base, self.revision = sides.old.spec, sides.new.spec
        self.levels = sides.options.levels
        self._noted: dict[str, list[_Noted]] = {}

    @cached_property
    def schemas(self) -> SchemaComparer:
        """The comparer of schemas, which is loaded when the first schema may have changed."""
        from pytest_bctrl.drift.compare_schema import SchemaComparer

        return SchemaComparer(self.sides)

    def __bool__(self) -> bool:
        return bool(self._noted)

    def add(
        self,
        rule: str,
        location: ChangeLocation,
        old: Any = None,
        new: Any = None,
        old_at: str = "",
        new_at: str = "",
        part: str = "",
        content: str = "",
        keys: tuple[str, ...] = (),
    ) -> None:
        """Note a change at a location, with both values and their pointers; `content` is a digest of its schemas.

        `keys` lead from the pointers to the keyword that changed, as far as a document has it.
        """
        at = _existing_pointer(self.base, old_at, keys), _existing_pointer(self.revision, new_at, keys)
        change = described_change(rule, rule, "", (old, new), at, part, content)
        self.note([Located(change, rank(rule, self.levels), 0, "", ())], location)

    def add_each(
        self,
        rule: str,
        location: ChangeLocation,
        sides: Iterable[Values],
        at: tuple[str, str],
        keys: tuple[str, ...] = (),
    ) -> None:
        """Note the values that only one side has, under rules that end in `-removed` and `-added`.

        `keys` lead from the pointers of all values together to the keyword that contains them.
        """
        old, new = sides
        for value in (value for value in old if value not in new):
            at_of_value = old[value] or at[0], at[1]
            self.add(f"{rule}-removed", location, value, None, *at_of_value, keys=keys)
        for value in (value for value in new if value not in old):
            at_of_value = at[0], new[value] or at[1]
            self.add(f"{rule}-added", location, None, value, *at_of_value, keys=keys)

    def compare_deprecation(self, subject: str, old: Part, new: Part, location: ChangeLocation) -> None:
        """Note that an operation, parameter or header was deprecated or reactivated, under the rules of a subject."""
        was, now = bool(old.value.get("deprecated")), bool(new.value.get("deprecated"))
        if was != now:
            rule = f"{subject}-{deprecation_word(now)}"
            self.add(rule, location, was, now, old.pointer, new.pointer, keys=("deprecated",))

    def compare_words(self, location: ChangeLocation, old: Part, new: Part, keyword: str, at: tuple[str, str]) -> None:
        """Note a changed text under a keyword, such as `summary`, if the options include descriptions."""
        words = (old / keyword).value, (new / keyword).value
        if self.sides.options.descriptions and words[0] != words[1]:
            self.add("description-changed", location, *words, *at, keys=(keyword,))

    def compare(self, old: Schema, new: Schema, view: View, location: ChangeLocation) -> None:
        """Note the changes between two schemas at a location."""
        self.note(self.schemas.verified(old, new, view), location)

    def note(self, changes: Iterable[Located], location: ChangeLocation) -> None:
        """Note changes at a location, to be reported as findings.

        Raises `DocumentError` for more than `MAX_CHANGES`: these are different APIs, and nobody reads so many findings.
        """
        response = dict(location.context)
        for located in changes:
            self._noted.setdefault(located.change.key, []).append((located, location, response))
        if len(self._noted) > MAX_CHANGES:
            raise DocumentError(
                f"more than {MAX_CHANGES:,} changes from {self.base.document.name}",
                where=self.revision.document.name,
                hint="compare documents of the same API",
            )

    def findings(self) -> list[Finding]:
        """Return the noted changes as findings, worst first."""
        changes = [sorted(noted, key=_sort_key) for noted in self._noted.values()]
        changes.sort(key=lambda noted: noted[0][0].rank)
        worst = [noted[0][0] for noted in changes]
        self.base.document.find_lines({located.change.old_at for located in worst})
        self.revision.document.find_lines({located.change.new_at for located in worst})
        merged: dict[str, Finding] = {}
        for noted, finding in zip(changes, self._findings(changes), strict=True):
            if _is_settled(noted[0][0], finding) or self._is_about_spelling(noted, finding):
                continue
            mark = finding.fingerprint
            if mark in merged:
                # Paths that differ only in the names of their parameters are the same location.
                finding = _joined(merged[mark], finding)
            merged[mark] = finding
        return sorted(merged.values(), key=lambda finding: RANK[finding.level])

    def _findings(self, changes: list[list[_Noted]]) -> list[Finding]:
        """Return changes as findings, in the same order, with the evidence that the budget suffices for."""
        order = list(range(len(changes)))
        if self.examples:
            order = budget_order(self.sides, [noted[0][0] for noted in changes])
            locations = [[located for located, _, _ in changes[index]] for index in order]
            self.examples.read([[trail for located in noted for trail in located.trails] for noted in locations])
        findings = {index: self._finding(changes[index]) for index in order}
        return [findings[index] for index in range(len(changes))]

    def _finding(self, noted: list[_Noted]) -> Finding:
        """Return one change with all its locations as a finding."""
        from pytest_bctrl.drift.rules import rules, why
        from pytest_bctrl.findings.finding import Finding

        worst, location, _ = noted[0]
        change, location = worst.change, location._replace(path=_change_path(worst, location))
        locations = _distinct_locations(noted)
        rule, level = rules()[change.rule], list(RANK)[worst.rank]
        shown = self._evidence(noted, rule, location)
        is_by_values = level == "error" or worst.verification is not None
        if shown and shown.by == "proof" and rule.id not in self.levels and is_by_values:
            # The proof excludes the values that make the rule an error.
            level = "info"
        old, new = as_json(change.old), as_json(change.new)
        mark = fingerprint(change.kind, change.old_at, f"{change.new_at}{change.step}", (), old, new, change.mark)
        location_mark = fingerprint(rule.id, location.shape, location.path, location.context, old, new, change.mark)
        return Finding(
            rule=rule.id,
            level=level,
            location=location.path,
            message=_message(rule.meaning, change, location),
            expected=old,
            observed=new,
            operation=location.operation,
            direction=rule.direction,
            fingerprint=location_mark if len(locations) == 1 else mark,
            count=len(locations),
            extra={
                **dict(location.context),
                "meaning": rule.meaning,
                "why": why(rule, level),
                "base": _source_location(self.base, change.old_at),
                "revision": _source_location(self.revision, change.new_at),
                "change": mark,
                "changed": self._changed_component(worst, location.operation),
                **({"detail": change.detail} if change.detail else {}),
                **({"shown": shown.data} if shown else {}),
                "places": locations,
            },
        )

    def _is_about_spelling(self, noted: list[_Noted], finding: Finding) -> bool:
        """Return whether the same values of a parameter or header were given another type, which texts do not have."""
        examples, is_proven = self.examples, finding.extra.get("shown", {}).get("by") == "proof"
        if examples is None or not is_proven or noted[0][0].change.kind not in _OF_TYPES:
            return False
        return all(examples.are_sent_alike(located) for located, _, _ in noted)

    def _changed_component(self, located: Located, operation: str) -> str:
        """Return what changed: a component, part of another file, or the operation; empty for the document.

        If a reference changed from one component to another, and both documents have both, its container changed.
        """
        above = [nodes for trail in located.trails[:1] for nodes, _ in reversed(steps(trail))]
        containers = [tuple((*node.key, "")[0] for node in nodes) for nodes in above]
        for pointers in ((located.change.old_at, located.change.new_at), *containers):
            old, new = map(_component, pointers)
            removed_or_added = ""
            if new and new not in self.base.components:
                removed_or_added = new
            if old and old not in self.revision.components:
                removed_or_added = old
            if old == new or removed_or_added:
                return _component_name(removed_or_added or old) or operation
        return operation

    def _evidence(self, noted: list[_Noted], rule: Rule, location: ChangeLocation) -> Shown | None:
        """Return the evidence of a change: a counterexample, a proof for all locations, or the rule; else None."""
        from pytest_bctrl.drift.counterexample import Shown, shown_outside_schemas
        from pytest_bctrl.drift.rules import is_about_values

        if self.examples is None:
            return None
        change = noted[0][0].change
        evidence = shown_outside_schemas(rule.id, location, change.old, change.new)
        if not noted[0][0].trails:
            return evidence
        if not is_about_values(rule.id):
            return Shown("rule", reason="the change is not about the values that the schema allows")
        for located, _, _ in noted:
            shown = _evidence_at(self.examples, located, rule)
            if shown.by == "counterexample":
                return shown
            if evidence is None or shown.by == "rule":
                evidence = shown
        return evidence


_Noted = tuple[Located, ChangeLocation, dict[str, str]]
"""A change, its location, and the part of the location that identifies a response."""


def _evidence_at(examples: Examples, located: Located, rule: Rule) -> Shown:
    """Return the evidence of a change at one location."""
    change, verification = located.change, located.verification
    is_error = rule.level == "error"
    if verification is not None:
        is_error = verification.verdict == "refuted"
    values, name = (as_json(change.old), as_json(change.new)), change.step.removeprefix(".")
    if verification is not None and verification.has_value:
        values, name = (verification.value, verification.value), ""
    return examples.show(located, values, name, is_error=is_error)


def _is_settled(located: Located, finding: Finding) -> bool:
    """Return whether no rule names an undecided change, and a proof about the schemas around it shows it is safe."""
    is_undecided = located.verification is not None and located.verification.verdict == "undecided"
    is_unnamed = located.change.kind != KEYWORD_CHANGED
    return is_undecided and is_unnamed and finding.extra.get("shown", {}).get("by") == "proof"


def _sort_key(noted: _Noted) -> tuple[Any, ...]:
    """Return a sort key that puts the worst location of a change first, then the one with the shortest path."""
    located, location, _ = noted
    return located.rank, located.depth, location, located.path


def _change_path(located: Located, location: ChangeLocation) -> str:
    """Return the path of a change inside the body, after the path of its location."""
    if location.path:
        return f"{location.path}{located.path}"
    return located.path.removeprefix(".")


def _distinct_locations(noted: list[_Noted]) -> list[dict[str, str]]:
    """Return the different locations of a change, each with the fingerprint of a finding at this location alone."""
    locations: dict[tuple[Any, ...], dict[str, str]] = {}
    for located, location, response in noted:
        change, path = located.change, _change_path(located, location)
        key = location.operation, location.shape, path, location.context
        if key not in locations:
            values = as_json(change.old), as_json(change.new)
            locations[key] = {
                "operation": location.operation,
                "location": path,
                **response,
                "rule": change.rule,
                "fingerprint": fingerprint(change.rule, location.shape, path, location.context, *values, change.mark),
            }
    return list(locations.values())


def _joined(finding: Finding, duplicate: Finding) -> Finding:
    """Return `finding` with the locations of both findings."""
    from dataclasses import replace

    locations = [*finding.extra["places"], *duplicate.extra["places"]]
    return replace(finding, count=len(locations), extra={**finding.extra, "places": locations})


def _component(pointer: str) -> str:
    """Return the pointer of the component or part of another file that a pointer leads into; empty if there is none."""
    match = _COMPONENT.match(pointer)
    if match is None:
        return ""
    return match[0]


def _component_name(pointer: str) -> str:
    """Return the name of a component: its pointer, or the path of another file and the pointer there."""
    name = pointer.removeprefix(f"/{FILES}/")
    if not name:
        return ""
    if name == pointer:
        return f"#{name}"
    return unescape_token(name)


def _existing_pointer(spec: Spec, pointer: str, keys: tuple[str, ...]) -> str:
    """Return the pointer of what keys lead to from a pointer, or of the nearest value on the way that exists."""
    pointer = "/".join([pointer, *map(escape_token, keys)])
    while pointer:
        with suppress(LookupError, TypeError, ValueError):
            value_at(spec.document.data, pointer)
            break
        pointer = pointer.rpartition("/")[0]
    return pointer


def _source_location(spec: Spec, pointer: str) -> dict[str, Any]:
    """Return the document, pointer and line of a part in its source, as data for reports."""
    name, file_pointer = spec.document.source_location(pointer)
    return {"document": name, "pointer": file_pointer, "line": spec.document.line(pointer)}


def _message(meaning: str, change: Change, location: ChangeLocation) -> str:
    """Return the message of a finding: meaning, path, and detail or both values."""
    text = meaning.rstrip(".")
    if location.is_outgoing:
        # The rules of responses apply to the requests that the API sends, and those of requests to the responses.
        text = _DIRECTION.sub(_opposite_direction, text)
    if location.path:
        text = f"{text} at {location.path}"
    if change.detail:
        return f"{text}: {change.detail}"
    values = [_short_text(value) for value in (change.old, change.new) if value is not None]
    if not values:
        return text
    return f"{text}: {' → '.join(values)}"


def _opposite_direction(direction: re.Match[str]) -> str:
    """Return `response` for `request`, and the reverse."""
    if direction[0] == "request":
        return "response"
    return "request"


def _short_text(value: Any) -> str:
    """Return a value as text of at most 80 characters."""
    import json

    text = value
    if not isinstance(value, str):
        text = json.dumps(as_json(value), ensure_ascii=False, default=str)
    if len(text) > 80:
        text = f"{text[:77]}..."
    return str(text)
