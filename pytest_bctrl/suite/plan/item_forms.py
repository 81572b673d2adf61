"""Groups the items of a list by form, so that a slow validator need not validate thousands of similar items.

Two items have the same form if no keyword of the contract's schemas distinguishes them: by property names, types,
listed values, numbers with limits, strings with a pattern or length, or the shape of strings with a format.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from pytest_bctrl.contract.references import keyword_objects
from pytest_bctrl.contract.schema_document import resolve_pointer
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
"""Keywords that constrain no value."""

_HEXADECIMAL = str.maketrans("123456789abcdefABCDEF", "0" * 21)
_SHOWN = 80


class ItemForms:
    """The constraints that a document's schemas put on object members, by name across all schemas."""

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
            listed = list(schema.get("enum", ()))
            if "const" in schema:
                listed.append(schema["const"])
            self._listed.update(value for value in listed if isinstance(value, str))
            self._has_sizes |= not _SIZES.isdisjoint(schema)
            self._has_order |= not _ORDERED.isdisjoint(schema)
            properties = schema.get("properties")
            if isinstance(properties, Mapping):
                for name, member in properties.items():
                    self._read_property(name, member)
        self._is_any_named = any(_constrains_any_name(schema) for schema, *_ in keyword_objects(document))

    def _read_property(self, name: str, schema: Any) -> None:
        """Store which kinds of constraint the schemas of a property have."""
        self._named.add(name)
        for part in self._value_schemas(schema):
            if not _EXACT.isdisjoint(part):
                self._exact.add(name)
            if "format" in part:
                self._formatted.add(name)
            if not _NUMERIC.isdisjoint(part):
                self._numeric.add(name)
            if not part.keys() <= _FREE or part.get("additionalProperties", True) is not True:
                self._constrained.add(name)

    def _value_schemas(self, schema: Any) -> Iterator[Mapping[str, Any]]:
        """Yield the schemas that apply to a value or its unnamed parts."""
        pending, visited = [schema], set[int]()
        while pending:
            part = pending.pop()
            if not isinstance(part, Mapping) or id(part) in visited:
                continue
            visited.add(id(part))
            yield part
            for key in _INSIDE:
                if isinstance(part.get(key), list):
                    pending += part[key]
            pending += [part[key] for key in _BELOW if key in part]
            for key in _MAPS:
                if isinstance(part.get(key), Mapping):
                    pending += part[key].values()
            if isinstance(part.get("$ref"), str):
                try:
                    pending.append(resolve_pointer(self._document, part["$ref"], ""))
                except DocumentError:
                    # The reference is not local, so any two values may differ for it.
                    yield {"pattern": "", "minimum": 0}

    def form(self, value: Any, name: str = "") -> Hashable:
        """Return a key of the value of property `name`: values with equal keys are valid under the same schemas."""
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
        # JSON Schema accepts 1.0 as an integer.
        is_integer = isinstance(value, int) or value.is_integer()
        return is_integer, None if is_free else value

    def _form_of_text(self, text: str, name: str) -> Hashable:
        """Return the form of a text: listed, exact, by its format, or any text."""
        if text in self._listed:
            return "listed", text
        if not name or name in self._exact or self._is_any_named:
            return "text", text
        if name in self._formatted:
            return "text", len(text), text[:_SHOWN].translate(_HEXADECIMAL)
        return "text"


def _constrains_any_name(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema constrains members by any name, so that each value may matter."""
    if "propertyNames" in schema or "patternProperties" in schema:
        return True
    subschemas = [schema.get(key) for key in ("additionalProperties", "unevaluatedProperties")]
    return any(isinstance(subschema, Mapping) and not subschema.keys() <= _SILENT for subschema in subschemas)
