"""Changes that oasdiff's own tests make, written again as smallest pairs, with the ids that those tests expect.

Each entry names the test in `checker/` of the repository `oasdiff/oasdiff`. No document or text of that project is
here: the change is a fact, and the pair is ours. `besides` holds what our engine finds as well, because it runs every
rule where most of those tests run one check.
"""

from __future__ import annotations

from typing import Any

from .pairs import COMPONENTS, Doc, body, document, response
from .peer_pair import I, N, PeerPair, S, obj


def prop(schema: Any) -> Doc:
    """Return a document whose response has a schema at `data.name`."""
    return body(obj(data=obj(name=schema)))


def header(schema: Doc, **values: Any) -> Doc:
    """Return a document with a response header."""
    return response(headers={"X-Limit": {"schema": schema, **values}})


def statuses(*names: str) -> Doc:
    """Return a document with these response statuses."""
    return document({"responses": {name: {"description": "ok"} for name in names}})


def two(first: Doc, second: Doc) -> Doc:
    """Return a document with `first` as a property of one response and `second` as the body of another."""
    ok = {"description": "ok", "content": {"application/json": {"schema": obj(status=first)}}}
    no = {"description": "no", "content": {"text/plain": {"schema": second}}}
    return document({"responses": {"200": ok, "404": no}})


def guarded(required: bool, **flags: Any) -> Doc:
    """Return a document whose response has a text at `data.name` with these flags, which may be required."""
    return body(obj(data=obj(("name",) if required else (), name={**S, **flags})))


BODY, PROPERTY, HEADER = "response-body-", "response-property-", "response-header-"


def _mirrored(source: str, ids: tuple[str, ...], back: tuple[str, ...], base: Doc, revision: Doc) -> list[PeerPair]:
    """Return a pair with `ids`, and the reverse pair with `back`."""
    return [PeerPair(source, base, revision, ids), PeerPair(source, revision, base, back)]


