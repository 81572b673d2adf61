"""Alternative credentials: what breaks a consumer is an alternative that is no longer sufficient."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.drift import compare

Alternatives = list[frozenset[str]]

ALTERNATIVES: st.SearchStrategy[Alternatives] = st.lists(
    st.frozensets(st.sampled_from("abc"), max_size=2), min_size=1, max_size=3, unique=True
)


def document(alternatives: Alternatives) -> dict[str, Any]:
    """Return a document whose operation takes one of these sets of keys."""
    security: list[dict[str, list[str]]] = [{key: [] for key in sorted(keys)} for keys in alternatives]
    return {
        "openapi": "3.1.0",
        "info": {"title": "a", "version": "1"},
        "paths": {"/a": {"get": {"security": security, "responses": {"204": {"description": ""}}}}},
        "components": {
            "securitySchemes": {name: {"type": "apiKey", "in": "header", "name": f"X-{name}"} for name in "abc"}
        },
    }


def text(keys: frozenset[str]) -> str:
    """Return how a finding names a set of keys."""
    return " and ".join(f"apiKey header x-{name}" for name in sorted(keys))


@given(old=ALTERNATIVES, new=ALTERNATIVES)
@example(old=[frozenset("a"), frozenset("b")], new=[frozenset("a"), frozenset("c")])
@example(old=[frozenset(), frozenset("a")], new=[frozenset("a"), frozenset("b")])
def test_the_findings_say_which_alternative_is_no_longer_sufficient(old: Alternatives, new: Alternatives) -> None:
    """No finding says that a credential is demanded if a consumer may keep the one it has."""
    rejected = [keys for keys in old if not any(required <= keys for required in new)]
    findings = compare(document(old), document(new))
    by_rule: dict[str, set[str]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, set()).add(str(finding.expected or finding.observed))
    errors = {finding.rule for finding in findings if finding.level == "error"}

    assert bool(rejected) == bool(errors)
    if len(rejected) == len(old):
        assert errors <= {"api-security-added", "api-security-alternative-removed"}
    else:
        demanded = {"optional"} if frozenset() in rejected else set()
        removed = {text(keys) for keys in rejected if keys}
        assert demanded == by_rule.get("api-security-added", set())
        assert removed == by_rule.get("api-security-alternative-removed", set())
