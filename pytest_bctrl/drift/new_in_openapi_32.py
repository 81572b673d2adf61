"""Finds changed parts that are new in OpenAPI 3.2 and that the gate does not compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.document import escape_token, value_at
from pytest_bctrl.contract.valid_parts import Exclusion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_bctrl.contract.document import Document

_SPECIFICATION = frozenset(
    {"itemSchema", "itemEncoding", "prefixEncoding", "defaultMapping", "deviceAuthorization", "nodeType"}
)
"""Members that specify requests and responses; a change of one may break a consumer."""
_DOCUMENTATION = frozenset({"$self", "oauth2MetadataUrl", "parent", "kind", "deprecated"})
"""Members that do not."""
_PARENTS = {"parent": "/tags", "kind": "/tags", "deprecated": "/components/securitySchemes"}
"""The pointer of the objects in which a member is new; elsewhere it is older, or an arbitrary name."""


def uncompared_parts(base: Document, revision: Document) -> tuple[list[Exclusion], list[str]]:
    """Return the changed parts that are new in OpenAPI 3.2 and may break a consumer, and notes on the others."""
    old, new = (dict(_new_parts(document.data)) for document in (base, revision))
    changed = [pointer for pointer in dict.fromkeys([*old, *new]) if old.get(pointer) != new.get(pointer)]
    problem, hint = "it is new in OpenAPI 3.2, and only its text was compared", "compare it by hand"
    excluded, notes = [], []
    for pointer in changed:
        name = pointer.rpartition("/")[2]
        if name in _SPECIFICATION:
            excluded.append(Exclusion(name, pointer, pointer, problem, hint))
        else:
            notes.append(f"{revision.name}: {name}, which is new in OpenAPI 3.2, was changed, at #{pointer}")
    return excluded, notes


def _new_parts(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parts that are new in OpenAPI 3.2 by their pointers, each with all that it refers to."""
    from pytest_bctrl.contract.reach import Reach
    from pytest_bctrl.contract.references import keyword_objects

    reach = Reach(document)
    for value, pointer, _, _ in keyword_objects(document):
        for key in (_SPECIFICATION | _DOCUMENTATION) & value.keys():
            parent = pointer.rpartition("/")[0]
            if _PARENTS.get(key, parent) != parent:
                continue
            part = f"{pointer}/{escape_token(key)}"
            yield part, [(inner, value_at(document, inner)) for inner in sorted(reach.reachable([part]))]
