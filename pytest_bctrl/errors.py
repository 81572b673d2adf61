"""Errors for users: the problem, where it is, and how to solve it."""

from __future__ import annotations

from pytest_bctrl.escaping import escape_lines


class BctrlError(Exception):
    """Base class of the errors raised for a user's mistake or an invalid input.

    `problem` describes the error, `where` names the setting, file or pointer, `hint` says what is expected or which
    command to run next.
    """

    # Written out: the drift gate starts in a few milliseconds, of which `dataclasses` would take a third.
    def __init__(self, problem: str, where: str = "", hint: str = "") -> None:
        super().__init__(problem, where, hint)
        self.problem = problem
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Return location, problem and hint, escaped line by line: they may contain text of a server or a document."""
        head = f"{self.where}: {self.problem}" if self.where else self.problem
        return escape_lines(f"{head} ({self.hint})" if self.hint else head)


class SettingError(BctrlError):
    """A setting is missing or wrong; `where` names the option, variable or ini key."""


class DocumentError(BctrlError):
    """A document is not valid in its format: page, YAML, JSON, OpenAPI or overlay.

    `pointer` is the JSON pointer of the invalid value, None if the whole document is invalid; `document` is the
    document that has it, if its reader knows.
    """

    pointer: str | None = None
    document: object = None

    def at(self, pointer: str) -> DocumentError:
        """Set the pointer into the document at which the error is, and return the error."""
        self.pointer = pointer
        return self


class UnsafeRequestError(BctrlError):
    """A request was not sent, because its method is unsafe or its origin is not that of the key."""


class UnreachableError(BctrlError):
    """The target sent no usable response: refused, timed out, reset, truncated or rate limited."""
