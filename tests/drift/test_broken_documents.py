"""Documents that cannot be compared are rejected with the problem, its location and the expected value."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.drift import compare
from pytest_bctrl.errors import DocumentError

from .pairs import Doc, body, document, parameter

BODY = "/paths/~1a/get/responses/200/content/application~1json/schema"
NAMELESS = "a parameter has no name, or is in none of path, query, querystring, header, cookie"
DISCRIMINATED: Doc = {
    "type": "object",
    "discriminator": {"propertyName": "k", "mapping": {"a": "#/components/schemas/A"}},
}


def discriminated(value: Any) -> Doc:
    """Return a document with this value as discriminator."""
    return body({"type": "object", "discriminator": value})


def secured(name: str, scheme: Doc) -> Doc:
    """Return a document whose operation requires the scheme `name`; the only scheme is `key`."""
    schemes = {"components": {"securitySchemes": {"key": scheme}}}
    return {**document({"security": [{name: []}]}), **schemes}


CASES: dict[str, tuple[Doc, str, str, str]] = {
    "a bound in words": (body({"maxLength": "5"}), "'maxLength' is not a number", f"{BODY}/maxLength", "give a number"),
    "a bound that is true": (body({"minimum": True}), "'minimum' is not a number", f"{BODY}/minimum", "give a number"),
    "a multiple of nothing": (body({"multipleOf": 0}), "'multipleOf' is not a number above 0", f"{BODY}/multipleOf",
        "give one"),
    "a multiple of true": (body({"multipleOf": True}), "'multipleOf' is not a number above 0", f"{BODY}/multipleOf",
        "give one"),
    "a multiple in words": (body({"multipleOf": "2"}), "'multipleOf' is not a number above 0", f"{BODY}/multipleOf",
        "give one"),
    "a parameter without a name": (parameter(name=""), NAMELESS, "/paths/~1a/get/parameters/0",
        "name it and say where"),
    "a parameter in a body": (parameter(**{"in": "body"}), NAMELESS, "/paths/~1a/get/parameters/0",
        "name it and say where"),
    "a discriminator in words": (discriminated("k"), "a text is where a mapping belongs", f"{BODY}/discriminator",
        "see the OpenAPI specification"),
    "a mapping in words": (
        discriminated({"propertyName": "k", "mapping": "a"}),
        "a text is where a mapping belongs", f"{BODY}/discriminator/mapping", "see the OpenAPI specification",
    ),
    "a discriminator's value that leads nowhere": (
        discriminated({"propertyName": "k", "mapping": {"a": "#/components/schemas/Gone"}}),
        "the $ref '#/components/schemas/Gone' names nothing", f"{BODY}/discriminator", "define it, or fix the $ref",
    ),
    "a credential that is not defined": (
        secured("other", {"type": "mutualTLS"}),
        "security names the scheme 'other', which is not defined", "/paths/~1a/get/security/0/other",
        "define it under components/securitySchemes, which has: key",
    ),
    "a credential of no known type": (
        secured("key", {"type": "password"}), "a security scheme has no known type",
        "/components/securitySchemes/key", "apiKey, http, mutualTLS, oauth2 or openIdConnect",
    ),
    "a server without a URL": (document(servers=[{"description": "d"}]), "a server has no url", "/servers/0",
        "give it one"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_broken_document_is_an_error_as_base_and_as_revision(name: str) -> None:
    """The `DocumentError` names the side (the base if both are broken), the problem, its pointer, and a hint."""
    broken, problem, pointer, hint = CASES[name]
    for side, pair in (
        ("base", (broken, body(DISCRIMINATED))),
        ("revision", (body(DISCRIMINATED), broken)),
        ("base", (broken, broken)),
    ):
        with pytest.raises(DocumentError) as caught:
            compare(*pair)
        assert str(caught.value) == f"{side}: {problem}, at #{pointer} ({hint})"


def test_a_change_of_a_shared_schema_is_one_finding_with_all_locations() -> None:
    places = {f"p{index}": {"$ref": "#/components/schemas/A"} for index in range(20)}
    base, revision = (
        {**body({"type": "object", "properties": places}), "components": {"schemas": {"A": shared}}}
        for shared in ({"type": "string"}, {"type": "integer"})
    )
    (finding,) = compare(base, revision)
    assert [place["location"] for place in finding.extra["places"]] == sorted(places)


def test_an_empty_status_belongs_to_no_range() -> None:
    """If `""` becomes `2XX`, a non-success status was removed and a success status was added."""
    base, revision = (document({"responses": {status: {"description": "ok"}}}) for status in ("", "2XX"))
    reported = [finding.rule for finding in compare(base, revision)]
    assert reported == ["response-non-success-status-removed", "response-success-status-added"]
