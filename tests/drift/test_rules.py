"""Every rule is triggered by its pair, and by nothing else in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.examples import Example, document_in_scope, example, scopes_and_changes, stored_examples
from pytest_bctrl.drift.pair import Change, described_change
from pytest_bctrl.drift.rules import rule_rows, rules
from pytest_bctrl.findings.finding import LEVELS

from .changed_pointers import changed_pointers, is_inside
from .expected import findings_of_example, summarised
from .pairs import Doc
from .rules_page import OASDIFF

GET = "/paths/~1a/get"
BODY = f"{GET}/responses/200/content/application~1json/schema"
_ROWS = (Path(__file__).parent / "data" / "document-rules.tsv").read_text("utf-8").splitlines()[1:]
DOCUMENT_RULES = {row[0].partition(" ")[0].rstrip(":"): row for row in (line.split("\t") for line in _ROWS)}
SCOPE_PLACES = {
    "response-body": ("", BODY),
    "response-property": ("p", f"{BODY}/properties/p"),
    "response-header": ("header x-h", f"{GET}/responses/200/headers/X-H/schema"),
    "request-body": ("requestBody", f"{GET}/requestBody/content/application~1json/schema"),
    "request-property": ("requestBody.p", f"{GET}/requestBody/content/application~1json/schema/properties/p"),
    "request-parameter": ("query q", f"{GET}/parameters/0/schema"),
    "request-parameter-property": ("query q.p", f"{GET}/parameters/0/schema/properties/p"),
}
"""For each scope, the location in a finding and the pointer of the schema."""
HOLD_SCHEMAS = {
    "anyOf", "contentSchema", "not", "oneOf", "propertyNames",
}  # fmt: skip
QUOTED = {"contentEncoding", "contentMediaType", "pattern"}
SHOWN = {
    "list-of-types-widened": '["boolean", "string"] → ["array", "boolean", "string"]',
    "list-of-types-narrowed": '["array", "boolean", "string"] → ["boolean", "string"]',
    "became-nullable": "(null) false → true",
    "became-not-nullable": "(not null) true → false",
    **dict.fromkeys(("enum-value-added", "enum-value-removed"), "'c'"),
    **dict.fromkeys(("const-added", "const-removed"), '["a"]'),
    **dict.fromkeys(("any-of-added", "any-of-removed"), "{c}"),
    **dict.fromkeys(("one-of-added", "one-of-removed"), "k=c"),
    **dict.fromkeys(("narrowed", "widened", "may-be-narrowed", "may-be-widened"), ""),
    "any-of-became-one-of": "anyOf → oneOf",
    "one-of-became-any-of": "oneOf → anyOf",
    **{
        f"all-of-{kind_of_change}{kind}": "(1)"
        for kind_of_change in ("added", "removed")
        for kind in ("", "-annotation-only")
    },
    "discriminator-property-name-changed": "k → l",
    **{f"discriminator-mapping-{kind_of_change}": "(a)" for kind_of_change in ("added", "deleted", "changed")},
    **dict.fromkeys(("prefix-items-added", "prefix-items-removed"), "(item 0)"),
    "additional-properties-closed": "true → false",
    "additional-properties-opened": "false → true",
}
"""The displayed value if it is not the keyword's value itself: the added or removed element, or a description."""
AT = {
    "narrowed": ["", ""],
    "widened": ["", ""],
    "may-be-narrowed": ["/components/schemas/Node", "/components/schemas/Tree"],
    "may-be-widened": ["/components/schemas/Tree", "/components/schemas/Node"],
}
"""Where a finding points, on either side, if that is not the keyword."""
_SET = ("exclusive-max-set", "exclusive-min-set", "max-length-set", "max-set", "min-items-set", "min-set")
STRICTER = {"response-optional-property-became-write-only": "warning"} | dict.fromkeys(
    (
        "api-global-security-added", "api-global-security-scope-added",
        "api-security-added", "api-security-scope-added",
        "api-security-component-removed", "api-security-component-type-changed",
        *(f"request-{word}-property-became-read-only" for word in ("optional", "required")),
        "request-required-property-became-not-read-only", "response-required-property-became-write-only",
        *(f"request-{scope}-{change}" for scope in ("body", "parameter", "property") for change in _SET),
        *(
            f"{direction}-{scope}-discriminator-{change}"
            for direction, changes in {
                "request": ("mapping-changed", "mapping-deleted", "property-name-changed"),
                "response": ("mapping-added", "mapping-changed", "property-name-changed"),
            }.items()
            for scope in ("body", "property")
            for change in changes
        ),
        "request-parameter-pattern-changed", "request-property-pattern-changed", "response-property-enum-value-added",
    ),
    "error",
)  # fmt: skip
"""Where a consumer that validates, or that sends what the old document accepts, would break."""
LAXER = {
    **{f"request-{scope}-all-of-{action}": "info" for scope in ("body", "property") for action in ("added", "removed")},
    "request-body-removed": "warning",
}
"""Where the effect on the whole schema is reported by itself, or a server may ignore what it no longer describes."""
PLACED = {
    suffix: [(rule, scope) for rule, (scope, change) in scopes_and_changes().items() if change == suffix]
    for suffix in stored_examples()["schemas"]
}
_FINGERPRINTS = (Path(__file__).parent / "data" / "fingerprints.tsv").read_text("utf-8").splitlines()[1:]
FINGERPRINTS = {rule: marks for rule, *marks in (line.split("\t") for line in _FINGERPRINTS)}


