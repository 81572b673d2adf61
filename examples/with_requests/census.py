"""Counts the runtimes of a space by their status."""

from __future__ import annotations

from collections import Counter
from typing import Any

import requests


def census(url: str, key: str, space_id: str) -> Counter[str]:
    """Return how many runtimes have which status; raises `requests.HTTPError` for a refusal."""
    response = requests.get(
        f"{url}/v1/spaces/{space_id}/runtimes", headers={"Authorization": f"Bearer {key}"}, timeout=10
    )
    response.raise_for_status()
    return counted(response.json())


def counted(body: Any) -> Counter[str]:
    """Return the same out of a response body; raises `ValueError` for a body that holds no list."""
    if not isinstance(body, dict) or not isinstance(body.get("runtimes"), list):
        raise ValueError("the body holds no runtimes")
    return Counter(str(runtime.get("status")) for runtime in body["runtimes"] if isinstance(runtime, dict))
