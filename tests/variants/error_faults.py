"""Variants whose list conforms, and whose responses to unknown spaces, or error bodies, do not."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .deliveries import delivered_by, later
from .reply import Reply, written
from .runtimes import SPACE_ID, sample
from .service import CRASH, Hook, Service, Visit
from .variant import variants

_HTML = Reply(404, b"<h1>Not found</h1>", (("Content-Type", "text/html"),))


def _unknown(hook: Hook) -> Service:
    """Return the service with a hook for its 404 for an unknown space."""
    return Service(unknown=hook)


def _answering(reply: Reply) -> Service:
    """Return the service that sends `reply` for each unknown space."""
    return Service(unknown=lambda *_: reply)


def _shaped(document: Any) -> Service:
    """Return the service whose errors all have `document` as their body."""
    return Service(error=lambda *_: document)


def _is_uuid_like(visit: Visit) -> bool:
    """Return whether the space in a request's path is as long as a UUID, and ASCII."""
    return len(visit.request.space or "") == 36 and (visit.request.space or "").isascii()


def _only_for_uuids(instead: Reply) -> Service:
    """Return the service that sends `instead` for an unknown space that is as long as a UUID."""
    return _unknown(lambda visit, reply: instead if _is_uuid_like(visit) else reply)


def _like(is_taken: Callable[[str], bool]) -> Service:
    """Return the service that sends the list for an unknown space for which `is_taken` is true."""
    return _unknown(lambda visit, reply: _LIST if is_taken(visit.request.space or "") else reply)


def _is_version_4(space: str) -> bool:
    """Return whether a space is a UUID of version 4 in lower case."""
    return re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", space) is not None


_LIST = Reply(200, written(sample()))
_EMPTY_LIST = Reply(200, written({"runtimes": []}))
_FLAT = {"error": "No.", "code": "no", "requestId": "r"}
_NESTED = {"code": "no", "message": "No.", "reasonClass": "space", "requestId": "r"}


def _without(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a body without one of its members."""
    return {key: value for key, value in body.items() if key != name}


_SPACES = {
    "unknown-space-200-empty-list": _answering(_EMPTY_LIST),
    "unknown-space-200-list-of-the-known": _answering(_LIST),
    "unknown-space-200-only-for-uuids": _only_for_uuids(_EMPTY_LIST),
    "unknown-space-200-error-body": _unknown(lambda _, reply: replace(reply, status=200)),
    "unknown-space-200-for-all-but-its-last-character": _like(lambda space: space[:-1] == SPACE_ID[:-1]),
    "unknown-space-200-for-its-last-twelve-characters": _like(lambda space: space[-12:] == SPACE_ID[-12:]),
    "unknown-space-200-for-uuids-of-version-4": _like(_is_version_4),
    "unknown-space-200-for-what-it-begins-with": _like(lambda space: len(space) > 8 and SPACE_ID.startswith(space)),
    "unknown-space-200-without-the-blank-behind-it": _like(lambda space: space.strip() == SPACE_ID),
    "unknown-space-200-for-all-before-a-nul": _like(lambda space: space.partition("\0")[0] == SPACE_ID),
    "unknown-space-200-with-more-behind-it": _like(lambda space: space.startswith(SPACE_ID)),
    "unknown-space-204": _answering(Reply(204, b"", ())),
    "unknown-space-500": _answering(CRASH),
    "unknown-space-500-only-for-uuids": _only_for_uuids(CRASH),
    "unknown-space-302": _unknown(lambda visit, _: Reply(302, b"", (("Location", visit.elsewhere),))),
    "unknown-space-401": _unknown(lambda _, reply: replace(reply, status=401)),
    "unknown-space-hangs": _unknown(delivered_by(later(120))),
}
_BODIES = {
    "404-html": _answering(_HTML),
    "404-html-called-json": _unknown(lambda _, reply: replace(reply, body=_HTML.body)),
    "404-text": _answering(Reply(404, b"not found", (("Content-Type", "text/plain"),))),
    "404-json-called-text": _unknown(lambda _, reply: reply.typed("text/plain")),
    "404-without-content-type": _unknown(lambda _, reply: reply.typed()),
    "404-empty": _answering(Reply(404)),
    "404-empty-without-content-type": _answering(Reply(404, b"", ())),
    "404-cut-json": _unknown(lambda _, reply: replace(reply, body=reply.body[:-4])),
    "404-duplicate-key": _unknown(lambda _, reply: replace(reply, body=b'{"code":"x",' + reply.body[1:])),
}
_SHAPES: dict[str, Any] = {
    "message-only": {"message": "No."},
    "detail-only": {"detail": "Not found."},
    "problem-details": {"type": "about:blank", "title": "No", "status": 404},
    "list-of-errors": {"errors": [{"message": "No."}]},
    "empty-object": {},
    "list": [],
    "null": None,
    "string": "No.",
    "error-null": {"error": None, "code": "no", "requestId": "r"},
    "error-empty-object": {"error": {}},
    "error-true": {"error": True},
    **{f"flat-without-{name}": _without(_FLAT, name) for name in _FLAT},
    "flat-code-number": _FLAT | {"code": 404},
    **{f"nested-without-{name}": {"error": _without(_NESTED, name)} for name in _NESTED},
    "nested-message-null": {"error": _NESTED | {"message": None}},
    "nested-in-data": {"data": {"error": _NESTED}},
}
VARIANTS = variants(
    "protocol",
    "error",
    {
        "unknown space": _SPACES,
        "error body": {f"error-{name}": service for name, service in _BODIES.items()},
        "error shape": {f"error-shape-{name}": _shaped(body) for name, body in _SHAPES.items()},
    },
)
