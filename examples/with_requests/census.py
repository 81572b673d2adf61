"""Counts the runtimes of a space by their status."""

from __future__ import annotations

from collections import Counter
from typing import Any

import requests


def census(url: str, key: str, space_id: str) -> Counter[str]:
    """Return the number of runtimes per status. Raises `requests.HTTPError` for an error response."""
    response = requests.get(
        f"{url}/v1/spaces/{space_id}/runtimes", headers={"Authorization": f"Bearer {key}"}, timeout=10
    )
    response.raise_for_status()
    return count_by_status(response.json())


def count_by_status(body: Any) -> Counter[str]:
    """Return the number of runtimes per status in a response body. Raises `ValueError` if it contains no list."""
    if not isinstance(body, dict) or not isinstance(body.get("runtimes"), list):
        raise ValueError("the body contains no list of runtimes")
    return Counter(str(runtime.get("status")) for runtime in body["runtimes"] if isinstance(runtime, dict))
