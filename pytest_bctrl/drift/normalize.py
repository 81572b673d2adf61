"""Normalises schemas: equivalent ways of writing a schema lead to the same form.

`Normalizer.node` reads the conjunction of one or more schemas and returns a `Node`: `$ref`s are followed, `allOf` and
alternatives with one branch are merged in, and null has one form, written as `nullable`, in a list of types or as an
alternative; so have `const` and an enum with one value. Schemas inside a schema are read on demand, so that recursion
needs no special treatment.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

from pytest_bctrl.contract.keywords import APPLICATORS, CHILDREN, CONDITIONAL, EXCLUSIVE_BOUNDS, IN_PLACE, MAPS
from pytest_bctrl.contract.spec import Part, Spec, is_reference, json_kind, value_key
from pytest_bctrl.drift.alternatives import accepts_any_as_written, read_alternatives
from pytest_bctrl.drift.constraints import (
    BITS,
    CONSTRAINTS,
    is_relevant,
    merge_constraint,
    narrow_enum,
    read_constraints,
)
from pytest_bctrl.drift.node import BESIDE, TYPES, Alternatives, Flat, Node, Schema, covers, intersection, type_of

_ANNOTATIONS = frozenset(
    ("title", "description", "example", "examples", "externalDocs", "xml", "$comment", "$id", "$schema", "$defs",
     "$anchor", "$dynamicAnchor", "definitions", "summary", "deprecated", "readOnly", "writeOnly", "default")
)  # fmt: skip
_FLAGS = frozenset(("deprecated", "readOnly", "writeOnly", "default"))
_HOLDS_SCHEMAS = frozenset((*CHILDREN, *MAPS, "prefixItems"))
_TRUE_OR_FALSE = frozenset(("deprecated", "readOnly", "writeOnly"))
_COPIED = frozenset(("default", "discriminator", "title", "description"))
_VACUOUS = frozenset(CHILDREN) - {"contains", "not", "if"}
"""The keywords that have no effect if their schema accepts every value."""
_UNEVALUATED = {"additionalProperties": "unevaluatedProperties", "items": "unevaluatedItems"}
MAX_PARTS = 500
MAX_NESTED = 50


def _says_something(keyword: str) -> bool:
    """Return whether a keyword beside a `$ref` adds a condition or a flag to its target."""
    if keyword in ("$ref", "$dynamicRef"):
        return False
    return keyword in _FLAGS or not (keyword in _ANNOTATIONS or keyword.startswith("x-"))


def _is_only_all_of(schema: Any) -> bool:
    """Return whether a schema has `allOf` and nothing else with an effect."""
    if not isinstance(schema, dict) or "allOf" not in schema:
        return False
    return not any(_says_something(keyword) for keyword in schema if keyword != "allOf") and "$ref" not in schema


def _restricts_strings(keyword: str) -> bool:
    """Return whether a keyword may make a string invalid, `type` included."""
    if keyword in APPLICATORS:
        return keyword in IN_PLACE and keyword != "dependentSchemas"
    return keyword != "required" and is_relevant(keyword, frozenset(("string",)))


class _Conjunction(NamedTuple):
    """What a value must satisfy at once: schemas without `$ref` by pointer, branches of `allOf`, alternatives."""

    flat: dict[str, Flat]
    all_of: list[Schema]
    choices: list[Alternatives]


class Normalizer:
    """Normalises the schemas of one document, each of them once."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.listed: dict[Node, dict[str, frozenset[Any]]] = {}
        """The values that the properties of an alternative list; a cache."""
        self._nodes: dict[Any, Node] = {}
        self._flat: dict[tuple[tuple[str, ...], tuple[str, ...]], Node] = {}
        self._open: set[str] = set()
        self._depth = 0

    def node(self, schema: Schema) -> Node:
        """Return the normal form of a schema.

        Raises `DocumentError` for a keyword with a value of a wrong type or a `$ref` without a target.
        """
        if len(schema) == 1 and isinstance(value := schema[0][0], dict) and len(value) == 1 and "$ref" in value:
            # One step only: the target may be a reference with keywords beside it.
            schema = (self.spec.target(schema[0]),)
        pointers = tuple([part[1] for part in schema])
        node = self._nodes.get(pointers)
        if node is None:
            if self._depth > MAX_NESTED:
                raise self.spec.error_at(
                    schema[0], f"alternatives nest deeper than {MAX_NESTED} levels", "flatten them"
                )
            self._depth += 1
            try:
                node = self._nodes[pointers] = self._build_node(schema)
            finally:
                self._depth -= 1
        return node

    def _build_node(self, schema: Schema) -> Node:
        """Return the node of the schemas in a conjunction, with all keywords read, merged and simplified."""
        conjunction = _Conjunction({}, [], [])
        for part in schema:
            self._flatten(part, False, conjunction, 0)
        flat, all_of, choices = conjunction
        # Where null is allowed beside a reference, the same target leads to another node.
        key, granted = tuple(flat), tuple(part.pointer for part in flat.values() if part.grants_null)
        if (key, granted) in self._flat:
            return self._flat[key, granted]
        node = self._flat[key, granted] = Node(key, self)
        node.parts = tuple(flat.values())
        node.all_of = all_of
        node.choices = [choice for choice in choices if len(choice.branches) > 1 and not choice.is_named]
        node.only_choice = next((choice.kind for choice in choices if len(choice.branches) == 1), None)
        for flat_part in node.parts:
            self._read_keywords(flat_part, node)
        for choice in choices:
            self._narrow_to(choice, node)
        self._remove_ineffective(node)
        node.is_read = True
        return node

    def _alternative(self, schema: Schema) -> Node:
        """Return the node of an alternative. Raises `DocumentError` if it is an alternative of itself."""
        if schema[0].pointer in self._open:
            raise self.spec.error_at(schema[0], "alternatives lead back to themselves", "describe the values of each")
        self._open.add(schema[0].pointer)
        try:
            return self.node(schema)
        finally:
            self._open.discard(schema[0].pointer)

    def _flatten(self, part: Part, grants_null: bool, conjunction: _Conjunction, depth: int) -> None:
        """Add a schema to a conjunction: its `$ref` target, `allOf`, alternatives; null too if `grants_null`.

        Raises `DocumentError` if it nests too deeply, or is not a schema.
        """
        spec, flat = self.spec, conjunction.flat
        part, grants_null = self._follow(part, grants_null, conjunction, depth)
        spec.seen.add(part.pointer)
        if part.pointer in flat:
            return
        if depth > MAX_NESTED or len(flat) > MAX_PARTS:
            raise spec.error_at(part, "allOf nests too deeply or has too many branches", "flatten it")
        value = part.value
        if not isinstance(value, dict):
            if not isinstance(value, bool):
                raise spec.error_at(part, f"a {json_kind(value)} is where a schema belongs", "a mapping, true or false")
            flat[part.pointer] = Flat(value, part.pointer, grants_null)
            return
        grants_null = grants_null or value.get("nullable") is True
        flat[part.pointer] = Flat(value, part.pointer, grants_null)
        if "allOf" in value:
            # A repeated branch adds nothing.
            branches = {repr(branch.value): branch for branch in spec.items(part / "allOf")}
            for branch in branches.values():
                # What only groups schemas by another `allOf` is the same as the schemas in it.
                if len(flat) <= MAX_PARTS and not _is_only_all_of(branch.value):
                    conjunction.all_of.append((branch,))
                self._flatten(branch, grants_null, conjunction, depth + 1)
        for choice in read_alternatives(part, spec, self._alternative):
            self._add_choice(choice._replace(with_null=choice.with_null or grants_null), conjunction, depth)

    def _add_choice(self, choice: Alternatives, conjunction: _Conjunction, depth: int) -> None:
        """Add alternatives to a conjunction: a single one becomes part of it, and only null becomes a type.

        Without null, nothing is valid.
        """
        if choice.branches:
            conjunction.choices.append(choice)
        else:
            schema: dict[str, Any] | bool = {"type": "null"} if choice.with_null else False
            conjunction.flat[choice.pointer] = Flat(schema, choice.pointer, False)
        if len(choice.branches) == 1:
            self._flatten(choice.branches[0][0], choice.with_null, conjunction, depth + 1)

    def _follow(self, part: Part, grants_null: bool, conjunction: _Conjunction, depth: int) -> tuple[Part, bool]:
        """Return the target of `$ref`s and whether null is allowed; adds the keywords beside them (OpenAPI 3.1).

        Raises `DocumentError` for a `$ref` that leads back to itself.
        """
        trail: list[str] = []
        while isinstance(part.value, dict) and is_reference(part.value):
            if part.pointer in trail:
                raise self.spec.error_at(part, "a $ref leads back to itself", "let it name a definition")
            trail.append(part.pointer)
            if len(part.value) > 1:
                grants_null = grants_null or part.value.get("nullable") is True
                beside = {key: value for key, value in part.value.items() if _says_something(key)}
                if beside and not self.spec.is_30:
                    self._flatten(Part(beside, part.pointer), grants_null, conjunction, depth + 1)
            part = self.spec.target(part)
        return part, grants_null

    def _read_keywords(self, flat: Flat, node: Node) -> None:
        """Read the keywords of a schema without references into a node."""
        schema, pointer = flat.schema, flat.pointer
        if isinstance(schema, bool):
            if not schema:
                node.never, node.nullable, node.types = True, False, frozenset()
            return
        part = Part(schema, pointer)
        self._read_types(part, flat.grants_null, node)
        if not CONSTRAINTS.isdisjoint(schema):
            for keyword, value in read_constraints(part, self.spec).items():
                merge_constraint(node.constraints, keyword, value)
        if not _HOLDS_SCHEMAS.isdisjoint(schema):
            self._read_schemas(part, node)
        if "required" in schema:
            self._read_required(part, node)
        for keyword in _TRUE_OR_FALSE & schema.keys():
            node.flags[keyword] = self.spec.flag(part / keyword) or node.flags.get(keyword, False)
        if "discriminator" in schema:
            self._check_discriminator(part / "discriminator")
        for keyword in _COPIED & schema.keys():
            node.flags.setdefault(keyword, schema[keyword])

    def _read_schemas(self, part: Part, node: Node) -> None:
        """Read the keywords of a schema that contain schemas into a node."""
        for keyword in CHILDREN:
            if keyword not in part.value or self._has_no_effect(part, keyword):
                continue
            schemas = [part / keyword]
            if keyword == "propertyNames":
                schemas.append(Part({"type": "string"}, f"{schemas[0].pointer}{BESIDE}string"))
            node.children[keyword] = (*node.children.get(keyword, ()), *schemas)
        for keyword in MAPS:
            if keyword not in part.value:
                continue
            for name, member in self.spec.members(part / keyword):
                entries = node.maps.setdefault(keyword, {})
                entries[name] = (*entries.get(name, ()), member)
        if "prefixItems" in part.value:
            self._read_prefix(part, node)

    def _has_no_effect(self, part: Part, keyword: str) -> bool:
        """Return whether a keyword has no effect: `propertyNames`, or `if`, `then` or `else` without the others."""
        if keyword == "propertyNames":
            return self._allows_every_name(part / keyword)
        if keyword in CONDITIONAL:
            return "if" not in part.value
        if keyword != "if":
            return False
        branches = [part / branch for branch in CONDITIONAL if branch in part.value]
        has_effect = not all(accepts_any_as_written(branch, self.spec) for branch in branches)
        # The properties and items that `if` evaluates may be valid only because of it.
        return not has_effect and not self._mentions_unevaluated

    def _allows_every_name(self, part: Part) -> bool:
        """Return whether a schema obviously accepts every string, as it is written."""
        schema = part.value
        if isinstance(schema, dict):
            allows_strings = "string" in (self._types(part) or ("string",))
            schema = {
                keyword: value
                for keyword, value in schema.items()
                if _restricts_strings(keyword) and not (keyword == "type" and allows_strings)
            }
        return accepts_any_as_written(Part(schema, part.pointer), self.spec)

    @cached_property
    def _mentions_unevaluated(self) -> bool:
        """Whether the document contains `unevaluatedProperties` or `unevaluatedItems`."""
        return "'unevaluated" in repr(self.spec.root.value)

    def _read_prefix(self, part: Part, node: Node) -> None:
        """Add the schemas of `prefixItems` to those of a node, by position."""
        for index, item in enumerate(self.spec.items(part / "prefixItems")):
            if index == len(node.prefix):
                node.prefix.append(())
            node.prefix[index] = (*node.prefix[index], item)

    def _check_discriminator(self, part: Part) -> None:
        """Raise `DocumentError` if a discriminator is malformed or maps to a reference (`#/...`) without a target."""
        self.spec.mapping(part)
        for name in self.spec.mapping(part / "mapping").values():
            self.mapped_schema(name, part)

    def mapped_schema(self, name: Any, part: Part) -> Part | None:
        """Return the schema that a discriminator's mapping names; None for an unknown name.

        Raises `DocumentError` for a reference (`#/...`) without a target.
        """
        component = self.spec.root / "components" / "schemas" / str(name)
        if component.value is not None:
            return component
        if isinstance(name, str) and name.startswith("#/"):
            return self.spec.target(Part({"$ref": name}, part.pointer))
        return None

    def _read_required(self, part: Part, node: Node) -> None:
        """Add the names in `required` to those of a node; the boolean of old specifications is ignored."""
        # Before draft 4 of JSON Schema `required` was a boolean. That is still common, and has no effect.
        if not isinstance(part.value.get("required"), bool):
            node.required.update(self.spec.text(name) for name in self.spec.items(part / "required"))

    def _read_types(self, part: Part, grants_null: bool, node: Node) -> None:
        """Limit a node to the types and values that a schema lists."""
        types = self._types(part)
        enum = self._enum(part, node)
        if types is None:
            accepts_null = enum is None or None in enum
        else:
            accepts_null = "null" in types
            _limit_types(node, types - {"null"})
        node.nullable = node.nullable and (accepts_null or grants_null)
        if enum is not None:
            _limit_values(node, {key: value for key, value in enum.items() if value is not None})

    def _types(self, part: Part) -> frozenset[str] | None:
        """Return the types of a schema, `null` included; None if it has no `type`. May raise `DocumentError`."""
        value = part.value.get("type")
        if value is None:
            return None
        names = value
        if isinstance(value, str):
            names = [value]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            hint = "such as string"
            if isinstance(names, list) and None in names:
                hint = 'write "null" in quotes'
            raise self.spec.error_at(part / "type", "'type' is neither a name nor a list of names", hint)
        unknown = set(names) - TYPES - {"null"}
        if unknown:
            raise self.spec.error_at(
                part / "type", f"{min(unknown)[:40]!r} is not a type", f"types: {', '.join(sorted(TYPES))} and null"
            )
        return frozenset(names)

    def _enum(self, part: Part, node: Node) -> dict[Any, Any] | None:
        """Return the values of `enum` and `const` by key, None if a schema has neither; notes a `const` on the node."""
        schema = part.value
        listed = {value_key(item.value): item.value for item in self.spec.items(part / "enum")}
        if "const" in schema:
            node.spells_const = True
            key = value_key(schema["const"])
            if "enum" in schema and key not in listed:
                return {}
            return {key: schema["const"]}
        if schema.get("enum") is None:
            return None
        return listed

    def _narrow_to(self, choice: Alternatives, node: Node) -> None:
        """Limit a node to the types or values that alternatives list; with other alternatives, it shares its types."""
        if len(choice.branches) == 1:
            return
        if choice.types and choice.values is None:
            node.lists_types = True
            node.alternatives_at["type"] = choice.pointer
            _limit_types(node, choice.types)
            node.nullable = node.nullable and choice.with_null
        elif choice.values is not None:
            node.alternatives_at["enum"] = choice.pointer
            _limit_types(node, choice.types or TYPES)
            _limit_values(node, choice.values)
            node.nullable = node.nullable and choice.with_null
        else:
            self._share_types(choice, node)

    def _share_types(self, choice: Alternatives, node: Node) -> None:
        """Limit the alternatives to the types of the schema, and the schema to the types of its alternatives."""
        branches = [self.node(branch) for branch in choice.branches]
        node.nullable = node.nullable and (choice.with_null or any(branch.nullable for branch in branches))
        pointers = [part.pointer for part in node.parts if isinstance(part.schema, dict) and "type" in part.schema]
        pointer = next(iter(pointers), "") or next(iter(node.key), "")
        allowed: frozenset[str] = frozenset()
        for index, branch in enumerate(branches):
            if node.types is not None and (branch.types is None or not covers(node.types, branch.types)):
                names = sorted({*node.types, "null"})
                types = Part({"type": names}, f"{pointer}{BESIDE}{names}")
                choice.branches[index] = (*choice.branches[index], types)
                branch = self.node(choice.branches[index])
            allowed |= TYPES if branch.types is None else branch.types
        _limit_types(node, allowed)

    def _remove_ineffective(self, node: Node) -> None:
        """Remove keywords without effect, such as those of excluded types, and limit enum and types to each other."""
        if node.enum is not None:
            _limit_enum_and_types(node, node.enum)
        if node.constraints:
            self._remove_ineffective_constraints(node)
        if not node.takes("array"):
            _remove_keywords(node.children, "contains", "items", "unevaluatedItems")
            node.prefix.clear()
        if not node.takes("object"):
            node.required.clear()
            node.maps.clear()
            _remove_keywords(node.children, "additionalProperties", "propertyNames", "unevaluatedProperties")
        self._remove_ineffective_schemas(node)

    def _remove_ineffective_schemas(self, node: Node) -> None:
        """Remove schemas that accept every value, such as those of items or of properties that match a pattern."""
        for keyword in _VACUOUS & node.children.keys():
            parts = node.children.get(keyword, ())
            count = sum(accepts_any_as_written(part, self.spec) for part in parts)
            if count:
                # Where a part accepts every value, no value is unevaluated.
                _remove_keywords(node.children, _UNEVALUATED.get(keyword, ""))
            if count and count == len(parts):
                _remove_keywords(node.children, keyword)
        if "not" in node.children and all(part.value is False for part in node.children["not"]):
            del node.children["not"]
        if "unevaluatedItems" not in node.children and "items" not in node.children:
            while node.prefix and all(accepts_any_as_written(part, self.spec) for part in node.prefix[-1]):
                node.prefix.pop()
        for keyword in ("patternProperties", "dependentSchemas"):
            if keyword in node.maps and (keyword == "dependentSchemas" or not node.undeclared):
                node.maps[keyword] = {
                    name: schema
                    for name, schema in node.maps[keyword].items()
                    if not all(accepts_any_as_written(part, self.spec) for part in schema)
                }
        for keyword in [keyword for keyword, members in node.maps.items() if not members]:
            del node.maps[keyword]

    def _remove_ineffective_constraints(self, node: Node) -> None:
        """Remove constraints without effect: those of excluded types, or implied by enum, `required` or integers."""
        node.constraints = {key: value for key, value in node.constraints.items() if is_relevant(key, node.types)}
        if node.enum:
            node.enum = narrow_enum(node.enum, node.constraints)
        if node.constraints.get("minProperties", 1 + len(node.required)) <= len(node.required):
            del node.constraints["minProperties"]
        if "contains" not in node.children:
            _remove_keywords(node.constraints, "minContains", "maxContains")
        if node.types == frozenset({"integer"}):
            _remove_integer_constraints(node.constraints)
        if "dependentRequired" in node.constraints:
            demands = node.constraints.pop("dependentRequired")
            demands = {name: names - node.required for name, names in demands.items() if names - node.required}
            if demands:
                node.constraints["dependentRequired"] = demands


