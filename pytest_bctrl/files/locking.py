"""Files that are replaced as a whole, by one process at a time."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_bctrl.errors import BctrlError

TIMEOUT = 30.0
"""Seconds to wait for another process that holds a lock."""

_POLL_SECONDS = 0.02


@contextmanager
def locked(path: Path) -> Iterator[Path]:
    """Lock `path`, and yield the path of a temporary file, which the caller writes and moves to `path`.

    The lock is a file beside it, too; both are removed afterwards. A temporary file that a killed process left is
    removed. Raises `BctrlError`, which names the lock, if another process holds it for too long, or if it cannot be
    opened; and `OSError`.
    """
    from hashlib import sha256

    # Importing filelock takes a moment, and most runs write no file.
    from filelock import FileLock, Timeout

    digest = sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    lock, part = (path.with_name(f".{path.name[:40]}.{digest}.{suffix}") for suffix in ("lock", "part"))
    # filelock would create a missing folder, and lock a pipe.
    path.parent.stat()
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(lock.lstat().st_mode):
            raise _lock_error(lock, "not a regular file")
    file_lock = FileLock(lock, TIMEOUT, poll_interval=_POLL_SECONDS, fallback_to_soft=False)
    try:
        file_lock.acquire()
    except Timeout:
        problem = f"another process has held it for more than {TIMEOUT:g} s"
        raise BctrlError(problem, where=str(lock), hint="wait for that process, or end it") from None
    except PermissionError as error:
        if not os.path.lexists(lock):
            raise
        raise _lock_error(lock, str(error.strerror)) from None
    try:
        part.unlink(missing_ok=True)
        yield part
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        # filelock leaves the file. Removed while it is held, it is not yet the file of another process; those that wait
        # for it notice that it is gone, and open a new one.
        with suppress(OSError):
            lock.unlink()
        file_lock.release()


def _lock_error(lock: Path, problem: str) -> BctrlError:
    """Return the error for a lock that this user cannot take."""
    return BctrlError(f"this user cannot take the lock: {problem}", where=str(lock), hint="remove it")


def create(part: Path, path: Path) -> None:
    """Move a temporary file to `path`; raises `FileExistsError` if that exists with another content."""
    if path.is_file() and path.read_bytes() == part.read_bytes():
        return
    try:
        # Unlike `replace`, it never replaces a file that another program creates at this moment.
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:
        # The file system has no hard links.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        part.replace(path)


def write_part(part: Path, data: bytes, destination: Path, mode: int | None = None) -> None:
    """Write the temporary file that will replace `destination`, with the given mode or that of the file it replaces."""
    if mode is None and destination.exists():
        mode = destination.stat().st_mode & 0o777
    with part.open("xb") as file:
        if mode is not None:
            part.chmod(mode)
        file.write(data)
