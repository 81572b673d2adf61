"""What no schema can say of a body: `x-bctrl-invariants`, and how each is checked, repaired, settled and broken.

Each rule has `rule` (its id), `level`, `because`, and one of: `unique: PLACE`; `each: PLACE` with
`equals: path.NAME`, `same: [A, B]`, `times: [A, …]` or `ordered: [EARLIER, LATER]`. Values of other types than a rule
is about are passed over: they are the schema's to refuse.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from hashlib import blake2b
from operator import getitem
from typing import Any, ClassVar, TypeAlias

from pytest_bctrl.contract.iso_time import is_before, parse_time
from pytest_bctrl.contract.schema.locations import Path, exact_location, select_values

RuleViolation: TypeAlias = tuple[Path, Any, Any]
"""The path of what is wrong, what is expected there, and what was observed."""

Values: TypeAlias = Mapping[str, str]
"""The values of the request's path parameters, by name."""


class Invariant:
    """One rule, by one of its keywords; `of` reads those of an operation."""

    keyword: ClassVar[str]

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.said = said
        self.name = str(said.get("rule", ""))
        self.location = str(said.get("each", said.get("unique", "")))
        self.names: Sequence[str] = said[self.keyword] if isinstance(said[self.keyword], list) else ()

    @staticmethod
    def of(said: Mapping[str, Any]) -> list[Invariant]:
        """What an entry of `x-bctrl-invariants` says, by each of its keywords."""
        return [kind(said) for kind in _KINDS if kind.keyword in said]

    def places(self, body: Any) -> list[tuple[Path, Any]]:
        """The places of a body that the rule looks at, and what is there."""
        return list(select_values(body, self.location))

    def objects(self, body: Any) -> list[tuple[Path, dict[str, Any]]]:
        """Those of the places at which there is an object."""
        return [(path, value) for path, value in self.places(body) if isinstance(value, dict)]

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        """Yield each place that breaks the rule, in a body that answers a request with these values."""
        raise NotImplementedError  # pragma: no cover - each keyword has its own

    def repair(self, body: Any, values: Values, start: int) -> None:
        """Change a body in place until it keeps the rule; `start` numbers the items of earlier bodies.

        So their times and repeated identifiers differ from those of this one.
        """
        raise NotImplementedError  # pragma: no cover - each keyword has its own

    def propagate(self, item: dict[str, Any], given: Mapping[str, Any]) -> None:
        """Change in place what the rule ties to the values that an item was given."""

    def problem(self, broken: RuleViolation) -> str:
        """What `check` found, in words for who gave the values."""
        return f"{' and '.join(self.names) or exact_location(broken[0])}: {self.said.get('because', 'they are tied')}"

    def renumber(self, body: Any, start: int) -> None:
        """Give every place that has to differ another value, which `start` tells apart from those of other bodies."""

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        """Yield what was done, in words, and a copy of a body after it, which breaks the rule in its last place."""
        raise NotImplementedError  # pragma: no cover - each keyword has its own


class _Unique(Invariant):
    """No two places have the same text, whatever its case: a UUID has none (RFC 9562, 4)."""

    keyword = "unique"

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        seen: set[str] = set()
        for path, value in self.places(body):
            if isinstance(value, str):
                if value.lower() in seen:
                    yield path, "a value of its own", value
                seen.add(value.lower())

    def repair(self, body: Any, values: Values, start: int) -> None:
        seen: set[Any] = set()
        for index, (path, value) in enumerate(self._told_apart(body), start):
            made = value
            while _key(made) in seen:
                made = _between(seen) if isinstance(made, int) else _another(made, index)
                index += 1
            if made is not value:
                _put(body, path, made)
            seen.add(_key(made))

    def renumber(self, body: Any, start: int) -> None:
        for index, (path, value) in enumerate(self._told_apart(body), start):
            _put(body, path, _another(value, index))

    def _told_apart(self, body: Any) -> list[tuple[Path, Any]]:
        return [(path, value) for path, value in self.places(body) if isinstance(value, str | int)]

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        wrong = copy.deepcopy(body)
        places = self.places(wrong)
        if len(places) > 1:
            _put(wrong, places[-1][0], places[0][1])
            yield "the last is the first again", wrong


class _Equals(Invariant):
    """Each place has the value that stands in the request's path."""

    keyword = "equals"

    def __init__(self, said: Mapping[str, Any]) -> None:
        super().__init__(said)
        self.parameter = str(said["equals"]).removeprefix("path.")

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        wanted = values.get(self.parameter)
        for path, value in self.places(body):
            is_comparable = isinstance(value, str | int) and not isinstance(value, bool)
            if wanted is not None and is_comparable and str(value).lower() != wanted.lower():
                yield path, wanted, value

    def repair(self, body: Any, values: Values, start: int) -> None:
        text = values.get(self.parameter)
        if text is None:
            return
        for path, value in self.places(body):
            is_number = isinstance(value, int) and not isinstance(value, bool)
            _put(body, path, int(text) if is_number and re.fullmatch(r"-?\d+", text) else text)

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        wrong = copy.deepcopy(body)
        for path, _ in self.places(wrong)[-1:]:
            _put(wrong, path, "00000000-0000-4000-8000-00000000dead")
            yield "the last is another's", wrong


