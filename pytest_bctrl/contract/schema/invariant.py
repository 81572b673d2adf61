"""Rules for bodies that no schema can express (`x-bctrl-invariants`): checks them, and repairs and breaks bodies.

Each rule has `rule` (its id), `level`, `because`, and one of: `unique: LOCATION`; `each: LOCATION` with
`equals: path.NAME`, `same: [A, B]`, `times: [A, …]` or `ordered: [EARLIER, LATER]`. A rule ignores values of other
types, which the schema rejects.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import getitem
from typing import Any, ClassVar, TypeAlias

from pytest_bctrl.contract.iso_time import is_before, parse_time
from pytest_bctrl.contract.schema.locations import Path, exact_location, select_values

RuleViolation: TypeAlias = tuple[Path, Any, Any]
"""The path of a value that violates a rule, the expected value, and the observed one."""

Values: TypeAlias = Mapping[str, str]
"""The values of the request's path parameters, by name."""


class Invariant:
    """A rule of one keyword; `of` returns the rules of an entry of `x-bctrl-invariants`."""

    keyword: ClassVar[str]

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.entry = entry
        self.name = str(entry.get("rule", ""))
        self.location = str(entry.get("each", entry.get("unique", "")))
        self.names: Sequence[str] = entry[self.keyword] if isinstance(entry[self.keyword], list) else ()

    @staticmethod
    def of(entry: Mapping[str, Any]) -> list[Invariant]:
        """Return the rules of an entry of `x-bctrl-invariants`, one per keyword."""
        return [kind(entry) for kind in _KINDS if kind.keyword in entry]

    def selected_values(self, body: Any) -> list[tuple[Path, Any]]:
        """Return path and value of every value of a body that the rule applies to."""
        return list(select_values(body, self.location))

    def objects_to_check(self, body: Any) -> list[tuple[Path, dict[str, Any]]]:
        """Return path and value of every object that the rule applies to."""
        return [(path, value) for path, value in self.selected_values(body) if isinstance(value, dict)]

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        """Yield the violations of the rule in a response body; `values` are the path values of the request."""
        raise NotImplementedError  # pragma: no cover - each keyword has its own

    def repair(self, body: Any, values: Values, start: int) -> None:
        """Change a body in place so that it satisfies the rule; `values` are the path values of the request.

        `start` is the number of items in earlier bodies, whose times and identifiers must differ from this body's.
        """
        raise NotImplementedError  # pragma: no cover - each keyword has its own

    def propagate(self, item: dict[str, Any], overrides: Mapping[str, Any]) -> None:
        """Change an item in place so that other members satisfy the rule with the overridden ones."""

    def problem(self, violation: RuleViolation) -> str:
        """Return a description of a violation for the user whose values cause it."""
        location = " and ".join(self.names) or exact_location(violation[0])
        return f"{location}: {self.entry.get('because', 'they are tied')}"

    def renumber(self, body: Any, start: int) -> None:
        """Replace the values that must be unique so that they differ from those of bodies with another `start`."""

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        """Yield descriptions of changes with a changed copy of the body, which violates the rule in its last value."""
        raise NotImplementedError  # pragma: no cover - each keyword has its own


class _Unique(Invariant):
    """No two values are the same string, ignoring case, since a UUID has no case (RFC 9562, 4)."""

    keyword = "unique"

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        """Yield a violation for each string that repeats an earlier one."""
        seen: set[str] = set()
        for path, value in self.selected_values(body):
            if isinstance(value, str):
                if value.lower() in seen:
                    yield path, "a value of its own", value
                seen.add(value.lower())

    def repair(self, body: Any, values: Values, start: int) -> None:
        """Replace repeated values in place by unused ones."""
        seen: set[Any] = set()
        for index, (path, value) in enumerate(self._identifiers(body), start):
            unique = value
            while _comparison_key(unique) in seen:
                unique = _unused_number(seen) if isinstance(unique, int) else _variant(unique, index)
                index += 1
            if unique is not value:
                _set_at(body, path, unique)
            seen.add(_comparison_key(unique))

    def renumber(self, body: Any, start: int) -> None:
        """Replace all values in place by variants that depend on `start`."""
        for index, (path, value) in enumerate(self._identifiers(body), start):
            _set_at(body, path, _variant(value, index))

    def _identifiers(self, body: Any) -> list[tuple[Path, Any]]:
        """Return path and value of the strings and integers that must be unique."""
        return [(path, value) for path, value in self.selected_values(body) if isinstance(value, str | int)]

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        """Yield a copy whose last value repeats the first, if there are two values."""
        broken = copy.deepcopy(body)
        places = self.selected_values(broken)
        if len(places) > 1:
            _set_at(broken, places[-1][0], places[0][1])
            yield "the last is the first again", broken


