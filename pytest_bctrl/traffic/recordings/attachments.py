"""Bodies that a tool keeps in files of their own, beside the HAR or in one archive with it (`_file`, Playwright)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from zipfile import BadZipFile, ZipFile

Attached: TypeAlias = Callable[[str], bytes]
"""Returns the body that is kept under a name; raises `AttachmentError`."""


class AttachmentError(Exception):
    """A body that is kept in a file of its own cannot be had; its text says why."""


def nowhere(name: str) -> bytes:
    """Have no attachments, as a HAR on standard input has none."""
    raise AttachmentError("a HAR that comes without its folder has no attachments")


def beside(har: Path) -> Attached:
    """Return what reads attachments from the folder of `har`, and never from outside it, links included."""

    def read(name: str) -> bytes:
        folder = har.parent.resolve()
        try:
            file = (folder / name).resolve()
            if not file.is_relative_to(folder):
                raise AttachmentError("it lies outside the folder of the HAR")
            return file.read_bytes()
        except FileNotFoundError:
            raise AttachmentError("there is no such file beside the HAR") from None
        except OSError as error:
            raise AttachmentError(f"it cannot be read: {error.strerror}") from None
        except ValueError:
            raise AttachmentError("it is no name of a file") from None

    return read


def archived(archive: ZipFile) -> Attached:
    """Return what reads attachments from an archive."""

    def read(name: str) -> bytes:
        try:
            return archive.read(name)
        except KeyError:
            raise AttachmentError("there is no such file in the archive") from None
        except (BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error) as error:
            raise AttachmentError(f"it cannot be read: {error}") from None

    return read
