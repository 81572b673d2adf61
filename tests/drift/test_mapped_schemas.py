"""A schema that a discriminator maps a value to, and that extends the schema with the discriminator by `allOf`."""

from __future__ import annotations

from pytest_bctrl.drift import compare

from .pairs import Doc, body

TEXT: Doc = {"type": "string"}
BASE: Doc = {"$ref": "#/components/schemas/Pet"}
MAPPING = "response-body-discriminator-mapping-changed"


def pets() -> Doc:
    """Return a document with pets, of which cats and dogs have properties of their own."""
    document = body(BASE)
    mapping = {name.lower(): f"#/components/schemas/{name}" for name in ("Cat", "Dog")}
    document["components"] = {
        "schemas": {
            "Pet": {
                "type": "object",
                "properties": {"kind": TEXT, "name": TEXT},
                "discriminator": {"propertyName": "kind", "mapping": mapping},
            },
            "Cat": {"allOf": [BASE, {"type": "object", "properties": {"lives": {"type": "integer"}}}]},
            "Dog": {"allOf": [BASE], "properties": {"owner": TEXT}},
        }
    }
    return document


def rules(old: Doc, new: Doc) -> list[str]:
    """Return the rules of the findings."""
    return [finding.rule for finding in compare(old, new)]


def with_short_names() -> Doc:
    """Return the document of `pets` with a maximum length of the name in the schema that the others extend."""
    document = pets()
    document["components"]["schemas"]["Pet"]["properties"]["name"] = {**TEXT, "maxLength": 9}
    return document


def test_a_change_of_the_extended_schema_is_reported_once() -> None:
    """The values are mapped to the same schemas, though these contain the change too."""
    assert rules(pets(), with_short_names()) == ["response-property-max-length-set"]
    assert rules(with_short_names(), pets()) == ["response-property-max-length-unset"]


def test_a_mapped_schema_that_changed_itself_is_reported_beside_the_extended_one() -> None:
    new = with_short_names()
    new["components"]["schemas"]["Cat"]["allOf"][1]["properties"]["lives"] = TEXT
    assert sorted(rules(pets(), new)) == ["response-property-max-length-set", "response-property-type-changed"]
    new = with_short_names()
    new["components"]["schemas"]["Dog"]["properties"]["owner"] = {"type": "integer"}
    assert sorted(rules(pets(), new)) == ["response-property-max-length-set", "response-property-type-changed"]


def test_a_value_that_leads_to_another_extending_schema_is_reported() -> None:
    new = pets()
    mapping = new["components"]["schemas"]["Pet"]["discriminator"]["mapping"]
    mapping["cat"] = mapping["dog"]
    assert rules(pets(), new) == [MAPPING]


def test_a_mapped_schema_with_another_name_is_compared() -> None:
    """It was renamed, and changed."""
    new = pets()
    schemas = new["components"]["schemas"]
    schemas["Tiger"] = {"allOf": [BASE, {"type": "object", "properties": {"lives": TEXT}}]}
    schemas["Pet"]["discriminator"]["mapping"]["cat"] = "#/components/schemas/Tiger"
    del schemas["Cat"]
    assert rules(pets(), new) == ["response-property-type-changed"]


def without_mapping(*removed: str) -> Doc:
    """Return the document of `pets` without the mapping, so that the names of components are values."""
    document = pets()
    del document["components"]["schemas"]["Pet"]["discriminator"]["mapping"]
    for name in removed:
        del document["components"]["schemas"][name]
    return document


def test_a_mapping_to_the_names_of_the_components_is_no_change() -> None:
    new = without_mapping()
    new["components"]["schemas"]["Pet"]["discriminator"]["mapping"] = {name: name for name in ("Cat", "Dog")}
    assert [[], []] == [rules(without_mapping(), new), rules(new, without_mapping())]


def test_a_schema_that_extends_another_without_a_mapping_has_its_name_as_value() -> None:
    """A consumer does not know how to read a dog."""
    (finding,) = compare(without_mapping("Dog"), without_mapping())
    assert ("error", "response-body-discriminator-mapping-added") == (finding.level, finding.rule)


def test_values_of_other_schemas_are_none_of_a_schema_that_inherits_the_discriminator() -> None:
    """A response that is always a cat has no other value, and the value of cats counts."""
    documents = [pets(), pets(), pets()]
    cat = {"$ref": "#/components/schemas/Cat"}
    for document in documents:
        document["paths"] = body(cat)["paths"]
    mappings = [document["components"]["schemas"]["Pet"]["discriminator"]["mapping"] for document in documents]
    del mappings[0]["dog"]
    mappings[2]["feline"] = mappings[2].pop("cat")
    assert [] == rules(*documents[:2])
    deleted, added = "response-body-discriminator-mapping-deleted", "response-body-discriminator-mapping-added"
    assert [added, deleted] == rules(*documents[1:])


def test_a_value_of_an_added_alternative_of_any_of_is_reported() -> None:
    """Its schema allows nothing that the others rule out, but the consumer does not know the value."""
    documents = []
    for names in (["Cat", "Bird"], ["Cat", "Bird", "Dog"]):
        alternatives = [{"$ref": f"#/components/schemas/{name}"} for name in names]
        mapping = {name.lower(): name for name in names}
        document = body({"anyOf": alternatives, "discriminator": {"propertyName": "kind", "mapping": mapping}})
        schemas = {name: {"type": "object", "properties": {"kind": TEXT, name: TEXT}} for name in names}
        documents.append({**document, "components": {"schemas": schemas}})
    findings = {finding.rule: finding.level for finding in compare(documents[0], documents[1])}
    assert {"response-body-discriminator-mapping-added": "error", "response-body-any-of-added": "info"} == findings