class _Equals(Invariant):
    """Each value is that of a path parameter of the request."""

    keyword = "equals"

    def __init__(self, entry: Mapping[str, Any]) -> None:
        super().__init__(entry)
        self.parameter = str(entry["equals"]).removeprefix("path.")

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        """Yield a violation for each value that differs from the path parameter of the request."""
        expected = values.get(self.parameter)
        for path, value in self.selected_values(body):
            is_comparable = isinstance(value, str | int) and not isinstance(value, bool)
            if expected is not None and is_comparable and str(value).lower() != expected.lower():
                yield path, expected, value

    def repair(self, body: Any, values: Values, start: int) -> None:
        """Set all values in place to that of the path parameter; does nothing if `values` lacks it."""
        text = values.get(self.parameter)
        if text is None:
            return
        for path, value in self.selected_values(body):
            is_number = isinstance(value, int) and not isinstance(value, bool)
            is_integer = is_number and re.fullmatch(r"-?\d+", text)
            _set_at(body, path, int(text) if is_integer else text)

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        """Yield a copy whose last value is a different id."""
        broken = copy.deepcopy(body)
        for path, _ in self.selected_values(broken)[-1:]:
            _set_at(broken, path, "00000000-0000-4000-8000-00000000dead")
            yield "the last is another's", broken


class _Same(Invariant):
    """Two members of each object are the same."""

    keyword = "same"

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        """Yield a violation for each object whose two members differ."""
        first, second = self.names
        for path, value in self.objects_to_check(body):
            if first in value and second in value and value[first] != value[second]:
                yield (*path, first), value[second], value[first]

    def repair(self, body: Any, values: Values, start: int) -> None:
        """Set the second member of each object in place to the first."""
        first, second = self.names
        for _, item in self.objects_to_check(body):
            if first in item and second in item:
                item[second] = item[first]

    def propagate(self, item: dict[str, Any], overrides: Mapping[str, Any]) -> None:
        """Set the member that is not overridden to the overridden one."""
        values = [overrides[name] for name in self.names if name in overrides]
        if values:
            item.update({name: values[0] for name in self.names if name not in overrides})

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        """Yield a copy whose last object has two different members."""
        first, second = self.names
        broken = copy.deepcopy(body)
        items = [item for _, item in self.objects_to_check(broken) if first in item and second in item]
        others = [item[second] for item in items if item[second] != items[-1][first]]
        if others:
            items[-1][second] = others[0]
            yield f"{second} is not {first}", broken


class _Times(Invariant):
    """String members of each object are ISO 8601 times with a zone."""

    keyword = "times"

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        """Yield a violation for each string that is not an ISO 8601 time with a zone."""
        for path, value in self.objects_to_check(body):
            for name in self.names:
                text = value.get(name)
                moment = _parsed_time(text)
                if isinstance(text, str) and (moment is None or moment.tzinfo is None):
                    missing = " with its zone" if moment else " in the extended format"
                    yield (*path, name), f"an ISO 8601 time{missing}, such as 2026-03-01T08:00:00Z", text

    def problem(self, violation: RuleViolation) -> str:
        """Return a description of a violation that shows the invalid time."""
        return f"{violation[0][-1]}: {violation[2]!r} is not an ISO 8601 time with a zone"

    def repair(self, body: Any, values: Values, start: int) -> None:
        """Replace all times in place by generated ones, those of an object in order or equal."""
        for index, (_, item) in enumerate(self.objects_to_check(body)):
            for offset, name in enumerate(self.names):
                if isinstance(item.get(name), str):
                    # Every third item has equal times, as if it was never changed, because the contract allows both.
                    item[name] = example_time(17 * (start + index) + (offset * (index % 3)))

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        """Yield copies whose last object has a member that is not a time."""
        for name in self.names:
            broken = copy.deepcopy(body)
            items = [item for _, item in self.objects_to_check(broken) if isinstance(item.get(name), str)]
            if items:
                items[-1][name] = "yesterday at noon"
                yield f"{name} is not a time", broken


