"""Validates the bodies of a run with jsonschema, independently of the engine of our checks.

It uses all of Draft 2020-12 with the format checker of the package; `referencing` resolves references. jsonschema is
written in Python and a hundred times slower than our engine, so of a long list it validates only the first items and
those that our engine rejects. The run reports how many it left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, cast

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from pytest_bctrl.checks.protocol import may_be_unusual, unreadable_body
from pytest_bctrl.checks.response import Response, looked, once
from pytest_bctrl.checks.violation import Violation, findings
from pytest_bctrl.contract.engine import accepts, as_engine_input, as_reference, is_known_format, schema_resource
from pytest_bctrl.contract.keywords import map_subschemas, subschemas
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.references import BASE, keyword_objects, rewrite_objects
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.suite.plan.engine_faults import is_engine_fault
from pytest_bctrl.suite.plan.engine_violations import ENGINES, FALSE, keyword_violation
from pytest_bctrl.suite.sending.requests import TargetExchange
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

NAME = ENGINES["jsonschema"]

LONG = 100
"""Maximum length of a list whose items are all validated; of a longer one, the first and those our engine rejects."""

MAX_REJECTED = 300
"""Maximum number of items of a longer list that are validated because our engine rejects them."""

_LARGE = 2 * LONG
"""Minimum size in bytes of a body that can contain a list of more than `LONG` items."""

FORMATS = FormatChecker()
FORMATS.checkers = dict(Draft202012Validator.FORMAT_CHECKER.checkers)

_FORBIDDEN: Schema = {"not": {}, "$comment": "the schema false"}
"""A schema like `false`, of which jsonschema reports the location of the value; of `false` itself it does not."""
_APPLIED_INSIDE = ("properties", "patternProperties", "prefixItems", "items")
"""Keywords for which jsonschema does not report that location."""

_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")


@FORMATS.checks("uuid")
def _is_uuid(value: object) -> bool:
    """Return False for a string that is no UUID (RFC 4122, 3); jsonschema itself accepts `_` and non-ASCII digits."""
    return not isinstance(value, str) or _UUID.fullmatch(value) is not None


def validate_plain(exchange: TargetExchange) -> list[Finding]:
    """Return the findings of the plain response's body; raises `NotCheckedError` if it could not be validated."""
    if not has_body(exchange.response):
        raise NotCheckedError(f"{NAME}: the contract documents no JSON body for the response")
    plain_findings = validate(exchange)
    if NAME not in looked(exchange.response):
        raise NotCheckedError(f"{NAME}: the body could not be validated")
    return plain_findings


def has_body(response: Response) -> bool:
    """Return whether a response has a body that is not blank, and a schema for it."""
    return response.schema is not None and bool(response.body.strip())


def validate_if_documented(exchange: TargetExchange) -> list[Finding]:
    """Return the violations in the body of a response; none if there is no body or no schema for it."""
    return validate(exchange) if has_body(exchange.response) else []


class _BodyResult(NamedTuple):
    """The violations in a body, what was left out, and the reason if the validation ended early; empty if not."""

    violations: tuple[Violation, ...]
    gaps: tuple[str, ...] = ()
    not_validated: str = ""


def validate(exchange: TargetExchange) -> list[Finding]:
    """Return jsonschema's violations in a body as findings; validates equal bodies once, and notes omissions.

    A body that could not be validated to its end, and has no violation until there, does not count as checked.
    """
    response = exchange.response

    def validate_once() -> _BodyResult:
        """Return the violations in the body, and count the body if it was validated to its end."""
        result = _validate_body(response)
        if not result.not_validated:
            exchange.tally.counts["jsonschema bodies"] += 1
        return result

    result = once(response, NAME, validate_once)
    gaps = [*result.gaps, *unchecked_formats(response.contract)]
    if result.not_validated:
        gaps.insert(0, result.not_validated)
    else:
        exchange.tally.count_once(exchange, "jsonschema responses")
    if result.violations or not result.not_validated:
        looked(response).add(NAME)
    exchange.tally.gaps.update(dict.fromkeys(f"{NAME}: {gap}" for gap in gaps))
    return findings(response, result.violations, engine=NAME)


def _validate_body(response: Response) -> _BodyResult:
    """Return the violations that jsonschema reports in a body, and what it could not validate."""
    unreadable = unreadable_body(response)
    if unreadable is not None:
        # A lenient parser may read it, but would then validate something other than the body.
        return _BodyResult((replace(unreadable, message=f"{NAME}: {unreadable.message}"),))
    gaps: list[str] = []
    items = _Items(response, gaps)
    # There is one, as `has_body` says.
    schema = cast("Schema", response.schema)
    validator = _validator(response.contract).evolve(schema=as_reference(response.contract, schema))
    if len(response.body) > _LARGE:
        validator = _with_chosen_items(validator, items)
    violations: list[Violation] = []
    reason = ""
    try:
        # Those found before an exception stay in the list.
        errors = validator.iter_errors(_readable_data(response))
        violations.extend(_violation(error) for error in errors if not is_engine_fault(NAME, response, error))
    except re.error as error:
        reason = f"the body of {response.status}, since Python cannot read a pattern of its schema: {error}"
    except (TypeError, ArithmeticError) as error:
        reason = f"the body of {response.status}, which contains a number that Python cannot compute with: {error}"
    except RecursionError:
        reason = f"the body of {response.status}, which is nested too deep for it"
    items.note()
    return _BodyResult(tuple(violations), tuple(gaps), reason)


