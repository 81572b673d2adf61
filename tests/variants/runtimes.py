"""The data that the variants serve: runtimes of one space, covering every branch of the published schema."""

import hashlib
import uuid
from collections.abc import Callable, Iterable
from functools import reduce
from operator import delitem, getitem, setitem
from typing import Any

Runtime = dict[str, Any]
Document = Callable[[], Any]
Edit = Callable[[list[Any]], object]

API_KEY = "vk_test_Nightjar-4Kd9wQx2LmZ"
SPACE_ID = "c0ffee11-5e0d-4b7a-9a53-2f6d18e4b0aa"
OTHER_SPACE_ID = "0ddba11a-77aa-4c1e-8f1b-d35ca1ab1e00"

KINDS = ("browser", "desktop", "spreadsheet")
STATUSES = ("active", "stopped", "failed")
PROTOCOLS = ("cdp", "cua", "http", "mcp", "rdp", "vnc")

_BACKINGS: tuple[Any, ...] = (None, {"kind": "ephemeral"}, {"kind": "profile", "profile": "night-shift"})
_SUMMARIES: tuple[Any, ...] = (
    None,
    {},
    {
        "browserRunning": True,
        "currentDriver": "playwright",
        "defaultContextId": "ctx-1",
        "defaultPageId": "pg-1",
    },
    {"currentDriver": None, "defaultContextId": None, "defaultPageId": None, "storageSpace": None},
    {"browserRunning": False, "storageSpace": "attic"},
)
_METADATA: tuple[Any, ...] = (
    None,
    {},
    {"owner": "ops", "tags": ["a", 1, None], "limits": {"cpu": 0.5, "spot": True}},
)


def identifier(label: str) -> str:
    """Return the uuid that always belongs to `label`."""
    return str(uuid.UUID(bytes=hashlib.blake2b(label.encode(), digest_size=16).digest(), version=4))


def bare_runtime(number: int) -> Runtime:
    """Return a runtime with the required properties only."""
    kind, status = KINDS[number % 3], STATUSES[number // 3 % 3]
    return {
        "activeRunId": identifier(f"run {number}") if status == "active" else None,
        "capabilities": ["screenshot", "files", "proxy"][: number % 4],
        "connections": {},
        "createdAt": f"2026-02-{number % 28 + 1:02}T06:30:00Z",
        "id": identifier(f"runtime {number}"),
        "kind": kind,
        "metadata": None,
        "name": f"Nachtläufer {number}",
        "region": ("eu-west-3", "us-east-1")[number % 2],
        "spaceId": SPACE_ID,
        "status": status,
        "type": kind,
        "updatedAt": f"2026-03-{number % 28 + 1:02}T06:30:00Z",
    }


def full_runtime(number: int) -> Runtime:
    """Return a runtime with every property, and the larger branch of `backing`."""
    return bare_runtime(number) | {
        "activeRunId": identifier(f"run {number}"),
        "backing": {"kind": "profile", "profile": "night-shift"},
        "capabilities": ["screenshot", "files"],
        "connections": {protocol: {"available": protocol != "rdp"} for protocol in PROTOCOLS},
        "metadata": {"owner": "ops"},
        "summary": {
            "browserRunning": True,
            "currentDriver": "playwright",
            "defaultContextId": "ctx-1",
            "defaultPageId": "pg-1",
            "storageSpace": "attic",
        },
    }


def mixed_runtime(number: int) -> Runtime:
    """Return a runtime whose optional properties depend on its number, each with its own period."""
    runtime = bare_runtime(number)
    backing, summary = _BACKINGS[number // 2 % 3], _SUMMARIES[number % 5]
    if backing is not None:
        runtime["backing"] = dict(backing)
    if summary is not None:
        runtime["summary"] = dict(summary)
    runtime["metadata"] = _METADATA[number % 3]
    runtime["connections"] = {name: {"available": number % 2 == 0} for name in PROTOCOLS[: number % 7]}
    return runtime


def listing(runtimes: Iterable[Any]) -> dict[str, Any]:
    """Return the envelope around runtimes."""
    return {"runtimes": list(runtimes)}


def sample() -> dict[str, Any]:
    """Return a list of ten runtimes that together have each kind, status, branch, null and omitted property."""
    return listing(mixed_runtime(number) for number in range(10))


def edited(*edits: Edit, count: int = 10) -> Document:
    """Return a function that creates a document of `count` runtimes; each edit changes the list in place."""

    def document() -> dict[str, Any]:
        runtimes: list[Any] = [full_runtime(number) for number in range(count)]
        for edit in edits:
            edit(runtimes)
        return listing(runtimes)

    return document


def put(*path_and_value: Any) -> Edit:
    """Return the edit that sets a value at a path, which comes last: `put(3, "backing", "kind", "other")`."""
    *parents, last, value = path_and_value
    return lambda runtimes: setitem(reduce(getitem, parents, runtimes), last, value)


def cut(*path: Any) -> Edit:
    """Return the edit that removes the value at a path."""
    *parents, last = path
    return lambda runtimes: delitem(reduce(getitem, parents, runtimes), last)


def on_all(**properties: Any) -> Edit:
    """Return the edit that gives each runtime the same properties."""

    def edit(runtimes: list[Any]) -> None:
        for runtime in runtimes:
            runtime.update(properties)

    return edit