class _Ordered(Invariant):
    """The first time of each object is not after the second. With one offset, only a certain error counts."""

    keyword = "ordered"

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        """Yield a violation for each object whose second time is certainly before the first."""
        earlier, later = self.names
        for path, value in self.objects_to_check(body):
            first, second = value.get(earlier), value.get(later)
            if isinstance(first, str) and isinstance(second, str) and is_before(second, first):
                yield (*path, later), f"not before {earlier}, {first}", second

    def repair(self, body: Any, values: Values, start: int) -> None:
        """Swap the two times of each violating object in place."""
        earlier, later = self.names
        for path, _, _ in list(self.check(body, values)):
            item = reduce(getitem, path[:-1], body)
            item[earlier], item[later] = item[later], item[earlier]

    def propagate(self, item: dict[str, Any], overrides: Mapping[str, Any]) -> None:
        """Set the time that is not overridden to the overridden one unless they are certainly in order."""
        earlier, later = self.names
        for free_name, fixed_name in ((earlier, later), (later, earlier)):
            if free_name in overrides or fixed_name not in overrides:
                continue
            free, fixed = _parsed_time(item.get(free_name)), _parsed_time(item.get(fixed_name))
            if free is None or fixed is None:
                continue
            # If only one time has an offset, their order is unknown, and equal times certainly satisfy the rule.
            is_comparable = bool(free.tzinfo) == bool(fixed.tzinfo)
            if not is_comparable or is_before(item[later], item[earlier]):
                item[free_name] = item[fixed_name]

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        """Yield a copy whose last object has its times in the wrong order."""
        first, last = self.names
        broken = copy.deepcopy(body)
        for _, item in self.objects_to_check(broken)[-1:]:
            item[first], item[last] = "2026-03-02T10:00:00.000Z", "2026-03-02T09:59:59.000Z"
            yield f"{last} is before {first}", broken


def _parsed_time(value: object) -> datetime | None:
    """Return the moment that a value represents, or None if it is not a time."""
    if isinstance(value, str):
        return parse_time(value)
    return None


_KINDS: tuple[type[Invariant], ...] = (_Unique, _Equals, _Same, _Times, _Ordered)
_EPOCH = datetime(2026, 1, 5, 9, tzinfo=UTC)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def example_time(minutes: int) -> str:
    """Return a time as the API writes it (ISO 8601, UTC, milliseconds, `Z`), `minutes` after a fixed time."""
    return (_EPOCH + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_uuid(digits: str) -> str:
    """Return 32 hex digits as a UUID of version 4 (RFC 9562, 5.4); six bits are replaced by version and variant."""
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _set_at(body: Any, path: Path, value: Any) -> None:
    """Set the value at a path in a body in place; does nothing for the body itself."""
    if path:
        reduce(getitem, path[:-1], body)[path[-1]] = value


def _comparison_key(value: Any) -> Any:
    """Return a value for comparison: a string in lower case."""
    if isinstance(value, str):
        return value.lower()
    return value


def _unused_number(seen: set[Any]) -> int:
    """Return an unused integer: one between the used ones, which satisfies their limits, else the next after them."""
    numbers = [value for value in seen if isinstance(value, int)]
    return next(number for number in range(min(numbers), max(numbers) + 2) if number not in seen)


def _variant(value: Any, index: int) -> Any:
    """Return a value in the form of `value`, another for each index as far as its length and digits allow."""
    if isinstance(value, str) and _UUID.fullmatch(value):
        from hashlib import blake2b

        return as_uuid(blake2b(f"{value}:{index}".encode(), digest_size=16).hexdigest())
    if isinstance(value, int):
        return value + index
    # The length and the digits stay, so that the value still satisfies limits and patterns.
    digits = re.search(r"\d{3,}$", value)
    if digits:
        width = len(digits[0])
        return f"{value[:-width]}{(int(digits[0]) + index) % 10**width:0{width}}"
    suffix = f"-{index}"
    if len(value) <= len(suffix):
        return value + suffix
    return value[: -len(suffix)] + suffix
