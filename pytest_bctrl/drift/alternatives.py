"""Reads `oneOf` and `anyOf`: null taken out, and lists of types or values told from real alternatives."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from pytest_bctrl.drift.spec import Part, Spec, refers, value_key

Kind = Literal["oneOf", "anyOf"]
Schema = tuple[Part, ...]
_KINDS: tuple[Kind, ...] = ("oneOf", "anyOf")
_WRAPPINGS = 8
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})
_NOTHING: dict[str, Any] = {
    **dict.fromkeys(("minItems", "minLength", "minProperties"), 0), "required": [], "properties": {},
    **dict.fromkeys(("not", "uniqueItems", "readOnly", "writeOnly", "nullable"), False),
}  # fmt: skip
_LEFT_OVER = frozenset(("unevaluatedItems", "unevaluatedProperties"))
_WRAPS = frozenset(("allOf", "anyOf", "oneOf"))
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
        written = gist(branch, spec) if kind == "anyOf" else ""
        if target.pointer in seen or written in seen:
            continue
        seen.update(filter(None, (target.pointer, written)))
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
    if _said(target, spec).keys() != {"anyOf"}:
        return []
    inner = spec.items(target / "anyOf")
    return [] if any(_is_null(_said(_unwrapped(spec.resolve(part), spec), spec)) for part in inner) else inner


def _simple(branch: Part, target: Part, spec: Spec) -> dict[str, Any] | None:
    """The keywords of a branch where they are only a type or values, else None."""
    if not isinstance(target.value, dict):
        return None
    schema = target.value
    if branch is not target and branch.value is not schema and not spec.is_30:
        schema = {**schema, **{key: value for key, value in branch.value.items() if key != "$ref"}}
    said = _said(_unwrapped(Part(schema, target.pointer), spec), spec)
    kind = said.get("type")
    if isinstance(kind, list) and len(kind) == 1:
        said["type"] = kind[0]
    if said.get("type") == "boolean" and {*map(repr, said.get("enum") or ())} == {"True", "False"}:
        del said["enum"]
    return said if said and said.keys() <= {"type", "enum", "const"} else None


def _unwrapped(target: Part, spec: Spec) -> Part:
    """What stands alone in the `allOf`, `anyOf` or `oneOf` that is all a schema says, and so means the same."""
    for _ in range(_WRAPPINGS):
        said = _said(target, spec)
        keyword = next(iter(said), "")
        if len(said) != 1 or keyword not in _WRAPS or not isinstance(said[keyword], list):
            break
        inner = {repr(part.value): part for part in spec.items(target / keyword)}
        if keyword == "allOf":
            inner = {text: part for text, part in inner.items() if not says_nothing(part, spec)}
        elif keyword == "oneOf" and len(inner) < len(said[keyword]):
            break
        else:
            inner = {text: part for text, part in inner.items() if part.value is not False}
        if len(inner) != 1:
            break
        target = spec.resolve(*inner.values())
    return target


def says_nothing(part: Part, spec: Spec, depth: int = 0) -> bool:
    """Tell a schema that is written so that it takes anything, however long it is at that."""
    if not isinstance(part.value, dict) or depth > _WRAPPINGS:
        return part.value is True
    if refers(part.value):
        target = spec.target(part)
        return target.value is not part.value and says_nothing(target, spec, depth + 1)
    return not _said(part, spec, depth)


def gist(part: Part, spec: Spec) -> str:
    """What a schema says, as a text that is the same for the same words, whatever stands beside them."""
    return repr(_gist(part, spec)) if isinstance(part.value, dict) else repr(part.value)


def _gist(part: Part, spec: Spec) -> Any:
    part = _unwrapped(part, spec)
    if not isinstance(part.value, dict):
        return part.value
    found: list[Any] = []
    for keyword, value in sorted(_said(part, spec).items()):
        if keyword in ("items", "additionalProperties", "not"):
            found.append((keyword, _gist(part / keyword, spec)))
        elif keyword in _WRAPS and isinstance(value, list):
            found.append((keyword, sorted(repr(_gist(one, spec)) for one in spec.items(part / keyword))))
        elif keyword == "properties" and isinstance(value, dict):
            found.append((keyword, [(name, _gist(one, spec)) for name, one in sorted(spec.members(part / keyword))]))
        else:
            is_set = keyword in ("type", "enum", "required") and isinstance(value, list)
            found.append((keyword, sorted({*map(repr, value)}) if is_set else value))
    return found


def _said(part: Part, spec: Spec, depth: int = 0) -> dict[str, Any]:
    """The keywords that say something of what a value may be."""
    schema = part.value if isinstance(part.value, dict) else {}
    return {
        key: value
        for key, value in schema.items()
        if key not in _SAYS_NOTHING and not key.startswith("x-") and not _is_vacuous(part, key, value, spec, depth)
    }


def _is_vacuous(part: Part, keyword: str, value: Any, spec: Spec, depth: int) -> bool:
    inside: list[Part] = []
    if keyword == "anyOf" and isinstance(value, list):
        return any(says_nothing(one, spec, depth + 1) for one in spec.items(part / keyword))
    if keyword == "allOf" and isinstance(value, list):
        inside = spec.items(part / keyword)
    elif keyword in ("items", "additionalProperties", "propertyNames") and _LEFT_OVER.isdisjoint(part.value):
        inside = [part / keyword]
    elif keyword in ("patternProperties", "dependentSchemas") and isinstance(value, dict) and _open(part.value):
        inside = [member for _, member in spec.members(part / keyword)]
    elif keyword not in _NOTHING or value != _NOTHING[keyword]:
        return False
    return all(says_nothing(one, spec, depth + 1) for one in inside)


def _open(schema: dict[str, Any]) -> bool:
    return "additionalProperties" not in schema and _LEFT_OVER.isdisjoint(schema)


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
