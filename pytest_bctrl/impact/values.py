"""Changes of values in a body: each of them put where the finding of the gate is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

from pytest_bctrl.contract.document import unescaped
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.schema.invariant import Invariant
from pytest_bctrl.contract.schema.locations import Path, generalised, parted, select, shown, steps
from pytest_bctrl.contract.schema.shapes import located, replaced
from pytest_bctrl.finding import Finding
from pytest_bctrl.impact.change import REMOVED, BodyChange, Change, Play, body_play, put, together
from pytest_bctrl.impact.side import Side, is_at

Candidate: TypeAlias = tuple[str, Any]
"""A place of a body, and a value, or its absence, that may show a change there."""


class Values:
    """What each finding makes of the values in a body."""

    def __init__(self, old: Side, new: Side, findings: Sequence[Finding]) -> None:
        self._old, self._new = old, new
        self._unique = _unique_places(old.contract)
        # The values that the new contract has no more, by their place: where one stands, a new one takes its place.
        self._removed: dict[str, list[Any]] = {}
        for finding in findings:
            for place in finding.extra["places"] if finding.rule.endswith("enum-value-removed") else ():
                self._removed.setdefault(place["location"], []).append(finding.expected)

    def change(self, finding: Finding) -> Change:
        """Return one finding as a change: at each of its places, in the answers that have that place."""
        plays: list[Play] = []
        controls: list[Play] = []
        places = [place for place in finding.extra["places"] if "status" in place and _is_in_body(place["location"])]
        for place in places:
            given = list(_moved(_given(finding), finding.location, place["location"]))
            if given or any(True for _ in self._drawn(place)):
                concerns = partial(is_at, place=place)
                plays.append(body_play(self._showing(finding, place, given), concerns))
                controls.append(body_play(self._with_another(place, given), concerns))
        if not plays:
            return Change(finding, "drift", why_not="no answer that shows it could be made")
        locations = tuple(dict.fromkeys(shown(place["location"]) for place in places))
        return Change(finding, "drift", together(plays), locations=locations, control=together(controls))

    def _showing(self, finding: Finding, place: Mapping[str, str], given: Sequence[Candidate]) -> BodyChange:
        """Put the first candidate into a body that the old contract then refuses, where it has to."""
        before = self._old.schema(place)
        breaks = finding.level == "error"

        def change(body: Any) -> Any:
            must_break = breaks and self._old.accepts(before, body)
            own = _own(self._old, before, body, place["location"])
            after = None if breaks else self._schema_at(place)

            def stays(path: Path, value: Any) -> bool:
                return path in own or self._new.accepts(after, value)

            for location, value in chain(given, self._drawn(place)):
                first = self._removed.get(location, ())
                made = put(body, location, value, once=location in self._unique, first=first, stays=stays)
                if made is not body and made != body and not (must_break and self._old.accepts(before, made)):
                    return made
            return body

        return change

    def _with_another(self, place: Mapping[str, str], given: Sequence[Candidate]) -> BodyChange:
        """Put other values there that the old contract allows, if they are of the type that the new one is of."""
        location = place["location"]

        def change(body: Any) -> Any:
            kind = next(type(value) for _, value in chain(given, self._drawn(place)))
            samples = self._old.bodies(self._old.schema(place))
            found = [value for sample in samples for _, value in select(sample, location)]
            others = [value for value in found if type(value) is kind and value not in ([], {})]
            for path, value in select(body, location):
                body = replaced(body, path, next((one for one in others if one != value), value))
            return body

        return change

    def _drawn(self, place: Mapping[str, str]) -> Iterator[Candidate]:
        """Values that samples of the new contract have at a place."""
        seen: list[Any] = []
        schema = self._new.schema(place)
        for body in self._new.bodies(schema):
            own = _own(self._new, schema, body, place["location"])
            for path, value in select(body, place["location"]):
                if path not in own and value not in seen and len(seen) < _DRAWN:
                    seen.append(value)
                    yield place["location"], value

    def _schema_at(self, place: Mapping[str, str]) -> Schema | None:
        """The schema that the new contract has at a place: a value that it allows stays as it is."""
        schema, new = self._new.schema(place), self._new.contract
        spots = (spot for body in self._new.bodies(schema) for spot in located(new, schema or {}, body))
        return next((spot.schema for spot in spots if spot.location == place["location"]), None)


_DRAWN = 12


def _own(side: Side, schema: Schema | None, body: Any, location: str) -> set[Path]:
    """The members that have a schema of their own, which `.*` is not about."""
    spots = located(side.contract, schema or {}, body) if location.endswith("*") else ()
    return {spot.path for spot in spots if not spot.location.endswith("*")}


def _given(finding: Finding) -> Iterator[Candidate]:
    """What the gate's own example shows."""
    given, location = finding.extra.get("shown", {}), finding.location
    if "property-removed" in finding.rule:
        # The gate's example may have anything there, which no document describes any more.
        yield location, REMOVED
    if given.get("by") != "counterexample":
        return
    way, value = str(given["of"]).removeprefix("."), given["value"]
    rest = _below(location, way)
    path, there = _followed(value, str(given["at"]))
    whole = _joined(way, generalised(path) if path else "")
    found = next((one for _, one in select(value, rest)), REMOVED) if rest else value
    yield location, found
    yield whole, there


def _is_in_body(location: str) -> bool:
    """Whether a location leads to values of a body: not that of a name that only a pattern tells.

    The drift gate writes names as they are, and one such as `a[b` makes no location.
    """
    try:
        steps(location)
    except ValueError:
        return False
    return "<patternProperties" not in location


def _moved(candidates: Iterator[Candidate], here: str, there: str) -> Iterator[Candidate]:
    """The same at another place that has the same schema: what the two have last is alike, the rest is exchanged."""
    while (step := parted(here)[1]) is not None and step == parted(there)[1]:
        here, there = parted(here)[0], parted(there)[0]
    for location, value in candidates:
        rest = _below(location, here)
        if rest or location == here:
            yield _joined(there, rest), value


def _below(location: str, above: str) -> str:
    """What leads from one place to another below it; empty where it is not below."""
    rest = location.removeprefix(above) if location.startswith(above) else ""
    return rest.removeprefix(".")


def _joined(above: str, rest: str) -> str:
    return f"{above}{rest}" if not above or rest[:1] in "[<" else f"{above}.{rest}"


def _followed(value: Any, pointer: str) -> tuple[Path, Any]:
    """A JSON pointer that leads somewhere as the path in a value, and what stands there."""
    path: Path = ()
    for token in pointer.split("/")[1:]:
        key: Any = int(token) if isinstance(value, list) else unescaped(token)
        path, value = (*path, key), value[key]
    return path, value


def _unique_places(contract: Contract) -> set[str]:
    """The places whose values must differ from item to item."""
    rules = (rule for one in contract.operations for said in one.invariants for rule in Invariant.of(said))
    return {rule.location for rule in rules if rule.keyword == "unique"}
