"""The path and name of a test's recording, and the summary of recordings at the end of a run.

File names are valid and distinct on every file system, because recordings are committed and checked out elsewhere.
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
from pytest_bctrl.settings import lookup, table

SUFFIX = ".har"
FOLDER = "recordings"
_MAX_LENGTH = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9_.,=+@\[\]-]+")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
# Device names on Windows, in any case and with any suffix after a dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RecordingPath:
    """The file of a test's recording, the test's name in it, and the command that records it.

    `shown` is the path as messages show it.
    """

    path: Path
    test: str
    hint: str
    shown: str
    conforming: bool = True


def recording_path(item: pytest.Item, environment: Mapping[str, str]) -> RecordingPath:
    """Return file, test name and record command of a test's recording; raises `SettingError` for an invalid mark."""
    name, conforming = _marker_arguments(item)
    names = [node.name for node in item.listchain() if isinstance(node, pytest.Class | pytest.Item)]
    folder = _recordings_folder(item, environment)
    if name is None:
        file = Path(item.path.stem)
        is_sibling = folder == item.path.parent / FOLDER
        if not is_sibling and item.path.is_relative_to(item.config.rootpath):
            # All recordings are in one folder, so the folders of the test files are needed to keep them apart.
            file = item.path.relative_to(item.config.rootpath).with_suffix("")
        path = folder / file / f"{recording_name(names)}{SUFFIX}"
    else:
        path = folder / f"{name.removesuffix(SUFFIX)}{SUFFIX}"
    hint = f"{_RECORD_COMMAND} {shlex.quote(item.nodeid)}"
    return RecordingPath(path, "::".join([item.path.name, *names]), hint, displayed_path(path), conforming)


def _marker_arguments(item: pytest.Item) -> tuple[str | None, bool]:
    """Return name and `conforming` of the marker `bctrl_recording`: None and True without it; raises `SettingError`."""
    marker = item.get_closest_marker("bctrl_recording")
    if marker is None:
        return None, True
    arguments = dict(zip(("name", "conforming"), marker.args, strict=False)) | dict(marker.kwargs)
    name, conforming = arguments.pop("name", None), arguments.pop("conforming", True)
    if arguments or len(marker.args) > 2 or not isinstance(conforming, bool) or not isinstance(name, str | None):
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


def _recordings_folder(item: pytest.Item, environment: Mapping[str, str]) -> Path:
    """Return the folder of the recordings: that of the option or ini key, else `recordings` beside the test file."""
    config = item.config
    setting = lookup.find_value(table.RECORDINGS, config, environment)
    if setting is None:
        return item.path.parent / FOLDER
    # A path on the command line is relative to the current folder, a path in a file to the folder of that file.
    if setting.is_ini:
        return config.rootpath / setting.value
    return config.invocation_params.dir / setting.value


def displayed_path(path: str | Path) -> str:
    """Return the path relative to the current folder, or unchanged if it is on another drive."""
    try:
        return os.path.relpath(path)
    except ValueError:  # pragma: no cover - another drive
        return str(path)


def recording_name(names: Sequence[str]) -> str:
    """Return the name of a test's recording, without a suffix, from the names of its classes and of the test.

    A digest distinguishes two tests if characters had to be replaced, or if the test's name has capital letters:
    Windows and macOS have one file for `test_it[a]` and `test_it[A]`. Two classes of one file are not expected to
    differ in their capitals alone.
    """
    name = ".".join(names)
    safe = plain = _UNSAFE.sub("-", name)
    if _DEVICE.match(plain):
        safe = f"_{plain}"
    if plain == name and len(name) <= _MAX_LENGTH and names[-1] == names[-1].lower():
        return safe
    return f"{safe[:_MAX_LENGTH]}-{sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def is_portable(name: str) -> bool:
    """Return whether a name, with `/` between its parts, is a valid relative path on every file system."""
    return all(
        part and not part.endswith((".", " ")) and not _FORBIDDEN.search(part) and not _DEVICE.match(part)
        for part in name.split("/")
    )


_RECORD_COMMAND = "pytest --bctrl-record-mode=rewrite --bctrl-live"


def show(reporter: pytest.TerminalReporter, outcomes: Sequence[Mapping[str, Any]], unused: Iterable[Path] = ()) -> None:
    """Write the summary of recordings to the terminal, if it is not empty; `unused` belong to no test."""
    lines = [
        *summary_lines(outcomes),
        *(f"no test uses it: {displayed_path(path)}; delete it" for path in unused),
    ]
    if lines:
        reporter.section("bctrl recordings")
        for line in lines:
            reporter.write_line(escape_line(line))


def summary_lines(outcomes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of the summary: each message once per file, however many tests share it."""
    for path in _paths_with(outcomes, "written"):
        yield f"written: {displayed_path(path)}"
    for path in _paths_with(outcomes, "stale"):
        yield f"stale: {displayed_path(path)} was recorded under another contract, and conforms to this one"
        yield f"  record it again: {_RECORD_COMMAND}"
    for path in _paths_with(outcomes, "path"):
        unused = _unused_entries([outcome for outcome in outcomes if outcome["path"] == path])
        if unused:
            yield f"never used: {displayed_path(path)}"
            yield from (f"  {name}" for name in unused)


def _unused_entries(outcomes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the entries of one file that no test used."""
    used = {name for outcome in outcomes for name in outcome["used"]}
    names = dict.fromkeys(name for outcome in outcomes for name in outcome["unused"])
    return [name for name in names if name not in used]


def _paths_with(outcomes: Iterable[Mapping[str, Any]], key: str) -> list[str]:
    """Return the paths of recordings whose outcome has a true value under a key, sorted, each once."""
    return sorted({outcome["path"] for outcome in outcomes if outcome[key]})
