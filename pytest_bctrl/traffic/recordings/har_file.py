"""Reads and writes recordings: HAR files, and archives with one HAR and its attachments, as Playwright saves them.

A file is written atomically, and under a lock, because several tests may share it.

Attachments are bodies that a tool keeps in separate files (`_file`), beside the HAR or in the same archive.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files import locking
from pytest_bctrl.files.limits import MOST, TooLargeError, read_file, read_stream, size
from pytest_bctrl.traffic.recordings.exchange import Exchange, Recording, encode
from pytest_bctrl.traffic.recordings.har_read import SAVE_AGAIN, AttachmentError, decode

RECORD_AGAIN = "restore it, or delete it and record again: pytest --bctrl-record-mode=rewrite"

_ARCHIVE = b"PK\x03\x04"
_ARCHIVE_ERRORS = (BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, struct.error, zlib.error)
"""The exceptions raised by reading a damaged archive."""

_MAX_FILES = 10_000
"""Maximum number of files in an archive: each uses memory before any is read."""

_MAX_REFERENCED = 2 * MOST
"""Maximum size of all attachments, each counted once per reference, because its body is checked that often."""


def load(path: Path, hint: str = SAVE_AGAIN, name: str = "") -> Recording | None:
    """Return the recording in a HAR or archive, or None if the file does not exist. Raises `DocumentError`.

    Errors show `name` in place of the path.
    """
    shown = name or str(path)
    try:
        if path.suffix.lower() == ".zip":
            return _load_archive(path, shown, hint)
        with path.open("rb") as file:
            if file.read(len(_ARCHIVE)) == _ARCHIVE:
                raise DocumentError("it is an archive, and its name is that of a HAR", shown, "name it .zip")
        # The bytes are not assigned to a variable: keeping those of a large file costs more memory than parsing them.
        return decode(read_file(path), shown, hint, attachments_beside(path))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        hint = "give this user the right to read it"
        raise DocumentError(f"it cannot be read: {error.strerror}", where=shown, hint=hint) from None
    except OSError as error:
        raise DocumentError(f"it cannot be read: {error.strerror or error}", where=shown, hint=hint) from None


def _load_archive(path: Path, name: str, hint: str) -> Recording:
    """Return the recording in the only HAR of an archive, with its attachments. Raises `DocumentError`."""
    _require_small_archive(path)
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(ZipFile(path))
            attachments = _attachments_in(archive)
            har_names = [member for member in archive.namelist() if member.endswith(".har")]
            if len(har_names) != 1:
                problem = f"it is an archive of {len(har_names)} .har files, and not of one"
                raise DocumentError(problem, name, hint)
            # A list, from which the bytes are popped: a variable would keep them while they are parsed.
            data = [attachments.read_counted(har_names[0])]
        except _ARCHIVE_ERRORS as error:
            raise DocumentError(f"it cannot be read as an archive: {error}", where=name, hint=hint) from None
        return decode(data.pop(), f"{name}: {har_names[0]}", hint, attachments)


class _Attachments:
    """Returns the body of an attachment; reads each one once, up to a limit on their total size."""

    def __init__(self, read: Callable[[str, int], bytes]) -> None:
        self._read = read
        self._bodies: dict[str, bytes] = {}
        self._unread = MOST
        self._referenced = 0

    def __call__(self, name: str) -> bytes:
        """Return the body of an attachment, read once; raises `AttachmentError`."""
        try:
            if name not in self._bodies:
                self._bodies[name] = self.read_counted(name)
        except (*_ARCHIVE_ERRORS, OSError) as error:
            raise AttachmentError(f"it cannot be read: {getattr(error, 'strerror', error)}") from None
        self._referenced += len(self._bodies[name])
        if self._referenced > _MAX_REFERENCED:
            raise AttachmentError(f"the entries name attachments of more than {size(_MAX_REFERENCED)} in all")
        return self._bodies[name]

    def read_counted(self, name: str) -> bytes:
        """Read a file, and count its size towards the limit; raises the errors of reading, and `TooLargeError`."""
        try:
            body = self._read(name, self._unread)
        except TooLargeError:
            raise TooLargeError(f"with it, more than {size(MOST)} would be read") from None
        self._unread -= len(body)
        return body


def attachments_beside(har: Path) -> _Attachments:
    """Return a reader of attachments in the folder of `har`; it raises `AttachmentError` for links that lead out."""

    def read(name: str, limit: int) -> bytes:
        """Return an attachment of at most `limit` bytes; raises `AttachmentError` if it is not a file in the folder."""
        folder = har.parent.resolve()
        try:
            file = (folder / name).resolve()
            if not file.is_relative_to(folder):
                raise AttachmentError("it lies outside the folder of the HAR")
            if not file.is_file():
                raise AttachmentError("the file is not beside the HAR")
            return read_file(file, limit)
        except ValueError:
            raise AttachmentError("it is not a file name") from None

    return _Attachments(read)


def _attachments_in(archive: ZipFile) -> _Attachments:
    """Return a reader of attachments in an archive; raises `BadZipFile` if its entries overlap."""
    members = archive.infolist()
    if len({member.header_offset for member in members}) < len(members):
        raise BadZipFile("its entries overlap")

    def read(name: str, limit: int) -> bytes:
        """Return an attachment of at most `limit` bytes; raises `AttachmentError` if none, and `BadZipFile`."""
        try:
            member = archive.getinfo(name)
        except KeyError:
            raise AttachmentError("the file is not in the archive") from None
        if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BadZipFile("it is packed in another way than deflate")
        with archive.open(member) as file:
            return read_stream(file, limit)

    return _Attachments(read)


def _require_small_archive(path: Path) -> None:
    """Raise `TooLargeError` if the archive itself is large or holds too many files; raises `OSError` too."""
    if path.stat().st_size > MOST:
        raise TooLargeError(f"it is larger than {size(MOST)}")
    with path.open("rb") as file:
        files = 0
        while chunk := file.read(1024 * 1024):
            files += chunk.count(b"PK\x01\x02")
    if files > _MAX_FILES:
        raise TooLargeError(f"it holds more than {_MAX_FILES:,} files")


def save(
    path: Path,
    test: str,
    exchanges: Sequence[Exchange],
    target: str,
    recorded_at: str,
    hint: str = RECORD_AGAIN,
    option: str = "--bctrl-recordings",
) -> bool:
    """Replace the exchanges of `test` in the file, keep those of other tests, and return whether the file changed.

    If method, URL, status and bodies are the same as in the file, the file is left as it is. A file that would be
    empty is removed. Raises `DocumentError`, and changes nothing, if the file is damaged or comes from a newer version,
    or if it cannot be written; and `BctrlError` if another process holds its lock for too long. An error about the
    content has `hint`; `option` is the one that names the file.
    """
    if not exchanges and not path.exists():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _save_test(path, test, exchanges, target, recorded_at, hint)
    except OSError as error:
        raise DocumentError(
            f"it cannot be written: {error.strerror}", where=str(path), hint=f"name another {option}"
        ) from None


def _save_test(path: Path, test: str, exchanges: Sequence[Exchange], target: str, recorded_at: str, hint: str) -> bool:
    """Replace the exchanges of a test in the file, under a lock; return whether the file changed or was removed.

    Raises `DocumentError` if the file was edited or would be too large.
    """
    with locking.locked(path) as part:
        old = load(path, hint) or Recording()
        old_exchanges = [exchange for exchange in old.exchanges if exchange.test == test]
        if [_comparable(exchange) for exchange in old_exchanges] == [_comparable(exchange) for exchange in exchanges]:
            return False
        others = [exchange for exchange in old.exchanges if exchange.test != test]
        if not old.is_ours:
            if any(exchange.test for exchange in others):
                problem = "it has recordings of other tests, and log._bctrlFormat is missing: it was edited"
                raise DocumentError(problem, where=str(path), hint=hint)
            # The files of other tools were never searched for secrets, so nothing in them is written again.
            others = []
        merged = sorted((*others, *exchanges), key=attrgetter("test"))
        if not merged:
            path.unlink(missing_ok=True)
            return True
        data = encode(Recording(tuple(merged), target, recorded_at))
        if len(data) > MOST:
            problem = f"it would be larger than {size(MOST)}, which is not read again"
            raise DocumentError(problem, str(path), "record into several files: bctrl_recording(name)")
        locking.write_part(part, data, path)
        part.replace(path)
        return True


def _comparable(exchange: Exchange) -> tuple[object, ...]:
    """Return the values that decide whether an exchange changed: method, URLs, status, bodies, contract, media type."""
    compared = attrgetter("method", "url", "base_path", "status", "body", "request_body", "contract")
    return *compared(exchange), exchange.header("content-type")
