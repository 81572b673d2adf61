"""Changes of values in a body: each finding of the drift gate, applied at the locations that it affects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.schema.invariant import Invariant
from pytest_bctrl.contract.schema.locations import Path, display_location, select_values
from pytest_bctrl.contract.schema.shapes import located_values, with_value
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.impact.candidates import (
    Candidate,
    is_in_body,
    relative_location,
    shown_candidates,
    smallest_change,
)
from pytest_bctrl.impact.change import (
    REMOVED,
    BodyTransform,
    Change,
    ResponseTransform,
    changed_paths,
    combine,
    set_at_paths,
    transform_bodies,
)
from pytest_bctrl.impact.contract_version import ContractVersion, is_at

_MAX_GENERATED = 12
_ALTERNATIVE_RULES = ("one-of", "any-of", "discriminator", "enum", "const", "type")
"""Parts of the rules whose new value is a value of its own kind, and no variation of the current one."""


class BodyChanges:
    """Turns findings about values in a body into changes."""

    def __init__(self, old: ContractVersion, new: ContractVersion, findings: Sequence[Finding]) -> None:
        self._old = old
        self._new = new
        self._unique_locations = _unique_locations(old.contract)
        # Enum values that the new contract no longer has, by location: a new value replaces these first.
        self._removed_values: dict[str, list[Any]] = {}
        self._locations: dict[str, set[str]] = {}
        for finding in findings:
            for place in finding.extra.get("places", ()):
                self._locations.setdefault(place["operation"], set()).add(place["location"])
                if finding.rule.endswith("enum-value-removed"):
                    self._removed_values.setdefault(place["location"], []).append(finding.expected)

    def change(self, finding: Finding) -> Change:
        """Return the change for one finding about values in a body; without a transform if no value shows it."""
        transforms: list[ResponseTransform] = []
        controls: list[ResponseTransform] = []
        places = [place for place in finding.extra["places"] if "status" in place and is_in_body(place["location"])]
        for place in places:
            candidates = list(shown_candidates(finding, place["location"]))
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
        """Return a transform that puts the first candidate which shows the change into a body.

        For an error, the old contract must reject the changed body if it accepts the original one. Any other change
        is compatible: the old contract should accept the changed body too.
        """
        old_schema = self._old.body_schema(place)
        is_error = finding.level == "error"

        def apply(body: Any) -> Any:
            """Return the body with the first candidate that shows the change; if none does, with any, or unchanged.

            Unchanged if the change is an error and the body is valid.
            """
            is_valid = self._old.accepts(old_schema, body)
            first_changed = body
            for candidate in chain(candidates, self._generated_candidates(place)):
                changed_body = self._changed_body(finding, place, body, candidate)
                if changed_body is body or changed_body == body:
                    continue
                if self._rejects(place, changed_body, candidate, was_valid=is_valid) is is_error:
                    return changed_body
                if first_changed is body and not (is_error and is_valid):
                    first_changed = changed_body
            return first_changed

        return apply

    def _rejects(self, place: Mapping[str, str], changed_body: Any, candidate: Candidate, *, was_valid: bool) -> bool:
        """Return whether the old contract rejects the changed body, or, unless `was_valid`, the candidate's value.

        The counterexample of a schema that a discriminator selects is rejected by it, though the body is valid.
        """
        if was_valid:
            is_accepted = self._old.accepts(self._old.body_schema(place), changed_body)
            return not is_accepted or self._is_of_subtype(place)
        # The body is invalid for another reason, such as another change: only the value itself is decisive.
        schema = self._old.schema_at(place)
        if candidate.value is REMOVED or schema is None or candidate.location != place["location"]:
            return True
        return not self._old.accepts(schema, candidate.value)

    def _is_of_subtype(self, place: Mapping[str, str]) -> bool:
        """Return whether a discriminator selects the schema of a place, which then is not part of the body's schema."""
        return "=" in place["location"] and self._old.schema_at(place) is None

    def _changed_body(self, finding: Finding, place: Mapping[str, str], body: Any, candidate: Candidate) -> Any:
        """Return a body with a candidate at the affected paths of its location; objects are changed minimally."""
        location = candidate.location
        is_error = finding.level == "error"
        documented_paths = _documented_paths(self._old, self._old.body_schema(place), body, place["location"])
        new_schema = None if is_error else self._new.schema_at(place)

        def is_kept(path: Path, value: Any) -> bool:
            """Return whether the value at a path stays: it has its own schema, or a compatible change allows it."""
            return path in documented_paths or self._new.accepts(new_schema, value)

        paths = changed_paths(
            body,
            location,
            candidate.value,
            once=location in self._unique_locations and not _can_be_everywhere(candidate.value),
            preferred=self._removed_values.get(location, ()),
            is_kept=is_kept,
        )
        if not isinstance(candidate.value, dict) or any(part in finding.rule for part in _ALTERNATIVE_RULES):
            values = dict.fromkeys(paths, candidate.value)
            if location in self._unique_locations and isinstance(candidate.value, str):
                values = {path: f"{candidate.value}{number or ''}" for number, path in enumerate(paths)}
            return set_at_paths(body, values)
        values = {path: self._smallest_value(place, body, path, candidate, is_error=is_error) for path in paths}
        return set_at_paths(body, values)

    def _smallest_value(
        self, place: Mapping[str, str], body: Any, path: Path, candidate: Candidate, *, is_error: bool
    ) -> Any:
        """Return the value that shows the change and is nearest to the current value at a path."""
        old_schema = self._old.body_schema(place)
        other_locations = [
            relative_location(location, candidate.location)
            for location in self._locations[place["operation"]]
            if is_in_body(location) and relative_location(location, candidate.location)
        ]
        current = next((value for current_path, value in select_values(body, candidate.location)
                        if current_path == path), None)  # fmt: skip

        def is_shown(value: Any) -> bool:
            """Return whether the old contract rejects a value at the path, for an error; otherwise, accepts it."""
            return self._old.accepts(old_schema, with_value(body, path, value)) is not is_error

        return smallest_change(current, candidate.value, is_shown, other_locations)

    def _apply_control(self, place: Mapping[str, str], candidates: Sequence[Candidate]) -> BodyTransform:
        """Return a transform that puts other values at a place, valid in the old contract and of the same type."""
        location = place["location"]

        def apply(body: Any) -> Any:
            """Return the body with other values of the same type at the location, as far as there are any."""
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
        """Yield up to 12 different values that generated bodies of the new contract have at a place, as candidates."""
        values: list[Any] = []
        schema = self._new.body_schema(place)
        for body in self._new.example_bodies(schema):
            documented_paths = _documented_paths(self._new, schema, body, place["location"])
            for path, value in select_values(body, place["location"]):
                if path not in documented_paths and value not in values and len(values) < _MAX_GENERATED:
                    values.append(value)
                    yield Candidate(place["location"], value)


def _can_be_everywhere(value: Any) -> bool:
    """Return whether a value can be at each of several locations whose values are unique: strings get a number."""
    return value is REMOVED or value is None or isinstance(value, str)


def _documented_paths(version: ContractVersion, schema: Schema | None, body: Any, location: str) -> set[Path]:
    """Return the paths of members with their own schema, if a location ends in `.*`; empty for other locations."""
    if not location.endswith("*"):
        return set()
    documented = located_values(version.contract, schema or {}, body)
    return {value.path for value in documented if not value.location.endswith("*")}


def _unique_locations(contract: Contract) -> set[str]:
    """Return the locations whose values must be unique among the items of a list."""
    locations = set()
    for operation in contract.operations:
        for data in operation.invariants:
            for rule in Invariant.of(data):
                if rule.keyword == "unique":
                    locations.add(rule.location)
    return locations
