"""Serialises the values of parameters for a request, and parses them (OpenAPI 3.1, 4.8.12.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pytest_bctrl.contract.deep_object import Member, read_members
from pytest_bctrl.contract.engine import accepts, schema_pointer
from pytest_bctrl.contract.model import LONE_SURROGATE, Contract, Operation, Parameter, Schema
from pytest_bctrl.contract.schema.ref import (
    SchemaRef,
    keywords_of,
    listed_values,
    named_types,
    reachable_schemas,
    type_name,
)
from pytest_bctrl.contract.schema.shapes import implied_types
from pytest_bctrl.settings.secret_settings import is_field_name, is_sendable

Pair = tuple[str, str]
"""A name and a value of a query, decoded."""

_DELIMITERS = {"label": (".", "."), "matrix": (";", ";"), "spaceDelimited": ("", " "), "pipeDelimited": ("", "|")}
"""The prefix and the separator of values by style; other styles have no prefix and a comma."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


_REJECTIONS = (400, 404, 422)


def documented_rejections(operation: Operation) -> frozenset[int]:
    """Return the documented statuses, of 400, 404 and 422, with which an operation rejects the value of a parameter."""
    statuses = set()
    for status in _REJECTIONS:
        response = operation.response_for(status)
        if response is not None and response.status != "default":
            statuses.add(status)
    if operation.path_parameters or "400" in operation.responses:
        # Here, 404 means that the resource does not exist.
        statuses.discard(404)
    return frozenset(statuses)


