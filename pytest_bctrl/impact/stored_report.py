"""The report of the last impact run, in the cache folder of pytest; `drift --impact` reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_bctrl.files.stored_impact import STORED_REPORT


def stored_report_path(config: pytest.Config) -> Path | None:
    """Return the path of the stored report; None if pytest has no cache in this run."""
    cache: pytest.Cache | None = getattr(config, "cache", None)
    if cache is None:
        return None
    return cache.mkdir(STORED_REPORT.parent.name) / STORED_REPORT.name


def remove_stored_report(config: pytest.Config) -> None:
    """Remove the stored report of an earlier run, if there is one; report files that the user named stay."""
    path = stored_report_path(config)
    if path is not None:
        path.unlink(missing_ok=True)
