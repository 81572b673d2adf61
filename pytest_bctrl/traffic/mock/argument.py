"""What the arguments of scenarios and faults may be; whatever else they are is told before it is played."""

from __future__ import annotations

from math import inf

from pytest_bctrl.errors import SettingError


def whole(value: object, name: str, where: str, most: int) -> int:
    """Return a whole number from 0 to `most`; `name` is the argument's."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise SettingError(f"{name}={value!r} is no whole number from 0 to {most:,}", where=where, mend="give one")
    return value


def seconds(value: object, where: str) -> float:
    """Return a time in seconds."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < inf:
        raise SettingError(f"{value!r} is no time", where=where, mend="give seconds, such as 0.5")
    return value


def status_code(value: object, where: str) -> int:
    """Return a status that an answer can have."""
    if not isinstance(value, int) or not 200 <= value <= 599:
        raise SettingError(f"{value!r} is no status", where=where, mend="give one from 200 to 599")
    return value


def one_line(text: object) -> str:
    """Return the value of a header field."""
    if not isinstance(text, str) or not text.isprintable():
        raise SettingError(f"{text!r} is no single line of text", where="a header field's value", mend="give one")
    return text
