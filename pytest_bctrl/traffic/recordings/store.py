"""Recordings on disk: whole or not at all, and merged under a lock where several tests share one name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_bctrl import locking
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.incoming import MOST, read_file, size
from pytest_bctrl.traffic.recordings.exchange import Exchange, Recording
from pytest_bctrl.traffic.recordings.har_file import load
from pytest_bctrl.traffic.recordings.har_read import AGAIN, salvage
from pytest_bctrl.traffic.recordings.har_write import encode


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of saving: whether the file was written, and what could not be kept in it.

    `aside` is where a file lies now that held what could not be read, `dropped` names the tests that lost entries by
    it: none where nothing in the file could be told apart.
    """

    was_written: bool
    aside: Path | None = None
    dropped: tuple[str, ...] = ()


def save(path: Path, test: str, exchanges: Sequence[Exchange], target: str, recorded_at: str) -> Saved:
    """Put the exchanges of `test` in place of those it has in the file; others' stay.

    Where method, URL, status and bodies are what the file holds already, the file is left byte for byte. A broken
    file keeps its whole entries; where others than those of `test` are broken, or nothing can be read, it is first
    set aside under another name. One from a newer version is left, and `DocumentError` is raised. A file that would
    hold nothing is removed. Raises `DocumentError` where it cannot be written, and `BctrlError` where another process
    has its lock for too long.
    """
    if not exchanges and not path.exists():
        return Saved(was_written=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _saved(path, test, exchanges, target, recorded_at)
    except OSError as error:
        raise DocumentError(
            f"it cannot be written: {error.strerror}", where=str(path), mend="name another --bctrl-recordings"
        ) from None


def _saved(path: Path, test: str, exchanges: Sequence[Exchange], target: str, recorded_at: str) -> Saved:
    with locking.held(path) as part:
        old = _old(path)
        # What another tool wrote was never searched for secrets, so none of it is written again.
        theirs = tuple(one for one in old.recording.exchanges if one.test != test and old.recording.is_ours)
        own = tuple(one for one in old.recording.exchanges if one.test == test)
        if old.is_whole and [_essence(one) for one in own] == [_essence(one) for one in exchanges]:
            return Saved(was_written=False)
        dropped = tuple(dict.fromkeys(one for one in old.broken if one != test))
        aside = _set_aside(path) if dropped or not old.is_readable else None
        merged = sorted((*theirs, *exchanges), key=lambda one: one.test)
        if merged:
            data = encode(Recording(tuple(merged), target, recorded_at))
            if len(data) > MOST:
                mend = "record into several files: bctrl_recording(name)"
                raise DocumentError(f"it would be larger than {size(MOST)}, which is not read again", str(path), mend)
            locking.fill(part, data, path)
            part.replace(path)
        else:
            path.unlink(missing_ok=True)
        return Saved(was_written=True, aside=aside, dropped=dropped)


@dataclass(frozen=True, slots=True)
class _Old:
    recording: Recording = field(default_factory=Recording)
    broken: tuple[str, ...] = ()
    is_whole: bool = True
    is_readable: bool = True


def _essence(exchange: Exchange) -> tuple[object, ...]:
    """What makes a re-recording another one: not the time, nor a request id."""
    return (
        exchange.method,
        exchange.url,
        exchange.base_path,
        exchange.status,
        exchange.header("content-type"),
        exchange.body,
        exchange.request_body,
        exchange.contract,
    )


def _old(path: Path) -> _Old:
    try:
        return _Old(load(path) or Recording())
    except DocumentError as error:
        if error.mend != AGAIN or not path.is_file():
            raise
    try:
        data = read_file(path)
        if not data.strip():
            return _Old(is_whole=False)
        return _Old(*salvage(data, str(path)), is_whole=False)
    except (DocumentError, OSError):
        return _Old(is_whole=False, is_readable=False)


def _set_aside(path: Path) -> Path:
    """Move the file to a name beside it that is free."""
    aside = path.with_name(f"{path.name}.broken")
    number = 1
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"{path.name}.broken-{number}")
    try:
        path.rename(aside)
    except OSError as error:
        raise DocumentError(
            f"it is broken and cannot be set aside: {error.strerror}", where=str(path), mend="move it away by hand"
        ) from None
    return aside


def was_set_aside(path: Path) -> bool:
    """Whether a broken file of this name lies beside it, with what some test has lost."""
    return path.with_name(f"{path.name}.broken").exists()
