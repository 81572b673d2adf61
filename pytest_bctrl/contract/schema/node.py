"""The contract as a tree of places, grown where it is walked: what applies at a place, and what lies below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

from pytest_bctrl.contract.budget import COMBINATIONS
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema import locations as places
from pytest_bctrl.contract.schema.applicators import Applicator, Choice, applicators_of
from pytest_bctrl.contract.schema.ref import (
    SchemaRef,
    expanded,
    keywords_of,
    reachable_schemas,
    response_schema_ref,
    types_of,
    values_of,
)

LEVELS = 64
"""Levels of a recursive schema that are told apart; what lies deeper is not looked into."""

_STRUCTURE = frozenset(
    {"$ref", "type", "enum", "const", "format", "properties", "items", "prefixItems", "oneOf", "anyOf", "allOf", "if"}
)


_Collected = tuple[tuple[SchemaRef, ...], tuple[Applicator, ...], tuple[Applicator, ...]]
_Read = dict[tuple[str, tuple[str, ...], str], tuple[Applicator, ...]]


class Node:
    """One place: `certain` schemas apply to every value there, `possible` ones may, where its branch is not known.

    `combinations` is in how many ways its branches were told to get here from the place without tags. All nodes that
    grow from one share what was read of each schema (`read`).
    """

    def __init__(
        self,
        contract: Contract,
        location: str,
        certain: Iterable[SchemaRef],
        possible: Iterable[SchemaRef] = (),
        level: int = 0,
        told: frozenset[tuple[str, str]] = frozenset(),
        combinations: int = 1,
        read: _Read | None = None,
    ) -> None:
        self.contract = contract
        self.location = location
        self.certain = tuple(certain)
        self.possible = tuple(possible)
        self.level = level
        self._told = told
        self._combinations = combinations
        self._read: _Read = {} if read is None else read
        self._kept: dict[tuple[str, ...], Node | None] = {}
        self._by_kind: dict[str, _Collected] = {}

    @property
    def where(self) -> str:
        """The name of the document, and the pointer of a schema that applies here: for errors."""
        return f"{self.contract.name}: #{(*self.certain, *self.possible)[0].pointer}"

    @cached_property
    def types(self) -> frozenset[str]:
        """The types that are documented for every value here."""
        return types_of(self.contract, self.certain)

    @cached_property
    def values(self) -> Mapping[str, SchemaRef] | None:
        """The documented values as JSON texts, with the schema that lists each; None where any is free."""
        return values_of(self.contract, self.certain)

    @cached_property
    def formats(self) -> Mapping[str, SchemaRef]:
        """The formats that every string here is to be in."""
        return {
            str(keywords_of(spot)["format"]): spot
            for spot in self.schemas_for("string")
            if "format" in keywords_of(spot)
        }

    @cached_property
    def required(self) -> Mapping[str, SchemaRef]:
        """The properties that every object here is to have."""
        return {name: spot for spot in self.schemas_for("object") for name in keywords_of(spot).get("required", ())}

    @cached_property
    def members(self) -> frozenset[str]:
        """The documented properties."""
        spots = (*self.schemas_for("object"), *self._possible_parts)
        return frozenset(name for spot in spots for name in keywords_of(spot).get("properties", {}))

    @cached_property
    def documented(self) -> tuple[tuple[str, Node], ...]:
        """The documented properties and their places, by name."""
        found = ((name, self.member(name)) for name in sorted(self.members))
        return tuple((name, member) for name, member in found if member is not None)

    @cached_property
    def schemas(self) -> frozenset[str]:
        """The pointers of the schemas that may apply here: two places with the same are alike, as in a recursion."""
        reached = expanded(self.contract, (*self.certain, *self.possible))
        return frozenset(spot.pointer for spot in reached if "$ref" not in keywords_of(spot))

    @cached_property
    def is_open(self) -> bool:
        """Whether any property may stand here without being documented."""
        spots = (*self.schemas_for("object"), *self._possible_parts)
        return not self.members or any(_is_free(keywords_of(spot)) for spot in spots)

    def schemas_for(self, kind: str) -> tuple[SchemaRef, ...]:
        """All schemas that apply to values of a type here, through `$ref`, `allOf` and branches without a rival."""
        return self._collected(kind)[0]

    def applicators(self, kind: str) -> tuple[Applicator, ...]:
        """What has still to be told of a value of a type before all schemas that apply to it are known."""
        return self._collected(kind)[1]

    def undecided(self, kind: str) -> tuple[Applicator, ...]:
        """The applicators whose branches are left open: with those before them, more than `COMBINATIONS` combine."""
        return self._collected(kind)[2]

    def _collected(self, kind: str) -> _Collected:
        if kind in self._by_kind:
            return self._by_kind[kind]
        parts: list[SchemaRef] = []
        pending: list[Applicator] = []
        seen: set[str] = set()
        waiting = list(expanded(self.contract, self.certain, seen))
        while waiting:
            spot = waiting.pop(0)
            parts.append(spot)
            for split in self._applicators(spot, kind):
                if isinstance(split, Choice) and len(split.admitting) < 2:
                    sole = [split.branches[index] for index in split.admitting]
                    waiting.extend(expanded(self.contract, sole, seen))
                elif _name(split) not in self._told:
                    pending.append(split)
        told = self._affordable(pending)
        self._by_kind[kind] = tuple(parts), tuple(pending[:told]), tuple(pending[told:])
        return self._by_kind[kind]

    def _applicators(self, spot: SchemaRef, kind: str) -> tuple[Applicator, ...]:
        key = spot.pointer, spot.ref_chain, kind
        if key not in self._read:
            self._read[key] = tuple(applicators_of(self.contract, spot, kind))
        return self._read[key]

    def _affordable(self, pending: list[Applicator]) -> int:
        """Return how many applicators are told apart, in their order; always the first of a place."""
        combinations = self._combinations
        for number, split in enumerate(pending):
            ways = max(1, split.ways)
            combinations *= ways
            if combinations > max(COMBINATIONS, ways):
                return number
        return len(pending)

    @cached_property
    def _possible_parts(self) -> tuple[SchemaRef, ...]:
        untold = chain(self.undecided("object"), self.undecided("array"))
        branches = chain.from_iterable(split.branches for split in untold)
        return tuple(reachable_schemas(self.contract, (*self.possible, *branches)))

    def member(self, name: str) -> Node | None:
        """The place of a documented property; None where it is not documented."""
        key = ("member", name)
        if key not in self._kept:
            self._kept[key] = self._child(places.member_location(self.location, name), "properties", name)
        return self._kept[key]

    @cached_property
    def others(self) -> Node | None:
        """The place of all undocumented members, where the contract says something of them; None where it does not."""
        found = [
            spot.below(word)
            for spot in self.schemas_for("object")
            for word in ("additionalProperties", "unevaluatedProperties")
            if isinstance(keywords_of(spot).get(word), Mapping) and _STRUCTURE & keywords_of(spot)[word].keys()
        ]
        return self._made(places.other_members(self.location), found, ()) if found else None

    @cached_property
    def items(self) -> Node | None:
        """The place of the items of a list; None where the contract says nothing of them."""
        return self._child(self.location + places.ITEMS, "items")

    @cached_property
    def positions(self) -> tuple[Node, ...]:
        """The places of the first items, where the contract has a schema for each position (`prefixItems`)."""
        count = max((len(keywords_of(spot).get("prefixItems", ())) for spot in self.schemas_for("array")), default=0)
        found = (
            self._child(places.position_location(self.location, index), "prefixItems", index) for index in range(count)
        )
        return tuple(node for node in found if node is not None)

    def narrow(self, split: Applicator, tag: str) -> Node:
        """The same place for the values of one tag; with an empty one, for those of which nothing could be told."""
        key = ("tag", str(_name(split)), tag)
        known = self._kept.get(key)
        if known is None:
            certain, possible = split.schemas_for_tag(tag)
            location = places.with_tag(self.location, tag) if tag else self.location
            known = Node(
                self.contract,
                location,
                (*self.certain, *certain),
                (*self.possible, *possible),
                self.level,
                self._told | {_name(split)},
                self._combinations * split.ways,
                self._read,
            )
            if not isinstance(split, Choice) or split.name is None or tag in split.by_tag or not tag:
                # A value that nobody documented is the traffic's, and so would be the size of what is kept.
                self._kept[key] = known
        return known

    def _child(self, location: str, word: str, *below: str | int) -> Node | None:
        kind = "object" if word == "properties" else "array"
        certain, possible = (
            [spot.below(word, *below) for spot in spots if _has(keywords_of(spot), word, *below)]
            for spots in (self.schemas_for(kind), self._possible_parts)
        )
        return self._made(location, certain, possible) if certain or possible else None

    def _made(self, location: str, certain: Iterable[SchemaRef], possible: Iterable[SchemaRef]) -> Node | None:
        if self.level >= LEVELS:
            return None
        return Node(self.contract, location, certain, possible, self.level + 1, read=self._read)


def _name(split: Applicator) -> tuple[str, str]:
    return split.schema_ref.pointer, split.word


def _has(said: Mapping[str, Any], word: str, key: str | int | None = None) -> bool:
    if word not in said or key is None:
        return word in said
    return key < len(said[word]) if isinstance(key, int) else key in said[word]


def _is_free(said: Mapping[str, Any]) -> bool:
    return bool(said.get("patternProperties")) or any(
        said.get(word, False) is not False for word in ("additionalProperties", "unevaluatedProperties")
    )


@lru_cache(maxsize=256)
def body_node(contract: Contract, label: str, status: str, media_type: str = "") -> Node | None:
    """The body that the contract documents for an operation and a status; None where it documents no JSON body."""
    return build_body_node(contract, label, status, media_type)


def build_body_node(contract: Contract, label: str, status: str, media_type: str = "") -> Node | None:
    """Return the same as `body_node`, grown anew: what walks all of a body must not keep all of every body."""
    operation = next((found for found in contract.operations if found.label == label), None)
    spot = None if operation is None else response_schema_ref(contract, operation, status, media_type)
    return None if spot is None else Node(contract, "", [spot])


def node_at(root: Node | None, location: str) -> Node | None:
    """The contract's place of a location in a body; None where the contract has none.

    A tag that this contract does not know, since it tells its branches apart by something else, is passed over: all
    branches may apply then.
    """
    for step in places.parse_steps(location) if root else ():
        root = root and _below(root, step)
    return root


def _below(node: Node, step: places.Step) -> Node | None:
    if step.kind == "tag":
        return _narrowed(node, step.text)
    node = with_open_branches(node, "object" if step.kind in ("member", "others") else "array")
    if step.kind == "member":
        return node.member(step.text)
    if step.kind == "others":
        return node.others
    if step.kind == "items":
        return node.items
    index = int(step.text)
    return node.positions[index] if index < len(node.positions) else node.items


def _narrowed(node: Node, tag: str) -> Node:
    for kind in ("object", "array"):
        for split in node.applicators(kind):
            if split.has_tag(tag):
                return node.narrow(split, tag)
    return node


def with_open_branches(node: Node, kind: str) -> Node:
    """The place with everything that is still to be told left open."""
    while node.applicators(kind):
        node = node.narrow(node.applicators(kind)[0], "")
    return node
