"""Runs a command with a small file system in a folder, which only that command sees."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

SIZE = "2m"


def run_with_small_disk(folder: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command with a file system of 2 MB in a folder; skip the test if the system does not permit that."""
    mount = f'mount -t tmpfs -o size={SIZE} none "{folder}" && exec "$@"'
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    try:
        can_mount = 0 == subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode
    except OSError:
        can_mount = False
    if not can_mount:
        pytest.skip("this system lets its user mount no file system of its own (unshare --mount)")
    return subprocess.run([*prefix, *command], capture_output=True, text=True, check=False, timeout=300)


FILL = '''
from contextlib import contextmanager, suppress


@contextmanager
def full(disk):
    """Fill a file system, and make room again at the end."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"0" * 4096):
            pass
    # A block that is not full still has room.
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        while file.write(b"0"):
            pass
    try:
        yield
    finally:
        filler.unlink()
'''
"""Source of `full`, for programs that run with the small disk."""
