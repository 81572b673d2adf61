"""`response_schema_conformance`: the body against its documented schema, formats asserted, every item looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    discriminator,
    intended_branch,
    matches_types,
)
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.contract.schema.ref import kind_of, response_schema_ref, type_name
from pytest_bctrl.observed.differences import NO_ALTERNATIVE, SCHEMA, UNLISTED

_MOST = 20_000
"""Places of one answer that are listed at most: each takes memory and time, and nobody reads so many."""


def check_schema(response: Response) -> Iterator[Violation]:
    """Yield a violation for every place that breaks the documented schema (JSON Schema 2020-12)."""
    looked(response).add("schema")
    yield from once(response, "schema", lambda: _broken(response))


def _broken(response: Response) -> list[Violation]:
    at = (response.contract, response.operation, str(response.status), response.media_type)
    spot = None if response.conforms else response_schema_ref(*at)
    return violations(response.contract, spot.schema, response.data) if spot is not None else []


def violations(contract: Contract, schema: Schema, body: Any) -> list[Violation]:
    """Return what of a body that does not conform breaks its schema, in words that name the place: one at least."""
    wrong = iter_errors(contract, schema, body)
    found = [one for broken in islice(wrong, _MOST) for one in _explained(broken)]
    if next(wrong, None) is not None:
        message = f"more than {_MOST:,} places break the schema, and are not all listed"
        found.append(_violation((), message, None, None, "more"))
    return _once(found) or [
        _violation((), "the body breaks its schema, at a place too deep to name", None, body, "deep")
    ]


def _once(found: Iterable[Violation]) -> list[Violation]:
    """Leave out that a value is unlisted where its type is wrong already: one fault is one violation."""
    found = list(found)
    mistyped = {one.path for one in found if one.kind in ("type", "null")}
    return [one for one in found if one.kind != "unlisted-value" or one.path not in mistyped]


def _explained(broken: SchemaError) -> Iterator[Violation]:
    """Yield what a broken keyword means, in words that name the place."""
    if broken.keyword == "required":
        yield _missing(broken.path, broken.missing)
    elif broken.keyword == "unevaluatedProperties" and broken.keyword_value is not False:
        for inner in broken.inside():
            yield from _explained(inner)
    elif broken.keyword in ("oneOf", "anyOf") and broken.error_kind not in _FIXED:
        yield from _explained_branches(broken)
    else:
        yield _plainly(broken)


def _plainly(broken: SchemaError) -> Violation:
    """What an error says that is of one keyword and one value."""
    name, path, wanted, value = broken.keyword, broken.path, broken.keyword_value, broken.value
    if broken.error_kind in _FIXED:
        message, expected, kind = _FIXED[broken.error_kind]
        return _violation(path, message, expected, value, kind)
    if name == "type":
        return _wrong_type(path, [wanted] if isinstance(wanted, str) else list(wanted), value)
    if name in ("enum", "const"):
        return _violation(path, UNLISTED, list(wanted) if name == "enum" else [wanted], value, "unlisted-value")
    if name == "format":
        return _violation(path, f"the text is not in the format {wanted}", wanted, value, "format")
    return _violation(path, f"the value breaks '{name}'", wanted, value, name)


_FIXED: Mapping[str, tuple[str, Any, str]] = {
    "FalseSchema": ("nothing is allowed here", "nothing", "false"),
    "OneOfMultipleValid": ("the value is more than one of the documented alternatives", "exactly one", "oneOf"),
    "BacktrackLimitExceeded": (
        "the text takes more steps than a pattern may",
        "a text that is matched soon",
        "pattern",
    ),
}
"""Message, what is expected, and kind of the faults that say all by their name."""


def _explained_branches(broken: SchemaError) -> Iterator[Violation]:
    """Name what is wrong in the branch that the value means to be, instead of 'not valid under any'."""
    path, value = broken.path, broken.value
    branches = [Branch.of(broken.contract, schema) for schema in broken.keyword_value]
    chosen = intended_branch(branches, value)
    if chosen is not None:
        for child in broken.branch(chosen):
            yield from _explained(child)
        return
    name = discriminator(branches)
    types = [branch.types for branch in branches if branch.types != NOTHING]
    if types and all(types) and not any(matches_types(one, value) for one in types):
        yield _wrong_type(path, sorted(set().union(*types)), value)
    elif not isinstance(value, Mapping) or name is None:
        shapes = [branch_summary(broken.contract, schema) for schema in broken.keyword_value]
        yield _violation(path, NO_ALTERNATIVE, shapes, value, "alternatives")
    elif name not in value:
        yield _missing(path, name)
    else:
        listed = [one for branch in branches for one in branch.values_of(name)]
        told = value[name]
        observed = type_name(told) if isinstance(told, dict | list) else told
        yield _violation((*path, name), UNLISTED, listed, observed, "new-branch")


def _violation(path: Path, message: str, expected: Any, observed: Any, kind: str) -> Violation:
    return Violation(SCHEMA, "error", message, path, expected=expected, observed=observed, kind=kind)


def _missing(path: Path, name: str) -> Violation:
    return _violation((*path, name), "the required property is missing", "a value", "no such property", "missing")


def _wrong_type(path: Path, types: list[str], instance: Any) -> Violation:
    wrong = kind_of(instance)
    return _violation(
        path, f"the value has the wrong type, {wrong}", types, instance, "null" if wrong == "null" else "type"
    )
