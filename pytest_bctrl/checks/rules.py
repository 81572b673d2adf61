"""The rules of the contract suite and of `pytest-bctrl check` by name, each with what it asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

RULES: Mapping[str, str] = {
    "response_schema_conformance": "the body keeps its documented schema, formats asserted",
    "strict_json": "the body is JSON in UTF-8, without NaN and without a key twice",
    "complete_body": "there is a body where one is documented",
    "complete_answer": "the answer arrives whole",
    "status_code_conformance": "the status is documented, and one that this request may get",
    "content_type_conformance": "the content type is documented for the status",
    "response_headers_conformance": "a documented header field is there where it is required, and keeps its schema",
    "not_a_server_error": "the server does not fail",
    "ignored_auth": "a wrong credential is refused with 401 or 403",
    "positive_data_acceptance": "a parameter takes the values that the contract allows",
    "negative_data_rejection": "a parameter refuses the values that the contract does not allow",
    "undocumented_property": "the body has no property that the contract does not document",
}
"""The rules that hold for any contract; the names are Schemathesis's where it has the same."""


def rules_of(invariants: Iterable[Mapping[str, Any]], own: Iterable[str]) -> list[str]:
    """Return the names of all rules: those for any contract, the contract's invariants, and a project's own checks."""
    return list(dict.fromkeys([*RULES, *(str(rule["rule"]) for rule in invariants), *own]))
