"""The errors for unreadable documents: the document, the line, the location, and the expected value."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.drift import compare
from pytest_bctrl.errors import DocumentError

from .pairs import Doc, body, document, parameter

GET = "#/paths/~1a/get"
SCHEMA = f"{GET}/responses/200/content/application~1json/schema"
SEE = "(see the OpenAPI specification)"
BACK = f"a $ref leads back to itself, at {SCHEMA} (let it name a definition)"


def error_message(revision: Doc) -> str:
    """Return the message of the `DocumentError` for a new document."""
    with pytest.raises(DocumentError) as caught:
        compare(document(), revision)
    return str(caught.value)


def nested(levels: int, keyword: str) -> Doc:
    """Return a document whose response is a chain of this many components, each with the next one in `keyword`."""
    schemas = {
        f"L{level}": {
            keyword: [
                {"$ref": f"#/components/schemas/L{level + 1}"},
                *({"type": "array", "minItems": level}, {"type": "object"})[: 2 * (keyword == "oneOf")],
            ]
        }
        for level in range(levels)
    }
    document = body({"$ref": "#/components/schemas/L0"})
    return {**document, "components": {"schemas": {**schemas, f"L{levels}": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("value", "kind"),
    [("text", "text"), (True, "boolean"), (5, "number"), (1.5, "number"), ({}, "mapping"), (date(2026, 1, 1), "date")],
)
def test_a_value_where_a_list_belongs_is_an_error_that_names_its_kind(value: Any, kind: str) -> None:
    assert (
        error_message(document({"parameters": value}))
        == f"revision: a {kind} is where a list belongs, at {GET}/parameters {SEE}"
    )


@pytest.mark.parametrize(("value", "kind"), [(None, "null"), ([], "list"), ("text", "text")])
def test_a_value_where_a_schema_belongs_is_an_error(value: Any, kind: str) -> None:
    message = f"a {kind} is where a schema belongs, at {SCHEMA}/allOf/0 (a mapping, true or false)"
    assert error_message(body({"allOf": [value]})) == f"revision: {message}"


@pytest.mark.parametrize(
    ("revision", "says"),
    [
        (document({"responses": "a"}), f"a text is where a mapping belongs, at {GET}/responses {SEE}"),
        (parameter(name=["q"]), f"a list is where text belongs, at {GET}/parameters/0/name {SEE}"),
        (body({"deprecated": 1}), f"a number is where true or false belongs, at {SCHEMA}/deprecated {SEE}"),
        (body({"required": "p"}), f"a text is where a list belongs, at {SCHEMA}/required {SEE}"),
        (body({"required": [1]}), f"a number is where text belongs, at {SCHEMA}/required/0 {SEE}"),
        (body({"prefixItems": {}}), f"a mapping is where a list belongs, at {SCHEMA}/prefixItems {SEE}"),
        (body({"enum": 5}), f"a number is where a list belongs, at {SCHEMA}/enum {SEE}"),
        (body({"type": 5}), f"'type' is neither a name nor a list of names, at {SCHEMA}/type (such as string)"),
        (body({"type": ["string", 5]}),
            f"'type' is neither a name nor a list of names, at {SCHEMA}/type (such as string)"),
        (body({"type": ["text", "null", "number"]}),
            f"'text' is not a type, at {SCHEMA}/type "
            "(types: array, boolean, integer, number, object, string and null)"),
        (body({"type": "x" * 50}),
            f"'{'x' * 40}' is not a type, at {SCHEMA}/type (types: array, boolean, integer, number, object, string "
            f"and null)"),
        (body({"allOf": [{"maxLength": length} for length in range(502)]}),
            f"allOf nests too deeply or has too many branches, at {SCHEMA}/allOf/500 (flatten it)"),
        ({**document(), "paths": {"a": {}}},
            "the path 'a' does not begin with a slash, at #/paths/a (see OpenAPI 3.1, section 4.8.8.1)"),
        ({**document(), "paths": {"a" * 90: {}}},
            f"the path '{'a' * 80}' does not begin with a slash, at #/paths/{'a' * 90} (see OpenAPI 3.1, section "
            f"4.8.8.1)"),
        ({**document(), "paths": {"/a": "text"}}, f"a text is where a mapping belongs, at #/paths/~1a {SEE}"),
        ({**document(), "paths": {"/a": {"get": "text"}}}, f"a text is where a mapping belongs, at {GET} {SEE}"),
        (body({"minimum": "1"}), f"'minimum' is not a number, at {SCHEMA}/minimum (give a number)"),
        (body({"maxLength": True}), f"'maxLength' is not a number, at {SCHEMA}/maxLength (give a number)"),
        (body({"multipleOf": 0}), f"'multipleOf' is not a number above 0, at {SCHEMA}/multipleOf (give one)"),
        (body({"multipleOf": True}), f"'multipleOf' is not a number above 0, at {SCHEMA}/multipleOf (give one)"),
        (body({"multipleOf": "2"}), f"'multipleOf' is not a number above 0, at {SCHEMA}/multipleOf (give one)"),
        (document(servers=[{}]), "a server has no url, at #/servers/0 (give it one)"),
        (document(servers=[{"url": 1}]), f"a number is where text belongs, at #/servers/0/url {SEE}"),
        (document({"security": [{"k": []}]}),
            f"security names the scheme 'k', which is not defined, at {GET}/security/0/k (define it under "
            f"components/securitySchemes, which has: none)"),
        (document({"security": [{"k": []}]}, components={"securitySchemes": {"k": {"type": "magic"}}}),
            "a security scheme has no known type, at #/components/securitySchemes/k (apiKey, http, mutualTLS, oauth2 "
            "or openIdConnect)"),
    ],
)  # fmt: skip
def test_a_malformed_document_is_an_error_with_location_and_hint(revision: Doc, says: str) -> None:
    assert error_message(revision) == f"revision: {says}"


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        (5, "a $ref is not text, at {at} (it should read #/components/...)"),
        ("other.yaml",
            "the $ref 'other.yaml' leads outside the document, at {at} (nothing is fetched; bundle it first: npx "
            "@redocly/cli bundle revision --output bundled.yaml)"),
        ("o" * 300,
            "the $ref '" + "o" * 200 + "' leads outside the document, at {at} (nothing is fetched; bundle it first: "
            "npx @redocly/cli bundle revision --output bundled.yaml)"),
        ("#/components/schemas/Z",
            "the $ref '#/components/schemas/Z' names nothing, at {at} (define it, or fix the $ref)"),
        ("#/servers/1", "the $ref '#/servers/1' names nothing, at {at} (define it, or fix the $ref)"),
        ("#/servers/-1", "the $ref '#/servers/-1' names nothing, at {at} (define it, or fix the $ref)"),
        ("#" + "z" * 300, "the $ref '#" + "z" * 199 + "' names nothing, at {at} (define it, or fix the $ref)"),
        ("#/" + "z" * 300, "the $ref '#/" + "z" * 198 + "' names nothing, at {at} (define it, or fix the $ref)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
def test_an_unresolvable_reference_is_an_error_with_a_hint(keyword: str, ref: Any, says: str) -> None:
    document = {**body({keyword: ref}), "servers": [{"url": "/"}]}
    assert error_message(document) == f"revision: {says.format(at=SCHEMA)}"


def test_a_circular_reference_is_an_error() -> None:
    for beside in ({}, {"title": "t"}):
        assert error_message(body({"$ref": SCHEMA, **beside})) == f"revision: {BACK}"
    assert error_message(document({"parameters": [{"$ref": f"{GET}/parameters/0"}]})) == (
        f"revision: a $ref leads back to itself, at {GET}/parameters/0 (let it name a definition)"
    )


def test_a_circular_alternative_is_an_error() -> None:
    problem = "alternatives lead back to themselves"
    assert error_message(body({"oneOf": [{"$ref": SCHEMA}, {"type": "string"}]})) == (
        f"revision: {problem}, at {SCHEMA}/oneOf/0 (describe the values of each)"
    )


def test_all_of_nested_deeper_than_50_levels_is_an_error() -> None:
    assert compare(nested(50, "allOf"), nested(50, "allOf")) == []
    message = "allOf nests too deeply or has too many branches, at #/components/schemas/L51 (flatten it)"
    assert error_message(nested(51, "allOf")) == f"revision: {message}"


def test_an_error_has_the_line_number_of_the_document() -> None:
    text = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /a:\n    get:\n      parameters: 5\n"
    with pytest.raises(DocumentError) as caught:
        compare(document(), load_document(text, "new.yaml"))
    assert str(caught.value) == f"new.yaml:6: a number is where a list belongs, at {GET}/parameters {SEE}"
