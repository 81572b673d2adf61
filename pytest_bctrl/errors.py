"""Errors that a person reads: what was wrong, where, and what would be right."""

from __future__ import annotations

from pytest_bctrl.escaping import escape_lines


class BctrlError(Exception):
    """Base of everything this package raises for a user's mistake or for a broken input.

    `problem` says what was wrong, `where` names the setting, file or pointer, `hint` says what would be
    right or which command to type next.
    """

    # Written out: the drift gate starts in a few milliseconds, of which `dataclasses` would take a third.
    def __init__(self, problem: str, where: str = "", hint: str = "") -> None:
        super().__init__(problem, where, hint)
        self.problem = problem
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Return where, what and hint, escaped line by line: they may repeat text of a server or a document."""
        head = f"{self.where}: {self.problem}" if self.where else self.problem
        return escape_lines(f"{head} ({self.hint})" if self.hint else head)


class SettingError(BctrlError):
    """A setting is missing or wrong; `where` names the option, variable or ini key."""


class DocumentError(BctrlError):
    """A document cannot be read as what it should be: page, YAML, JSON, OpenAPI or overlay."""


class UnsafeRequestError(BctrlError):
    """A request was refused before it left: an unsafe method, or another origin than the key's."""


class UnreachableError(BctrlError):
    """The target gave no usable answer: refused, timed out, reset, truncated or rate limited."""
