"""Reads every schema that the operations of a document use, and finds unused schemas."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Iterator
from typing import Any

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.keywords import APPLICATORS, CHILDREN, LISTS, MAPS, subschemas
from pytest_bctrl.contract.outline import RawOperation, headers, parameters, responses, schema_parts
from pytest_bctrl.contract.spec import Part, Spec, is_reference
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.constraints import NUMBERS, is_number
from pytest_bctrl.drift.equality import Equality
from pytest_bctrl.drift.node import TYPES, Node, Schema
from pytest_bctrl.drift.normalize import MAX_PARTS, Normalizer
from pytest_bctrl.drift.report import Report


def used_schemas(spec: Spec, operations: Iterable[RawOperation]) -> Iterator[Schema]:
    """Yield the schemas of operations: of parameters, bodies and headers.

    Raises `DocumentError` if a part of an operation cannot be read.
    """
    pointers: set[str] = set()
    for operation in operations:
        for parameter in parameters(spec, operation).values():
            yield parameter.schema
        bodies = [spec.resolve(operation.part / "requestBody"), *responses(spec, operation).values()]
        for body in bodies:
            if body.pointer in pointers:
                continue
            pointers.add(body.pointer)
            if "headers" in spec.mapping(body):
                for header in headers(spec, body).values():
                    if header.part.pointer not in pointers:
                        pointers.add(header.part.pointer)
                        yield header.schema
            for _, media in spec.members(body / "content"):
                yield schema_parts(spec.resolve(media, "mediaTypes"))


def read_schemas(normal: Normalizer, schemas: Iterable[Schema], unchanged: Container[str]) -> None:
    """Read schemas and all that they lead to, without normalising those with valid keywords, as most have.

    All that they lead to counts as used. References that are in `unchanged` are not followed. Raises `DocumentError` if
    a part of them cannot be read.
    """
    spec, uses = normal.spec, dict[str, set[str]]()
    # The schema, its trail, and the reference that it belongs to: its target, or an alternative or `allOf` branch.
    waiting: list[tuple[Any, Trail, str]] = [(part.value, part.pointer, "") for schema in schemas for part in schema]
    while waiting:
        value, trail, user = waiting.pop()
        if isinstance(value, bool):
            continue
        if not isinstance(value, dict) or not _has_valid_keywords(value):
            # A keyword has a value of a wrong type, or only the normaliser reads it.
            normal.node((Part(value, _joined_pointer(trail)),))
            continue
        if is_reference(value):
            ref = str(value.get("$ref") or value.get("$dynamicRef"))
            uses.setdefault(user, set()).add(ref)
            if ref not in uses and ref not in unchanged:
                uses[ref] = set()
                part = spec.target(Part(value, _joined_pointer(trail)))
                spec.seen.add(part.pointer)
                waiting.append((part.value, part.pointer, ref))
        applicators = [word for word in value if word in APPLICATORS and word in _IS_VALID]
        for word, key, inner in subschemas(value, applicators):
            inner_user = user if word in _IN_PLACE else ""
            waiting.append((inner, (trail, word, key), inner_user))
    _normalize_cycles(normal, uses)


def _has_valid_keywords(schema: dict[str, Any]) -> bool:
    """Return whether all keywords certainly have valid values; False if one is left to the normaliser."""
    return all(_IS_VALID[word](value) for word, value in schema.items() if word in _IS_VALID)


def _normalize_cycles(normal: Normalizer, uses: dict[str, set[str]]) -> None:
    """Normalise schemas that are part of themselves or of a long chain, which raises `DocumentError` if endless."""
    uses.pop("", None)
    for _ in range(_MAX_CHAIN):
        uses = {ref: targets & uses.keys() for ref, targets in uses.items() if targets & uses.keys()}
    for ref in uses:
        normal.node((Part({"$ref": ref}, ref[1:]),))


def _joined_pointer(trail: Trail) -> str:
    """Return the pointer that a trail of keywords and keys spells."""
    tokens: list[str] = []
    while isinstance(trail, tuple):
        trail, word, key = trail
        tokens += [f"/{word}" if key is None else f"/{word}/{escape_token(str(key))}"]
    return trail + "".join(reversed(tokens))


def _is_list_of_names(value: Any) -> bool:
    """Return whether a value is a list of strings."""
    return isinstance(value, list) and set(map(type, value)) <= {str}


def _is_type(value: Any) -> bool:
    """Return whether a value is valid as `type`."""
    if isinstance(value, str):
        return value in TYPES
    return _is_list_of_names(value) and TYPES.issuperset({*value} - {"null"})


_IN_PLACE = frozenset(("allOf", "anyOf", "oneOf"))
_IS_VALID: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(CHILDREN, lambda _: True),
    **dict.fromkeys(("readOnly", "writeOnly", "deprecated", "uniqueItems"), lambda value: isinstance(value, bool)),
    **dict.fromkeys(("format", "pattern", "contentEncoding", "contentMediaType"), lambda value: isinstance(value, str)),
    **dict.fromkeys(NUMBERS, is_number), **dict.fromkeys(MAPS, lambda value: isinstance(value, dict)),
    **dict.fromkeys(LISTS, lambda value: isinstance(value, list) and len(value) <= MAX_PARTS),
    **dict.fromkeys(("discriminator", "multipleOf", "dependentRequired", "x-extensible-enum"), lambda _: False),
    "enum": lambda value: isinstance(value, list), "required": _is_list_of_names, "type": _is_type,
}  # fmt: skip
"""For each keyword, whether its value is certainly valid; some keywords are always left to the normaliser."""
_MAX_CHAIN = 20
Trail = str | tuple[Any, str, Any]


def note_unused_schemas(report: Report) -> None:
    """Note component schemas that no operation uses and that have no equal on the other side, under any name."""
    sides, before, after = report.sides, _component_schemas(report.base), _component_schemas(report.revision)
    # Both lists are built before any comparison, as a schema that is compared counts as used.
    gone = [part for pointer, part in before.items() if pointer not in after and pointer not in report.base.seen]
    come = [part for pointer, part in after.items() if pointer not in before and pointer not in report.revision.seen]
    for part in _without_equal(sides.equality, gone, sides.old, after, sides.new):
        report.add(
            "api-schema-removed", ChangeLocation(path="schemas"), part.pointer.rpartition("/")[2], None, part.pointer
        )
    for part in _without_equal(sides.equality, come, sides.new, before, sides.old):
        name = part.pointer.rpartition("/")[2]
        report.add("api-schema-added", ChangeLocation(path="schemas"), None, name, "", part.pointer)


def _without_equal(
    equality: Equality, parts: list[Part], normal: Normalizer, others: dict[str, Part], others_normal: Normalizer
) -> list[Part]:
    """Return the schemas of one side that have no equal on the other side."""
    by_words: dict[Hashable, list[Node]] = {}
    if not parts:
        return []
    for other_node in [others_normal.node((part,)) for part in others.values()]:
        by_words.setdefault(equality.own_key(other_node), []).append(other_node)
    unequal = []
    for part, node in [(part, normal.node((part,))) for part in parts]:
        candidates = by_words.get(equality.own_key(node), ())
        if not any(equality.equal(node, candidate) for candidate in candidates):
            unequal.append(part)
    return unequal


def _component_schemas(spec: Spec) -> dict[str, Part]:
    """Return the schemas under `components/schemas` by pointer, such as `/components/schemas/Pet`."""
    return {part.pointer: part for _, part in spec.members(spec.root / "components" / "schemas")}
