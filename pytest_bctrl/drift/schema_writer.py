"""Writes schemas for the engine as a consumer sees their values.

A consumer sends no property that is read-only and receives none that is write-only, and sends and receives no property
that its document does not declare, unless the schema is open (`declared_names`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.keywords import APPLICATORS, subschemas
from pytest_bctrl.contract.spec import Part, is_reference
from pytest_bctrl.drift.declared_names import NO_NAMES, Names, declared_names, is_open
from pytest_bctrl.drift.engine_schemas import engine_schema
from pytest_bctrl.drift.exclusive import may_meet_several
from pytest_bctrl.drift.node import BESIDE, Node
from pytest_bctrl.drift.texts import readings, schemas_in

if TYPE_CHECKING:
    from pytest_bctrl.contract.spec import Spec
    from pytest_bctrl.drift.node import NodeReader, Schema

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


class SchemaWriter:
    """Writes a schema, and each schema that it refers to, in JSON Schema 2020-12.

    `access`: `readOnly` or `writeOnly`, the flag of properties that are in no value; with an empty text, schemas are
    written as they are. `is_closed`: objects have only the names that their schemas declare, unless these are open.
    `scalars`: if not None, values are sent as text, so that the schema also allows those of `scalars` that are sent as
    the texts of its values. `limit`: the maximum number of schemas.

    After `write`, `count` is the number of schemas.
    """

    def __init__(
        self,
        normal: NodeReader,
        access: str,
        *,
        is_allowing: bool,
        is_closed: bool = False,
        scalars: Sequence[Any] | None = None,
        limit: int = _MAX_SCHEMAS,
    ) -> None:
        self._normal = normal
        self._access = access
        self._is_allowing = is_allowing
        self._is_closed = is_closed
        self._scalars = scalars
        self._limit = limit
        self.count = 0
        self._waiting: list[Part] = []
        self._defined: dict[str, Any] = {}
        self._is_exact = scalars is None

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
        self._count_schema()
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

    def _count_schema(self) -> None:
        """Count a schema; raises `LookupError` if there are too many."""
        self.count += 1
        if self.count > self._limit:
            raise LookupError(self._limit)

    def _is_any_of(self, part: Part) -> bool:
        """Return whether the `oneOf` of a schema means the same as `anyOf`."""
        if not isinstance(part.value.get("oneOf"), list) or "anyOf" in part.value:
            return False
        alternatives = self._normal.spec.items(part / "oneOf")
        return may_meet_several(self._normal, "oneOf", [(alternative,) for alternative in alternatives])

    def _written_child(self, part: Part, word: str, key: Any, hidden: frozenset[str], *, is_reversed: bool) -> Any:
        """Return a schema inside another one as a consumer sees it."""
        if word == "properties" and key in hidden and not self._is_allowing and not is_reversed:
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

    def _restrictions(self, node: Node, beside: Names = NO_NAMES) -> list[Any]:
        """Return schemas that rule out undeclared names in the values of a node; `beside` are declared elsewhere.

        A value has no name that no alternative declares, nor any that the alternative which it meets does not declare.
        """
        if not self._is_closed or not node.takes("object"):
            return []
        restrictions = []
        if not is_open(node, beside):
            restrictions.append(schema_with_names(declared_names(node).union(beside)))
        for choice in node.choices:
            shared = declared_names(node, but=choice).union(beside)
            alternatives: list[Any] = [self._closed_alternative(schema, shared) for schema in choice.branches]
            if choice.with_null:
                alternatives.append({"type": "null"})
            restrictions.append({"anyOf": alternatives})
        return restrictions

    def _closed_alternative(self, schema: Schema, beside: Names) -> dict[str, Any]:
        """Return an alternative with the names that are declared in it or beside it."""
        self._count_schema()
        restrictions = self._restrictions(self._normal.node(schema), beside)
        return {"allOf": [*map(self._alternative_part, schema), *restrictions]}

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


def schema_with_names(names: Names) -> dict[str, Any]:
    """Return a schema of objects that have only these names."""
    return {
        "properties": dict.fromkeys(sorted(names.names), True),
        "patternProperties": dict.fromkeys(sorted(names.patterns), True),
        "additionalProperties": False,
    }


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
