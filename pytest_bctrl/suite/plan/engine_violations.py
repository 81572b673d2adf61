"""Converts errors of the other engines to violations, with the rule, location and kind that our checks use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_bctrl.checks.schema import FORBIDDEN
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.keywords import CHILDREN
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.contract.schema.ref import json_type_of

ENGINES: Mapping[str, str] = {"jsonschema": "jsonschema", "schemathesis": "Schemathesis"}
"""The other engines: the name in test ids, and the name for users."""

SCHEMA = "response_schema_conformance"
FALSE = "false"
"""The name of the schema `false`, which has no keyword."""

_REQUIRED = re.compile(r"^['\"](?P<name>.*)['\"] is a required property", re.DOTALL)


def keyword_violation(engine: str, keyword: str, path: Path, expected: Any, observed: Any, message: str) -> Violation:
    """Return the violation of a schema keyword, or of the schema `false`, that an engine reports at a path."""
    required = _REQUIRED.match(message) if keyword == "required" else None
    if required is not None:
        property_path = (*path, required["name"])
        text = f"{engine}: the required property is missing"
        return Violation(SCHEMA, "error", text, property_path, "", "a value", "no such property", "missing")
    if keyword == FALSE:
        text, expected, kind = FORBIDDEN
        return Violation(SCHEMA, "error", f"{engine}: {text}", path, "", expected, observed, kind)
    text = f"{engine}: the value breaks '{keyword}'"
    return Violation(SCHEMA, "error", text, path, "", expected, observed, _violation_kind(keyword, observed))


def applied_keyword(schema_path: Sequence[str | int]) -> str:
    """Return the keyword whose value is the schema at the end of a path; empty for one below a name or an index."""
    tokens = iter(schema_path)
    keyword = ""
    for token in tokens:
        keyword = str(token)
        if keyword not in CHILDREN:
            next(tokens, None)
            keyword = ""
    return keyword


def _violation_kind(keyword: str, observed: Any) -> str:
    """Return the kind that our checks give the same fault, so that one baseline entry covers all engines."""
    if keyword == "type":
        return "null" if json_type_of(observed) == "null" else "type"
    return "unlisted-value" if keyword in ("enum", "const") else keyword
