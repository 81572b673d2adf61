"""Changes of values in a body: each finding of the drift gate, applied at the locations that it affects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

from pytest_bctrl.contract.document import unescape_token
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.schema.invariant import Invariant
from pytest_bctrl.contract.schema.locations import (
    Path,
    display_location,
    general_location,
    parse_steps,
    select_values,
    split_location,
)
from pytest_bctrl.contract.schema.shapes import located_values, with_value
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.impact.change import (
    REMOVED,
    BodyTransform,
    Change,
    ResponseTransform,
    combine,
    set_value,
    transform_bodies,
)
from pytest_bctrl.impact.contract_version import ContractVersion, is_at

Candidate: TypeAlias = tuple[str, Any]
"""A location of a body, and a value (or `REMOVED`) that may show the change there."""

_MAX_GENERATED = 12


class BodyChanges:
    """Turns findings about values in a body into changes."""

    def __init__(self, old: ContractVersion, new: ContractVersion, findings: Sequence[Finding]) -> None:
        self._old = old
        self._new = new
        self._unique_locations = _unique_locations(old.contract)
        # Enum values that the new contract no longer has, by location: a new value replaces these first.
        self._removed_values: dict[str, list[Any]] = {}
        for finding in findings:
            if finding.rule.endswith("enum-value-removed"):
                for place in finding.extra["places"]:
                    self._removed_values.setdefault(place["location"], []).append(finding.expected)

    def change(self, finding: Finding) -> Change:
        """Return the change for one finding: it affects each response that has one of the finding's locations."""
        transforms: list[ResponseTransform] = []
        controls: list[ResponseTransform] = []
        places = [place for place in finding.extra["places"] if "status" in place and _is_in_body(place["location"])]
        for place in places:
            candidates = list(_relocated(_shown_candidates(finding), finding.location, place["location"]))
            has_candidate = bool(candidates) or any(True for _ in self._generated_candidates(place))
            if has_candidate:
                applies_to = partial(is_at, place=place)
                transforms.append(transform_bodies(self._apply_change(finding, place, candidates), applies_to))
                controls.append(transform_bodies(self._apply_control(place, candidates), applies_to))
        if not transforms:
            return Change(finding, "drift", not_run_reason="no response that shows it could be generated")
        locations = tuple(dict.fromkeys(display_location(place["location"]) for place in places))
        return Change(finding, "drift", combine(transforms), locations=locations, control=combine(controls))

    def _apply_change(
        self, finding: Finding, place: Mapping[str, str], candidates: Sequence[Candidate]
    ) -> BodyTransform:
        """Return a transform that uses the first candidate which changes the body.

        For an error, the old contract must reject the changed body if it accepts the original one.
        """
        old_schema = self._old.body_schema(place)
        is_error = finding.level == "error"

        def apply(body: Any) -> Any:
            must_be_rejected = is_error and self._old.accepts(old_schema, body)
            documented_paths = _documented_paths(self._old, old_schema, body, place["location"])
            new_schema = None if is_error else self._new_schema_at(place)

            def is_kept(path: Path, value: Any) -> bool:
                return path in documented_paths or self._new.accepts(new_schema, value)

            for location, value in chain(candidates, self._generated_candidates(place)):
                changed_body = set_value(
                    body,
                    location,
                    value,
                    once=location in self._unique_locations,
                    preferred=self._removed_values.get(location, ()),
                    is_kept=is_kept,
                )
                if changed_body is body or changed_body == body:
                    continue
                if must_be_rejected and self._old.accepts(old_schema, changed_body):
                    continue
                return changed_body
            return body

        return apply

    def _apply_control(self, place: Mapping[str, str], candidates: Sequence[Candidate]) -> BodyTransform:
        """Return a transform that puts other values there, which the old contract allows and whose type is the same."""
        location = place["location"]

        def apply(body: Any) -> Any:
            value_type = next(type(value) for _, value in chain(candidates, self._generated_candidates(place)))
            examples = self._old.example_bodies(self._old.body_schema(place))
            allowed = [value for example in examples for _, value in select_values(example, location)]
            alternatives = [value for value in allowed if type(value) is value_type and value not in ([], {})]
            for path, value in select_values(body, location):
                alternative = next((candidate for candidate in alternatives if candidate != value), value)
                body = with_value(body, path, alternative)
            return body

        return apply

    def _generated_candidates(self, place: Mapping[str, str]) -> Iterator[Candidate]:
        """Yield the values that generated bodies of the new contract have at a place."""
        values: list[Any] = []
        schema = self._new.body_schema(place)
        for body in self._new.example_bodies(schema):
            documented_paths = _documented_paths(self._new, schema, body, place["location"])
            for path, value in select_values(body, place["location"]):
                if path not in documented_paths and value not in values and len(values) < _MAX_GENERATED:
                    values.append(value)
                    yield place["location"], value

    def _new_schema_at(self, place: Mapping[str, str]) -> Schema | None:
        """Return the new contract's schema of the location itself; values that it accepts are not replaced."""
        body_schema = self._new.body_schema(place)
        for body in self._new.example_bodies(body_schema):
            for located_value in located_values(self._new.contract, body_schema or {}, body):
                if located_value.location == place["location"]:
                    return located_value.schema
        return None


