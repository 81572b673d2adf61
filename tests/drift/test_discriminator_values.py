"""Values and the property of a discriminator that one document knows and the other does not."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.examples import document_in_scope

from .pairs import Doc

TEXT: Doc = {"type": "string"}
SCOPES = {"request-body": "request", "response-property": "response"}
KIND: Doc = {"kind": TEXT}


def pets(scope: str, mapping: Doc | None, name: Any = "kind", base: Any = None, **schemas: Doc) -> Doc:
    """Return a document whose body is one of these schemas, or `base` that they extend, with a discriminator."""
    discriminator: Doc = {"propertyName": name}
    if mapping is not None:
        discriminator["mapping"] = {value: f"#/components/schemas/{target}" for value, target in mapping.items()}
    schema: Doc = {"oneOf": [{"$ref": f"#/components/schemas/{key}"} for key in schemas]}
    if base is not None:
        schemas = {key: {"allOf": [{"$ref": "#/components/schemas/Pet"}, value]} for key, value in schemas.items()}
        schema, schemas["Pet"] = {"$ref": "#/components/schemas/Pet"}, {**base, "discriminator": discriminator}
    else:
        schema["discriminator"] = discriminator
    document = document_in_scope(scope, schema)
    return {**document, "components": {"schemas": {**document.get("components", {}).get("schemas", {}), **schemas}}}


def kind(*names: str, required: tuple[str, ...] = ("kind",), **properties: Any) -> Doc:
    """Return an object whose property `kind` has these values, any if there are none, and further properties."""
    values: Doc = dict(TEXT)
    if names:
        values["enum"] = list(names)
    return {"type": "object", "properties": {"kind": values, **properties}, "required": list(required)}


CAT, DOG = kind(lives=TEXT, required=("kind", "lives")), kind(bark=TEXT, required=("kind", "bark"))
BOTH = {"Cat": CAT, "Dog": DOG}
OLD = {"cat": "Cat", "dog": "Dog"}
BASE = kind()
EXTENSIONS: Doc = {"Cat": {"properties": {"lives": TEXT}}, "Dog": {"properties": {"bark": TEXT}}}
ERRORS: dict[str, tuple[tuple[Any, Any], tuple[Any, Any], str, str]] = {
    "renamed": ((OLD, BOTH), ({"feline": "Cat", "dog": "Dog"}, BOTH), "mapping-deleted", "mapping-added"),
    "one more": ((OLD, BOTH), ({**OLD, "feline": "Cat"}, BOTH), "", "mapping-added"),
    "one less": (({**OLD, "feline": "Cat"}, BOTH), (OLD, BOTH), "mapping-deleted", ""),
    "replaced by the names of components": ((OLD, BOTH), (None, BOTH), "mapping-deleted", "mapping-added"),
    "written in place of the same names": (({"Cat": "Cat", "Dog": "Dog"}, BOTH), (None, BOTH), "", ""),
    "the name of a renamed component": (
        (None, BOTH), (None, {"Feline": CAT, "Dog": DOG}), "mapping-deleted", "mapping-added"),
    "the name of a renamed component that is mapped": (
        (OLD, BOTH), ({"cat": "Feline", "dog": "Dog"}, {"Feline": CAT, "Dog": DOG}), "", ""),
    "exchanged": ((OLD, BOTH), ({"cat": "Dog", "dog": "Cat"}, BOTH), "mapping-changed", "mapping-changed"),
    "ruled out by the schemas": (
        (OLD, {"Cat": kind("feline"), "Dog": kind("dog")}),
        ({"feline": "Cat", "dog": "Dog"}, {"Cat": kind("feline"), "Dog": kind("dog")}), "", "mapping-added"),
    "renamed, and listed": (
        (OLD, {"Cat": kind("cat", "feline"), "Dog": kind("dog")}),
        ({"feline": "Cat", "dog": "Dog"}, {"Cat": kind("cat", "feline"), "Dog": kind("dog")}),
        "mapping-deleted", "mapping-added"),
    "of a schema that others extend, renamed": (
        (OLD, {"base": BASE, **EXTENSIONS}), ({"feline": "Cat", "dog": "Dog"}, {"base": BASE, **EXTENSIONS}),
        "mapping-deleted", "mapping-added"),
    "of a schema that others extend, replaced by a name": (
        (OLD, {"base": BASE, **EXTENSIONS}), ({"dog": "Dog"}, {"base": BASE, **EXTENSIONS}),
        "mapping-deleted", "mapping-added"),
    "an extension that no value maps": (
        (OLD, {"base": BASE, **EXTENSIONS}), (OLD, {"base": BASE, **EXTENSIONS, "Bird": {}}), "", ""),
    "the property": (
        (OLD, {"Cat": kind(type=TEXT), "Dog": kind(type=TEXT, bark=TEXT)}),
        (OLD, {"name": "type", "Cat": kind(type=TEXT), "Dog": kind(type=TEXT, bark=TEXT)}),
        "property-name-changed", "property-name-changed"),
    "the property, and both have the values": (
        (OLD, {name: kind(value, required=("kind", "type"), type={"const": value}) for value, name in OLD.items()}),
        (OLD, {"name": "type", **{
            name: kind(value, required=("kind", "type"), type={"const": value}) for value, name in OLD.items()}}),
        "", ""),
    "the property, and the values are those of the others": (
        (OLD, {name: kind(value, required=("kind", "type"), type={"const": value}) for value, name in OLD.items()}),
        ({"cat": "Dog", "dog": "Cat"}, {"name": "type", **{
            name: kind(value, required=("kind", "type"), type={"const": value}) for value, name in OLD.items()}}),
        "property-name-changed", ""),
    "the name of a renamed component that changed": (
        (None, BOTH), (None, {"Feline": {**CAT, "minProperties": 1}, "Dog": DOG}), "mapping-deleted", "mapping-added"),
}  # fmt: skip


def errors(old: Doc, new: Doc) -> set[str]:
    """Return the rules of the errors between two documents, without their scopes."""
    findings = [finding for finding in compare(old, new) if finding.level == "error"]
    return {finding.rule.partition("discriminator-")[2] or finding.rule for finding in findings}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("name", ERRORS)
def test_a_value_is_an_error_where_only_the_writer_of_bodies_knows_it(name: str, scope: str) -> None:
    """The reverse change swaps the documents; in a response the writer is the server."""
    (old_mapping, old_schemas), (new_mapping, new_schemas), sent, received = ERRORS[name]
    old, new = pets(scope, old_mapping, **old_schemas), pets(scope, new_mapping, **new_schemas)
    expected = sent if SCOPES[scope] == "request" else received
    assert {*expected.split()} == errors(old, new)
    assert errors(old, old) == errors(new, new) == set()


@pytest.mark.parametrize("scope", SCOPES)
def test_a_renamed_value_is_an_error_in_both_directions(scope: str) -> None:
    old, new = pets(scope, OLD, **BOTH), pets(scope, {"feline": "Cat", "dog": "Dog"}, **BOTH)
    assert len(errors(old, new)) == len(errors(new, old)) == 1


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("added", [kind("bird"), kind(wing=TEXT, required=("kind", "wing"))], ids=["one", "any"])
@pytest.mark.parametrize("schemas", [{"Cat": kind("cat"), "Dog": kind("dog")}, BOTH], ids=["one each", "any"])
def test_a_value_that_comes_or_goes_with_an_alternative_is_no_error_of_its_own(
    scope: str, added: Doc, schemas: Doc
) -> None:
    old, new = pets(scope, OLD, **schemas), pets(scope, {**OLD, "bird": "Bird"}, **schemas, Bird=added)
    both = errors(old, new) | errors(new, old)
    assert both
    assert not [rule for rule in both if rule.startswith("mapping")]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_value_that_the_schemas_rename_is_reported_once(scope: str) -> None:
    """The other document rejects a body with the value, as jsonschema confirms."""
    old, new = (
        pets(scope, {value: "Cat", "dog": "Dog"}, Cat=kind(value), Dog=kind("dog")) for value in ("cat", "feline")
    )
    schemas = new["components"]["schemas"]
    assert not any(Draft202012Validator(schemas[name]).is_valid({"kind": "cat"}) for name in ("Cat", "Dog"))
    for before, after in ((old, new), (new, old)):
        (rule,) = errors(before, after)
        assert "mapping" not in rule


def test_a_renamed_property_that_the_schemas_rename_is_reported_once() -> None:
    """A body without the property is invalid, which is the error."""
    schemas = [
        {name: {"type": "object", "properties": {key: {"const": name}}, "required": [key]} for name in ("Cat", "Dog")}
        for key in ("kind", "type")
    ]
    for scope in SCOPES:
        old, new = pets(scope, None, **schemas[0]), pets(scope, None, "type", **schemas[1])
        assert "property-name-changed" not in errors(old, new)
        assert errors(old, new)
