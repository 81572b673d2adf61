"""Changes of requests, webhooks, credentials and serialisation, and what a proof says about them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.options import Options

from .pairs import Doc, document, either, every, one_of, parameter, response

TEXT: Doc = {"type": "string"}
WHOLE: Doc = {"type": "integer"}
NUMBER: Doc = {"type": "number"}


def thing(*required: str, **properties: Any) -> Doc:
    """Return an object schema with these properties."""
    return {"type": "object", "properties": properties, "required": list(required)}


def request(schema: Any, media: str = "application/json", **members: Any) -> Doc:
    """Return a document with a request body of a schema; `members` are further fields of the media type."""
    return document({"requestBody": {"content": {media: {"schema": schema, **members}}}})


def webhook(schema: Any) -> Doc:
    """Return a document with a webhook whose request has a schema."""
    operation = {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}
    return document(webhooks={"w": {"post": operation}})


def callback(schema: Any) -> Doc:
    """Return a document with a callback whose request has a schema."""
    operation = {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}
    return document({"callbacks": {"c": {"{$request.body#/url}": {"post": operation}}}})


def schemes(**schemes_of: Any) -> Doc:
    """Return a document with these security schemes, which no operation requires."""
    return document(components={"securitySchemes": schemes_of})


def form(encoding: Doc) -> Doc:
    """Return a document with a form whose part `a` has an encoding."""
    return request(thing(a=TEXT), "multipart/form-data", encoding={"a": encoding})


def findings(old: Doc, new: Doc) -> list[tuple[str, str, str]]:
    """Return level, rule and location of each finding."""
    return [(finding.level, finding.rule, finding.location) for finding in compare(old, new)]


def read_only(schema: Doc) -> Doc:
    """Return a schema with `readOnly`."""
    return {**schema, "readOnly": True}


BEARER, BASIC = ({"type": "http", "scheme": scheme} for scheme in ("bearer", "basic"))
BOTH = {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "additionalProperties": False}
NAMES = {"type": "object", "patternProperties": {"^x": WHOLE}, "additionalProperties": TEXT}
DIGITS = {**TEXT, "pattern": "^[0-9]+$"}

ROWS: dict[str, tuple[Doc, Doc, list[tuple[str, str, str]]]] = {
    "four changes of a body": (
        request(thing(a=TEXT, b=WHOLE, c={"enum": ["x", "y"]}, d=TEXT)),
        request(thing("a", a=TEXT, b={**WHOLE, "maximum": 3}, c={"enum": ["x"]}, d=WHOLE)),
        [
            ("error", "request-property-became-required", "requestBody.a"),
            ("error", "request-property-max-set", "requestBody.b"),
            ("error", "request-property-enum-value-removed", "requestBody.c"),
            ("error", "request-property-type-changed", "requestBody.d"),
        ],
    ),
    "a default": (
        parameter(schema={**WHOLE, "default": 10}),
        parameter(schema={**WHOLE, "default": 100}),
        [("error", "request-parameter-default-value-changed", "query q")],
    ),
    "another scheme": (
        schemes(a=BEARER),
        schemes(a=BASIC),
        [("error", "api-security-component-type-changed", "securitySchemes")],
    ),
    "a scheme fewer": (
        schemes(a=BEARER, b=BASIC),
        schemes(a=BEARER),
        [("error", "api-security-component-removed", "securitySchemes")],
    ),
    "another media type": (
        request(TEXT),
        request(TEXT, "application/vnd+json"),
        [
            ("error", "request-body-media-type-removed", "requestBody application/json"),
            ("info", "request-body-media-type-added", "requestBody application/vnd+json"),
        ],
    ),
    "a webhook without a property": (
        webhook(thing("a", a=TEXT)),
        webhook(thing(a=TEXT)),
        [("error", "response-property-became-optional", "requestBody.a")],
    ),
    "a callback without a property": (
        callback(thing("a", a=TEXT)),
        callback(thing(a=TEXT)),
        [("error", "response-property-became-optional", "requestBody.a")],
    ),
    "a webhook with a property": (
        webhook(thing(a=TEXT)),
        webhook(thing("b", a=TEXT, b=TEXT)),
        [("info", "response-required-property-added", "requestBody.b")],
    ),
    "the encoding of a part": (
        form({"contentType": "text/plain"}),
        form({"contentType": "image/png"}),
        [("error", "request-body-encoding-changed", "requestBody multipart/form-data encoding a")],
    ),
    "the default encoding of a part": (form({}), form({"contentType": "text/plain"}), []),
    "a header of a part": (
        form({"headers": {}}),
        form({"headers": {"X-A": {"required": True, "schema": TEXT}}}),
        [("error", "new-required-request-parameter", "requestBody multipart/form-data encoding a header x-a")],
    ),
    "reserved characters": (
        parameter(allowReserved=True),
        parameter(),
        [("error", "request-parameter-allow-reserved-unset", "query q")],
    ),
    "an empty value": (
        parameter(allowEmptyValue=True),
        parameter(),
        [("error", "request-parameter-allow-empty-value-unset", "query q")],
    ),
    "a closed part": (
        request(BOTH),
        request(
            every(
                {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False},
                {"properties": {"b": TEXT}},
            )
        ),
        [("error", "request-body-narrowed", "requestBody")],
    ),
    "alternatives that overlap": (
        request(either(WHOLE, NUMBER)),
        request(one_of(WHOLE, NUMBER)),
        [("error", "request-body-narrowed", "requestBody")],
    ),
    "alternatives that may be null": (
        request(either({"type": ["string", "null"]}, {"type": ["integer", "null"]})),
        request(one_of({"type": ["string", "null"]}, {"type": ["integer", "null"]})),
        [("error", "request-body-narrowed", "requestBody")],
    ),
    "a pattern of names": (
        request(NAMES),
        request({"type": "object", "additionalProperties": TEXT}),
        [("error", "request-keyword-changed", "requestBody")],
    ),
    "a second excluded value": (
        request({**TEXT, "not": {"const": "a"}}),
        request(every({**TEXT, "not": {"const": "a"}}, {"not": {"const": "b"}})),
        [("error", "request-body-narrowed", "requestBody"), ("info", "request-body-not-generalized", "requestBody")],
    ),
    "a date in a request": (
        request({**TEXT, "format": "date"}),
        request({**TEXT, "format": "date-time"}),
        [("error", "request-body-type-changed", "requestBody")],
    ),
    "a date in a response": (
        response(content={"application/json": {"schema": {**TEXT, "format": "date-time"}}}),
        response(content={"application/json": {"schema": {**TEXT, "format": "date"}}}),
        [("error", "response-body-type-changed", "")],
    ),
    "a read-only property that becomes required": (
        request(thing(a=read_only(TEXT))),
        request(thing("a", a=read_only(TEXT))),
        [],
    ),
    "a read-only property, which no request contains": (
        request(thing(b=TEXT)),
        request(thing(a=read_only(TEXT), b=TEXT)),
        [],
    ),
    "a removed read-only property": (request(thing(a=read_only(TEXT), b=TEXT)), request(thing(b=TEXT)), []),
    "a deprecated webhook": (
        document(webhooks={"w": {"post": {"responses": {}}}}),
        document(webhooks={"w": {"post": {"responses": {}, "deprecated": True}}}),
        [("info", "endpoint-deprecated", "")],
    ),
    "a required property that is no longer read-only": (
        request(thing("a", a=read_only(TEXT))),
        request(thing("a", a=TEXT)),
        [("error", "request-required-property-became-not-read-only", "requestBody.a")],
    ),
    "a property that becomes read-only": (
        request(thing(a=TEXT)),
        request(thing(a=read_only(TEXT))),
        [("error", "request-optional-property-became-read-only", "requestBody.a")],
    ),
    "a property of a parameter that becomes read-only": (
        parameter(style="deepObject", schema=thing("a", a=TEXT)),
        parameter(style="deepObject", schema=thing("a", a=read_only(TEXT))),
        [("error", "request-required-property-became-read-only", "query q.a")],
    ),
    "a format that no validator knows": (request(TEXT), request({**TEXT, "format": "password"}), []),
    "a format of a parameter that no validator knows": (
        parameter(schema=TEXT),
        parameter(schema={**TEXT, "format": "password"}),
        [],
    ),
    "an equivalent pattern": (request(DIGITS), request({**TEXT, "pattern": "^\\d{1,}$"}), []),
    "an equivalent pattern of a parameter": (
        parameter(schema=DIGITS),
        parameter(schema={**TEXT, "pattern": "^[0-9][0-9]*$"}),
        [],
    ),
    "a wider pattern": (
        request(DIGITS),
        request({**TEXT, "pattern": "^[0-9a-f]+$"}),
        [("info", "request-body-pattern-generalized", "requestBody")],
    ),
    "a pattern written between slashes, which matched nothing, becomes one": (
        request({**TEXT, "pattern": "/^[A-Z]{2}$/"}),
        request({**TEXT, "pattern": "^[A-Z]{2}$"}),
        [("info", "request-body-pattern-generalized", "requestBody")],
    ),
    "a server of each path": (
        document(servers=[{"url": "https://a.example"}]),
        document({"servers": [{"url": "https://a.example"}]}),
        [],
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_change_has_its_rules_and_levels(name: str) -> None:
    """`compare` returns exactly the rules and levels that the row states for the two documents."""
    old, new, expected = ROWS[name]
    assert sorted(expected) == sorted(findings(old, new))


def test_an_accepted_change_of_a_request_hides_no_other_change() -> None:
    """No finding of a second revision has a fingerprint of the first."""
    old, first = request(thing(a=TEXT)), request(thing(a={**TEXT, "maxLength": 5}))
    second = request(thing("b", "c", a=TEXT, b=TEXT, c=TEXT))
    accepted = {finding.fingerprint for finding in compare(old, first)}
    assert [] == [finding for finding in compare(old, second) if finding.fingerprint in accepted]


@pytest.mark.parametrize(
    ("old", "changes"),
    [
        ({"type": "object"}, [{"not": {"required": ["a"]}}, {"not": {"required": ["b"]}}]),
        ({"type": "object"}, [{"propertyNames": {"maxLength": 3}}, {"propertyNames": {"maxLength": 4}}]),
        ({"type": "object"}, [{"patternProperties": {"^a": TEXT}}, {"patternProperties": {"^a": WHOLE}}]),
        ({"type": "object"}, [{"dependentSchemas": {"a": {"minProperties": size}}} for size in (2, 3)]),
        ({"type": "array"}, [{"contains": TEXT}, {"contains": WHOLE}]),
        ({"type": "array"}, [{"prefixItems": [TEXT]}, {"prefixItems": [WHOLE]}]),
        (thing("a", a=TEXT), [one_of(thing("a", a=TEXT), thing("b", b=schema)) for schema in (TEXT, WHOLE)]),
        (either(WHOLE, NUMBER), [one_of(WHOLE, NUMBER), one_of(WHOLE, NUMBER, {"type": ["integer", "string"]})]),
    ],
)
def test_two_changes_at_a_location_have_two_fingerprints(old: Doc, changes: list[Doc]) -> None:
    base = request(old)
    revisions = [request(change if "oneOf" in change else {**old, **change}) for change in changes]
    first, second = ({finding.fingerprint for finding in compare(base, revision)} for revision in revisions)
    assert first
    assert not first & second


@pytest.mark.parametrize("in_", ["path", "query", "header", "cookie"])
def test_a_parameter_of_a_webhook_is_compared_like_a_header_of_a_response(in_: str) -> None:
    old, new = (
        document(webhooks={"w": {"post": {"parameters": [{"name": "q", "in": in_, "schema": schema}]}}})
        for schema in (WHOLE, TEXT)
    )
    assert [("error", "response-header-type-changed", f"{in_} q")] == findings(old, new)


def test_a_webhook_is_described_as_a_request() -> None:
    """The message for a property that is no longer required says what a request always had."""
    (finding,) = compare(webhook(thing("a", a=TEXT)), webhook(thing(a=TEXT)))
    assert finding.operation == "POST webhook:w"
    assert "a request always had" in finding.message


def with_callbacks(path: str, *expressions: str) -> Doc:
    """Return a document with a callback for each expression, which receives a text in each."""
    content = {"content": {"application/json": {"schema": TEXT}}}
    items = {expression: {"post": {"requestBody": content, "responses": {}}} for expression in expressions}
    post = {"callbacks": {"c": items}, "responses": {"200": {"description": "ok"}}}
    return {**document(), "paths": {path: {"post": post}}}


def test_a_callback_to_another_part_of_the_request_is_another_callback() -> None:
    old, new = (with_callbacks("/a", f"{{$request.query.{name}}}") for name in ("url", "hook"))
    assert ["callback-removed", "callback-added"] == [finding.rule for finding in compare(old, new)]


def test_callbacks_to_two_parts_of_the_request_are_both_compared() -> None:
    expressions = "{$request.query.url}", "{$request.query.failure}"
    old, new = with_callbacks("/a", *expressions), with_callbacks("/a", *expressions)
    for item in new["paths"]["/a"]["post"]["callbacks"]["c"].values():
        item["post"]["requestBody"]["content"]["application/json"]["schema"] = WHOLE
    assert ["response-body-type-changed"] * 2 == [finding.rule for finding in compare(old, new)]


def test_a_renamed_path_parameter_in_the_expression_of_a_callback_is_no_change() -> None:
    old, new = (with_callbacks(f"/a/{{{name}}}", f"https://b/{{$request.path.{name}}}") for name in ("id", "key"))
    assert [] == compare(old, new)


@pytest.mark.parametrize("in_", ["path", "query", "header", "cookie"])
@pytest.mark.parametrize("defaults", [(None, 1), (1, None), (1, 2)], ids=str)
def test_the_default_of_a_required_parameter_has_no_effect(in_: str, defaults: tuple[object, object]) -> None:
    schemas = [WHOLE if default is None else {**WHOLE, "default": default} for default in defaults]
    old, new = (parameter(**{"in": in_, "required": True, "schema": schema}) for schema in schemas)
    assert [] == compare(old, new)


@pytest.mark.parametrize(("required", "rule"), [((True, False), "became-optional"), ((False, True), "became-required")])
def test_a_default_that_no_request_needs_is_not_reported_as_changed(required: tuple[bool, bool], rule: str) -> None:
    old = parameter(required=required[0], schema={**WHOLE, "default": 1})
    new = parameter(required=required[1], schema={**WHOLE, "default": 2})
    assert [f"request-parameter-{rule}"] == [finding.rule for finding in compare(old, new)]


@pytest.mark.parametrize("keywords", [{"enum": ["a", "b"]}, {"pattern": "^x"}, {"minLength": 9}, {"format": "date"}])
def test_numbers_that_became_limited_texts_are_one_finding(keywords: Doc) -> None:
    """Without the limits, every number that is sent as text would still be valid."""
    old, new = parameter(schema=WHOLE), parameter(schema={**TEXT, **keywords})
    assert [("error", "request-parameter-type-changed", "query q")] == findings(old, new)
    assert [("info", "request-parameter-type-generalized", "query q")] == findings(old, parameter(schema=TEXT))


OR_NULL: dict[str, Doc] = {
    "a list": {"type": ["string", "null"]}, "anyOf": either(TEXT, {"type": "null"}),
    "oneOf": one_of(TEXT, {"type": "null"}), "nullable": {**TEXT, "nullable": True},
}  # fmt: skip


@pytest.mark.parametrize("in_", ["path", "query", "header", "cookie"])
@pytest.mark.parametrize("or_null", OR_NULL.values(), ids=OR_NULL)
def test_null_is_no_value_of_a_parameter_that_is_sent_as_text(or_null: Doc, in_: str) -> None:
    """Generators write it for a parameter that may be left out."""
    old, new = (parameter(**{"in": in_, "schema": schema}) for schema in (or_null, TEXT))
    assert [] == compare(old, new) == compare(new, old)


@pytest.mark.parametrize("or_null", OR_NULL.values(), ids=OR_NULL)
def test_null_is_a_value_of_a_parameter_that_is_sent_as_json(or_null: Doc) -> None:
    media = {"application/json": {"schema": or_null}}, {"application/json": {"schema": TEXT}}
    old, new = (document({"parameters": [{"name": "q", "in": "query", "content": content}]}) for content in media)
    assert [("error", "request-parameter-became-not-nullable", "query q")] == findings(old, new)
    assert [("info", "request-parameter-became-nullable", "query q")] == findings(new, old)


@pytest.mark.parametrize("or_null", OR_NULL.values(), ids=OR_NULL)
def test_another_change_of_a_parameter_that_was_null_as_well_is_reported(or_null: Doc) -> None:
    (finding,) = compare(parameter(schema=or_null), parameter(schema=WHOLE))
    assert (finding.rule, finding.level) == ("request-parameter-type-changed", "error")
    assert finding.extra["shown"]["value"] is not None


@pytest.mark.parametrize("kind", ["webhooks", "callbacks"])
def test_a_webhook_or_callback_has_findings_about_its_name_and_tags(kind: str) -> None:
    def described(**fields: object) -> Doc:
        item = {"post": {"responses": {}, **fields}}
        if kind == "webhooks":
            return document(webhooks={"w": item})
        return document({"callbacks": {"c": {"{$request.body#/url}": item}}})

    old, new = described(operationId="a", tags=["x"]), described(operationId="b", tags=["y"], summary="other")
    rules = {finding.rule for finding in compare(old, new)}
    assert {"api-operation-id-removed", "api-tag-removed", "api-tag-added"} == rules
    described_too = {finding.rule for finding in compare(old, new, Options(descriptions=True))}
    assert rules | {"description-changed"} == described_too


TOKEN: Doc = {"bearer": []}
KEY: Doc = {"key": []}
OPEN: Doc = {}
SCHEMES: Doc = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "oauth": {"type": "oauth2", "flows": {}},
}


def outgoing(kind: str, security: Any = None, **fields: Any) -> Doc:
    """Return a document whose webhook or callback lists the credentials with which it is sent; None for no list."""
    item: Doc = {"post": {"responses": {}}}
    if security is not None:
        item["post"]["security"] = security
    item["post"] |= fields
    if kind == "webhooks":
        base = document(webhooks={"w": item})
    else:
        base = document({"callbacks": {"c": {"{$request.body#/url}": item}}, "security": []})
    return {**base, "components": {"securitySchemes": SCHEMES}}


@pytest.mark.parametrize("kind", ["webhooks", "callbacks"])
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([TOKEN], [TOKEN, OPEN], [("error", "none")]),
        ([TOKEN], [], [("error", "none")]),
        ([TOKEN], None, [("error", "none")]),
        ([TOKEN], [KEY], [("error", "apiKey header x-key")]),
        ([TOKEN], [KEY, OPEN], [("error", "none"), ("error", "apiKey header x-key")]),
        ([{**TOKEN, **KEY}], [TOKEN], [("error", "http bearer")]),
        ([{"oauth": ["a", "b"]}], [{"oauth": ["a"]}], [("error", "oauth2")]),
        ([TOKEN], [{**TOKEN, **KEY}], [("info", "apiKey header x-key and http bearer")]),
        ([TOKEN, OPEN], [TOKEN], [("info", None)]),
        ([OPEN], [KEY], [("info", "apiKey header x-key")]),
        ([], [KEY], [("info", "apiKey header x-key")]),
        (None, [KEY], [("info", "apiKey header x-key")]),
        ([{"oauth": ["a"]}], [{"oauth": ["a", "b"]}], [("info", "oauth2")]),
        ([TOKEN, KEY], [KEY, TOKEN], []),
        ([OPEN], [], []),
        (None, [], []),
    ],
)
def test_the_credentials_of_a_webhook_are_compared_as_those_that_the_consumer_receives(
    kind: str, old: Any, new: Any, expected: list[tuple[str, str | None]]
) -> None:
    """A consumer that required one of the old ones must find one in each request."""
    rules = {"error": "webhook-security-generalized", "info": "webhook-security-specialized"}
    findings_of = compare(outgoing(kind, old), outgoing(kind, new))
    assert expected == [(finding.level, finding.observed) for finding in findings_of]
    assert all(finding.rule == rules[finding.level] for finding in findings_of)
    assert {finding.location for finding in findings_of} <= {"security"}


@pytest.mark.parametrize("kind", ["webhooks", "callbacks"])
def test_credentials_of_the_document_that_a_webhook_lists_as_well_are_the_same(kind: str) -> None:
    old, new = ({**outgoing(kind, security), "security": [TOKEN]} for security in (None, [TOKEN]))
    assert [] == compare(old, new) == compare(new, old)


def test_a_changed_scheme_of_an_unchanged_webhook_is_reported_once() -> None:
    old, new = outgoing("webhooks", [KEY]), outgoing("webhooks", [KEY])
    new["components"] = {"securitySchemes": {**SCHEMES, "key": {**SCHEMES["key"], "name": "X-Token"}}}
    assert ["api-security-component-type-changed"] == [finding.rule for finding in compare(old, new)]


@pytest.mark.parametrize("kind", ["webhooks", "callbacks"])
def test_the_servers_of_a_webhook_have_no_effect(kind: str) -> None:
    """The consumer chooses the URL."""
    old, new = (outgoing(kind, servers=[{"url": f"https://{host}"}]) for host in "ab")
    assert [] == compare(old, new)
