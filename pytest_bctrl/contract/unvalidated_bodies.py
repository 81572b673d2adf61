"""The documented response bodies that are not validated: their schema is invalid, or they are not JSON."""

from __future__ import annotations

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, ResponseSpec, Schema, covering_media_type
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.parameters import schema_types


def reason_unvalidated(contract: Contract, response: ResponseSpec, media_type: str) -> str:
    """Return why bodies of a media type are not validated; empty if they are, or if their schema allows any text.

    The media type is in lower case and has no parameters.
    """
    if response.invalid:
        return f"the response {response.status} is invalid in the document: {response.invalid}"
    documented = covering_media_type(response.content, media_type)
    if documented is None:
        return ""
    if documented in response.item_schemas:
        return f"the items of {media_type} bodies are not validated"
    if is_json(media_type) or _allows_any_text(contract, response.content[documented]):
        return ""
    return f"only JSON bodies are validated, not {media_type}"


def unvalidated_media_types(contract: Contract, response: ResponseSpec | None) -> list[str]:
    """Return the media types of a response that are not validated; of a response with JSON, only that of the JSON.

    An invalid response has none: it is listed among the exclusions of the contract.
    """
    if response is None or response.invalid:
        return []
    media_types = response.content if response.json is None else response.json[:1]
    essences = {media_type: media_type.partition(";")[0].strip().lower() for media_type in media_types}
    return [media for media, essence in essences.items() if reason_unvalidated(contract, response, essence)]


def _allows_any_text(contract: Contract, schema: Schema) -> bool:
    """Return whether a schema has no type or is that of strings, and allows an arbitrary text."""
    return schema_types(contract, schema) <= {"string"} and accepts(contract, schema, "any text")
