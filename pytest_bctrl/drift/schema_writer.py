"""Writes schemas for the engine as a consumer sees their values.

A consumer sends no property that is read-only and receives none that is write-only, and sends and receives no property
that its document does not declare, unless the document has a schema for such properties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.keywords import APPLICATORS, CONDITIONAL, subschemas
from pytest_bctrl.contract.spec import Part, is_reference
from pytest_bctrl.drift.engine_schemas import engine_schema
from pytest_bctrl.drift.exclusive import may_meet_several
from pytest_bctrl.drift.node import BESIDE, Node
from pytest_bctrl.drift.texts import readings, schemas_in

if TYPE_CHECKING:
    from pytest_bctrl.contract.spec import Spec
    from pytest_bctrl.drift.node import Alternatives, NodeReader

_MAX_SCHEMAS = 200
"""Maximum number of schemas on each side: the engine takes time in proportion to their product."""
_MEMBERS = frozenset(
    ("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "items", "prefixItems",
     "unevaluatedItems")
)  # fmt: skip
"""Keywords whose schemas apply to the values inside a value."""
_REVERSING = frozenset(("not", "if", "contains"))
"""Keywords under which a schema that allows less may make the whole allow more."""
_SEPARATE = APPLICATORS - (_MEMBERS - {"patternProperties"}) | {"$ref"}
"""Keywords that may apply to the values inside a value to which other keywords of the schema apply schemas too."""
_DEFINITIONS = "#/$defs/"


class DeclaredNames(NamedTuple):
    """The properties that a schema declares. `is_open`: it has no schema for any others."""

    declared: frozenset[str]
    is_open: bool


def declared_names(node: Node, but: Alternatives | None = None, depth: int = 0) -> DeclaredNames:
    """Return the properties that a schema declares, except in the alternatives `but`, and whether it allows others."""
    declared = {*node.maps.get("properties", ()), *node.required}
    is_open = not node.undeclared and "patternProperties" not in node.maps and depth < 8
    inside = [schema for choice in node.choices if choice is not but for schema in choice.branches]
    inside += [node.children[word] for word in ("if", "not", *CONDITIONAL) if word in node.children]
    inside += node.maps.get("dependentSchemas", {}).values()
    if is_open:
        for branch in map(node.normal.node, inside):
            names = declared_names(branch, depth=depth + 1)
            declared |= names.declared
            is_open = is_open and names.is_open
    return DeclaredNames(frozenset(declared), is_open)


class SchemaWriter:
    """Writes a schema, and each schema that it refers to, in JSON Schema 2020-12.

    `access`: `readOnly` or `writeOnly`, the flag of properties that are in no value; with an empty text, schemas are
    written as they are. `undeclared`: names of the other side, of which a value has none that this side does not
    declare; None without such a rule. `scalars`: if not None, values are sent as text, so that the schema also allows
    those of `scalars` that are sent as the texts of its values.

    After `write`, `count` is the number of schemas, and `names` are the properties in them.
    """

    def __init__(
        self,
        normal: NodeReader,
        access: str,
        *,
        is_allowing: bool,
        undeclared: frozenset[str] | None = None,
        scalars: Sequence[Any] | None = None,
    ) -> None:
        self._normal = normal
        self._access = access
        self._is_allowing = is_allowing
        self._undeclared = undeclared
        self._scalars = scalars
        self.count = 0
        self._waiting: list[Part] = []
        self._defined: dict[str, Any] = {}
        self._is_exact = scalars is None
        self.names: set[str] = set()

    def write(self, node: Node) -> dict[str, Any]:
        """Return the schema of a node, written out for the engine. Raises `LookupError` if it is too large."""
        parts = _written_parts(node)
        self._is_exact = self._scalars is None or _divides_members({"allOf": [part.schema for part in parts]})
        schemas = []
        for part in parts:
            schema = self._engine_schema(Part(part.schema, part.pointer), _hidden_properties(node, self._access))
            if part.grants_null:
                schema = {"anyOf": [schema, {"type": "null"}]}
            schemas.append(schema)
        self._is_exact = self._scalars is None
        schemas = self._as_text(node, [*schemas, *self._restrictions(node)])
        # An alternative of `oneOf` may refer to a definition.
        self._is_exact = True
        while self._waiting:
            part = self._waiting.pop()
            hidden = _hidden_properties(self._normal.node((part,)), self._access)
            self._defined[part.pointer] = self._engine_schema(part, hidden)
        return {"$defs": self._defined, "allOf": schemas or [True]}

    def _engine_schema(self, part: Part, hidden: frozenset[str]) -> Any:
        """Return a part as the engine reads it, with references to definitions of this document."""
        pointer = part.pointer.partition(BESIDE)[0]

        def refer(schema: dict[str, Any]) -> str:
            """Return the reference that replaces the one in a schema."""
            if schema.get("$ref", "").startswith(_DEFINITIONS):
                return str(schema["$ref"])
            return self._reference(self._normal.spec.target(Part(schema, pointer)))

        written = self._written(part, hidden, is_reversed=False)
        return engine_schema(written, refer, is_30=self._normal.spec.is_30)

    def _reference(self, part: Part) -> str:
        """Return a reference to a schema of the document, which is written too."""
        if part.pointer not in self._defined:
            self._defined[part.pointer] = True
            self._waiting.append(part)
        return f"{_DEFINITIONS}{quote(escape_token(part.pointer), safe='~')}"

    def _written(self, part: Part, hidden: frozenset[str], *, is_reversed: bool) -> Any:
        """Return a schema as a consumer sees it; the properties in `hidden` are not required, as no value has them.

        Raises `LookupError` if there are too many schemas.
        """
        value = part.value
        if not isinstance(value, dict):
            return value
        self.count += 1
        if self.count > _MAX_SCHEMAS:
            raise LookupError(part.pointer)
        is_exact = self._is_exact
        self._is_exact = is_exact or _divides_members(value)
        written = {**value}
        if isinstance(value.get("required"), list) and not is_reversed:
            written["required"] = [name for name in value["required"] if name not in hidden]
        for word, key, inner in subschemas(value, APPLICATORS):
            pointer = f"{part.pointer}/{word}"
            if key is not None:
                pointer = f"{pointer}/{escape_token(str(key))}"
                if written[word] is part.value[word]:
                    written[word] = part.value[word].copy()
            child = self._written_child(Part(inner, pointer), word, key, hidden, is_reversed=is_reversed)
            if key is None:
                written[word] = child
            else:
                written[word][key] = child
        self._is_exact = is_exact
        if self._is_any_of(part):
            # The engine decides more about `anyOf`.
            written["anyOf"] = written.pop("oneOf")
        return written

    def _is_any_of(self, part: Part) -> bool:
        """Return whether the `oneOf` of a schema means the same as `anyOf`."""
        if not isinstance(part.value.get("oneOf"), list) or "anyOf" in part.value:
            return False
        alternatives = self._normal.spec.items(part / "oneOf")
        return may_meet_several(self._normal, "oneOf", [(alternative,) for alternative in alternatives])

    def _written_child(self, part: Part, word: str, key: Any, hidden: frozenset[str], *, is_reversed: bool) -> Any:
        """Return a schema inside another one as a consumer sees it."""
        if word == "properties":
            self.names.add(key)
            if key in hidden and not self._is_allowing and not is_reversed:
                return True
        is_reversed = is_reversed or word in _REVERSING
        if word not in _MEMBERS:
            is_exact = self._is_exact
            self._is_exact = is_exact or word == "oneOf"
            written = self._written(part, hidden, is_reversed=is_reversed)
            self._is_exact = is_exact
            return written
        node = self._normal.node((part,))
        written = self._written(part, _hidden_properties(node, self._access), is_reversed=is_reversed)
        if is_reversed:
            return written
        schemas = self._as_text(node, [written, *self._restrictions(node)])
        if schemas == [written]:
            return written
        return {"allOf": schemas}

    def _as_text(self, node: Node, schemas: list[Any]) -> list[Any]:
        """Return schemas of the values that are sent as the texts of values of a node; a value meets each schema."""
        if self._scalars is None or self._is_exact:
            # If alternatives of `oneOf` allowed more, they might no longer exclude each other. And if several schemas
            # apply to an item, its text is read as the same value for all of them.
            return schemas
        is_valid = validator(SchemaWriter(self._normal, self._access, is_allowing=False).write(node)).is_valid
        listed = [value for value in self._scalars if any(map(is_valid, readings(value)))]
        return [{"anyOf": [{"allOf": schemas or [True]}, {"enum": listed}]}]

    def _restrictions(self, node: Node) -> list[Any]:
        """Return schemas that rule out undeclared names in the values of a node.

        A value has none that no alternative declares, nor any that the alternative which it meets does not declare.
        """
        if self._undeclared is None or not node.takes("object"):
            return []
        names = declared_names(node)
        if not names.is_open:
            return []
        restrictions = [schema_without(self._undeclared - names.declared)]
        for choice in node.choices:
            shared = declared_names(node, but=choice).declared
            branches = [(schema, declared_names(self._normal.node(schema)).declared) for schema in choice.branches]
            every = self._undeclared.union(*(declared for _, declared in branches))
            alternatives: list[Any] = [
                {"allOf": [*map(self._alternative_part, schema), schema_without(every - shared - declared)]}
                for schema, declared in branches
            ]
            if choice.with_null:
                alternatives.append({"type": "null"})
            restrictions.append({"anyOf": alternatives})
        return [restriction for restriction in restrictions if restriction is not True]

    def _alternative_part(self, part: Part) -> Any:
        """Return a part of an alternative for the engine: the schema itself, or a reference to it."""
        if BESIDE in part.pointer:
            return part.value
        return {"$ref": self._reference(part)}


def _divides_members(schema: dict[str, Any]) -> bool:
    """Return whether several schemas may apply to the same value inside a value of a schema."""
    separate = [{word: schema[word]} for word in schema.keys() & _SEPARATE - {"allOf"}]
    parts = [*separate, *(schema.get("allOf") or ()), {word: schema[word] for word in schema.keys() - _SEPARATE}]
    words = _MEMBERS | {"contains", "$ref"}
    return sum(any(words & inner.keys() for inner in schemas_in(part)) for part in parts) > 1


def validator(schema: dict[str, Any]) -> Any:
    """Return the engine's validator of a schema, with formats."""
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(schema, validate_formats=True, ignore_unknown_formats=True, offline=True)


