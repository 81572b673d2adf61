"""Validates values with jsonschema-rs and reports the errors. Every other module validates through here.

It follows JSON Schema 2020-12 with formats asserted (validation, 7.2.1), because as annotations they would accept every
malformed id. Patterns are those of ECMA 262 and matched in linear time. A pattern with a lookaround or a back reference
has a limit of steps; a value that is not matched within them is rejected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from math import log
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from pytest_bctrl.contract.combinations import Combinations
from pytest_bctrl.contract.cost import Cost
from pytest_bctrl.contract.document import unescape_token, value_at
from pytest_bctrl.contract.json_source import is_deep
from pytest_bctrl.contract.references import BASE, FRAGMENT, Addresses, keyword_objects
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.contract.schema_document import SchemaDocument
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from jsonschema_rs import Registry, ValidationError, Validator

    from pytest_bctrl.contract.model import Schema

_STEPS = 10_000
"""Maximum number of backtracking steps of a pattern."""

_COMPOSED = 256
"""Maximum number of validators that are kept for schemas that are not part of the document."""

_LEVELS = 240
"""Levels of a value for which the engine can report errors; it can validate values of any depth."""

_VISITS = 65_536
"""Maximum number of visits to a recursive schema when collecting errors; validation alone remembers its results."""

_ENCODED_SURROGATES = {code: code - 0xD800 + 0xF0000 for code in range(0xD800, 0xE000)}
_DECODED_SURROGATES = {private: code for code, private in _ENCODED_SURROGATES.items()}
"""Lone surrogates, which JSON allows and UTF-8 does not, are represented by private characters."""


def accepts(contract: SchemaDocument, schema: Schema, value: Any) -> bool:
    """Return whether a value is valid against a schema of the contract."""
    return acceptor(contract, schema)(value)


def acceptor(contract: SchemaDocument, schema: Schema) -> Callable[[Any], bool]:
    """Return a function that validates values against a schema and returns whether they are valid.

    Validators of composed schemas need much memory, so that only the engine keeps them, up to a limit.
    """
    engine = _engine(contract)
    if engine.is_documented(schema):
        return partial(_is_accepted, engine.validator(schema))

    def is_accepted(value: Any) -> bool:
        """Return whether a value is valid, with the validator that the engine has for the schema now."""
        return _is_accepted(engine.validator(schema), value)

    return is_accepted


def _is_accepted(validator: Validator, value: Any) -> bool:
    """Return whether a validator accepts a value, which is converted if the engine cannot read it."""
    try:
        return validator.is_valid(value)
    except (ValueError, TypeError):
        return validator.is_valid(as_engine_input(value))


def schema_pointer(contract: SchemaDocument, schema: Schema) -> str:
    """Return the pointer of a schema in the contract's document; empty if it is another object, also an equal one."""
    return _engine(contract).pointers.get(id(schema), "")


def keyword_object_count(contract: SchemaDocument) -> int:
    """Return the number of objects in the contract's document whose keys are keywords, as of schemas and operations."""
    return len(_engine(contract).pointers)


def schema_resource(contract: SchemaDocument) -> dict[str, Any]:
    """Return the contract's document as a JSON Schema resource for another engine, with references as URIs."""
    return _engine(contract).addresses.as_resource()


def as_reference(contract: SchemaDocument, schema: Schema) -> Schema:
    """Return a reference to a schema of the document; another schema is returned with absolute references."""
    return _engine(contract).as_reference(schema)


def canonical_form(contract: SchemaDocument, schema: Schema) -> Schema:
    """Return a schema in the engine's canonical form, with `allOf` and the like merged; unchanged if it has none.

    It is also unchanged if its alternatives have more combinations than the budget allows. It need not be part of the
    document.
    """
    from jsonschema_rs import canonicalize

    if not _engine(contract).combinations.are_bounded(schema):
        return schema
    addresses, registry = _engine(contract).addresses, _engine(contract).registry
    try:
        absolute = addresses.with_absolute_references(schema)
        form = canonicalize(absolute, draft=20, validate_formats=True, registry=registry)
    except ValueError:
        return schema
    canonical: Schema = _with_local_references(addresses, form.to_json_schema())
    return canonical


