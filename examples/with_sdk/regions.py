"""Lists the regions in which a space has runtimes, by the official SDK."""

from __future__ import annotations

from typing import Any

from bctrl.legacy import Bctrl


def regions(url: str, key: str, space_id: str) -> set[str]:
    """Return the regions; raises the SDK's own errors."""
    client = Bctrl(api_key=key, base_url=url)
    # The legacy client has no method of its own for this endpoint yet.
    return among(client._http.request("GET", f"/spaces/{space_id}/runtimes"))


def among(body: Any) -> set[str]:
    """Return the regions out of a response body."""
    return {runtime["region"] for runtime in body["runtimes"]}