def _limit_types(node: Node, types: frozenset[str]) -> None:
    """Limit a node to some types; all types together are no limit, and an integer is a number."""
    if not types >= TYPES - {"integer"}:
        node.types = intersection(node.types, types)


def _limit_values(node: Node, values: dict[Any, Any]) -> None:
    """Limit a node to some values."""
    if node.enum is None:
        node.enum = values
    else:
        node.enum = {key: values[key] for key in node.enum if key in values}


def _limit_enum_and_types(node: Node, enum: dict[Any, Any]) -> None:
    """Set the enum to the values of allowed types, and the types to those of these values."""
    if node.types is not None:
        enum = {key: value for key, value in enum.items() if type_of(value) & node.types}
    node.enum = enum
    if enum:
        node.types = frozenset().union(*(type_of(value) - {"number"} or {"number"} for value in enum.values()))
    elif node.nullable:
        # Only null is valid, which is a type.
        node.enum, node.types = None, frozenset()
    if node.types == frozenset({"boolean"}) and len(enum) == 2 and not node.choices:
        node.enum = None


def _remove_integer_constraints(constraints: dict[str, Any]) -> None:
    """Remove constraints that every integer within the bounds satisfies."""
    if constraints.get("multipleOf") == {1}:
        del constraints["multipleOf"]
    minimum = constraints.get("minimum", constraints.get(EXCLUSIVE_BOUNDS["minimum"]))
    maximum = constraints.get("maximum", constraints.get(EXCLUSIVE_BOUNDS["maximum"]))
    bits = min((BITS.get(name, 0) for name in constraints.get("format", ())), default=0)
    if not bits or minimum is None or maximum is None:
        return
    if -(2 ** (bits - 1)) <= minimum <= maximum < 2 ** (bits - 1):
        del constraints["format"]


def _remove_keywords(keywords: dict[str, Any], *names: str) -> None:
    """Remove keywords from a schema in place."""
    for name in names:
        keywords.pop(name, None)