def serialize_scalar(value: Any) -> str:
    """Return a single value as a request contains it: `true`, `7`, `7.5`, and a string unchanged."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def serialize_pairs(parameter: Parameter, value: Any) -> list[Pair]:
    """Return the pairs of a query that represent a value of a parameter."""
    name, is_single = parameter.name, parameter.is_json or not parameter.explode
    if isinstance(value, Mapping) and parameter.style == "deepObject" and not parameter.is_json:
        return [(f"{name}[{key}]", serialize_scalar(inner)) for key, inner in value.items()]
    if isinstance(value, Mapping) and not is_single:
        return [pair for key, inner in value.items() for pair in _member_pairs(str(key), inner)]
    if isinstance(value, list) and not is_single and parameter.style == "form":
        return [(name, serialize_scalar(item)) for item in value]
    return [(name, _joined_text(parameter, value, _DELIMITERS.get(parameter.style, ("", ","))[1]))]


def _member_pairs(name: str, value: Any) -> list[Pair]:
    """Return the query pairs of a member of an object: one, or one per item of a list."""
    items = value if isinstance(value, list) else [value]
    return [(name, serialize_scalar(item)) for item in items]


def serialize_field(parameter: Parameter, value: Any) -> str:
    """Return the string that represents a value of a path, header or cookie parameter."""
    prefix, separator = _DELIMITERS.get(parameter.style, ("", ","))
    if not parameter.explode:
        separator = ","
    if parameter.style == "matrix" and not (parameter.explode and isinstance(value, Mapping)):
        items = value if parameter.explode and isinstance(value, list) else [value]
        return "".join(f";{parameter.name}={_joined_text(parameter, item, ',')}" for item in items)
    return prefix + _joined_text(parameter, value, separator)


def _joined_text(parameter: Parameter, value: Any, separator: str) -> str:
    """Return a value of a parameter as text: JSON, or its parts with a separator."""
    if parameter.is_json:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        assignment = "=" if parameter.explode else separator
        return separator.join(f"{key}{assignment}{serialize_scalar(inner)}" for key, inner in value.items())
    return separator.join(map(serialize_scalar, value if isinstance(value, list) else [value]))


def received_values(contract: Contract, parameter: Parameter, value: Any) -> list[Any]:
    """Return what a server parses from a sent value, as a list of at most one value."""
    if parameter.in_ == "query":
        return read_pairs(contract, parameter, serialize_pairs(parameter, value))
    return [read_field(contract, parameter, serialize_field(parameter, value))]


def is_required(contract: Contract, parameter: Parameter) -> bool:
    """Return whether a parameter is required and its absence cannot be a valid empty object.

    An empty object whose members are pairs of the query has no pair, so that it is sent by sending nothing.
    """
    if not parameter.required or parameter.is_json or not _has_pair_per_member(parameter):
        return parameter.required
    return "object" not in schema_types(contract, parameter.schema) or not accepts(contract, parameter.schema, {})


def is_sent_by_member_names(contract: Contract, parameter: Parameter) -> bool:
    """Return whether a query has the names of members in place of that of a parameter, whose values are all objects.

    A pair with the name of the parameter itself is then another parameter, which the contract does not document.
    """
    types = schema_types(contract, parameter.schema) - {"null"}
    return types == {"object"} and not parameter.is_json and _has_pair_per_member(parameter)


def survives_transport(contract: Contract, parameter: Parameter, value: Any) -> bool:
    """Return whether a value can be sent and is still valid after the server has parsed it.

    An empty list is not sent at all, or is parsed as a list that may have an empty string, and so is an empty object in
    a query. Null has no form outside JSON: to most servers, the text `null` is a string. RFC 6570 (2.3) omits an
    undefined value.
    """
    if value is None and not parameter.is_json:
        return False
    if not _can_carry(parameter, value):
        return False
    received = received_values(contract, parameter, value)
    if received == [{}] and parameter.in_ == "query" and not parameter.is_json:
        return False
    return received not in ([], [[]]) and all(accepts(contract, parameter.schema, parsed) for parsed in received)


def _can_carry(parameter: Parameter, value: Any) -> bool:
    """Return whether name and value can be sent: in path and query, any text without a lone surrogate."""
    if parameter.in_ not in ("header", "cookie"):
        name = parameter.name if parameter.in_ == "query" else ""
        return not LONE_SURROGATE.search(json.dumps([name, value], ensure_ascii=False, default=str))
    if parameter.in_ == "header" and not is_field_name(parameter.name):
        return False
    return is_sendable(serialize_field(parameter, value))


def read_pairs(
    contract: Contract, parameter: Parameter, pairs: Sequence[Pair], other_names: Collection[str] = ()
) -> list[Any]:
    """Return the value that the pairs of a query represent for a parameter, as a list of at most one value.

    Of several ways to parse the text, the first that gives a valid value is used; if none does, the first of all, which
    a validator will reject. `other_names` are the names of other parameters.
    """
    readings = list(_possible_values(contract, parameter, pairs, other_names))
    return [value for value in readings if accepts(contract, parameter.schema, value)][:1] or readings[:1]


def read_field(contract: Contract, parameter: Parameter, text: str) -> Any:
    """Return the value of a path, header or cookie parameter that a string represents."""
    return read_pairs(contract, parameter, [(parameter.name, text)])[0]


def by_fit(contract: Contract, candidates: Iterable[tuple[Operation, Mapping[str, str]]]) -> list[Operation]:
    """Return operations whose paths differ only in the names of parameters, in the order in which they fit a path.

    Each comes with its decoded path values by name. Operations whose parameters accept them are first, and of these the
    ones whose parameters do not accept every text: `/users/{uuid}` before `/users/{name}`.
    """

    def fit(candidate: tuple[Operation, Mapping[str, str]]) -> tuple[bool, int]:
        """Return whether a path parameter rejects its value, and the number of those that accept any text."""
        operation, values = candidate
        parameters = [parameter for parameter in operation.path_parameters if parameter.name in values]
        is_accepted = all(_accepts_text(contract, parameter, values[parameter.name]) for parameter in parameters)
        return not is_accepted, sum(_accepts_text(contract, parameter, _ANY_TEXT) for parameter in parameters)

    return [operation for operation, _ in sorted(candidates, key=fit)]


_ANY_TEXT = "any text"
"""A text that only a schema without constraints is likely to accept."""


def _accepts_text(contract: Contract, parameter: Parameter, text: str) -> bool:
    """Return whether a path, header or cookie parameter accepts the value that a text represents."""
    return accepts(contract, parameter.schema, read_field(contract, parameter, text))


def _possible_values(
    contract: Contract, parameter: Parameter, pairs: Sequence[Pair], other_names: Collection[str]
) -> Iterator[Any]:
    """Yield the values that the pairs of a query may represent for a parameter."""
    texts = [value for name, value in pairs if name == parameter.name]
    types = schema_types(contract, parameter.schema)
    if parameter.is_json:
        values = [_json_or_text(text) for text in texts]
        yield from values if len(values) < 2 else [_repeated_values(types, values)]
        return
    if len(texts) > 1 and not _is_repeatable(parameter):
        yield _repeated_values(types, texts)
        return
    text, parts = _text_and_parts(parameter, texts)
    if "object" in types:
        members = _object_value(contract, parameter, pairs, parts, other_names)
        if members and texts and _has_pair_per_member(parameter) and parameter.name not in members:
            # Like a repeated name, the name of the parameter beside those of its members has no single value.
            yield [*texts, members]
            return
        # A query without pairs for members has no object, but `p=` is an empty one that is serialised as `name,value`.
        is_sent = parameter.in_ != "query" or (bool(texts) and not _is_repeatable(parameter))
        if members is not None and (members or is_sent):
            yield members
            texts = texts if types - {"object"} else []
    if texts:
        if "array" in types:
            yield from _possible_lists(contract, parameter, parts)
        if len(texts) == 1:
            yield read_scalar(contract, parameter.schema, text)
        else:
            # A repeated name has no single value.
            yield texts


def _repeated_values(types: Collection[str], values: list[Any]) -> list[Any]:
    """Return the values of a name that may not be repeated, as a value that a schema of these types rejects.

    They are no list, and a schema that allows a list would take them for its items.
    """
    return [values] if "array" in types else values


def _is_repeatable(parameter: Parameter) -> bool:
    """Return whether a query may have the name of a parameter several times."""
    return parameter.explode or parameter.style == "deepObject"


def _text_and_parts(parameter: Parameter, texts: list[str]) -> tuple[str, list[str]]:
    """Return the text of a single value, and the texts of its parts in case it is a list or an object."""
    if not texts:
        return "", texts
    if parameter.in_ == "query" and parameter.explode and parameter.style == "form":
        return texts[0], texts
    prefix, separator = _DELIMITERS.get(parameter.style, ("", ","))
    if prefix and not parameter.explode:
        separator = ","
    text = texts[-1].removeprefix(prefix)
    parts = text.split(separator)
    if parameter.style == "matrix":
        assignment = f"{parameter.name}="
        parts = [part.removeprefix(assignment) for part in parts]
        text = text.removeprefix(assignment)
    if parameter.in_ == "header":
        # The commas of a header field may have blanks around them (RFC 9110, 5.6.1).
        parts = [part.strip() for part in parts]
    return text, parts


def _object_value(
    contract: Contract, parameter: Parameter, pairs: Sequence[Pair], parts: Sequence[str], other_names: Collection[str]
) -> dict[str, Any] | None:
    """Return the object that parts or query pairs represent; None if a part is a name without a value."""
    if parameter.style == "deepObject":
        return _nested_object(contract, parameter.schema, read_members(parameter.name, pairs))
    documented, additional = object_members(contract, parameter.schema)
    members: Iterable[Pair]
    if not parameter.explode:
        # Serialised as `name,value,name,value`; an empty text is an empty object.
        if len(parts) % 2 and parts != [""]:
            return None
        members = zip(parts[::2], parts[1::2], strict=False)
    elif parameter.in_ == "query":
        return _query_object(contract, documented, additional, pairs, other_names)
    else:
        members = ((key, value) for key, _, value in (part.partition("=") for part in parts))
    root = Member()
    for name, value in members:
        root.add([name], value)
    return _nested_object(contract, parameter.schema, root)


def _has_pair_per_member(parameter: Parameter) -> bool:
    """Return whether each member of an object is a separate pair of the query."""
    return parameter.in_ == "query" and _is_repeatable(parameter)


def _query_object(
    contract: Contract,
    documented: Mapping[str, Schema],
    additional: Schema | None,
    pairs: Sequence[Pair],
    other_names: Collection[str],
) -> dict[str, Any]:
    """Return the object with query pairs as members; undocumented ones only if allowed and not in `other_names`.

    An array member has a pair per item.

    OpenAPI does not define how such a list is sent (3.1, 4.8.12.3).
    """
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        if name in documented or (additional is not None and name not in other_names):
            texts.setdefault(name, []).append(text)
    return {
        name: _nested_value(contract, documented.get(name, additional or True), Member(member_texts))
        for name, member_texts in texts.items()
    }


def _nested_object(contract: Contract, schema: Schema, member: Member) -> dict[str, Any]:
    """Return the object that the members of a query name represent."""
    documented, additional = object_members(contract, schema)
    return {
        name: _nested_value(contract, documented.get(name, additional or True), inner)
        for name, inner in member.members.items()
    }


def _nested_value(contract: Contract, schema: Schema, member: Member) -> Any:
    """Return the list, the object or the single value that a member of a query represents."""
    is_list = "array" in schema_types(contract, schema)
    if member.members and member.texts:
        return [*member.texts, _nested_object(contract, schema, member)]
    if member.members and not (is_list and member.is_indexed):
        return _nested_object(contract, schema, member)
    if member.members:
        items = item_schema(contract, schema)
        inner_members = [Member([text]) for inner in member.members.values() for text in inner.texts]
        inner_members += [inner for inner in member.members.values() if inner.members]
        return [_nested_value(contract, items, inner) for inner in inner_members]
    if is_list:
        return [read_scalar(contract, item_schema(contract, schema), text) for text in member.texts]
    if len(member.texts) == 1:
        return read_scalar(contract, schema, member.texts[0])
    # A repeated name has no single value.
    return member.texts


def item_schema(contract: Contract, schema: Schema) -> Schema:
    """Return the schema of the items of a list, from the first applicable schema that has one, else `True`."""
    items: Schema = next(
        (keywords["items"] for keywords in _applicable_keywords(contract, schema) if "items" in keywords), True
    )
    return items


def _possible_lists(contract: Contract, parameter: Parameter, parts: Sequence[str]) -> Iterator[list[Any]]:
    """Yield the lists that the parts may represent; a list of one empty string may also be an empty list."""
    items = item_schema(contract, parameter.schema)
    yield [read_scalar(contract, items, part) for part in parts]
    if [*parts] == [""]:
        yield []


def object_members(contract: Contract, schema: Schema) -> tuple[dict[str, Schema], Schema | None]:
    """Return the documented properties of a schema and its branches, and the schema under `additionalProperties`.

    The second is None if no applicable schema has `additionalProperties`, or only `false`.
    """
    properties: dict[str, Schema] = {}
    additional = None
    for applicable in _applicable_keywords(contract, schema):
        properties = {**applicable.get("properties", {}), **properties}
        additional = additional or applicable.get("additionalProperties") or None
    return properties, additional


def _applicable_keywords(contract: Contract, schema: Schema) -> list[Mapping[str, Any]]:
    """Return the keywords of all schemas that may apply along with a schema."""
    return [keywords_of(schema_ref) for schema_ref in reachable_schemas(contract, [SchemaRef(schema, "")])]


def _json_or_text(text: str) -> Any:
    """Return the JSON value of a text; the text itself if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # A number that is too long raises the first, an array that is nested too deeply the second.
        return text


