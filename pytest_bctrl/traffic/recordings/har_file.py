"""Reads and writes recordings: HAR files, and the bodies that a tool keeps in separate files beside them (`_file`).

A file is written atomically, and under a lock, because several tests may share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files import locking
from pytest_bctrl.files.limits import MOST, TooLargeError, read_file, size
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.traffic.recordings.har_read import SAVE_AGAIN, AttachmentError, decode
from pytest_bctrl.traffic.recordings.har_write import Recording, encode

RECORD_AGAIN = "restore it, or delete it and record again: pytest --bctrl-record-mode=rewrite"

_MAX_REFERENCED = 2 * MOST
"""Maximum size of all attachments, each counted once per reference, because its body is checked that often."""


def load(path: Path, hint: str = SAVE_AGAIN, name: str = "") -> Recording | None:
    """Return the recording in a HAR file, or None if the file does not exist. Raises `DocumentError`.

    Errors show `name` in place of the path.
    """
    shown = name or str(path)
    try:
        # The bytes are not assigned to a variable: keeping those of a large file costs more memory than parsing them.
        return decode(read_file(path), shown, hint, Attachments(path))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        hint = "give this user the right to read it"
        raise DocumentError(f"it cannot be read: {error.strerror}", where=shown, hint=hint) from None
    except OSError as error:
        raise DocumentError(f"it cannot be read: {error.strerror or error}", where=shown, hint=hint) from None


class Attachments:
    """Returns the body of an attachment beside a HAR file; reads each one once, up to a limit on their total size."""

    def __init__(self, har: Path) -> None:
        self._har = har
        self._bodies: dict[str, bytes] = {}
        self._unread = MOST
        self._referenced = 0

    def __call__(self, name: str) -> bytes:
        """Return the body of an attachment, read once; raises `AttachmentError`."""
        try:
            if name not in self._bodies:
                self._bodies[name] = self._read_counted(name)
        except OSError as error:
            raise AttachmentError(f"it cannot be read: {error.strerror}") from None
        self._referenced += len(self._bodies[name])
        if self._referenced > _MAX_REFERENCED:
            raise AttachmentError(f"the entries name attachments of more than {size(_MAX_REFERENCED)} in all")
        return self._bodies[name]

    def _read_counted(self, name: str) -> bytes:
        """Read a file, and count its size towards the limit; raises `OSError`, and `AttachmentError`."""
        path = self._path(name)
        try:
            body = read_file(path, self._unread)
        except TooLargeError:
            raise TooLargeError(f"with it, more than {size(MOST)} would be read") from None
        self._unread -= len(body)
        return body

    def _path(self, name: str) -> Path:
        """Return the path of an attachment; raises `AttachmentError` if it is not a file in the folder of the HAR."""
        folder = self._har.parent.resolve()
        try:
            path = (folder / name).resolve()
            if not path.is_relative_to(folder):
                raise AttachmentError("it lies outside the folder of the HAR")
            if not path.is_file():
                raise AttachmentError("the file is not beside the HAR")
        except ValueError:
            raise AttachmentError("it is not a file name") from None
        return path


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
    compared = attrgetter(
        "request.method", "request.url", "request.base_url", "status", "body", "request.body", "contract"
    )
    return *compared(exchange), exchange.header("content-type")
