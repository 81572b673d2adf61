"""`response_schema_conformance`: validates the body against its documented schema, including formats and every item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from pytest_bctrl.checks.response import Response, looked, once
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.engine import SchemaError, iter_errors
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.schema.applicators import (
    NOTHING,
    Branch,
    branch_summary,
    distinguishing_property,
    intended_branch,
    matches_types,
)
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.contract.schema.ref import json_type_of, type_name
from pytest_bctrl.observed.differences import NO_ALTERNATIVE, SCHEMA, UNLISTED

_NO_FURTHER = "the schema allows no further property"
_MAX_ERRORS = 20_000
"""Maximum number of errors listed per response: each takes memory and time, and nobody reads so many."""


def check_schema(response: Response) -> Iterator[Violation]:
    """Yield a violation for every location that breaks the documented schema (JSON Schema 2020-12)."""
    looked(response).add("schema")
    yield from once(response, "schema", lambda: _schema_violations(response))


def rejected_properties(response: Response) -> set[str]:
    """Return the locations of the properties that the schema does not allow, which `check_schema` reports."""
    found = once(response, "schema", lambda: _schema_violations(response))
    return {violation.location for violation in found if violation.message == _NO_FURTHER}


def _schema_violations(response: Response) -> list[Violation]:
    """Return the violations of the documented schema; none if the body conforms or has no schema."""
    if response.schema is None or response.conforms:
        return []
    return violations(response.contract, response.schema, response.data)


def violations(contract: Contract, schema: Schema, body: Any) -> list[Violation]:
    """Return the violations of a body that does not conform to `schema`; there is at least one."""
    errors = iter_errors(contract, schema, body)
    listed = [violation for error in islice(errors, _MAX_ERRORS) for violation in _violations_of_error(error)]
    if next(errors, None) is not None:
        message = f"more than {_MAX_ERRORS:,} places break the schema, and are not all listed"
        listed.append(_new_violation((), message, None, None, "more"))
    return _without_duplicates(listed) or [
        _new_violation(
            (), "the body does not conform to its schema, at a location that is nested too deep", None, body, "deep"
        )
    ]


def _without_duplicates(listed: list[Violation]) -> list[Violation]:
    """Return the violations without those of an unlisted value whose type is already reported as wrong."""
    mistyped = {violation.path for violation in listed if violation.kind in ("type", "null")}
    return [violation for violation in listed if violation.kind != "unlisted-value" or violation.path not in mistyped]


def _violations_of_error(broken: SchemaError) -> Iterator[Violation]:
    """Yield the violations that a broken keyword stands for, each with its location."""
    if broken.keyword == "required":
        yield _missing_violation(broken.path, broken.missing)
    elif broken.keyword == "unevaluatedProperties" and broken.keyword_value is not False:
        for inner in broken.inside():
            yield from _violations_of_error(inner)
    elif broken.unexpected and isinstance(broken.value, Mapping):
        for name in broken.unexpected:
            yield _unexpected_violation((*broken.path, name), broken.value.get(name), broken.keyword)
    elif broken.keyword in ("oneOf", "anyOf") and broken.error_kind not in _FIXED:
        yield from _branch_violations(broken)
    else:
        yield _plain_violation(broken)


def _plain_violation(broken: SchemaError) -> Violation:
    """Return the violation for an error about one keyword and one value."""
    keyword, path, keyword_value, value = broken.keyword, broken.path, broken.keyword_value, broken.value
    if broken.error_kind in _FIXED:
        message, expected, kind = _FIXED[broken.error_kind]
        return _new_violation(path, message, expected, value, kind)
    if keyword == "type" and isinstance(keyword_value, str):
        return _type_violation(path, [keyword_value], value)
    if keyword == "type":
        return _type_violation(path, list(keyword_value), value)
    if keyword == "enum":
        return _new_violation(path, UNLISTED, list(keyword_value), value, "unlisted-value")
    if keyword == "const":
        return _new_violation(path, UNLISTED, [keyword_value], value, "unlisted-value")
    if keyword == "format":
        return _new_violation(path, f"the text is not in the format {keyword_value}", keyword_value, value, "format")
    return _new_violation(path, f"the value breaks '{keyword}'", keyword_value, value, keyword)


FORBIDDEN: tuple[str, Any, str] = ("nothing is allowed here", "nothing", "false")
"""Message, expected value and kind of the error of any value for the schema `false`."""
_FIXED: Mapping[str, tuple[str, Any, str]] = {
    "FalseSchema": FORBIDDEN,
    "OneOfMultipleValid": ("the value is more than one of the documented alternatives", "exactly one", "oneOf"),
    "BacktrackLimitExceeded": (
        "the text takes more steps than a pattern may",
        "a text that is matched soon",
        "pattern",
    ),
    "AmbiguousName": (
        "it, or a member, breaks the schema; an empty name, or two names of one number such as 0 and 00, hide which",
        "names that are not empty and differ as numbers",
        "names",
    ),
}
"""Message, expected value and kind of the errors that need no further explanation."""


def _branch_violations(broken: SchemaError) -> Iterator[Violation]:
    """Yield the violations in the branch that the value is meant for; if that is unclear, one about all branches."""
    path, value = broken.path, broken.value
    branches = [Branch.of(broken.contract, schema) for schema in broken.keyword_value]
    chosen = intended_branch(branches, value)
    if chosen is not None:
        for child in broken.branch(chosen):
            yield from _violations_of_error(child)
        return
    name = distinguishing_property(branches)
    types = [branch.types for branch in branches if branch.types != NOTHING]
    if types and all(types) and not any(matches_types(branch_types, value) for branch_types in types):
        yield _type_violation(path, sorted(set().union(*types)), value)
    elif not isinstance(value, Mapping) or name is None:
        shapes = [branch_summary(broken.contract, schema) for schema in broken.keyword_value]
        yield _new_violation(path, NO_ALTERNATIVE, shapes, value, "alternatives")
    elif name not in value:
        yield _missing_violation(path, name)
    else:
        documented = [tag for branch in branches for tag in branch.values_of(name)]
        observed = value[name]
        if isinstance(observed, dict | list):
            observed = type_name(observed)
        yield _new_violation((*path, name), UNLISTED, documented, observed, "new-branch")


def _new_violation(path: Path, message: str, expected: Any, observed: Any, kind: str) -> Violation:
    """Return a violation of the documented schema at level error."""
    return Violation(SCHEMA, "error", message, path, expected=expected, observed=observed, kind=kind)


def _missing_violation(path: Path, name: str) -> Violation:
    """Return the violation of a required property that is missing."""
    return _new_violation((*path, name), "the required property is missing", "a value", "no such property", "missing")


def _unexpected_violation(path: Path, value: Any, keyword: str) -> Violation:
    """Return the violation of a property that `additionalProperties` or `unevaluatedProperties` does not allow."""
    return _new_violation(path, _NO_FURTHER, "no such property", value, keyword)


def _type_violation(path: Path, types: list[str], value: Any) -> Violation:
    """Return the violation of a value whose type the schema does not allow."""
    wrong_type = json_type_of(value)
    kind = "null" if wrong_type == "null" else "type"
    return _new_violation(path, f"the value has the wrong type, {wrong_type}", types, value, kind)
