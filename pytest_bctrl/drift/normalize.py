"""One form for every way of writing the same schema.

`normalize` reads the conjunction of one or more schemas and returns a `Node`: `$ref`s are followed, `allOf` and
alternatives with one branch are merged in, null has one spelling however it was written (`nullable`, a list of
types, an alternative), and so have `const` and an enum of one. Children stay unread until somebody asks for them,
so a schema that holds itself costs nothing here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pytest_bctrl.contract.keywords import CHILDREN, EXCLUSIVE_BOUNDS, MAPS
from pytest_bctrl.contract.outline import Part, Spec, is_reference, json_kind, value_key
from pytest_bctrl.drift.alternatives import read_alternatives, says_nothing
from pytest_bctrl.drift.constraints import (
    BITS,
    CONSTRAINTS,
    merge_constraint,
    narrow_enum,
    read_constraints,
    relevant,
)
from pytest_bctrl.drift.node import BESIDE, TYPES, Choice, Flat, Node, Schema, covers, intersection, type_of

_ANNOTATIONS = frozenset(
    ("title", "description", "example", "examples", "externalDocs", "xml", "$comment", "$id", "$schema", "$defs",
     "$anchor", "$dynamicAnchor", "definitions", "summary", "deprecated", "readOnly", "writeOnly", "default")
)  # fmt: skip
_FLAGS = frozenset(("deprecated", "readOnly", "writeOnly", "default", "x-sunset", "x-stability-level"))
_HOLDS_SCHEMAS = frozenset((*CHILDREN, *MAPS, "prefixItems"))
_TRUE_OR_FALSE = frozenset(("deprecated", "readOnly", "writeOnly"))
_KEPT = frozenset(("default", "discriminator", "x-sunset", "x-stability-level", "title", "description"))
_VACUOUS = frozenset(CHILDREN) - {"contains", "not", "if"}
"""What says nothing where its schema takes anything."""
_LEFT_OVER = {"additionalProperties": "unevaluatedProperties", "items": "unevaluatedItems"}
MAX_PARTS = 500
MAX_NESTED = 50


def _says_something(keyword: str) -> bool:
    """Tell whether a keyword beside a `$ref` adds to what the target says."""
    if keyword in ("$ref", "$dynamicRef"):
        return False
    return keyword in _FLAGS or not (keyword in _ANNOTATIONS or keyword.startswith("x-"))


class _Found(NamedTuple):
    """What must hold at once: schemas without `$ref` by their pointers, branches of `allOf`, alternatives."""

    flat: dict[str, Flat]
    all_of: list[Schema]
    choices: list[Choice]


class Normalizer:
    """Normalises the schemas of one document, each once."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.listed: dict[Node, dict[str, frozenset[Any]]] = {}
        """The values that the properties of an alternative list, once they were looked up."""
        self._nodes: dict[Any, Node] = {}
        self._flat: dict[tuple[tuple[str, ...], tuple[str, ...]], Node] = {}
        self._open: set[str] = set()
        self._depth = 0

    def node(self, schema: Schema) -> Node:
        """Return the schema's one form. Raises `DocumentError` for a keyword of a wrong type or a `$ref` to nothing."""
        if len(schema) == 1 and isinstance(value := schema[0][0], dict) and len(value) == 1 and "$ref" in value:
            # One step: what a reference leads to may say more beside its own.
            schema = (self.spec.target(schema[0]),)
        asked = tuple([part[1] for part in schema])
        found = self._nodes.get(asked)
        if found is None:
            if self._depth > MAX_NESTED:
                raise self.spec.refuse(schema[0], f"alternatives nest deeper than {MAX_NESTED} levels", "flatten them")
            self._depth += 1
            try:
                found = self._nodes[asked] = self._build(schema)
            finally:
                self._depth -= 1
        return found

    def _build(self, schema: Schema) -> Node:
        found = _Found({}, [], [])
        for part in schema:
            self._flatten(part, False, found, 0)
        flat, all_of, choices = found
        # What grants null beside a reference makes another schema of what it leads to.
        key, granted = tuple(flat), tuple(one.pointer for one in flat.values() if one.grants_null)
        if (key, granted) in self._flat:
            return self._flat[key, granted]
        node = self._flat[key, granted] = Node(key, self)
        node.parts = tuple(flat.values())
        node.all_of = all_of
        node.choices = [choice for choice in choices if len(choice.branches) > 1 and not choice.is_named]
        node.only_choice = next((choice.kind for choice in choices if len(choice.branches) == 1), None)
        for one in node.parts:
            self._read(one, node)
        for choice in choices:
            self._narrow_to(choice, node)
        self._settle(node)
        node.is_read = True
        return node

    def _alternative(self, schema: Schema) -> Node:
        """Read an alternative. Raises `DocumentError` for one that is an alternative of itself: it never ends."""
        if schema[0].pointer in self._open:
            raise self.spec.refuse(schema[0], "alternatives lead back to themselves", "let each say what it takes")
        self._open.add(schema[0].pointer)
        try:
            return self.node(schema)
        finally:
            self._open.discard(schema[0].pointer)

    def _flatten(self, part: Part, grants: bool, found: _Found, depth: int) -> None:
        """Collect what must hold at once: targets of `$ref`, branches of `allOf`, an only alternative."""
        spec, flat = self.spec, found.flat
        part, grants = self._follow(part, grants, found, depth)
        spec.seen.add(part.pointer)
        if part.pointer in flat:
            return
        if depth > MAX_NESTED or len(flat) > MAX_PARTS:
            raise spec.refuse(part, "allOf nests too deeply or has too many branches", "flatten it")
        value = part.value
        if not isinstance(value, dict):
            if not isinstance(value, bool):
                raise spec.refuse(part, f"a {json_kind(value)} is where a schema belongs", "a mapping, true or false")
            flat[part.pointer] = Flat(value, part.pointer, grants)
            return
        grants = grants or value.get("nullable") is True
        flat[part.pointer] = Flat(value, part.pointer, grants)
        branches = spec.items(part / "allOf") if "allOf" in value else []
        # What is said twice is said once.
        for branch in {repr(branch.value): branch for branch in branches}.values():
            if len(flat) <= MAX_PARTS:
                found.all_of.append((branch,))
            self._flatten(branch, grants, found, depth + 1)
        for choice in read_alternatives(part, spec, self._alternative):
            self._take(choice._replace(with_null=choice.with_null or grants), found, depth)

    def _take(self, choice: Choice, found: _Found, depth: int) -> None:
        """Keep alternatives for later; an only one must hold, and none but null is null."""
        if choice.branches:
            found.choices.append(choice)
        else:
            found.flat[choice.pointer] = Flat({"type": "null"}, choice.pointer, False)
        if len(choice.branches) == 1:
            self._flatten(choice.branches[0][0], choice.with_null, found, depth + 1)

    def _follow(self, part: Part, grants: bool, found: _Found, depth: int) -> tuple[Part, bool]:
        """Follow `$ref`; what stands beside one holds as well, from OpenAPI 3.1 on."""
        trail: list[str] = []
        while isinstance(part.value, dict) and is_reference(part.value):
            if part.pointer in trail:
                raise self.spec.refuse(part, "a $ref leads back to itself", "let it name a definition")
            trail.append(part.pointer)
            if len(part.value) > 1:
                grants = grants or part.value.get("nullable") is True
                beside = {key: value for key, value in part.value.items() if _says_something(key)}
                if beside and not self.spec.is_30:
                    self._flatten(Part(beside, part.pointer), grants, found, depth + 1)
            part = self.spec.target(part)
        return part, grants

    def _read(self, one: Flat, node: Node) -> None:
        schema, pointer = one.schema, one.pointer
        if isinstance(schema, bool):
            if not schema:
                node.never, node.nullable, node.types = True, False, frozenset()
            return
        part = Part(schema, pointer)
        self._read_types(part, one.grants_null, node)
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
        for keyword in _KEPT & schema.keys():
            node.flags.setdefault(keyword, schema[keyword])

    def _read_schemas(self, part: Part, node: Node) -> None:
        for keyword in CHILDREN:
            if keyword in part.value:
                node.children[keyword] = (*node.children.get(keyword, ()), part / keyword)
        for keyword in MAPS:
            for name, member in self.spec.members(part / keyword) if keyword in part.value else ():
                entries = node.maps.setdefault(keyword, {})
                entries[name] = (*entries.get(name, ()), member)
        prefix = self.spec.items(part / "prefixItems") if "prefixItems" in part.value else []
        for index, item in enumerate(prefix):
            if index == len(node.prefix):
                node.prefix.append(())
            node.prefix[index] = (*node.prefix[index], item)

    def _check_discriminator(self, part: Part) -> None:
        self.spec.mapping(part)
        for name in self.spec.mapping(part / "mapping").values():
            self.named(name, part)

    def named(self, name: Any, part: Part) -> Part | None:
        """The schema that a value of a discriminator is mapped to: by its name, or by a reference."""
        known = self.spec.root / "components" / "schemas" / str(name)
        if known.value is None and isinstance(name, str) and name.startswith("#/"):
            return self.spec.target(Part({"$ref": name}, part.pointer))
        return known if known.value is not None else None

    def _read_required(self, part: Part, node: Node) -> None:
        # A boolean is what JSON Schema had before draft 4; it is common still, and says nothing here.
        if not isinstance(part.value.get("required"), bool):
            node.required.update(self.spec.text(name) for name in self.spec.items(part / "required"))

    def _read_types(self, part: Part, grants_null: bool, node: Node) -> None:
        types = self._types(part)
        enum = self._enum(part, node)
        lets_null = (enum is None or None in enum) if types is None else "null" in types
        node.nullable = node.nullable and (lets_null or grants_null)
        _limit(node, TYPES if types is None else types - {"null"})
        if enum is not None:
            values = {key: value for key, value in enum.items() if value is not None}
            node.enum = values if node.enum is None else {key: values[key] for key in node.enum if key in values}

    def _types(self, part: Part) -> frozenset[str] | None:
        value = part.value.get("type")
        if value is None:
            return None
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise self.spec.refuse(part / "type", "'type' is neither a name nor a list of names", "such as string")
        unknown = set(names) - TYPES - {"null"}
        if unknown:
            raise self.spec.refuse(
                part / "type", f"{min(unknown)[:40]!r} is not a type", f"types: {', '.join(sorted(TYPES))} and null"
            )
        return frozenset(names)

    def _enum(self, part: Part, node: Node) -> dict[Any, Any] | None:
        schema = part.value
        listed = {value_key(item.value): item.value for item in self.spec.items(part / "enum")}
        if "const" in schema:
            node.spells_const = True
            key = value_key(schema["const"])
            return {} if "enum" in schema and key not in listed else {key: schema["const"]}
        return listed if schema.get("enum") is not None else None

    def _narrow_to(self, choice: Choice, node: Node) -> None:
        """Take in alternatives that only list types or values: they are a list of types, or an enum."""
        if len(choice.branches) == 1:
            return
        if choice.types and choice.values is None:
            node.lists_types = True
            node.alternatives_at["type"] = choice.pointer
            _limit(node, choice.types)
            node.nullable = node.nullable and choice.with_null
        elif choice.values is not None:
            values = choice.values
            node.alternatives_at["enum"] = choice.pointer
            _limit(node, choice.types or TYPES)
            node.enum = values if node.enum is None else {key: values[key] for key in node.enum if key in values}
            node.nullable = node.nullable and choice.with_null
        else:
            self._share_types(choice, node)

    def _share_types(self, choice: Choice, node: Node) -> None:
        """Give alternatives the types that hold for all of them, and the whole the types that theirs allow it."""
        branches = [self.node(branch) for branch in choice.branches]
        node.nullable = node.nullable and (choice.with_null or any(branch.nullable for branch in branches))
        typed = next((part for part in node.parts if isinstance(part.schema, dict) and "type" in part.schema), None)
        allowed: frozenset[str] = frozenset()
        for index, branch in enumerate(branches):
            if node.types is not None and (branch.types is None or not covers(node.types, branch.types)):
                names = sorted({*node.types, "null"})
                types = Part({"type": names}, f"{typed.pointer if typed else node.key[0]}{BESIDE}{names}")
                choice.branches[index] = (*choice.branches[index], types)
                branch = self.node(choice.branches[index])
            allowed |= branch.types if branch.types is not None else TYPES
        _limit(node, allowed)

    def _settle(self, node: Node) -> None:
        """Drop what says nothing: types that the enum tells already, constraints of types that cannot be."""
        if node.enum is not None:
            if node.types is not None:
                node.enum = {key: value for key, value in node.enum.items() if type_of(value) & node.types}
            if node.enum:
                named = frozenset().union(*(type_of(value) - {"number"} or {"number"} for value in node.enum.values()))
                node.types = named
            elif node.nullable:
                # What is left is null alone, which is a type.
                node.enum, node.types = None, frozenset()
            if node.enum is not None and node.types == frozenset({"boolean"}) and len(node.enum) == 2:
                node.enum = None
        if node.constraints:
            self._settle_constraints(node)
        if not node.takes("array"):
            _without(node.children, "contains", "items", "unevaluatedItems")
            node.prefix.clear()
        if not node.takes("object"):
            node.required.clear()
            node.maps.clear()
            _without(node.children, "additionalProperties", "propertyNames", "unevaluatedProperties")
        self._settle_schemas(node)

    def _settle_schemas(self, node: Node) -> None:
        """Drop what holds whatever the value is: items that may be anything, patterns that take anything."""
        for keyword in _VACUOUS & node.children.keys():
            given = node.children.get(keyword, ())
            kept = tuple(part for part in given if not says_nothing(part, self.spec))
            if len(kept) < len(given):
                # What takes anything leaves nothing over.
                _without(node.children, _LEFT_OVER.get(keyword, ""), *(() if kept else (keyword,)))
        if "not" in node.children and all(part.value is False for part in node.children["not"]):
            del node.children["not"]
        if "unevaluatedItems" not in node.children and "items" not in node.children:
            while node.prefix and all(says_nothing(part, self.spec) for part in node.prefix[-1]):
                node.prefix.pop()
        for keyword in ("patternProperties", "dependentSchemas"):
            if keyword in node.maps and (keyword == "dependentSchemas" or not node.undeclared):
                node.maps[keyword] = {
                    name: schema
                    for name, schema in node.maps[keyword].items()
                    if not all(says_nothing(part, self.spec) for part in schema)
                }
        for keyword in [keyword for keyword, members in node.maps.items() if not members]:
            del node.maps[keyword]

    def _settle_constraints(self, node: Node) -> None:
        node.constraints = {key: value for key, value in node.constraints.items() if relevant(key, node.types)}
        if node.enum:
            node.enum = narrow_enum(node.enum, node.constraints)
        if node.constraints.get("minProperties", 1 + len(node.required)) <= len(node.required):
            del node.constraints["minProperties"]
        if "contains" not in node.children:
            _without(node.constraints, "minContains", "maxContains")
        if node.types == frozenset({"integer"}):
            _settle_integers(node.constraints)
        if "dependentRequired" in node.constraints:
            demands = node.constraints.pop("dependentRequired")
            told = {name: names - node.required for name, names in demands.items() if names - node.required}
            node.constraints |= {"dependentRequired": told} if told else {}


def _limit(node: Node, types: frozenset[str]) -> None:
    """Let a value have these types alone; all of them are no limit, and a number may be an integer."""
    if not types >= TYPES - {"integer"}:
        node.types = intersection(node.types, types)


def _settle_integers(found: dict[str, Any]) -> None:
    """Drop what holds for every integer within the bounds."""
    if found.get("multipleOf") == {1}:
        del found["multipleOf"]
    least, most = (found.get(word, found.get(EXCLUSIVE_BOUNDS[word])) for word in ("minimum", "maximum"))
    bits = min((BITS.get(name, 0) for name in found.get("format", ())), default=0)
    if bits and least is not None and most is not None and -(2 ** (bits - 1)) <= least <= most < 2 ** (bits - 1):
        del found["format"]


def _without(found: dict[str, Any], *keywords: str) -> None:
    for keyword in keywords:
        found.pop(keyword, None)
