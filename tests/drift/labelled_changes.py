"""Changes of the published spec, each labelled by what it does to a consumer, with the rules that say so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from .published import SPEC

BREAKING, HARMLESS, NO_CHANGE = "breaking", "not breaking", "no change in meaning"
P = "/v1/spaces/{id}/runtimes"
D = SPEC
C = next(name for name in D["components"]["schemas"] if name.endswith("RuntimesItems"))
Doc = dict[str, Any]


class Case(NamedTuple):
    label: str
    rules: tuple[str, ...]
    change: Callable[[Doc], None]


cases: list[Case] = []


def case(label: str, *rules: str) -> Callable[[Callable[[Doc], None]], Callable[[Doc], None]]:
    def note(change: Callable[[Doc], None]) -> Callable[[Doc], None]:
        cases.append(Case(label, rules, change))
        return change

    return note


def item(d: Doc) -> Doc:
    found: Doc = d["components"]["schemas"][C]
    return found


def op(d: Doc) -> Doc:
    found: Doc = next(iter(d["paths"].values()))["get"]
    return found


def S(d: Doc, suffix: str) -> Doc:  # noqa: N802 - a schema by the end of its name
    return next(schema for name, schema in d["components"]["schemas"].items() if name.endswith(suffix))


def resp(d: Doc) -> Doc:
    found: Doc = d["components"]["schemas"]["spaces_runtimesList_Response_200"]
    return found


@case(NO_CHANGE)
def same(d: Doc) -> None:
    pass


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


@case(HARMLESS, "response-non-success-status-added")
def st_add(d: Doc) -> None:
    op(d)["responses"]["404"] = {"description": "x"}


@case(HARMLESS, "response-success-status-added")
def st_add2(d: Doc) -> None:
    op(d)["responses"]["204"] = {"description": "x"}


@case(BREAKING, "response-success-status-removed")
def st_rm(d: Doc) -> None:
    op(d)["responses"] = {"404": {"description": "x"}}


@case(BREAKING, "response-success-status-removed")
def st_mv(d: Doc) -> None:
    op(d)["responses"]["201"] = op(d)["responses"].pop("200")


@case(HARMLESS, "response-status-generalized")
def st_rng(d: Doc) -> None:
    op(d)["responses"]["2XX"] = op(d)["responses"].pop("200")


@case(HARMLESS, "response-media-type-added")
def mt_add(d: Doc) -> None:
    op(d)["responses"]["200"]["content"]["text/csv"] = {"schema": {"type": "string"}}


@case(BREAKING, "response-media-type-removed")
def mt_rm(d: Doc) -> None:
    op(d)["responses"]["200"]["content"] = {"text/csv": {}}


@case(BREAKING, "response-media-type-removed")
def content_rm(d: Doc) -> None:
    del op(d)["responses"]["200"]["content"]


@case(HARMLESS, "response-body-media-type-schema-removed")  # a warning, as oasdiff has it: it may break
def schema_rm(d: Doc) -> None:
    op(d)["responses"]["200"]["content"]["application/json"] = {}


@case(BREAKING, "new-required-request-parameter")
def p_req(d: Doc) -> None:
    op(d)["parameters"].append({"name": "limit", "in": "query", "required": True, "schema": {"type": "integer"}})


@case(HARMLESS, "new-optional-request-parameter")
def p_opt(d: Doc) -> None:
    op(d)["parameters"].append({"name": "limit", "in": "query", "schema": {"type": "integer"}})


@case(HARMLESS, "new-optional-request-default-parameter-to-existing-path")
def p_def(d: Doc) -> None:
    op(d)["parameters"].append({"name": "limit", "in": "query", "schema": {"type": "integer", "default": 20}})


@case(BREAKING, "request-parameter-type-changed")
def p_type(d: Doc) -> None:
    op(d)["parameters"][0]["schema"] = {"type": "integer"}


@case(BREAKING, "request-parameter-type-changed")
def p_uuid(d: Doc) -> None:
    op(d)["parameters"][0]["schema"]["format"] = "uuid"


@case(BREAKING, "request-parameter-pattern-added")
def p_pat(d: Doc) -> None:
    op(d)["parameters"][0]["schema"]["pattern"] = "^[a-f]+$"


@case(BREAKING, "request-parameter-became-enum")
def p_enum(d: Doc) -> None:
    op(d)["parameters"][0]["schema"]["enum"] = ["a"]


@case(HARMLESS, "request-parameter-max-length-set")
def p_max(d: Doc) -> None:
    op(d)["parameters"][0]["schema"]["maxLength"] = 36


@case(NO_CHANGE)
def p_order(d: Doc) -> None:
    op(d)["parameters"].reverse()


@case(NO_CHANGE)
def p_rename(d: Doc) -> None:
    d["paths"] = {"/v1/spaces/{spaceId}/runtimes": d["paths"][P]}
    d["paths"]["/v1/spaces/{spaceId}/runtimes"]["get"]["parameters"][0]["name"] = "spaceId"


@case(NO_CHANGE)
def p_level(d: Doc) -> None:
    d["paths"][P]["parameters"] = op(d).pop("parameters")


@case(NO_CHANGE)
def p_case(d: Doc) -> None:
    op(d)["parameters"][1]["name"] = "authorization"


@case(HARMLESS, "request-parameter-became-optional")
def p_becopt(d: Doc) -> None:
    op(d)["parameters"][1]["required"] = False


@case(HARMLESS, "request-parameter-removed")
def p_rm(d: Doc) -> None:
    op(d)["parameters"].pop()


@case(HARMLESS, "api-security-added-for-known-credential")
def sec_move(d: Doc) -> None:
    op(d)["parameters"].pop()
    op(d)["security"] = [{"bearerAuth": []}]


@case(HARMLESS, "api-security-added-for-known-credential")
def sec_doc(d: Doc) -> None:
    op(d)["security"] = [{"bearerAuth": []}]


@case(HARMLESS, "api-global-security-added-for-known-credential")
def sec_glob(d: Doc) -> None:
    op(d)["parameters"].pop()
    d["security"] = [{"bearerAuth": []}]


@case(BREAKING, "api-security-added")
def sec_other(d: Doc) -> None:
    d["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}
    op(d)["security"] = [{"key": []}]


@case(BREAKING, "api-security-added")
def sec_both(d: Doc) -> None:
    d["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}
    op(d)["security"] = [{"key": [], "bearerAuth": []}]


@case(HARMLESS)
def sec_or(d: Doc) -> None:
    d["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}
    op(d)["security"] = [{"key": []}, {"bearerAuth": []}]


@case(BREAKING, "api-path-removed-without-deprecation", "endpoint-added")
def path_move(d: Doc) -> None:
    d["paths"] = {"/v2/spaces/{id}/runtimes": d["paths"][P]}


@case(BREAKING, "api-path-removed-without-deprecation")
def path_rm(d: Doc) -> None:
    d["paths"] = {}


@case(HARMLESS, "endpoint-added")
def path_add(d: Doc) -> None:
    d["paths"]["/v1/x"] = {"get": {"responses": {"200": {"description": "x"}}}}


@case(BREAKING, "api-removed-without-deprecation")
def method(d: Doc) -> None:
    d["paths"][P]["post"] = d["paths"][P].pop("get")


@case(BREAKING, "api-server-removed")
def srv_rm(d: Doc) -> None:
    d["servers"].pop(0)


@case(BREAKING, "api-server-removed", "api-server-added")
def srv_chg(d: Doc) -> None:
    d["servers"][0]["url"] = "https://api.bctrl.com"


@case(HARMLESS, "api-server-added")
def srv_add(d: Doc) -> None:
    d["servers"].append({"url": "https://eu.api.bctrl.ai"})


@case(NO_CHANGE)
def srv_order(d: Doc) -> None:
    d["servers"].reverse()


@case(NO_CHANGE)
def srv_slash(d: Doc) -> None:
    d["servers"][0]["url"] += "/"


@case(BREAKING)
def srv_none(d: Doc) -> None:
    del d["servers"]


@case(NO_CHANGE)
def titles(d: Doc) -> None:
    for v in d["components"]["schemas"].values():
        v.pop("title")


@case(NO_CHANGE)
def descr(d: Doc) -> None:
    op(d)["summary"] = "x"
    op(d)["description"] = "y"
    d["info"]["title"] = "z"
    d["info"]["version"] = "2"


@case(NO_CHANGE)
def inline(d: Doc) -> None:
    def r(x: Any) -> Any:
        if isinstance(x, dict):
            if "$ref" in x:
                return r(D["components"]["schemas"][x["$ref"].split("/")[-1]])
            return {k: r(v) for k, v in x.items()}
        return [r(i) for i in x] if isinstance(x, list) else x

    d["paths"] = r(d["paths"])
    d["components"]["schemas"] = {}


@case(NO_CHANGE)
def renamed(d: Doc) -> None:
    s = json.dumps(d)
    s = (
        s.replace("V1SpacesIdRuntimesGetResponsesContentApplicationJsonSchema", "Foo")
        .replace("spaces_runtimesList_Response_200", "Envelope")
        .replace("bearerAuth", "b")
    )
    d.clear()
    d.update(json.loads(s))


@case(NO_CHANGE)
def reqorder(d: Doc) -> None:
    item(d)["required"].reverse()
    S(d, "ItemsKind")["enum"].reverse()


@case(NO_CHANGE)
def allof1(d: Doc) -> None:
    item(d)["properties"]["status"] = {"allOf": [item(d)["properties"]["status"]], "description": "hi"}


@case(NO_CHANGE)
def allof2(d: Doc) -> None:
    it = item(d)
    props = it.pop("properties")
    ks = sorted(props)
    it["allOf"] = [
        {"properties": {k: props[k] for k in ks[:5]}},
        {"type": "object", "properties": {k: props[k] for k in ks[5:]}},
    ]


@case(NO_CHANGE)
def v30(d: Doc) -> None:
    d["openapi"] = "3.0.3"


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


@case(HARMLESS, "endpoint-deprecated")
def depr2(d: Doc) -> None:
    op(d)["deprecated"] = True


@case(HARMLESS, "response-header-added")
def hdr(d: Doc) -> None:
    op(d)["responses"]["200"]["headers"] = {"X-Total": {"schema": {"type": "integer"}}}


@case(BREAKING, "response-required-property-removed")
def rename_env(d: Doc) -> None:
    r = resp(d)
    r["properties"]["data"] = r["properties"].pop("runtimes")
    r["required"] = ["data"]


@case(HARMLESS, "response-optional-property-added")
def pagination(d: Doc) -> None:
    resp(d)["properties"]["nextCursor"] = {"type": ["string", "null"]}


@case(HARMLESS, "api-operation-id-removed")
def opid(d: Doc) -> None:
    op(d)["operationId"] = "x"


@case(NO_CHANGE)
def ext(d: Doc) -> None:
    item(d)["x-foo"] = 1
    op(d)["x-bar"] = {}


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
