"""Reads `oneOf` and `anyOf`: null taken out, and lists of types or values told from real alternatives."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from pytest_bctrl.drift.spec import Part, Spec, refers, value_key

Kind = Literal["oneOf", "anyOf"]
Schema = tuple[Part, ...]
_KINDS: tuple[Kind, ...] = ("oneOf", "anyOf")
_WRAPPINGS = 8
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})
_NOTHING: dict[str, Any] = {"minItems": 0, "minLength": 0, "minProperties": 0, "required": [], "properties": {}}
_SAYS_NOTHING = frozenset(
    ("title", "description", "example", "examples", "externalDocs", "xml", "$comment", "$id", "$anchor", "deprecated")
)


class Choice(NamedTuple):
    """Alternatives without the one for null. `types` or `values` where each of them only names such."""

    kind: Kind
    branches: list[Schema]
    pointer: str
    with_null: bool
    types: frozenset[str]
    values: dict[Any, Any] | None

    @property
    def is_named(self) -> bool:
        """Whether the alternatives are only types or only values."""
        return bool(self.types) or self.values is not None

    @property
    def is_types(self) -> bool:
        """Whether the alternatives are a list of types and nothing else."""
        return bool(self.types) and self.values is None


def read_alternatives(part: Part, spec: Spec) -> list[Choice]:
    """Return the alternatives that a schema offers: none, one or both of `oneOf` and `anyOf`."""
    found = [_read(part / kind, kind, spec) for kind in _KINDS if part.value.get(kind) is not None]
    return [choice for choice in found if choice is not None]


def _read(part: Part, kind: Kind, spec: Spec) -> Choice | None:
    """Read alternatives, but for those that no value meets; None where one takes anything, and any of them will do."""
    branches: list[Schema] = []
    seen: set[str] = set()
    with_null = False
    named: list[dict[str, Any] | None] = []
    waiting = spec.items(part)[::-1]
    while waiting:
        branch = waiting.pop()
        target = spec.resolve(branch)
        if target.pointer in seen:
            continue
        seen.add(target.pointer)
        if kind == "anyOf" and (inner := _nested(target, spec)):
            waiting += inner[::-1]
            continue
        if target.value is False and len(waiting) + len(branches) > 0:
            continue
        if kind == "anyOf" and says_nothing(branch, spec):
            return None
        simple = _simple(branch, target, spec)
        if simple is not None and _is_null(simple):
            with_null = True
            continue
        branches.append((branch,))
        named.append(simple)
    return Choice(kind, branches, part.pointer, with_null, *_named(named))


def _nested(target: Part, spec: Spec) -> list[Part]:
    """The alternatives of a branch that is `anyOf` and nothing else: any of any of them is one list.

    None where one of them is null: that is how a branch says that it may be null, and told with the branch.
    """
    target = _unwrapped(target, spec)
    if not isinstance(target.value, dict) or _said(target.value).keys() != {"anyOf"}:
        return []
    inner = spec.items(target / "anyOf")
    values = [_unwrapped(spec.resolve(part), spec).value for part in inner]
    return [] if any(isinstance(value, dict) and _is_null(_said(value)) for value in values) else inner


def _simple(branch: Part, target: Part, spec: Spec) -> dict[str, Any] | None:
    """The keywords of a branch where they are only a type or values, else None."""
    if not isinstance(target.value, dict):
        return None
    schema = target.value
    if branch is not target and branch.value is not schema and not spec.is_30:
        schema = {**schema, **{key: value for key, value in branch.value.items() if key != "$ref"}}
    inner = _unwrapped(Part(schema, target.pointer), spec).value
    said = _said(inner) if isinstance(inner, dict) else {}
    return said if said and said.keys() <= {"type", "enum", "const"} else None


def _unwrapped(target: Part, spec: Spec) -> Part:
    """What stands in an `allOf` of one branch that is all a schema says, and so means the same."""
    for _ in range(_WRAPPINGS):
        said = _said(target.value) if isinstance(target.value, dict) else {}
        if said.keys() != {"allOf"} or not isinstance(said["allOf"], list) or len(said["allOf"]) != 1:
            break
        target = spec.resolve(Part(said["allOf"][0], f"{target.pointer}/allOf/0"))
    return target


def says_nothing(part: Part, spec: Spec, depth: int = 0) -> bool:
    """Tell a schema that is written so that it takes anything, however long it is at that."""
    if not isinstance(part.value, dict) or depth > _WRAPPINGS:
        return part.value is True
    if refers(part.value):
        target = spec.target(part)
        return target.value is not part.value and says_nothing(target, spec, depth + 1)
    for keyword, value in _said(part.value).items():
        if keyword == "allOf" and isinstance(value, list):
            if not all(says_nothing(inner, spec, depth + 1) for inner in spec.items(part / keyword)):
                return False
        elif keyword in ("items", "additionalProperties"):
            if not says_nothing(part / keyword, spec, depth + 1):
                return False
        elif value != _NOTHING.get(keyword, part):
            return False
    return True


def _said(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in _SAYS_NOTHING and not key.startswith("x-")}


def _is_null(said: dict[str, Any]) -> bool:
    if "const" in said:
        return said["const"] is None
    if "enum" in said:
        return bool(said["enum"] == [None])
    return said.get("type") in ("null", ["null"])


def _named(named: list[dict[str, Any] | None]) -> tuple[frozenset[str], dict[Any, Any] | None]:
    """The types, or the values, that all the branches together name."""
    types: set[str] = set()
    values: dict[Any, Any] = {}
    kinds = set()
    for said in named:
        if said is None:
            return frozenset(), None
        kinds.add(said.keys() - {"type"} != set())
        types.update([said["type"]] if isinstance(said.get("type"), str) else [])
        if isinstance(said.get("type"), list):
            return frozenset(), None
        for value in [said["const"]] if "const" in said else said.get("enum") or []:
            values[value_key(value)] = value
    if len(kinds) != 1 or not types <= _TYPES:
        return frozenset(), None
    if kinds == {True}:
        whole = all(said is not None and "type" in said for said in named)
        return (frozenset(types) if whole else frozenset()), values
    return frozenset(types), None
