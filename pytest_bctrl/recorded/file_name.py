"""Names of files that every file system takes, and keeps apart: a recording is committed, and checked out elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

_LONGEST = 100
_ODD = re.compile(r"[^A-Za-z0-9_.,=+@\[\]-]+")
_REFUSED = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
# Devices on Windows, in any case and whatever follows a dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)", re.IGNORECASE)


def file_name(names: Sequence[str]) -> str:
    """Return the name of a test's file, without a suffix, from the names of its classes and its own.

    A digest keeps two tests apart where letters had to go, and where the test's own name has capital letters: Windows
    and macOS have one file for `test_it[a]` and `test_it[A]`. Classes keep their capitals: that two of one file
    differ in nothing else is not expected.
    """
    name = ".".join(names)
    plain = _ODD.sub("-", name)
    safe = f"_{plain}" if _DEVICE.match(plain) else plain
    if plain == name and len(name) <= _LONGEST and names[-1] == names[-1].lower():
        return safe
    return f"{safe[:_LONGEST]}-{sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def is_portable(name: str) -> bool:
    """Tell whether a name with `/` between its parts is one of a file below a folder, on every file system."""
    return all(
        part and not part.endswith((".", " ")) and not _REFUSED.search(part) and not _DEVICE.match(part)
        for part in name.split("/")
    )
