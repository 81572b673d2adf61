"""Changes around the response: statuses, media types, parameters, security, paths, servers."""

from __future__ import annotations

from .label import BREAKING, HARMLESS, NO_CHANGE, Doc, P, case, operation


@case(HARMLESS, "response-non-success-status-added")
def add_error_status(d: Doc) -> None:
    operation(d)["responses"]["404"] = {"description": "x"}


@case(HARMLESS, "response-success-status-added")
def add_success_status(d: Doc) -> None:
    operation(d)["responses"]["204"] = {"description": "x"}


@case(BREAKING, "response-success-status-removed")
def replace_success_status_by_error_status(d: Doc) -> None:
    operation(d)["responses"] = {"404": {"description": "x"}}


@case(BREAKING, "response-success-status-removed")
def change_status_200_to_201(d: Doc) -> None:
    operation(d)["responses"]["201"] = operation(d)["responses"].pop("200")


@case(HARMLESS, "response-status-generalized")
def replace_status_by_range(d: Doc) -> None:
    operation(d)["responses"]["2XX"] = operation(d)["responses"].pop("200")


@case(HARMLESS, "response-media-type-added")
def add_media_type(d: Doc) -> None:
    operation(d)["responses"]["200"]["content"]["text/csv"] = {"schema": {"type": "string"}}


@case(BREAKING, "response-media-type-removed")
def replace_media_type(d: Doc) -> None:
    operation(d)["responses"]["200"]["content"] = {"text/csv": {}}


@case(BREAKING, "response-media-type-removed")
def remove_content(d: Doc) -> None:
    del operation(d)["responses"]["200"]["content"]


@case(HARMLESS, "response-body-media-type-schema-removed")  # a warning, as oasdiff has it: it may break
def remove_body_schema(d: Doc) -> None:
    operation(d)["responses"]["200"]["content"]["application/json"] = {}


@case(BREAKING, "new-required-request-parameter")
def add_required_parameter(d: Doc) -> None:
    operation(d)["parameters"].append({"name": "limit", "in": "query", "required": True, "schema": {"type": "integer"}})


@case(HARMLESS, "new-optional-request-parameter")
def add_optional_parameter(d: Doc) -> None:
    operation(d)["parameters"].append({"name": "limit", "in": "query", "schema": {"type": "integer"}})


@case(HARMLESS, "new-optional-request-default-parameter-to-existing-path")
def add_parameter_with_default(d: Doc) -> None:
    operation(d)["parameters"].append({"name": "limit", "in": "query", "schema": {"type": "integer", "default": 20}})


@case(BREAKING, "request-parameter-type-changed")
def change_type_of_path_parameter(d: Doc) -> None:
    operation(d)["parameters"][0]["schema"] = {"type": "integer"}


@case(BREAKING, "request-parameter-type-changed")
def add_format_to_path_parameter(d: Doc) -> None:
    operation(d)["parameters"][0]["schema"]["format"] = "uuid"


@case(BREAKING, "request-parameter-pattern-added")
def add_pattern_to_path_parameter(d: Doc) -> None:
    operation(d)["parameters"][0]["schema"]["pattern"] = "^[a-f]+$"


@case(BREAKING, "request-parameter-became-enum")
def add_enum_to_path_parameter(d: Doc) -> None:
    operation(d)["parameters"][0]["schema"]["enum"] = ["a"]


@case(BREAKING, "request-parameter-max-length-set")
def add_max_length_to_path_parameter(d: Doc) -> None:
    operation(d)["parameters"][0]["schema"]["maxLength"] = 36


@case(NO_CHANGE)
def reverse_parameters(d: Doc) -> None:
    operation(d)["parameters"].reverse()


@case(NO_CHANGE)
def rename_path_parameter(d: Doc) -> None:
    d["paths"] = {"/v1/spaces/{spaceId}/runtimes": d["paths"][P]}
    d["paths"]["/v1/spaces/{spaceId}/runtimes"]["get"]["parameters"][0]["name"] = "spaceId"


