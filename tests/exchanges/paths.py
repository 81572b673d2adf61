"""The operations of the contract that describes the exchanges of the catalogue."""

from __future__ import annotations

from typing import Any

from tests.request_checks.orders import ORDER, body, operation, response

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}}
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}, "example": 7}
ITEM = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "maxLength": 9},
        "kind": {"enum": ["small", "large"]},
        "pin": {"type": "string", "writeOnly": True},
        "maker": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string"},
                "address": {"type": "object", "properties": {"city": {"type": "string"}}},
            },
        },
        "created": {"type": "string", "format": "date-time"},
    },
}
PROBLEM = {
    "type": "object",
    "required": ["title"],
    "properties": {"title": {"type": "string"}, "status": {"type": "integer"}},
}
PROBLEM_RESPONSE = response(PROBLEM, "application/problem+json")
_CAT = {"type": "object", "required": ["lives"], "properties": {"lives": {"type": "integer"}}}
_PROFILE_WITH_NICK = {"type": "object", "properties": {"name": {"type": "string"}, "nick": {"type": "string"}}}
_PROFILE_WITH_OPTIONAL_NAME = {"type": "object", "properties": {"name": {"type": ["string", "null"]}}}
_DOG = {"type": "object", "required": ["tricks"], "properties": {"tricks": {"type": "array"}}}


def _integer_header(*, required: bool) -> dict[str, Any]:
    """Return a header object for an integer."""
    return {"required": required, "schema": {"type": "integer"}}


def _event_response(media_type: str) -> dict[str, Any]:
    """Return a response object for a stream of items (OpenAPI 3.2)."""
    item = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
    return {"description": "", "content": {media_type: {"itemSchema": item}}}


SECURITY = {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}}
PATHS: dict[str, dict[str, Any]] = {
    "/orders": {
        "post": {**body(ORDER), "responses": {"201": response(ORDER)}},
        "get": operation(
            parameters=[LIMIT],
            responses={"200": response({"type": "array", "items": ORDER}), "404": response({"type": "object"})},
        ),
    },
    "/items": {
        "get": operation(
            parameters=[
                LIMIT,
                {"name": "kind", "in": "query", "schema": {"enum": ["small", "large"]}},
                {
                    "name": "maker",
                    "in": "query",
                    "style": "deepObject",
                    "schema": {"type": "object", "properties": {"age": {"type": "integer"}}},
                },
                {"name": "X-Page", "in": "header", "schema": {"type": "integer"}},
            ],
            responses={
                "200": {
                    **response({"type": "array", "items": ITEM}),
                    "headers": {"X-Total": _integer_header(required=True), "X-Left": _integer_header(required=False)},
                },
                "404": PROBLEM_RESPONSE,
            },
        ),
        "post": {**body(ITEM), "responses": {"201": response(ITEM), "409": PROBLEM_RESPONSE}},
    },
    "/items/{id}": {
        "parameters": [ID],
        "get": operation(responses={"200": response(ITEM), "default": PROBLEM_RESPONSE}),
        "patch": {**body({**ITEM, "required": []}), "responses": {"200": response(ITEM)}},
        "delete": operation(responses={"204": response(), "404": PROBLEM_RESPONSE}),
    },
    "/search": {
        "get": operation(
            parameters=[
                {"name": "text", "in": "query", "required": True, "schema": {"type": "string"}, "example": "a"}
            ],
            responses={"200": response({"type": "object"})},
        )
    },
    "/account": {"get": operation(security=[{"bearer": []}], responses={"200": response({"type": "object"})})},
    "/notes": {"get": operation(responses={"200": response({"type": "string"}, "text/plain"), "204": response()})},
    "/forms": {
        "post": body(
            {"type": "object", "required": ["age"], "properties": {"age": {"type": "integer"}}}, FORM, required=True
        )
    },
    "/pets": {
        "get": operation(responses={"200": response({"anyOf": [_CAT, {**_DOG, "additionalProperties": True}]})}),
        "post": {**body({"oneOf": [_CAT, _DOG]}), "responses": {"201": response({"oneOf": [_CAT, _DOG]})}},
    },
    "/profile": {
        "get": operation(responses={"200": response({"anyOf": [_PROFILE_WITH_NICK, _PROFILE_WITH_OPTIONAL_NAME]})})
    },
    "/events": {"get": operation(responses={"200": _event_response("text/event-stream")})},
    "/lines": {"get": operation(responses={"200": _event_response("application/jsonl")})},
}
