"""A schema as an engine for JSON Schema 2020-12 reads it: what OpenAPI 3.0 has words of its own for, in its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_bctrl.contract.engine import is_pattern
from pytest_bctrl.contract.keywords import APPLICATORS, discriminator_values, map_subschemas, upgrade_schema
from pytest_bctrl.contract.outline import is_reference
from pytest_bctrl.drift.constraints import BITS

_LEFT_OUT: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("$id", "$schema"), lambda value: isinstance(value, str)),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), lambda value: value == []),
    **dict.fromkeys(("$dynamicRef", "description"), lambda _: True),
    "required": lambda value: isinstance(value, bool), "type": lambda value: value is None,
    "pattern": lambda value: isinstance(value, str) and not is_pattern(value),
}  # fmt: skip


def engine_schema(schema: Any, refer: Callable[[dict[str, Any]], str], *, is_30: bool) -> Any:
    """Return what says in JSON Schema 2020-12 what a schema says in OpenAPI; `refer` writes a reference of one.

    `is_30`: what stands beside a `$ref` says nothing. What no engine can read, such as a pattern of another kind, is
    left out, in both documents alike. `nullable` counts in OpenAPI 3.1 too, where many still write it.
    """
    if not isinstance(schema, dict):
        return schema
    has_reference = is_reference(schema)
    said = {} if is_30 and has_reference else schema
    kept = {word: value for word, value in said.items() if not _is_left_out(word, value)}
    made = map_subschemas(kept, APPLICATORS, lambda inner: engine_schema(inner, refer, is_30=is_30))
    if has_reference:
        made["$ref"] = refer(schema)
    if isinstance(made.get("discriminator"), dict):
        branches = (one for word in ("oneOf", "anyOf") for one in schema.get(word) or () if is_reference(one))
        named = (
            (name, refer(one)) for one in branches for name in discriminator_values(made["discriminator"], one["$ref"])
        )
        made["discriminator"] = {**made["discriminator"], "mapping": dict(named)}
    bits = BITS.get(made["format"]) if isinstance(made.get("format"), str) else None
    found = upgrade_schema({**made, "nullable": schema.get("nullable")})
    if bits:
        found["minimum"] = max(found.get("minimum", -(2 ** (bits - 1))), -(2 ** (bits - 1)))
        found["maximum"] = min(found.get("maximum", 2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return found


def _is_left_out(word: str, said: Any) -> bool:
    return (word in APPLICATORS and said is None) or (word in _LEFT_OUT and _LEFT_OUT[word](said))
