"""Bodies that a tool keeps in files of their own, beside the HAR or in one archive with it (`_file`, Playwright)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from pytest_bctrl.incoming import MOST, TooLargeError, read_file, size

BROKEN = (BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, struct.error, zlib.error)
"""What reading a broken archive raises."""

_ENTRIES = 10_000
"""Files that an archive may hold: each costs memory before any is read."""

_NAMED = 2 * MOST
"""Bytes of attachments at most, each counted as often as it is named: that often its body is looked at."""


Attached: TypeAlias = Callable[[str], bytes]
"""Returns the body that is kept under a name; raises `AttachmentError`."""


class AttachmentError(Exception):
    """A body that is kept in a file of its own cannot be had; its text says why."""


class Attachments:
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
        except BROKEN as error:
            raise AttachmentError(f"it cannot be read: {error}") from None
        except OSError as error:
            raise AttachmentError(f"it cannot be read: {error.strerror}") from None
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


def nowhere(name: str) -> bytes:
    """Have no attachments, as a HAR on standard input has none."""
    raise AttachmentError("a HAR that comes without its folder has no attachments")


def beside(har: Path) -> Attachments:
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
            raise AttachmentError("it is no name of a file") from None

    return Attachments(read)


def archived(archive: ZipFile) -> Attachments:
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
            body = file.read(most + 1)
        if len(body) > most:
            raise TooLargeError("")
        return body

    return Attachments(read)


def require_few(archive: Path) -> None:
    """Raise `TooLargeError` for an archive that is large itself, or holds very many files; raises `OSError` too."""
    if archive.stat().st_size > MOST:
        raise TooLargeError(f"it is larger than {size(MOST)}")
    with archive.open("rb") as file:
        entries = sum(chunk.count(b"PK\x01\x02") for chunk in iter(lambda: file.read(1024 * 1024), b""))
    if entries > _ENTRIES:
        raise TooLargeError(f"it holds more than {_ENTRIES:,} files")
