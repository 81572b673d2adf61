"""Finds the operations whose lists were empty in every response, so that no item was validated."""

from __future__ import annotations

from typing import NamedTuple

from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.paging_read import list_member
from pytest_bctrl.observed.facts import Facts, Observation, ObservedLocation


class EmptyLists(NamedTuple):
    """The labels of operations whose lists were always empty, the number of observed lists, and the name of an item."""

    operations: tuple[str, ...] = ()
    total: int = 0
    item: str = "item"

    @property
    def sentence(self) -> str:
        """A sentence about lists that were always empty, such as `no runtime was seen`; empty if there are none."""
        if not self.operations:
            return ""
        if len(self.operations) == self.total:
            return f"no {self.item} was seen"
        return f"no {self.item} was seen in {len(self.operations)} of {self.total} lists"


def empty_lists(contract: Contract, observation: Observation) -> EmptyLists:
    """Return which of the observed lists had no item in any response."""
    empty: list[str] = []
    total = 0
    items: set[str] = set()
    for operation in contract.operations:
        member = list_member(contract, operation)
        if member is None:
            continue
        lists = [facts for facts in _list_facts(observation, operation, member) if facts.types["array"]]
        if lists:
            items.add(member.removesuffix("s") if contract.has_space and member.endswith("s") else "item")
        total += bool(lists)
        if lists and not any(facts.types["array"] > facts.empty for facts in lists):
            empty.append(operation.label)
    return EmptyLists(tuple(empty), total, items.pop() if len(items) == 1 else "item")


def _list_facts(observation: Observation, operation: Operation, member: str) -> list[Facts]:
    """Return the facts about the list of an operation, one per successful status."""
    locations = [
        ObservedLocation(operation.label, code, member)
        for label, code in observation.statuses
        if label == operation.label and int(code) in operation.success_statuses
    ]
    return [observation.places[location] for location in locations if location in observation.places]
