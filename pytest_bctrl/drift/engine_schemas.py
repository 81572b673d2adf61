"""Converts schemas of OpenAPI to JSON Schema 2020-12, which the engine reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_bctrl.contract.engine import is_pattern
from pytest_bctrl.contract.keywords import APPLICATORS, discriminator_values, map_subschemas, upgrade_schema
from pytest_bctrl.contract.spec import is_reference
from pytest_bctrl.drift.alternatives import null_alternatives
from pytest_bctrl.drift.constraints import ASSERTED, BITS

_OMITTED: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("$id", "$schema"), lambda value: isinstance(value, str)),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), lambda value: value == []),
    **dict.fromkeys(("$dynamicRef", "description"), lambda _: True),
    "format": lambda value: isinstance(value, str) and value not in ASSERTED,
    "required": lambda value: isinstance(value, bool),
    "pattern": lambda value: isinstance(value, str) and not is_pattern(value),
}  # fmt: skip
_DATA = frozenset({"const", "default", "example"})
"""Keywords whose value may be null; any other one that is null has no meaning."""


def engine_schema(schema: Any, refer: Callable[[dict[str, Any]], str], *, is_30: bool) -> Any:
    """Return the schema in JSON Schema 2020-12 with the meaning of a schema in OpenAPI; `refer` returns its references.

    `is_30`: keywords beside a `$ref` have no effect. Keywords that the engine cannot read, such as a pattern in another
    dialect, are omitted, in both documents. `nullable` counts in OpenAPI 3.1 too, where it is still common.
    """
    if not isinstance(schema, dict):
        return schema
    has_reference = is_reference(schema)
    keywords: dict[str, Any] = {}
    if not (is_30 and has_reference):
        keywords = {word: value for word, value in schema.items() if not _is_omitted(word, value)}
    for word in ("anyOf", "oneOf"):
        if isinstance(keywords.get(word), list):
            keywords[word] = _with_null_types(keywords[word])
    keywords = map_subschemas(keywords, APPLICATORS, lambda inner: engine_schema(inner, refer, is_30=is_30))
    if has_reference:
        keywords["$ref"] = refer(schema)
    if isinstance(keywords.get("discriminator"), dict):
        keywords["discriminator"] = _discriminator(schema, keywords["discriminator"], refer)
    bits = None
    if keywords.get("format") in BITS:
        # The engine knows no formats of numbers.
        bits = BITS[keywords.pop("format")]
    upgraded = upgrade_schema({**keywords, "nullable": schema.get("nullable")})
    if bits:
        upgraded["minimum"] = max(upgraded.get("minimum", -(2 ** (bits - 1))), -(2 ** (bits - 1)))
        upgraded["maximum"] = min(upgraded.get("maximum", 2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return upgraded


def _with_null_types(alternatives: list[Any]) -> list[Any]:
    """Return alternatives with `{"type": "null"}` in place of each `{"nullable": true}` beside others."""
    nulls = null_alternatives(alternatives)
    return [{"type": "null"} if schema in nulls else schema for schema in alternatives]


def _discriminator(
    schema: dict[str, Any], discriminator: dict[str, Any], refer: Callable[[dict[str, Any]], str]
) -> dict[str, Any]:
    """Return a discriminator that maps every value to a reference."""
    branches = [branch for word in ("oneOf", "anyOf") for branch in schema.get(word) or ()]
    mapping: dict[str, str] = {}
    for branch in branches:
        if is_reference(branch):
            for name in discriminator_values(discriminator, branch["$ref"]):
                mapping[name] = refer(branch)
    return {**discriminator, "mapping": mapping}


def _is_omitted(word: str, value: Any) -> bool:
    """Return whether a keyword is left out because it, or its value, has no meaning for the engine."""
    is_absent = value is None and word not in _DATA
    return is_absent or (word in _OMITTED and _OMITTED[word](value))
