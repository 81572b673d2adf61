"""Finds changed parts that the gate does not compare: those that are new in OpenAPI 3.2, and how bodies are XML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.document import escape_token, value_at
from pytest_bctrl.contract.valid_parts import Exclusion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_bctrl.contract.document import Document

_SPECIFICATION = frozenset(
    {"itemSchema", "itemEncoding", "prefixEncoding", "defaultMapping", "deviceAuthorization", "nodeType"}
)
"""Members new in OpenAPI 3.2 that specify requests and responses; a change of one may break a consumer."""
_DOCUMENTATION = frozenset({"$self", "oauth2MetadataUrl", "parent", "kind", "deprecated"})
"""New members that do not."""
_PARENTS = {"parent": "/tags", "kind": "/tags", "deprecated": "/components/securitySchemes"}
"""The pointer of the objects in which a member is new; elsewhere it is older, or an arbitrary name."""
_XML = "xml"
_XML_MEDIA_TYPE = re.compile(r"[^/;]+/(?:[^;]*\+)?xml\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)
_IS_NEW = "it is new in OpenAPI 3.2, and only its text was compared"
_IS_XML = "it specifies how a value is written as XML, and only its text was compared"


def uncompared_parts(base: Document, revision: Document) -> tuple[list[Exclusion], list[str]]:
    """Return the changed parts that are not compared and may break a consumer, and notes on those that break none."""
    names = frozenset[str]()
    if any(document.version.startswith("3.2") for document in (base, revision)):
        names |= _SPECIFICATION | _DOCUMENTATION
    if _has_xml(base.data) or _has_xml(revision.data):
        names |= {_XML}
    if not names:
        return [], []
    old, new = (dict(_parts_under(names, document.data)) for document in (base, revision))
    changed = [pointer for pointer in dict.fromkeys([*old, *new]) if old.get(pointer) != new.get(pointer)]
    hint = "compare it by hand"
    excluded, notes = [], []
    for pointer in changed:
        name = pointer.rpartition("/")[2]
        if name == _XML:
            excluded.append(Exclusion(name, pointer, pointer, _IS_XML, hint))
        elif name in _SPECIFICATION:
            excluded.append(Exclusion(name, pointer, pointer, _IS_NEW, hint))
        else:
            notes.append(f"{revision.name}: {name}, which is new in OpenAPI 3.2, was changed, at #{pointer}")
    return excluded, notes


def _parts_under(names: frozenset[str], document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a document under these keywords by their pointers, each with all that it refers to."""
    from pytest_bctrl.contract.reach import Reach
    from pytest_bctrl.contract.references import keyword_objects

    reach = Reach(document)
    for value, pointer, _, _ in keyword_objects(document):
        for key in names & value.keys():
            parent = pointer.rpartition("/")[0]
            if _PARENTS.get(key, parent) != parent:
                continue
            part = f"{pointer}/{escape_token(key)}"
            yield part, [(inner, value_at(document, inner)) for inner in sorted(reach.reachable([part]))]


def _has_xml(document: dict[str, Any]) -> bool:
    """Return whether a body of a document is XML."""
    from pytest_bctrl.contract.references import keyword_objects

    contents = (value.get("content") for value, _, _, _ in keyword_objects(document))
    return any(
        isinstance(name, str) and _XML_MEDIA_TYPE.fullmatch(name)
        for content in contents
        if isinstance(content, dict)
        for name in content
    )
