"""Recognises schemas of raw binary data, which OpenAPI 3.0 and 3.1 write differently.

`{"type": "string", "format": "binary"}` of 3.0 is `{}`, `{"contentMediaType": …}` or no schema in 3.1 (OpenAPI 3.1.1,
4.8.14 and appendix "Migrating binary descriptions from OAS 3.0").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.contract.outline import is_json

if TYPE_CHECKING:
    from pytest_bctrl.drift.node import Node

MULTIPART = "multipart"
"""Stands for the body of a form, in which each part may be raw binary data."""
OCTETS = "application/octet-stream"
_TEXTS = ("xml", "yaml", "urlencoded", "script", "graphql", "jsonl", "ndjson", "json-seq", "/*")
"""The ends of media types of texts outside of `text/`, and of ranges that contain some."""
_DATA = ("image/", "audio/", "video/", "font/")


def binary_media_type(media_type: str) -> str:
    """Return a media type whose bodies are raw binary data, `MULTIPART` for a form with parts, else an empty string."""
    essence = media_type.partition(";")[0]
    if essence.startswith("multipart/"):
        return MULTIPART
    is_text = is_json(essence) or essence.startswith("text/") or essence.endswith(_TEXTS)
    if is_text and not essence.startswith(_DATA):
        return ""
    return essence


def are_same_binary(old: Node, new: Node, media_type: str) -> bool:
    """Return whether two schemas both describe raw binary data of the same type, in a body or part of a media type."""
    if media_type in ("", MULTIPART) or not (_is_binary(old) and _is_binary(new)):
        return False
    return content_media_type(old, media_type) == content_media_type(new, media_type)


def content_media_type(node: Node, media_type: str) -> frozenset[str] | None:
    """Return the `contentMediaType` of a schema; None if it is only that of the body or part, or of any binary data."""
    types: frozenset[str] | None = node.constraints.get("contentMediaType")
    if types is not None and media_type and types <= {media_type, OCTETS}:
        return None
    return types


def _is_binary(node: Node) -> bool:
    """Return whether a schema describes raw binary data: the format, a media type, or nothing at all."""
    if node.never or node.enum is not None or not node.constraints.keys() <= {"contentMediaType"}:
        return False
    if node.types is None:
        return not (node.choices or node.children or node.maps or node.prefix or node.required)
    if node.types != {"string"}:
        return False
    return "contentMediaType" in node.constraints or any(
        part.value["format"] == "binary" for part in node.parts_with("format")
    )
