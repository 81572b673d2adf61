"""The contract as a tree of locations, built on access: the schemas that apply at each and the locations below it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

from pytest_bctrl.contract.budget import COMBINATIONS
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema import locations
from pytest_bctrl.contract.schema.applicators import Applicator, Choice, applicators_of
from pytest_bctrl.contract.schema.ref import (
    SchemaRef,
    expanded,
    keywords_of,
    reachable_schemas,
    response_schema_ref,
    types_of_expanded,
    values_of_expanded,
)

LEVELS = 64
"""Maximum number of levels of a recursive schema that are distinguished."""

_STRUCTURE = frozenset(
    {"$ref", "type", "enum", "const", "format", "properties", "items", "prefixItems", "oneOf", "anyOf", "allOf", "if"}
)


_Collected = tuple[tuple[SchemaRef, ...], tuple[Applicator, ...], tuple[Applicator, ...]]
_Read = dict[tuple[str, tuple[str, ...], str], tuple[Applicator, ...]]


class Node:
    """A location: `certain` schemas apply to every value there, `possible` schemas may if the branch is unknown.

    `decided` are the applicators whose branch is determined by the tags of the location, and `combinations` is their
    number of combinations. All nodes of a tree share the applicators that were read from each schema (`read`). With
    `siblings`, the other alternatives that may describe the values with a tag are `possible` too. `is_unclear` is
    whether all alternatives of a choice are possible at the location, or above it.
    """

    def __init__(
        self,
        contract: Contract,
        location: str,
        certain: Iterable[SchemaRef],
        possible: Iterable[SchemaRef] = (),
        level: int = 0,
        decided: frozenset[tuple[str, str]] = frozenset(),
        combinations: int = 1,
        read: _Read | None = None,
        *,
        siblings: bool = False,
        is_unclear: bool = False,
    ) -> None:
        self.contract = contract
        self.location = location
        self.certain = tuple(certain)
        self.possible = tuple(possible)
        self.level = level
        self._decided = decided
        self._combinations = combinations
        self._read: _Read = {} if read is None else read
        self._siblings = siblings
        self.is_unclear = is_unclear
        self._children: dict[tuple[str, ...], Node | None] = {}
        self._by_kind: dict[str, _Collected] = {}

    @property
    def where(self) -> str:
        """The document and the pointer of a schema at this location, for errors."""
        return f"{self.contract.name}: #{(*self.certain, *self.possible)[0].pointer}"

    @cached_property
    def _always(self) -> tuple[SchemaRef, ...]:
        """The `certain` schemas with all that always apply together with them."""
        return tuple(expanded(self.contract, self.certain))

    @cached_property
    def types(self) -> frozenset[str]:
        """The JSON types that values at this location may have, in any branch."""
        return types_of_expanded(self.contract, self._always)

    @cached_property
    def values(self) -> Mapping[str, SchemaRef] | None:
        """The documented values as JSON texts, each with the schema that lists it; None if any value is allowed."""
        return values_of_expanded(self.contract, self._always)

    @cached_property
    def formats(self) -> Mapping[str, SchemaRef]:
        """The formats that strings at this location must have, each with its schema."""
        return {
            str(keywords_of(schema_ref)["format"]): schema_ref
            for schema_ref in self.schemas_for("string")
            if "format" in keywords_of(schema_ref)
        }

    @cached_property
    def required(self) -> Mapping[str, SchemaRef]:
        """The required properties of every object here, each with its schema."""
        return {
            name: schema_ref
            for schema_ref in self.schemas_for("object")
            for name in keywords_of(schema_ref).get("required", ())
        }

    @cached_property
    def members(self) -> frozenset[str]:
        """The names of the documented properties of objects at this location."""
        schema_refs = (*self.schemas_for("object"), *self.possible_parts)
        return frozenset(name for schema_ref in schema_refs for name in keywords_of(schema_ref).get("properties", {}))

    @cached_property
    def documented(self) -> tuple[tuple[str, Node], ...]:
        """The nodes of the documented properties by name, sorted."""
        nodes = ((name, self.member(name)) for name in sorted(self.members))
        return tuple((name, node) for name, node in nodes if node is not None)

    @cached_property
    def schemas(self) -> frozenset[str]:
        """The pointers of the schemas that may apply here; equal for locations that a recursion repeats."""
        schema_refs: Iterable[SchemaRef] = self._always
        if self.possible:
            schema_refs = expanded(self.contract, (*self.certain, *self.possible))
        return frozenset(schema_ref.pointer for schema_ref in schema_refs if "$ref" not in keywords_of(schema_ref))

    @cached_property
    def is_open(self) -> bool:
        """Whether objects may have other properties: none is documented, or a keyword of a schema allows others."""
        schema_refs = (*self.schemas_for("object"), *self.possible_parts)
        return not self.members or any(_allows_other_properties(keywords_of(schema_ref)) for schema_ref in schema_refs)

    def schemas_for(self, kind: str) -> tuple[SchemaRef, ...]:
        """Return the schemas that apply to all values of a type here, including the only possible branches."""
        return self._schemas_and_applicators(kind)[0]

    def applicators(self, kind: str) -> tuple[Applicator, ...]:
        """Return the applicators whose branch is still to be decided to know all schemas that apply to a value."""
        return self._schemas_and_applicators(kind)[1]

    def undecided(self, kind: str) -> tuple[Applicator, ...]:
        """Return the applicators that are not decided, because deciding them would exceed `COMBINATIONS`."""
        return self._schemas_and_applicators(kind)[2]

    def _schemas_and_applicators(self, kind: str) -> _Collected:
        """Return the schemas for all values of a kind, the applicators to decide, and those beyond `COMBINATIONS`."""
        if kind in self._by_kind:
            return self._by_kind[kind]
        schema_refs: list[SchemaRef] = []
        applicators: list[Applicator] = []
        seen = {schema_ref.pointer for schema_ref in self._always}
        pending = list(self._always)
        while pending:
            schema_ref = pending.pop(0)
            schema_refs.append(schema_ref)
            for applicator in self._applicators(schema_ref, kind):
                if isinstance(applicator, Choice) and len(applicator.branches_of_type) < 2:
                    only_branches = [applicator.branches[index] for index in applicator.branches_of_type]
                    pending.extend(expanded(self.contract, only_branches, seen))
                elif _applicator_key(applicator) not in self._decided:
                    applicators.append(applicator)
        affordable = self._affordable_count(applicators)
        self._by_kind[kind] = tuple(schema_refs), tuple(applicators[:affordable]), tuple(applicators[affordable:])
        return self._by_kind[kind]

    def _applicators(self, schema_ref: SchemaRef, kind: str) -> tuple[Applicator, ...]:
        """Return the choices and conditions of a schema for a kind of value, read once."""
        key = schema_ref.pointer, schema_ref.ref_chain, kind
        if key not in self._read:
            self._read[key] = tuple(applicators_of(self.contract, schema_ref, kind))
        return self._read[key]

    def _affordable_count(self, applicators: list[Applicator]) -> int:
        """Return how many of the applicators can be decided within `COMBINATIONS`; at least the first of a location."""
        combinations = self._combinations
        for number, applicator in enumerate(applicators):
            ways = max(1, applicator.tag_count)
            combinations *= ways
            if combinations > max(COMBINATIONS, ways):
                return number
        return len(applicators)

    @cached_property
    def possible_parts(self) -> tuple[SchemaRef, ...]:
        """The schemas that may apply, those in undecided branches included."""
        undecided = chain(self.undecided("object"), self.undecided("array"))
        branches = chain.from_iterable(applicator.branches for applicator in undecided)
        return tuple(reachable_schemas(self.contract, (*self.possible, *branches)))

    def member(self, name: str) -> Node | None:
        """Return the node of a documented property, or None if it is not documented."""
        key = ("member", name)
        if key not in self._children:
            certain, possible = (schemas.get(name, ()) for schemas in self._schemas_by_property)
            node = None
            if certain or possible:
                node = self._node_below(locations.member_location(self.location, name), certain, possible)
            self._children[key] = node
        return self._children[key]

    @cached_property
    def _schemas_by_property(self) -> tuple[dict[str, list[SchemaRef]], dict[str, list[SchemaRef]]]:
        """The schemas of each documented property: those that always apply, and those that may apply."""
        return _schemas_by_property(self.schemas_for("object")), _schemas_by_property(self.possible_parts)

    @cached_property
    def others(self) -> Node | None:
        """The node of all undocumented members, or None if the contract has no schema for them."""
        schema_refs = []
        for schema_ref in self.schemas_for("object"):
            keywords = keywords_of(schema_ref)
            for keyword in ("additionalProperties", "unevaluatedProperties"):
                schema = keywords.get(keyword)
                if isinstance(schema, Mapping) and _STRUCTURE & schema.keys():
                    schema_refs.append(schema_ref.below(keyword))
        if not schema_refs:
            return None
        return self._node_below(locations.other_members(self.location), schema_refs, ())

    @cached_property
    def items(self) -> Node | None:
        """The node of the items of a list, or None if the contract has no schema for them."""
        return self._child(self.location + locations.ITEMS, "items")

    @cached_property
    def positions(self) -> tuple[Node, ...]:
        """The nodes of the first items, if the contract has a schema per position (`prefixItems`)."""
        arrays = map(keywords_of, self.schemas_for("array"))
        count = max((len(keywords.get("prefixItems", ())) for keywords in arrays), default=0)
        nodes = (
            self._child(locations.position_location(self.location, index), "prefixItems", index)
            for index in range(count)
        )
        return tuple(node for node in nodes if node is not None)

    def narrowed_to_tag(self, applicator: Applicator, tag: str) -> Node:
        """Return the node for the values with a tag; an empty tag leaves the branch open."""
        key = ("tag", str(_applicator_key(applicator)), tag)
        node = self._children.get(key)
        if node is None:
            certain, possible = applicator.schemas_for_tag(tag)
            if self._siblings and isinstance(applicator, Choice):
                possible += applicator.siblings(tag)
            node = Node(
                self.contract,
                locations.with_tag(self.location, tag) if tag else self.location,
                (*self.certain, *certain),
                (*self.possible, *possible),
                self.level,
                self._decided | {_applicator_key(applicator)},
                self._combinations * applicator.tag_count,
                self._read,
                siblings=self._siblings,
                is_unclear=self.is_unclear or (bool(possible) and not certain),
            )
            is_choice_by_value = isinstance(applicator, Choice) and applicator.name is not None
            if not is_choice_by_value or tag in applicator.by_tag or not tag:
                # Nodes of undocumented values are not cached, because traffic may have any number of them.
                self._children[key] = node
        return node

    def _child(self, location: str, keyword: str, *positions: int) -> Node | None:
        """Return the node for the schemas under a keyword of lists, or None if there are none."""
        certain, possible = (
            [
                schema_ref.below(keyword, *positions)
                for schema_ref in schema_refs
                if _has_keyword(keywords_of(schema_ref), keyword, *positions)
            ]
            for schema_refs in (self.schemas_for("array"), self.possible_parts)
        )
        if not certain and not possible:
            return None
        return self._node_below(location, certain, possible)

    def _node_below(self, location: str, certain: Iterable[SchemaRef], possible: Iterable[SchemaRef]) -> Node | None:
        """Return a node one level below this one, or None beyond `LEVELS`."""
        if self.level >= LEVELS:
            return None
        return Node(
            self.contract,
            location,
            certain,
            possible,
            self.level + 1,
            read=self._read,
            siblings=self._siblings,
            is_unclear=self.is_unclear,
        )


def _schemas_by_property(schema_refs: Iterable[SchemaRef]) -> dict[str, list[SchemaRef]]:
    """Return the schemas that several schemas have for each property, by its name."""
    by_name: dict[str, list[SchemaRef]] = defaultdict(list)
    for schema_ref in schema_refs:
        for name in keywords_of(schema_ref).get("properties", ()):
            by_name[name].append(schema_ref.below("properties", name))
    return by_name


def _applicator_key(applicator: Applicator) -> tuple[str, str]:
    """Return what identifies an applicator: the pointer of its schema, and its keyword."""
    return applicator.schema_ref.pointer, applicator.word


def _has_keyword(keywords: Mapping[str, Any], keyword: str, position: int | None = None) -> bool:
    """Return whether a schema has a keyword and, if `position` is given, the keyword has that position."""
    return keyword in keywords and (position is None or position < len(keywords[keyword]))


def _allows_other_properties(keywords: Mapping[str, Any]) -> bool:
    """Return whether a schema has a keyword that allows properties other than those it names."""
    return bool(keywords.get("patternProperties")) or any(
        keywords.get(keyword, False) is not False for keyword in ("additionalProperties", "unevaluatedProperties")
    )


@lru_cache(maxsize=256)
def body_node(contract: Contract, label: str, status: str, media_type: str = "") -> Node | None:
    """Return the node of the JSON body documented for an operation and a status, or None if there is none.

    It is for observed values, which siblings of the alternative that accepts them may describe too.
    """
    return build_body_node(contract, label, status, media_type, siblings=True)


def build_body_node(
    contract: Contract, label: str, status: str, media_type: str = "", *, siblings: bool = False
) -> Node | None:
    """Return the node of a documented body, or None, for callers that visit all nodes of many bodies."""
    for operation in contract.operations:
        if operation.label == label:
            schema_ref = response_schema_ref(contract, operation, status, media_type)
            return None if schema_ref is None else Node(contract, "", [schema_ref], siblings=siblings)
    return None


def node_at(root: Node | None, location: str) -> Node | None:
    """Return the node of a location in a body, or None if the contract does not document it.

    A tag that this contract does not have, because something else distinguishes its branches, is ignored; then all
    branches may apply.
    """
    node = root
    for step in locations.parse_steps(location):
        if node is None:
            return None
        node = _node_at_step(node, step)
    return node


def _node_at_step(node: Node, step: locations.Step) -> Node | None:
    """Return the node one step below, or None if there is none."""
    if step.kind == "tag":
        return _narrowed_node(node, step.text)
    node = with_open_branches(node, "object" if step.kind in ("member", "others") else "array")
    if step.kind == "member":
        return node.member(step.text)
    if step.kind == "others":
        return node.others
    if step.kind == "items":
        return node.items
    index = int(step.text)
    if index < len(node.positions):
        return node.positions[index]
    return node.items


def _narrowed_node(node: Node, tag: str) -> Node:
    """Return the node narrowed to the branch with a tag; unchanged if no applicator has the tag."""
    for kind in ("object", "array"):
        for applicator in node.applicators(kind):
            if applicator.owns_tag(tag):
                return node.narrowed_to_tag(applicator, tag)
    return node


def with_open_branches(node: Node, kind: str) -> Node:
    """Return the node with all undecided branches left open."""
    while node.applicators(kind):
        node = node.narrowed_to_tag(node.applicators(kind)[0], "")
    return node
