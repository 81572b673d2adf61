"""The changes of parameters that oasdiff's own tests make; see `peer_pairs`."""

from __future__ import annotations

from typing import Any

from .pairs import Doc, document, parameter
from .peer_pair import I, N, PeerPair, S, obj

PARAMETER = "request-parameter-"
ID: Doc = {"name": "id", "in": "path", "required": True, "schema": S}


def path(*parameters: Doc) -> Doc:
    """Return a document with the path `/a/{id}` and these parameters."""
    get = {"parameters": list(parameters), "responses": {"200": {"description": "ok"}}}
    return {**document(), "paths": {"/a/{id}": {"get": get}}}


def array(items: Doc, **values: Any) -> Doc:
    """Return a document with an array as query parameter; `values` are further keywords of its schema."""
    return parameter(schema={"type": "array", "items": items, **values})


def parameter_pairs() -> list[PeerPair]:
    """Return the pairs about parameters."""
    types = "check_request_parameters_type_changed_test.go::TestRequest"
    breaking, safe = "check_breaking_test.go::TestBreaking_", "check_not_breaking_test.go::TestBreaking_"
    enum, longer = parameter(schema={**S, "enum": ["a"]}), parameter(schema={**S, "enum": ["a", "b"]})
    plain, either = parameter(schema=S), parameter(schema={"type": ["string", "integer"]})
    sent, demanded = parameter(**{"in": "header"}), parameter(**{"in": "header", "required": True})
    pattern = "check_request_parameter_pattern_added_or_changed_test.go::TestRequestParameterPattern"
    word, words = parameter(schema={**S, "pattern": "^\\w+$"}), parameter(schema={**S, "pattern": "^[\\w ]+$"})
    first, second = parameter(schema={**S, "default": "a"}), parameter(schema={**S, "default": "b"})
    changed, wide = f"{PARAMETER}type-changed", f"{PARAMETER}type-generalized"
    serial = "check_request_parameter_serialization_updated_test.go::TestRequestParameter"
    pairs = [
        PeerPair(f"{types}PathParamTypeChanged", path(ID), path({**ID, "schema": I}), (changed,)),
        PeerPair(f"{types}QueryParamTypeChanged", plain, parameter(schema=I), (changed,)),
        PeerPair(f"{types}QueryHeaderTypeChanged", sent, parameter(**{"in": "header", "schema": I}), (changed,)),
        PeerPair(f"{types}PathParamFormatChanged", path(ID), path({**ID, "schema": {**S, "format": "uuid"}}),
            (changed,)),
        PeerPair(f"{types}QueryParamFormatChanged", parameter(schema={**S, "format": "uuid"}),
            parameter(schema={**S, "format": "uri"}), (changed,)),
        PeerPair(f"{types}PathParamFormatRemoved", path({**ID, "schema": {**S, "format": "uuid"}}), path(ID), (wide,)),
        PeerPair(f"{types}PathParamTypeAddString", path({**ID, "schema": I}),
            path({**ID, "schema": {"type": ["integer", "string"]}}), (wide,)),
        PeerPair(f"{types}PathParamTypeIntegerToNumber", path({**ID, "schema": {"type": ["integer", "string"]}}),
            path({**ID, "schema": {"type": ["number", "string"]}}), (wide,)),
        PeerPair(f"{types}QueryParamSingleToListOfTypesNotDuplicated", parameter(schema={**S, "format": "uuid"}),
            parameter(schema={"oneOf": [S, I]}), (f"{PARAMETER}list-of-types-widened",)),
        PeerPair(f"{types}QueryParamScalarToFormExplodeArray", parameter(schema={**S, "format": "uuid"}),
            array({**S, "format": "uuid"}), (wide,)),
        PeerPair(f"{types}PathParamScalarToArrayStillBreaking", path(ID),
            path({**ID, "schema": {"type": "array", "items": S}}), (changed,)),
        PeerPair(f"{types}QueryParamScalarToFormExplodeArray_31Nullable",
            parameter(schema={"type": ["string", "null"]}), array({"type": ["string", "null"]}, type=["array", "null"]),
            (wide,)),
        PeerPair(f"{types}QueryParamMultiTypeToFormExplodeArraySafe", either, array(S), (wide,)),
        PeerPair(f"{types}QueryParamWideningToNarrowerItemTypeStillBreaking", either, array(I), (changed,)),
        PeerPair(f"{types}QueryParamScalarToConstrainedArrayBreaking", plain, array({**S, "pattern": "^[a-z]+$"}),
            (changed,)),
        PeerPair(f"{types}QueryParamMultiTypeToConstrainedArrayBreaking", either, array({**S, "pattern": "^[a-z]+$"}),
            (changed,)),
        PeerPair("check_request_parameter_enum_value_updated_test.go::TestRequestParameterEnumValueRemovedCheck",
            longer, enum, (f"{PARAMETER}enum-value-removed",)),
        PeerPair("check_request_parameter_enum_value_updated_test.go::TestRequestParameterEnumValueAddedCheck", enum,
            longer, (f"{PARAMETER}enum-value-added",)),
        PeerPair(
            "check_request_parameter_enum_value_updated_test.go::TestRequestParameterObjectEnumNoFalseBreakingChange",
            parameter(schema={"enum": [{"a": 1}]}), parameter(schema={"enum": [{"a": 1}]}), ()),
        PeerPair(
            "check_request_parameter_enum_value_updated_test.go::TestRequestParameterPropertyEnumValueRemovedCheck",
            parameter(schema=obj(o={**S, "enum": ["a", "b"]})), parameter(schema=obj(o={**S, "enum": ["a"]})),
            (f"{PARAMETER}property-enum-value-removed",)),
        PeerPair("check_breaking_property_test.go::TestBreaking_ReqParameterBecameEnum", plain, enum,
            (f"{PARAMETER}became-enum",)),
        PeerPair(f"{pattern}Changed", word, words, (f"{PARAMETER}pattern-generalized",)),
        PeerPair(f"{pattern}Generalized", word, parameter(schema={**S, "pattern": ".*"}),
            (f"{PARAMETER}pattern-generalized",)),
        PeerPair(f"{pattern}Added", plain, word, (f"{PARAMETER}pattern-added",)),
        PeerPair(f"{pattern}Removed", word, plain, (f"{PARAMETER}pattern-removed",)),
        PeerPair("check_request_parameters_default_value_changed_test.go::TestRequestParameterDefaultValueChanged",
            first, second, (f"{PARAMETER}default-value-changed",)),
        PeerPair("check_request_parameters_default_value_changed_test.go::TestRequestParameterDefaultValueAdded", plain,
            first, (f"{PARAMETER}default-value-added",)),
        PeerPair("check_request_parameters_default_value_changed_test.go::TestRequestParameterDefaultValueRemoved",
            first, plain, (f"{PARAMETER}default-value-removed",)),
        PeerPair(f"{breaking}NewPathParam", path(), path(ID), ("new-request-path-parameter",)),
        PeerPair(f"{breaking}NewRequiredHeaderParam", document(), demanded, ("new-required-request-parameter",)),
        PeerPair(f"{breaking}HeaderParamRequiredEnabled", sent, demanded, (f"{PARAMETER}became-required",)),
        PeerPair(f"{safe}HeaderParamRequiredDisabled", demanded, sent, (f"{PARAMETER}became-optional",)),
        PeerPair(f"{safe}NewOptionalHeaderParam", document(), sent, ("new-optional-request-parameter",)),
        PeerPair("check_breaking_property_test.go::TestBreaking_NewRequiredProperty",
            parameter(**{"in": "header", "schema": obj()}),
            parameter(**{"in": "header", "schema": obj(("course",), course=S)}),
            ("new-required-request-header-property",)),
        PeerPair("check_request_parameter_removed_test.go::TestBreaking_DeletedParameter", plain, document(),
            (f"{PARAMETER}removed",)),
        PeerPair("check_request_parameter_removed_test.go::TestBreaking_ParameterDeprecationPast",
            parameter(deprecated=True, **{"x-sunset": "2020-01-01"}), document(),
            (f"{PARAMETER}removed-with-deprecation",)),
        PeerPair("check_request_parameter_removed_test.go::TestBreaking_ParameterDeprecationNoSunset",
            parameter(deprecated=True), document(), (f"{PARAMETER}removed-with-deprecation",)),
        PeerPair("check_request_parameter_deprecation_test.go::TestParameterDeprecated_DetectsDeprecated", plain,
            parameter(deprecated=True, **{"x-sunset": "9999-08-10"}), (f"{PARAMETER}deprecated",)),
        PeerPair("check_request_parameter_deprecation_test.go::TestParameterDeprecated_DetectsReactivated",
            parameter(deprecated=True, **{"x-sunset": "9999-08-10"}), plain, (f"{PARAMETER}reactivated",)),
        PeerPair(f"{serial}ExplodeChanged", array(S), parameter(schema={"type": "array", "items": S}, explode=False),
            (f"{PARAMETER}explode-changed",)),
        PeerPair(f"{serial}ExplodeDefaultWrittenOut", array(S),
            parameter(schema={"type": "array", "items": S}, explode=True), ()),
        PeerPair(f"{serial}ExplodeChangedOnScalar", plain, parameter(schema=S, explode=False), ()),
        PeerPair(f"{serial}ExplodeChangedOnUntypedSchema", parameter(schema={}), parameter(schema={}, explode=False),
            (f"{PARAMETER}explode-changed",)),
        PeerPair(f"{serial}StyleChanged", array(S),
            parameter(schema={"type": "array", "items": S}, style="pipeDelimited"), (f"{PARAMETER}style-changed",)),
        PeerPair(f"{serial}StyleChangedOnPath", path(ID), path({**ID, "style": "label"}),
            (f"{PARAMETER}style-changed",)),
    ]  # fmt: skip
    limits = "check_breaking_min_max_test.go::TestBreaking_"
    for name, keyword, base, low, high, rule in (
        ("RequestMaxLengthSmaller", "maxLength", S, 13, 11, "max-length-decreased"),
        ("RequestMinLengthSmaller", "minLength", S, 13, 11, "min-length-decreased"),
        ("RequestMaxLengthGreater", "maxLength", S, 13, 14, "max-length-increased"),
        ("RequestMinItemsSmaller", "minItems", {"type": "array"}, 13, 11, "min-items-decreased"),
        ("RequeatMinItemsGreater", "minItems", {"type": "array"}, 13, 14, "min-items-increased"),
        ("MaxSmaller", "maximum", N, 13, 11, "max-decreased"),
    ):
        pairs.append(
            PeerPair(
                f"{limits}{name}",
                parameter(schema={**base, keyword: low}),
                parameter(schema={**base, keyword: high}),
                (f"{PARAMETER}{rule}",),
            )
        )
    pairs.append(
        PeerPair(
            f"{limits}MaxLengthFromNil",
            plain,
            parameter(schema={**S, "maxLength": 14}),
            (f"{PARAMETER}max-length-set",),
        )
    )
    pairs.append(
        PeerPair(
            "check_request_parameters_min_items_set_test.go",
            array(S),
            array(S, minItems=2),
            (f"{PARAMETER}min-items-set",),
        )
    )
    return pairs
