"""Whole bodies: the sample that visits every part of the contract, and generated ones."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from pytest_bctrl.contract.engine import accepts, iter_errors, schema_pointer
from pytest_bctrl.contract.model import Contract, Operation, Schema
from pytest_bctrl.contract.paging import Paging
from pytest_bctrl.contract.paging_read import list_member, list_schema, read_paging
from pytest_bctrl.contract.schema.invariant import Invariant
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.errors import DocumentError, SettingError
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.inputs import known_values
from pytest_bctrl.samples.paged import ended
from pytest_bctrl.samples.text import RoundRobin

SPACE_ID = "5b1e0c8e-0000-4000-8000-00000000bc71"
"""The space of samples and of the mock, where nobody names another: a valid UUID that no real space has."""

_LEAST, _MOST = 2, 48
_SAMPLE_SEED = 1


class Samples:
    """Bodies of one operation's successful answer, whose `status`, `media_type` and `schema` the contract gives.

    Raises `DocumentError` where the contract documents none in JSON.
    `list_name` is where the body holds its list (`runtimes`), empty where it holds none at its top; `is_list` says
    that the body is one itself.
    """

    def __init__(self, contract: Contract, operation: Operation) -> None:
        self.contract = contract
        self.operation = operation
        success = operation.success
        if success is None or success.json is None:
            raise DocumentError(
                "it documents no successful JSON answer",
                where=f"{contract.name}: {operation.label}",
                hint="document a 200 with content application/json",
            )
        self.status, (self.media_type, self.schema) = success.code, success.json
        self.paging = read_paging(contract, operation)
        listed = list_member(contract, operation)
        self.is_list, self.list_name = listed == "", listed or ""
        self._places: dict[str, Any] = {}

    @cached_property
    def invariants(self) -> list[Invariant]:
        """The rules of the operation, by each of their keywords."""
        return [rule for said in self.operation.invariants for rule in Invariant.of(said)]

    def parameters(self, space_id: str) -> dict[str, str]:
        """Return the values of the request's path parameters by name; the space id is the one from a setting."""
        made = {}
        for parameter in self.operation.path_parameters:
            known = known_values(self.contract, parameter, {"space_id": space_id})
            if known or len(self.operation.path_parameters) == 1:
                made[parameter.name] = known[0] if known else space_id
        return made

    def sample(self, space_id: str = SPACE_ID) -> Any:
        """Return a short body that visits every alternative inside the list: enum, branch, null, absent, empty."""
        return self._visiting_all(RoundRobin(_SAMPLE_SEED), space_id)

    def outlined(self, space_id: str = SPACE_ID, *, optional: bool) -> Any:
        """Return the sample with every optional property, or with none."""
        return self._visiting_all(RoundRobin(_SAMPLE_SEED, optional=optional), space_id)

    def _visiting_all(self, choice: RoundRobin, space_id: str) -> Any:
        builder = Builder(self.contract, choice, self._places)
        if not self.lists:
            return self._keeping_rules(builder.value(self.schema), space_id, 0)
        most = min(_MOST, self.most_items)
        builder.set_lengths({self.list_name: min(1, most)})
        body = builder.value(self.schema)
        items = body if self.is_list else body.setdefault(self.list_name, [])
        # Counted by turns and not by items: a list that may be left out gives none at some turns, or at all.
        for _ in range(_MOST):
            if len(items) >= min(_LEAST, most) and (len(items) >= most or not choice.pending()):
                break
            kept = len(items) if accepts(self.contract, self.schema, body) else None
            items += self.items(builder.value(self.schema))[: most - len(items)]
            if kept is not None and not accepts(self.contract, self.schema, body):
                # Such as a value that a list of different ones has already.
                del items[kept:]
        return self._keeping_rules(body, space_id, 0)

    @property
    def lists(self) -> bool:
        """Whether the body holds a list, or is one."""
        return self.is_list or bool(self.list_name)

    def bodies(self, space_id: str = SPACE_ID) -> list[Any]:
        """Return bodies that together visit every alternative: the sample alone, where it holds a list."""
        if self.lists:
            return [self.sample(space_id)]
        choice = RoundRobin(_SAMPLE_SEED)
        builder = Builder(self.contract, choice, self._places)
        made: list[Any] = []
        while not made or (choice.pending() and len(made) < _MOST):
            made.append(self._keeping_rules(builder.value(self.schema), space_id, len(made)))
        return made

    def generated(self, count: int, seed: int = 0, space_id: str = SPACE_ID) -> Any:
        """Return a body with `count` items, the same one for the same seed."""
        return self.run(seed, 1, count, space_id)[0]

    def run(self, seed: int, bodies: int, count: int | None = None, space_id: str = SPACE_ID) -> list[Any]:
        """Return the first `bodies` bodies of a seeded run; together they visit every alternative."""
        choice = RoundRobin(seed)
        lengths = [count if count is not None else _LENGTHS[index % len(_LENGTHS)] for index in range(bodies)]
        builder = Builder(self.contract, choice, self._places)
        made = []
        for index, length in enumerate(lengths):
            builder.set_lengths({self.list_name: length} if self.lists else {})
            made.append(self._keeping_rules(builder.value(self.schema), space_id, sum(lengths[:index])))
        return made

    def item(self, space_id: str = SPACE_ID, seed: int = 1) -> Any:
        """Return one item of the list, as a body of one item holds it."""
        found = self.items(self.generated(1, seed, space_id))
        if not found:
            raise SettingError("its list can hold no item", where=self.operation.label, hint="give a whole body")
        return found[0]

    def items(self, body: Any) -> list[Any]:
        """Return the list that `body` holds; no items where it holds none."""
        if self.is_list:
            return list(body) if isinstance(body, list) else []
        found = body.get(self.list_name, []) if isinstance(body, Mapping) else []
        return list(found)

    def with_items(self, items: list[Any]) -> Any:
        """Return a body that holds `items` (raises `SettingError` where the operation lists nothing)."""
        if self.is_list:
            return list(items)
        if not self.list_name:
            raise SettingError(
                "its answer holds no list", where=self.operation.label, hint="give a whole body as a JSON file"
            )
        return {**self.generated(0, _SAMPLE_SEED), self.list_name: items}

    @property
    def item_schema(self) -> Schema:
        """The schema of one item of the list; raises `SettingError` where the operation lists nothing."""
        listed = self._list_schema
        if listed is None:
            raise SettingError("its answer holds no list", where=self.operation.label, hint="give a whole body")
        found: Schema = listed.get("items", True)
        return found

    @property
    def most_items(self) -> int:
        """How many items the list may have at most, as the contract says, or as a list can hold at all."""
        return int((self._list_schema or {}).get("maxItems", sys.maxsize))

    @property
    def _list_schema(self) -> Mapping[str, Any] | None:
        return list_schema(self.contract, self.operation, self.list_name)

    def overridden(self, item: Any, overrides: Mapping[str, Any], *, conforming: bool) -> Any:
        """Return an item with values of one's own; raises `SettingError` where they break the contract.

        What the invariants tie to these values follows them (`kind` with `type`).
        """
        if not overrides:
            return item
        made = {**item, **overrides}
        for rule in self.invariants:
            rule.propagate(made, overrides)
        if conforming:
            self.refuse_broken(made, f"runtime({', '.join(f'{name}=…' for name in overrides)})")
        return made

    def refuse_broken(self, item: Any, where: str) -> None:
        """Raise `SettingError`, naming `where`, for an item that breaks the contract."""
        if problems := list(self._problems(item)):
            raise SettingError(
                "; ".join(problems), where=where, hint="give a value that the contract allows, or say conforming=False"
            )

    def refuse_repeated(self, items: list[Any], where: str) -> None:
        """Raise `SettingError`, naming `where`, where two items have one value of what the contract says is unique."""
        body = self.with_items(items)
        for rule in self.invariants:
            for path, _, value in rule.check(body, {}) if rule.keyword == "unique" else ():
                known = next(one for one, other in rule.places(body) if str(other).lower() == value.lower())
                numbers = " and ".join(str(key) for one in (known, path) for key in one if isinstance(key, int))
                raise SettingError(
                    f"items {numbers} have the same {path[-1]}",
                    where=where,
                    hint=f"give each its own: runtimes({len(items)}), or say conforming=False",
                )

    def _problems(self, item: Any) -> Iterator[str]:
        item = dict(item) if isinstance(item, Mapping) else item
        for broken in iter_errors(self.contract, self.item_schema, item):
            path, said = broken.path, broken.message
            said = said if len(said) <= 2 * LENGTH else f"{said[:LENGTH]}…{said[-LENGTH:]}"
            yield f"{'.'.join(map(str, path)) or 'the runtime'}: {said}"
        for name in item if isinstance(item, dict) else ():
            if self._documented and name not in self._documented:
                yield f"{name}: the contract documents no such property"
        body = self.with_items([item])
        for rule in self.invariants:
            yield from (rule.problem(broken) for broken in rule.check(body, {}))

    @cached_property
    def _documented(self) -> frozenset[str]:
        return frozenset(flatten(self.contract, self.item_schema).get("properties", {}))

    def _keeping_rules(self, body: Any, space_id: str, start: int) -> Any:
        for rule in self.invariants:
            rule.repair(body, {}, start)
        if self.paging is not None:
            body = self._as_one_page(self.paging, body, start)
        if not accepts(self.contract, self.schema, body):
            raise DocumentError(
                "no sample was found that keeps both the schema and x-bctrl-invariants",
                where=f"{self.contract.name}: #{schema_pointer(self.contract, self.schema)}",
                hint="make them agree, or leave the rule out",
            )
        # What ties a body to its request comes from outside: a space of any name can be asked for.
        return self.addressed(body, space_id)

    def _as_one_page(self, paging: Paging, body: Any, start: int) -> Any:
        """The body as the only page there is, its items told apart by what they are known by."""
        made = copy.deepcopy(body)
        for rule in self._identities:
            rule.repair(made, {}, start)
        return ended(self, paging, made if accepts(self.contract, self.schema, made) else body, dict)

    @cached_property
    def _identities(self) -> list[Invariant]:
        known_by = self.paging.identity if self.paging is not None else ""
        return Invariant.of({"unique": f"{self.list_name}[*].{known_by}"}) if known_by else []

    def coherent(self, body: Any, space_id: str, start: int = 0) -> Any:
        """Make `body` keep the invariants, in place, and return it; `start` items were served before it."""
        for rule in self.invariants:
            rule.repair(body, self.parameters(space_id), start)
        return body

    def renewed(self, body: Any, space_id: str, start: int) -> Any:
        """Give the items of `body`, copies of earlier ones, identities and times of their own, in place."""
        for rule in (*self.invariants, *self._identities):
            rule.renumber(body, start)
        return self.coherent(body, space_id, start)

    def addressed(self, body: Any, space_id: str) -> Any:
        """Make `body` answer a request for `space_id`, in place, and change nothing else."""
        for rule in self.invariants:
            if rule.keyword == "equals":
                rule.repair(body, self.parameters(space_id), 0)
        return body


LENGTH = 60
"""Characters of a refused value that are shown."""

_LENGTHS = (5, 0, 3, 8, 1, 4, 2, 6, 0, 7, 3, 5)
