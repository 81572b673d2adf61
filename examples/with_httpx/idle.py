"""Lists the runtimes that nobody is using."""

from __future__ import annotations

from typing import Any

import httpx


def idle(client: httpx.Client, space_id: str) -> list[str]:
    """Return the names of the runtimes that are not active. Raises `httpx.HTTPStatusError` for an error response."""
    return names(client.get(f"/v1/spaces/{space_id}/runtimes").raise_for_status().json())


async def idle_async(client: httpx.AsyncClient, space_id: str) -> list[str]:
    """Return the same as `idle`, with an asynchronous client."""
    response = await client.get(f"/v1/spaces/{space_id}/runtimes")
    return names(response.raise_for_status().json())


def names(body: dict[str, Any]) -> list[str]:
    """Return the names of the runtimes in a response body that are not active."""
    return sorted(runtime["name"] for runtime in body["runtimes"] if runtime["status"] != "active")
