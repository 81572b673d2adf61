"""Runs of pytest in this process find the distributions that a new process would find."""

from __future__ import annotations

import os
from importlib import metadata
from importlib.metadata import MetadataPathFinder
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("_imported")


def test_the_installed_distributions_are_found_with_all_their_metadata() -> None:
    """Their order, names, versions, entry points and files are those that `MetadataPathFinder` finds."""
    expected = list(MetadataPathFinder().find_distributions())
    remembered = list(metadata.distributions())
    assert [distribution.name for distribution in expected] == [distribution.name for distribution in remembered]
    for new, distribution in zip(expected, remembered, strict=True):
        assert (new.version, list(new.entry_points), new.files) == (
            distribution.version,
            list(distribution.entry_points),
            distribution.files,
        )


def test_a_distribution_installed_later_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(tmp_path, (0, 0))
    monkeypatch.syspath_prepend(tmp_path)
    assert "later" not in {distribution.name for distribution in metadata.distributions()}
    folder = tmp_path / "later-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: later\nVersion: 1.0\n", "utf-8")
    assert "later" in {distribution.name for distribution in metadata.distributions()}