def _types() -> list[PeerPair]:
    """Return the pairs about types, formats and null."""
    source = "check_response_property_type_changed_test.go::Test"
    text, number, mixed = body(S), body(N), body({"type": ["string", "integer"]})
    changed, wide = f"{PROPERTY}type-changed", f"{PROPERTY}type-generalized"
    inner = [obj(additional=x) for x in (I, S)]
    maps = [{"type": "object", "additionalProperties": x} for x in inner]
    old = "check_breaking_response_type_changed_test.go::TestBreaking_RespType"
    head = "check_response_header_type_changed_test.go::TestResponseHeaderTypeChanged"
    return [
        PeerPair(f"{source}ResponseSchemaTypeChangedCheck", text, body({"type": "object"}), (f"{BODY}type-changed",)),
        PeerPair(f"{source}ResponsePropertyTypeChangedCheck", prop(S), prop(I), (changed,)),
        PeerPair(
            f"{source}ResponseBodyTypeLooselyTypedCompatible",
            body(S, "application/xml"),
            body({"type": "object"}, "application/xml"),
            (f"{BODY}type-compatible",),
        ),
        PeerPair(
            f"{source}ResponsePropertyFormatChangedCheck",
            prop({**S, "format": "hostname"}),
            prop({**S, "format": "uuid"}),
            (changed,),
        ),
        PeerPair(
            "check_request_parameters_type_changed_test.go::TestResponsePropertyFormatRemovedCheck",
            prop({**S, "format": "hostname"}),
            prop(S),
            (changed,),
        ),
        PeerPair(f"{source}ResponseSchemaTypeMultiCheck", prop(S), prop({"type": ["integer", "string"]}), (wide,)),
        PeerPair(f"{source}ResponseAdditionalPropertyTypeChangedCheck", body(maps[0]), body(maps[1]), (changed,)),
        PeerPair(
            f"{source}ResponseEmbeddedAdditionalPropertyTypeChangedCheck", prop(maps[0]), prop(maps[1]), (changed,)
        ),
        PeerPair(f"{source}ResponseBodyTypeNarrowingMultiTypeNotBreaking", mixed, text, (f"{BODY}type-specialized",)),
        PeerPair(f"{source}ResponseBodyTypeAddedFromUntypedNotBreaking", body({}), text, (f"{BODY}type-specialized",)),
        PeerPair(f"{source}ResponseBodyTypeWideningStillBreaking", text, mixed, (f"{BODY}type-generalized",)),
        PeerPair(f"{source}ResponseBodyTypeRemovedStillBreaking", text, body({}), (f"{BODY}type-generalized",)),
        PeerPair(
            f"{source}ResponseBodyTypeNarrowWithBreakingFormatStillBreaking",
            body({"type": ["string", "integer"], "format": "int32"}),
            body({**I, "format": "int64"}),
            (f"{BODY}type-changed",),
            (f"{BODY}type-specialized",),
        ),
        PeerPair(f"{old}StringToNumber", text, number, (f"{BODY}type-changed",)),
        PeerPair(f"{old}NumberToString", number, text, (f"{BODY}type-changed",)),
        PeerPair(f"{old}NumberToInteger", number, body(I), (f"{BODY}type-specialized",)),
        PeerPair(f"{old}IntegerToNumber", body(I), number, (f"{BODY}type-generalized",)),
        PeerPair(f"{old}NumberToInt32", number, body({**I, "format": "int32"}), (f"{BODY}type-specialized",)),
        PeerPair(
            f"{old}Changed",
            body({"type": "array", "items": obj(testField=S)}),
            body({"type": "array", "items": obj(testField={**I, "format": "int32"})}),
            (changed,),
        ),
        PeerPair(
            f"{head}_StringDateTimeToInteger",
            header({**S, "format": "date-time"}),
            header(I),
            (f"{HEADER}type-changed",),
        ),
        PeerPair(f"{head}_IntegerToNumberIsGeneralized", header(I), header(N), (f"{HEADER}type-generalized",)),
        PeerPair(f"{head}_NumberToIntegerIsSpecialized", header(N), header(I), (f"{HEADER}type-specialized",)),
        PeerPair(f"{head}_StringToIntegerIsCompatible", header(S), header(I), (f"{HEADER}type-compatible",)),
        PeerPair(
            "list_of_types_integration_test.go::TestListOfTypesIntegration_SingleToList",
            prop(S),
            prop({"oneOf": [S, I]}),
            (f"{PROPERTY}list-of-types-widened",),
        ),
        PeerPair(
            "check_response_property_list_of_types_changed.go",
            prop({"oneOf": [S, I]}),
            prop({"oneOf": [S, {"type": "boolean"}]}),
            (f"{PROPERTY}list-of-types-widened",),
        ),
        PeerPair(
            "check_response_property_list_of_types_changed.go",
            prop({"anyOf": [S, I]}),
            prop(S),
            (f"{PROPERTY}list-of-types-narrowed",),
        ),
        PeerPair(
            "TestNullableWrapping_ResponseProperty",
            prop({**S, "enum": ["a", "b"]}),
            prop({"oneOf": [{**S, "enum": ["a", "b"]}, {"type": "null"}]}),
            (f"{PROPERTY}became-nullable",),
        ),
        PeerPair(
            "check_breaking_property_test.go::TestBreaking_RespBodyNullable",
            body(obj(a=S)),
            body({**obj(a=S), "type": ["object", "null"]}),
            (f"{BODY}became-nullable",),
        ),
        PeerPair(
            "check_breaking_property_test.go::TestBreaking_RespBodyEmbeddedPropertyNullable",
            prop(S),
            prop({"type": ["string", "null"]}),
            (f"{PROPERTY}became-nullable",),
        ),
    ]


