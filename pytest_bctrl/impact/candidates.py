"""The values that may show a change of a body: what the changed API may send at the location of a finding."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from pytest_bctrl.contract.document import unescape_token
from pytest_bctrl.contract.schema.locations import (
    Path,
    Step,
    general_location,
    parse_steps,
    select_values,
    split_location,
)
from pytest_bctrl.contract.schema.shapes import with_value
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.impact.change import REMOVED, set_value


class Candidate(NamedTuple):
    """A location of a body, and a value (or `REMOVED`) that may show the change there."""

    location: str
    value: Any


def shown_candidates(finding: Finding, location: str) -> Iterator[Candidate]:
    """Yield the candidates that a finding names for one of its locations: the change itself, then its counterexample.

    Of a counterexample, only the value at the location of the finding is taken: the data around it may show other
    changes of the same document.
    """
    rule = finding.rule
    if "property-removed" in rule or "became-optional" in rule:
        yield Candidate(location, REMOVED)
        if "pattern" not in rule:
            return
    if rule.endswith("enum-value-added"):
        yield Candidate(location, finding.observed)
    if rule.endswith("became-nullable"):
        yield Candidate(location, None)
    example = finding.extra.get("shown", {})
    if example.get("by") != "counterexample":
        return
    # The counterexample may be of another place than the first.
    for source in (finding.location, *(place["location"] for place in finding.extra["places"])):
        if _is_valid_location(source) and _is_shown_at(source, example):
            yield from _relocated(_example_candidates(source, example), source, location)
            return


def _is_shown_at(location: str, example: Mapping[str, Any]) -> bool:
    """Return whether the value that a counterexample rejects is at a location, inside it, or contains it."""
    ancestor = str(example["of"]).removeprefix(".")
    if relative_location(location, ancestor) == "" and ancestor not in ("", location):
        return False
    path, _ = _follow_pointer(example["value"], str(example["at"]))
    return all(_selects(step, key) for step, key in zip(_steps_below(location, ancestor), path, strict=False))


def _selects(step: Step, key: str | int) -> bool:
    """Return whether a step of a location selects a key of an object or a list."""
    if step.kind in ("items", "position"):
        return isinstance(key, int)
    return step.kind == "others" or step.text == key


def _steps_below(location: str, ancestor: str) -> list[Step]:
    """Return the steps from an ancestor to a location, without tags."""
    return [step for step in parse_steps(relative_location(location, ancestor)) if step.kind != "tag"]


def _example_candidates(location: str, example: Mapping[str, Any]) -> Iterator[Candidate]:
    """Yield the candidates of a counterexample: a rejected value inside the location, and the value at the location."""
    path, rejected = _follow_pointer(example["value"], str(example["at"]))
    steps = _steps_below(location, str(example["of"]).removeprefix("."))
    if len(path) > len(steps):
        yield Candidate(joined_location(location, general_location(path[len(steps) :])), rejected)
    if len(path) >= len(steps):
        yield Candidate(location, _value_at(example["value"], path[: len(steps)]))
        return
    # The rejected value contains the location: an object without a member, or of another branch.
    remainder = steps[len(path) :]
    if all(step.kind == "member" for step in remainder):
        names = general_location([step.text for step in remainder])
        yield Candidate(location, next((value for _, value in select_values(rejected, names)), REMOVED))


def _is_valid_location(location: str) -> bool:
    """Return whether a text can be parsed as a location."""
    try:
        parse_steps(location)
    except ValueError:
        return False
    return True


def is_in_body(location: str) -> bool:
    """Return whether a location is that of a value in a body, and not of a property that only a pattern names.

    The drift gate writes names unescaped, and a name such as `a[b` makes the location invalid.
    """
    return _is_valid_location(location) and "<patternProperties" not in location


def _relocated(candidates: Iterator[Candidate], source: str, target: str) -> Iterator[Candidate]:
    """Yield candidates, which are at or in a source location, moved to a target with the same schema."""
    while (step := split_location(source)[1]) is not None and step == split_location(target)[1]:
        source, target = split_location(source)[0], split_location(target)[0]
    for location, value in candidates:
        yield Candidate(joined_location(target, relative_location(location, source)), value)


def relative_location(location: str, ancestor: str) -> str:
    """Return the steps from an ancestor to a location; empty if the location is not below the ancestor."""
    remainder = location.removeprefix(ancestor)
    if not location.startswith(ancestor) or (ancestor and remainder[:1] not in (".", "[", "<")):
        return ""
    return remainder.removeprefix(".")


def joined_location(ancestor: str, remainder: str) -> str:
    """Return the location of a relative location below an ancestor."""
    if not ancestor or remainder[:1] in "[<":
        return f"{ancestor}{remainder}"
    return f"{ancestor}.{remainder}"


def _follow_pointer(value: Any, pointer: str) -> tuple[Path, Any]:
    """Return the path that a JSON pointer describes in `value`, and the value there."""
    path: Path = ()
    for token in pointer.split("/")[1:]:
        key: Any = int(token) if isinstance(value, list) else unescape_token(token)
        path, value = (*path, key), value[key]
    return path, value


def _value_at(value: Any, path: Path) -> Any:
    """Return the value at a path inside JSON data."""
    for key in path:
        value = value[key]
    return value


Shows: TypeAlias = Callable[[Any], bool]


def smallest_change(before: Any, after: Any, is_shown: Shows, other_locations: Collection[str] = ()) -> Any:
    """Return the value nearest to `before` that still shows the change of which `after` is an example.

    Members of an object stay as they are unless the change is shown only with them; so do the values at
    `other_locations`, which are relative and show other changes. Returns `after` if it is not an object like `before`,
    or if no smaller value shows the change.
    """
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    for location in other_locations:
        if next(select_values(after, location), None) is None:
            continue
        values = [value for _, value in select_values(before, location)]
        after = set_value(after, location, values[0] if values else REMOVED)
    names = [name for name in {**before, **after} if before.get(name, REMOVED) != after.get(name, REMOVED)]
    if not is_shown(_with_members_of(before, after, names)):
        return after
    for name in names[:]:
        fewer = [changed_name for changed_name in names if changed_name != name]
        if fewer and is_shown(_with_members_of(before, after, fewer)):
            names = fewer
    merged = _with_members_of(before, after, names)
    for name in names:
        if name in before and name in after:
            inner = smallest_change(before[name], after[name], _shown_within(merged, name, is_shown))
            merged = with_value(merged, (name,), inner)
    return merged


def _shown_within(outer: dict[str, Any], name: str, is_shown: Shows) -> Shows:
    """Return a function that returns whether `outer` shows the change with another value for its member `name`."""

    def is_shown_with(inner: Any) -> bool:
        """Return whether the object shows the change with this value for the member."""
        return is_shown({**outer, name: inner})

    return is_shown_with


def _with_members_of(before: dict[str, Any], after: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return `before` with the named members of `after`; those that `after` does not have are removed."""
    merged = {name: value for name, value in before.items() if name not in names or name in after}
    merged.update({name: after[name] for name in names if name in after})
    return merged
