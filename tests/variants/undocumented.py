"""Variants that send a property which the published schema does not have."""

from dataclasses import replace

from .reply import Reply, written
from .runtimes import PROTOCOLS, Edit, edited, on_all, put, sample
from .service import Service, Visit
from .variant import Variant, dubious

_EPHEMERAL = {"kind": "ephemeral"}

_EDITS: tuple[tuple[str, Edit], ...] = (
    ("all-items", on_all(tenant="t-1")),
    ("one-item", put(3, "tenant", "t-1")),
    ("null-value", put(3, "deletedAt", None)),
    ("object-value", put(3, "links", {"self": "/", "id": 5})),
    ("other-case", put(3, "Region", "eu-west-3")),
    ("snake-case", put(3, "created_at", "2026-03-01T08:00:00Z")),
    ("empty-name", put(3, "", "nameless")),
    ("emoji-name", put(3, "🦉", "hoot")),
    ("pointer-characters-in-name", put(3, "a/b~c", 1)),
    ("name-of-a-nested-property", put(3, "available", True)),
    ("in-connections", put(3, "connections", "ssh", {"available": True})),
    *((f"in-connections-{name}", put(3, "connections", name, "url", "ws://x")) for name in PROTOCOLS),
    ("in-ephemeral-backing", put(3, "backing", _EPHEMERAL | {"image": "base"})),
    ("in-ephemeral-backing-of-the-other-branch", put(3, "backing", _EPHEMERAL | {"profile": "night-shift"})),
    ("in-ephemeral-backing-of-the-other-branch-odd", put(3, "backing", _EPHEMERAL | {"profile": 5})),
    ("in-profile-backing", put(3, "backing", "profileId", "p-1")),
    ("in-summary", put(3, "summary", "tabs", 4)),
    ("metadata-in-summary", put(3, "summary", "metadata", {})),
)


def _on_fifth(visit: Visit, reply: Reply) -> Reply:
    return reply if visit.listing % 5 else replace(reply, body=written(sample() | {"cursor": "next"}))


def _variant(name: str, edit: Edit, count: int = 10) -> Variant:
    return dubious("undocumented", f"undocumented-{name}", "undocumented", Service(document=edited(edit, count=count)))


VARIANTS: tuple[Variant, ...] = (
    dubious(
        "undocumented",
        "undocumented-on-envelope",
        "undocumented",
        Service(document=lambda: sample() | {"total": 10}),
    ),
    dubious(
        "undocumented",
        "undocumented-on-envelope-of-empty-list",
        "undocumented",
        Service(document=lambda: {"runtimes": [], "nextCursor": None}),
    ),
    dubious("undocumented", "undocumented-on-every-fifth-answer", "undocumented", Service(listed=_on_fifth)),
    *(_variant(name, edit) for name, edit in _EDITS),
    _variant("last-of-300", put(299, "tenant", "t-1"), 300),
    _variant("first-of-300", put(0, "tenant", "t-1"), 300),
    _variant("in-summary-of-last-of-300", put(299, "summary", "tabs", 4), 300),
)
