"""`response_schema_conformance`: the body against its documented schema, formats asserted, every item looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.select import Path
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.branches import Branch, branch_meant, discriminator, is_one_of
from pytest_bctrl.contract.limits import wide_limits
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.show import type_name
from pytest_bctrl.observed.spot import body_spot, kind_of

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

RULE = "response_schema_conformance"

_MOST = 20_000
"""Places of one answer that are listed at most: each takes memory and time, and nobody reads so many."""


def check_schema(answer: Answer) -> Iterator[Violation]:
    """Yield a violation for every place that breaks the documented schema (JSON Schema 2020-12)."""
    is_settled = answer.schema is None or not answer.parsed.ok or answer.conforms
    at = (answer.contract, answer.operation, str(answer.status), answer.media_type)
    spot = None if is_settled else body_spot(*at)
    if spot is None:
        return
    # Imported where there is something to explain: jsonschema costs a run that finds nothing more than the rest of it.
    from pytest_bctrl.checks.failures import failures

    # jsonschema writes the value into every error's text: a number that the parser took needs the parser's limits.
    with wide_limits():
        found = failures(answer.contract, spot, answer.data)
        errors = list(islice(found, _MOST))
        is_all = next(found, None) is None
    yield from plain(violation for path, error in errors for violation in explained(answer.contract, error, path))
    if not is_all:
        yield _violation((), f"more than {_MOST:,} places break the schema, and are not all listed", None, None, "more")


def plain(found: Iterable[Violation]) -> list[Violation]:
    """Leave out that a value is unlisted where its type is wrong already: one fault is told once."""
    violations = list(found)
    mistyped = {one.path for one in violations if one.kind in ("type", "null")}
    return [one for one in violations if one.kind != "unlisted-value" or one.path not in mistyped]


def explained(contract: Contract, error: ValidationError, above: Path = ()) -> Iterator[Violation]:
    """Yield what one of jsonschema's errors tells, in words that name the place; `above` stands before its path."""
    path = (*above, *error.absolute_path)
    if error.validator in ("oneOf", "anyOf") and error.context:
        yield from _explained_branches(contract, error, above)
    elif error.validator in _WORDS:
        yield from _WORDS[str(error.validator)](error, path)
    elif error.validator is None:
        yield _violation(path, "nothing is allowed here", "nothing", error.instance, "false")
    else:
        yield _violation(
            path, f"the value breaks '{error.validator}'", error.validator_value, error.instance, str(error.validator)
        )


def _explained_branches(contract: Contract, error: ValidationError, above: Path) -> Iterator[Violation]:
    """Name what is wrong in the branch that the value means to be, instead of 'not valid under any'."""
    path = (*above, *error.absolute_path)
    branches = [Branch.of(contract, schema) for schema in _wanted(error)]
    chosen = branch_meant(branches, error.instance)
    children = [child for child in error.context or () if list(child.relative_schema_path)[:1] == [chosen]]
    if chosen is not None and children:
        # A branch that is `false` has no child of its own: its verdict must not be lost.
        for child in children:
            yield from explained(contract, child, above)
        return
    name = discriminator(branches)
    types = [branch.types for branch in branches]
    if all(types) and not any(is_one_of(one, error.instance) for one in types):
        yield _wrong_type(path, sorted(set().union(*types)), error.instance)
    elif not isinstance(error.instance, Mapping) or name is None:
        yield _violation(path, "the value is none of the documented alternatives", None, error.instance, "alternatives")
    elif name not in error.instance:
        yield _missing(path, name, error.instance)
    else:
        documented = [value for branch in branches for value in branch.values_of(name)]
        told = error.instance[name]
        observed = type_name(told) if isinstance(told, dict | list) else told
        yield _violation((*path, name), _UNLISTED, documented, observed, "new-branch")


def _wanted(error: ValidationError) -> Any:
    """The keyword's value; jsonschema types it as perhaps unset, which it is not on errors of `iter_errors`."""
    return error.validator_value


_UNLISTED = "the value is not one of the documented values"


def _violation(path: Path, message: str, expected: Any, observed: Any, kind: str) -> Violation:
    return Violation(RULE, "error", message, path, expected=expected, observed=observed, kind=kind)


def _missing(path: Path, name: str, instance: Any) -> Violation:
    return _violation((*path, name), "the required property is missing", "a value", "no such property", "missing")


def _required(error: ValidationError, path: Path) -> Iterator[Violation]:
    # jsonschema gives one error a missing property and names it in prose alone; equal paths fall together later.
    instance: Any = error.instance
    for name in _wanted(error):
        if name not in instance:
            yield _missing(path, name, instance)


def _type(error: ValidationError, path: Path) -> Iterator[Violation]:
    wanted = _wanted(error)
    yield _wrong_type(path, [wanted] if isinstance(wanted, str) else list(wanted), error.instance)


def _wrong_type(path: Path, types: list[str], instance: Any) -> Violation:
    wrong = kind_of(instance)
    return _violation(
        path, f"the value has the wrong type, {wrong}", types, instance, "null" if wrong == "null" else "type"
    )


def _enum(error: ValidationError, path: Path) -> Iterator[Violation]:
    yield _violation(path, _UNLISTED, list(_wanted(error)), error.instance, "unlisted-value")


def _const(error: ValidationError, path: Path) -> Iterator[Violation]:
    yield _violation(path, _UNLISTED, [error.validator_value], error.instance, "unlisted-value")


def _format(error: ValidationError, path: Path) -> Iterator[Violation]:
    wanted = error.validator_value
    yield _violation(path, f"the text is not in the format {wanted}", wanted, error.instance, "format")


def _one_of(error: ValidationError, path: Path) -> Iterator[Violation]:
    message = "the value is more than one of the documented alternatives"
    yield _violation(path, message, "exactly one", error.instance, "oneOf")


_WORDS: dict[str, Callable[[ValidationError, Path], Iterator[Violation]]] = {
    "required": _required,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "format": _format,
    "oneOf": _one_of,
}