def test_every_row_of_the_table_has_an_example() -> None:
    """A change of a schema is one of `schemas`; any other rule, or one that needs its own example, of `documents`."""
    documents, schemas = stored_examples()["documents"], stored_examples()["schemas"]
    assert {name.removeprefix("*-") for name, *_ in rule_rows() if name.startswith("*-")} == schemas.keys()
    assert rules().keys() == {*documents, *scopes_and_changes()}
    assert sorted(documents) == [*documents]


def test_every_rule_has_stable_fingerprints() -> None:
    """The message of a failure has the lines that are missing in the file."""
    assert [] == ["\t".join([rule, *_fingerprints(rule)]) for rule in rules() if rule not in FINGERPRINTS]
    assert rules().keys() == FINGERPRINTS.keys()


def test_every_rule_has_a_valid_level() -> None:
    assert {rule.level for rule in rules().values()} <= {*LEVELS}


def test_levels_match_those_of_oasdiff() -> None:
    """Every id of oasdiff exists with its level, except the rules that are stricter or laxer on purpose."""
    known = {rule.id: rule.level for rule in rules().values() if rule.id in OASDIFF}
    assert known == {**OASDIFF, **STRICTER, **LAXER}


@pytest.mark.parametrize(
    "rule", ["api-server-removed", "response-property-became-not-enum", "response-body-became-not-enum"]
)
def test_breaking_rules_that_oasdiff_lacks_are_errors(rule: str) -> None:
    assert rules()[rule].level == "error"


@pytest.mark.parametrize("suffix", stored_examples()["schemas"])
def test_a_keyword_change_is_one_finding_in_every_scope(suffix: str) -> None:
    """Only its rule, with the old and new value, located at the keyword or, if it is missing, at the schema.

    Its fingerprints are stable.
    """
    for rule, scope in PLACED[suffix]:
        pair = example(rule)
        require_same(pair)
        shown = SHOWN[suffix] if suffix in SHOWN else _values(*pair.shown)
        keys = _differing(*pair.shown)
        at = AT.get(suffix) or ["".join(f"/{key}" for key in keys if key in side) for side in pair.shown]
        location, schema = SCOPE_PLACES[scope]
        # The one pair that is not in JSON.
        is_plain = suffix == "type-compatible" and "application~1json" in schema
        if is_plain:
            schema = schema.replace("application~1json", "text~1plain")
        change = f"{shown} in text/plain" if is_plain else shown
        expected = ": ".join(filter(None, (f"{rule} @{location}".removesuffix(" @"), change)))
        places = (pointer if pointer.startswith("/components") else schema + pointer for pointer in at)
        assert (expected, *places) == _finding_of(rule)
        require_at_change(rule)
        require_stable_fingerprints(rule)


@pytest.mark.parametrize("rule", stored_examples()["documents"])
def test_a_document_change_is_one_finding(rule: str) -> None:
    """Only its rule, located as in `data/document-rules.tsv`. Its fingerprints are stable."""
    pair = example(rule)
    require_same(pair)
    assert pair.shown[0] != pair.shown[1]
    expected, *places = DOCUMENT_RULES[rule]
    assert (expected, *(place.replace("BODY", BODY).replace("GET", GET) for place in places)) == _finding_of(rule)
    require_at_change(rule)
    require_stable_fingerprints(rule)


