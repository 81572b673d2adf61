"""Collects what a comparison finds: each change once, with the places where it shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.document import FILES, unescape_token
from pytest_bctrl.drift.compare_schema import SchemaComparer
from pytest_bctrl.drift.pair import RANK, Change, Located, changed, plain, rank, steps
from pytest_bctrl.drift.place import Place
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.findings.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_bctrl.contract.outline import Part, Spec
    from pytest_bctrl.drift.counterexample import Examples, Shown
    from pytest_bctrl.drift.node import Schema
    from pytest_bctrl.drift.pair import Sides, View
    from pytest_bctrl.drift.rules import Rule
    from pytest_bctrl.findings.finding import Finding


MAX_CHANGES = 100_000
_COMPONENT = re.compile(rf"/(?:components/[^/]+|{FILES})/[^/]+")
Values = dict[str, str]
"""Values, and where each stands; empty for where all of them do."""


class Report:
    """The changes of one comparison, in the order they are met."""

    def __init__(self, sides: Sides) -> None:
        self.examples: Examples | None = None
        self.sides = sides
        self.schemas = SchemaComparer(sides)
        self.base, self.revision = sides.old.spec, sides.new.spec
        self.levels = sides.options.levels
        self._found: dict[str, list[_Noted]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(
        self,
        rule: str,
        place: Place,
        old: Any = None,
        new: Any = None,
        old_at: str = "",
        new_at: str = "",
        part: str = "",
        made_of: Sequence[Located] = (),
    ) -> None:
        """Note a change: its rule, place, both values, the pointers of both, and what it is made of."""
        change = changed(rule, rule, "", (old, new), (old_at, new_at), part)
        self.note([Located(change, rank(rule, self.levels), 0, "", (), made_of)], place)

    def add_each(self, rule: str, place: Place, sides: Iterable[Values], at: tuple[str, str]) -> None:
        """Note each value that came or went, under rules that end in `-removed` and `-added`; `at`: where all stand."""
        old, new = sides
        for value in (value for value in old if value not in new):
            self.add(f"{rule}-removed", place, value, None, old[value] or at[0], at[1])
        for value in (value for value in new if value not in old):
            self.add(f"{rule}-added", place, None, value, at[0], new[value] or at[1])

    def compare_words(self, place: Place, old: Part, new: Part, keyword: str, at: tuple[str, str]) -> None:
        """Note words for people that changed, where they are asked for."""
        words = old.value.get(keyword), new.value.get(keyword)
        if self.sides.options.descriptions and words[0] != words[1]:
            self.add("description-changed", place, *words, *at)

    def compare(self, old: Schema, new: Schema, view: View, place: Place) -> None:
        """Note what changed between two schemas that stand at a place."""
        self.note(self.schemas.changes(old, new, view), place)

    def note(self, changes: Iterable[Located], place: Place) -> None:
        """Note changes of what stands at a place.

        Raises `DocumentError` beyond `MAX_CHANGES`: so many are no drift, and nobody reads them.
        """
        response = dict(place.context)
        for one in changes:
            self._found.setdefault(one.change.key, []).append((one, place, response))
        if len(self._found) > MAX_CHANGES:
            raise DocumentError(
                f"more than {MAX_CHANGES:,} changes from {self.base.document.name}",
                where=self.revision.document.name,
                hint="compare documents of the same API",
            )

    def findings(self) -> list[Finding]:
        """What was noted as findings, worst first."""
        # Of each the worst place first, then the nearest.
        found = [
            sorted(noted, key=lambda met: (met[0].rank, met[0].depth, met[1], met[0].way))
            for noted in self._found.values()
        ]
        # The worst first: showing them may take all the time there is.
        found.sort(key=lambda noted: noted[0][0].rank)
        self.base.document.find_lines({noted[0][0].change.old_at for noted in found})
        self.revision.document.find_lines({noted[0][0].change.new_at for noted in found})
        if self.examples:
            self.examples.read(
                trail for (one, *_), *_ in found for part in one.made_of or (one,) for trail in part.trails
            )
        merged: dict[str, Finding] = {}
        for finding in map(self._finding, found):
            # Paths that differ in the names of their parameters alone are one place.
            known = merged.get(finding.fingerprint)
            merged[finding.fingerprint] = finding if known is None else _joined(known, finding)
        return sorted(merged.values(), key=lambda finding: RANK[finding.level])

    def _finding(self, noted: list[_Noted]) -> Finding:
        from pytest_bctrl.drift.rules import rules, why
        from pytest_bctrl.findings.finding import Finding

        worst, place, _ = noted[0]
        change, place = worst.change, place._replace(location=_location(worst, place))
        places = _places(noted)
        rule, level = rules()[change.rule], list(RANK)[worst.rank]
        shown = self._shown(worst, rule, place)
        if shown and shown.by == "proof" and not _is_provable(rule.id):
            shown = shown._replace(by="rule")
        if shown and shown.by == "proof" and rule.id not in self.levels and level == "error":
            # What the rule is wary of cannot be here.
            level = "info"
        old, new = plain(change.old), plain(change.new)
        mark = fingerprint(change.kind, change.old_at, f"{change.new_at}{change.step}", (), old, new, change.part)
        own = fingerprint(rule.id, place.shape, place.location, place.context, old, new, change.part)
        return Finding(
            rule=rule.id,
            level=level,
            location=place.location,
            message=_message(rule.meaning, change, place),
            expected=old,
            observed=new,
            operation=place.operation,
            direction=rule.direction,
            fingerprint=own if len(places) == 1 else mark,
            count=len(places),
            extra={
                **dict(place.context),
                "meaning": rule.meaning,
                "why": why(rule, level),
                "base": _spot(self.base, change.old_at),
                "revision": _spot(self.revision, change.new_at),
                "change": mark,
                "changed": self._changed(worst, place.operation),
                **({"detail": change.detail} if change.detail else {}),
                **({"shown": shown.data} if shown else {}),
                "places": places,
            },
        )

    def _changed(self, found: Located, operation: str) -> str:
        """What changed: a component, or part of another file, or the operation; empty for the document.

        Where another component is referred to than before, and both were there, what refers to it changed.
        """
        one = found.made_of[0] if found.made_of else found
        above = [nodes for trail in one.trails[:1] for nodes, _ in reversed(steps(trail))]
        holding = [tuple((*node.key, "")[0] for node in nodes) for nodes in above]
        for places in ((one.change.old_at, one.change.new_at), *holding):
            old, new = (match[0] if (match := _COMPONENT.match(place)) else "" for place in places)
            sides = (old, self.revision), (new, self.base)
            moved = next(
                (component for component, other in sides if component and component not in other.components), ""
            )
            if old == new or moved:
                return _component_name(moved or old) or operation
        return operation

    def _shown(self, found: Located, rule: Rule, place: Place) -> Shown | None:
        """What shows a change; of several trails the first that leads to a counterexample, or a proof of all."""
        from pytest_bctrl.drift.counterexample import around

        is_request, is_error = rule.direction == "request", rule.level == "error"
        examples = self.examples
        if examples is None:
            return None
        worst = around(rule.id, place, found.change.old, found.change.new)
        for change, trail in ((one.change, trail) for one in found.made_of or (found,) for trail in one.trails):
            values, name = (plain(change.old), plain(change.new)), change.step.removeprefix(".")
            shown = examples.show(trail, values, name, is_request=is_request, is_error=is_error)
            if shown.by == "counterexample":
                return shown
            worst = shown if worst is None or shown.by == "rule" else worst
        return worst


_Noted = tuple[Located, Place, dict[str, str]]
"""A change, where the comparison was, and what of that is said of an answer."""


def _is_provable(rule: str) -> bool:
    """Whether a proof about the values of two schemas says anything of a change.

    It says nothing of the media type or the coding of a value, which validators take no notice of.
    """
    return not rule.endswith(("content-media-type-changed", "content-encoding-changed"))


def _location(one: Located, place: Place) -> str:
    return f"{place.location}{one.way}" if place.location else one.way.removeprefix(".")


def _places(noted: list[_Noted]) -> list[dict[str, str]]:
    """Return each location of a change once, with the fingerprint that the change has if it shows nowhere else."""
    places: dict[tuple[Any, ...], dict[str, str]] = {}
    for located, place, response in noted:
        change, location = located.change, _location(located, place)
        key = place.operation, place.shape, location, place.context
        if key not in places:
            values = plain(change.old), plain(change.new)
            places[key] = {
                "operation": place.operation,
                "location": location,
                **response,
                "rule": change.rule,
                "fingerprint": fingerprint(change.rule, place.shape, location, place.context, *values, change.part),
            }
    return list(places.values())


def _joined(one: Finding, other: Finding) -> Finding:
    from dataclasses import replace

    places = [*one.extra["places"], *other.extra["places"]]
    return replace(one, count=len(places), extra={**one.extra, "places": places})


def _component_name(pointer: str) -> str:
    """A component by its pointer, and a part of another file by its path from the document and its pointer there."""
    name = pointer.removeprefix(f"/{FILES}/")
    return (f"#{name}" if name == pointer else unescape_token(name)) if name else ""


def _spot(spec: Spec, pointer: str) -> dict[str, Any]:
    name, own = spec.document.source_location(pointer)
    return {"document": name, "pointer": own, "line": spec.document.line(pointer)}


def _message(meaning: str, change: Change, place: Place) -> str:
    what = meaning.rstrip(".")
    where = f" at {place.location}" if place.location else ""
    if change.detail:
        return f"{what}{where}: {change.detail}"
    old, new = _short(change.old), _short(change.new)
    if change.old is not None and change.new is not None:
        return f"{what}{where}: {old} → {new}"
    if change.old is None and change.new is None:
        return f"{what}{where}"
    return f"{what}{where}: {new if change.old is None else old}"


def _short(value: Any) -> str:
    import json

    text = value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
