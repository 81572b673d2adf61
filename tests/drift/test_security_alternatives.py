"""Alternative credentials: what breaks a consumer is an alternative that is no longer sufficient."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.drift import compare

Alternatives = list[frozenset[str]]

ALTERNATIVES: st.SearchStrategy[Alternatives] = st.lists(
    st.frozensets(st.sampled_from("abc"), max_size=2), min_size=1, max_size=3, unique=True
)


SCHEMES: dict[str, Any] = {
    **{name: {"type": "apiKey", "in": "header", "name": f"X-{name}"} for name in "abc"},
    "oauth": {"type": "oauth2", "flows": {}},
    "open": {"type": "openIdConnect", "openIdConnectUrl": "https://o"},
}


def document(alternatives: Alternatives) -> dict[str, Any]:
    """Return a document whose operation takes one of these sets of keys."""
    return with_security([{key: [] for key in sorted(keys)} for keys in alternatives])


def with_security(security: list[dict[str, list[str]]], *, is_global: bool = False) -> dict[str, Any]:
    """Return a document in which these requirements are those of its operation, or of the document."""
    operation, root = {"responses": {"204": {"description": ""}}}, {"security": security}
    return {
        "openapi": "3.1.0",
        "info": {"title": "a", "version": "1"},
        "paths": {"/a": {"get": operation if is_global else {**operation, **root}}},
        "components": {"securitySchemes": deepcopy(SCHEMES)},
        **(root if is_global else {}),
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


SCOPED = st.lists(
    st.dictionaries(
        st.sampled_from(["oauth", "open", "a"]), st.lists(st.sampled_from("rw"), min_size=1, unique=True), max_size=2
    ),
    min_size=1,
    max_size=3,
    unique_by=repr,
)
"""Alternative requirements, each a mapping from schemes to scopes or roles."""


@given(old=SCOPED, new=SCOPED, is_global=st.booleans())
@example(old=[{"oauth": ["r"]}], new=[{"oauth": ["w"]}], is_global=True)
@example(old=[{"oauth": ["r"]}, {}], new=[{"oauth": ["w"]}, {}], is_global=False)
def test_an_added_scope_is_an_error_if_a_caller_without_it_is_rejected(
    old: list[dict[str, list[str]]], new: list[dict[str, list[str]]], is_global: bool
) -> None:
    def is_met_by(requirement: dict[str, list[str]], caller: dict[str, list[str]]) -> bool:
        """Return whether a caller who meets one requirement has the scopes of another one."""
        return all(name in caller and {*scopes} <= {*caller[name]} for name, scopes in requirement.items())

    is_rejected = any(not any(is_met_by(requirement, caller) for requirement in new) for caller in old)
    findings = compare(with_security(old, is_global=is_global), with_security(new, is_global=is_global))
    assert is_rejected == any(finding.level == "error" for finding in findings)


def test_added_alternatives_are_listed_in_the_order_of_their_schemes() -> None:
    """Whatever their order in the document is, so that the report is the same each time."""
    keys = [frozenset(names) for names in ("a", "ab", "ac", "b", "bc", "c")]
    findings = compare(document([frozenset()]), document([frozenset(), *reversed(keys)]))
    assert list(map(text, keys)) == [finding.observed for finding in findings]


@pytest.mark.parametrize(
    "changed", [{"name": "X-other"}, {"in": "query"}, {"type": "http", "scheme": "basic"}], ids=str
)
def test_a_changed_scheme_is_reported_once_for_all_operations_that_require_it(changed: dict[str, str]) -> None:
    old, new = document([frozenset("a")]), document([frozenset("a")])
    for side in (old, new):
        side["paths"] |= {f"/{index}": side["paths"]["/a"] for index in range(3)}
    new["components"]["securitySchemes"]["a"] |= changed
    counts = {finding.rule: finding.count for finding in compare(old, new)}
    assert counts == {"api-security-component-type-changed": 1, "api-security-added": 4, "api-security-removed": 4}
    at = "/components/securitySchemes/a"
    assert {finding.extra[side]["pointer"] for finding in compare(old, new) for side in ("base", "revision")} == {at}


def test_two_changed_schemes_are_reported_at_each_operation_that_requires_them() -> None:
    old, new = document([frozenset("ab")]), document([frozenset("ab")])
    for name in "ab":
        new["components"]["securitySchemes"][name]["name"] = f"X-other-{name}"
    pointers = {
        finding.extra["revision"]["pointer"] for finding in compare(old, new) if finding.rule == "api-security-added"
    }
    assert pointers == {"/paths/~1a/get/security"}


def test_another_scheme_of_an_operation_is_reported_at_the_operation() -> None:
    findings = compare(document([frozenset("a")]), document([frozenset("b")]))
    assert {finding.extra["revision"]["pointer"] for finding in findings} == {"/paths/~1a/get/security"}
