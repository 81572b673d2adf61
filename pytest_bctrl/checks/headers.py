"""The header fields that the contract documents for an answer, beside its content type."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Parameter
from pytest_bctrl.contract.parameters import read_field


def check_headers(answer: Answer) -> Iterator[Violation]:
    """Yield a violation for a field that is required and missing, and for one whose value breaks its schema.

    An answer to HEAD may leave fields out (RFC 9110, 9.3.2); what it has is held to the schema all the same.
    """
    for field in answer.documented.headers if answer.documented is not None else ():
        value = answer.header(field.name)
        if value is not None and not accepts(
            answer.contract, field.schema, read_field(answer.contract, field, value.strip())
        ):
            yield _violation(answer, field, "the header field breaks its schema", "schema", value)
        elif value is None and field.required and answer.has_all_headers and not answer.is_to_head:
            yield _violation(answer, field, "the required header field is missing", "missing", None)


def _violation(answer: Answer, field: Parameter, message: str, kind: str, observed: str | None) -> Violation:
    return Violation(
        "response_headers_conformance",
        "error",
        message,
        place=f"header {field.name}",
        expected=answer.contract.resolve(field.schema),
        observed=observed,
        kind=kind,
    )