@case(NO_CHANGE)
def move_parameters_to_path_item(d: Doc) -> None:
    d["paths"][P]["parameters"] = operation(d).pop("parameters")


@case(NO_CHANGE)
def write_header_parameter_in_lower_case(d: Doc) -> None:
    operation(d)["parameters"][1]["name"] = "authorization"


@case(HARMLESS, "request-parameter-became-optional")
def make_header_parameter_optional(d: Doc) -> None:
    operation(d)["parameters"][1]["required"] = False


@case(HARMLESS, "request-parameter-removed")
def remove_header_parameter(d: Doc) -> None:
    operation(d)["parameters"].pop()


@case(HARMLESS, "api-security-added-for-known-credential")
def replace_header_parameter_by_security(d: Doc) -> None:
    operation(d)["parameters"].pop()
    operation(d)["security"] = [{"bearerAuth": []}]


@case(HARMLESS, "api-security-added-for-known-credential")
def add_security_for_header_parameter(d: Doc) -> None:
    operation(d)["security"] = [{"bearerAuth": []}]


@case(HARMLESS, "api-global-security-added-for-known-credential")
def replace_header_parameter_by_global_security(d: Doc) -> None:
    operation(d)["parameters"].pop()
    d["security"] = [{"bearerAuth": []}]


@case(BREAKING, "api-security-added")
def require_another_credential(d: Doc) -> None:
    d["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}
    operation(d)["security"] = [{"key": []}]


@case(BREAKING, "api-security-added")
def require_two_credentials(d: Doc) -> None:
    d["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}
    operation(d)["security"] = [{"key": [], "bearerAuth": []}]


@case(HARMLESS)
def allow_another_credential(d: Doc) -> None:
    d["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}
    operation(d)["security"] = [{"key": []}, {"bearerAuth": []}]


@case(BREAKING, "api-path-removed-without-deprecation", "endpoint-added")
def change_path(d: Doc) -> None:
    d["paths"] = {"/v2/spaces/{id}/runtimes": d["paths"][P]}


@case(BREAKING, "api-path-removed-without-deprecation")
def remove_all_paths(d: Doc) -> None:
    d["paths"] = {}


@case(HARMLESS, "endpoint-added")
def add_path(d: Doc) -> None:
    d["paths"]["/v1/x"] = {"get": {"responses": {"200": {"description": "x"}}}}


@case(BREAKING, "api-removed-without-deprecation")
def change_method_to_post(d: Doc) -> None:
    d["paths"][P]["post"] = d["paths"][P].pop("get")


@case(BREAKING, "api-server-removed")
def remove_server(d: Doc) -> None:
    d["servers"].pop(0)


@case(BREAKING, "api-server-removed", "api-server-added")
def change_server_url(d: Doc) -> None:
    d["servers"][0]["url"] = "https://api.bctrl.com"


@case(HARMLESS, "api-server-added")
def add_server(d: Doc) -> None:
    d["servers"].append({"url": "https://eu.api.bctrl.ai"})


@case(NO_CHANGE)
def reverse_servers(d: Doc) -> None:
    d["servers"].reverse()


@case(NO_CHANGE)
def add_slash_to_server_url(d: Doc) -> None:
    d["servers"][0]["url"] += "/"


@case(BREAKING)
def remove_all_servers(d: Doc) -> None:
    del d["servers"]


@case(HARMLESS, "endpoint-deprecated")
def deprecate_operation(d: Doc) -> None:
    operation(d)["deprecated"] = True


@case(HARMLESS, "response-header-added")
def add_response_header(d: Doc) -> None:
    operation(d)["responses"]["200"]["headers"] = {"X-Total": {"schema": {"type": "integer"}}}


@case(HARMLESS, "api-operation-id-removed")
def change_operation_id(d: Doc) -> None:
    operation(d)["operationId"] = "x"
