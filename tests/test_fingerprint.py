"""A finding's fingerprint rests on what it is about, and on nothing that the next day's data changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import named

FINDING = Finding(
    "response_schema_conformance",
    "error",
    "runtimes[*].name",
    "the value has the wrong type, null",
    operation="GET /v1/spaces/{id}/runtimes",
    extra={"kind": "null", "status": "200"},
)


@pytest.mark.parametrize(
    ("is_same", "changes"),
    [
        (True, {"count": 7, "total": 9}),
        (True, {"observed": "another", "sample": {"location": "runtimes[3].name"}}),
        (True, {"message": "in other words", "level": "warning"}),
        (True, {"operation": "GET /v1/spaces/{space}/runtimes"}),
        (True, {"reproduce": "curl http://127.0.0.1:1/"}),
        (True, {"extra": {"kind": "null", "status": "200", "file": "a.har"}}),
        (False, {"rule": "undocumented_property"}),
        (False, {"location": "runtimes[*].region"}),
        (False, {"operation": "GET /v1/spaces/{id}"}),
        (False, {"extra": {"kind": "type", "status": "200"}}),
        (False, {"extra": {"kind": "null", "status": "404"}}),
    ],
)
def test_a_fingerprint_depends_only_on_the_subject_of_the_finding(is_same: bool, changes: dict[str, Any]) -> None:
    assert is_same == (named(FINDING).fingerprint == named(replace(FINDING, **changes)).fingerprint)


def test_an_existing_fingerprint_is_kept() -> None:
    """A drift finding has its own."""
    assert named(replace(FINDING, fingerprint="61d868514b95d6ae")).fingerprint == "61d868514b95d6ae"
