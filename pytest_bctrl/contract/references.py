"""References of a document by identifier (`$id`, `$anchor`; JSON Schema 2020-12 core, 8.2), made pointers of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote, unquote, urljoin

from pytest_bctrl.contract.document import escape_token, value_at

BASE = "https://contract.invalid/"
"""The URI of a document whose own is not known; no name ends in `.invalid` (RFC 6761, 6.4)."""

_DATA = frozenset({"example", "default", "const", "enum", "value", "description"})
"""Keywords that hold data: what looks like a reference in it is none."""

_NAMED = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "$defs", "schemas", "responses", "parameters", "headers"}
    | {"content", "paths", "pathItems", "securitySchemes", "requestBodies", "links", "callbacks"}
)
"""Keywords whose members have names of the author's choice, which may be those of keywords."""

_IDENTIFIERS = frozenset({"$id", "$anchor", "$dynamicAnchor", "$dynamicRef"})


class KeywordObject(NamedTuple):
    """An object whose keys are keywords: where it stands, its base URI, and whether it is the root of a schema."""

    value: Mapping[str, Any]
    pointer: str
    base: str
    is_root: bool


def keyword_objects(document: Any) -> Iterator[KeywordObject]:
    """Every object of a document whose keys are keywords: neither data, nor names of the author's choice."""
    waiting = [(document, "", BASE, "")]
    while waiting:
        value, pointer, base, above = waiting.pop()
        if isinstance(value, list):
            waiting += [(item, f"{pointer}/{index}", base, "") for index, item in enumerate(value)][::-1]
        elif isinstance(value, dict):
            are_names = above in _NAMED
            if not are_names:
                if isinstance(value.get("$id"), str):
                    base = _joined(base, value["$id"]).rstrip("#")
                yield KeywordObject(value, pointer, base, above in ("schema", "schemas/"))
            inside = [
                (member, f"{pointer}/{escape_token(str(key))}", base, f"{above}/" if are_names else key)
                for key, member in value.items()
                if isinstance(member, dict | list) and not _is_data(key, member, pointer, are_names=are_names)
            ]
            waiting += inside[::-1]


def _is_data(key: Any, member: Any, pointer: str, *, are_names: bool) -> bool:
    if str(key).startswith("x-") and pointer not in _WITH_SCHEMAS:
        # An extension holds what its author likes; of names, only those of paths and statuses are never one's own.
        return (
            not are_names or pointer == "/paths" or (pointer.startswith("/paths/") and pointer.endswith("/responses"))
        )
    # The examples of a schema are a list of values, those of a parameter a map of objects.
    return not are_names and (key in _DATA or (key == "examples" and isinstance(member, list)))


_WITH_SCHEMAS = frozenset({"", "/components"})
"""Where people put schemas in extensions of their own, which references lead to."""


def _joined(base: str, reference: str) -> str:
    try:
        # `urljoin` knows of no fragments below `urn:`.
        return base.partition("#")[0] + reference if reference.startswith("#") else urljoin(base, reference)
    except ValueError:
        return reference


class Addresses:
    """Where in a document its identifiers lead, and the URI of each of its places."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._bases: dict[str, str] = {}
        self._resources = {BASE: ""}
        self._anchors: dict[str, str] = {}
        self.roots: list[str] = []
        self.has_identifiers = False
        self._all = list(keyword_objects(document))
        for value, place, base, is_root in self._all:
            self._bases[place] = base
            if is_root:
                self.roots.append(place)
            if _IDENTIFIERS.isdisjoint(value):
                continue
            self.has_identifiers = True
            if isinstance(value.get("$id"), str):
                self._resources.setdefault(base, place)
            for name in (value.get("$anchor"), value.get("$dynamicAnchor")):
                if isinstance(name, str):
                    self._anchors[f"{base}#{name}"] = place

    def pointer(self, reference: str, base: str = BASE) -> str | None:
        """The pointer that a reference below a base URI leads to; None where that is outside the document."""
        uri, _, fragment = _joined(base, reference).partition("#")
        if fragment and not fragment.startswith("/"):
            return self._anchors.get(f"{uri}#{unquote(fragment)}")
        return self._resources[uri] + unquote(fragment) if uri in self._resources else None

    def base(self, pointer: str) -> str:
        """The base URI of a place: that of the nearest `$id` above it."""
        while pointer not in self._bases:
            pointer = pointer.rpartition("/")[0]
        return self._bases[pointer]

    def uri(self, pointer: str) -> str:
        """The URI of a place, below the `$id` that is nearest: so a validator knows what its references mean."""
        base = self.base(pointer)
        return f"{base}#{quote(pointer.removeprefix(self._resources[base]), safe=FRAGMENT)}"

    def local(self) -> Mapping[str, Any]:
        """The document with a pointer in place of every reference by identifier; what leads elsewhere stays."""
        if self.has_identifiers:
            return dict(self._with_references(lambda pointer: f"#{pointer}", self._document))
        return self._document

    def resource(self) -> dict[str, Any]:
        """The document as a resource of JSON Schema, whose identifiers an engine finds; each reference is a URI."""
        made = dict(self._with_references(self.uri, self._document, BASE))
        if self.has_identifiers:
            # An engine looks for identifiers where JSON Schema has schemas, and not in an OpenAPI document's folders.
            made["$defs"] = {place: value_at(made, place) for place in self.roots}
        return made

    def absolute(self, schema: Any) -> Any:
        """A schema that does not stand in the document, but refers to it, with a URI in place of each reference."""
        return self._with_references(self.uri, schema)

    def _with_references(self, written: Callable[[str], str], document: Any, own: str = "") -> Any:
        """The document with its references written in another way, but for those that say the same below `own`."""
        changed: dict[str, Change] = {}
        for value, place, base, _ in self._all if document is self._document else keyword_objects(document):
            pointer = self.pointer(value["$ref"], base) if isinstance(value.get("$ref"), str) else None
            if pointer is not None and (uri := written(pointer)) != f"{own}{value['$ref']}":
                changed[place] = partial(dict, **{"$ref": uri})
        return rewrite_objects(document, changed) if changed else document


Change: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


def rewrite_objects(value: Any, changes: Mapping[str, Change], pointer: str = "") -> Any:
    """A copy of a document with the objects at some places changed, those inside first."""
    if isinstance(value, list):
        return [rewrite_objects(item, changes, f"{pointer}/{index}") for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    made = {key: rewrite_objects(inner, changes, f"{pointer}/{escape_token(str(key))}") for key, inner in value.items()}
    return changes[pointer](made) if pointer in changes else made


FRAGMENT = "/~!$&'()*+,;=:@?"
"""Characters that a fragment may hold as they are (RFC 3986, 3.5), beside letters, digits and `-._`."""
