"""Whether a value conforms, told fast: by jsonschema-rs where it is installed, by a kept jsonschema validator else.

jsonschema has the last word on what is wrong. jsonschema-rs is only believed where it says that nothing is, and only
for schemas made of words that both read alike: a word with a dialect of its own (`pattern`, whose regular expressions
differ, or `multipleOf`, whose arithmetic does) is left to jsonschema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from pytest_bctrl.contract.formats import UUID, conforms
from pytest_bctrl.contract.limits import wide_limits
from pytest_bctrl.contract.model import Contract, Schema, pointer

Accepts = Callable[[Any], bool]

_WORDS = frozenset(
    {"type", "enum", "const", "required", "minLength", "maxLength", "minItems", "maxItems", "minProperties"}
    | {"maxProperties", "dependentRequired", "format", "$ref"}
)
_SCHEMA = frozenset({"items", "additionalProperties", "not", "if", "then", "else", "propertyNames"})
_LISTS = frozenset({"prefixItems", "oneOf", "anyOf", "allOf"})
_MAPS = frozenset({"properties", "dependentSchemas"})
_NOTES = frozenset(
    {"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment"}
    | {"externalDocs", "xml"}
)
"""Words that say nothing of whether a value conforms."""


def acceptance(contract: Contract, schema: Schema, at: str) -> Accepts:
    """Return a function that tells whether a value conforms to a schema; made once for each place `at` in a document.

    `at` names the place, as a JSON Pointer does. A value that the fast way cannot read is given to the slow one.
    """
    known = _kept(contract)
    if at not in known:
        known[at] = acceptor(contract, schema)
    return known[at]


@lru_cache(maxsize=8)
def _kept(contract: Contract) -> dict[str, Accepts]:
    return {}


def is_fast() -> bool:
    """Whether jsonschema-rs is here, so that to ask costs next to nothing."""
    return _engine() is not None


def acceptor(contract: Contract, schema: Schema) -> Accepts:
    """Return a function that tells whether a value conforms to a schema, wherever that stands; made anew."""

    def slowly(value: Any) -> bool:
        from pytest_bctrl.contract.validation import is_valid

        # jsonschema writes the value into every error's text, and goes as deep as the value does.
        with wide_limits():
            return is_valid(contract, schema, value)

    fast = _fast(contract, schema)
    if fast is None:
        return slowly

    def accepts(value: Any) -> bool:
        try:
            return fast(value)
        except (ValueError, TypeError, OverflowError, RecursionError):
            # What has no JSON of its own, such as 1e999 or a lone surrogate, or is too deep.
            return slowly(value)

    return accepts


def _fast(contract: Contract, schema: Schema) -> Accepts | None:
    engine = _engine()
    if engine is None:
        return None
    formats: set[str] = set()
    if not _is_plain(contract, schema, formats, set()):
        return None
    document = _translated(contract.rooted(schema))
    own = {name: _conforms(name) for name in formats - {"uuid"}}
    try:
        made = engine.Draft202012Validator(document, validate_formats=True, formats=own)
    except (ValueError, TypeError):
        return None
    accepts: Accepts = made.is_valid
    return accepts


@lru_cache(maxsize=1)
def _engine() -> Any:
    try:
        import jsonschema_rs
    except ImportError:  # pragma: no cover - without the extra: tests/base_install
        return None
    return jsonschema_rs


def _conforms(name: str) -> Callable[[str], bool]:
    return lambda text: conforms(text, name)


def _is_plain(contract: Contract, schema: Any, formats: set[str], seen: set[str]) -> bool:
    """Whether a schema, and all that it leads to, is made of words that both engines read alike; gathers formats."""
    if isinstance(schema, bool):
        return True
    if not all(_is_known(str(word)) for word in schema):
        return False
    if "format" in schema:
        formats.add(str(schema["format"]))
    return all(_is_plain(contract, inner, formats, seen) for inner in _inner(contract, schema, seen))


def _is_known(word: str) -> bool:
    return word in _WORDS | _SCHEMA | _LISTS | _MAPS | _NOTES or word.startswith("x-")


def _inner(contract: Contract, schema: Mapping[str, Any], seen: set[str]) -> Iterator[Any]:
    for word, value in schema.items():
        if word in _SCHEMA:
            yield value
        elif word in _LISTS:
            yield from value
        elif word in _MAPS:
            yield from value.values()
        elif word == "$ref" and value not in seen:
            seen.add(value)
            yield pointer(contract.document, value, contract.name) if value.startswith("#/components/") else None


_DATA = frozenset({"enum", "const", "default", "examples", "example"})
"""Words whose values are no schemas, whatever they look like."""


def _translated(schema: Any) -> Any:
    """The schema with our strict `uuid` as a pattern, which costs no call into Python; other formats stay."""
    if isinstance(schema, list):
        return [_translated(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: value if key in _DATA else _translated(value) for key, value in schema.items()}
    if schema.get("format") == "uuid":
        del made["format"]
        made["pattern"] = f"^(?:{UUID})$"
    return made