def _documented_paths(version: ContractVersion, schema: Schema | None, body: Any, location: str) -> set[Path]:
    """Return the paths of members that have a schema of their own; a location that ends in `.*` excludes them."""
    if not location.endswith("*"):
        return set()
    documented = located_values(version.contract, schema or {}, body)
    return {value.path for value in documented if not value.location.endswith("*")}


def _shown_candidates(finding: Finding) -> Iterator[Candidate]:
    """Yield candidates from the counterexample of the drift gate."""
    example, location = finding.extra.get("shown", {}), finding.location
    if "property-removed" in finding.rule:
        # Any value is possible there, because no document describes the property any more.
        yield location, REMOVED
    if example.get("by") != "counterexample":
        return
    example_location, value = str(example["of"]).removeprefix("."), example["value"]
    path, value_at_pointer = _follow_pointer(value, str(example["at"]))
    remainder = _relative_location(location, example_location)
    if remainder:
        value = next((selected for _, selected in select_values(value, remainder)), REMOVED)
    yield location, value
    pointer_location = ""
    if path:
        pointer_location = general_location(path)
    yield _joined(example_location, pointer_location), value_at_pointer


def _is_in_body(location: str) -> bool:
    """Return whether a location is that of a value in a body; a property that only a pattern names has none.

    The drift gate writes names unescaped, and a name such as `a[b` makes the location invalid.
    """
    try:
        parse_steps(location)
    except ValueError:
        return False
    return "<patternProperties" not in location


def _relocated(candidates: Iterator[Candidate], source: str, target: str) -> Iterator[Candidate]:
    """Yield the candidates for another location with the same schema: the common last steps stay as they are."""
    while (step := split_location(source)[1]) is not None and step == split_location(target)[1]:
        source, target = split_location(source)[0], split_location(target)[0]
    for location, value in candidates:
        remainder = _relative_location(location, source)
        if remainder or location == source:
            yield _joined(target, remainder), value


def _relative_location(location: str, ancestor: str) -> str:
    """Return the steps from an ancestor to a location; empty if the location is not below it."""
    if not location.startswith(ancestor):
        return ""
    return location.removeprefix(ancestor).removeprefix(".")


def _joined(ancestor: str, remainder: str) -> str:
    if not ancestor or remainder[:1] in "[<":
        return f"{ancestor}{remainder}"
    return f"{ancestor}.{remainder}"


def _follow_pointer(value: Any, pointer: str) -> tuple[Path, Any]:
    """Return the path of a JSON pointer that exists in `value`, and the value there."""
    path: Path = ()
    for token in pointer.split("/")[1:]:
        key: Any = int(token) if isinstance(value, list) else unescape_token(token)
        path, value = (*path, key), value[key]
    return path, value


def _unique_locations(contract: Contract) -> set[str]:
    """Return the locations whose values must be unique among the items of a list."""
    locations = set()
    for operation in contract.operations:
        for data in operation.invariants:
            for rule in Invariant.of(data):
                if rule.keyword == "unique":
                    locations.add(rule.location)
    return locations
