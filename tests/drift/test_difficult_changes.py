"""Changes that are easily misjudged: each with what it yields, in the words of a validating consumer."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.options import Options
from pytest_bctrl.findings.finding import Level

from .pairs import Doc, body, document, parameter, response
from .positions import POSITIONS

TEXT: Doc = {"type": "string"}
KEY: Doc = {"bearer": {"type": "http", "scheme": "bearer"}, "basic": {"type": "http", "scheme": "basic"}}


def levels_and_rules(base: Doc, revision: Doc) -> list[tuple[str, str]]:
    """Return the level and rule of each finding, sorted."""
    return sorted((finding.level, finding.rule) for finding in compare(base, revision))


def prop(schema: Any) -> Doc:
    """Return a document whose response has a property `p` with a schema."""
    return body({"type": "object", "properties": {"p": schema}})


def map_of(values: Any, **more: Any) -> Doc:
    """Return a document whose response has additional properties of a schema, and further keywords."""
    return body({"type": "object", "additionalProperties": values, **more})


def headers(**named: Doc) -> Doc:
    """Return a document with these response headers; `_` in a name stands for `-`."""
    return response(headers={name.replace("_", "-"): header for name, header in named.items()})


def test_a_lower_case_x_header_is_not_taken_for_an_extension() -> None:
    """Removing the required header `x-request-id` is an error; another case of its name is not a change."""
    header = {"required": True, "schema": TEXT}
    assert levels_and_rules(headers(x_request_id=header), headers()) == [("error", "required-response-header-removed")]
    assert levels_and_rules(headers(x_request_id=header), headers(X_Request_Id=header)) == []


def test_a_security_scheme_named_like_an_extension_is_compared() -> None:
    schemes = {"x-key": {"type": "apiKey", "in": "header", "name": "X-Key"}}
    secured = {**document({"security": [{"x-key": []}]}), "components": {"securitySchemes": schemes}}
    assert levels_and_rules(document(), secured) == [
        ("error", "api-security-added"),
        ("info", "api-security-component-added"),
    ]


@pytest.mark.parametrize("url", ["https://API.example", "https://api.example:443/", "HTTPS://api.example"])
def test_equivalent_server_urls_are_no_change(url: str) -> None:
    assert levels_and_rules(document(servers=[{"url": "https://api.example"}]), document(servers=[{"url": url}])) == []


def test_a_changed_port_is_a_removed_and_an_added_server() -> None:
    base, revision = (document(servers=[{"url": f"http://api.example{port}"}]) for port in ("", ":443"))
    assert levels_and_rules(base, revision) == [("error", "api-server-removed"), ("info", "api-server-added")]


def test_up_to_64_urls_of_a_server_are_compared_separately() -> None:
    """With more combinations of variables, the values of each are listed in a single URL."""

    def hosts(names: int, zones: int) -> Doc:
        """Return a document with a server of two variables with this many values."""
        variables = {"name": {"enum": [*map(str, range(names))]}, "zone": {"enum": [*map(str, range(zones))]}}
        return document(servers=[{"url": "https://{name}-{zone}.example", "variables": variables}])

    assert levels_and_rules(hosts(7, 8), hosts(8, 8)) == [("info", "api-server-added")] * 8
    assert levels_and_rules(hosts(9, 8), hosts(10, 8)) == [
        ("error", "api-server-removed"),
        ("info", "api-server-added"),
    ]


def test_a_parameter_that_becomes_json_changed_its_style() -> None:
    content = {"application/json": {"schema": TEXT}}
    as_json = document({"parameters": [{"name": "q", "in": "query", "content": content}]})
    assert levels_and_rules(parameter(), as_json) == [("error", "request-parameter-style-changed")]
    assert levels_and_rules(as_json, as_json) == []


def test_a_changed_kind_of_credential_in_the_same_header_is_an_error() -> None:
    """Bearer replaced by basic: security was added and removed."""
    header = {"name": "Authorization", "in": "header", "required": True, "schema": TEXT}
    base, revision = (
        {**document({"parameters": [header], "security": [{name: []}]}), "components": {"securitySchemes": KEY}}
        for name in ("bearer", "basic")
    )
    assert levels_and_rules(base, revision) == [("error", "api-security-added"), ("info", "api-security-removed")]


@pytest.mark.parametrize("old", [{"type": "object"}, {"type": "object", "unevaluatedProperties": False}])
def test_an_added_property_is_an_error_only_in_a_closed_object(old: Doc) -> None:
    """In a response whose object is open, it is info."""
    revision = {**old, "properties": {"p": TEXT}}
    closed = "unevaluatedProperties" in old
    rule = "response-property-added-to-closed-object" if closed else "response-optional-property-added"
    assert levels_and_rules(body(old), body(revision)) == [("error" if closed else "info", rule)]


def test_an_added_property_is_compared_with_additional_properties() -> None:
    """Its type differs from theirs: that is an error, besides the addition, which is info."""
    added, changed = ("info", "response-optional-property-added"), ("error", "response-property-type-changed")
    assert levels_and_rules(map_of(TEXT), map_of(TEXT, properties={"p": {"type": "integer"}})) == [changed, added]
    assert levels_and_rules(map_of(TEXT), map_of(TEXT, properties={"p": {"type": "string", "format": "uuid"}})) == [
        added,
        ("info", "response-property-type-specialized"),
    ]


def test_a_removed_property_is_compared_with_additional_properties() -> None:
    """Its type differs from theirs: that is an error, besides the removal, which is a warning."""
    removed, changed = ("warning", "response-optional-property-removed"), ("error", "response-property-type-changed")
    assert levels_and_rules(map_of(TEXT, properties={"p": {"type": "integer"}}), map_of(TEXT)) == [changed, removed]
    assert levels_and_rules(map_of(TEXT, properties={"p": TEXT}), map_of(TEXT)) == [removed]
    assert levels_and_rules(map_of(False, properties={"p": TEXT}), map_of(False)) == [removed]


@pytest.mark.parametrize("keeps_pattern", [True, False])
def test_an_added_property_is_compared_with_the_pattern_that_its_name_matches(keeps_pattern: bool) -> None:
    """A property that the pattern declared as text must be an integer now."""
    pattern = {"patternProperties": {"^x": TEXT}}
    old, new = {"type": "object", **pattern}, {"type": "object", "properties": {"xa": {"type": "integer"}}}
    if keeps_pattern:
        new |= pattern
    as_request = POSITIONS["request body"].document
    in_request = "request-body-narrowed" if keeps_pattern else "request-keyword-changed"
    in_response = "response-body-widened" if keeps_pattern else "response-keyword-changed"
    assert ("error", in_request) in levels_and_rules(as_request(old), as_request(new))
    assert ("error", in_response) in levels_and_rules(body(new), body(old))


def test_adding_pattern_properties_opens_a_closed_object() -> None:
    """An error in a response; removing them is info. In an open object, it is the reverse."""
    pattern = {"patternProperties": {"^x-": TEXT}}
    for undeclared, added, removed in ((False, "error", "info"), ({}, "info", "error")):
        unnamed, named = map_of(undeclared), map_of(undeclared, **pattern)
        assert levels_and_rules(unnamed, named) == [(added, "response-keyword-changed")]
        assert levels_and_rules(named, unnamed) == [(removed, "response-keyword-changed")]


DEPENDENT = {"dependentRequired": {"a": ["b"]}}


def test_without_steps_a_changed_keyword_is_a_warning() -> None:
    """The rule has no level of its own, and a level in the settings counts."""
    lowered: dict[str, Level] = {"response-keyword-changed": "info"}
    for levels, expected in (({}, "warning"), (lowered, "info")):
        options = Options(levels, steps=0)
        findings = compare(body({"type": "object"}), body({"type": "object", **DEPENDENT}), options)
        assert [(finding.level, finding.rule) for finding in findings] == [(expected, "response-keyword-changed")]


def test_an_alternative_that_rejects_more_because_of_a_keyword_may_let_a_value_meet_one_instead_of_two() -> None:
    """The change of the alternative is compatible on its own, and the schema around it is an error."""
    properties = dict.fromkeys("abc", TEXT)
    first, second = ({"type": "object", "properties": properties, "required": [name]} for name in "ab")
    old, new = ({"oneOf": [schema, second]} for schema in (first, {**first, "dependentRequired": {"a": ["c"]}}))
    assert ("error", "response-keyword-changed") in levels_and_rules(body(new), body(old))
    assert ("error", "response-body-widened") in levels_and_rules(body(old), body(new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"maximum": 5}, {"exclusiveMaximum": 5}, [("info", "response-property-exclusive-max-set")]),
        ({"exclusiveMaximum": 5}, {"maximum": 5}, [("error", "response-property-exclusive-max-unset")]),
        ({"exclusiveMinimum": 5}, {"minimum": 6}, [("info", "response-property-min-set")]),
        ({"minimum": 5}, {"exclusiveMinimum": 4}, [("error", "response-property-min-unset")]),
    ],
)
def test_a_bound_that_becomes_exclusive_or_inclusive_is_one_finding(
    old: Doc, new: Doc, expected: list[tuple[str, str]]
) -> None:
    assert levels_and_rules(prop({"type": "number", **old}), prop({"type": "number", **new})) == expected


@pytest.mark.parametrize(
    ("old", "new"), [({"minimum": 1}, {"exclusiveMinimum": 0}), ({"exclusiveMaximum": 10}, {"maximum": 9})]
)
def test_an_exclusive_integer_bound_equals_the_next_inclusive_bound(old: Doc, new: Doc) -> None:
    assert levels_and_rules(prop({"type": "integer", **old}), prop({"type": "integer", **new})) == []


@pytest.mark.parametrize("needs", [{}, {"a": ["b"]}])
def test_a_dependency_on_a_required_property_is_no_change(needs: Doc) -> None:
    schema = {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["b"]}
    assert levels_and_rules(body(schema), body({**schema, "dependentRequired": needs})) == []
    assert levels_and_rules(body({**schema, "dependentRequired": needs}), body(schema)) == []


def test_removing_a_value_from_not_is_an_error() -> None:
    """In a response the value may occur now; adding it is info."""
    two, fewer = prop({**TEXT, "not": {"enum": ["a", "b"]}}), prop({**TEXT, "not": {"const": "a"}})
    assert levels_and_rules(two, fewer) == [("error", "response-property-not-generalized")]
    assert levels_and_rules(fewer, two) == [("info", "response-property-not-specialized")]


def test_a_dynamic_reference_resolves_to_its_anchor() -> None:
    """Within a single document, it resolves as `$ref` would."""

    def named(reference: Doc) -> Doc:
        """Return a document with a property that is this reference, and two components with anchors."""
        schemas = {"One": {**TEXT, "$dynamicAnchor": "one"}, "Two": {"type": "integer", "$dynamicAnchor": "two"}}
        return {**prop(reference), "components": {"schemas": schemas}}

    first, two = named({"$dynamicRef": "#one"}), named({"$dynamicRef": "#two"})
    assert levels_and_rules(first, named({"$ref": "#/components/schemas/One"})) == []
    assert levels_and_rules(first, two) == [("error", "response-property-type-changed")]


@pytest.mark.parametrize(
    "content_of_other_type", [{"content": {"application/json": {"schema": TEXT}}}, {"schema": {"type": "object"}}]
)
def test_a_header_with_content_is_compared(content_of_other_type: Doc) -> None:
    """A response header whose `content` has another type, or that has a `schema` of another type, is an error."""
    content = {"content": {"application/json": {"schema": {"type": "object"}}}}
    assert levels_and_rules(headers(X=content), headers(X=content)) == []
    assert levels_and_rules(headers(X=content), headers(X=content_of_other_type)) == [
        ("error", "response-header-type-changed")
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"anyOf": [{"anyOf": [TEXT, {"type": "integer"}]}, {"type": "boolean"}]},
            {"type": ["string", "integer", "boolean"]},
        ),
        ({"type": "array"}, {"type": "array", "minContains": 2, "maxContains": 3}),
        ({"type": "integer"}, {"type": "integer", "multipleOf": 1}),
    ],
)
def test_a_redundant_keyword_is_no_change(old: Doc, new: Doc) -> None:
    """Two schemas of a property that allow the same values have no finding in either direction."""
    assert levels_and_rules(prop(old), prop(new)) == []
    assert levels_and_rules(prop(new), prop(old)) == []


def test_a_property_removed_from_a_closed_parameter_is_an_error() -> None:
    closed = {"type": "object", "additionalProperties": False}
    base, revision = parameter(schema={**closed, "properties": {"a": TEXT}}), parameter(schema=closed)
    assert levels_and_rules(base, revision) == [("error", "request-parameter-property-removed-from-closed-object")]


def test_an_additional_constraint_inside_not_is_an_error() -> None:
    """If only long values are excluded, `a` of `a` and `bb` may now occur."""
    before, two = prop({**TEXT, "not": {"enum": ["a"]}}), prop({**TEXT, "not": {"enum": ["a", "bb"], "minLength": 2}})
    assert levels_and_rules(before, two) == [("error", "response-property-not-changed")]


@pytest.mark.parametrize("constraint", [{"minLength": 2}, {"pattern": "b"}])
def test_a_constraint_removed_inside_not_is_info(constraint: Doc) -> None:
    some, both = ({**TEXT, "not": {"enum": ["a", "bb"], **more}} for more in (constraint, {}))
    assert levels_and_rules(prop(some), prop(both)) == [("info", "response-property-not-specialized")]


def test_a_removed_prefix_item_is_compared_with_items() -> None:
    items = {"type": "array", "items": TEXT}
    removed, changed = ("info", "response-property-prefix-items-removed"), ("error", "response-property-type-changed")
    assert levels_and_rules(prop({**items, "prefixItems": [{"type": "integer"}]}), prop(items)) == [changed, removed]
    assert levels_and_rules(prop({"type": "array", "prefixItems": [TEXT]}), prop({"type": "array"})) == [removed]


@pytest.mark.parametrize("media", ["Application/JSON; Charset=utf-8", "application/json;charset=UTF-8"])
def test_equivalent_spellings_of_a_request_media_type_are_no_change(media: str) -> None:
    """Case does not matter in type, subtype, parameter names (RFC 9110, section 8.3.1) and the charset."""
    plain = {"application/json; charset=utf-8": {"schema": TEXT}}
    base, revision = (document({"requestBody": {"content": content}}) for content in (plain, {media: {"schema": TEXT}}))
    assert levels_and_rules(base, revision) == []
    query = [
        document({"parameters": [{"name": "q", "in": "query", "content": c}]})
        for c in (plain, {media: {"schema": TEXT}})
    ]
    assert levels_and_rules(*query) == []


def test_a_json_body_with_a_charset_distinguishes_numbers_from_strings() -> None:
    media = "application/json; charset=utf-8"
    base, revision = (
        document({"requestBody": {"content": {media: {"schema": {"type": kind}}}}}) for kind in ("integer", "string")
    )
    assert levels_and_rules(base, revision) == [("error", "request-body-type-changed")]


@pytest.mark.parametrize("new", [{"enum": ["a"]}, {"const": "a"}, {"type": "string", "enum": ["a", "b"]}])
def test_values_of_a_schema_that_allowed_none_are_an_error(new: Doc) -> None:
    """Two parts of the old schema contradict each other, so that any value is new to a consumer."""
    contradictory = {"allOf": [{"type": "array"}, TEXT]}
    assert "error" in [level for level, _ in levels_and_rules(body(contradictory), body(new))]


def test_a_tighter_then_is_an_error_for_a_property_that_only_the_condition_mentions() -> None:
    """An object with the property met the condition of the old schema, and must be a boolean now."""

    def conditional(then: Doc) -> Doc:
        return {"if": {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}, "then": then}

    old, new = conditional({"not": TEXT}), conditional({"allOf": [{"not": TEXT}, {"type": "boolean"}]})
    with_body = POSITIONS["request body"].document
    assert "error" in [finding.level for finding in compare(with_body(old), with_body(new))]


ANY_BUT_NULL: Doc = {"oneOf": [{}, {"const": None}]}


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (TEXT, {"enum": ["a", 1]}),
        ({**TEXT, "maxLength": 1}, {"enum": ["a", 1]}),
        ({"const": None}, {"const": "a"}),
        ({"const": None}, {"enum": ["a", "b"]}),
        ({"anyOf": [ANY_BUT_NULL]}, {"anyOf": [{}, {"type": "array"}]}),
        ({"anyOf": [TEXT, ANY_BUT_NULL]}, {"anyOf": [TEXT, {}]}),
        ({"allOf": [{"not": {"type": "null"}}, {"const": None}]}, {"not": {"type": "null"}}),
    ],
)
@pytest.mark.parametrize("position", ["request body", "response body", "webhook", "response to a webhook"])
def test_allowing_values_of_another_type_is_an_error_in_one_direction(narrow: Doc, wide: Doc, position: str) -> None:
    """A value that only the wide schema allows is lost in a request, and new in a response."""
    old, new = narrow, wide
    if POSITIONS[position].is_sent:
        old, new = wide, narrow
    with_schema = POSITIONS[position].document
    assert "error" in [finding.level for finding in compare(with_schema(old), with_schema(new))]