def _values() -> list[PeerPair]:
    """Return the pairs about constants, defaults, enums, patterns and content."""
    pairs = []
    for keyword, file in (("const", "const_changed"), ("default", "default_value_changed")):
        name = {"const": "const", "default": "default-value"}[keyword]
        source = f"check_response_property_{file}_test.go"
        old, new, none = (
            two({**S, keyword: "ok"}, {**S, keyword: "no"}),
            two({**S, keyword: "up"}, {**S, keyword: "gone"}),
            two(S, S),
        )
        for word, pair in (("changed", (old, new)), ("added", (none, old)), ("removed", (old, none))):
            pairs.append(PeerPair(source, *pair, (f"{PROPERTY}{name}-{word}", f"{BODY}{name}-{word}")))
    enum, longer = {**S, "enum": ["a", "b"]}, {**S, "enum": ["a", "b", "c"]}
    added = "check_response_property_enum_value_added_test.go::Test"
    pattern = "check_response_pattern_added_or_changed_test.go::TestResponsePropertyPattern"
    lower, changed = {**S, "pattern": "^[a-z]+$"}, {**S, "pattern": "^([a-z]+-)*$"}
    return [
        *pairs,
        PeerPair(f"{added}ResponsePropertyEnumValueAdded", prop(enum), prop(longer), (f"{PROPERTY}enum-value-added",)),
        PeerPair(f"{added}ResponseWriteOnlyPropertyEnumValueAdded", prop({**enum, "writeOnly": True}),
            prop({**longer, "writeOnly": True}), ("response-write-only-property-enum-value-added",)),
        PeerPair("check_breaking_test.go::TestBreaking_ResponsePropertyEnumRemoved", prop(longer), prop(enum),
            (f"{PROPERTY}enum-value-removed",)),
        PeerPair("check_breaking_test.go::TestBreaking_ResponseMediaTypeEnumRemoved", body(longer), body(enum),
            ("response-mediatype-enum-value-removed",)),
        PeerPair(f"{pattern}Changed", prop(lower), prop(changed), (f"{PROPERTY}pattern-changed",),
            (f"{PROPERTY}widened",)),
        PeerPair(f"{pattern}Added", prop(S), prop(lower), (f"{PROPERTY}pattern-added",)),
        PeerPair(f"{pattern}Removed", prop(lower), prop(S), (f"{PROPERTY}pattern-removed",),
            (f"{PROPERTY}widened",)),
        PeerPair("check_breaking_test.go::TestBreaking_ModifyPatternToAnyString", prop(lower),
            prop({**S, "pattern": ".*"}), (f"{PROPERTY}pattern-changed",), (f"{PROPERTY}widened",)),
        PeerPair("check_response_property_content_updated_test.go::TestResponsePropertyContentUpdated",
                 prop({**S, "contentMediaType": "text/csv", "contentEncoding": "base64"}),
                 prop({**S, "contentMediaType": "text/html", "contentEncoding": "base32",
                     "contentSchema": {"type": "object"}}),
                 (f"{PROPERTY}content-schema-added", f"{PROPERTY}content-media-type-changed",
                     f"{PROPERTY}content-encoding-changed")),
    ]  # fmt: skip


def _keywords() -> list[PeerPair]:
    """Return the pairs about keywords that contain schemas, and about bounds."""
    pairs = []
    thing, things = {"type": "object"}, {"type": "array"}
    for file, names, base, revision in (
        ("property_names_updated", ("property-names",), thing, {**thing, "propertyNames": {"pattern": "^[a-z]"}}),
        ("prefix_items_updated", ("prefix-items",), things, {**things, "prefixItems": [S]}),
    ):  # fmt: skip
        source = f"check_response_property_{file}_test.go"
        for scope, make in ((BODY, body), (PROPERTY, prop)):
            added, removed = (tuple(f"{scope}{name}-{word}" for name in names) for word in ("added", "removed"))
            pairs += _mirrored(source, added, removed, make(base), make(revision))
    source = "check_breaking_min_max_test.go::TestBreaking_"
    for name, keyword, base, low, high, worse in (
        ("ResponseMaxLength", "maxLength", S, 11, 13, "max-length-increased"),
        ("MinLength", "minLength", S, 13, 11, "min-length-decreased"),
        ("ResponseMinItems", "minItems", things, 13, 11, "min-items-decreased"),
    ):
        pairs.append(
            PeerPair(
                f"{source}{name}", body({**base, keyword: low}), body({**base, keyword: high}), (f"{BODY}{worse}",)
            )
        )
    pairs.append(
        PeerPair(f"{source}ResponseMaxLengthToNil", body({**S, "maxLength": 13}), body(S), (f"{BODY}max-length-unset",))
    )
    return pairs


