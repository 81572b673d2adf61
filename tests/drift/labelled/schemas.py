"""Changes of what a response holds."""

from __future__ import annotations

from .label import BREAKING, HARMLESS, NO_CHANGE, Doc, S, case, item, op, resp


@case(BREAKING, "response-required-property-removed")
def rm_required(d: Doc) -> None:
    del item(d)["properties"]["name"]
    item(d)["required"].remove("name")


@case(HARMLESS, "response-optional-property-removed")
def rm_optional(d: Doc) -> None:
    del item(d)["properties"]["summary"]


@case(HARMLESS, "response-optional-property-added")
def add_optional(d: Doc) -> None:
    item(d)["properties"]["x"] = {"type": "string"}


@case(HARMLESS, "response-required-property-added")
def add_required(d: Doc) -> None:
    item(d)["properties"]["x"] = {"type": "string"}
    item(d)["required"].append("x")


@case(BREAKING, "response-property-became-optional")
def became_optional(d: Doc) -> None:
    item(d)["required"].remove("region")


@case(HARMLESS, "response-property-became-required")
def became_required(d: Doc) -> None:
    item(d)["required"].append("summary")


@case(BREAKING, "response-property-enum-value-added")
def enum_add(d: Doc) -> None:
    S(d, "ItemsStatus")["enum"].append("paused")


@case(HARMLESS, "response-property-enum-value-removed")
def enum_rm(d: Doc) -> None:
    S(d, "ItemsStatus")["enum"].remove("failed")


@case(BREAKING, "response-property-became-not-enum")
def enum_drop(d: Doc) -> None:
    del S(d, "ItemsStatus")["enum"]


@case(HARMLESS, "response-property-became-enum")
def enum_set(d: Doc) -> None:
    item(d)["properties"]["region"]["enum"] = ["a", "b"]


@case(BREAKING, "response-property-became-nullable")
def nullable(d: Doc) -> None:
    item(d)["properties"]["name"]["type"] = ["string", "null"]


@case(HARMLESS, "response-property-became-not-nullable")
def not_nullable(d: Doc) -> None:
    item(d)["properties"]["activeRunId"]["type"] = "string"


@case(NO_CHANGE)
def nullable_any(d: Doc) -> None:
    item(d)["properties"]["activeRunId"] = {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}


@case(NO_CHANGE)
def nullable_30(d: Doc) -> None:
    item(d)["properties"]["activeRunId"] = {"type": "string", "format": "uuid", "nullable": True}


@case(NO_CHANGE)
def nullable_one(d: Doc) -> None:
    item(d)["properties"]["activeRunId"] = {"oneOf": [{"type": "null"}, {"type": ["string"], "format": "uuid"}]}


@case(NO_CHANGE)
def nullable_obj(d: Doc) -> None:
    item(d)["properties"]["metadata"] = {"anyOf": [{"type": "object"}, {"type": "null"}]}


@case(BREAKING, "response-property-type-changed")
def format_rm(d: Doc) -> None:
    del item(d)["properties"]["id"]["format"]


@case(HARMLESS, "response-property-type-specialized")
def format_add(d: Doc) -> None:
    item(d)["properties"]["createdAt"]["format"] = "date-time"


@case(BREAKING, "response-property-type-changed")
def format_change(d: Doc) -> None:
    item(d)["properties"]["id"]["format"] = "uri"


@case(BREAKING, "response-property-type-changed")
def type_change(d: Doc) -> None:
    item(d)["properties"]["createdAt"] = {"type": "integer"}


@case(BREAKING, "response-property-type-changed")
def type_obj(d: Doc) -> None:
    item(d)["properties"]["region"] = {
        "type": "object",
        "properties": {str(i): {"type": "string"} for i in range(30)},
        "required": ["1"],
    }


@case(BREAKING, "response-property-type-changed")
def obj_type(d: Doc) -> None:
    item(d)["properties"]["connections"] = {"type": "string"}


