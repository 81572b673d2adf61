"""Variants that each violate the published schema in one way, at one location."""

from typing import Any

from .runtimes import (
    PROTOCOLS,
    SPACE_ID,
    Document,
    Edit,
    bare_runtime,
    cut,
    full_runtime,
    identifier,
    listing,
    on_all,
    put,
)
from .service import Service, serving
from .variant import variants

_NULLABLE_SUMMARY = ("currentDriver", "defaultContextId", "defaultPageId", "storageSpace")
_SOME = identifier("somewhere")

_WRONG_TYPES: dict[str, dict[str, Any]] = {
    "activeRunId": {"number": 7, "object": {}, "false": False},
    "backing": {"null": None, "string": "ephemeral", "list": [{"kind": "ephemeral"}], "true": True},
    "capabilities": {"null": None, "string": "files", "object": {"0": "files"}},
    "connections": {"null": None, "list": [], "string": "cdp"},
    "createdAt": {"null": None, "number": 1772352000, "object": {"iso": "2026-03-01T08:00:00Z"}},
    "id": {"null": None, "number": 12, "list": [_SOME]},
    "kind": {"null": None, "number": 0, "list": ["browser"]},
    "metadata": {"list": [], "string": "{}", "number": 0, "false": False},
    "name": {"null": None, "number": 5, "true": True},
    "region": {"null": None, "object": {"name": "eu-west-3"}},
    "spaceId": {"null": None, "object": {"id": SPACE_ID}},
    "status": {"null": None, "true": True, "object": {"state": "active"}},
    "summary": {"null": None, "list": [], "string": "running"},
    "type": {"null": None, "number": 1},
    "updatedAt": {"null": None, "number": 1772352000.5, "false": False},
}

# The published format is RFC 9562's text: a lenient reader such as Python's uuid.UUID takes most of these.
_NOT_UUIDS = {
    "a-word": "rt-12",
    "empty": "",
    "urn": f"urn:uuid:{_SOME}",
    "braces": f"{{{_SOME}}}",
    "no-dashes": _SOME.replace("-", ""),
    "trailing-newline": f"{_SOME}\n",
    "newline-for-digit": f"{_SOME[:-1]}\n",
    "space-for-digit": f" {_SOME[1:]}",
    "underscore-for-digit": f"{_SOME[:2]}_{_SOME[3:]}",
    "underscores-for-dashes": _SOME.replace("-", "_"),
    "dash-moved": f"{_SOME[:7]}-{_SOME[7]}{_SOME[9:]}",
    "digit-too-few": _SOME[:-1],
    "digit-too-many": f"{_SOME}0",
    "letter-g": f"g{_SOME[1:]}",
    "fullwidth-digit": f"\uff17{_SOME[1:]}",
    "arabic-digit": f"{_SOME[:-1]}\u0663",
    "trailing-space": f"{_SOME} ",
}

_NOT_IN_ENUM = {
    "kind": ("terminal", "Browser", ""),
    "type": ("terminal", "DESKTOP", "browser "),
    "status": ("archived", "ACTIVE", "running"),
}

_PARTS: dict[str, Edit] = {
    "backing-empty": put(4, "backing", {}),
    "backing-kind-unknown": put(4, "backing", {"kind": "snapshot"}),
    "backing-kind-unknown-with-profile": put(4, "backing", "kind", "Profile"),
    "backing-kind-missing": cut(4, "backing", "kind"),
    "backing-kind-null": put(4, "backing", "kind", None),
    "backing-kind-list": put(4, "backing", "kind", ["profile"]),
    "backing-profile-missing": cut(4, "backing", "profile"),
    "backing-profile-null": put(4, "backing", "profile", None),
    "backing-profile-number": put(4, "backing", "profile", 3),
    "backing-profile-object": put(4, "backing", "profile", {"name": "night-shift"}),
    "backing-profile-missing-in-last-of-300": cut(299, "backing", "profile"),
    "capability-null": put(4, "capabilities", 1, None),
    "capability-number": put(4, "capabilities", 1, 1),
    "capability-object": put(4, "capabilities", 0, {"name": "files"}),
    "capability-list": put(4, "capabilities", 0, ["files"]),
    **{f"connection-{name}-without-available": put(4, "connections", name, {}) for name in PROTOCOLS},
    **{f"connection-{name}-null": put(4, "connections", name, None) for name in PROTOCOLS},
    "connection-cdp-boolean": put(4, "connections", "cdp", True),
    "connection-mcp-list": put(4, "connections", "mcp", [{"available": True}]),
    "available-string": put(4, "connections", "cua", "available", "true"),
    "available-number": put(4, "connections", "http", "available", 1),
    "available-zero": put(4, "connections", "rdp", "available", 0),
    "available-null": put(4, "connections", "vnc", "available", None),
    "summary-browser-running-string": put(4, "summary", "browserRunning", "false"),
    "summary-browser-running-null": put(4, "summary", "browserRunning", None),
    "summary-browser-running-number": put(4, "summary", "browserRunning", 0),
    **{f"summary-{name}-number": put(4, "summary", name, 4) for name in _NULLABLE_SUMMARY},
    **{f"summary-{name}-false": put(4, "summary", name, False) for name in _NULLABLE_SUMMARY},
    "item-null": put(4, None),
    "item-string": put(4, _SOME),
    "item-list": put(4, []),
    "item-empty-object": put(4, {}),
    "item-null-at-end": lambda runtimes: runtimes.append(None),
}

