"""Where pytest stores the report of the last impact run, which `drift --impact` reads."""

from __future__ import annotations

from pathlib import Path

STORED_REPORT = Path(".pytest_cache", "d", "bctrl", "impact.json")
"""The path below the rootdir, with the default `cache_dir`."""
