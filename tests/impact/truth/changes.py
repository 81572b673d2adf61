"""Forty changes of the published spec, each with what a server does that has made it: written by hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.impact.drifts import SPEC, change_media_type, items, operation


class ApiResponse(NamedTuple):
    """A response of the changed API: status, content type, further header fields and data of the body."""

    status: int
    content_type: str
    headers: dict[str, str]
    data: Any


class ApiChange(NamedTuple):
    """A change by name: how the spec changes, the location of the finding, and what the changed server returns."""

    name: str
    location: str
    of_spec: Callable[[Any], Any]
    of_response: Callable[[ApiResponse, dict[str, str], dict[str, str]], ApiResponse]
    """Takes the response before the change, the query and the header fields of the request."""


def _of_items(name: str, location: str, of_spec: Callable[[Any], Any], of_item: Callable[[Any], Any]) -> ApiChange:
    """Return a change of each runtime in a response; `of_spec` and `of_item` modify their arguments."""

    def of_response(response: ApiResponse, query: Any, headers: Any) -> ApiResponse:
        data = copy.deepcopy(response.data)
        for item in data["runtimes"]:
            of_item(item)
        return response._replace(data=data)

    return ApiChange(name, location, of_spec, of_response)


def _optional(name: str) -> ApiChange:
    """Return the change of a property that became optional: the server omits it."""
    return _of_items(
        f"{name} may be missing",
        f"runtimes[*].{name}",
        lambda spec: items(spec)["required"].remove(name),
        lambda item: item.pop(name, None),
    )


def _removed(name: str) -> ApiChange:
    """Return the removal of a property from the spec and from the runtimes."""

    def of_spec(spec: Any) -> None:
        del items(spec)["properties"][name]
        if name in items(spec)["required"]:
            items(spec)["required"].remove(name)

    return _of_items(f"{name} is removed", f"runtimes[*].{name}", of_spec, lambda item: item.pop(name, None))


def _value(name: str, schema: Any, value: Any, what: str = "another type") -> ApiChange:
    """Return the change of a property's schema, after which the server always sends `value`."""
    return _of_items(
        f"{name}: {what}",
        f"runtimes[*].{name}",
        lambda spec: items(spec)["properties"].update({name: schema}),
        lambda item: item.update({name: value}),
    )


def _enum_value(part: str, name: str, value: str) -> ApiChange:
    """Return the addition of an enum value, which the server then always sends."""
    return _of_items(
        f"{name} may be {value}",
        f"runtimes[*].{name}",
        lambda spec: items(spec, part)["enum"].append(value),
        lambda item: item.update({name: value}),
    )


def _renamed_status(spec: Any) -> None:
    """Rename a status in the spec."""
    values = items(spec, "Status")["enum"]
    values[values.index("failed")] = "errored"


def _rename_status(item: Any) -> None:
    """Rename the status of a runtime, if it has that status."""
    if item["status"] == "failed":
        item["status"] = "errored"


def _new_property(name: str, schema: Any, value: Any, *, required: bool = False) -> ApiChange:
    """Return the addition of a property, which the server sends with `value`."""

    def of_spec(spec: Any) -> None:
        items(spec)["properties"][name] = schema
        if required:
            items(spec)["required"].append(name)

    return _of_items(f"{name} is new", f"runtimes[*].{name}", of_spec, lambda item: item.update({name: value}))


def _rejecting(name: str, location: str, parameter: Any, is_rejected: Callable[[Any, Any], bool]) -> ApiChange:
    """Return the addition of a parameter; `is_rejected` takes the query and the header fields of a request."""

    def of_response(response: ApiResponse, query: Any, headers: Any) -> ApiResponse:
        if not is_rejected(query, headers):
            return response
        return ApiResponse(400, "application/json", {}, {"error": "bad request"})

    return ApiChange(name, location, lambda spec: operation(spec)["parameters"].append(parameter), of_response)


def _of_response(name: str, location: str, of_spec: Callable[[Any], Any], **fields: Any) -> ApiChange:
    """Return a change that replaces `fields` of every response, such as its status."""
    return ApiChange(name, location, of_spec, lambda response, query, headers: response._replace(**fields))


def _other_status(spec: Any) -> None:
    """Replace status 200 with 206."""
    responses = operation(spec)["responses"]
    responses["206"] = responses.pop("200")


def _other_method(spec: Any) -> None:
    """Replace GET with POST at every path."""
    for item in spec["paths"].values():
        item["post"] = item.pop("get")


