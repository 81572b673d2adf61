"""All checks of one answer, in one place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.own import Check, run_check
from pytest_bctrl.checks.protocol import (
    check_body,
    check_content_type,
    check_framing,
    check_headers,
    check_interoperable,
    check_retired,
    check_status,
)
from pytest_bctrl.checks.schema import check_schema
from pytest_bctrl.checks.violation import Violation, findings, source_of
from pytest_bctrl.contract.schema.invariant import Invariant
from pytest_bctrl.finding import Finding
from pytest_bctrl.fingerprint import named
from pytest_bctrl.observed.differences import UNDOCUMENTED, differences


def check_undocumented(answer: Answer) -> list[Finding]:
    """Return a warning for every property at every depth that the documented schema does not name.

    Where no object is closed such a property is valid; it is drift all the same. Objects that are free-form by the
    contract (`additionalProperties`, or no property documented at all) are never searched.
    """
    if answer.schema is None or not answer.parsed.ok:
        return []
    found = differences(answer.contract, answer.observed, answer.media_type)
    source = {"source": source_of(UNDOCUMENTED, answer)}
    own = (one for one in found if one.rule == UNDOCUMENTED)
    return [named(replace(one, reproduce=answer.reproduce, extra={**one.extra, **source})) for one in own]


def check_invariant(answer: Answer, said: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield a violation for every place of the body that breaks an entry of `x-bctrl-invariants`."""
    for rule in Invariant.of(said) if _has_invariants(answer) else ():
        for path, expected, observed in rule.check(answer.data, answer.path_values):
            yield Violation(said["rule"], said["level"], said["because"], path, "", expected, observed)


def check_invariants(answer: Answer) -> Iterator[Violation]:
    """Yield the violations of all entries that the contract lists for the operation."""
    for said in answer.operation.invariants:
        yield from check_invariant(answer, said)


def places_of(answer: Answer, said: Mapping[str, Any]) -> int:
    """How many places of the body an entry has to look at; 0 means that it could not be checked."""
    return sum(len(rule.places(answer.data)) for rule in Invariant.of(said)[:1]) if _has_invariants(answer) else 0


def _has_invariants(answer: Answer) -> bool:
    return answer.parsed.ok and 200 <= answer.status < 300


def check_answer(answer: Answer, expected: Collection[int] = (), own: Iterable[Check] = ()) -> list[Finding]:
    """Hold one answer to everything that the contract says; `expected` are the statuses this request may get.

    `own` are checks of the project's own; raises `BrokenCheckError` where one of them raises.
    """
    operation = answer.operation
    chosen = [check for check in own if check.looks_at(operation.operation_id, operation.label)]
    return [
        *findings(answer, [*_protocol(answer, expected), *check_retired(answer)]),
        *check_undocumented(answer),
        *findings(answer, check_invariants(answer)),
        *(finding for check in chosen for finding in run_check(check, answer)),
    ]


def check_protocol(answer: Answer, expected: Collection[int] = ()) -> list[Finding]:
    """Hold one answer to status, header fields, body and schema; for answers that refuse."""
    return findings(answer, _protocol(answer, expected))


def _protocol(answer: Answer, expected: Collection[int]) -> Iterator[Violation]:
    yield from check_status(answer, expected)
    yield from check_framing(answer)
    yield from check_content_type(answer)
    yield from check_headers(answer)
    yield from check_body(answer)
    yield from check_interoperable(answer)
    yield from check_schema(answer)
