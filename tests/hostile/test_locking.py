"""Locks that others hold, remove or replace, and the files that killed processes leave."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pytest_bctrl.errors import BctrlError, DocumentError
from pytest_bctrl.files import locking
from pytest_bctrl.traffic.recordings.har_file import load, save
from tests.recordings.recorded_exchange import recorded_exchange

HOLDER = """
import sys
from pathlib import Path
from pytest_bctrl.files.locking import locked
with locked(Path(sys.argv[1])) as part:
    part.write_text("half of")
    print(flush=True)
    sys.stdin.read()
"""


def save_recording(path: Path, test: str = "t") -> bool:
    """Save an exchange of a test to a recording, and return whether it was written."""
    return save(path, test, [recorded_exchange("GET", "http://x.test/", 200, body=b"1", test=test)], "mock", "now")


def lock_of(path: Path) -> Path:
    """Return the path of the lock of a file, which is not locked any more."""
    with locking.locked(path):
        (lock,) = path.parent.glob(".*.lock")
    return lock


@contextmanager
def held_by_another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold the lock of a file in another process, which has begun to write it; yield that process."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        yield holder
    finally:
        holder.kill()
        holder.communicate()


def test_a_lock_held_by_another_process_times_out_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is released, the same save succeeds and leaves no lock."""
    path = tmp_path / "x.har"
    lock = lock_of(path)
    monkeypatch.setattr(locking, "TIMEOUT", 0.1)

    with held_by_another_process(path) as holder:
        with pytest.raises(BctrlError) as caught:
            save_recording(path)
        assert 2 == len(list(tmp_path.iterdir()))
        holder.communicate("")

    assert f"{lock}: another process has held it for more than 0.1 s" in str(caught.value)
    assert save_recording(path)
    assert [path] == list(tmp_path.iterdir())


def test_files_left_by_a_killed_process_are_removed_by_the_next_write(tmp_path: Path) -> None:
    """These are its lock and its unfinished file."""
    path = tmp_path / f"{'x' * 100}.har"
    with held_by_another_process(path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert [".lock", ".part"] == sorted(path.suffix for path in tmp_path.iterdir())

    save_recording(path)

    assert [path] == list(tmp_path.iterdir())


IN_THE_WAY: dict[str, Callable[[Path], object]] = {
    "folder": lambda lock: lock.mkdir(),
    "link": lambda lock: lock.symlink_to("/surely/not/there"),
    "pipe": lambda lock: os.mkfifo(lock),
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_an_unusable_lock_file_fails_only_the_save(tmp_path: Path, name: str) -> None:
    """With a folder, a link or the like in its place, saving a recording is an error and writes nothing."""
    path = tmp_path / "x.har"
    lock = lock_of(path)
    IN_THE_WAY[name](lock)

    with pytest.raises(BctrlError, match=r"x\.har") as caught:
        save_recording(path)

    assert "it cannot be written: " in str(caught.value) or f"{lock}: this user cannot take the lock" in str(
        caught.value
    )
    assert not path.exists()


def test_the_lock_of_another_user_is_an_error() -> None:
    """Saving raises `BctrlError`. As root, who can open any file, the test becomes another user meanwhile."""
    with TemporaryDirectory() as name:
        path = Path(name) / "x.har"
        Path(name).chmod(0o777)
        lock_of(path).touch(0)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(BctrlError, match=r"lock: this user cannot take the lock: Permission .*remove it"):
                save_recording(path)
        finally:
            os.seteuid(before)


def test_a_folder_of_another_user_is_an_error_about_the_file() -> None:
    """Saving raises `DocumentError` that names the recording, not the lock, because no lock exists."""
    with TemporaryDirectory() as name:
        path = Path(name) / "x.har"
        Path(name).chmod(0o555)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(DocumentError, match=r"x\.har: it cannot be written: Permission denied"):
                save_recording(path)
        finally:
            os.seteuid(before)
            Path(name).chmod(0o755)


def test_a_removed_lock_file_is_not_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`locked` tries again if its file was removed or replaced after it was opened and before it was locked."""
    path = tmp_path / "x.har"
    lock = lock_of(path)
    real_flock = fcntl.flock
    turns = ["removed", "another there", "left"]

    def flock(file: int, operation: int) -> None:
        if operation & fcntl.LOCK_EX and turns:
            turn = turns.pop(0)
            if turn != "left":
                lock.unlink()
            if turn == "another there":
                lock.touch()
        real_flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with locking.locked(path):
        assert [] == turns
        assert lock.exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def test_a_file_system_without_locks_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """`flock` fails: saving raises `DocumentError` that says to name another folder of recordings."""

    def flock(_file: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(DocumentError, match=r"x\.har: it cannot be written: .*name another --bctrl-recordings"):
        save_recording(tmp_path / "x.har")


def test_concurrent_saves_lose_no_entries(tmp_path: Path) -> None:
    """24 tests save to one recording from eight threads."""
    path = tmp_path / "x.har"
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda number: save_recording(path, f"t{number}"), range(24)))

    recording = load(path)
    assert recording is not None
    assert {f"t{number}" for number in range(24)} == {exchange.test for exchange in recording.exchanges}
    assert [path] == list(tmp_path.iterdir())
