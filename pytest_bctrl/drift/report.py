"""Collects what a comparison finds: where it is in both documents, and under which rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_bctrl.drift.spec import Spec
    from pytest_bctrl.finding import Finding, Level


MAX_CHANGES = 100_000


class Place(NamedTuple):
    """Where the comparison is. `location` is generalised and the same however the schemas are composed."""

    scope: str
    """The first words of a schema rule's id: `response-body`, `request-parameter`, ..."""
    operation: str
    shape: str
    """The operation with its path parameters nameless: what a fingerprint rests on."""
    location: str
    context: tuple[tuple[str, str], ...] = ()
    strongly_typed: bool = True

    def inside(self, step: str) -> Place:
        """The place one step further into a schema: `.name`, `[*]`."""
        location = f"{self.location}{step}" if self.location else step.removeprefix(".")
        return self._replace(scope=_NESTED.get(self.scope, self.scope), location=location)

    @property
    def is_request(self) -> bool:
        """Whether what is compared is sent by the consumer."""
        return self.scope.startswith("request")


_NESTED = {"response-body": "response-property", "request-parameter": "request-parameter-property"}


def word(required: bool) -> str:
    """How a rule's id says whether something must be there."""
    return "required" if required else "optional"


class Report:
    """The findings of one comparison, in the order they are met."""

    def __init__(self, base: Spec, revision: Spec, levels: Mapping[str, Level]) -> None:
        self.base = base
        self.revision = revision
        self.levels = levels
        self.found: list[_Change] = []

    def add(
        self,
        rule: str,
        place: Place,
        old: Any = None,
        new: Any = None,
        old_at: str = "",
        new_at: str = "",
        say: str = "",
    ) -> None:
        """Note a change: its rule, place, both values, and the pointers of both.

        Raises `DocumentError` beyond `MAX_CHANGES`: so many are no drift, and nobody reads them.
        """
        if len(self.found) >= MAX_CHANGES:
            raise DocumentError(
                f"more than {MAX_CHANGES:,} changes from {self.base.document.name}",
                where=self.revision.document.name,
                mend="compare documents of the same API",
            )
        self.found.append(_Change(rule, place, old, new, old_at, new_at, say))

    def findings(self) -> list[Finding]:
        """What was noted as findings, worst first; equal ones are counted as one."""
        self.base.document.find_lines({change.old_at for change in self.found})
        self.revision.document.find_lines({change.new_at for change in self.found})
        merged: dict[str, Finding] = {}
        for change in self.found:
            finding = self._finding(change)
            known = merged.get(finding.fingerprint)
            merged[finding.fingerprint] = finding if known is None else _counted(known)
        order = {"error": 0, "warning": 1, "info": 2}
        return sorted(merged.values(), key=lambda finding: order[finding.level])

    def _finding(self, change: _Change) -> Finding:
        from pytest_bctrl.drift.rules import rules, why
        from pytest_bctrl.finding import Finding

        rule = rules()[change.rule]
        level = self.levels.get(rule.id, rule.level)
        place = change.place
        return Finding(
            rule=rule.id,
            level=level,
            location=place.location,
            message=_message(rule.meaning, change),
            expected=_plain(change.old),
            observed=_plain(change.new),
            operation=place.operation,
            direction=rule.direction,
            fingerprint=_fingerprint(change),
            extra={
                **dict(place.context),
                "meaning": rule.meaning,
                "why": why(rule, level),
                "base": _spot(self.base, change.old_at),
                "revision": _spot(self.revision, change.new_at),
            },
        )


def _spot(spec: Spec, pointer: str) -> dict[str, Any]:
    document = spec.document
    return {"document": document.name, "pointer": pointer, "line": document.line(pointer)}


class _Change(NamedTuple):
    rule: str
    place: Place
    old: Any
    new: Any
    old_at: str
    new_at: str
    say: str


def _counted(finding: Finding) -> Finding:
    from dataclasses import replace

    return replace(finding, count=finding.count + 1)


def _fingerprint(change: _Change) -> str:
    place, old, new = change.place, _plain(change.old), _plain(change.new)
    return fingerprint(change.rule, place.shape, place.location, place.context, old, new, change.say)


def _message(meaning: str, change: _Change) -> str:
    what = meaning.rstrip(".")
    where = f" at {change.place.location}" if change.place.location else ""
    if change.say:
        return f"{what}{where}: {change.say}"
    old, new = _short(change.old), _short(change.new)
    if change.old is not None and change.new is not None:
        return f"{what}{where}: {old} → {new}"
    if change.old is None and change.new is None:
        return f"{what}{where}"
    return f"{what}{where}: {new if change.old is None else old}"


def _short(value: Any) -> str:
    import json

    text = value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _plain(value: Any) -> Any:
    """A value as JSON data; sets in order."""
    if isinstance(value, (set, frozenset)):
        items = sorted(value, key=str)
        return items[0] if len(items) == 1 else items
    return value
