"""Upgrades a document of any supported version to the form that the kit reads, OpenAPI 3.1 or 3.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from pytest_bctrl.contract.document import require_openapi
from pytest_bctrl.contract.json_source import require_shallow
from pytest_bctrl.contract.keywords import UNLISTED_NULL, becomes_any_of, has_unlisted_null, upgrade_schema
from pytest_bctrl.contract.references import FRAGMENT, keyword_objects, rewrite_objects
from pytest_bctrl.contract.schema_document import follow_references
from pytest_bctrl.errors import DocumentError


def upgrade_supported(document: Any, name: str) -> Mapping[str, Any]:
    """Return a document upgraded to OpenAPI 3.1 or 3.2, with references to media types replaced by their targets.

    Raises `DocumentError` if it is not an OpenAPI document, or nested too deeply; its parts may be invalid.
    """
    require_openapi(document, name)
    require_shallow(document, name)
    upgraded: Mapping[str, Any] = document
    version = str(document["openapi"])
    if version.startswith("3.0"):
        upgraded = upgrade_document(document)
    elif version.startswith("3.2"):
        upgraded = _inline_media_types(document)
    return {**upgraded, "openapi": str(upgraded["openapi"])}


def _inline_media_types(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document with each reference to a media type replaced by its target (OpenAPI 3.2, 4.7)."""

    def inline(holder: dict[str, Any]) -> dict[str, Any]:
        """Return an object with the targets of references to media types in its `content`."""
        return {
            **holder,
            "content": {name: _resolved_media_type(document, media) for name, media in holder["content"].items()},
        }

    holders = [
        value.pointer
        for value in keyword_objects(document)
        if isinstance(content := value.value.get("content"), Mapping)
        and any(isinstance(media, Mapping) and "$ref" in media for media in content.values())
    ]
    if not holders:
        return document
    inlined: Mapping[str, Any] = rewrite_objects(document, dict.fromkeys(holders, inline))
    return inlined


def _resolved_media_type(document: Mapping[str, Any], media: Any) -> Any:
    """Return a media type, its reference followed; unchanged if the reference has no target."""
    try:
        for target in follow_references(document, media, ""):
            media = target
    except DocumentError:
        pass
    return media


_WRAPPED = "/anyOf/0"
"""The pointer from the `anyOf` that wraps a nullable schema to that schema."""


def upgrade_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of OpenAPI 3.0 as OpenAPI 3.1; malformed parts are left unchanged."""
    objects = {pointer: value for value, pointer, _, _ in keyword_objects(document)}
    wrapped = {pointer for pointer, value in objects.items() if becomes_any_of(value)}

    def rewrite(schema: dict[str, Any]) -> dict[str, Any]:
        """Return an object of OpenAPI 3.0 as one of 3.1, with its reference rewritten."""
        if isinstance(schema.get("$ref"), str):
            # Siblings of a reference are ignored (3.0.4, 4.7.23.1), except `nullable`, which authors do mean.
            reference = {"$ref": _rewrite_reference(schema["$ref"], wrapped)}
            schema = {**reference, "nullable": schema.get("nullable")}
        upgraded = upgrade_schema(schema)
        if has_unlisted_null(schema):
            upgraded[UNLISTED_NULL] = True
        return upgraded

    return {**rewrite_objects(document, dict.fromkeys(objects, rewrite)), "openapi": "3.1.0"}


def _rewrite_reference(reference: str, wrapped: set[str]) -> str:
    """Return a reference with a step into the new `anyOf` of each nullable schema on its path."""
    if not reference.startswith("#/") or not wrapped:
        return reference
    old_pointer = new_pointer = ""
    for token in unquote(reference[1:]).split("/")[1:]:
        if old_pointer in wrapped:
            new_pointer += _WRAPPED
        new_pointer += f"/{token}"
        old_pointer += f"/{token}"
    return f"#{quote(new_pointer, safe=FRAGMENT)}"
