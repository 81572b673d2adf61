"""Replaces the credentials of an exchange wherever else a text repeats them, such as in an error message."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from pytest_bctrl.secrets.credentials import redacted
from pytest_bctrl.secrets.encodings import is_random
from pytest_bctrl.secrets.names import is_distinctive
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.secrets.secret import REDACTED

_SHORTENED = re.compile(r" ?…(?: \(\d+ characters\))?\Z")
"""The end of a text that findings show in part."""
_SHORTEST = 8
"""Minimum length of the beginning of a credential that is recognised."""


class Echoes:
    """Replaces distinctive credentials in texts and data; others are replaced at their location only.

    `replace` returns what is shown in place of a value. With `has_parts`, parts and further encodings of random values
    are replaced by a mask, which takes a while to prepare.
    """

    def __init__(
        self, values: Iterable[str], replace: Callable[[str], str] = redacted, *, has_parts: bool = False
    ) -> None:
        distinctive = [value for value in dict.fromkeys(values) if is_distinctive(value)]
        self._redaction = Redaction()
        self._replacements: dict[str, str] = {}
        for value in distinctive:
            self._add(value, replace(value))
            if has_parts and is_random(value):
                self._redaction.add(value, name="")
        forms = sorted(self._replacements, key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, forms))})(?!\w)") if forms else None

    def _add(self, value: str, replacement: str) -> None:
        """Replace a value, as it is and as URLs and JSON texts encode it."""
        for form in (str, quote, quote_plus, _json_form, _ascii_json_form):
            shown = replacement if replacement == REDACTED else form(replacement)
            self._replacements.setdefault(form(value), shown)

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, text: str) -> str:
        """Return a text without the credentials."""
        if self._pattern is None:
            return text
        text = self._pattern.sub(lambda match: self._replacements[match[0]], text)
        return self.text_of_random(self._without_beginning(text))

    def _without_beginning(self, text: str) -> str:
        """Return a text that was shortened without the beginning of a credential at its end."""
        end = _SHORTENED.search(text)
        if end is None:
            return text
        shown = text[: end.start()]
        for value in self._replacements:
            start = shown.rfind(value[:_SHORTEST])
            if start >= 0 and value.startswith(shown[start:]):
                return f"{shown[:start]}{REDACTED}{end[0]}"
        return text

    def text_of_random(self, text: str) -> str:
        """Return a text without the random credentials, which no name and no path contains by chance."""
        return self._redaction(text) if self._redaction else text

    def data(self, value: Any) -> Any:
        """Return JSON data without the credentials, also without numbers that are credentials."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return REDACTED if str(value) in self._replacements else value
        if isinstance(value, Mapping):
            return {self.data(name): self.data(member) for name, member in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        return value


def _json_form(value: str) -> str:
    """Return a value as a JSON string escapes it."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _ascii_json_form(value: str) -> str:
    """Return a value as a JSON string of ASCII escapes it."""
    return json.dumps(value)[1:-1]
