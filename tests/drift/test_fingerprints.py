"""Two changes at one location have two fingerprints: accepting a finding hides no later change."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.examples import Example, example, scopes_and_changes, stored_examples
from pytest_bctrl.drift.rules import rules
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.findings.finding import Finding

from .expected import findings_of_example
from .pairs import Doc, body, thing

Path = tuple[str | int, ...]
NEW_AS_A_WHOLE = {
    "api-schema-added",
    "api-security-component-oauth-scope-added",
    "callback-added",
    "endpoint-added",
    "request-body-media-type-added",
    "webhook-added",
}
"""Rules about something that the old document has no part of, so that no consumer relies on what it consists of."""
REMOVED_AS_A_WHOLE = {
    *("api-schema-removed",),
    *("api-security-component-oauth-scope-removed", "callback-removed", "optional-response-header-removed"),
    *("page-sample-changed", "request-body-media-type-removed", "request-parameter-property-removed"),
    *("request-parameter-property-removed-from-closed-object", "request-parameter-removed"),
    "request-parameter-removed-with-deprecation",
    *("request-property-removed", "request-property-removed-from-closed-object"),
    *("required-response-header-removed", "response-body-wrapped-in-one-of", "response-optional-property-removed"),
    *("response-optional-write-only-property-removed", "response-required-property-removed"),
    *("response-required-write-only-property-removed", "webhook-removed"),
}
"""Rules about something that the new document lacks, whatever it consisted of, and about a digest."""
WITHOUT_OTHER_VALUES = {
    *("multiple-of-generalized", "pattern-generalized", "type-specialized"),
    *("narrowed", "widened", "may-be-narrowed", "may-be-widened"),
}
"""Changes whose examples have no other revision under the same rule. `test_requests` has revisions of the last four."""
DIGESTS = {"page-sample-changed"}
"""Rules about a digest, of which the fingerprint contains the first characters."""
TYPES = {
    "string": ("integer", "array"),
    "integer": ("string", "array"),
    "number": ("boolean", "string"),
    "boolean": ("string", "array"),
    "object": ("array", "string"),
    "array": ("object", "string"),
}


def values(part: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the texts and numbers in a document, with the path to each."""
    if isinstance(part, dict):
        for key, member in part.items():
            yield from values(member, (*path, key))
    elif isinstance(part, list):
        for index, item in enumerate(part):
            yield from values(item, (*path, index))
    elif isinstance(part, str | int | float) and not isinstance(part, bool):
        yield path, part


def value_at(part: Any, path: Path) -> Any:
    """Return the value at a path; None if there is none."""
    for key in path:
        try:
            part = part[key]
        except (LookupError, TypeError):
            return None
    return part


def with_value(document: Doc, path: Path, value: Any) -> Doc:
    """Return a copy of a document with another value at a path."""
    changed = copy.deepcopy(document)
    value_at(changed, path[:-1])[path[-1]] = value
    return changed


def alternatives(value: Any) -> tuple[Any, ...]:
    """Return two other values of the same kind: numbers, texts, or names of types."""
    if not isinstance(value, str):
        return value + 1, value + 2
    return TYPES.get(value) or (f"{value}b", f"z{value}")


def other_revisions(pair: Example) -> Iterator[Doc]:
    """Yield revisions that differ from that of the example in a value that the base does not have there."""
    for path, value in values(pair.revision):
        is_description = {"description", "info", "openapi"} & {*path}
        if not is_description and value_at(pair.base, path) != value:
            for alternative in alternatives(value):
                yield with_value(pair.revision, path, alternative)


def other_changes(rule: str, finding: Finding) -> list[set[str]]:
    """Return all fingerprints of each other revision in which the rule reports the location of `finding`."""
    pair = example(rule)
    changes = []
    for revision in other_revisions(pair):
        try:
            findings = compare(pair.base, revision, pair.options)
        except DocumentError:
            continue
        places = {(change.rule, change.operation, change.location) for change in findings}
        if (rule, finding.operation, finding.location) in places:
            changes.append({change.fingerprint for change in findings})
    return changes


def require_two_fingerprints(rule: str) -> int:
    """Return the number of other changes, after a check that accepting the example accepts none of them.

    Rules about additions as a whole and about digests are not checked.
    """
    (accepted,) = findings_of_example(rule)
    changes = other_changes(rule, accepted)
    if rule not in NEW_AS_A_WHOLE | DIGESTS:
        assert not [rule for fingerprints in changes if fingerprints <= {accepted.fingerprint}]
    return len(changes)


