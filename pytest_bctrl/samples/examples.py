"""The documented examples of bodies and header fields, and whether they conform to their schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_bctrl.contract.engine import iter_errors
from pytest_bctrl.contract.model import Contract, ResponseSpec, Schema
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.schema.locations import exact_location
from pytest_bctrl.contract.schema.ref import flatten

_SHOWN = 120
"""Maximum number of characters of a message that describes a value."""


def body_examples(contract: Contract, spec: ResponseSpec, media_type: str, schema: Schema) -> dict[str, Any]:
    """Return the documented bodies of a media type by name: those of `examples`, then those of its schema.

    The name of `example` is empty; the examples of the schema are named `schema #1`, `schema #2`, ….
    """
    examples = dict(spec.examples.get(media_type, {}))
    if isinstance(schema, Mapping):
        flat = flatten(contract, schema)
        values = [flat["example"]] if "example" in flat else []
        listed = flat.get("examples", ())
        if isinstance(listed, list):
            values += listed
        examples |= {f"schema #{number}": value for number, value in enumerate(values, 1)}
    return {name: _as_body(contract, media_type, schema, value) for name, value in examples.items()}


def _as_body(contract: Contract, media_type: str, schema: Schema, value: Any) -> Any:
    """Return an example as the body; JSON that is given as text is parsed if only then it conforms."""
    if not isinstance(value, str) or not is_json(media_type) or not body_problem(contract, media_type, schema, value):
        return value
    try:
        body = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return value if body_problem(contract, media_type, schema, body) else body


def body_problem(contract: Contract, media_type: str, schema: Schema, value: Any) -> str:
    """Return why a body does not conform to its schema; empty if it does, or for text whose media type is not JSON."""
    if isinstance(value, str) and not is_json(media_type):
        return ""
    for error in iter_errors(contract, schema, value):
        return f"{exact_location(error.path)}: {error.message[:_SHOWN]}"
    return ""


def example_problems(contract: Contract, spec: ResponseSpec, only: str | None = None) -> Iterator[str]:
    """Yield a sentence per documented example that does not conform to the contract.

    `only` is the name of the only example to validate, by default all of them.
    """
    for media_type, schema in spec.content.items():
        for name, value in body_examples(contract, spec, media_type, schema).items():
            problem = "" if only not in (None, name) else body_problem(contract, media_type, schema, value)
            if problem:
                shown_name = f" {name}" if name else ""
                yield f"the example{shown_name} of {spec.status} {media_type} does not conform: {problem}"
