"""Changes of schemas that only a discriminator selects, by its mapping or because they extend its schema by `allOf`."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from pytest_bctrl.contract.document import load_data
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.contract_change import compare_contracts
from pytest_bctrl.drift.options import Options

from .further_schema_pairs import FURTHER_SCHEMAS
from .pairs import Doc, body, document

TEXT: Doc = {"type": "string"}
WHOLE: Doc = {"type": "integer"}


def ref(name: str) -> Doc:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def extending(base: str, **properties: Any) -> Doc:
    """Return a schema that extends another by properties."""
    return {"allOf": [ref(base), {"type": "object", "properties": properties}]}


def with_pets(root: Doc, *, mapping: Doc | None = None, **schemas: Doc) -> Doc:
    """Return a document with a schema of pets that has a discriminator, and these schemas."""
    discriminator: Doc = {"propertyName": "kind"}
    if mapping is not None:
        discriminator["mapping"] = mapping
    pet = {"type": "object", "properties": {"kind": TEXT, "name": TEXT}, "discriminator": discriminator}
    return {**root, "components": {"schemas": {"A": TEXT, "B": WHOLE, "Pet": pet, **schemas}}}


def places(old: Doc, new: Doc) -> list[tuple[str, str, str]]:
    """Return level, rule and location of each finding."""
    return [(finding.level, finding.rule, finding.location) for finding in compare(old, new)]


@pytest.mark.parametrize(
    ("mapping", "value"),
    [
        (None, "Dog"),
        ({}, "Dog"),
        ({"cat": "Cat"}, "Dog"),
        ({"dog": "Dog"}, "dog"),
        ({"dog": "#/components/schemas/Dog"}, "dog"),
        ({"cat": "Cat", "dog": "#/components/schemas/Dog"}, "dog"),
    ],
)
@pytest.mark.parametrize("inside", [False, True], ids=["body", "list"])
def test_a_changed_property_of_a_subtype_breaks_consumers(mapping: Doc | None, value: str, inside: bool) -> None:
    """The schema with the discriminator, which validates bodies, allows any value of the property in both documents."""
    root, prefix = body(ref("Pet")), ""
    if inside:
        root, prefix = body({"type": "array", "items": ref("Pet")}), "[*]"
    cat = extending("Pet", lives=WHOLE)
    old = with_pets(root, mapping=mapping, Cat=cat, Dog=extending("Pet", bark=WHOLE))
    new = with_pets(root, mapping=mapping, Cat=cat, Dog=extending("Pet", bark=TEXT))
    location = f"{prefix}<kind={value}>.bark"
    (finding,) = compare(old, new)
    assert ("error", "response-property-type-changed", location) == (finding.level, finding.rule, finding.location)
    assert ("counterexample", "/bark") == (finding.extra["shown"]["by"], finding.extra["shown"]["at"])


def test_a_changed_property_of_a_sent_subtype_breaks_consumers() -> None:
    content = {"content": {"application/json": {"schema": ref("Pet")}}}
    root = document({"requestBody": content})
    old = with_pets(root, Dog=extending("Pet", bark=TEXT))
    new = with_pets(root, Dog=extending("Pet", bark={**TEXT, "maxLength": 3}))
    assert [("error", "request-property-max-length-set", "requestBody<kind=Dog>.bark")] == places(old, new)
    assert [] == [level for level, _, _ in places(new, old) if level == "error"]


def test_a_change_of_another_subtype_does_not_concern_an_operation_that_returns_one() -> None:
    """An operation that returns dogs returns no cats, although dogs have the discriminator of pets."""
    dog = extending("Pet", bark=WHOLE)
    old = with_pets(body(ref("Dog")), Cat=extending("Pet", lives=WHOLE), Dog=dog)
    new = with_pets(body(ref("Dog")), Cat=extending("Pet", lives=TEXT), Dog=dog)
    assert [] == compare(old, new)


def test_a_subtype_of_a_subtype_is_compared() -> None:
    """It inherits properties: their change has the location of both."""
    dog, puppy = extending("Pet", bark=WHOLE), extending("Dog", age=WHOLE)
    old = with_pets(body(ref("Pet")), Dog=dog, Puppy=puppy)
    new = with_pets(body(ref("Pet")), Dog=dog, Puppy=extending("Dog", age=TEXT))
    assert [("error", "response-property-type-changed", "<kind=Puppy>.age")] == places(old, new)
    (finding,) = compare(old, with_pets(body(ref("Pet")), Dog=extending("Pet", bark=TEXT), Puppy=puppy))
    assert ["<kind=Dog>.bark", "<kind=Puppy>.bark"] == sorted(place["location"] for place in finding.extra["places"])
    of_dogs = with_pets(body(ref("Dog")), Dog=dog, Puppy=puppy)
    changed = with_pets(body(ref("Dog")), Dog=dog, Puppy=extending("Dog", age=TEXT))
    assert [("error", "response-property-type-changed", "<kind=Puppy>.age")] == places(of_dogs, changed)


def test_a_change_of_the_extended_schema_is_reported_where_it_is() -> None:
    old = with_pets(body(ref("Pet")), Dog=extending("Pet", bark=WHOLE))
    new = deepcopy(old)
    new["components"]["schemas"]["Pet"]["properties"]["name"] = WHOLE
    assert [("error", "response-property-type-changed", "name")] == places(old, new)


@pytest.mark.parametrize("beside", [False, True], ids=["in allOf", "beside allOf"])
@pytest.mark.parametrize(
    "change",
    [
        lambda pet: pet.update(minProperties=1),
        lambda pet: pet["properties"].update(age=WHOLE),
        lambda pet: pet["properties"].pop("name"),
        lambda pet: pet.update(required=["name"]),
        lambda pet: pet.update(additionalProperties=WHOLE),
        lambda pet: pet["properties"].update(kind={**TEXT, "maxLength": 9}),
    ],
)
def test_a_change_of_the_extended_schema_is_one_finding_that_is_in_no_subtype(change: Any, beside: bool) -> None:
    """Whether the properties of the subtype are in its `allOf` or beside it."""
    dog = extending("Pet", bark=WHOLE, kind={"enum": ["Dog"]})
    if beside:
        dog = {"type": "object", "allOf": [ref("Pet")], "properties": {"bark": WHOLE}, "required": ["bark"]}
    old = with_pets(body(ref("Pet")), Dog=dog, Puppy=extending("Dog", months=WHOLE))
    new = deepcopy(old)
    change(new["components"]["schemas"]["Pet"])
    assert len(places(old, new)) == len(places(new, old)) == 1
    assert not [location for pair in ((old, new), (new, old)) for *_, location in places(*pair) if "<" in location]


def test_what_no_rule_names_in_the_extended_schema_is_reported_once() -> None:
    """The engine detects that more bodies are valid, in the extended schema and in its subtypes."""
    apart = {"allOf": [{"not": {"required": ["a"]}}, {"not": {"required": ["b"]}}]}
    together = {"allOf": [{"not": {"required": ["a", "b"]}}]}
    old = with_pets(body({"type": "array", "items": ref("Pet")}), Dog=extending("Pet", bark=WHOLE))
    new = deepcopy(old)
    old["components"]["schemas"]["Pet"].update(apart)
    new["components"]["schemas"]["Pet"].update(together)
    assert [("error", "response-property-widened", "[*]")] == places(old, new)


def test_what_no_rule_names_in_a_subtype_is_reported() -> None:
    apart = {"allOf": [ref("Pet"), {"not": {"required": ["a"]}}, {"not": {"required": ["b"]}}]}
    together = {"allOf": [ref("Pet"), {"not": {"required": ["a", "b"]}}]}
    old, new = (with_pets(body({"type": "array", "items": ref("Pet")}), Dog=dog) for dog in (apart, together))
    assert [("error", "response-property-widened", "[*]<kind=Dog>")] == places(old, new)


def test_a_member_that_a_subtype_no_longer_repeats_is_inherited() -> None:
    """The schema that it extends requires the member."""
    old = with_pets(body(ref("Pet")), Dog={"allOf": [ref("Pet")], "required": ["name"], "properties": {"name": TEXT}})
    new = with_pets(body(ref("Pet")), Dog={"allOf": [ref("Pet")]})
    for document_of_pets in (old, new):
        document_of_pets["components"]["schemas"]["Pet"]["required"] = ["name"]
    assert [] == compare(old, new) == compare(new, old)


@pytest.mark.parametrize("mapping", [None, {"dog": "Dog"}])
def test_an_invalid_subtype_excludes_the_responses_that_contain_it(mapping: Doc | None) -> None:
    """It is never reported as unchanged."""
    root = body(ref("Pet"))
    root["paths"]["/fine"] = document()["paths"]["/a"]
    valid, invalid = extending("Pet", bark=WHOLE), {"allOf": [ref("Pet"), ref("Bark")]}
    old = with_pets(root, mapping=mapping, Dog=valid, Bark={"properties": {"bark": WHOLE}})
    new = with_pets(root, mapping=mapping, Dog=invalid, Bark={"properties": {"bark": {"type": 7}}})
    for name in ("Cat", "Cow"):
        new["components"]["schemas"][name] = {"allOf": [ref("Gone")]}
    comparison = compare_contracts(load_data(old, "old"), load_data(new, "new"), None, Options())
    excluded = {(part["side"], part["operation"]) for part in comparison.excluded}
    assert {("revision", "the response 200 of GET /a")} == {entry for entry in excluded if not entry[1].startswith("#")}


def test_alternatives_that_a_discriminator_maps_are_compared_once() -> None:
    def of(dog: Doc) -> Doc:
        """Return a document whose response is a cat or a dog."""
        schemas = {"Cat": extending("Base", kind={"const": "cat"}), "Dog": dog, "Base": {"type": "object"}}
        mapping = {"cat": ref("Cat")["$ref"], "dog": ref("Dog")["$ref"]}
        either = {"oneOf": [ref("Cat"), ref("Dog")], "discriminator": {"propertyName": "kind", "mapping": mapping}}
        return {**body(either), "components": {"schemas": schemas}}

    old = of(extending("Base", kind={"const": "dog"}, bark=WHOLE))
    new = of(extending("Base", kind={"const": "dog"}, bark=TEXT))
    assert [("error", "response-property-type-changed", "<kind=dog>.bark")] == places(old, new)


def test_a_mapped_schema_that_extends_nothing_is_compared() -> None:
    old = with_pets(body(ref("Pet")), mapping={"dog": "Dog"}, Dog={"type": "object", "properties": {"bark": WHOLE}})
    new = with_pets(body(ref("Pet")), mapping={"dog": "Dog"}, Dog={"type": "object", "properties": {"bark": TEXT}})
    assert [("error", "response-property-type-changed", "<kind=dog>.bark")] == places(old, new)


def test_subtypes_that_refer_to_each_other_are_compared() -> None:
    def of(bark: Doc) -> Doc:
        """Return a document whose dogs have a list of pets."""
        friends = {"type": "array", "items": ref("Pet")}
        return with_pets(body(ref("Pet")), Dog=extending("Pet", bark=bark, friends=friends), Pup=extending("Dog"))

    assert [("error", "response-property-type-changed", "<kind=Dog>.bark")] == places(of(WHOLE), of(TEXT))[:1]


def as_property(schema: Any) -> Doc:
    """Return a schema that extends pets by a property."""
    return extending("Pet", p=schema)


def as_part(schema: Any) -> Doc:
    """Return a schema that extends pets by a schema."""
    return {"allOf": [ref("Pet"), schema]}


@pytest.mark.parametrize("extend", [as_property, as_part])
@pytest.mark.parametrize("name", FURTHER_SCHEMAS)
def test_a_change_of_a_subtype_is_reported_as_in_an_operation_that_returns_it(
    name: str, extend: Callable[[Any], Doc]
) -> None:
    old, new = FURTHER_SCHEMAS[name][:2]

    def findings(root: Doc) -> set[tuple[str, str, str]]:
        """Return level, rule without what it is about, and the location in the body of each finding."""
        base, revision = (with_pets(root, Dog=extend(schema)) for schema in (old, new))
        return {
            (
                finding.level,
                finding.rule.removeprefix("response-body-").removeprefix("response-property-"),
                finding.location.removeprefix("<kind=Dog>").removeprefix("."),
            )
            for finding in compare(base, revision)
        }

    assert findings(body(ref("Dog"))) == findings(body(ref("Pet")))
