"""A document whose schemas apply to values, and the references within it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from pytest_bctrl.contract.document import value_at
from pytest_bctrl.errors import DocumentError


class SchemaDocument:
    """A document of which only the schemas count: what validates and builds values reads no more of a contract.

    It is not a dataclass, and has a module of its own, because the model of a contract takes a while to import.
    """

    name: str
    document: Mapping[str, Any]
    source: Mapping[str, Any]

    def __init__(self, name: str, document: Mapping[str, Any]) -> None:
        self.name = name
        self.document = self.source = document

    def resolve(self, schema: Mapping[str, Any] | bool) -> Mapping[str, Any] | bool:
        """Return a schema's `$ref` target, or its other keywords with that in `allOf`; without `$ref`, the schema."""
        for referring, target in pairwise(follow_references(self.document, schema, self.name)):
            siblings = {key: value for key, value in referring.items() if key != "$ref"}
            if siblings:
                return {**siblings, "allOf": [target, *siblings.get("allOf", ())]}
            schema = target
        return schema


def follow_references(document: Mapping[str, Any], raw: Any, name: str) -> Iterator[Any]:
    """Yield a value, the target of its `$ref`, and so on to the last target; raises `DocumentError` for a circle."""
    seen: set[str] = set()
    yield raw
    while isinstance(raw, Mapping) and "$ref" in raw:
        reference = str(raw["$ref"])
        if reference in seen:
            raise DocumentError(
                "the reference leads back to itself", where=f"{name}: {reference}", hint="break the circle"
            )
        seen.add(reference)
        raw = resolve_pointer(document, reference, name)
        yield raw


def resolve_pointer(document: Mapping[str, Any], reference: str, name: str) -> Any:
    """Return the value at a local reference (`#/a/b`, RFC 6901); raises `DocumentError` if it has no target."""
    if not reference.startswith("#"):
        raise DocumentError(
            "the reference leads outside the document", where=f"{name}: {reference}", hint="use a local one: #/…"
        )
    path = unquote(reference[1:])
    # `#name` is an anchor, not a pointer.
    if not path or path.startswith("/"):
        with suppress(KeyError, IndexError, TypeError, ValueError):
            return value_at(document, path)
    raise DocumentError("the reference leads nowhere", where=f"{name}: {reference}", hint="define what it names")
