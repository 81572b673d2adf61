"""One change of oasdiff's tests, and what it is to yield."""

from __future__ import annotations

from typing import Any, NamedTuple

from .pairs import Doc


class PeerPair(NamedTuple):
    """A change and the expected rule ids, each as often as it is listed."""

    source: str
    base: Doc
    revision: Doc
    ids: tuple[str, ...]
    besides: tuple[str, ...] = ()


S: Doc = {"type": "string"}
I: Doc = {"type": "integer"}  # noqa: E741 - as short as S and N
N: Doc = {"type": "number"}


def obj(required: tuple[str, ...] = (), /, **properties: Any) -> Doc:
    """Return an object schema with these properties."""
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}
