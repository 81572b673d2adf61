"""Asks the engine whether one schema allows every value that another schema allows, as a consumer sees both.

A consumer sends no property that is read-only and receives none that is write-only, and sends and receives no property
that its document does not declare, unless the document has a schema for such properties.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from pytest_bctrl.contract.combinations import Combinations
from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.keywords import APPLICATORS, CONDITIONAL, subschemas
from pytest_bctrl.contract.outline import Part, is_reference
from pytest_bctrl.drift.engine_schemas import engine_schema
from pytest_bctrl.drift.node import BESIDE, TYPES, Node
from pytest_bctrl.drift.patterns import contains
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from pytest_bctrl.contract.outline import Spec
    from pytest_bctrl.drift.node import Alternatives, NodeReader
    from pytest_bctrl.drift.verification import Verdict

MAX_SCHEMAS = 200
"""Maximum number of schemas on each side: the engine takes time in proportion to their product."""
FAILURES = (DocumentError, LookupError, ValueError, RecursionError)
"""The exceptions for a schema that the engine cannot read, or that is too large."""
_MEMBERS = frozenset(
    ("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "items", "prefixItems",
     "unevaluatedItems")
)  # fmt: skip
"""Keywords whose schemas apply to the values inside a value."""
_REVERSING = frozenset(("not", "if", "contains"))
"""Keywords under which a schema that allows less may make the whole allow more."""
_DEFINITIONS = "#/$defs/"
_VALUES = frozenset(("enum", "const", "default", "examples", "example"))


class _Names(NamedTuple):
    """The properties that a schema declares. `is_open`: it has no schema for any others."""

    declared: frozenset[str]
    is_open: bool


def _declared_names(node: Node, but: Alternatives | None = None, depth: int = 0) -> _Names:
    """Return the properties that a schema declares, except in the alternatives `but`, and whether it allows others."""
    declared = {*node.maps.get("properties", ()), *node.required}
    is_open = not node.undeclared and "patternProperties" not in node.maps and depth < 8
    inside = [schema for choice in node.choices if choice is not but for schema in choice.branches]
    inside += [node.children[word] for word in ("if", "not", *CONDITIONAL) if word in node.children]
    inside += node.maps.get("dependentSchemas", {}).values()
    if is_open:
        for branch in map(node.normal.node, inside):
            names = _declared_names(branch, depth=depth + 1)
            declared |= names.declared
            is_open = is_open and names.is_open
    return _Names(frozenset(declared), is_open)


class _SchemaWriter:
    """Writes a schema with all that it leads to, as the engine reads it.

    `access`: the flag of properties that are in no value. `undeclared`: names of the other side; a value has none of
    them where this side does not declare it; None without such a rule. Without `access` the schema is written as it is.
    `is_text`: values are sent as text, so that a number or boolean is a text too.
    """

    def __init__(
        self,
        normal: NodeReader,
        access: str,
        *,
        is_allowing: bool,
        undeclared: frozenset[str] | None = None,
        is_text: bool = False,
    ) -> None:
        self._normal = normal
        self._access = access
        self._is_allowing = is_allowing
        self._undeclared = undeclared
        self._is_text = is_text
        self.count = 0
        self._waiting: list[Part] = []
        self._defined: dict[str, Any] = {}
        self.has_one_of = False
        self.names: set[str] = set()
        self.patterns: set[str] = set()

    def write(self, node: Node) -> dict[str, Any]:
        """Return the schema of a node, written out for the engine. Raises `LookupError` if it is too large."""
        schemas = []
        for part in _written_parts(node):
            schema = self._engine_schema(Part(part.schema, part.pointer), _hidden_properties(node, self._access))
            if part.grants_null:
                schema = {"anyOf": [schema, {"type": "null"}]}
            schemas.append(schema)
        schemas += self._restrictions(node)
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
        self.has_one_of = self.has_one_of or "oneOf" in value
        if self.count > MAX_SCHEMAS:
            raise LookupError(part.pointer)
        if self._is_text and not is_reversed and value.get("type") == "string" and "format" not in value:
            value = {**value, "type": ["string", "number", "boolean"]}
        if isinstance(value.get("pattern"), str):
            self.patterns.add(value["pattern"])
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
        return written

    def _written_child(self, part: Part, word: str, key: Any, hidden: frozenset[str], *, is_reversed: bool) -> Any:
        """Return a schema inside another one as a consumer sees it."""
        if word == "properties":
            self.names.add(key)
            if key in hidden and not self._is_allowing and not is_reversed:
                return True
        is_reversed = is_reversed or word in _REVERSING
        if word not in _MEMBERS:
            return self._written(part, hidden, is_reversed=is_reversed)
        node = self._normal.node((part,))
        written = self._written(part, _hidden_properties(node, self._access), is_reversed=is_reversed)
        restrictions = [] if is_reversed else self._restrictions(node)
        if not restrictions:
            return written
        return {"allOf": [written, *restrictions]}

    def _restrictions(self, node: Node) -> list[Any]:
        """Return schemas that rule out undeclared names in the values of a node.

        A value has none that no alternative declares, nor any that the alternative which it meets does not declare.
        """
        if self._undeclared is None or not node.takes("object"):
            return []
        names = _declared_names(node)
        if not names.is_open:
            return []
        restrictions = [_schema_without(self._undeclared - names.declared)]
        for choice in node.choices:
            shared = _declared_names(node, but=choice).declared
            branches = [(schema, _declared_names(self._normal.node(schema)).declared) for schema in choice.branches]
            every = self._undeclared.union(*(declared for _, declared in branches))
            alternatives: list[Any] = [
                {"allOf": [*map(self._alternative_part, schema), _schema_without(every - shared - declared)]}
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


def _schema_without(names: frozenset[str]) -> Any:
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


class Question:
    """Whether a schema of one document allows every value that a schema of the other document allows.

    The engine gets both as a consumer sees them; a counterexample holds for the schemas as they are written too.
    """

    def __init__(self, allowing: Node, forbidding: Node, access: str, *, is_text: bool = False) -> None:
        """Prepare the question. `is_text`: values are sent as text.

        Raises one of `FAILURES` if a schema is too large, or the engine cannot read it.
        """
        wide = _SchemaWriter(forbidding.normal, access, is_allowing=False)
        self._forbidding = wide.write(forbidding)
        if is_text and not wide.has_one_of:
            # Alternatives of `oneOf` would no longer exclude each other.
            wide = _SchemaWriter(forbidding.normal, access, is_allowing=False, is_text=True)
            self._forbidding = wide.write(forbidding)
        narrow = _SchemaWriter(allowing.normal, access, is_allowing=True, undeclared=frozenset(wide.names))
        self._allowing = _with_wider_patterns(narrow.write(allowing), wide.patterns)
        if is_text:
            self._allowing = _without_null(self._allowing)
        self._nodes = allowing, forbidding
        self._access = access
        self._is_text = is_text
        self.size = wide.count + narrow.count

    @cached_property
    def _canonical(self) -> tuple[Any, Any]:
        """The schema that allows and the one that must allow it too, in the engine's canonical form."""
        return _canonical(self._allowing), _canonical(self._forbidding)

    @cached_property
    def _canonical_as_written(self) -> tuple[Any, Any]:
        """The two schemas as they are in the documents, in the engine's canonical form."""
        allowing, forbidding = self._as_written
        return _canonical(allowing), _canonical(forbidding)

    @cached_property
    def verdict(self) -> Verdict:
        """Whether the second schema allows every value of the first: `proven`, `refuted` or `undecided`."""
        from jsonschema_rs import ReferencingError, canonical

        try:
            allowing, forbidding = self._canonical
            containment = forbidding.covers(allowing)
            is_unknown = containment == canonical.Containment.UNKNOWN
            is_not_proven = containment != canonical.Containment.YES
            # A text that some value is sent as has a reading that the other schema allows too. Any other value that a
            # consumer sees is valid as the schema is written, which is easier to decide.
            if (is_not_proven and self._is_text) or (is_unknown and self.allows_as_written):
                allowing, forbidding = self._canonical_as_written
                if forbidding.covers(allowing) == canonical.Containment.YES:
                    return "proven"
        except (*FAILURES, ReferencingError):
            return "undecided"
        if containment == canonical.Containment.YES:
            return "proven"
        if containment == canonical.Containment.NO:
            return "refuted"
        return "undecided"

    def difference(self) -> Any:
        """Return a schema of the values that only the first schema allows.

        Raises one of `FAILURES` if the engine cannot compute it.
        """
        allowing, forbidding = self._canonical
        return allowing.subtract(forbidding).to_json_schema()

    def is_counterexample(self, value: Any) -> bool:
        """Return whether only the first schema allows a value, as a consumer sees them and as they are written."""
        allowing, forbidding = self._validators
        return all(schema.is_valid(value) for schema in allowing) and not any(
            schema.is_valid(value) for schema in forbidding
        )

    @cached_property
    def allows_as_written(self) -> bool:
        """Whether the first schema allows a consumer exactly the values that it allows as written, flags ignored."""
        node = self._nodes[0]
        visible, written = (
            _SchemaWriter(node.normal, access, is_allowing=True).write(node) for access in (self._access, "")
        )
        return visible == written

    @cached_property
    def _as_written(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The two schemas as they are in the documents."""
        allowing, forbidding = (_SchemaWriter(node.normal, "", is_allowing=False).write(node) for node in self._nodes)
        if self._is_text:
            allowing = _without_null(allowing)
        return allowing, forbidding

    @cached_property
    def _validators(self) -> tuple[list[Any], list[Any]]:
        """The engine's validators of both schemas, each as a consumer sees it and as it is written."""
        as_written = self._as_written
        allowing, forbidding = (self._allowing, as_written[0]), (self._forbidding, as_written[1])
        return list(map(_validator, allowing)), list(map(_validator, forbidding))


class Overlaps:
    """The values that alternatives of two documents have in common, as a consumer sees them.

    A value that meets one alternative of the allowing document alone has no property that only others declare, unless
    a schema beside the alternatives declares it too.
    """

    def __init__(self, allowing: Node, choice: Alternatives, access: str) -> None:
        """Prepare the overlaps with the alternatives that the allowing schema offers."""
        self._access = access
        self._is_open = _declared_names(allowing).is_open
        self._beside = _declared_names(allowing, but=choice).declared
        self._writers: dict[Node, tuple[_SchemaWriter, dict[str, Any]]] = {}
        self._forms: dict[tuple[Node, frozenset[str]], Any] = {}

    def size(self, *nodes: Node) -> int:
        """Return how many schemas the nodes contain together.

        Raises one of `FAILURES` if one is too large, or has properties that are in no value.
        """
        return sum(self._written(node)[0].count for node in nodes)

    def are_within(self, branch: Node, opposite: Node, containing: Node | None) -> bool:
        """Return whether the engine proves that `containing` allows each value that `branch` and `opposite` allow.

        `branch` is the alternative of the allowing document. `containing` is None for a schema without values. Raises
        one of `FAILURES` as `size` does.
        """
        from jsonschema_rs import ReferencingError, canonical

        absent = frozenset[str]()
        if self._is_open:
            compared = [node for node in (opposite, containing) if node is not None]
            absent = absent.union(*(self._written(node)[0].names for node in compared))
            absent -= self._beside | _declared_names(branch).declared
        try:
            common = self._canonical_without(branch, absent).intersect(self._canonical_without(opposite))
            outer = _canonical({"not": {}})
            if containing is not None:
                outer = self._canonical_without(containing)
            return bool(outer.covers(common) == canonical.Containment.YES)
        except (*FAILURES, ReferencingError):
            return False

    def _canonical_without(self, node: Node, absent: frozenset[str] = frozenset()) -> Any:
        """Return the canonical form of a schema whose values have none of the absent properties."""
        if (node, absent) not in self._forms:
            _, schema = self._written(node)
            restricted = {**schema, "allOf": [*schema["allOf"], _schema_without(absent)]}
            self._forms[node, absent] = _canonical(restricted)
        return self._forms[node, absent]

    def _written(self, node: Node) -> tuple[_SchemaWriter, dict[str, Any]]:
        """Return a schema and its writer; raises `LookupError` unless a consumer sees the schema as it is written."""
        if node not in self._writers:
            writers = [_SchemaWriter(node.normal, flag, is_allowing=False) for flag in (self._access, "")]
            visible, written = (writer.write(node) for writer in writers)
            if visible != written:
                raise LookupError(self._access)
            self._writers[node] = writers[0], written
        return self._writers[node]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of the same values without null, which no text stands for."""
    return {**schema, "allOf": [*schema["allOf"], {"type": sorted(TYPES)}]}


def _canonical(schema: dict[str, Any]) -> Any:
    """Return the engine's canonical form of a schema; raises `LookupError` if it has too many combinations."""
    from jsonschema_rs import canonicalize

    if not Combinations(schema, "").are_bounded(schema):
        raise LookupError("combinations")
    return canonicalize(schema, draft=20, validate_formats=True, offline=True)


def _validator(schema: dict[str, Any]) -> Any:
    """Return the engine's validator of a schema, with formats."""
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(schema, validate_formats=True, ignore_unknown_formats=True, offline=True)


def _with_wider_patterns(schema: Any, patterns: Collection[str]) -> Any:
    """Return an equivalent schema that adds, to each pattern, the patterns of the other side that contain it."""
    if isinstance(schema, list):
        return [_with_wider_patterns(item, patterns) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: value if key in _VALUES else _with_wider_patterns(value, patterns) for key, value in schema.items()}
    pattern = schema.get("pattern")
    if not isinstance(pattern, str):
        return changed
    wider = [name for name in sorted(patterns) if name != pattern and contains(name, pattern).is_contained]
    if not wider:
        return changed
    return {"allOf": [changed, *({"pattern": name} for name in wider)]}
