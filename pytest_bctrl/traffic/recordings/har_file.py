"""Recordings on disk: HAR, or an archive that holds one with its attachments, as Playwright saves it.

One is written whole or not at all, and merged under a lock where several tests share one name.

Attachments are bodies that a tool keeps in files of their own (`_file`), beside the HAR or in one archive with it.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, count
from operator import attrgetter
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files import locking
from pytest_bctrl.files.limits import MOST, TooLargeError, read_file, read_stream, size
from pytest_bctrl.traffic.recordings.exchange import Exchange, Recording, encode
from pytest_bctrl.traffic.recordings.har_read import AGAIN, AttachmentError, decode, salvage

_ARCHIVE = b"PK\x03\x04"
_BROKEN = (BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, struct.error, zlib.error)
"""What reading a broken archive raises."""

_ENTRIES = 10_000
"""Files that an archive may hold: each costs memory before any is read."""

_NAMED = 2 * MOST
"""Bytes of attachments at most, each counted as often as it is named: that often its body is looked at."""


def load(path: Path, hint: str = AGAIN, name: str = "") -> Recording | None:
    """Return the recording in a file, None where there is no such file; raises `DocumentError` as `decode` does.

    `name` is what an error calls the file, in place of its path.
    """
    shown = name or str(path)
    try:
        if path.suffix.lower() == ".zip":
            return _unpacked(path, shown, hint)
        with path.open("rb") as file:
            if file.read(len(_ARCHIVE)) == _ARCHIVE:
                raise DocumentError("it is an archive, and its name is that of a HAR", shown, "name it .zip")
        # The bytes get no name here: while a large file is parsed, holding on to them costs more than the parsing.
        return decode(read_file(path), shown, hint, beside(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DocumentError(f"it cannot be read: {error.strerror or error}", where=shown, hint=hint) from None


def _unpacked(path: Path, name: str, hint: str) -> Recording:
    _require_few(path)
    with ExitStack() as opened:
        try:
            archive = opened.enter_context(ZipFile(path))
            attached = _archived(archive)
            hars = [one for one in archive.namelist() if one.endswith(".har")]
            # Popped, as a name would keep the bytes while they are parsed.
            data = [attached.unpacked(hars[0])] if len(hars) == 1 else []
        except _BROKEN as error:
            raise DocumentError(f"it cannot be read as an archive: {error}", where=name, hint=hint) from None
        if not data:
            raise DocumentError(f"it is an archive of {len(hars)} .har files, and not of one", name, hint)
        return decode(data.pop(), f"{name}: {hars[0]}", hint, attached)


class _Attachments:
    """Gives the body that is kept under a name; each is read once, and all of them together are bounded."""

    def __init__(self, read: Callable[[str, int], bytes]) -> None:
        self._read = read
        self._kept: dict[str, bytes] = {}
        self._left = MOST
        self._named = 0

    def __call__(self, name: str) -> bytes:
        """Return a body; raises `AttachmentError`."""
        try:
            if name not in self._kept:
                self._kept[name] = self.unpacked(name)
        except (*_BROKEN, OSError) as error:
            raise AttachmentError(f"it cannot be read: {getattr(error, 'strerror', error)}") from None
        self._named += len(self._kept[name])
        if self._named > _NAMED:
            raise AttachmentError(f"the entries name attachments of more than {size(_NAMED)} in all")
        return self._kept[name]

    def unpacked(self, name: str) -> bytes:
        """Return what is kept under a name, and count it; raises what reading it raises, and `TooLargeError`."""
        try:
            body = self._read(name, self._left)
        except TooLargeError:
            raise TooLargeError(f"with it, more than {size(MOST)} would be read") from None
        self._left -= len(body)
        return body


def beside(har: Path) -> _Attachments:
    """Return what reads attachments from the folder of `har`, and never from outside it, links included."""

    def read(name: str, most: int) -> bytes:
        folder = har.parent.resolve()
        try:
            file = (folder / name).resolve()
            if not file.is_relative_to(folder):
                raise AttachmentError("it lies outside the folder of the HAR")
            if not file.is_file():
                raise AttachmentError("there is no such file beside the HAR")
            return read_file(file, most)
        except ValueError:
            raise AttachmentError("it is not a file name") from None

    return _Attachments(read)


def _archived(archive: ZipFile) -> _Attachments:
    """Return what reads attachments from an archive; raises `BadZipFile` where its entries overlap."""
    entries = archive.infolist()
    if len({one.header_offset for one in entries}) < len(entries):
        raise BadZipFile("its entries overlap")

    def read(name: str, most: int) -> bytes:
        try:
            entry = archive.getinfo(name)
        except KeyError:
            raise AttachmentError("there is no such file in the archive") from None
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BadZipFile("it is packed in another way than deflate")
        with archive.open(entry) as file:
            return read_stream(file, most)

    return _Attachments(read)


def _require_few(archive: Path) -> None:
    """Raise `TooLargeError` for an archive that is large itself, or holds very many files; raises `OSError` too."""
    if archive.stat().st_size > MOST:
        raise TooLargeError(f"it is larger than {size(MOST)}")
    with archive.open("rb") as file:
        entries = sum(chunk.count(b"PK\x01\x02") for chunk in iter(lambda: file.read(1024 * 1024), b""))
    if entries > _ENTRIES:
        raise TooLargeError(f"it holds more than {_ENTRIES:,} files")


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
            f"it cannot be written: {error.strerror}", where=str(path), hint="name another --bctrl-recordings"
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
                hint = "record into several files: bctrl_recording(name)"
                raise DocumentError(f"it would be larger than {size(MOST)}, which is not read again", str(path), hint)
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
    compared = attrgetter("method", "url", "base_path", "status", "body", "request_body", "contract")
    return *compared(exchange), exchange.header("content-type")


def _old(path: Path) -> _Old:
    try:
        return _Old(load(path) or Recording())
    except DocumentError as error:
        if error.hint != AGAIN or not path.is_file():
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
    names = chain(["broken"], (f"broken-{number}" for number in count(2)))
    aside = next(one for name in names if not os.path.lexists(one := path.with_name(f"{path.name}.{name}")))
    try:
        path.rename(aside)
    except OSError as error:
        raise DocumentError(
            f"it is broken and cannot be set aside: {error.strerror}", where=str(path), hint="move it away by hand"
        ) from None
    return aside


def was_set_aside(path: Path) -> bool:
    """Whether a broken file of this name lies beside it, with what some test has lost."""
    return path.with_name(f"{path.name}.broken").exists()
