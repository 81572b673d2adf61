"""Changes of what a response holds."""

from __future__ import annotations

from .label import (
    BREAKING,
    HARMLESS,
    NO_CHANGE,
    Doc,
    case,
    operation,
    response_schema,
    runtime_schema,
    schema_ending_with,
)


@case(BREAKING, "response-required-property-removed")
def remove_required_property(d: Doc) -> None:
    del runtime_schema(d)["properties"]["name"]
    runtime_schema(d)["required"].remove("name")


@case(HARMLESS, "response-optional-property-removed")
def remove_optional_property(d: Doc) -> None:
    del runtime_schema(d)["properties"]["summary"]


@case(HARMLESS, "response-optional-property-added")
def add_optional_property(d: Doc) -> None:
    runtime_schema(d)["properties"]["x"] = {"type": "string"}


@case(HARMLESS, "response-required-property-added")
def add_required_property(d: Doc) -> None:
    runtime_schema(d)["properties"]["x"] = {"type": "string"}
    runtime_schema(d)["required"].append("x")


@case(BREAKING, "response-property-became-optional")
def make_property_optional(d: Doc) -> None:
    runtime_schema(d)["required"].remove("region")


@case(HARMLESS, "response-property-became-required")
def make_property_required(d: Doc) -> None:
    runtime_schema(d)["required"].append("summary")


@case(BREAKING, "response-property-enum-value-added")
def add_enum_value(d: Doc) -> None:
    schema_ending_with(d, "ItemsStatus")["enum"].append("paused")


@case(HARMLESS, "response-property-enum-value-removed")
def remove_enum_value(d: Doc) -> None:
    schema_ending_with(d, "ItemsStatus")["enum"].remove("failed")


@case(BREAKING, "response-property-became-not-enum")
def remove_enum(d: Doc) -> None:
    del schema_ending_with(d, "ItemsStatus")["enum"]


@case(HARMLESS, "response-property-became-enum")
def add_enum(d: Doc) -> None:
    runtime_schema(d)["properties"]["region"]["enum"] = ["a", "b"]


@case(BREAKING, "response-property-became-nullable")
def make_property_nullable(d: Doc) -> None:
    runtime_schema(d)["properties"]["name"]["type"] = ["string", "null"]


@case(HARMLESS, "response-property-became-not-nullable")
def make_property_not_nullable(d: Doc) -> None:
    runtime_schema(d)["properties"]["activeRunId"]["type"] = "string"


@case(NO_CHANGE)
def write_nullable_as_any_of(d: Doc) -> None:
    runtime_schema(d)["properties"]["activeRunId"] = {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}


@case(NO_CHANGE)
def write_nullable_as_keyword(d: Doc) -> None:
    runtime_schema(d)["properties"]["activeRunId"] = {"type": "string", "format": "uuid", "nullable": True}


@case(NO_CHANGE)
def write_nullable_as_one_of(d: Doc) -> None:
    runtime_schema(d)["properties"]["activeRunId"] = {
        "oneOf": [{"type": "null"}, {"type": ["string"], "format": "uuid"}]
    }


@case(NO_CHANGE)
def write_nullable_object_as_any_of(d: Doc) -> None:
    runtime_schema(d)["properties"]["metadata"] = {"anyOf": [{"type": "object"}, {"type": "null"}]}


@case(BREAKING, "response-property-type-changed")
def remove_format(d: Doc) -> None:
    del runtime_schema(d)["properties"]["id"]["format"]


@case(HARMLESS, "response-property-type-specialized")
def add_format(d: Doc) -> None:
    runtime_schema(d)["properties"]["createdAt"]["format"] = "date-time"


@case(BREAKING, "response-property-type-changed")
def change_format(d: Doc) -> None:
    runtime_schema(d)["properties"]["id"]["format"] = "uri"


@case(BREAKING, "response-property-type-changed")
def change_string_to_integer(d: Doc) -> None:
    runtime_schema(d)["properties"]["createdAt"] = {"type": "integer"}


@case(BREAKING, "response-property-type-changed")
def change_string_to_object(d: Doc) -> None:
    runtime_schema(d)["properties"]["region"] = {
        "type": "object",
        "properties": {str(i): {"type": "string"} for i in range(30)},
        "required": ["1"],
    }


@case(BREAKING, "response-property-type-changed")
def change_object_to_string(d: Doc) -> None:
    runtime_schema(d)["properties"]["connections"] = {"type": "string"}