@pytest.mark.parametrize("change", stored_examples()["schemas"])
def test_accepting_a_change_of_a_schema_hides_no_other_change(change: str) -> None:
    """Another value of the keyword has another fingerprint, in every scope of the change."""
    counts = {require_two_fingerprints(rule) for rule, placed in scopes_and_changes().items() if placed[1] == change}
    before, after = stored_examples()["schemas"][change]
    has_new_value = any(value_at(before, path) != value for path, value in values(after))
    # What was removed is removed in every revision that lacks it.
    assert any(counts) == (has_new_value and change not in WITHOUT_OTHER_VALUES)


def test_accepting_a_changed_type_hides_no_other_schema_of_the_type() -> None:
    """Nothing inside is compared if no value can have both types."""

    def accepted(schema: Doc) -> str:
        """Return the fingerprint of the change from a text to a schema."""
        (finding,) = compare(body({"type": "string"}), body(schema))
        assert "response-body-type-changed" == finding.rule
        return finding.fingerprint

    texts, numbers = ({"type": "array", "items": {"type": name}} for name in ("string", "integer"))
    objects = [{"type": "object", "properties": {"a": schema}} for schema in (texts, numbers)]
    schemas: list[Doc] = [texts, numbers, *objects, {"type": "integer"}, {"type": "integer", "minimum": 1}]
    assert len(schemas) == len({accepted(schema) for schema in schemas})
    assert accepted(texts) == accepted({**texts, "description": "some texts"})


@pytest.mark.parametrize("rule", rules())
def test_accepting_a_change_hides_none_from_another_schema(rule: str) -> None:
    """Another value in the old document has another fingerprint, unless it is part of what was removed as a whole."""
    (accepted,) = findings_of_example(rule)
    pair = example(rule)
    for path, value in values(pair.base):
        is_description = {"description", "info", "openapi"} & {*path}
        if is_description or value_at(pair.revision, path) == value or rule in REMOVED_AS_A_WHOLE:
            continue
        for alternative in alternatives(value):
            with suppress(DocumentError):
                findings = compare(with_value(pair.base, path, alternative), pair.revision, pair.options)
                places = {(finding.rule, finding.operation, finding.location) for finding in findings}
                is_reported = (rule, accepted.operation, accepted.location) in places
                assert not is_reported or {accepted.fingerprint} != {finding.fingerprint for finding in findings}


@pytest.mark.parametrize("rule", stored_examples()["documents"])
def test_accepting_a_change_of_a_document_hides_no_other_change(rule: str) -> None:
    """Any other change that the rule reports at its location has another fingerprint, except whole additions."""
    require_two_fingerprints(rule)


def added_property(schema: Doc, component: Doc) -> str:
    """Return the fingerprint of the finding for an added property, with a component that its schema may refer to."""
    revision = body(thing("a", properties={"a": {"type": "string"}, "b": schema}))
    revision["components"]["schemas"]["C"] = component
    fingerprints = [
        finding.fingerprint for finding in compare(body(thing("a")), revision) if finding.rule != "api-schema-added"
    ]
    (fingerprint,) = fingerprints
    return fingerprint


def test_what_a_reference_leads_to_is_part_of_the_fingerprint_of_an_added_property() -> None:
    """Another length in the component is another fingerprint, also if the reference has a keyword beside it."""
    for schema in ({"$ref": "#/components/schemas/C"}, {"$ref": "#/components/schemas/C", "minLength": 1}):
        first, second = (added_property(schema, {"type": "string", "maxLength": length}) for length in (3, 4))
        assert first != second


def test_a_fingerprint_depends_on_the_content_of_an_added_property_up_to_a_depth() -> None:
    """Below 50 levels, where no API has a schema, the content no longer counts."""
    marks = []
    for depth in (40, 60):
        for leaf in ("string", "integer"):
            schema: Doc = {"type": leaf}
            for _ in range(depth):
                schema = {"type": "array", "items": schema}
            marks.append(added_property(schema, {}))
    assert marks[0] != marks[1]
    assert marks[2] == marks[3]


def test_rules_whose_fingerprints_are_not_compared_have_level_info() -> None:
    assert {"info"} == {rules()[rule].level for rule in NEW_AS_A_WHOLE | DIGESTS}