def _readable_data(response: Response) -> Any:
    """Return the data of a response, with replacements for lone surrogates and for numbers that no float can hold."""
    return as_engine_input(response.data) if may_be_unusual(response) else response.data


def _violation(error: ValidationError) -> Violation:
    """Return an error of jsonschema as a violation."""
    keyword = str(error.validator)
    if error.validator is None or error.schema == _FORBIDDEN:
        keyword = FALSE
    return keyword_violation(
        NAME, keyword, tuple(error.absolute_path), error.validator_value, error.instance, error.message
    )


class _Items:
    """Chooses which items of the long lists in one body are validated, and records omissions."""

    def __init__(self, response: Response, gaps: list[str]) -> None:
        self._response, self._gaps = response, gaps
        self._left_out: dict[int, tuple[int, int]] = {}

    def choose(self, items: list[Any], schema: Schema) -> list[int]:
        """Return the indices of the items to validate: the first `LONG`, and of the others those our engine rejects."""
        indices = list(range(LONG))
        if not self._response.conforms:
            contract, others = self._response.contract, range(LONG, len(items))
            rejected = (index for index in others if not accepts(contract, schema, items[index]))
            indices += islice(rejected, MAX_REJECTED)
        self._left_out[id(items)] = len(indices), len(items)
        return indices

    def note_skipped_keyword(self, keyword: str, items: list[Any]) -> None:
        """Note that a keyword of a long list is not validated."""
        self._gaps.append(f"{keyword} of a list of {len(items):,} items")

    def note(self) -> None:
        """Add to the gaps how many items of each long list were left out, if any were."""
        for validated, total in self._left_out.values():
            if validated < total:
                self._gaps.append(
                    f"{total - validated:,} of {total:,} items of a list: its first {LONG}, and those that our engine "
                    "rejects, were validated"
                )


@lru_cache(maxsize=8)
def unchecked_formats(contract: Contract) -> tuple[str, ...]:
    """Return a sentence about the contract's formats that our checks assert, and the installed jsonschema cannot."""
    formats = {
        schema["format"] for schema, *_ in keyword_objects(contract.document) if isinstance(schema.get("format"), str)
    }
    unchecked = sorted(name for name in formats - FORMATS.checkers.keys() if is_known_format(name))
    if not unchecked:
        return ()
    noun = "format" if len(unchecked) == 1 else "formats"
    return (f"{noun} {', '.join(unchecked)}: pip install 'jsonschema[format-nongpl]' to check more formats",)


@lru_cache(maxsize=8)
def _validator(contract: Contract) -> Any:
    """Return the jsonschema validator for a contract; `evolve` gives it a schema."""
    document: Any = DRAFT202012.create_resource(_with_located_false(schema_resource(contract)))
    registry = Registry[Any]().with_resource(BASE, document)
    return Draft202012Validator(True, registry=registry, format_checker=FORMATS)


def _with_located_false(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a document with `_FORBIDDEN` instead of the schema `false` where that would have no location."""
    changes: dict[str, Callable[[Any], Any]] = {}
    for schema, pointer, *_ in keyword_objects(resource):
        if any(inner is False for *_, inner in subschemas(schema, _APPLIED_INSIDE)):
            changes[pointer] = _with_forbidden_values
    if not changes:
        return resource
    changed: dict[str, Any] = rewrite_objects(resource, changes)
    return changed


def _with_forbidden_values(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with `_FORBIDDEN` for each subschema `false`."""
    return map_subschemas(schema, _APPLIED_INSIDE, lambda inner: _FORBIDDEN if inner is False else inner)


def _with_chosen_items(validator: Any, items: _Items) -> Any:
    """Return a validator that validates only the chosen items of long lists."""
    keywords = Draft202012Validator.VALIDATORS

    def validate_items(inner: Any, schema: Any, instance: Any, parent: Any) -> Iterator[ValidationError]:
        """Yield the errors of items: of all items of a short list, of the chosen ones of a long list."""
        if not _is_long(instance) or "prefixItems" in parent:
            yield from keywords["items"](inner, schema, instance, parent)
            return
        for index in items.choose(instance, schema):
            yield from inner.descend(instance[index], schema, path=index)

    def validate_unique(inner: Any, is_unique: Any, instance: Any, parent: Any) -> Iterator[ValidationError]:
        """Yield the errors of `uniqueItems`; a long list is skipped and noted."""
        # jsonschema compares every pair of items.
        if not _is_long(instance):
            yield from keywords["uniqueItems"](inner, is_unique, instance, parent)
        elif is_unique:
            items.note_skipped_keyword("uniqueItems", instance)

    changed_keywords = {"items": validate_items, "uniqueItems": validate_unique}
    thinned_validator: Any = extend(Draft202012Validator, changed_keywords)  # type: ignore[no-untyped-call]
    return thinned_validator(validator.schema, registry=validator._registry, format_checker=FORMATS)


def _is_long(instance: Any) -> bool:
    """Return whether a value is a list of more than `LONG` items."""
    return isinstance(instance, list) and len(instance) > LONG
