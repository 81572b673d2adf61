"""Keeps the key out of a report whatever put it there: a local variable, an environment dump, captured output."""

from __future__ import annotations

import logging
import re
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast
from urllib.parse import quote

from pytest_bctrl.checks.credentials import middle_changed
from pytest_bctrl.errors import SettingError
from pytest_bctrl.secret import Secret
from pytest_bctrl.traffic.recordings.hiding import hidden

MASK = "[key hidden]"

T = TypeVar("T")

_SHOWN = ("longrepr", "sections", "user_properties", "bctrl")
"""What a report shows or carries to another process."""


def scrub(report: Any, key: Secret) -> None:
    """Replace the key in every text that a test or collection report shows, in place, however deep it is.

    Nothing else of the report is touched: a collection report also holds the items, and through them everything.
    """
    scrubber = _Scrubber(key)
    for name in _SHOWN:
        if hasattr(report, name):
            setattr(report, name, scrubber.visit(getattr(report, name)))


def scrubbed(value: T, key: Secret) -> T:
    """Return a copy of plain data and of frozen dataclasses without the key."""
    return cast("T", _copied(value, _Scrubber(key)))


def _copied(value: Any, scrubber: _Scrubber) -> Any:
    if isinstance(value, str):
        return scrubber.text(value)
    if isinstance(value, dict):
        return {_copied(name, scrubber): _copied(member, scrubber) for name, member in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_copied(member, scrubber) for member in value))
    if isinstance(value, list | tuple):
        return type(value)(_copied(member, scrubber) for member in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{part.name: _copied(getattr(value, part.name), scrubber) for part in fields(value)})
    return value


def scrub_trace(root: Any, key: Secret) -> None:
    """Keep the key out of what `--debug` writes: every hook call with its arguments, exceptions among them.

    `root` is the tracer that pytest was given by pluggy. Raises `SettingError` where it cannot be filtered.
    """
    write = getattr(root, "_writer", None)
    if write is None:
        raise SettingError("the trace cannot be kept free of the key", where="--debug", mend="run without --debug")
    scrubber = _Scrubber(key)
    root.setwriter(lambda text: write(scrubber.text(text)))


def scrub_logs(plugin: Any, key: Secret) -> None:
    """Keep the key out of what pytest writes as it is logged, to the terminal and to a file.

    `plugin` is pytest's own logging plugin, or None where it is switched off.
    """
    for name in ("log_cli_handler", "log_file_handler"):
        handler = getattr(plugin, name, None)
        if isinstance(handler, logging.Handler):
            handler.setFormatter(_ScrubbedFormatter(handler.formatter or logging.Formatter(), key))


class _ScrubbedFormatter(logging.Formatter):
    """What another formatter makes of a record, without the key."""

    def __init__(self, inner: logging.Formatter, key: Secret) -> None:
        super().__init__()
        self._inner = inner
        self._scrubber = _Scrubber(key)

    def format(self, record: logging.LogRecord) -> str:
        return self._scrubber.text(self._inner.format(record))


CUTS = ("...", "…")
"""What stands where a long value was shortened, by pytest and by findings: the key's two ends may be around it."""

_END = 4
"""Characters of an end that give nothing away."""


_TELLING = 8
"""Characters of a key whose wrong forms are looked for: those of a shorter one are any word."""


def _without_ends(text: str, form: str, cut: str) -> str:
    parts = text.split(cut)
    for index in range(len(parts) - 1):
        head = next((size for size in range(len(form), _END, -1) if parts[index].endswith(form[:size])), 0)
        tail = next((size for size in range(len(form), _END, -1) if parts[index + 1].startswith(form[-size:])), 0)
        if head:
            parts[index] = parts[index][:-head] + MASK
        if tail:
            parts[index + 1] = MASK + parts[index + 1][tail:]
    return cut.join(parts)


class _Scrubber:
    def __init__(self, key: Secret) -> None:
        value = key.reveal()
        forms = {value, quote(value, safe=""), repr(value)[1:-1]} - {""}
        if len(value) >= _TELLING:
            # Some of the wrong credentials that the suite sends give the key away, should a target repeat them.
            forms |= {value[:-1], value.swapcase(), middle_changed(value)}
        self._key = key
        self._forms = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, self._forms)))
        self._seen: set[int] = set()

    def text(self, value: str) -> str:
        """Return a text without the key, in whatever spelling it stands there."""
        # All forms in one pass, so that none is looked for in what was put in the place of another.
        value = self._known.sub(MASK, value) if self._forms else value
        for form in self._forms:
            for cut in CUTS:
                if cut in value:
                    value = _without_ends(value, form, cut)
        return hidden(value, self._key.reveal(), MASK)

    def visit(self, value: Any) -> Any:
        """Return `value` clean: texts and tuples anew, containers and report objects changed in place."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return tuple(self.visit(item) for item in value)
        if id(value) in self._seen:
            return value
        self._seen.add(id(value))
        if isinstance(value, list):
            value[:] = [self.visit(item) for item in value]
        elif isinstance(value, dict):
            items = [(self.visit(key), self.visit(member)) for key, member in value.items()]
            value.clear()
            value.update(items)
        elif type(value).__module__.startswith("_pytest.") and hasattr(value, "__dict__"):
            self._visit_object(value)
        return value

    def _visit_object(self, value: Any) -> None:
        for name, member in list(vars(value).items()):
            clean = self.visit(member)
            if clean is not member:
                # The classes of pytest's traceback texts are frozen dataclasses in some versions.
                object.__setattr__(value, name, clean)