def combination_count(contract: SchemaDocument, schema: Schema) -> int:
    """Return how many combinations of alternatives a schema's canonical form lists; 0 if they exceed the budget."""
    combinations = _engine(contract).combinations
    return combinations.count(schema) if combinations.are_bounded(schema) else 0


_CANONICAL = "#/$defs/urn:jsonschema:canonical:"
"""The prefix of references in a canonical form; the percent-encoded URI of the target follows."""


def _with_local_references(addresses: Addresses, value: Any) -> Any:
    """Return a canonical form with its references into the document as pointers."""
    if isinstance(value, list):
        return [_with_local_references(addresses, item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {
        key: _with_local_references(addresses, inner) for key, inner in value.items() if key not in ("$defs", "$schema")
    }
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith(_CANONICAL):
        name = unescape_token(unquote(reference.removeprefix(_CANONICAL)))
        schema["$ref"] = f"#{quote(addresses.pointer(unquote(name)) or '', safe=FRAGMENT)}"
    return schema


def iter_errors(contract: SchemaDocument, schema: Schema, value: Any, parent: Path = ()) -> Iterator[SchemaError]:
    """Yield the errors of a value at the path `parent` of a body; none at all if that would take too long.

    The depth of a value multiplies the visits to a schema that applies itself several times.
    """
    engine = _engine(contract)
    if not engine.can_list_errors(schema, value):
        return
    validator = engine.validator(schema)
    try:
        errors = validator.iter_errors(value)
    except (ValueError, TypeError):
        errors = validator.iter_errors(as_engine_input(value))
    for error in errors:
        yield SchemaError(contract, error, value, parent)


class SchemaError:
    """A keyword that rejects a value of a body, and the path of the value.

    `error_kind` is the engine's name of the error, which may be more specific than the keyword: `OneOfMultipleValid`.
    """

    def __init__(self, contract: SchemaDocument, error: Any, body: Any, parent: Path) -> None:
        self.message = error.message
        path, self.value, is_exact = path_and_value(error, body)
        self.path = (*parent, *path)
        self._kind = error.kind
        if self._kind.name == "propertyNames":
            # The value is the rejected name, the path that of its object.
            error = self._kind.error
            self._kind, self.value = error.kind, error.instance
        self.contract, self._error, self._body, self._parent = contract, error, body, parent
        self.keyword: str = self._kind.name
        self.error_kind = type(self._kind).__name__
        is_additional = error.schema_path[-1:] == ["additionalProperties"] != list(self.path[-1:])
        if self.error_kind == "FalseSchema" and is_additional:
            self.keyword, self.error_kind = "additionalProperties", "AdditionalProperties"
        if not is_exact:
            self.keyword = self.error_kind = "AmbiguousName"

    @cached_property
    def keyword_value(self) -> Any:
        """The value of the violated keyword, as the contract has it."""
        pointer = _engine(self.contract).addresses.pointer(str(self._error.absolute_keyword_location)) or ""
        return value_at(self.contract.document, pointer.translate(_DECODED_SURROGATES))

    @property
    def missing(self) -> str:
        """The property that `required` demands and the value lacks; only for an error of `required`."""
        return str(self._kind.property)

    @property
    def unexpected(self) -> list[str]:
        """The properties that `additionalProperties` or `unevaluatedProperties` rejects; empty for another keyword."""
        if self.error_kind == "AdditionalProperties" and isinstance(self.value, Mapping):
            # Without any property in the schema, the engine does not name them.
            return list(getattr(self._kind, "unexpected", self.value))
        return list(getattr(self._kind, "unexpected", ()))

    def inside(self) -> Iterator[SchemaError]:
        """Yield the errors in the properties that `unevaluatedProperties` rejects; the engine only names them."""
        for name in self.unexpected:
            yield from iter_errors(self.contract, self.keyword_value, self.value[name], (*self.path, name))

    def branch(self, index: int) -> Iterator[SchemaError]:
        """Yield the validation errors of one branch of `oneOf` or `anyOf`."""
        for error in self._kind.context[index]:
            yield SchemaError(self.contract, error, self._body, self._parent)


def require_resolvable(contract: SchemaDocument) -> None:
    """Raise `DocumentError` if the engine cannot resolve the identifiers of a schema."""
    pointer = ""
    try:
        addresses = _engine(contract).addresses
        if not addresses.has_identifiers:
            return
        for pointer in addresses.roots:
            _engine(contract).validator(value_at(contract.document, pointer.translate(_DECODED_SURROGATES)))
    except ValueError as error:
        raise DocumentError(
            f"a reference cannot be followed: {str(error).splitlines()[0]}",
            where=f"{contract.name}: #{pointer}",
            hint="define what it names",
        ) from None


def path_and_value(error: ValidationError, body: Any) -> tuple[Path, Any, bool]:
    """Return the path of the rejected value in a body, the value, and whether they are exact.

    The engine omits empty names from a path and reads digits as a number. If that hides which member of an object is
    meant, path and value are those of the object.
    """
    path: list[str | int] = []
    for step in error.instance_path:
        key = step
        if isinstance(body, dict):
            names = _names_of_step(step, body)
            if "" in body or len(names) != 1:
                return tuple(path), body, False
            key = names[0]
        path.append(key)
        body = body[key]
    return tuple(path), body, not isinstance(body, dict) or "" not in body


def _names_of_step(step: str | int, body: Mapping[str, Any]) -> list[str]:
    """Return the properties that a step of the engine's path may stand for."""
    if isinstance(step, int):
        return [name for name in body if name and name.lstrip("+0") == str(step).lstrip("0")]
    return [name for name in (step, step.translate(_DECODED_SURROGATES)) if name in body][:1]


def conforms_to_format(value: object, name: str) -> bool:
    """Return whether a value conforms to a format; any value conforms to an unknown format."""
    return _is_valid_for_keyword("format", name, value)


def count_conforming(values: Sequence[str], name: str) -> int:
    """Return how many of the strings conform to a format."""
    if _is_valid_for_keyword("items", name, list(values)):
        return len(values)
    return sum(conforms_to_format(value, name) for value in values)


def is_known_format(name: str) -> bool:
    """Return whether the engine validates values against a format."""
    try:
        return bool(_validator({"format": name}, ignore_unknown_formats=False))
    except ValueError:
        return False


def matches(pattern: str, text: str) -> bool:
    """Return whether a pattern matches anywhere in a text; an invalid pattern matches no text."""
    return is_pattern(pattern) and _is_valid_for_keyword("pattern", pattern, text)


def is_pattern(pattern: str) -> bool:
    """Return whether a text is a regular expression that the engine accepts; huge ones are rejected."""
    try:
        return bool(_keyword_validator("pattern", pattern))
    except ValueError:
        return False


def _is_valid_for_keyword(keyword: str, keyword_value: str, value: object) -> bool:
    """Return whether a value is valid against a schema with a single keyword."""
    validator = _keyword_validator(keyword, keyword_value)
    try:
        return validator.is_valid(value)
    except (ValueError, TypeError):
        return validator.is_valid(as_engine_input(value))


@lru_cache(maxsize=256)
def _keyword_validator(keyword: str, keyword_value: str) -> Validator:
    """Return the validator of a schema with one keyword; for `items`, the value is the format of the items."""
    if keyword == "items":
        return _validator({"items": {"format": keyword_value}})
    return _validator({keyword: keyword_value})


def _validator(schema: Schema, registry: Registry | None = None, *, ignore_unknown_formats: bool = True) -> Validator:
    """Return a validator of a schema by JSON Schema 2020-12, with formats and a limit on backtracking."""
    # Imported here, because a run that only uses fixtures should not pay for the import.
    from jsonschema_rs import Draft202012Validator, FancyRegexOptions

    return Draft202012Validator(
        schema if isinstance(schema, bool) else dict(schema),
        registry=registry,
        validate_formats=True,
        ignore_unknown_formats=ignore_unknown_formats,
        pattern_options=FancyRegexOptions(backtrack_limit=_STEPS),
        offline=True,
    )


@lru_cache(maxsize=8)
def _engine(contract: SchemaDocument) -> _Engine:
    """Return the validators of a contract, which are shared by all calls for the same contract."""
    return _Engine(contract)


class _Engine:
    """The validators of one contract, one per schema, created on first use."""

    def __init__(self, contract: SchemaDocument) -> None:
        from jsonschema_rs import Registry

        self._contract = contract
        source: Any = contract.source
        try:
            json.dumps(source, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, TypeError):
            # The document cannot be encoded as UTF-8, which is rare.
            source = as_engine_input(source)
        self.addresses = Addresses(source)
        self.registry = Registry([(BASE, self.addresses.as_resource())])
        # Identities are unique because the contract holds the schemas.
        has_same_objects = source is contract.document
        objects = self.addresses.objects if has_same_objects else keyword_objects(contract.document)
        self.pointers = {id(schema.value): schema.pointer for schema in objects}
        self._validators: dict[int, Validator] = {}
        # The entry keeps the schema alive, so that no other schema can have its id.
        self._composed: dict[int, tuple[Schema, Validator]] = {}

    @cached_property
    def combinations(self) -> Combinations:
        """The combinations of the contract's schemas and of schemas composed of them."""
        return Combinations(self._contract.document, self._contract.name, self.pointers)

    @cached_property
    def _cost(self) -> Cost:
        """The cost of the contract's schemas."""
        return Cost(self._contract.document, self._contract.name)

    def can_list_errors(self, schema: Schema, value: Any) -> bool:
        """Return whether the errors of a value can be listed: recursive schemas that multiply apply few times."""
        growth = self._cost.growth
        if growth == 1 or not is_deep(value, int(log(_VISITS, growth))):
            return True
        is_countable = self.is_documented(schema) and not is_deep(value)
        return is_countable and isinstance(schema, Mapping) and self._cost.is_affordable(schema, value, _VISITS)

    def is_documented(self, schema: Schema) -> bool:
        """Return whether a schema is an object of the document itself, and not a copy or composed."""
        return id(schema) in self.pointers

    def validator(self, schema: Schema) -> Validator:
        """Return the cached validator of a schema that is part of the document, or that refers to parts of it."""
        key = id(schema)
        if key in self._validators:
            return self._validators[key]
        composed = self._composed.get(key)
        if composed is not None:
            return composed[1]
        validator = _validator(self.as_reference(schema), self.registry)
        if key in self.pointers:
            self._validators[key] = validator
            return validator
        if len(self._composed) >= _COMPOSED:
            # Another thread may be reading.
            self._composed = {}
        self._composed[key] = schema, validator
        return validator

    def as_reference(self, schema: Schema) -> Schema:
        """Return a reference to a schema of the document; another schema is returned with absolute references."""
        pointer = self.pointers.get(id(schema))
        if pointer is None:
            absolute: Schema = self.addresses.with_absolute_references(schema)
            return absolute
        return {"$ref": self.addresses.uri(pointer.translate(_ENCODED_SURROGATES))}


def as_engine_input(value: Any, levels: int = _LEVELS) -> Any:
    """Return JSON data as the engine accepts it: lone surrogates replaced, deep containers emptied.

    Deep are those below `levels`, on which the engine cannot report.
    """
    if isinstance(value, dict):
        return {
            key.translate(_ENCODED_SURROGATES): as_engine_input(inner, levels - 1)
            for key, inner in value.items()
            if levels
        }
    if isinstance(value, list):
        return [as_engine_input(inner, levels - 1) for inner in value if levels]
    if isinstance(value, str):
        return value.translate(_ENCODED_SURROGATES)
    return value
