"""Reads the object that the fields of a form represent, by the schema and the encodings of the contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pytest_bctrl.checks.schema import violations
from pytest_bctrl.checks.strict_json import parse
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.deep_object import is_member
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Encoding, MediaType, Parameter, Schema
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.parameters import Pair, item_schema, object_members, read_pairs, read_scalar, schema_types
from pytest_bctrl.request_checks.fields import Field
from pytest_bctrl.request_checks.media import select_documented
from pytest_bctrl.request_checks.violation import BODY, MEDIA_TYPE

_DEFAULT = Encoding()
_ABSENT = object()


def form_value(contract: Contract, media: MediaType, fields: Sequence[Field]) -> dict[str, Any]:
    """Return the object that the fields of a form represent, by the schema and the encodings of its media type.

    Of several ways to read the fields of a property, the first that gives a valid value is used, and else the first.
    """
    documented, additional = object_members(contract, media.schema)
    by_name: dict[str, list[Field]] = {}
    for field in fields:
        by_name.setdefault(field.name, []).append(field)
    # A field of another property is not a member of an object.
    pairs = [(field.name, field.text) for field in fields if field.name not in documented]
    value: dict[str, Any] = {}
    used: set[str] = set()
    for name, schema in documented.items():
        encoding = media.encoding.get(name, _DEFAULT)
        named = by_name.get(name, [])
        own_pairs = [*((name, field.text) for field in named), *pairs]
        readings = list(_possible_values(contract, Property(name, schema, encoding), named, own_pairs))
        if readings:
            value[name] = next((reading for reading in readings if accepts(contract, schema, reading)), readings[0])
            used |= _possible_field_names(contract, name, schema, encoding)
            if encoding.style == "deepObject":
                used |= {field_name for field_name in by_name if is_member(name, field_name)}
    for name, named in by_name.items():
        if name not in documented and name not in used:
            value[name] = next(_values_by_name(contract, additional or True, named))
    return value


class Property(NamedTuple):
    """A documented property of a form."""

    name: str
    schema: Schema
    encoding: Encoding


def _possible_field_names(contract: Contract, name: str, schema: Schema, encoding: Encoding) -> set[str]:
    """Return the names of the fields that a property may consist of."""
    if "object" not in schema_types(contract, schema) or is_json(encoding.content_type):
        return {name}
    return {name, *object_members(contract, schema)[0]}


def _possible_values(
    contract: Contract, documented: Property, named: Sequence[Field], pairs: Sequence[Pair]
) -> Iterator[Any]:
    """Yield the values that the fields of a form may represent for a property.

    `named` are the fields with its name; `pairs` are those and the fields that no property documents. A style does not
    apply to a part that says that it is JSON: OpenAPI 3.0 ignores it in multipart bodies (3.0.3, 4.7.15).
    """
    name, schema, encoding = documented
    has_style = encoding.style is not None or encoding.explode is not None
    if named and (not has_style or all(is_json(field.content_type.essence) for field in named)):
        yield from _values_by_name(contract, schema, named, is_json(encoding.content_type))
    if not is_json(encoding.content_type):
        style = encoding.style or "form"
        explode = style == "form" if encoding.explode is None else encoding.explode
        yield from read_pairs(contract, Parameter(name, "query", False, schema, style=style, explode=explode), pairs)


def _values_by_name(
    contract: Contract, schema: Schema, fields: Sequence[Field], is_json_encoded: bool = False
) -> Iterator[Any]:
    """Yield the possible readings of fields with the same name: the single value, or a list of all values, or both."""
    types = schema_types(contract, schema)
    if len(fields) == 1:
        value = _field_value(contract, schema, fields[0], is_json_encoded)
        if "array" not in types or isinstance(value, list):
            yield value
    if "array" in types or len(fields) > 1:
        items = item_schema(contract, schema) if "array" in types else schema
        yield [_field_value(contract, items, field, is_json_encoded) for field in fields]


def _field_value(contract: Contract, schema: Schema, field: Field, is_json_encoded: bool) -> Any:
    """Return the value of one field: JSON by its encoding, media type or schema, or else a scalar."""
    types = schema_types(contract, schema)
    if is_json_encoded or is_json(field.content_type.essence) or (types and types <= {"array", "object"}):
        parsed = parse(field.content)
        return parsed.value if parsed.ok else field.text
    return read_scalar(contract, schema, field.text)


def part_violations(contract: Contract, media: MediaType, fields: Sequence[Field]) -> Iterator[Violation]:
    """Yield the violations of the media types and header fields of the parts of a multipart body."""
    for field in fields:
        encoding = media.encoding.get(field.name, _DEFAULT)
        documented = [part.strip() for part in encoding.content_type.split(",") if part.strip()]
        actual = field.content_type
        if documented and actual.essence and select_documented(documented, actual) is None:
            message = "the media type of the part is not documented"
            yield Violation(MEDIA_TYPE, "error", message, (field.name,), "body", documented, actual.essence, "part")
        for header in encoding.headers:
            yield from _header_violations(contract, header, field)


def _header_violations(contract: Contract, header: Parameter, field: Field) -> Iterator[Violation]:
    """Yield the violations of a header field of a part: missing though required, or invalid against its schema."""
    text = field.headers.get(header.name)
    place = f"body.{field.name} header {header.name}"
    if text is None:
        if header.required:
            message = "the header field of the part is required and missing"
            yield Violation(BODY, "error", message, (), place, "a value", "no such field", "missing")
        return
    value = next(iter(read_pairs(contract, header, [(header.name, text)])), _ABSENT)
    if accepts(contract, header.schema, value):
        return
    for violation in violations(contract, header.schema, value):
        yield replace(violation, rule=BODY, place=place)
