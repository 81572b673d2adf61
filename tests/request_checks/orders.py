"""Contracts of an order service, and the findings of requests to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_bctrl import Contract, check_request
from pytest_bctrl.contract.read import from_document

ORDER = {
    "type": "object",
    "required": ["id", "qty", "size"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "qty": {"type": "integer", "minimum": 1},
        "size": {"enum": ["s", "m"]},
        "notes": {"type": "array", "items": {"type": "string", "maxLength": 3}},
        "password": {"type": "string", "minLength": 8},
    },
}
BODY_400 = {"type": "object", "required": ["reason"], "properties": {"reason": {"type": "string"}}}


def response(schema: Any = None, media: str = "application/json") -> dict[str, Any]:
    """Return a response object with this schema, or without content."""
    return {"description": "", **({} if schema is None else {"content": {media: {"schema": schema}}})}


def operation(**members: Any) -> dict[str, Any]:
    """Return an operation that returns an object, with further members."""
    return {"responses": {"200": response({"type": "object"})}, **members}


def body(schema: Any, media: str = "application/json", *, required: bool = True, **members: Any) -> dict[str, Any]:
    """Return an operation with a request body of this schema; `members` are those of the media type."""
    return operation(requestBody={"required": required, "content": {media: {"schema": schema, **members}}})


def contract_of_paths(paths: dict[str, Any], **members: Any) -> Contract:
    """Return the contract of a document with these paths and further members."""
    return from_document(
        {"openapi": "3.1.0", "info": {"title": "Orders", "version": "1"}, "paths": paths, **members}, "orders"
    )


def contract_of_body(schema: Any, media: str = "application/json", **members: Any) -> Contract:
    """Return the contract of `POST /orders` with a required body of this schema."""
    return contract_of_paths({"/orders": {"post": body(schema, media, **members)}})


def lines(contract: Contract, method: str, url: str, headers: Any = None, content: Any = None) -> list[str]:
    """Return a line per finding of a request: its level, rule, location and message."""
    findings = check_request(method, url, headers=headers, body=content, contract=contract)
    assert {"request"} >= {finding.direction for finding in findings}
    return [f"{finding.level} {finding.rule} {finding.location}: {finding.message}" for finding in findings]


def posted(contract: Contract, content: Any, media: str | None = "application/json") -> list[str]:
    """Return a line per finding of `POST /orders` with this content and media type."""
    headers: Iterable[tuple[str, str]] = [] if media is None else [("Content-Type", media)]
    return lines(contract, "POST", "/orders", headers, content)
