"""Where the recording of a test lies, what it is called, and what the end of a run says of recordings.

Every file system takes the names of files, and keeps them apart: a recording is committed, and checked out elsewhere.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings import table

SUFFIX = ".har"
_FOLDER = "recordings"
_LONGEST = 100
_ODD = re.compile(r"[^A-Za-z0-9_.,=+@\[\]-]+")
_REFUSED = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
# Devices on Windows, in any case and whatever follows a dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """The file of a test's recording, the test's name in it, and the command that records it."""

    path: Path
    test: str
    hint: str
    shown: str
    conforming: bool = True


def place_of(item: pytest.Item, environment: Mapping[str, str]) -> Place:
    """Return where the recording of `item` is; raises `SettingError` for a mark that cannot be understood."""
    name, conforming = _marked(item)
    names = [node.name for node in item.listchain() if isinstance(node, pytest.Class | pytest.Item)]
    folder = _folder(item, environment)
    if name is None:
        # The test file without its suffix; with its folders, where all recordings are kept in one place.
        is_beside = folder == item.path.parent / _FOLDER or not item.path.is_relative_to(item.config.rootpath)
        file = Path(item.path.stem) if is_beside else item.path.relative_to(item.config.rootpath).with_suffix("")
        path = folder / file / f"{file_name(names)}{SUFFIX}"
    else:
        path = folder / f"{name.removesuffix(SUFFIX)}{SUFFIX}"
    hint = f"{_AGAIN} {shlex.quote(item.nodeid)}"
    return Place(path, "::".join([item.path.name, *names]), hint, shown(path), conforming)


def _marked(item: pytest.Item) -> tuple[str | None, bool]:
    marker = item.get_closest_marker("bctrl_recording")
    if marker is None:
        return None, True
    given = dict(zip(("name", "conforming"), marker.args, strict=False)) | dict(marker.kwargs)
    name, conforming = given.pop("name", None), given.pop("conforming", True)
    if given or len(marker.args) > 2 or not isinstance(conforming, bool) or not isinstance(name, str | None):
        raise SettingError(
            "the mark is not understood", where="bctrl_recording", hint='write bctrl_recording("name", conforming=True)'
        )
    if name is not None and not is_portable(name):
        raise SettingError(
            f"{name!r} is not a name for a recording",
            where="bctrl_recording",
            hint="give one below the folder that every file system takes: letters, digits, - and _, / for a folder",
        )
    return name, conforming


def _folder(item: pytest.Item, environment: Mapping[str, str]) -> Path:
    config = item.config
    found = settings.find_value(table.RECORDINGS, config, environment)
    if found is None:
        return item.path.parent / _FOLDER
    # A path on the command line is meant from where it was typed, one in a file from where that file is.
    return (config.rootpath if found.is_ini else config.invocation_params.dir) / found.value


def shown(path: str | Path) -> str:
    """The path as it is from here, or whole where no way leads there from here."""
    try:
        return os.path.relpath(path)
    except ValueError:  # pragma: no cover - another drive
        return str(path)


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


_AGAIN = "pytest --bctrl-record-mode=rewrite --bctrl-live"


def show(reporter: pytest.TerminalReporter, outcomes: Sequence[Mapping[str, Any]]) -> None:
    """Write the lines, where there are any."""
    lines = list(summary(outcomes))
    if lines:
        reporter.section("bctrl recordings")
        for line in lines:
            reporter.write_line(escape_line(line))


def summary(outcomes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each thing worth saying: once a file, however many tests share it."""
    for path in _paths(outcomes, "written"):
        yield f"written: {shown(path)}"
    for path in _paths(outcomes, "stale"):
        yield f"stale: {shown(path)} was recorded under another contract, and conforms to this one"
        yield f"  record it again: {_AGAIN}"
    for path in _paths(outcomes, "path"):
        here = [one for one in outcomes if one["path"] == path]
        used = {name for one in here for name in one["used"]}
        unused = dict.fromkeys(name for one in here for name in one["unused"] if name not in used)
        if unused:
            yield f"never used: {shown(path)}"
            yield from (f"  {name}" for name in unused)


def _paths(outcomes: Iterable[Mapping[str, Any]], key: str) -> list[str]:
    return sorted({one["path"] for one in outcomes if one[key]})