def _list_body(spec: Any) -> Any:
    """Return the schema of the body of the list."""
    return spec["components"]["schemas"]["spaces_runtimesList_Response_200"]


def _paged_spec(spec: Any) -> None:
    """Add paging by cursor: two query parameters, and the next cursor in the body."""
    operation(spec)["parameters"] += [
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
        {"name": "cursor", "in": "query", "schema": {"type": "string"}},
    ]
    _list_body(spec)["properties"]["nextCursor"] = {"type": ["string", "null"]}


def _requested_page(response: ApiResponse, query: Any, headers: Any) -> ApiResponse:
    """Return the page of the response that the query selects, of half the items unless it has a limit."""
    runtimes = response.data["runtimes"]
    start = int(query.get("cursor", "0"))
    size = int(query.get("limit", "0")) or (len(runtimes) + 1) // 2
    following = str(start + size) if start + size < len(runtimes) else None
    return response._replace(data={"runtimes": runtimes[start : start + size], "nextCursor": following})


_STRING = {"type": "string"}
_POOL = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "enum": ["pool"]}}}
_REGION = {"type": "object", "required": ["code"], "properties": {"code": _STRING}}

CHANGES: tuple[ApiChange, ...] = (
    *(_optional(name) for name in ("region", "updatedAt", "createdAt", "name", "activeRunId", "capabilities")),
    *(_optional(name) for name in ("metadata", "connections", "id", "status")),
    *(_removed(name) for name in ("region", "createdAt", "capabilities", "summary", "connections", "spaceId")),
    _enum_value("Status", "status", "paused"),
    _enum_value("Kind", "kind", "terminal"),
    _of_items("failed is errored", "runtimes[*].status", _renamed_status, _rename_status),
    _value("name", {"type": ["string", "null"]}, None, "may be null"),
    _value("region", {"type": ["string", "null"]}, None, "may be null"),
    _value("createdAt", {"type": "integer"}, 1767603600),
    _value("updatedAt", {"type": "number"}, 1767603600.5),
    _value("region", _REGION, {"code": "north"}),
    _of_items(
        "capabilities are numbers",
        "runtimes[*].capabilities[*]",
        lambda spec: items(spec)["properties"]["capabilities"].update(items={"type": "integer"}),
        lambda item: item.update(capabilities=[3 for _ in item["capabilities"]]),
    ),
    _value("name", {"type": "integer"}, 7),
    _value("capabilities", _STRING, "cdp"),
    _value("connections", {"type": "array", "items": _STRING}, ["http"]),
    _of_items(
        "another backing",
        "runtimes[*].backing",
        lambda spec: items(spec, "Backing")["oneOf"].append(_POOL),
        lambda item: item.update({name: {"kind": "pool"} for name in item.keys() & {"backing"}}),
    ),
    _new_property("labels", {"type": "array", "items": _STRING}, ["a"]),
    _new_property("owner", _STRING, "me", required=True),
    _new_property("size", {"type": "object", "properties": {"cpus": {"type": "integer"}}}, {"cpus": 2}),
    _of_response(
        "another media type",
        "200 application/json",
        change_media_type,
        content_type="application/vnd.bctrl+json",
    ),
    _of_response("another status", "status 200", _other_status, status=206),
    _of_response(
        "another method",
        "",
        _other_method,
        status=405,
        content_type="application/json",
        data={"error": "no such method"},
    ),
    _rejecting(
        "a required parameter",
        "query tenant",
        {"name": "tenant", "in": "query", "required": True, "schema": _STRING},
        lambda query, headers: "tenant" not in query,
    ),
    _rejecting(
        "a required header field",
        "header x-tenant",
        {"name": "X-Tenant", "in": "header", "required": True, "schema": _STRING},
        lambda query, headers: "x-tenant" not in headers,
    ),
    _rejecting(
        "an optional parameter",
        "query tenant",
        {"name": "tenant", "in": "query", "schema": _STRING},
        lambda query, headers: False,
    ),
    ApiChange("introduced paging", "nextCursor", _paged_spec, _requested_page),
    _of_response("a new tag", "", lambda spec: operation(spec)["tags"].append("new")),
)  # fmt: skip


def changed_document(changes: tuple[ApiChange, ...]) -> str:
    """Return the spec after these changes, as JSON."""
    document = copy.deepcopy(SPEC)
    for change in changes:
        change.of_spec(document)
    return json.dumps(document)
