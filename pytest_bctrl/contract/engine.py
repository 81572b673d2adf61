"""Whether a value conforms, and what of it does not: jsonschema-rs, for everything in the kit that asks.

JSON Schema 2020-12 with its formats asserted (validation, 7.2.1), since an annotation would let every bad id pass.
Patterns are ECMA 262's. They are matched in linear time; one that looks ahead, behind or back at a group takes at most
so many steps, and what is not matched within them does not conform.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property, lru_cache
from math import log
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from pytest_bctrl.contract.combinations import Combinations
from pytest_bctrl.contract.cost import Cost
from pytest_bctrl.contract.document import unescape_token, value_at
from pytest_bctrl.contract.json_source import DEPTH, LargeNumber, is_deep
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.references import BASE, FRAGMENT, Addresses, keyword_objects
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from jsonschema_rs import Registry, ValidationError, Validator

_STEPS = 10_000
_READ = 240
"""Levels of a value that the engine explains; it says of any whether it conforms."""

_EXPLAINED = 65_536
"""How often a schema that leads back to itself is looked at for errors; whether there is one, the engine remembers."""

_HALF = {code: code - 0xD800 + 0xF0000 for code in range(0xD800, 0xE000)}
_WHOLE = {code: half for half, code in _HALF.items()}
"""Half a character, which JSON can hold and UTF-8 cannot, as a character that nobody uses."""


def accepts(contract: Contract, schema: Schema, value: Any) -> bool:
    """Whether a value conforms to a schema of the contract."""
    validator = _engine(contract).validator(schema)
    try:
        return validator.is_valid(value)
    except (ValueError, TypeError):
        return validator.is_valid(as_engine_input(value))


def schema_pointer(contract: Contract, schema: Schema) -> str:
    """The pointer of a schema that stands in the contract's document; empty for one that does not."""
    return _engine(contract).pointers.get(id(schema), "")


def schema_count(contract: Contract) -> int:
    """Return how many schemas the contract's document holds."""
    return len(_engine(contract).pointers)


def schema_resource(contract: Contract) -> dict[str, Any]:
    """Return the contract's document as a resource of JSON Schema, for another engine: each reference is a URI."""
    return _engine(contract).addresses.resource()


def as_reference(contract: Contract, schema: Schema) -> Schema:
    """Return a reference to the schema in the document, or the schema itself if it is not part of the document."""
    return _engine(contract).referable(schema)


def canonical_form(contract: Contract, schema: Schema) -> Schema:
    """Return the engine's canonical form of a schema: what it says of one value is worked out, without its `allOf`.

    It need not stand in the document. The schema itself where the engine cannot tell, or where its alternatives combine
    in more ways than the budget allows.
    """
    from jsonschema_rs import canonicalize

    if not _engine(contract).combinations.are_bounded(schema):
        return schema
    addresses, registry = _engine(contract).addresses, _engine(contract).registry
    try:
        found = canonicalize(addresses.absolute(schema), draft=20, validate_formats=True, registry=registry)
    except ValueError:
        return schema
    made: Schema = _with_pointers(addresses, found.to_json_schema())
    return made


_CANONICAL = "#/$defs/urn:jsonschema:canonical:"
"""What the references of a canonical form begin with; the URI that they stand for follows, percent-encoded."""


