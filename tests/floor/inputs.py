"""What the sections of the floor have in common: inputs, and the options of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from .kit import Fact, Kit


class Options(NamedTuple):
    """The folder of the public documents, and the other server; a section without its input is empty."""

    documents: Path | None = None
    peer: Path | None = None


class Input(NamedTuple):
    """One input: its name, and a function that runs the kit in an empty folder and returns the facts."""

    name: str
    collect: Callable[[Kit, Path], Iterable[Fact]]