def _presence() -> list[PeerPair]:
    """Return the pairs about added and removed properties, statuses, media types and headers."""
    optional = "check_response_optional_property_updated_test.go::TestResponseOptional"
    required = "check_response_required_property_updated_test.go::TestResponseRequired"
    less, larger = body(obj(data=obj(name=S))), body(obj(data=obj(name=S, id=S)))
    must = body(obj(data=obj(("id",), name=S, id=S)))
    hidden = {**S, "writeOnly": True}
    more_hidden, must_hidden = body(obj(data=obj(name=S, id=hidden))), body(obj(data=obj(("id",), name=S, id=hidden)))
    status = "check_response_status_updated_test.go::TestResponse"
    breaking, safe = "check_breaking_test.go::TestBreaking_", "check_not_breaking_test.go::TestBreaking_"
    media: Doc = {"application/json": {}}
    bare: Doc = {**response(content=media), "components": {"schemas": COMPONENTS}}
    xml: Doc = {"application/json": {}, "application/xml": {}}
    access = "check_response_required_property_write_only_read_only_test.go"
    return [
        PeerPair(f"{optional}PropertyUpdatedCheck", larger, less, ("response-optional-property-removed",)),
        PeerPair(f"{optional}PropertyAddedCheck", less, larger, ("response-optional-property-added",)),
        PeerPair(f"{optional}WriteOnlyPropertyRemovedCheck", more_hidden, less,
            ("response-optional-write-only-property-removed",)),
        PeerPair(f"{optional}WriteOnlyPropertyAddedCheck", less, more_hidden,
            ("response-optional-write-only-property-added",)),
        PeerPair(f"{required}PropertyAdded", less, must, ("response-required-property-added",)),
        PeerPair(f"{required}PropertyRemoved", must, less, ("response-required-property-removed",)),
        PeerPair(f"{required}WriteOnlyPropertyAdded", less, must_hidden,
            ("response-required-write-only-property-added",)),
        PeerPair(f"{required}WriteOnlyPropertyRemoved", must_hidden, less,
            ("response-required-write-only-property-removed",)),
        PeerPair("check_response_property_became_optional_test.go::TestResponsePropertyBecameOptionalCheck",
            guarded(True), guarded(False), (f"{PROPERTY}became-optional",)),
        PeerPair("check_response_property_became_optional_test.go::TestResponseWriteOnlyPropertyBecameOptionalCheck",
            guarded(True, writeOnly=True), guarded(False), ("response-write-only-property-became-optional",),
            ("response-optional-property-became-not-write-only",)),
        PeerPair("check_response_property_became_required_test.go::TestResponseWriteOnlyPropertyBecameRequiredCheck",
            guarded(False, writeOnly=True), guarded(True), ("response-write-only-property-became-required",),
            ("response-required-property-became-not-write-only",)),
        PeerPair(access, guarded(True, writeOnly=True), guarded(True),
            ("response-required-property-became-not-write-only",)),
        PeerPair(access, guarded(True), guarded(True, writeOnly=True),
            ("response-required-property-became-write-only",)),
        PeerPair(access, guarded(True, readOnly=True), guarded(True),
            ("response-required-property-became-not-read-only",)),
        PeerPair(access, guarded(True), guarded(True, readOnly=True), ("response-required-property-became-read-only",)),
        PeerPair(f"{status}SuccessStatusAdded", statuses("200", "409"), statuses("200", "201", "409"),
            ("response-success-status-added",)),
        PeerPair(f"{status}NonSuccessStatusAdded", statuses("200", "409"), statuses("200", "400", "409"),
            ("response-non-success-status-added",)),
        PeerPair(f"{status}NonSuccessStatusRemoved", statuses("200", "409"), statuses("200"),
            ("response-non-success-status-removed",)),
        PeerPair(f"{status}SuccessStatusRemoved", statuses("200", "409"), statuses("409"),
            ("response-success-status-removed",)),
        PeerPair("check_response_mediatype_updated_test.go::TestAddNewMediaType", response(content=media),
            response(content=xml), ("response-media-type-added",)),
        PeerPair("check_response_mediatype_updated_test.go::TestDeleteNewMediaType", response(content=xml),
            response(content=media), ("response-media-type-removed",)),
        PeerPair("check_media_type_schema_existence_test.go::TestMediaTypeSchemaExistence", bare, body(S),
            (f"{BODY}media-type-schema-added",)),
        PeerPair("check_media_type_schema_existence_test.go::TestMediaTypeSchemaAddedAsTrue", bare, body(True), ()),
        PeerPair(f"{breaking}ResponseHeaderParamRequiredDisabled", header(S, required=True), header(S),
            ("response-header-became-optional",)),
        PeerPair(f"{breaking}ResponseHeaderRemoved", header(S, required=True), response(),
            ("required-response-header-removed",)),
        PeerPair(f"{breaking}OptionalResponseHeaderRemoved", header(S), response(),
            ("optional-response-header-removed",)),
        PeerPair(f"{safe}NewRequiredResponseHeader", response(), header(S, required=True), ("response-header-added",)),
    ]  # fmt: skip


PEER_PAIRS = [*_types(), *_values(), *_keywords(), *_presence()]