def _with_pointers(addresses: Addresses, value: Any) -> Any:
    if isinstance(value, list):
        return [_with_pointers(addresses, item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _with_pointers(addresses, inner) for key, inner in value.items() if key not in ("$defs", "$schema")}
    reference = made.get("$ref")
    if isinstance(reference, str) and reference.startswith(_CANONICAL):
        name = unescape_token(unquote(reference.removeprefix(_CANONICAL)))
        made["$ref"] = f"#{quote(addresses.pointer(unquote(name)) or '', safe=FRAGMENT)}"
    return made


def iter_errors(contract: Contract, schema: Schema, value: Any, above: Path = ()) -> Iterator[SchemaError]:
    """Yield what is wrong with a value, which stands at `above`; nothing where it nests too deep for that."""
    engine = _engine(contract)
    if engine.levels < DEPTH and is_deep(value, engine.levels):
        return
    validator = engine.validator(schema)
    try:
        found = validator.iter_errors(value)
    except (ValueError, TypeError):
        found = validator.iter_errors(as_engine_input(value, is_shown=True))
    for error in found:
        yield SchemaError(contract, error, value, above)


class SchemaError:
    """A keyword that a value of a body breaks, and the path of the value.

    `fault` is what the engine calls it, which can say more than the keyword: `OneOfMultipleValid`.
    """

    def __init__(self, contract: Contract, error: Any, body: Any, above: Path) -> None:
        self.message = error.message
        path, self.value = _found_at(error, body)
        self.path = (*above, *path)
        self._kind = error.kind
        if self._kind.name == "propertyNames":
            # What is wrong is the name, and the place is the object that has it.
            error = self._kind.error
            self._kind, self.value = error.kind, error.instance
        self.contract, self._error, self._body, self._above = contract, error, body, above
        self.keyword: str = self._kind.name
        self.error_kind = type(self._kind).__name__
        if self.error_kind == "FalseSchema" and error.schema_path[-1:] == ["additionalProperties"] != list(
            self.path[-1:]
        ):
            self.keyword, self.error_kind = "additionalProperties", "AdditionalProperties"

    @cached_property
    def keyword_value(self) -> Any:
        """What the contract says by the keyword."""
        pointer = _engine(self.contract).addresses.pointer(str(self._error.absolute_keyword_location)) or ""
        return value_at(self.contract.document, pointer.translate(_WHOLE))

    @property
    def missing(self) -> str:
        """The property that `required` names."""
        return str(self._kind.property)

    def inside(self) -> Iterator[SchemaError]:
        """What is wrong in the properties that `unevaluatedProperties` is about; the engine names no more than them."""
        for name in self._kind.unexpected:
            yield from iter_errors(self.contract, self.keyword_value, self.value[name], (*self.path, name))

    def branch(self, index: int) -> Iterator[SchemaError]:
        """What is wrong by one of the schemas that `oneOf` or `anyOf` lists."""
        for error in self._kind.context[index]:
            yield SchemaError(self.contract, error, self._body, self._above)


def require_resolvable(contract: Contract) -> None:
    """Raise `DocumentError` for a schema with identifiers that the engine cannot follow."""
    place = ""
    try:
        addresses = _engine(contract).addresses
        for place in addresses.roots if addresses.has_identifiers else ():
            _engine(contract).validator(value_at(contract.document, place.translate(_WHOLE)))
    except ValueError as error:
        raise DocumentError(
            f"a reference cannot be followed: {str(error).splitlines()[0]}",
            where=f"{contract.name}: #{place}",
            hint="define what it names",
        ) from None


def _found_at(error: ValidationError, body: Any) -> tuple[Path, Any]:
    """The path of what is wrong with a body, and the value that is there."""
    path: list[str | int] = []
    for key in error.instance_path:
        path.append(_name(str(key), body) if isinstance(body, dict) else key)
        body = body[path[-1]]
    return tuple(path), body


def _name(shown: str, body: Mapping[str, Any]) -> str:
    """The name that the engine shows in another way: it reads digits as a number, and no half of a character."""
    exact = (name for name in (shown, shown.translate(_WHOLE)) if name in body)
    return next(exact, None) or next(name for name in body if name.lstrip("+0") == shown.lstrip("0"))


def conforms_to_format(value: object, name: str) -> bool:
    """Whether a value is in a format; one that `is_known_format` does not know is an annotation."""
    return _keeps("format", name, value)


def count_conforming(values: Sequence[str], name: str) -> int:
    """How many of the strings are in a format."""
    if _keeps("items", name, list(values)):
        return len(values)
    return sum(conforms_to_format(value, name) for value in values)


def is_known_format(name: str) -> bool:
    """Whether the engine knows a format, and so holds values to it."""
    try:
        return bool(_validator({"format": name}, ignore_unknown_formats=False))
    except ValueError:
        return False


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text; not where it is none that can be read."""
    return is_pattern(pattern) and _keeps("pattern", pattern, text)


def is_pattern(pattern: str) -> bool:
    """Whether a text is a pattern that the engine can read and is willing to: a huge one it is not."""
    try:
        return bool(_keeping("pattern", pattern))
    except ValueError:
        return False


def _keeps(keyword: str, said: str, value: object) -> bool:
    try:
        return _keeping(keyword, said).is_valid(value)
    except (ValueError, TypeError):
        return _keeping(keyword, said).is_valid(as_engine_input(value))


@lru_cache(maxsize=256)
def _keeping(keyword: str, said: str) -> Validator:
    return _validator({keyword: {"format": said} if keyword == "items" else said})


def _validator(schema: Schema, registry: Registry | None = None, *, ignore_unknown_formats: bool = True) -> Validator:
    # Imported where there is something to validate: a run that only asks for fixtures must not pay for it.
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
def _engine(contract: Contract) -> _Engine:
    return _Engine(contract)


class _Engine:
    """The validators of one contract: one for each schema that is asked for, made once."""

    def __init__(self, contract: Contract) -> None:
        from jsonschema_rs import Registry

        self._contract = contract
        source: Any = contract.source
        try:
            json.dumps(source, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, TypeError):
            # It cannot be written as UTF-8, as nearly every one can.
            source = as_engine_input(source)
        self.addresses = Addresses(source)
        self.registry = Registry([(BASE, self.addresses.resource())])
        # By identity, which is an object's for as long as the contract holds it.
        self.pointers = {id(schema.value): schema.pointer for schema in keyword_objects(contract.document)}
        self._made: dict[int, Validator] = {}

    @cached_property
    def combinations(self) -> Combinations:
        """The combinations of the contract's schemas, and of those that are put together of them."""
        return Combinations(self._contract.document, self._contract.name, self.pointers)

    @cached_property
    def levels(self) -> int:
        """Levels of a value that errors are looked for in. Where schemas multiply with each, it is soon too long."""
        growth = Cost(self._contract.document, self._contract.name).growth
        return DEPTH if growth == 1 else int(log(_EXPLAINED, growth))

    def validator(self, schema: Schema) -> Validator:
        """The validator of a schema, which need not stand in the document: its references lead into that."""
        key = id(schema)
        if key not in self._made:
            made = _validator(self.referable(schema), self.registry)
            if key not in self.pointers:
                return made
            self._made[key] = made
        return self._made[key]

    def referable(self, schema: Schema) -> Schema:
        """A schema of the document as a reference into it; one of another place with absolute references."""
        place = self.pointers.get(id(schema))
        if place is None:
            absolute: Schema = self.addresses.absolute(schema)
            return absolute
        return {"$ref": self.addresses.uri(place.translate(_HALF))}


_SHOWN = 4_000
_LARGEST = Decimal(10) ** _SHOWN


def as_engine_input(value: Any, levels: int = _READ, *, is_shown: bool = False) -> Any:
    """JSON data with what the engine cannot read as what it can: half a character, a number beyond a double.

    What is deeper than it explains is left out: lists and objects are empty there. Where the engine has to show a
    number (`is_shown`), one that the interpreter has too few digits for is the largest that it has.
    """
    if isinstance(value, dict):
        return {
            key.translate(_HALF): as_engine_input(inner, levels - 1, is_shown=is_shown)
            for key, inner in value.items()
            if levels
        }
    if isinstance(value, list):
        return [as_engine_input(inner, levels - 1, is_shown=is_shown) for inner in value if levels]
    if isinstance(value, LargeNumber):
        return _LARGEST.copy_sign(value.exact) if is_shown and value.exact.adjusted() > _SHOWN else value.exact
    return value.translate(_HALF) if isinstance(value, str) else value
