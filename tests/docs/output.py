"""Whether a page shows what a command prints.

A line `…` stands for any lines, and `…` inside a line for any text. Of what differs from run to run and from machine to
machine, such as seconds and ports, the rest of the line is compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pytest_bctrl.contract.files import packaged

ANY = "…"

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_VARYING = (
    (re.compile(r"\b\d+\.\d+ ?s\b(?: \(\d+:\d\d:\d\d\))?"), "N s"),
    (re.compile(r"={3,}"), "==="),
    (re.compile(r"_{3,}"), "___"),
    (re.compile(r" *\[( *\d+%)\]"), r" [\1]"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\bpython3\.\d+t?/"), "python3/"),
    (re.compile(r"^(platform|plugins:) .*"), r"\1"),
    (re.compile(r"\b(created|ready|initialized): \d+/\d+ workers?"), r"\1"),
)
_PROGRESS = re.compile(r"progress +\d+%, ")
"""The start of a line that an impact run prints only if it takes longer than a page expects."""


def printed(text: str, folder: Path) -> list[str]:
    """Return the lines of a command's output as a page shows them: without colours and local folders."""
    text = _ESCAPES.sub("", text).replace(str(packaged().folder), "…/contracts").replace(str(folder), "/home/you")
    lines = [line.rstrip() for line in text.splitlines()]
    while lines and not lines[-1]:
        del lines[-1]
    while lines and not lines[0]:
        del lines[0]
    return lines


def agrees(shown: Sequence[str], actual: Sequence[str]) -> bool:
    """Return whether the lines of a page match the printed lines, apart from `…` and parts that vary."""
    pattern = "".join(_pattern(line) for line in shown)
    settled = (f"{_settled(line)}\n" for line in actual if not _PROGRESS.match(line))
    return re.fullmatch(pattern, "".join(settled)) is not None


def _pattern(line: str) -> str:
    """Return the pattern of a line of a page, in which `…` is any text, or any lines if it is alone."""
    if line.strip() == ANY:
        return r"(?:.*\n)*?"
    return ".*".join(re.escape(part) for part in _settled(line).split(ANY)) + r"\n"


def _settled(line: str) -> str:
    """Return a line in which the parts that vary from run to run have fixed values."""
    for varying, still in _VARYING:
        line = varying.sub(still, line)
    return line.rstrip()
