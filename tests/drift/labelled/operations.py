"""Changes around the response: statuses, media types, parameters, security, paths, servers."""

from __future__ import annotations

from .label import BREAKING, HARMLESS, NO_CHANGE, Doc, P, case, op


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


@case(HARMLESS, "endpoint-deprecated")
def depr2(d: Doc) -> None:
    op(d)["deprecated"] = True


@case(HARMLESS, "response-header-added")
def hdr(d: Doc) -> None:
    op(d)["responses"]["200"]["headers"] = {"X-Total": {"schema": {"type": "integer"}}}


@case(HARMLESS, "api-operation-id-removed")
def opid(d: Doc) -> None:
    op(d)["operationId"] = "x"
