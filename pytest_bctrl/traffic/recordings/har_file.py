"""Reads recordings from files: HAR, or an archive that holds one with its attachments, as Playwright saves it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from zipfile import ZipFile

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.incoming import read_file
from pytest_bctrl.traffic.recordings.attachments import BROKEN, Attachments, archived, beside, require_few
from pytest_bctrl.traffic.recordings.exchange import Recording
from pytest_bctrl.traffic.recordings.har_read import AGAIN, decode

_ARCHIVE = b"PK\x03\x04"


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
    require_few(path)
    with ExitStack() as opened:
        with _reported(name, mend):
            archive = opened.enter_context(ZipFile(path))
            attached = archived(archive)
        hars = [one for one in archive.namelist() if one.endswith(".har")]
        if len(hars) != 1:
            raise DocumentError(f"it is an archive of {len(hars)} .har files, and not of one", name, mend)
        return decode(_har(attached, hars[0], name, mend), f"{name}: {hars[0]}", mend, attached)


def _har(attached: Attachments, har: str, name: str, mend: str) -> bytes:
    with _reported(name, mend):
        return attached.unpacked(har)


@contextmanager
def _reported(name: str, mend: str) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise DocumentError(f"it is no archive that can be read: {error}", where=name, mend=mend) from None