@case(BREAKING, "response-property-type-generalized")
def remove_type(d: Doc) -> None:
    del runtime_schema(d)["properties"]["name"]["type"]


@case(BREAKING)
def change_array_to_map(d: Doc) -> None:
    response_schema(d)["properties"]["runtimes"] = {
        "type": "object",
        "additionalProperties": response_schema(d)["properties"]["runtimes"]["items"],
    }


@case(BREAKING)
def remove_envelope_of_array(d: Doc) -> None:
    operation(d)["responses"]["200"]["content"]["application/json"]["schema"] = {
        "type": "array",
        "items": response_schema(d)["properties"]["runtimes"]["items"],
    }


@case(BREAKING, "response-property-one-of-added")
def add_alternative(d: Doc) -> None:
    schema_ending_with(d, "ItemsBacking")["oneOf"].append(
        {"type": "object", "properties": {"kind": {"const": "pool"}}, "required": ["kind"]}
    )


@case(HARMLESS, "response-property-one-of-removed")
def remove_alternative(d: Doc) -> None:
    schema_ending_with(d, "ItemsBacking")["oneOf"].pop()


@case(NO_CHANGE)
def reverse_alternatives(d: Doc) -> None:
    schema_ending_with(d, "ItemsBacking")["oneOf"].reverse()


@case(NO_CHANGE)
def write_enum_as_const(d: Doc) -> None:
    schema_ending_with(d, "Backing0")["properties"]["kind"] = {"const": "ephemeral"}


@case(NO_CHANGE)
def write_enum_as_const_with_type(d: Doc) -> None:
    schema_ending_with(d, "Backing0")["properties"]["kind"] = {"type": "string", "const": "ephemeral"}


@case(NO_CHANGE)
def write_one_of_as_any_of(d: Doc) -> None:
    b = schema_ending_with(d, "ItemsBacking")
    b["anyOf"] = b.pop("oneOf")


@case(BREAKING, "response-property-became-optional")
def make_property_of_alternative_optional(d: Doc) -> None:
    schema_ending_with(d, "Backing1")["required"].remove("profile")


@case(HARMLESS, "response-property-additional-properties-closed")
def close_object(d: Doc) -> None:
    schema_ending_with(d, "ConnectionsCdp")["additionalProperties"] = False


@case(HARMLESS, "response-property-min-length-set")
def add_min_length(d: Doc) -> None:
    runtime_schema(d)["properties"]["name"]["minLength"] = 1


@case(NO_CHANGE)
def add_min_length_of_zero(d: Doc) -> None:
    runtime_schema(d)["properties"]["name"]["minLength"] = 0


@case(HARMLESS, "response-property-deprecated")
def deprecate_property(d: Doc) -> None:
    runtime_schema(d)["properties"]["type"]["deprecated"] = True


@case(BREAKING, "response-required-property-removed")
def rename_required_property(d: Doc) -> None:
    r = response_schema(d)
    r["properties"]["data"] = r["properties"].pop("runtimes")
    r["required"] = ["data"]


@case(HARMLESS, "response-optional-property-added")
def add_nullable_cursor(d: Doc) -> None:
    response_schema(d)["properties"]["nextCursor"] = {"type": ["string", "null"]}


@case(BREAKING, "response-property-type-changed")
def change_type_of_items(d: Doc) -> None:
    runtime_schema(d)["properties"]["capabilities"]["items"] = {"type": "object"}


@case(BREAKING, "response-property-type-generalized")
def remove_type_of_nullable_object(d: Doc) -> None:
    runtime_schema(d)["properties"]["metadata"] = {}


@case(NO_CHANGE)
def write_additional_properties_explicitly(d: Doc) -> None:
    runtime_schema(d)["properties"]["metadata"] = {"type": ["null", "object"], "additionalProperties": True}


@case(BREAKING, "response-property-one-of-added")
def add_object_alternative(d: Doc) -> None:
    runtime_schema(d)["properties"]["region"] = {
        "oneOf": [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "string"}}}]
    }


@case(BREAKING, "response-property-list-of-types-widened")
def add_integer_alternative(d: Doc) -> None:
    runtime_schema(d)["properties"]["region"] = {"oneOf": [{"type": "string"}, {"type": "integer"}]}


@case(BREAKING, "response-property-type-generalized")
def add_integer_to_types(d: Doc) -> None:
    runtime_schema(d)["properties"]["region"] = {"type": ["string", "integer"]}
