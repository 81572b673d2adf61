"""Documents of OpenAPI 3.2: which parts are compared, and which are listed as not compared."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.contract.document import load_data
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.contract_change import Comparison, compare_contracts
from pytest_bctrl.drift.options import Options

Doc = dict[str, Any]


def document(version: str = "3.2.0", **item: Any) -> Doc:
    """Return a document with `GET /a`; `item` are further fields of the path item."""
    responses = {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "string"}}}}}
    return {
        "openapi": version,
        "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": {"responses": responses}, **item}},
    }


def operation(schema: Doc, **more: Any) -> Doc:
    """Return an operation whose response has a schema, with further fields."""
    return {"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}, **more}


def rules(base: Doc, revision: Doc) -> list[tuple[str, str]]:
    """Return the operation and rule of each finding."""
    return [(finding.operation, finding.rule) for finding in compare(base, revision)]


def test_a_document_of_31_and_one_of_32_mean_the_same() -> None:
    assert [] == compare(document("3.1.0"), document()) == compare(document(), document("3.1.0"))


@pytest.mark.parametrize(
    ("item", "label"),
    [(lambda schema: {"query": operation(schema)}, "QUERY /a"),
     (lambda schema: {"additionalOperations": {"COPY": operation(schema)}}, "COPY /a")],
)  # fmt: skip
def test_the_new_methods_are_compared(item: Any, label: str) -> None:
    """The path item fields `query` and `additionalOperations`: a changed, an added, and a removed operation."""
    old, new = (document(**item({"type": type_})) for type_ in ("string", "integer"))
    assert [(label, "response-body-type-changed")] == rules(old, new)
    assert [(label, "endpoint-added")] == rules(document(), new)
    assert [(label, "api-removed-without-deprecation")] == rules(new, document())


def test_components_of_media_types_are_compared() -> None:
    """A changed type in one that a response refers to is `response-body-type-changed`."""

    def with_media_type(schema: Doc) -> Doc:
        """Return a document whose response refers to a media type component with a schema."""
        content = {"application/json": {"$ref": "#/components/mediaTypes/M"}}
        whole = document(post={"responses": {"200": {"description": "ok", "content": content}}})
        return {**whole, "components": {"mediaTypes": {"M": {"schema": schema}}}}

    assert [("POST /a", "response-body-type-changed")] == rules(
        with_media_type({"type": "string"}), with_media_type({"type": "integer"})
    )


def test_parameters_in_the_query_string_are_compared() -> None:
    """A changed type of one with `in: querystring` is `request-parameter-type-changed`."""

    def with_query_string(type_: str) -> Doc:
        """Return a document with a parameter in the query string of a type."""
        content = {"application/json": {"schema": {"type": type_}}}
        return document(post=operation({}, parameters=[{"name": "q", "in": "querystring", "content": content}]))

    assert [("POST /a", "request-parameter-type-changed")] == rules(
        with_query_string("string"), with_query_string("integer")
    )


def compared(base: Doc, revision: Doc) -> Comparison:
    """Return the comparison of two documents, without an overlay."""
    return compare_contracts(load_data(base, "old"), load_data(revision, "new"), None, Options())


def streaming(schema: Doc, component: str = "string") -> Doc:
    """Return a document whose response is a sequence of items of a schema; the component `Item` has a type."""
    content = {"application/jsonl": {"itemSchema": schema}}
    whole = document(post={"responses": {"200": {"description": "ok", "content": content}}})
    return {**whole, "components": {"schemas": {"Item": {"type": component}}}}


def test_a_changed_item_schema_is_listed_as_not_compared() -> None:
    """So is one whose component has changed."""
    reference = {"$ref": "#/components/schemas/Item"}
    for old, new in (
        (streaming({"type": "string"}), streaming({"type": "integer"})),
        (streaming(reference), streaming(reference, "integer")),
    ):
        (text,) = compared(old, new).not_compared
        assert text.startswith("new: itemSchema is not compared: it is new in OpenAPI 3.2")
        assert "at #/paths/~1a/post/responses/200/content/application~1jsonl/itemSchema" in text
    assert () == compared(streaming(reference), streaming(reference)).not_compared


def test_changed_documentation_that_is_new_is_a_note() -> None:
    """The fields `$self` and `kind` of OpenAPI 3.2 are noted, and not listed as not compared."""
    tags = [{"name": "x", "kind": "nav"}]
    comparison = compared(document(), {**document(), "$self": "https://api.test/openapi.json", "tags": tags})
    assert () == comparison.not_compared
    assert [
        "new: $self, which is new in OpenAPI 3.2, was changed, at #/$self",
        "new: kind, which is new in OpenAPI 3.2, was changed, at #/tags/0/kind",
    ] == sorted(comparison.notes)


def secured(**more: Any) -> Doc:
    """Return a document with an OAuth scheme with a scope `deprecated`, and further fields of the scheme."""
    flows = {"clientCredentials": {"tokenUrl": "https://api.test/token", "scopes": {"deprecated": "A scope."}}}
    schemes = {"login": {"type": "oauth2", "flows": flows, **more}}
    return {**document(), "components": {"securitySchemes": schemes}, "security": [{"login": ["deprecated"]}]}


def test_deprecation_of_a_security_scheme_is_a_note() -> None:
    """The field is new in OpenAPI 3.2, and breaks no consumer. A scope of that name is not mistaken for it."""
    comparison = compared(secured(), secured(deprecated=True))
    assert ([], ()) == (comparison.findings, comparison.not_compared)
    pointer = "#/components/securitySchemes/login/deprecated"
    assert (f"new: deprecated, which is new in OpenAPI 3.2, was changed, at {pointer}",) == comparison.notes
    assert () == compared(secured(), {**secured(), "info": {"title": "t", "version": "2"}}).notes