class _Same(Invariant):
    """Two members of each object are the same."""

    keyword = "same"

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        one, other = self.names
        for path, value in self.objects(body):
            if one in value and other in value and value[one] != value[other]:
                yield (*path, one), value[other], value[one]

    def repair(self, body: Any, values: Values, start: int) -> None:
        first, second = self.names
        for _, item in self.objects(body):
            if first in item and second in item:
                item[second] = item[first]

    def propagate(self, item: dict[str, Any], given: Mapping[str, Any]) -> None:
        for name in [name for name in self.names if name in given][:1]:
            item.update({other: given[name] for other in self.names if other not in given})

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        first, second = self.names
        wrong = copy.deepcopy(body)
        items = [item for _, item in self.objects(wrong) if first in item and second in item]
        others = [item[second] for item in items if item[second] != items[-1][first]]
        if others:
            items[-1][second] = others[0]
            yield f"{second} is not {first}", wrong


class _Times(Invariant):
    """Members of each object that are texts are ISO 8601 times with a zone."""

    keyword = "times"

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        for path, value in self.objects(body):
            for name in self.names:
                text = value.get(name)
                moment = _parsed(text)
                if isinstance(text, str) and (moment is None or moment.tzinfo is None):
                    zoned = " with its zone" if moment else ""
                    yield (*path, name), f"an ISO 8601 time{zoned}, such as 2026-03-01T08:00:00Z", text

    def problem(self, broken: RuleViolation) -> str:
        return f"{broken[0][-1]}: {broken[2]!r} is not an ISO 8601 time with a zone"

    def repair(self, body: Any, values: Values, start: int) -> None:
        for index, (_, item) in enumerate(self.objects(body)):
            for offset, name in enumerate(self.names):
                if isinstance(item.get(name), str):
                    # Every third item was never changed: equal times are as much a part of the contract as later ones.
                    item[name] = example_time(17 * (start + index) + (offset * (index % 3)))

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        for name in self.names:
            wrong = copy.deepcopy(body)
            for _, item in [one for one in self.objects(wrong) if isinstance(one[1].get(name), str)][-1:]:
                item[name] = "yesterday at noon"
                yield f"{name} is not a time", wrong


class _Ordered(Invariant):
    """One time of each object is not after another: where one alone has an offset, it is not surely so."""

    keyword = "ordered"

    def check(self, body: Any, values: Values) -> Iterator[RuleViolation]:
        earlier, later = self.names
        for path, value in self.objects(body):
            first, second = value.get(earlier), value.get(later)
            if isinstance(first, str) and isinstance(second, str) and is_before(second, first):
                yield (*path, later), f"not before {earlier}, {first}", second

    def repair(self, body: Any, values: Values, start: int) -> None:
        earlier, later = self.names
        for path, _, _ in list(self.check(body, values)):
            item = reduce(getitem, path[:-1], body)
            item[earlier], item[later] = item[later], item[earlier]

    def propagate(self, item: dict[str, Any], given: Mapping[str, Any]) -> None:
        earlier, later = self.names
        for name, other in ((earlier, later), (later, earlier)):
            free, fixed = _parsed(item.get(name)), _parsed(item.get(other))
            if name not in given and other in given and free is not None and fixed is not None:
                # Without an offset on one side there is no telling, and an order that shows is better than none.
                is_told = bool(free.tzinfo) == bool(fixed.tzinfo)
                if not is_told or is_before(item[later], item[earlier]):
                    item[name] = item[other]

    def broken_copies(self, body: Any) -> Iterator[tuple[str, Any]]:
        first, last = self.names
        wrong = copy.deepcopy(body)
        for _, item in self.objects(wrong)[-1:]:
            item[first], item[last] = "2026-03-02T10:00:00.000Z", "2026-03-02T09:59:59.000Z"
            yield f"{last} is before {first}", wrong


def _parsed(value: object) -> datetime | None:
    """The moment that a value names, where it is a text that names one."""
    return parse_time(value) if isinstance(value, str) else None


_KINDS: tuple[type[Invariant], ...] = (_Unique, _Equals, _Same, _Times, _Ordered)
_EPOCH = datetime(2026, 1, 5, 9, tzinfo=UTC)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def example_time(minutes: int) -> str:
    """Return a time as the API writes it: ISO 8601, UTC, milliseconds, `Z`; `minutes` after a fixed beginning."""
    return (_EPOCH + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_uuid(digits: str) -> str:
    """Return 32 hex digits as a UUID of version 4 (RFC 9562, 5.4); six bits give way to version and variant."""
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _put(body: Any, path: Path, value: Any) -> None:
    if path:
        reduce(getitem, path[:-1], body)[path[-1]] = value


def _key(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _between(seen: set[Any]) -> int:
    """A whole number that is not among those seen: between them, where limits that held hold on, or else after them."""
    numbers = [one for one in seen if isinstance(one, int)]
    return next(one for one in range(min(numbers), max(numbers) + 2) if one not in seen)


def _another(value: Any, index: int) -> Any:
    if isinstance(value, str) and _UUID.fullmatch(value):
        return as_uuid(blake2b(f"{value}:{index}".encode(), digest_size=16).hexdigest())
    if isinstance(value, int):
        return value + index
    # Of the same length, and digits for digits, so that limits and patterns that held hold on.
    digits = re.search(r"\d{3,}$", value)
    if digits:
        width = len(digits[0])
        return f"{value[:-width]}{(int(digits[0]) + index) % 10**width:0{width}}"
    end = f"-{index}"
    return value[: -len(end)] + end if len(value) > len(end) else value + end
