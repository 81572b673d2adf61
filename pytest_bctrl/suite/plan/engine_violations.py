"""What the other engines find, in the words of the checks: rule, location and kind are those of the fault there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.contract.schema.ref import kind_of

ENGINES: Mapping[str, str] = {"jsonschema": "jsonschema", "schemathesis": "Schemathesis"}
"""The engines that check beside ours, as tests and as people call them."""

SCHEMA = "response_schema_conformance"

_REQUIRED = re.compile(r"^['\"](?P<name>.*)['\"] is a required property", re.DOTALL)


def keyword_violation(engine: str, keyword: str, path: Path, wanted: Any, observed: Any, message: str) -> Violation:
    """Return the violation for a keyword that an engine says is broken at a path."""
    named = _REQUIRED.match(message) if keyword == "required" else None
    if named is not None:
        place = (*path, named["name"])
        words = f"{engine}: the required property is missing"
        return Violation(SCHEMA, "error", words, place, "", "a value", "no such property", "missing")
    words = f"{engine}: the value breaks '{keyword}'"
    return Violation(SCHEMA, "error", words, path, "", wanted, observed, _kind(keyword, observed))


def _kind(keyword: str, observed: Any) -> str:
    """The kind that the checks give the same fault, so that one entry of a list of accepted findings covers all."""
    if keyword == "type":
        return "null" if kind_of(observed) == "null" else "type"
    return "unlisted-value" if keyword in ("enum", "const") else keyword
