"""The parser of a command, and the help that it prints."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from types import ModuleType
from typing import Any


class Command(argparse.ArgumentParser):
    """The parser of one command. What its help ends with is made when help is asked for, and costs nothing else."""

    module: ModuleType | None = None

    def format_help(self) -> str:
        """The help, with what the module tells besides and its examples at the end."""
        if self.module is not None:
            more = [self.module.epilog()] if hasattr(self.module, "epilog") else []
            self.epilog = "\n\n".join([*more, _shown(self.module)])
        return super().format_help()


def _shown(module: ModuleType) -> str:
    """The examples of a command, as its help ends with them."""
    return "\n".join(["examples:", *(f"  {example}" for example in module.EXAMPLES)])


class Help(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal. Left to ask for it by itself, `argparse` loads `shutil` at every start."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        settings.setdefault("width", _columns() - 2)
        super().__init__(*arguments, **settings)


def _columns() -> int:
    """How wide the terminal is, as `shutil.get_terminal_size` finds it."""
    with suppress(ValueError):
        if (columns := int(os.environ.get("COLUMNS", ""))) > 0:
            return columns
    with suppress(AttributeError, ValueError, OSError):
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    return 80