@case(BREAKING, "response-property-type-generalized")
def type_rm(d: Doc) -> None:
    del item(d)["properties"]["name"]["type"]


@case(BREAKING)
def arr_obj(d: Doc) -> None:
    resp(d)["properties"]["runtimes"] = {
        "type": "object",
        "additionalProperties": resp(d)["properties"]["runtimes"]["items"],
    }


@case(BREAKING)
def top_array(d: Doc) -> None:
    op(d)["responses"]["200"]["content"]["application/json"]["schema"] = {
        "type": "array",
        "items": resp(d)["properties"]["runtimes"]["items"],
    }


@case(BREAKING, "response-property-one-of-added")
def one_add(d: Doc) -> None:
    S(d, "ItemsBacking")["oneOf"].append(
        {"type": "object", "properties": {"kind": {"const": "pool"}}, "required": ["kind"]}
    )


@case(HARMLESS, "response-property-one-of-removed")
def one_rm(d: Doc) -> None:
    S(d, "ItemsBacking")["oneOf"].pop()


@case(NO_CHANGE)
def one_order(d: Doc) -> None:
    S(d, "ItemsBacking")["oneOf"].reverse()


@case(NO_CHANGE)
def const(d: Doc) -> None:
    S(d, "Backing0")["properties"]["kind"] = {"const": "ephemeral"}


@case(NO_CHANGE)
def const2(d: Doc) -> None:
    S(d, "Backing0")["properties"]["kind"] = {"type": "string", "const": "ephemeral"}


@case(NO_CHANGE)
def one2any(d: Doc) -> None:
    b = S(d, "ItemsBacking")
    b["anyOf"] = b.pop("oneOf")


@case(BREAKING, "response-property-became-optional")
def branch_optional(d: Doc) -> None:
    S(d, "Backing1")["required"].remove("profile")


@case(HARMLESS, "response-property-additional-properties-closed")
def closed(d: Doc) -> None:
    S(d, "ConnectionsCdp")["additionalProperties"] = False


@case(HARMLESS, "response-property-min-length-set")
def minlen(d: Doc) -> None:
    item(d)["properties"]["name"]["minLength"] = 1


@case(NO_CHANGE)
def min0(d: Doc) -> None:
    item(d)["properties"]["name"]["minLength"] = 0


@case(HARMLESS, "response-property-deprecated")
def depr(d: Doc) -> None:
    item(d)["properties"]["type"]["deprecated"] = True


@case(BREAKING, "response-required-property-removed")
def rename_env(d: Doc) -> None:
    r = resp(d)
    r["properties"]["data"] = r["properties"].pop("runtimes")
    r["required"] = ["data"]


@case(HARMLESS, "response-optional-property-added")
def pagination(d: Doc) -> None:
    resp(d)["properties"]["nextCursor"] = {"type": ["string", "null"]}


@case(BREAKING, "response-property-type-changed")
def items_type(d: Doc) -> None:
    item(d)["properties"]["capabilities"]["items"] = {"type": "object"}


@case(BREAKING, "response-property-type-generalized")
def add_type(d: Doc) -> None:
    item(d)["properties"]["metadata"] = {}


@case(NO_CHANGE)
def addl(d: Doc) -> None:
    item(d)["properties"]["metadata"] = {"type": ["null", "object"], "additionalProperties": True}


@case(BREAKING, "response-property-one-of-added")
def wrap(d: Doc) -> None:
    item(d)["properties"]["region"] = {
        "oneOf": [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "string"}}}]
    }


@case(BREAKING, "response-property-list-of-types-widened")
def wrap2(d: Doc) -> None:
    item(d)["properties"]["region"] = {"oneOf": [{"type": "string"}, {"type": "integer"}]}


@case(BREAKING, "response-property-type-generalized")
def wrap3(d: Doc) -> None:
    item(d)["properties"]["region"] = {"type": ["string", "integer"]}
