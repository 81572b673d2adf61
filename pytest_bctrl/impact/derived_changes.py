"""Changes derived from a contract alone: each way to violate it, and unusual responses that are valid."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.locations import member_location, split_location
from pytest_bctrl.contract.schema.ref import listed_values
from pytest_bctrl.contract.schema.shapes import LocatedValue, located_values, with_value
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.findings.finding import Finding, Level
from pytest_bctrl.findings.fingerprint import fingerprint, shape
from pytest_bctrl.impact.change import (
    REMOVED,
    BodyTransform,
    Change,
    Kind,
    ResponseContext,
    set_value,
    transform_bodies,
)
from pytest_bctrl.samples.inputs import responds_with_json
from pytest_bctrl.samples.mutants import SCHEMA_CHECK, UNDOCUMENTED, Mutant, broken_at, mutants
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode

_ADDITIONAL_ITEMS = 300
_UNKNOWN_PROPERTY = "unknownByImpact"


def derive_changes(contract: Contract) -> list[Change]:
    """Return every violation and every unusual response of each operation that responds with JSON."""
    changes: list[Change] = []
    for operation in filter(responds_with_json, contract.operations):
        try:
            samples = Samples(contract, operation)
            changes += [*_violations(samples), *_unusual_responses(samples)]
        except BctrlError as error:
            finding = _derived_finding(operation.label, "impact", "", f"no response can be generated: {error}", "error")
            reason = "no response can be generated from the contract"
            changes.append(Change(finding, "break", not_run_reason=reason))
    return changes


def _derived_change(samples: Samples, finding: Finding, kind: Kind, transform: BodyTransform, location: str) -> Change:
    """Return a change of the bodies of an operation's success responses."""

    def applies_to(context: ResponseContext) -> bool:
        """Return whether a response is of the operation and has its success status."""
        return context.operation is samples.operation and context.response.status == samples.status

    return Change(finding, kind, transform_bodies(transform, applies_to), locations=(location,))


def _derived_finding(operation: str, rule: str, location: str, message: str, level: Level, kind: str = "") -> Finding:
    """Return the finding that describes a derived change."""
    mark = fingerprint(rule, shape(operation), location, kind=kind)
    return Finding(rule, level, location, message, operation=operation, direction="response", fingerprint=mark)


def _violations(samples: Samples) -> Iterator[Change]:
    """Yield a change for each mutant of the contract, except an undocumented property, which is valid."""
    locate = _cached_locator(samples)
    for mutant in mutants(samples):
        # An undocumented property is valid: it is among the unusual responses.
        if mutant.keyword == UNDOCUMENTED:
            continue
        message = f"{mutant.keyword} broken: {mutant.how}"
        kind = f"{mutant.keyword} {mutant.how}"
        finding = _derived_finding(samples.operation.label, mutant.check, mutant.location, message, mutant.level, kind)
        location = mutant.location
        if mutant.missing:
            location = member_location(location, mutant.missing)
        yield _derived_change(samples, finding, "break", _violate_everywhere(samples, mutant, locate), location)


_Locate: TypeAlias = Callable[[bytes], dict[str, list[LocatedValue]]]


def _cached_locator(samples: Samples) -> _Locate:
    """Return a function that lists the values of a body by location; the last few bodies are cached."""

    @lru_cache(maxsize=8)
    def locate(body: bytes) -> dict[str, list[LocatedValue]]:
        """Return the values of an encoded body by location."""
        values_by_location: dict[str, list[LocatedValue]] = {}
        for located_value in located_values(samples.contract, samples.schema, json.loads(body)):
            values_by_location.setdefault(located_value.location, []).append(located_value)
        return values_by_location

    return locate


def _violate_everywhere(samples: Samples, mutant: Mutant, locate: _Locate) -> BodyTransform:
    """Return a transform that breaks one rule at every matching location; an invariant is broken once per body."""

    def break_invariant(body: Any) -> Any:
        """Return the body with the invariant broken; unchanged if it cannot be."""
        invariant = next(invariant for invariant in samples.invariants if invariant.name == mutant.check)
        return next((broken for how, broken in invariant.broken_copies(body) if how == mutant.how), body)

    def break_schema(body: Any) -> Any:
        """Return the body with the schema's rule broken at every matching location; unchanged if it stays valid."""
        changed_body = body
        for located_value in locate(encode(body)).get(mutant.location, ()):
            broken_values = dict(broken_at(located_value, mutant.keyword))
            if mutant.how in broken_values:
                changed_body = with_value(changed_body, located_value.path, broken_values[mutant.how])
        if accepts(samples.contract, samples.schema, changed_body):
            return body
        return changed_body

    if mutant.check == SCHEMA_CHECK:
        return break_schema
    return break_invariant


