"""Variants that send a property which the published schema does not have."""

from dataclasses import replace

from .reply import Reply, written
from .runtimes import PROTOCOLS, on_all, put, sample
from .service import Service, Visit, serving
from .variant import variants

_EPHEMERAL = {"kind": "ephemeral"}


def _on_fifth(visit: Visit, reply: Reply) -> Reply:
    """Return every fifth list with an undocumented `cursor`, and any other as it is."""
    return reply if visit.listing % 5 else replace(reply, body=written(sample() | {"cursor": "next"}))


_SERVICES = {
    "all-items": serving(on_all(tenant="t-1")),
    "one-item": serving(put(3, "tenant", "t-1")),
    "null-value": serving(put(3, "deletedAt", None)),
    "object-value": serving(put(3, "links", {"self": "/", "id": 5})),
    "other-case": serving(put(3, "Region", "eu-west-3")),
    "snake-case": serving(put(3, "created_at", "2026-03-01T08:00:00Z")),
    "empty-name": serving(put(3, "", "nameless")),
    "emoji-name": serving(put(3, "🦉", "hoot")),
    "pointer-characters-in-name": serving(put(3, "a/b~c", 1)),
    "name-of-a-nested-property": serving(put(3, "available", True)),
    "in-connections": serving(put(3, "connections", "ssh", {"available": True})),
    **{f"in-connections-{name}": serving(put(3, "connections", name, "url", "ws://x")) for name in PROTOCOLS},
    "in-ephemeral-backing": serving(put(3, "backing", _EPHEMERAL | {"image": "base"})),
    "in-ephemeral-backing-of-the-other-branch": serving(put(3, "backing", _EPHEMERAL | {"profile": "night-shift"})),
    "in-ephemeral-backing-of-the-other-branch-odd": serving(put(3, "backing", _EPHEMERAL | {"profile": 5})),
    "in-profile-backing": serving(put(3, "backing", "profileId", "p-1")),
    "in-summary": serving(put(3, "summary", "tabs", 4)),
    "metadata-in-summary": serving(put(3, "summary", "metadata", {})),
    "last-of-300": serving(put(299, "tenant", "t-1"), count=300),
    "first-of-300": serving(put(0, "tenant", "t-1"), count=300),
    "in-summary-of-last-of-300": serving(put(299, "summary", "tabs", 4), count=300),
    "on-envelope": Service(document=lambda: sample() | {"total": 10}),
    "on-envelope-of-empty-list": Service(document=lambda: {"runtimes": [], "nextCursor": None}),
    "on-every-fifth-answer": Service(listed=_on_fifth),
}
VARIANTS = variants(
    "undocumented",
    "warning",
    {"undocumented": {f"undocumented-{name}": service for name, service in _SERVICES.items()}},
)