def read_scalar(contract: Contract, schema: Schema, text: str) -> Any:
    """Return the value of a text by the types of its schema; the text itself if only that is valid."""
    types = schema_types(contract, schema)
    value: Any = text
    if "boolean" in types and text in ("true", "false"):
        value = text == "true"
    elif types & {"integer", "number"} and _NUMBER.fullmatch(text):
        value = _json_or_text(text)
    elif "null" in types and text == "null":
        value = None
    if value is not text and accepts(contract, schema, text) and not accepts(contract, schema, value):
        return text
    return value


def schema_types(contract: Contract, schema: Schema) -> frozenset[str]:
    """Return the JSON types of a schema and its branches, taken from `type`, listed values or keywords."""
    remembered = _types_by_schema(contract)
    if id(schema) in remembered:
        return remembered[id(schema)]
    types: set[str] = set()
    for applicable in _applicable_keywords(contract, schema):
        values = listed_values(applicable) or ()
        types |= {*named_types(applicable)} or {*map(type_name, values)} or {*implied_types(applicable)}
    if schema_pointer(contract, schema):
        # The document keeps its schemas alive, so that no other schema can have the same id.
        remembered[id(schema)] = frozenset(types)
    return frozenset(types)


@lru_cache(maxsize=8)
def _types_by_schema(_contract: Contract) -> dict[int, frozenset[str]]:
    """Return the cache of `schema_types` for a contract, because a form may have thousands of fields."""
    return {}
