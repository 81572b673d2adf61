"""The changes of alternatives and discriminators that oasdiff's own tests make; see `peer_pairs`."""

from __future__ import annotations

from .pairs import Doc, body, response
from .peer_pair import I, N, PeerPair, S, obj

BODY, PROPERTY = "response-body-", "response-property-"


def ref(name: str) -> Doc:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def pets(kind: str, top: tuple[str, ...], breeds: tuple[str, ...]) -> Doc:
    """Return a document with the pets `top` under the keyword `kind`; a dog has the `breeds` under it too."""
    schemas = {
        "Dog": obj(bark=S, breed={kind: [ref(name) for name in breeds]}), "Cat": obj(purr=S), "Hare": obj(ears=I),
        "B1": obj(one=S), "B2": obj(two=S), "B3": obj(three=S),
    }  # fmt: skip
    content = {"application/json": {"schema": {kind: [ref(name) for name in top]}}}
    return {**response(content=content), "components": {"schemas": schemas}}


def pets_with_discriminators(body_by: Doc | None, breed_by: Doc | None) -> Doc:
    """Return a document with pets, with a discriminator of pets and one of breeds, unless they are None."""
    dog = obj(kind=S, breed={"oneOf": [ref("B1"), ref("B2")], **({"discriminator": breed_by} if breed_by else {})})
    schemas = {
        "Dog": dog, "Cat": obj(kind=S, purr=S), "B1": obj(label=S, one=S), "B2": obj(label=S, two=S),
        "B3": obj(label=S, three=S),
    }  # fmt: skip
    whole = {"oneOf": [ref("Dog"), ref("Cat")], **({"discriminator": body_by} if body_by else {})}
    return {**response(content={"application/json": {"schema": whole}}), "components": {"schemas": schemas}}


def mapped(name: str, **mapping: str) -> Doc:
    """Return a discriminator of a property name and a mapping of values to components."""
    return {"propertyName": name, "mapping": {value: f"#/components/schemas/{to}" for value, to in mapping.items()}}


def _composition() -> list[PeerPair]:
    """Return the pairs about `oneOf`, `anyOf` and `allOf`."""
    pairs = []
    few, many = (("Dog", "Cat"), ("B1", "B2")), (("Dog", "Cat", "Hare"), ("B1", "B2", "B3"))
    for kind, name in (("oneOf", "one-of"), ("anyOf", "any-of"), ("allOf", "all-of")):
        source = f"check_response_property_{name.replace('-', '_')}_updated_test.go"
        added, gone = ((f"{BODY}{name}-{word}", f"{PROPERTY}{name}-{word}") for word in ("added", "removed"))
        is_all_of = kind == "allOf"
        removed_besides = {
            # No alternative excludes another one, so a value may now meet one alternative where it met two.
            "oneOf": (f"{BODY}may-be-widened",),
            "anyOf": (),
            "allOf": ("response-optional-property-removed",) * 2,
        }
        pairs += [
            PeerPair(
                f"{source}::TestResponseProperty{name.title().replace('-', '')}Added",
                pets(kind, *few),
                pets(kind, *many),
                added,
                ("response-optional-property-added",) * 2 if is_all_of else (),
            ),
            PeerPair(
                f"{source}::TestResponseProperty{name.title().replace('-', '')}Removed",
                pets(kind, *many),
                pets(kind, *few),
                gone,
                removed_besides[kind],
            ),
        ]
    source = "check_response_property_type_changed_test.go::TestResponsePropertyAnyOfModified"
    pairs.append(
        PeerPair(
            source,
            body({"anyOf": [obj(a=obj(name=S)), S]}),
            body({"anyOf": [obj(a=obj(name=N)), N]}),
            (f"{PROPERTY}type-changed",) * 2,
        )
    )
    source = "check_response_required_property_updated_test.go::TestResponsePropertyOneOfWrappingIsBreaking"
    whole, first, second = obj(("foo", "bar"), foo=S, bar=S, baz=S), obj(("foo",), foo=S, baz=S), obj(("bar",), bar=S)
    pairs.append(PeerPair(source, body(whole), body({"oneOf": [first, second]}), (f"{BODY}wrapped-in-one-of",)))
    return pairs


def _discriminators() -> list[PeerPair]:
    """Return the pairs about discriminators."""
    source = "check_response_discriminator_updated_test.go::TestResponseDiscriminatorUpdatedCheck"
    both = pets_with_discriminators(mapped("kind", cat="Cat", dog="Dog"), mapped("label", one="B1", two="B2"))
    renamed = pets_with_discriminators(mapped("kind2", cat="Cat", dog="Dog"), mapped("label2", one="B1", two="B2"))
    mapped_pairs = pets_with_discriminators(mapped("kind", cats="Cat", dog="Dog"), mapped("label", uno="B1", two="B3"))
    added, removed = (
        (f"{BODY}discriminator-{word}", f"{PROPERTY}discriminator-{word}") for word in ("added", "removed")
    )
    name = (f"{BODY}discriminator-property-name-changed", f"{PROPERTY}discriminator-property-name-changed")
    mapping = tuple(
        f"{scope}discriminator-mapping-{word}" for scope in (BODY, PROPERTY) for word in ("added", "deleted")
    )
    return [
        PeerPair(f"{source}Added", pets_with_discriminators(None, None), both, added),
        PeerPair(f"{source}Removed", both, pets_with_discriminators(None, None), removed),
        PeerPair(f"{source}PropertyNameChanging", both, renamed, name),
        PeerPair(
            f"{source}MappingChanging", both, mapped_pairs, (*mapping, f"{PROPERTY}discriminator-mapping-changed")
        ),
    ]


ALTERNATIVE_PAIRS = [*_composition(), *_discriminators()]
