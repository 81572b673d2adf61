"""Formats a line per runtime of a space: a fragile version, and one that tolerates changes of the API."""

from __future__ import annotations

import httpx

WORDS = {"starting": "soon", "idle": "ready", "active": "busy", "stopped": "off", "failed": "broken"}


def careless(client: httpx.Client, space_id: str) -> list[str]:
    """Return the lines; fails if a property is missing or a status is new."""
    response = client.get(f"/v1/spaces/{space_id}/runtimes")
    runtimes = response.json()["runtimes"]
    return [f"{runtime['name'].title()} ({runtime['region']}): {WORDS[runtime['status']]}" for runtime in runtimes]


def careful(client: httpx.Client, space_id: str) -> list[str]:
    """Return the lines, with a default for a missing property and the API's word for an unknown status."""
    response = client.get(f"/v1/spaces/{space_id}/runtimes")
    response.raise_for_status()
    lines = []
    for runtime in response.json()["runtimes"]:
        name, status = str(runtime.get("name") or "(no name)"), str(runtime.get("status") or "?")
        lines.append(f"{name.title()} ({runtime.get('region') or 'anywhere'}): {WORDS.get(status, status)}")
    return lines
