"""Reads all that the operations of a document use, and finds the schemas that nothing uses."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Iterator
from typing import Any

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.keywords import APPLICATORS, CHILDREN, LISTS, MAPS, subschemas
from pytest_bctrl.contract.outline import (
    Part,
    RawOperation,
    Spec,
    headers,
    is_reference,
    parameters,
    responses,
    schema_parts,
)
from pytest_bctrl.drift.constraints import BOUNDS, is_number
from pytest_bctrl.drift.equality import Equality
from pytest_bctrl.drift.node import TYPES, Node, Schema
from pytest_bctrl.drift.normalize import MAX_PARTS, Normalizer
from pytest_bctrl.drift.place import Place
from pytest_bctrl.drift.report import Report


def used_schemas(spec: Spec, operations: Iterable[RawOperation]) -> Iterator[Schema]:
    """Yield the schemas that operations name, reading all that these are made of.

    Raises `DocumentError` where a part of one cannot be read.
    """
    known: set[str] = set()
    for operation in operations:
        for parameter in parameters(spec, operation).values():
            yield parameter.schema
        bodies = [spec.resolve(operation.part / "requestBody"), *responses(spec, operation).values()]
        for body in bodies:
            if body.pointer in known:
                continue
            known.add(body.pointer)
            for header in headers(spec, body).values() if "headers" in spec.mapping(body) else ():
                if header.part.pointer not in known:
                    known.add(header.part.pointer)
                    yield header.schema
            for _, media in spec.members(body / "content"):
                spec.mapping(media)
                yield schema_parts(media)


def read_schemas(normal: Normalizer, schemas: Iterable[Schema], known: Container[str]) -> None:
    """Read schemas to their end, in short where their words are of the right form: most are.

    What they lead to counts as used; `known` are references that need not be followed. Raises `DocumentError` where a
    part of them cannot be read.
    """
    spec, uses = normal.spec, dict[str, set[str]]()
    # Of each: what is written, where, and the reference of which it says all or a part at once.
    waiting: list[tuple[Any, Trail, str]] = [(part.value, part.pointer, "") for schema in schemas for part in schema]
    while waiting:
        value, trail, user = waiting.pop()
        if isinstance(value, bool):
            continue
        is_plain = isinstance(value, dict)
        holding = []
        for word, said in value.items() if is_plain else ():
            form = _FORMS.get(word)
            if form is not None:
                is_plain = is_plain and form(said)
                holding += [word] if word in APPLICATORS else []
        if not is_plain:
            # A word is of a wrong form, or left to be read in full.
            normal.node((Part(value, _pointer(trail)),))
            continue
        if is_reference(value):
            ref = str(value.get("$ref") or value.get("$dynamicRef"))
            uses.setdefault(user, set()).add(ref)
            if ref not in uses and ref not in known:
                uses[ref] = set()
                part = spec.target(Part(value, _pointer(trail)))
                spec.seen.add(part.pointer)
                waiting.append((part.value, part.pointer, ref))
        waiting += [
            (inner, (trail, word, key), user if word in _AT_ONCE else "")
            for word, key, inner in subschemas(value, holding)
        ]
    _read_rings(normal, uses)


def _read_rings(normal: Normalizer, uses: dict[str, set[str]]) -> None:
    """Read what says at once what it says itself, or a long chain of such: it never ends, or is refused as too deep."""
    uses.pop("", None)
    for _ in range(_CHAIN):
        uses = {ref: targets & uses.keys() for ref, targets in uses.items() if targets & uses.keys()}
    for ref in uses:
        normal.node((Part({"$ref": ref}, ref[1:]),))


def _pointer(trail: Trail) -> str:
    tokens: list[str] = []
    while isinstance(trail, tuple):
        trail, word, key = trail
        tokens += [f"/{word}" if key is None else f"/{word}/{escape_token(str(key))}"]
    return trail + "".join(reversed(tokens))


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and set(map(type, value)) <= {str}


def _is_type(value: Any) -> bool:
    return value in TYPES if isinstance(value, str) else _are_names(value) and TYPES.issuperset({*value} - {"null"})


_AT_ONCE = frozenset(("allOf", "anyOf", "oneOf"))
_FORMS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(CHILDREN, lambda _: True),
    **dict.fromkeys(("readOnly", "writeOnly", "deprecated", "uniqueItems"), lambda value: isinstance(value, bool)),
    **dict.fromkeys(("format", "pattern", "contentEncoding", "contentMediaType"), lambda value: isinstance(value, str)),
    **dict.fromkeys((*BOUNDS,), is_number), **dict.fromkeys(MAPS, lambda value: isinstance(value, dict)),
    **dict.fromkeys(LISTS, lambda value: isinstance(value, list) and len(value) <= MAX_PARTS),
    **dict.fromkeys(("discriminator", "multipleOf", "dependentRequired", "x-extensible-enum"), lambda _: False),
    "enum": lambda value: isinstance(value, list), "required": _are_names, "type": _is_type,
}  # fmt: skip
"""What tells, of the words that are read, that there is nothing wrong with one; some are left to be read in full."""
_CHAIN = 20
Trail = str | tuple[Any, str, Any]


def note_unused_schemas(report: Report) -> None:
    """Note component schemas that no operation leads to and that have no equal on the other side, whatever its name."""
    sides, before, after = report.sides, _components(report.base), _components(report.revision)
    # Both are looked at before any is compared: what is compared counts as used from then on.
    gone = [part for pointer, part in before.items() if pointer not in after and pointer not in report.base.seen]
    come = [part for pointer, part in after.items() if pointer not in before and pointer not in report.revision.seen]
    for part in _without_equal(sides.equality, gone, sides.old, after, sides.new):
        report.add("api-schema-removed", Place(location="schemas"), part.pointer.rpartition("/")[2], None, part.pointer)
    for part in _without_equal(sides.equality, come, sides.new, before, sides.old):
        name = part.pointer.rpartition("/")[2]
        report.add("api-schema-added", Place(location="schemas"), None, name, "", part.pointer)


def _without_equal(
    equality: Equality, parts: list[Part], normal: Normalizer, others: dict[str, Part], other: Normalizer
) -> list[Part]:
    """Return the schemas of one side that have no equal among those of the other, which are read once for all."""
    by_words: dict[Hashable, list[Node]] = {}
    for node in [other.node((part,)) for part in others.values() if parts]:
        by_words.setdefault(equality.says(node), []).append(node)
    nodes = [(part, normal.node((part,))) for part in parts]
    return [
        part
        for part, own in nodes
        if not any(equality.equal(own, node) for node in by_words.get(equality.says(own), ()))
    ]


def _components(spec: Spec) -> dict[str, Part]:
    return {part.pointer: part for _, part in spec.members(spec.root / "components" / "schemas")}
