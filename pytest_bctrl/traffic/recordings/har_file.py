"""Reads recordings from files: HAR, or an archive that holds one with its attachments, as Playwright saves it.

Attachments are bodies that a tool keeps in files of their own (`_file`), beside the HAR or in one archive with it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.incoming import MOST, TooLargeError, read_file, size
from pytest_bctrl.traffic.recordings.exchange import Recording
from pytest_bctrl.traffic.recordings.har_read import AGAIN, AttachmentError, decode

_ARCHIVE = b"PK\x03\x04"
_BROKEN = (BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, struct.error, zlib.error)
"""What reading a broken archive raises."""

_ENTRIES = 10_000
"""Files that an archive may hold: each costs memory before any is read."""

_NAMED = 2 * MOST
"""Bytes of attachments at most, each counted as often as it is named: that often its body is looked at."""


def load(path: Path, mend: str = AGAIN, name: str = "") -> Recording | None:
    """Return the recording in a file, None where there is no such file; raises `DocumentError` as `decode` does.

    `name` is what an error calls the file, in place of its path.
    """
    shown = name or str(path)
    try:
        if path.suffix.lower() == ".zip":
            return _unpacked(path, shown, mend)
        with path.open("rb") as file:
            if file.read(len(_ARCHIVE)) == _ARCHIVE:
                raise DocumentError("it is an archive, and its name is that of a HAR", shown, "name it .zip")
        # The bytes get no name here: while a large file is parsed, holding on to them costs more than the parsing.
        return decode(read_file(path), shown, mend, beside(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DocumentError(f"it cannot be read: {error.strerror or error}", where=shown, mend=mend) from None


def _unpacked(path: Path, name: str, mend: str) -> Recording:
    _require_few(path)
    with ExitStack() as opened:
        with _reported(name, mend):
            archive = opened.enter_context(ZipFile(path))
            attached = _archived(archive)
        hars = [one for one in archive.namelist() if one.endswith(".har")]
        if len(hars) != 1:
            raise DocumentError(f"it is an archive of {len(hars)} .har files, and not of one", name, mend)
        return decode(_har(attached, hars[0], name, mend), f"{name}: {hars[0]}", mend, attached)


def _har(attached: _Attachments, har: str, name: str, mend: str) -> bytes:
    with _reported(name, mend):
        return attached.unpacked(har)


@contextmanager
def _reported(name: str, mend: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise DocumentError(f"it is no archive that can be read: {error}", where=name, mend=mend) from None


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
        except _BROKEN as error:
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
            raise AttachmentError("it is no name of a file") from None

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
            body = file.read(most + 1)
        if len(body) > most:
            raise TooLargeError("")
        return body

    return _Attachments(read)


def _require_few(archive: Path) -> None:
    """Raise `TooLargeError` for an archive that is large itself, or holds very many files; raises `OSError` too."""
    if archive.stat().st_size > MOST:
        raise TooLargeError(f"it is larger than {size(MOST)}")
    with archive.open("rb") as file:
        entries = sum(chunk.count(b"PK\x01\x02") for chunk in iter(lambda: file.read(1024 * 1024), b""))
    if entries > _ENTRIES:
        raise TooLargeError(f"it holds more than {_ENTRIES:,} files")
