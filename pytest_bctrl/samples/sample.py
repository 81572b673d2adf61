"""Complete bodies: the sample that covers every part of the contract, and generated bodies."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from itertools import cycle, islice
from typing import Any

from pytest_bctrl.contract.engine import accepts, iter_errors, schema_pointer
from pytest_bctrl.contract.model import Contract, Operation, Schema
from pytest_bctrl.contract.paging import Paging
from pytest_bctrl.contract.paging_read import list_member, list_schema, read_paging
from pytest_bctrl.contract.schema.invariant import Invariant
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.errors import DocumentError, SettingError
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.examples import body_examples
from pytest_bctrl.samples.inputs import existing_path_values
from pytest_bctrl.samples.paged import as_last_page
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.samples.text import RoundRobin

_MIN_ITEMS, _MAX_ITEMS = 2, 48
_SAMPLE_SEED = 1


class Samples:
    """Bodies of one operation's success response, whose `status`, `media_type` and `schema` the contract documents.

    `list_name` is the member that contains the list (`runtimes`), empty if no member of the body does; `is_list` is
    whether the body itself is a list. Raises `DocumentError` if the contract documents no JSON response.
    """

    def __init__(self, contract: Contract, operation: Operation) -> None:
        self.contract = contract
        self.operation = operation
        success = operation.success
        if success is None or success.json is None:
            raise DocumentError(
                "it documents no successful JSON response",
                where=f"{contract.name}: {operation.label}",
                hint="document a 200 with content application/json",
            )
        self.spec = success
        self.status, (self.media_type, self.schema) = success.code, success.json
        self.paging = read_paging(contract, operation)
        listed = list_member(contract, operation)
        self.is_list, self.list_name = listed == "", listed or ""
        self._locations: dict[str, Any] = {}

    @cached_property
    def invariants(self) -> list[Invariant]:
        """The rules of the operation's bodies that no schema can express, one per keyword."""
        return [rule for entry in self.operation.invariants for rule in Invariant.of(entry)]

    def parameters(self, space_id: str) -> dict[str, str]:
        """Return the values of the path parameters that have one, by name, with `space_id` as that of the space."""
        values = {}
        for parameter in self.operation.path_parameters:
            candidates = existing_path_values(self.contract, parameter, {"space_id": space_id})
            if len(self.operation.path_parameters) == 1:
                candidates = candidates or [space_id]
            if candidates:
                values[parameter.name] = candidates[0]
        return values

    def sample(self, space_id: str = SPACE_ID) -> Any:
        """Return a short body that covers every alternative inside the list: enum, branch, null, absent, empty."""
        return self._repaired(copy.deepcopy(self._sample_body), space_id, 0)

    @cached_property
    def _sample_body(self) -> Any:
        """The sample of any space, which takes ten times as long to build as to copy."""
        return self._covering_body(RoundRobin(_SAMPLE_SEED))

    def exemplary(self, space_id: str = SPACE_ID) -> Any:
        """Return the first documented example that conforms, else a sample, whose space id is `space_id`.

        The sample has every optional property and the examples of its parts, unless these do not fit together.
        """
        for body in self.examples.values():
            return self.set_space_id(copy.deepcopy(body), space_id)
        try:
            return self._repaired(copy.deepcopy(self._exemplary_body), space_id, 0)
        except DocumentError:
            # The examples of the parts do not fit together.
            pass
        try:
            return self.sample(space_id)
        except DocumentError:
            return self.sample_with_optionals(space_id, optional=False)

    @cached_property
    def _exemplary_body(self) -> Any:
        """The sample of any space with the examples of its parts and every optional property."""
        choice = RoundRobin(_SAMPLE_SEED, optional=True)
        # The items are as many as if properties were omitted, too.
        fewest = _MIN_ITEMS
        with suppress(DocumentError):
            fewest = len(self.items(self._sample_body))
        builder = Builder(self.contract, choice, self._locations, prefers_examples=True)
        return self._covering_body(choice, builder, fewest)

    @cached_property
    def examples(self) -> dict[str, Any]:
        """The documented examples of the body that conform, by name."""
        examples = body_examples(self.contract, self.spec, self.media_type, self.schema)
        return {name: value for name, value in examples.items() if self._is_conforming(value)}

    def _is_conforming(self, body: Any) -> bool:
        """Return whether a body conforms to the schema and to the invariants that do not depend on the request."""
        rules = [rule for rule in self.invariants if rule.keyword != "equals"]
        return accepts(self.contract, self.schema, body) and not any(any(rule.check(body, {})) for rule in rules)

    def sample_with_optionals(self, space_id: str = SPACE_ID, *, optional: bool) -> Any:
        """Return the sample with every optional property, or with none."""
        body = self._covering_body(RoundRobin(_SAMPLE_SEED, optional=optional))
        return self._repaired(body, space_id, 0)

    def _covering_body(self, choice: RoundRobin, builder: Builder | None = None, fewest: int = _MIN_ITEMS) -> Any:
        """Return a body with at least `fewest` items, and until each alternative is used; no invariants are applied.

        It has no items if it has no list.
        """
        builder = builder or Builder(self.contract, choice, self._locations)
        if not self.lists:
            return builder.value(self.schema)
        max_items = min(_MAX_ITEMS, self.most_items)
        shortest = self.fewest_items
        if shortest <= _MAX_ITEMS:
            # A longer list is left to the builder, which limits the number of values.
            builder.set_lengths({self.list_name: min(max(1, shortest), self.most_items)})
        body = builder.value(self.schema)
        items = body if self.is_list else body.setdefault(self.list_name, [])
        if builder.has_used_example(self.list_name):
            # The example of the list is the whole list.
            return body
        # The loop counts attempts and not items, because an optional list adds no item in some attempts, or in all.
        for _ in range(_MAX_ITEMS):
            if len(items) >= min(fewest, max_items) and (len(items) >= max_items or not choice.has_pending()):
                break
            previous_length, was_accepted = len(items), accepts(self.contract, self.schema, body)
            items += self.items(builder.value(self.schema))[: max_items - len(items)]
            if was_accepted and not accepts(self.contract, self.schema, body):
                # For example, the new item repeats a value of a list whose items are unique.
                del items[previous_length:]
        return body

    @property
    def lists(self) -> bool:
        """Whether the body contains a list, or is one."""
        return self.is_list or bool(self.list_name)

    def bodies(self, space_id: str = SPACE_ID) -> list[Any]:
        """Return bodies that together cover every alternative: the sample alone, if it contains a list."""
        if self.lists:
            return [self.sample(space_id)]
        choice = RoundRobin(_SAMPLE_SEED)
        builder = Builder(self.contract, choice, self._locations)
        samples: list[Any] = []
        while not samples or (choice.has_pending() and len(samples) < _MAX_ITEMS):
            samples.append(self._repaired(builder.value(self.schema), space_id, len(samples)))
        return samples

    def generated(self, count: int, seed: int = 0, space_id: str = SPACE_ID) -> Any:
        """Return a body, with `count` items if it has a list; the same one for the same seed and count."""
        return self.run(seed, 1, count, space_id)[0]

    def run(self, seed: int, bodies: int, count: int | None = None, space_id: str = SPACE_ID) -> list[Any]:
        """Return the first `bodies` bodies of a seeded series; a list has `count` items, or lengths that vary.

        The series uses each alternative before it repeats one.
        """
        choice = RoundRobin(seed)
        lengths = list(islice(cycle(_LENGTHS), bodies))
        if count is not None:
            lengths = [count] * bodies
        builder = Builder(self.contract, choice, self._locations)
        generated = []
        for index, length in enumerate(lengths):
            requested = {self.list_name: length} if self.lists else {}
            builder.set_lengths(requested, includes_optional=count is not None)
            generated.append(self._repaired(builder.value(self.schema), space_id, sum(lengths[:index])))
        return generated

    def item(self, space_id: str = SPACE_ID, seed: int = 1) -> Any:
        """Return one generated item of the list; raises `SettingError` if the list cannot have items."""
        items = self.items(self.generated(1, seed, space_id))
        if not items:
            raise SettingError("its list cannot have items", where=self.operation.label, hint="give a complete body")
        return items[0]

    def items(self, body: Any) -> list[Any]:
        """Return the items of the list in `body`, or no items if it has no list."""
        if self.is_list and isinstance(body, list):
            return list(body)
        if not self.is_list and isinstance(body, Mapping):
            return list(body.get(self.list_name, []))
        return []

    def with_items(self, items: list[Any]) -> Any:
        """Return a body with `items` as its list; raises `SettingError` if the operation has no list."""
        if self.is_list:
            return list(items)
        if not self.list_name:
            raise SettingError(
                "its response has no list", where=self.operation.label, hint="give a complete body as a JSON file"
            )
        return {**self.generated(0, _SAMPLE_SEED), self.list_name: items}

    @property
    def item_schema(self) -> Schema:
        """The schema of one item of the list; raises `SettingError` if the operation has no list."""
        listed = self._list_schema
        if listed is None:
            raise SettingError("its response has no list", where=self.operation.label, hint="give a complete body")
        schema: Schema = listed.get("items", True)
        return schema

    @property
    def most_items(self) -> int:
        """The maximum number of items that the contract allows, or the largest integer."""
        return int((self._list_schema or {}).get("maxItems", sys.maxsize))

    @property
    def fewest_items(self) -> int:
        """The minimum number of items that the contract requires."""
        return int((self._list_schema or {}).get("minItems", 0))

    @property
    def _list_schema(self) -> Mapping[str, Any] | None:
        """The schema of the list; None if the body has no list."""
        return list_schema(self.contract, self.operation, self.list_name)

    def overridden(self, item: Any, overrides: Mapping[str, Any], *, conforming: bool) -> Any:
        """Return an item with values replaced; with `conforming`, raises `SettingError` if it breaks the contract.

        Values that depend on them by an invariant are adjusted (`kind` with `type`).
        """
        if not overrides:
            return item
        changed = {**item, **overrides}
        for rule in self.invariants:
            rule.propagate(changed, overrides)
        if conforming:
            self.require_valid_item(changed, f"runtime({', '.join(f'{name}=…' for name in overrides)})")
        return changed

    def require_valid_item(self, item: Any, where: str) -> None:
        """Raise `SettingError`, naming `where`, for an item that breaks the contract."""
        if problems := list(self._item_problems(item)):
            raise SettingError(
                "; ".join(problems), where=where, hint="give a value that the contract allows, or pass conforming=False"
            )

    def require_unique_items(self, items: list[Any], where: str) -> None:
        """Raise `SettingError`, naming `where`, if a unique property has equal values, ignoring case, in two items."""
        body = self.with_items(items)
        for rule in self.invariants:
            if rule.keyword != "unique":
                continue
            for path, _, value in rule.check(body, {}):
                selected = rule.selected_values(body)
                first = next(earlier for earlier, repeated in selected if str(repeated).lower() == value.lower())
                numbers = " and ".join(str(step) for step in (*first, *path) if isinstance(step, int))
                raise SettingError(
                    f"items {numbers} have the same {path[-1]}",
                    where=where,
                    hint=f"give each its own: runtimes({len(items)}), or pass conforming=False",
                )

    def _item_problems(self, item: Any) -> Iterator[str]:
        """Yield what is wrong with an item: schema errors, undocumented properties, and broken invariants."""
        if isinstance(item, Mapping):
            item = dict(item)
        for error in iter_errors(self.contract, self.item_schema, item):
            message = error.message
            if len(message) > 2 * LENGTH:
                message = f"{message[:LENGTH]}…{message[-LENGTH:]}"
            yield f"{'.'.join(map(str, error.path)) or 'the runtime'}: {message}"
        if self._documented and isinstance(item, dict):
            for name in item:
                if name not in self._documented:
                    yield f"{name}: the contract does not document this property"
        body = self.with_items([item])
        for rule in self.invariants:
            yield from (rule.problem(broken) for broken in rule.check(body, {}))

    @cached_property
    def _documented(self) -> frozenset[str]:
        """The names of the documented properties of an item."""
        return frozenset(flatten(self.contract, self.item_schema).get("properties", {}))

    def _repaired(self, body: Any, space_id: str, start: int) -> Any:
        """Repair a body, partly in place, and return it; raises `DocumentError` if it is invalid then."""
        for rule in self.invariants:
            rule.repair(body, {}, start)
        if self.paging is not None:
            body = self._as_one_page(self.paging, body, start)
        if not accepts(self.contract, self.schema, body):
            where = f"{self.contract.name}: #{schema_pointer(self.contract, self.schema)}"
            if not self.invariants:
                hint = "make its keywords agree, or add 'examples' to the schema"
                raise DocumentError("found no value that the schema allows", where=where, hint=hint)
            raise DocumentError(
                "no sample conforms to both the schema and x-bctrl-invariants",
                where=where,
                hint="make them agree, or leave the rule out",
            )
        # Values that depend on the request are set last, because any space id can be requested.
        return self.set_space_id(body, space_id)

    def _as_one_page(self, paging: Paging, body: Any, start: int) -> Any:
        """Return the body as a single page, with unique item ids if the schema allows them."""
        page = copy.deepcopy(body)
        for rule in self._identities:
            rule.repair(page, {}, start)
        if not accepts(self.contract, self.schema, page):
            page = body
        return as_last_page(self, paging, page, dict)

    @cached_property
    def _identities(self) -> list[Invariant]:
        """The invariant that the ids of the items differ, if the pages of the list depend on it."""
        if self.paging is None or not self.paging.identity:
            return []
        return Invariant.of({"unique": f"{self.list_name}[*].{self.paging.identity}"})

    def repair(self, body: Any, space_id: str, start: int = 0) -> Any:
        """Change `body` in place so that it satisfies the invariants, and return it; `start` items precede it."""
        for rule in self.invariants:
            rule.repair(body, self.parameters(space_id), start)
        return body

    def renewed(self, body: Any, space_id: str, start: int) -> Any:
        """Replace ids and times of copied items in place, so that they differ from earlier ones; return the body."""
        for rule in (*self.invariants, *self._identities):
            rule.renumber(body, start)
        return self.repair(body, space_id, start)

    def set_space_id(self, body: Any, space_id: str) -> Any:
        """Set the space id wherever `body` repeats it, in place, and return the body."""
        for rule in self.invariants:
            if rule.keyword == "equals":
                rule.repair(body, self.parameters(space_id), 0)
        return body


LENGTH = 60
"""Maximum number of characters shown of a rejected value."""

_LENGTHS = (5, 0, 3, 8, 1, 4, 2, 6, 0, 7, 3, 5)
