"""Recordings that somebody edited are checked again, whatever digests claim."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples import response
from pytest_bctrl.traffic.recordings.har_write import Recording, encode
from tests.recordings.conftest import CONTRACT, recorded
from tests.recordings.test_trust import listed

GOOD = listed({"runtimes": response()["runtimes"][:1]})
BAD = replace(GOOD, body=GOOD.body.replace(b'"status": "', b'"status": "un', 1))


def test_an_edited_recording_is_checked_again(tmp_path: Path) -> None:
    """Even if its digests were recomputed, and an earlier version was checked: its violation is an error."""
    path = tmp_path / "project" / "x.har"
    path.parent.mkdir()
    path.write_bytes(encode(Recording((GOOD,))))
    recorded(path)
    seal = b'"_bctrlChecked": "5f0c", "_bctrlContract"'
    path.write_bytes(encode(Recording((replace(BAD, contract=CONTRACT.digest),))).replace(b'"_bctrlContract"', seal))

    with pytest.raises(DocumentError, match=r"x\.har: entry 1 of 1, GET /v1/.*: it breaks the contract: 1 error"):
        recorded(path)
    assert [path] == list(path.parent.iterdir())
