"""Files that are written whole or not at all, by one process at a time, and what a killed process left of them."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from pytest_bctrl.errors import BctrlError

PATIENCE = 30.0
"""Seconds that another process is waited for."""

_TURN = 0.02
_OURS = re.compile(r"(\..+\.[0-9a-z_]{8})\.(?:part|lock)")
# A link is not followed, and a pipe is not waited for.
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@contextmanager
def held(path: Path, patience: float | None = None) -> Iterator[Path]:
    """Hold the lock of the file at `path`; gives the path of a new file beside it, to be filled and moved there.

    The lock is a file beside it too, which the system frees when its process dies; both are gone afterwards. What a
    killed process left of them is removed. Raises `BctrlError`, which names lock and holder, where another process
    has it for longer than `patience` seconds, or where something else lies there; and `OSError`.
    """
    from hashlib import sha256

    digest = sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    with _held(path.with_name(f".{path.name[:40]}.{digest}"), PATIENCE if patience is None else patience) as part:
        yield part


def fill(part: Path, data: bytes, place: Path, rights: int | None = None) -> None:
    """Write the new file that is to come to `place`, with the rights given or of what is there; raises `OSError`."""
    if rights is None and place.exists():
        rights = place.stat().st_mode & 0o777
    with part.open("xb") as file:
        if rights is not None:
            part.chmod(rights)
        file.write(data)


def sweep(folder: Path) -> None:
    """Remove locks and half-written files of dead processes from a folder; never raises."""
    with suppress(OSError):
        for stem in {found[1] for one in folder.iterdir() if (found := _OURS.fullmatch(one.name))}:
            with suppress(OSError, BctrlError), _held(folder / stem, 0):
                pass


@contextmanager
def _held(stem: Path, patience: float) -> Iterator[Path]:
    lock, part = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("lock", "part"))
    file = _taken(lock, patience)
    try:
        part.unlink(missing_ok=True)
        yield part
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        _give_back(file, lock)


def _taken(lock: Path, patience: float) -> int:
    until = monotonic() + patience
    while True:
        is_last, file = monotonic() >= until, _opened(lock)
        try:
            is_free = _take(file)
            if is_free and _is_at(file, lock):
                # That another process can tell who holds it is worth no error: the disk may be full.
                with suppress(OSError):
                    os.ftruncate(file, 0)
                    os.write(file, f"process {os.getpid()} on {_HOST}".encode())
                return file
            if is_last and not is_free:
                holder = os.read(file, 200).decode("utf-8", "replace") or "another process"
                raise BctrlError(
                    f"{holder} has held it for more than {patience:g} s", where=str(lock), hint="wait for it, or end it"
                )
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        sleep(_TURN)


def _is_at(file: int, lock: Path) -> bool:
    """Whether an open file is still there: who had the lock may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(file), lock.stat())
    except FileNotFoundError:
        return False


def _opened(lock: Path) -> int:
    try:
        file = os.open(lock, _FLAGS, 0o644)
    except OSError as error:
        if not os.path.lexists(lock):
            raise
        raise _not_taken(lock, str(error.strerror)) from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        # A pipe can be opened and locked on some systems, and is not the file of another process.
        os.close(file)
        raise _not_taken(lock, "not a regular file")
    return file


def _not_taken(lock: Path, problem: str) -> BctrlError:
    return BctrlError(f"this user cannot take the lock: {problem}", where=str(lock), hint="remove it")


if sys.platform == "win32":  # pragma: no cover - Windows
    import msvcrt

    _HOST = os.environ.get("COMPUTERNAME", "this machine")
    # Far behind the text, which others could not read else.
    _FAR = 1 << 20

    def _take(file: int) -> bool:
        os.lseek(file, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True

    def _give_back(file: int, lock: Path) -> None:
        # No file is removed that is open here; one that another process has open stays, and goes with that one.
        os.close(file)
        with suppress(OSError):
            lock.unlink()

else:
    import fcntl

    _HOST = os.uname().nodename

    def _take(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _give_back(file: int, lock: Path) -> None:
        # While it is held: else it might be another's by then.
        with suppress(OSError):
            lock.unlink()
        os.close(file)
