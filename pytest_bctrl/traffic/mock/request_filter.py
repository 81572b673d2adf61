"""The filters by which requests in a journal are matched."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pytest_bctrl.errors import SettingError
from pytest_bctrl.http.message import Headers

ANY = object()
"""Stands for any JSON body, because None is one."""


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Matches requests by the given filters; None matches any value.

    `query` and `headers` contain values by name, and match a request that has further ones. The value of a query
    parameter that is sent several times is a list. `json` is compared with the body as JSON data, `body` with its bytes
    or its text.
    """

    method: str | None = None
    path: str | None = None
    status: int | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | bytes | None = None
    json: Any = ANY

    def __post_init__(self) -> None:
        """Raise `SettingError` for a filter of the wrong type, which would match nothing."""
        for name, value in (("query", self.query), ("headers", self.headers)):
            if not isinstance(value, Mapping):
                raise SettingError(
                    f"{name}={value!r} is not a dictionary", where="requests", hint=f'give {name}={{"name": "value"}}'
                )

    def matches(self, method: str, path: str, status: int, headers: Headers, body: bytes) -> bool:
        """Return whether a request satisfies all filters; `path` is its target, with the query."""
        return (
            self.method in (None, method)
            and self.path in (None, path, path.partition("?")[0])
            and self.status in (None, status)
            and self._has_query(path)
            and self._has_headers(headers)
            and self._has_body(body)
        )

    def _has_query(self, target: str) -> bool:
        """Return whether the query of a target has exactly the expected values of each filtered parameter."""
        if not self.query:
            return True
        pairs = parse_qsl(urlsplit(target).query, keep_blank_values=True)
        return all(_texts(value) == [text for key, text in pairs if key == name] for name, value in self.query.items())

    def _has_headers(self, headers: Headers) -> bool:
        """Return whether each filtered header field has the expected value."""
        if not self.headers:
            return True
        sent: dict[str, list[str]] = {}
        for name, value in headers:
            sent.setdefault(name.lower(), []).append(value)
        return all(", ".join(sent.get(name.lower(), [])) == value for name, value in self.headers.items())

    def _has_body(self, body: bytes) -> bool:
        """Return whether a body is equal to the expected bytes, and its JSON to the expected data."""
        if self.body is not None:
            expected = self.body.encode() if isinstance(self.body, str) else self.body
            if body != expected:
                return False
        if self.json is ANY:
            return True
        try:
            return bool(json.loads(body) == self.json)
        except (ValueError, RecursionError):
            return False

    def __str__(self) -> str:
        """Return the expected request on one line."""
        text = f"{self.method or 'any method'} {self.path or 'any path'}"
        if self.status is not None:
            text += f" -> {self.status}"
        text += "".join(f" [query {name}={value}]" for name, value in self.query.items())
        text += "".join(f" [{name}: {value}]" for name, value in self.headers.items())
        if self.body is not None:
            text += f" [body {self.body!r}]"
        if self.json is not ANY:
            text += f" [JSON {json.dumps(self.json, ensure_ascii=False, default=str)}]"
        return text


def _texts(value: Any) -> list[str]:
    """Return the expected texts of a query parameter, given as a value or as a list of values."""
    values: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
    return [_text(item) for item in values]


def _text(value: Any) -> str:
    """Return a value of a filter as it is in a query: `true` for True."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
