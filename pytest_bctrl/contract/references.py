"""Resolves references by identifier (`$id`, `$anchor`; JSON Schema 2020-12 core, 8.2) to pointers of the document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote, unquote, urljoin

from pytest_bctrl.contract.document import escape_token, value_at

BASE = "https://contract.invalid/"
"""The base URI of a document without `$id`; no host name ends in `.invalid` (RFC 6761, 6.4)."""

_DATA = frozenset({"example", "default", "const", "enum", "value", "dataValue", "description"})
"""Keywords whose values are data, in which nothing is a reference."""

NAMED = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "$defs", "schemas", "responses", "parameters", "headers"}
    | {"content", "paths", "pathItems", "securitySchemes", "requestBodies", "links", "callbacks", "webhooks"}
    | {"mediaTypes", "additionalOperations", "encoding"}
)
"""Keywords whose members have arbitrary names, which may be those of keywords."""

_IDENTIFIERS = frozenset({"$id", "$anchor", "$dynamicAnchor", "$dynamicRef"})


class KeywordObject(NamedTuple):
    """An object whose keys are keywords, its pointer, its base URI, and whether it is the root of a schema."""

    value: Mapping[str, Any]
    pointer: str
    base: str
    is_root: bool


def keyword_objects(document: Any) -> Iterator[KeywordObject]:
    """Yield every object of a document whose keys are keywords, and not arbitrary names or data."""
    pending = [(document, "", BASE, "")]
    while pending:
        value, pointer, base, parent_key = pending.pop()
        if isinstance(value, list):
            items = [
                (item, f"{pointer}/{index}", base, "")
                for index, item in enumerate(value)
                if isinstance(item, _CONTAINERS)
            ]
            pending += items[::-1]
        elif isinstance(value, dict):
            # OpenAPI allows no reference to a map of names, but documents that are split into files have them.
            are_names = parent_key in NAMED and not isinstance(value.get("$ref"), str)
            if not are_names:
                if isinstance(value.get("$id"), str):
                    base = _joined_uri(base, value["$id"]).rstrip("#")
                yield KeywordObject(value, pointer, base, parent_key in ("schema", "itemSchema", "schemas/"))
            members = [
                (member, f"{pointer}/{escape_token(str(key))}", base, f"{parent_key}/" if are_names else key)
                for key, member in value.items()
                if isinstance(member, _CONTAINERS) and not _is_data(key, member, pointer, are_names=are_names)
            ]
            pending += members[::-1]


_CONTAINERS = (dict, list)


def _is_data(key: Any, member: Any, pointer: str, *, are_names: bool) -> bool:
    """Return whether a member of the object at a pointer is data rather than a part of the document."""
    if str(key).startswith("x-") and pointer not in _EXTENDED:
        # An extension is data. Among names, an `x-` is an extension only where OpenAPI defines the names.
        return (
            not are_names or pointer == "/paths" or (pointer.startswith("/paths/") and pointer.endswith("/responses"))
        )
    # The examples of a schema are a list of values, those of a parameter a map of objects.
    return not are_names and (key in _DATA or (key == "examples" and isinstance(member, list)))


_EXTENDED = frozenset({"", "/components"})
"""Objects whose extensions often contain schemas that references lead to."""


def _joined_uri(base: str, reference: str) -> str:
    """Return a reference resolved against a base URI; the reference itself if it is invalid."""
    try:
        if reference.startswith("#"):
            # `urljoin` does not support fragments of a `urn:`.
            return base.partition("#")[0] + reference
        return urljoin(base, reference)
    except ValueError:
        return reference


class Addresses:
    """Resolves the identifiers of a document, and builds the URIs of its values.

    `objects` are the objects of the document whose keys are keywords.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._bases: dict[str, str] = {}
        self._resources = {BASE: ""}
        self._anchors: dict[str, str] = {}
        self.roots: list[str] = []
        self.has_identifiers = False
        self.objects = list(keyword_objects(document))
        for value, pointer, base, is_root in self.objects:
            self._bases[pointer] = base
            if is_root:
                self.roots.append(pointer)
            if _IDENTIFIERS.isdisjoint(value):
                continue
            self.has_identifiers = True
            if isinstance(value.get("$id"), str):
                self._resources.setdefault(base, pointer)
            for name in (value.get("$anchor"), value.get("$dynamicAnchor")):
                if isinstance(name, str):
                    self._anchors[f"{base}#{name}"] = pointer

    def pointer(self, reference: str, base: str = BASE) -> str | None:
        """Return the pointer that a reference leads to, even without a value there; None for an unknown identifier."""
        uri, _, fragment = _joined_uri(base, reference).partition("#")
        if fragment and not fragment.startswith("/"):
            return self._anchors.get(f"{uri}#{unquote(fragment)}")
        if uri not in self._resources:
            return None
        return self._resources[uri] + unquote(fragment)

    def base(self, pointer: str) -> str:
        """Return the base URI of a value, which is that of the nearest `$id` in it or above it."""
        while pointer not in self._bases:
            pointer = pointer.rpartition("/")[0]
        return self._bases[pointer]

    def uri(self, pointer: str) -> str:
        """Return the absolute URI of a value: the base URI of the nearest `$id`, and the pointer from there."""
        base = self.base(pointer)
        return f"{base}#{quote(pointer.removeprefix(self._resources[base]), safe=FRAGMENT)}"

    def with_local_references(self) -> Mapping[str, Any]:
        """Return the document with references by identifier replaced by pointers; external references remain."""
        if self.has_identifiers:
            return dict(self._with_references(lambda pointer: f"#{pointer}", self._document))
        return self._document

    def as_resource(self) -> dict[str, Any]:
        """Return the document as a JSON Schema resource in which an engine finds the identifiers."""
        resource = dict(self._with_references(self.uri, self._document, BASE))
        if self.has_identifiers:
            # An engine looks for identifiers only where JSON Schema has schemas, and not in the sections of OpenAPI.
            resource["$defs"] = {pointer: value_at(resource, pointer) for pointer in self.roots}
        return resource

    def with_absolute_references(self, schema: Any) -> Any:
        """Return a schema that is not part of the document with URIs as its references to the document."""
        return self._with_references(self.uri, schema)

    def _with_references(self, format_reference: Callable[[str], str], document: Any, base_uri: str = "") -> Any:
        """Return a document whose references are those that `format_reference` returns for their targets' pointers.

        A reference stays if its target is unknown, or if the new one is the old one after `base_uri`.
        """
        objects = self.objects if document is self._document else keyword_objects(document)
        changes: dict[str, Change] = {}
        for value, pointer, base, _ in objects:
            reference = value.get("$ref")
            if not isinstance(reference, str):
                continue
            target = self.pointer(reference, base)
            if target is None:
                continue
            new_reference = format_reference(target)
            if new_reference != f"{base_uri}{reference}":
                changes[pointer] = partial(dict, **{"$ref": new_reference})
        if not changes:
            return document
        return rewrite_objects(document, changes)


Change: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


def rewrite_objects(value: Any, changes: Mapping[str, Change], pointer: str = "") -> Any:
    """Return a copy of a document with the objects at some pointers changed, inner objects first."""
    if isinstance(value, list):
        return [rewrite_objects(item, changes, f"{pointer}/{index}") for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    copy = {key: rewrite_objects(inner, changes, f"{pointer}/{escape_token(str(key))}") for key, inner in value.items()}
    if pointer not in changes:
        return copy
    return changes[pointer](copy)


FRAGMENT = "/~!$&'()*+,;=:@?"
"""Characters that need no encoding in a fragment (RFC 3986, 3.5), besides letters, digits and `-._`."""
