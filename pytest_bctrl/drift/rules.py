"""The rules of drift findings, from the table `rules.tsv` with one kind of change per line.

A line has the id, the level for each direction, and the meaning. `*` in the id and the meaning stands for each scope of
a schema. A line with a whole id takes precedence over one with `*`. Ids are those of oasdiff if it has the rule, or
follow its grammar.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_bctrl.findings.finding import Direction, Level

_SCOPES: Mapping[Direction, Mapping[str, str]] = {
    "request": {
        "request-body": "the request body",
        "request-property": "a request property",
        "request-parameter": "a request parameter",
        "request-parameter-property": "a property of a request parameter",
    },
    "response": {
        "response-body": "the response body",
        "response-property": "a response property",
        "response-header": "a response header",
    },
}
"""The scopes of schemas in each direction: the first words of a rule's id, and how its meaning names the schema."""
_IRREGULAR = {"response-body-enum-value-removed": "response-mediatype-enum-value-removed"}
"""The only id of oasdiff that does not follow its own grammar."""


class Rule(NamedTuple):
    """A kind of change: its id, level, direction, and meaning in one line."""

    id: str
    level: Level
    direction: Direction
    meaning: str


@cache
def rules() -> Mapping[str, Rule]:
    """Return all drift rules by id, in alphabetical order, read once from `rules.tsv`."""
    by_id = {rule.id: rule for row in rule_rows() for rule in _rules_of(row)}
    return dict(sorted(by_id.items()))


def rule_rows() -> list[list[Any]]:
    """Return the rows of `rules.tsv`: id, levels for requests, for responses and for anything else, and meaning."""
    lines = Path(__file__).with_name("rules.tsv").read_text(encoding="utf-8").splitlines()[1:]
    # A test validates the levels in the file.
    return [line.split("\t") for line in lines]


def _rules_of(row: list[Any]) -> Iterator[Rule]:
    """Yield the rules of a row: that with its id, or one for each scope in the directions that have a level."""
    name, *levels, meaning = row
    directions: tuple[Direction, ...] = ("request", "response", "none")
    for direction, level in zip(directions, levels, strict=True):
        if level == "-":
            continue
        if not name.startswith("*-"):
            yield Rule(name, level, direction, meaning)
            continue
        for scope, subject in _SCOPES[direction].items():
            text = meaning.replace("*", subject)
            yield Rule(rule_in_scope(scope, name.removeprefix("*-")), level, direction, text[0].upper() + text[1:])


def rule_in_scope(scope: str, change: str) -> str:
    """Return the id of the rule about a change of a schema in a scope."""
    rule = f"{scope}-{change}"
    return _IRREGULAR.get(rule, rule)


def requirement_word(required: bool) -> str:
    """Return `required` or `optional`, the word in the id of a rule."""
    return "required" if required else "optional"


def deprecation_word(is_deprecated: bool) -> str:
    """Return `deprecated` or `reactivated`, the word in the id of a rule."""
    return "deprecated" if is_deprecated else "reactivated"


_DISCRIMINATOR_CHANGES = (
    "discriminator-added", "discriminator-removed", "discriminator-property-name-changed",
    "discriminator-mapping-added", "discriminator-mapping-changed", "discriminator-mapping-deleted",
)  # fmt: skip
_NOT_ABOUT_VALUES = (
    "default-value-added", "default-value-changed", "default-value-removed", "x-extensible-enum-value-removed",
    "content-encoding-changed", "content-media-type-changed", "read-only", "write-only", "deprecated", "reactivated",
    *_DISCRIMINATOR_CHANGES,
)  # fmt: skip


def is_about_values(rule: str) -> bool:
    """Return whether a rule is about the values that a schema allows, so that a proof or counterexample is possible.

    A default, a flag, an extension, an encoding or a discriminator does not affect them.
    """
    return not rule.endswith(_NOT_ABOUT_VALUES)


_TOLERATED = ("any-of-added", "pattern-removed", "pattern-changed")
"""Ends of rules about responses that are info for oasdiff, although a response may be new."""


def is_tolerated(rule: str) -> bool:
    """Return whether a response rule is info though values may be new: `anyOf` added, pattern changed or removed.

    The engine verifies such a pair as a whole.
    """
    return rule.startswith("response-") and rule.endswith(_TOLERATED)


KEYWORD_CHANGED = "keyword-changed"
"""The end of the rules whose level the engine decides: info with a proof, error with a counterexample, else warning."""


def is_reported(rule: str) -> bool:
    """Return whether a rule reports values that break a consumer, so that nothing is left to verify."""
    return rules()[rule].level == "error" and not rule.endswith(_DISCRIMINATOR_CHANGES)


_REASONS = {
    "api-server-default-changed": "A client that takes its base URL from the document now calls another server.",
    "webhook-security-generalized": "A consumer that checks the credentials of a request it receives may reject it.",
}
"""The reasons of rules to which none of the sentences about several rules applies."""
_GONE = ("property-removed", "status-removed", "media-type-removed", "header-removed", "became-optional")


def why(rule: Rule, level: Level) -> str:
    """Return, in one sentence, why a change of this kind does or does not break a consumer."""
    if rule.id.startswith("api-security-component"):
        return "The security requirements of each operation are compared separately."
    if level == "info":
        return "A consumer that complies with the old contract still works."
    if rule.id in _REASONS:
        return _REASONS[rule.id]
    if rule.id.startswith(("api-path-removed", "api-removed")):
        return "Requests of a consumer that calls it are rejected."
    if rule.id.startswith("api-server"):
        return "A consumer that calls this URL no longer reaches the API."
    if "security" in rule.id:
        return "Requests with the credentials that were sufficient before are rejected."
    if rule.direction == "none":
        return "What was announced to consumers is no longer true."
    if rule.direction == "request":
        return "A request that was valid before may be rejected or interpreted differently."
    if rule.id.endswith(_GONE):
        return "A consumer that reads it may find it missing."
    return "A response may now contain what the old contract excluded, so a consumer that relies on it breaks."
