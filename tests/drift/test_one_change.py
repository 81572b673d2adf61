"""A change is reported once, however often it occurs, and the findings of an operation do not depend on others."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pytest_bctrl.baseline.baseline_file import BaselineEntry, BaselineFile, baseline_notes, mark_accepted
from pytest_bctrl.drift import compare
from pytest_bctrl.reports.drift_text import drift_text
from pytest_bctrl.reports.findings_json import findings_json
from pytest_bctrl.reports.github import findings_markdown
from pytest_bctrl.reports.sarif import findings_sarif
from pytest_bctrl.reports.verdict import Title
from pytest_bctrl.reports.wording import grouped

from .flat import facts, reported_facts, unconfirmed
from .further_alternative_pairs import wrapped
from .meaning import Doc, documents, repeats_alternatives, schemas
from .pairs import body
from .test_soundness import one_changed

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
REF = {"$ref": "#/components/schemas/First"}
TEXT: Doc = {"type": "string"}


def operation_with(schema: Any) -> Doc:
    """Return an operation whose response has a schema."""
    return {"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}}


def of(paths: dict[str, Any], **components: Any) -> Doc:
    """Return a document with a GET operation for each path, whose response has the schema, and these components."""
    operations = {path: {"get": operation_with(schema)} for path, schema in paths.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": operations,
        "components": {"schemas": components},
    }


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Doc, Doc]:
    """Draw a document whose operations share schemas, and a copy in which two schemas may have changed."""
    old = draw(documents())
    second = draw(schemas())
    old["paths"]["/b"] = {"get": operation_with({"type": "array", "items": REF})}
    old["paths"]["/c"] = {
        "get": operation_with({"type": "object", "properties": {"one": REF, "two": second, "three": REF}})
    }
    new = copy.deepcopy(old)
    properties = new["components"]["schemas"]["First"]["properties"]
    properties["value"] = one_changed(properties["value"], draw)
    two = new["paths"]["/c"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    two["two"] = one_changed(second, draw)
    return old, new


def places(old: Doc, new: Doc) -> set[tuple[str, ...]]:
    """Return operation, location, status, rule and old value of each location of each finding."""
    return {
        (place["operation"], place["location"], place.get("status", ""), place["rule"], repr(finding.expected))
        for finding in compare(old, new)
        for place in finding.extra["places"]
    }


@relaxed
@given(pairs())
def test_findings_of_an_operation_do_not_depend_on_other_operations(pair: tuple[Doc, Doc]) -> None:
    together = places(*pair)
    for path in pair[0]["paths"]:
        alone = [{**side, "paths": {path: side["paths"][path]}} for side in pair]
        assert {place for place in places(*alone) if place[0]} == {
            place for place in together if place[0] == f"GET {path}"
        }
    turned = [{**side, "paths": dict(reversed(side["paths"].items()))} for side in pair]
    assert places(*turned) == together


def _with_required(*names: str) -> Doc:
    """Return a document with an object in a response, of which these properties are required."""
    properties = {"id": {"type": "string"}, "name": {"type": "string"}}
    return body({"type": "object", "properties": properties, "required": [*names]})


@relaxed
@given(pairs())
@example((_with_required("id", "name"), _with_required("id")))
@example((_with_required("name"), _with_required("id")))
@example((body({"type": "object", "required": ["id"]}), body({"type": "object", "properties": {"id": {}}})))
@example((body({"type": "string", "enum": ["a", "b", "c"]}), body({"type": "string", "enum": ["a"]})))
def test_an_independent_differ_finds_the_same_changes(pair: tuple[Doc, Doc]) -> None:
    """Each of its facts is reported, and it has each reported fact about a schema that it compares whole."""
    plain, reported = facts(*pair), reported_facts(compare(*pair), pair[0])
    assert {fact for fact in plain if fact[1] != "walked"} <= reported
    assert unconfirmed(plain, reported) == set()


def components_and_operations(document: Doc) -> dict[str, Any]:
    """Return each component by its pointer, and each GET operation with the parameters of its path."""
    expected = {
        f"#/components/{section}/{name}": value
        for section, members in document["components"].items()
        for name, value in members.items()
    }
    for path, item in document["paths"].items():
        expected |= {
            f"{method.upper()} {path}": (item[method], item.get("parameters")) for method in item.keys() & {"get"}
        }
    return expected


@relaxed
@given(pairs(), st.data())
def test_findings_are_grouped_by_changed_component_or_operation(pair: tuple[Doc, Doc], data: st.DataObject) -> None:
    """Each group is that of a component or operation that changed, and no two groups are of the same."""
    old, new = pair
    for side in pair:
        side["components"]["schemas"] |= {"Other": data.draw(schemas()), "Third": data.draw(schemas())}
        properties = side["components"]["schemas"]["First"]["properties"]
        properties["other"] = {
            "$ref": f"#/components/schemas/{data.draw(st.sampled_from(['First', 'Other', 'Third']))}"
        }
    before, after = components_and_operations(old), components_and_operations(new)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    groups = grouped(compare(old, new))
    assert {group.changed for group in groups} <= changed
    assert len({group.changed for group in groups}) == len(groups)


def test_documents_made_of_ordered_dicts_have_the_same_findings() -> None:
    old, new = (of({"/a": REF, "/b": {"enum": [kind]}}, First=TEXT) for kind in ("x", "y"))
    ordered = [json.loads(json.dumps(side), object_pairs_hook=OrderedDict) for side in (old, new)]
    assert (
        [finding.as_dict() for finding in compare(*ordered)]
        == [finding.as_dict() for finding in compare(old, new)]
        != []
    )


def test_a_removed_component_is_grouped_under_its_own_name() -> None:
    """As long as the component exists, the removal of its use is grouped under the operation."""
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
    old = {**of({"/a": TEXT}), "components": {"parameters": {"limit": limit}, "schemas": {}}}
    new = copy.deepcopy(old)
    old["paths"]["/a"]["get"]["parameters"] = [{"$ref": "#/components/parameters/limit"}]
    assert [["GET /a"]] * 2 == [
        [group.changed for group in grouped(compare(*pair))] for pair in ((old, new), (new, old))
    ]
    del new["components"]["parameters"]
    assert ["#/components/parameters/limit"] == [group.changed for group in grouped(compare(old, new))]


REDUNDANT: list[tuple[Callable[[Doc], bool], Callable[[Doc], Any]]] = [
    (lambda schema: "additionalProperties" not in schema, lambda schema: {**schema, "additionalProperties": True}),
    (
        lambda schema: "additionalProperties" not in schema,
        lambda schema: {**schema, "additionalProperties": {"minItems": 0}},
    ),
    (lambda schema: "items" not in schema, lambda schema: {**schema, "items": {"description": "any", "allOf": [{}]}}),
    (
        lambda schema: True,
        lambda schema: {**schema, "minItems": 0, "minLength": 0, "minProperties": 0, "uniqueItems": False},
    ),
    (lambda schema: "required" not in schema, lambda schema: {**schema, "required": []}),
    (lambda schema: "properties" not in schema, lambda schema: {**schema, "properties": {}}),
    (lambda schema: True, lambda schema: {"allOf": [schema]}),
    (lambda schema: True, lambda schema: {"allOf": [schema, {"description": "nothing"}, schema]}),
    (lambda schema: True, lambda schema: {"anyOf": [schema]}),
    (lambda schema: True, lambda schema: {"oneOf": [schema, False]}),
    (lambda schema: True, lambda schema: {"anyOf": [schema, copy.deepcopy(schema)]}),
    (lambda schema: "enum" in schema, lambda schema: {**schema, "enum": [*schema["enum"], *schema["enum"]]}),
    (lambda schema: isinstance(schema.get("type"), str), lambda schema: {**schema, "type": [schema["type"]]}),
    (lambda schema: "oneOf" in schema and "tag" in str(schema), lambda schema: {**schema, "type": "object"}),
    (lambda schema: "additionalProperties" not in schema, lambda schema: {**schema, "patternProperties": {"^x": True}}),
    (lambda schema: True, lambda schema: {**schema, "dependentSchemas": {"a": {}}}),
    (lambda schema: True, lambda schema: {**schema, "not": False}),
    (
        lambda schema: True,
        lambda schema: {**schema, "propertyNames": {}, "readOnly": False, "deprecated": False, "x-note": 1},
    ),
    (lambda schema: schema.get("type") == "boolean", lambda schema: {**schema, "enum": [True, False]}),
    (lambda schema: bool(schema.get("required")), lambda schema: {**schema, "minProperties": len(schema["required"])}),
    (lambda schema: schema == {"type": "array"}, lambda schema: {**schema, "prefixItems": [{}, True]}),
]  # fmt: skip


def respelled(schema: Any, draw: Any) -> Any:
    """Return an equivalent schema, in which each schema may have a redundant keyword."""
    inner = dict(schema)
    if "properties" in inner:
        inner["properties"] = {name: respelled(member, draw) for name, member in inner["properties"].items()}
    for keyword in ("oneOf", "anyOf"):
        if keyword in inner:
            inner[keyword] = [respelled(branch, draw) for branch in inner[keyword]]
    if "items" in inner:
        inner["items"] = respelled(inner["items"], draw)
    can, respell = draw(st.sampled_from(REDUNDANT))
    return respell(inner) if can(inner) else inner


@settings(relaxed, max_examples=200)
@given(schemas(), st.data())
def test_an_equivalent_schema_has_no_findings(schema: Any, data: st.DataObject) -> None:
    assume(not repeats_alternatives(schema))
    plain, rewritten = body(schema), body(respelled(schema, data.draw))
    assert compare(plain, rewritten) == compare(rewritten, plain) == []


ANY_VALUE = [
    *(respell({}) for can, respell in REDUNDANT if can({})),
    {"type": ["array", "boolean", "null", "number", "object", "string"]},
    {"oneOf": [{"type": ["array", "boolean", "integer", "null", "number", "object", "string"]}, False, False]},
    {"allOf": [{"oneOf": [False, {"anyOf": [{"type": "string"}, {}]}]}]},
    wrapped({}, 8),
]
"""Schemas that accept every value."""


@pytest.mark.parametrize("schema", ANY_VALUE, ids=str)
@pytest.mark.parametrize(
    "holding", [lambda schema: {"type": "array", "items": schema}, lambda schema: {"additionalProperties": schema}]
)
def test_an_alternative_that_contains_the_other_may_be_written_in_any_way(
    holding: Callable[[Any], Doc], schema: Doc
) -> None:
    """A list of any values contains every list of texts, however `any` is written."""
    short, long = ({"anyOf": [holding({"type": "string"}), holding(any_value)]} for any_value in ({}, schema))
    assert compare(body(short), body(long)) == compare(body(long), body(short)) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["array", "boolean", "number", "object", "string"]},
        {"type": ["array", "boolean", "integer", "null", "object", "string"]},
        {"oneOf": [{}, {}]},
        {"oneOf": [{}, {"type": "string"}]},
        {"oneOf": [{"type": "string"}, False]},
    ],
    ids=str,
)
def test_items_that_exclude_some_values_are_a_change(schema: Doc) -> None:
    """All types but null, or all numbers but fractions, are not every value; `oneOf` excludes what two accept."""
    assert compare(body({"type": "array"}), body({"type": "array", "items": schema}))


@pytest.mark.parametrize(("can", "respell"), REDUNDANT)
def test_each_kind_of_equivalent_rewrite_has_no_findings(
    can: Callable[[Doc], bool], respell: Callable[[Doc], Any]
) -> None:
    tagged = [{"type": "object", "properties": {"tag": {"const": name}}, "required": ["tag"]} for name in "ab"]
    demanding = {"type": "object", "dependentRequired": {"a": ["b"]}}
    for plain in ({"type": "boolean"}, {"type": "array"}, {"enum": ["a"]}, {"oneOf": tagged}, tagged[0], demanding):
        if can(plain):
            assert compare(body(plain), body(respell(plain))) == compare(body(respell(plain)), body(plain)) == []
    if can({}):
        bare, rewritten = body({"type": "array"}), body({"type": "array", "items": respell({})})
        assert compare(bare, rewritten) == compare(rewritten, bare) == []


def test_a_change_in_many_locations_is_one_finding_that_lists_every_operation() -> None:
    """Sixteen properties of one operation lead to the component before the other operation does."""
    component = {"C": {"enum": ["x"]}, "P": {"type": "object", "properties": {"c": {"$ref": "#/components/schemas/C"}}}}
    many = {f"c{index}": {"$ref": "#/components/schemas/C"} for index in range(16)}
    schema = {"type": "object", "properties": {**many, "p": {"$ref": "#/components/schemas/P"}}}
    old = of({"/a": schema, "/b": {"$ref": "#/components/schemas/P"}}, **component)
    new = of({"/a": schema, "/b": {"$ref": "#/components/schemas/P"}}, **{**component, "C": {"enum": ["x", "y"]}})
    (finding,) = compare(old, new)
    assert [place["operation"] for place in finding.extra["places"]].count("GET /b") == 1
    assert finding.count == len(finding.extra["places"]) == 17
    text, table = (write([finding], Title("drift", "a", "b")) for write in (drift_text, findings_markdown))
    assert "  in 17 places of 2 operations: GET /a · 200 application/json · c0; GET /a" in text
    assert "; and 14 more" in text
    assert "in 17 places of 2 operations" in table


def test_changes_of_one_component_are_grouped_in_every_format() -> None:
    """The affected locations are listed once, and each change keeps its own name."""
    sides = [{"x": {"type": "string"}, "y": {"enum": ["p"]}}, {"x": {"type": "integer"}, "y": {"enum": ["p", "q"]}}]
    old, new = (of({"/a": REF, "/b": REF}, First={"type": "object", "properties": side}) for side in sides)
    findings, title = compare(old, new), Title("drift", "a", "b")
    name = "#/components/schemas/First"
    heading = f"{name}: 2 errors, in 2 operations: GET /a; GET /b"
    text = drift_text(findings, title)
    assert (text.count(f"\n\n{heading}\n\n  ERROR "), text.count("GET /a"), text.count("GET /b")) == (1, 1, 1)
    table = findings_markdown(findings, title)
    assert (table.count(f"#### \\{heading}"), table.count("GET /a")) == (1, 1)
    prints = [finding.fingerprint for finding in findings]
    (group,) = json.loads(findings_json(findings, title))["groups"]
    assert group == {"changed": name, "operations": ["GET /a", "GET /b"], "changes": prints}
    run = json.loads(findings_sarif(findings, title))["runs"][0]
    assert [place["fullyQualifiedName"] for place in run["logicalLocations"]] == [name]
    assert {result["locations"][0]["logicalLocations"][0]["parentIndex"] for result in run["results"]} == {0}


def test_the_level_is_the_worst_of_both_directions_and_the_fingerprint_ignores_locations() -> None:
    """A value added to an enum breaks a consumer that reads it, but not a consumer that sends it."""
    old, new = (of({"/a": REF, "/b": REF}, First={"enum": values}) for values in (["x"], ["x", "y"]))
    for side in (old, new):
        side["paths"]["/b"]["get"]["parameters"] = [{"name": "q", "in": "query", "schema": REF}]
    (finding,) = compare(old, new)
    assert (finding.level, finding.count, finding.location) == ("error", 3, "")
    del old["paths"]["/a"], new["paths"]["/a"]
    (fewer,) = compare(old, new)
    assert (fewer.fingerprint, fewer.extra["change"]) == (finding.fingerprint, finding.fingerprint)


def test_a_removed_property_is_one_warning() -> None:
    old, new = (body({"type": "object", "properties": dict.fromkeys(names, TEXT)}) for names in ("ab", "b"))
    assert [(finding.rule, finding.level) for finding in compare(old, new)] == [
        ("response-optional-property-removed", "warning")
    ]


def test_a_change_is_accepted_once_all_its_locations_are() -> None:
    """Each by its own baseline entry, or all by the rule; with a part of them it is not accepted."""
    old, new = (of({"/a": REF, "/b": REF}, First={"enum": values}) for values in (["x"], ["x", "y"]))
    (finding,) = compare(old, new)
    last, today = date(2099, 1, 1), date(2026, 1, 1)
    each = [BaselineEntry("why", last, 1, place["fingerprint"]) for place in finding.extra["places"]]
    each[1:] = [BaselineEntry("why", last, 2, rule=finding.rule, location="", operation="GET /b")]
    assert "accepted" in mark_accepted(finding, BaselineFile("list", tuple(each)), today).extra
    assert baseline_notes([finding], BaselineFile("list", tuple(each)), today) == []
    part = BaselineFile("list", tuple(each[:1]))
    assert mark_accepted(finding, part, today) == finding
    assert baseline_notes([finding], part, today) == [
        f"list:1: the entry for {each[0].fingerprint} covers only some locations of a change; "
        f"to accept all 2, write fingerprint: {finding.fingerprint}"
    ]
    complete = BaselineFile("list", (BaselineEntry("why", last, 1, finding.fingerprint),))
    before, after = ({**side, "paths": {"/a": side["paths"]["/a"]}} for side in (old, new))
    alone = compare(before, after)
    assert all("accepted" in mark_accepted(located, complete, today).extra for located in (finding, *alone))
    rule = BaselineFile("list", (BaselineEntry("why", last, 1, rule=finding.rule, location=""),))
    assert "accepted" in mark_accepted(finding, rule, today).extra


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_the_reported_location_does_not_depend_on_the_order_of_properties(names: str) -> None:
    """Of two equally long locations, the alphabetically first is reported."""
    root = {"properties": {name: {"$ref": "#/components/schemas/Held"} for name in names}}
    old, new = (of({"/a": root}, Held={"properties": {"x": {"properties": {"y": inner}}}}) for inner in ({}, TEXT))
    assert ["a.x.y"] == [finding.location for finding in compare(old, new)]


@pytest.mark.parametrize("names", ["bc", "cb"])
def test_added_alternatives_are_listed_in_the_same_order_every_time(names: str) -> None:
    """In any order of them in the document."""
    old, *others = ({"type": "object", "required": [name], "properties": {name: TEXT}} for name in ("a", *names))
    (finding,) = compare(body(old), body({"oneOf": [old, *others]}))
    assert finding.message.endswith(": beside {b}, {c}")


def test_an_undecided_change_of_a_component_with_a_description_beside_its_reference_is_one_finding() -> None:
    """In three operations; the finding has the component as its location and the count 3."""

    def named(pattern: str) -> Doc:
        """Return a document with three operations whose responses have a name with a pattern."""
        name = {"description": "its name", "allOf": [{"$ref": "#/components/schemas/Name"}]}
        content = {"application/json": {"schema": {"type": "object", "properties": {"name": name}}}}
        operation = {"get": {"responses": {"200": {"description": "ok", "content": content}}}}
        return {
            "openapi": "3.0.3",
            "info": {"title": "t", "version": "1"},
            "paths": {f"/{path}": operation for path in "abc"},
            "components": {"schemas": {"Name": {"type": "string", "pattern": pattern}}},
        }

    findings = compare(named("[a-z](|[a-z0-9-]*[a-z0-9])"), named("^(?!b)^[a-z][a-z0-9-]*[a-z0-9]$"))
    (undecided,) = [finding for finding in findings if "-may-be-" in finding.rule]
    assert (3, "#/components/schemas/Name") == (undecided.count, undecided.extra["changed"])
