"""Lists the regions in which a space has runtimes, with the official SDK."""

from __future__ import annotations

from typing import Any

from bctrl.legacy import Bctrl


def regions(url: str, key: str, space_id: str) -> set[str]:
    """Return the regions of the runtimes. Raises the exceptions of the SDK."""
    client = Bctrl(api_key=key, base_url=url)
    # The legacy client has no method for this endpoint.
    return regions_in(client._http.request("GET", f"/spaces/{space_id}/runtimes"))


def regions_in(body: Any) -> set[str]:
    """Return the regions of the runtimes in a response body."""
    return {runtime["region"] for runtime in body["runtimes"]}
