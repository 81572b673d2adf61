"""Recordings that somebody edited are checked again, whatever digests or cache entries claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.recorded import conform
from pytest_bctrl.recorded.conform import Checked, errors_of
from pytest_bctrl.samples import response
from pytest_bctrl.traffic.recordings.exchange import Exchange, Recording, encode
from tests.recordings.conftest import CONTRACT, recorded
from tests.recordings.test_trust import listed

GOOD = listed({"runtimes": response()["runtimes"][:1]})
BAD = replace(GOOD, body=GOOD.body.replace(b'"status": "', b'"status": "un', 1))


def cache(folder: Path) -> Checked:
    """Return the cache in `folder`, for a project in another folder."""
    return Checked(CONTRACT, Path("/surely/not/there"), {"XDG_CACHE_HOME": str(folder)})


def test_an_edited_recording_is_checked_again(tmp_path: Path) -> None:
    """Even if its digests were recomputed, and an earlier version was checked: its violation is an error."""
    path = tmp_path / "project" / "x.har"
    path.parent.mkdir()
    path.write_bytes(encode(Recording((GOOD,))))
    recorded(path, known=cache(tmp_path))
    assert GOOD in cache(tmp_path)
    seal = b'"_bctrlChecked": "5f0c", "_bctrlContract"'
    path.write_bytes(encode(Recording((replace(BAD, contract=CONTRACT.digest),))).replace(b'"_bctrlContract"', seal))

    with pytest.raises(DocumentError, match=r"x\.har: entry 1 of 1, GET /v1/.*: it breaks the contract: 1 error"):
        recorded(path, known=cache(tmp_path))
    assert [path] == list(path.parent.iterdir())


edits = st.builds(
    lambda base, **changes: replace(base, **changes),
    st.sampled_from([GOOD, BAD, replace(GOOD, body=b"{}"), replace(GOOD, body=b"")]),
    method=st.sampled_from(["GET", "HEAD"]),
    status=st.sampled_from([200, 404, 500]),
    headers=st.sampled_from([GOOD.headers, (("Content-Type", "text/html"),), (*GOOD.headers, ("Retry-After", "x"))]),
    url=st.sampled_from([GOOD.url, f"{GOOD.url}?limit=1", "http://localhost:8787/v1/other"]),
    base_path=st.sampled_from(["", "/v1"]),
)


@settings(max_examples=30)
@given(st.lists(edits, max_size=4))
def test_the_cache_of_checked_responses_does_not_change_verdicts(
    tmp_path_factory: pytest.TempPathFactory, exchanges: list[Exchange]
) -> None:
    """`errors_of` returns the same with a warm cache as without one."""
    warm = cache(tmp_path_factory.getbasetemp() / "warm")
    for exchange in exchanges:
        fresh = errors_of(exchange, CONTRACT, Checked(CONTRACT, Path(), {}))
        assert [fresh] * 2 == [errors_of(exchange, CONTRACT, warm) for _ in range(2)]


def test_a_response_checked_under_one_contract_is_checked_under_another(tmp_path: Path) -> None:
    """The cache of checked responses does not apply to a contract with another digest."""
    cache(tmp_path).add(GOOD)

    changed = replace(CONTRACT, digest="0" * 64)
    assert GOOD not in Checked(changed, Path("/surely/not/there"), {"XDG_CACHE_HOME": str(tmp_path)})


def replace_files_by_folders(folder: Path) -> None:
    """Replace each file of a cache by a folder."""
    for marks in folder.glob("??"):
        marks.unlink()
        marks.mkdir()


UNTRUSTED: dict[str, Callable[[Path], object]] = {
    "others may write to the folder": lambda folder: folder.chmod(0o777),
    "others may read the folder": lambda folder: folder.chmod(0o755),
    "others may write to a file": lambda folder: next(folder.glob("??")).chmod(0o666),
    "no folder": lambda folder: (folder.rename(folder.with_name("gone")), folder.write_text("")),
    "no file": replace_files_by_folders,
}


@pytest.mark.parametrize("name", UNTRUSTED)
def test_a_cache_that_other_users_may_read_or_write_is_ignored(tmp_path: Path, name: str) -> None:
    """Its entries do not count, and a violation is found again; so it is if the folder or a file is missing."""
    cache(tmp_path).add(BAD)
    assert BAD in cache(tmp_path)
    UNTRUSTED[name](tmp_path / "pytest-bctrl" / "checked")

    assert BAD not in cache(tmp_path)
    cache(tmp_path).add(GOOD)
    assert errors_of(BAD, CONTRACT, cache(tmp_path))


@pytest.mark.parametrize("link", [False, True])
def test_a_cache_inside_the_project_is_ignored(tmp_path: Path, link: bool) -> None:
    """A repository could contain a prepared cache with the right permissions."""
    project = tmp_path / "project"
    cache(project / ".cache").add(BAD)
    assert BAD in cache(project / ".cache")
    if link:
        (tmp_path / "elsewhere").symlink_to(project / ".cache")
    folder = tmp_path / "elsewhere" if link else project / ".cache"

    assert BAD not in Checked(CONTRACT, project, {"XDG_CACHE_HOME": str(folder)})


def test_a_relative_cache_path_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `HOME`, or with a relative `XDG_CACHE_HOME`, no file is written to the working directory."""
    monkeypatch.chdir(tmp_path)
    for environment in ({}, {"HOME": ""}, {"XDG_CACHE_HOME": "here"}):
        Checked(CONTRACT, tmp_path / "project", environment).add(GOOD)
    assert [] == list(tmp_path.iterdir())


def test_the_cache_is_bounded_and_keeps_the_latest_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With four digests per file, the last of 2,000 exchanges is in it."""
    monkeypatch.setattr(conform, "MAX_DIGESTS", 4)
    filled = cache(tmp_path)
    exchanges = [replace(GOOD, body=b"%d" % number) for number in range(2_000)]
    for exchange in exchanges:
        filled.add(exchange)

    marks = [path.stat().st_size for path in (tmp_path / "pytest-bctrl" / "checked").glob("??")]
    assert 256 >= len(marks)
    assert 4 * 32 == max(marks)
    assert exchanges[-1] in filled
    assert sum(marks) == 32 * sum(exchange in filled for exchange in exchanges)
