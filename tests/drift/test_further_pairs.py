"""Findings for several differences at once, or for changes beyond a rule's example, in both directions."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.examples import document_in_scope
from pytest_bctrl.drift.options import Options

from .expected import summaries
from .further_document_pairs import FURTHER_DOCUMENTS, WORDS
from .further_schema_pairs import FURTHER_SCHEMAS
from .pairs import Doc


def require_findings(
    base: Doc, revision: Doc, forward: str, back: str, options: Options, at: str | None = None
) -> None:
    """Check the findings in both directions and, unless `at` is inside a document, that each equals itself."""
    if at in (None, ""):
        assert [] == compare(base, base, options) == compare(revision, revision, options)
    assert forward == summaries(base, revision, options, at=at)
    assert back == summaries(revision, base, options, at=at)


@pytest.mark.parametrize("name", FURTHER_SCHEMAS)
def test_a_schema_change_yields_the_expected_findings_in_responses_and_parameters(name: str) -> None:
    """A row states the findings for a parameter where they differ from those for a response."""
    old, new, *expected = FURTHER_SCHEMAS[name]
    received, sent = (expected * 2)[:2], (expected * 2)[-2:]
    for scope, at, (forward, back) in (
        ("response-body", "", received),
        ("request-parameter-property", "query q.p", sent),
    ):
        require_findings(document_in_scope(scope, old), document_in_scope(scope, new), forward, back, Options(), at)


@pytest.mark.parametrize("name", [*FURTHER_DOCUMENTS, *WORDS])
def test_a_document_change_yields_the_expected_findings(name: str) -> None:
    old, new, *expected = {**FURTHER_DOCUMENTS, **WORDS}[name]
    require_findings(old, new, expected[0], expected[-1], Options(descriptions=name in WORDS))
