"""Reads what has nothing on the other side to be compared with: added and removed operations, unused schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.drift.compare_parameters import read_parameters, read_value
from pytest_bctrl.drift.compare_responses import read_responses
from pytest_bctrl.drift.compare_security import read_security, schemes
from pytest_bctrl.drift.match import operations
from pytest_bctrl.drift.report import Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_bctrl.drift.compare_schema import SchemaComparison
    from pytest_bctrl.drift.match import Operation
    from pytest_bctrl.drift.node import Schema
    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.spec import Part, Spec

_EXHAUSTIVE = 2500
_SCHEMAS = Place("response-body", "", "", "schemas")


def read_operation(spec: Spec, normal: Normalizer, operation: Operation) -> None:
    """Read all that an operation is made of, so that a document that cannot be read is told of as such.

    What it leads to counts as used. Raises `DocumentError` where a part of it cannot be read.
    """
    read_security(spec, operation, schemes(spec))
    found = [parameter.schema for parameter in read_parameters(spec, operation).values()]
    bodies = [spec.resolve(operation.part / "requestBody"), *read_responses(spec, operation).values()]
    for body in bodies:
        for _, header in spec.members(body / "headers"):
            found.append(read_value(spec, spec.resolve(header))[0])
        for _, media in spec.members(body / "content"):
            if spec.mapping(media).get("schema") is not None:
                found.append((media / "schema",))
    _read_schemas(normal, found)


def _read_schemas(normal: Normalizer, waiting: list[Schema]) -> None:
    read: set[tuple[str, ...]] = set()
    while waiting:
        node = normal.node(waiting.pop())
        if node.key in read:
            continue
        read.add(node.key)
        waiting += [*node.children.values(), *node.prefix]
        waiting += [schema for schemas in node.maps.values() for schema in schemas.values()]
        waiting += [(branch,) for choice in node.choices for branch in choice.branches]


def note_unused_schemas(walk: SchemaComparison) -> None:
    """Note component schemas that no operation leads to and that have no equal on the other side, whatever its name."""
    report = walk.report
    before, after = _components(report.base), _components(report.revision)
    if len(before) * len(after) > _EXHAUSTIVE:
        return
    # Both are read before any is compared: what is compared counts as used from then on.
    gone = _unused(before, after, report.base, walk.old)
    come = _unused(after, before, report.revision, walk.new)
    for pointer, part in gone:
        if not any(walk.equal((part,), (other,), _SCHEMAS) for other in after.values()):
            report.add("api-schema-removed", _SCHEMAS, pointer.rpartition("/")[2], None, pointer)
    for pointer, part in come:
        if not any(walk.equal((other,), (part,), _SCHEMAS) for other in before.values()):
            report.add("api-schema-added", _SCHEMAS, None, pointer.rpartition("/")[2], "", pointer)


def _components(spec: Spec) -> dict[str, Part]:
    return {part.pointer: part for _, part in spec.members(spec.root / "components" / "schemas")}


def _unused(
    schemas: dict[str, Part], others: dict[str, Part], spec: Spec, normal: Normalizer
) -> Iterable[tuple[str, Part]]:
    lone = schemas.keys() - others.keys() - spec.seen
    if lone:
        # Below what came, went or became another type nothing was compared; it is used all the same.
        for operation in operations(spec):
            read_operation(spec, normal, operation)
    return [(pointer, schemas[pointer]) for pointer in schemas if pointer in lone - spec.seen]
