"""Tells the items of a list apart by their form, so that a slow validator need not look at each of thousands.

Two items have the same form where every keyword of the contract's schemas says the same of both: property names, types,
listed values, numbers with limits, texts with a pattern or a length, and the shape of texts with a format.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from pytest_bctrl.contract.model import resolve_pointer
from pytest_bctrl.contract.references import keyword_objects
from pytest_bctrl.errors import DocumentError

_INSIDE = ("allOf", "anyOf", "oneOf", "prefixItems")
_BELOW = (
    *("items", "contains", "not", "if", "then", "else", "additionalProperties", "unevaluatedProperties"),
    *("unevaluatedItems", "propertyNames", "contentSchema"),
)
_MAPS = ("patternProperties", "dependentSchemas")
_EXACT = frozenset({"pattern", "minLength", "maxLength", "contentEncoding", "contentMediaType"})
_SIZES = frozenset({"minItems", "maxItems", "minContains", "maxContains", "minProperties", "maxProperties"})
_NUMERIC = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "enum", "const"})
_ORDERED = frozenset({"uniqueItems", "prefixItems"})
_FREE = frozenset(
    {"type", "nullable", "$ref", "additionalProperties", "default", "deprecated", "readOnly", "writeOnly"}
)
_FREE |= {"description", "title", "example", "examples", "externalDocs", "xml", "$comment", *_INSIDE}

_SILENT = _FREE - {"type", "nullable", "$ref", "additionalProperties", *_INSIDE}
"""Keywords that say nothing of any value."""

_HEXADECIMAL = str.maketrans("123456789abcdefABCDEF", "0" * 21)
_SHOWN = 80


class ItemForms:
    """What the schemas of a document say of the members of objects, by name; any name may stand in several schemas."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._listed: set[Hashable] = set()
        self._named: set[str] = set()
        self._exact: set[str] = set()
        self._formatted: set[str] = set()
        self._numeric: set[str] = set()
        self._constrained: set[str] = set()
        self._has_sizes = False
        self._has_order = False
        for schema, *_ in keyword_objects(document):
            listed = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
            self._listed.update(value for value in listed if isinstance(value, str))
            self._has_sizes |= not _SIZES.isdisjoint(schema)
            self._has_order |= not _ORDERED.isdisjoint(schema)
            properties = schema.get("properties")
            for name, member in properties.items() if isinstance(properties, Mapping) else ():
                self._read(name, member)
        self._is_any_named = any(_maps_names(schema) for schema, *_ in keyword_objects(document))

    def _read(self, name: str, schema: Any) -> None:
        self._named.add(name)
        for part in self._parts(schema):
            if not _EXACT.isdisjoint(part):
                self._exact.add(name)
            if "format" in part:
                self._formatted.add(name)
            if not _NUMERIC.isdisjoint(part):
                self._numeric.add(name)
            if not part.keys() <= _FREE or part.get("additionalProperties", True) is not True:
                self._constrained.add(name)

    def _parts(self, schema: Any) -> Iterator[Mapping[str, Any]]:
        """Yield the schemas that apply to a value or inside it, other than to members that have a name."""
        waiting, seen = [schema], set[int]()
        while waiting:
            part = waiting.pop()
            if not isinstance(part, Mapping) or id(part) in seen:
                continue
            seen.add(id(part))
            yield part
            waiting += [one for key in _INSIDE if isinstance(part.get(key), list) for one in part[key]]
            waiting += [part[key] for key in _BELOW if key in part]
            waiting += [one for key in _MAPS if isinstance(part.get(key), Mapping) for one in part[key].values()]
            if isinstance(part.get("$ref"), str):
                try:
                    waiting.append(resolve_pointer(self._document, part["$ref"], ""))
                except DocumentError:
                    # It is not local: nothing is known, so every value has a form of its own.
                    yield {"pattern": "", "minimum": 0}

    def form(self, value: Any, name: str = "") -> Hashable:
        """Return the form of a value: equal for values of which the schemas say the same."""
        if isinstance(value, dict):
            if name in self._named and name not in self._constrained and not self._is_any_named:
                return "object"
            return tuple([(key, self.form(member, key)) for key, member in value.items()])
        if isinstance(value, list):
            if self._has_order:
                return "list", repr(value)
            forms = tuple(dict.fromkeys([self.form(item, name) for item in value]))
            return "list", forms, len(value) if self._has_sizes else None
        if isinstance(value, str):
            return self._form_of_text(value, name)
        if value is None or isinstance(value, bool):
            return value
        is_free = name in self._named and name not in self._numeric and not self._is_any_named
        # JSON Schema takes 1.0 for an integer.
        is_whole = isinstance(value, int) or value.is_integer()
        return is_whole, None if is_free else value

    def _form_of_text(self, text: str, name: str) -> Hashable:
        if text in self._listed:
            return "listed", text
        if not name or name in self._exact or self._is_any_named:
            return "text", text
        if name in self._formatted:
            return "text", len(text), text[:_SHOWN].translate(_HEXADECIMAL)
        return "text"


def _maps_names(schema: Mapping[str, Any]) -> bool:
    """Whether a schema says something of members by any name: then each value may matter."""
    if "propertyNames" in schema or "patternProperties" in schema:
        return True
    any_other = (schema.get(key) for key in ("additionalProperties", "unevaluatedProperties"))
    return any(isinstance(other, Mapping) and bool(other) and not other.keys() <= _SILENT for other in any_other)
