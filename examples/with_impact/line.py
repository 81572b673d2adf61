"""A line for each runtime of a space: a careless way to write it, and one that copes with what may come."""

from __future__ import annotations

import httpx

WORDS = {"starting": "soon", "idle": "ready", "active": "busy", "stopped": "off", "failed": "broken"}


def careless(client: httpx.Client, space_id: str) -> list[str]:
    """Return the lines, expecting just what is documented today."""
    response = client.get(f"/v1/spaces/{space_id}/runtimes")
    return [f"{one['name'].title()} ({one['region']}): {WORDS[one['status']]}" for one in response.json()["runtimes"]]


def careful(client: httpx.Client, space_id: str) -> list[str]:
    """Return the lines, with a word for what is not there and the API's own for what is not known."""
    response = client.get(f"/v1/spaces/{space_id}/runtimes")
    response.raise_for_status()
    found = []
    for one in response.json()["runtimes"]:
        name, status = str(one.get("name") or "(no name)"), str(one.get("status") or "?")
        found.append(f"{name.title()} ({one.get('region') or 'anywhere'}): {WORDS.get(status, status)}")
    return found
