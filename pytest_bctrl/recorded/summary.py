"""What the end of a run says of recordings: written, stale, and never used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.recorded.place import shown

_AGAIN = 'pytest --bctrl-record-mode=rewrite --bctrl-live -m "not bctrl_contract"'


def show(reporter: pytest.TerminalReporter, told: Sequence[Mapping[str, Any]]) -> None:
    """Write the lines, where there are any."""
    lines = list(summary(told))
    if lines:
        reporter.section("bctrl recordings")
        for line in lines:
            reporter.write_line(line)


def summary(told: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each thing worth saying: once a file, however many tests share it."""
    for path in _paths(one for one in told if one["written"]):
        yield f"written: {shown(path)}"
    for one in told:
        if one["aside"]:
            yield from _set_aside(one)
    for path in _paths(one for one in told if one["stale"]):
        yield f"stale: {shown(path)} was recorded under another contract, and conforms to this one"
        yield f"  record it again: {_AGAIN}"
    for path in _paths(told):
        here = [one for one in told if one["path"] == path]
        used = {name for one in here for name in one["used"]}
        unused = dict.fromkeys(name for one in here for name in one["unused"] if name not in used)
        if unused:
            yield f"never used: {shown(path)}"
            yield from (f"  {name}" for name in unused)


def _set_aside(one: Mapping[str, Any]) -> Iterator[str]:
    lost = ", ".join(name or "an entry of no test" for name in one["dropped"])
    what = f"broken entries, not kept: {lost}" if lost else "nothing in it could be read, so no other test's is kept"
    yield f"set aside: {shown(one['path'])}, now {Path(one['aside']).name}: {what}"
    yield f"  record again the tests that share it: {_AGAIN}"


def _paths(told: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({one["path"] for one in told})
