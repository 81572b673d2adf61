"""Why a change breaks a consumer, or does not, in the one sentence that a report gives."""

from __future__ import annotations

import pytest

from pytest_bctrl.drift.rules import Rule, rules, why

REJECTED = "Requests of a consumer that calls it are rejected."
NO_SERVER = "A consumer that calls this URL no longer reaches the API."
CREDENTIAL = "Requests with the credentials that were sufficient before are rejected."
ANNOUNCED = "What was announced to consumers is no longer true."
REQUEST = "A request that was valid before may be rejected or interpreted differently."
GONE = "A consumer that reads it may find it missing."
RESPONSE = "A response may now contain what the old contract excluded, so a consumer that relies on it breaks."


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("api-path-removed-without-deprecation", REJECTED),
        ("api-removed-with-deprecation", REJECTED),
        ("api-server-removed", NO_SERVER),
        ("api-security-added", CREDENTIAL),
        ("api-global-security-alternative-removed", CREDENTIAL),
        ("callback-removed", ANNOUNCED),
        ("webhook-removed", ANNOUNCED),
        ("new-required-request-parameter", REQUEST),
        ("request-parameter-enum-value-removed", REQUEST),
        ("response-optional-property-removed", GONE),
        ("response-required-property-removed", GONE),
        ("response-success-status-removed", GONE),
        ("response-media-type-removed", GONE),
        ("optional-response-header-removed", GONE),
        ("response-property-became-optional", GONE),
        ("response-property-enum-value-added", RESPONSE),
        ("response-body-type-changed", RESPONSE),
    ],
)
def test_the_reason_of_a_breaking_rule_says_what_breaks(rule: str, says: str) -> None:
    assert why(rules()[rule], "error") == why(rules()[rule], "warning") == says


@pytest.mark.parametrize("rule", ["api-security-added", "endpoint-added", "response-body-type-changed"])
def test_the_reason_of_info_says_that_the_consumer_still_works(rule: str) -> None:
    """The level counts, which a settings file can change."""
    assert why(rules()[rule], "info") == "A consumer that complies with the old contract still works."


def test_rules_are_read_from_the_table() -> None:
    """A rule with its own row, and a rule of a row for all scopes."""
    rules.cache_clear()
    rule = "request-body-became-enum"
    assert rules()["endpoint-added"] == Rule("endpoint-added", "info", "none", "An operation was added.")
    assert rules()[rule] == Rule(rule, "error", "request", "The request body was restricted to a list of values.")