def schema_without(names: frozenset[str]) -> Any:
    """Return a schema that allows no property of these names."""
    if not names:
        return True
    return {"properties": dict.fromkeys(sorted(names), False)}


def _written_parts(node: Node) -> list[Any]:
    """Return the parts of a node without those that others lead to."""
    parts: list[Any] = []
    reached: set[str] = set()
    for part in node.parts:
        inside = any(part.pointer.startswith(f"{chosen.pointer}/") for chosen in parts if BESIDE not in part.pointer)
        if part.pointer in reached or inside:
            continue
        parts.append(part)
        reached |= _applied_in_place(node.normal.spec, Part(part.schema, part.pointer.partition(BESIDE)[0]))
    return parts


def _applied_in_place(spec: Spec, root: Part) -> set[str]:
    """Return the pointers of the schemas that a schema applies to the same value by `allOf` and references."""
    reached: set[str] = set()
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if not isinstance(part.value, dict):
            continue
        following = spec.items(part / "allOf")
        if is_reference(part.value):
            following = [*following, spec.target(part)]
        for target in following:
            if target.pointer not in reached:
                reached.add(target.pointer)
                waiting.append(target)
    return reached


def _hidden_properties(node: Node, access: str) -> frozenset[str]:
    """Return the properties of a node that no value has: the read-only or write-only ones, as `access` says."""
    if not access:
        return frozenset()
    properties = node.maps.get("properties", {})
    return frozenset(name for name, schema in properties.items() if _has_flag(node.normal, schema, access))


def _has_flag(normal: NodeReader, schema: tuple[Part, ...], access: str) -> bool:
    """Return whether a schema has the flag `access`."""
    # Most properties are simple schemas without the flag.
    if all(isinstance(part.value, dict) and _is_flat(part.value) for part in schema):
        return any(part.value.get(access) is True for part in schema)
    return bool(normal.node(schema).flags.get(access))


def _is_flat(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema has neither a reference nor combined schemas."""
    return not is_reference(dict(schema)) and not {"allOf", "anyOf", "oneOf"} & schema.keys()