def require_at_change(rule: str) -> None:
    """Check that the finding of an example points at what changed, into it or at what contains it.

    An empty pointer is none. A finding about a reference that was changed points at its targets.
    """
    pair, (_, *pointers) = example(rule), _finding_of(rule)
    changed = changed_pointers(pair.base, pair.revision)
    sides = [(pointer, container) for pointer, container in zip(pointers, changed, strict=True) if pointer]
    is_at_target = any(pointer.startswith("/components/schemas/") for pointer in pointers)
    assert is_at_target or all(
        is_inside(pointer, container) or is_inside(container, pointer) for pointer, container in sides
    )


def require_stable_fingerprints(rule: str) -> None:
    """Check that an example has the fingerprints in `data/fingerprints.tsv`, which the baselines of projects contain.

    They are that of the finding, and that of the change in several locations.
    """
    assert FINGERPRINTS[rule] == _fingerprints(rule)


def _fingerprints(rule: str) -> list[str]:
    """Return the fingerprint of the finding in the example of a rule, and that of its change."""
    (finding,) = findings_of_example(rule)
    return [finding.fingerprint, finding.extra["change"]]


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ({"maximum": 5}, {"exclusiveMaximum": 5}, ("", "/exclusiveMaximum")),
        ({"if": {"maximum": 1}, "then": False}, {"if": {"maximum": 2}, "then": False}, ("/if", "/if")),
    ],
)
def test_a_finding_about_two_keywords_is_located_at_the_changed_keyword(
    old: Doc, new: Doc, at: tuple[str, str]
) -> None:
    """Or at the schema, on the side that lacks the keyword."""
    base, revision = (document_in_scope("response-body", {"type": "number", **schema}) for schema in (old, new))
    findings = compare(base, revision)
    places = {
        tuple(finding.extra[side]["pointer"].removeprefix(BODY) for side in ("base", "revision"))
        for finding in findings
    }
    assert {at} == places


@pytest.mark.parametrize("rule", ["response-property-enum-value-added", "response-body-became-nullable"])
def test_a_fingerprint_does_not_depend_on_the_wording_of_a_detail(monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    """The message changes with the detail, and the fingerprints of finding and locations stay."""
    base, revision, _, options = example(rule)
    (before,) = compare(base, revision, options)

    def reworded(*arguments: Any) -> Change:
        """Return the change that these arguments describe, with another detail."""
        return described_change(*arguments)._replace(detail="in other words")

    monkeypatch.setattr("pytest_bctrl.drift.pair.described_change", reworded)
    (after,) = compare(base, revision, options)
    assert before.extra["detail"] != after.extra["detail"] == "in other words"
    assert "in other words" in after.message
    assert (before.fingerprint, before.extra["change"]) == (after.fingerprint, after.extra["change"])
    assert before.extra["places"] == after.extra["places"]
    assert [place["fingerprint"] for place in after.extra["places"]] == [after.fingerprint]


def require_same(pair: Example) -> None:
    """Check that each document of a pair equals itself."""
    for document in (pair.base, pair.revision):
        assert [] == compare(document, document, pair.options)


def _finding_of(rule: str) -> tuple[str, str, str]:
    """Return the single finding in the example of a rule, with its pointers into both documents."""
    pair, findings = example(rule), findings_of_example(rule)
    (before, after) = (findings[0].extra[side]["pointer"] for side in ("base", "revision"))
    return summarised([*findings], pair.base, pair.revision), before, after


def _differing(before: Doc, after: Doc) -> list[str]:
    """Return the keys whose values differ."""
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def _values(before: Doc, after: Doc) -> str:
    """Return the old and the new value of the only keyword that differs, as text; empty if it contains schemas."""
    (key,) = _differing(before, after)
    values = [side[key] for side in (before, after) if key in side and key not in HOLD_SCHEMAS]
    return " → ".join(value if isinstance(value, str) and key not in QUOTED else json.dumps(value) for value in values)


@pytest.mark.parametrize("name", DOCUMENT_RULES)
def test_an_example_contains_only_the_difference(name: str) -> None:
    """Its two sides, if both are mappings, differ in several keys, or in a key that one of them lacks."""
    base, revision = example(name).shown
    assert base != revision
    if isinstance(base, dict) and isinstance(revision, dict):
        differing = [key for key in {**base, **revision} if base.get(key) != revision.get(key)]
        assert len(differing) > 1 or differing[0] not in base or differing[0] not in revision
