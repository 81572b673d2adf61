"""The requirement that installs the same version of the kit elsewhere, for the CI job that `init` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.metadata import distribution
from typing import Any
from urllib.parse import urlsplit

_PACKAGE = "pytest-bctrl"


def installed_requirement() -> str:
    """Return the pinned requirement of the installed kit; empty if only this machine has it."""
    package = distribution(_PACKAGE)
    origin = package.read_text("direct_url.json")
    return pinned_requirement(package.version, None if origin is None else json.loads(origin))


def pinned_requirement(version: str, origin: Mapping[str, Any] | None) -> str:
    """Return the requirement of a version, or of its origin (PEP 610), pinned by version, commit or SHA-256.

    It is empty for a local folder or file, for a URL that is not encrypted, has a credential or cannot be pinned, and
    for a development version or one with a local label, which no index has.
    """
    if origin is None:
        return "" if re.search(r"dev|\+", version) else f"{_PACKAGE}=={version}"
    url = str(origin["url"])
    parts = urlsplit(url)
    if parts.scheme not in ("https", "ssh") or parts.password or parts.username not in (None, "git"):
        return ""
    fragments = []
    revision = origin.get("vcs_info", {})
    if revision:
        url = f"{revision['vcs']}+{url}@{revision['commit_id']}"
    elif "sha256" in origin.get("archive_info", {}).get("hashes", {}):
        fragments.append(f"sha256={origin['archive_info']['hashes']['sha256']}")
    else:
        return ""
    if origin.get("subdirectory"):
        fragments.append(f"subdirectory={origin['subdirectory']}")
    return f"{_PACKAGE} @ {url}" + ("#" + "&".join(fragments) if fragments else "")