_PLACES: dict[str, Edit] = {
    "last-of-300-name-null": put(299, "name", None),
    "last-of-300-status-unknown": put(299, "status", "paused"),
    "last-of-300-id-not-uuid": put(299, "id", "rt-299"),
    "last-of-300-summary-flag": put(299, "summary", "browserRunning", "yes"),
    "last-of-300-not-an-object": put(299, 299),
    "first-of-300-region-missing": cut(0, "region"),
    "first-of-300-connection-available": put(0, "connections", "vnc", "available", "no"),
    "middle-of-300-metadata-list": put(150, "metadata", []),
    "all-of-300-status-unknown": on_all(status="sleeping"),
}


def _everything() -> list[Any]:
    """Return four complete runtimes."""
    return [full_runtime(number) for number in range(4)]


_ENVELOPES: dict[str, Document] = {
    "envelope-empty": dict,
    "envelope-list": _everything,
    "envelope-empty-list": list,
    "envelope-null": lambda: None,
    "envelope-string": lambda: "runtimes",
    "envelope-number": lambda: 0,
    "envelope-true": lambda: True,
    "envelope-other-name": lambda: {"data": _everything()},
    "envelope-wrapped": lambda: {"data": listing(_everything())},
    "envelope-name-in-other-case": lambda: {"Runtimes": _everything()},
    "runtimes-null": lambda: {"runtimes": None},
    "runtimes-object": lambda: {"runtimes": {runtime["id"]: runtime for runtime in _everything()}},
    "runtimes-empty-object": lambda: {"runtimes": {}},
    "runtimes-one-object": lambda: {"runtimes": full_runtime(0)},
    "runtimes-string": lambda: {"runtimes": "[]"},
    "runtimes-false": lambda: {"runtimes": False},
    "runtimes-nested-list": lambda: {"runtimes": [_everything()]},
}


_SOME_NOT_UUIDS = dict(list(_NOT_UUIDS.items())[:5]) | {"underscore-for-digit": f"{SPACE_ID[:2]}_{SPACE_ID[3:]}"}

VARIANTS = variants(
    "schema",
    "error",
    {
        "required": {f"{name}-missing": serving(cut(4, name)) for name in bare_runtime(0)},
        "type": {
            f"{name}-{label}": serving(put(4, name, value))
            for name, wrong in _WRONG_TYPES.items()
            for label, value in wrong.items()
        },
        "enum": {
            f"{name}-not-in-enum-{number}": serving(put(4, name, value))
            for name, values in _NOT_IN_ENUM.items()
            for number, value in enumerate(values, 1)
        },
        "format": {
            f"{name}-{label}": serving(put(4, name, value))
            for name, wrong in {"id": _NOT_UUIDS, "activeRunId": _SOME_NOT_UUIDS, "spaceId": _SOME_NOT_UUIDS}.items()
            for label, value in wrong.items()
        },
        "nested": {name: serving(edit, count=300 if name.endswith("-300") else 10) for name, edit in _PARTS.items()},
        "every item": {name: serving(edit, count=300) for name, edit in _PLACES.items()},
        "envelope": {name: Service(document=document) for name, document in _ENVELOPES.items()},
    },
)