def _unusual_responses(samples: Samples) -> Iterator[Change]:
    """Yield changes of lists, optional properties, enum values and objects that keep the response valid."""

    def unusual(rule: str, location: str, message: str, transform: BodyTransform, kind: str = "") -> Change:
        """Return a change to an unusual response that keeps the body valid."""
        finding = _derived_finding(samples.operation.label, rule, location, message, "info", kind)
        return _derived_change(samples, finding, "extreme", _keep_valid(samples, transform), location)

    if samples.lists:
        list_location = samples.list_name
        yield unusual("empty-list", list_location, "the list is empty", lambda body: samples.with_items([]))
        message = f"the list has {_ADDITIONAL_ITEMS} more items"
        yield unusual("long-list", list_location, message, _add_items(samples))
        message = "the items are in reverse order"
        yield unusual("other-order", list_location, message, lambda body: _reversed_items(samples, body))
    first_values: dict[str, LocatedValue] = {}
    for body in samples.bodies():
        for located_value in located_values(samples.contract, samples.schema, body):
            first_values.setdefault(located_value.location, located_value)
    for location, located_value in first_values.items():
        if _is_optional(location, first_values):
            message = "the optional property is omitted"
            yield unusual("optional-left-out", location, message, _set_everywhere(location, REMOVED))
        for value in listed_values(located_value.schema) or ():
            message = f"the value is always {value!r}"
            yield unusual("enum-value-alone", location, message, _set_everywhere(location, value), repr(value))
        if isinstance(located_value.value, Mapping) and located_value.schema.get("properties"):
            new_location = member_location(location, _UNKNOWN_PROPERTY)
            transform = _set_everywhere(new_location, "a property that no contract documents")
            yield unusual("unknown-property", location, "the object has an additional property", transform)


def _is_optional(location: str, values: Mapping[str, LocatedValue]) -> bool:
    """Return whether a location is a member of an object that does not require it."""
    parent_location, step = split_location(location)
    parent = values.get(parent_location)
    if parent is None or step is None or step.kind != "member":
        return False
    return step.text not in parent.schema.get("required", ())


def _set_everywhere(location: str, value: Any) -> BodyTransform:
    """Return a transform that sets a value, or removes it, at every value of a location."""

    def apply(body: Any) -> Any:
        """Return the body with the value set."""
        return set_value(body, location, value)

    return apply


def _keep_valid(samples: Samples, transform: BodyTransform) -> BodyTransform:
    """Return `transform`; if a valid body becomes invalid, dependent properties are updated, or nothing is changed."""

    def is_valid(body: Any) -> bool:
        """Return whether a body conforms to the schema and the invariants."""
        if not accepts(samples.contract, samples.schema, body):
            return False
        return not any(any(invariant.check(body, {})) for invariant in samples.invariants)

    def apply(body: Any) -> Any:
        """Return the changed body if it is valid or the original is not, else with an update, else the original.

        The update is that of properties which depend on the changed ones.
        """
        changed_body = transform(body)
        if is_valid(changed_body) or not is_valid(body):
            return changed_body
        changed_body = _update_dependent_properties(samples, body, changed_body)
        if is_valid(changed_body):
            return changed_body
        return body

    return apply


def _update_dependent_properties(samples: Samples, before: Any, after: Any) -> Any:
    """Return `after` with the properties of its items updated that depend on a changed one, such as `type` on `kind`.

    Items after those of `before` are left as they are.
    """
    items = [*samples.items(after)]
    for index, (old, new) in enumerate(zip(samples.items(before), items, strict=False)):
        items[index] = _with_dependent_properties(samples, old, new)
    return _with_items(samples, after, items)


def _with_dependent_properties(samples: Samples, old: Any, new: Any) -> Any:
    """Return an item with the properties updated that depend on the changed ones."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    changed_members = {name: value for name, value in new.items() if old.get(name) != value}
    return samples.overridden(new, changed_members, conforming=False)


def _with_items(samples: Samples, body: Any, items: list[Any]) -> Any:
    """Return a body with other items in its list; unchanged if it has no list."""
    if samples.is_list:
        return items
    if samples.list_name:
        return {**body, samples.list_name: items}
    return body


def _reversed_items(samples: Samples, body: Any) -> Any:
    """Return a body with its items in reverse order."""
    return _with_items(samples, body, samples.items(body)[::-1])


def _add_items(samples: Samples) -> BodyTransform:
    """Return a transform that adds `_ADDITIONAL_ITEMS` generated items to a list, or as many as the contract allows."""

    def apply(body: Any) -> Any:
        """Return the body with generated items added."""
        items = samples.items(body)
        generated = samples.items(samples.generated(min(_ADDITIONAL_ITEMS, samples.most_items), 7))
        free = max(0, samples.most_items - len(items))
        changed_body = _with_items(samples, body, [*items, *generated[:free]])
        before = changed_body
        # Properties that repeat a value of the request, such as the space id, are those of the original items.
        for invariant in samples.invariants:
            if invariant.keyword != "equals":
                continue
            for _, value in list(invariant.selected_values(body))[:1]:
                changed_body = set_value(changed_body, invariant.location, value)
        return _update_dependent_properties(samples, before, changed_body)

    return apply


PROBES: tuple[Callable[[str], BodyTransform], ...] = (
    lambda location: _set_everywhere(location, REMOVED),
    lambda location: _set_everywhere(location, {"impact": []}),
    lambda location: _set_everywhere(location, -7.25),
)
"""Replacements of the value at a location, to learn whether a test depends on it at all."""
