"""Reads the requests of client libraries as data, without consuming a stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_bctrl.errors import BctrlError
from pytest_bctrl.http.message import Request, split_url

_WHERE = "pytest_bctrl.check_request"
_HINT = (
    "give a request of httpx, httpx2, requests, aiohttp or urllib, a pytest_bctrl.Request, or a method and a URL: "
    'check_request("POST", "https://…", headers={…}, body=b"…")'
)


def read_request(request: Any, url: str | None, headers: Any, body: Any) -> Request:
    """Return the request of a client library, or of a method and a URL, as data.

    Raises `BctrlError` for anything else.
    """
    if isinstance(request, Request):
        return request
    if isinstance(request, str):
        if url is None:
            raise BctrlError("the URL is missing", where=_WHERE, hint=_HINT)
        return _plain_request(request, str(url), headers, body)
    if url is not None or headers is not None or body is not None:
        raise BctrlError(
            f"url, headers and body belong to a method, not to a {type(request).__name__}", where=_WHERE, hint=_HINT
        )
    library = _library_of(request)
    if library not in _READERS:
        raise BctrlError(f"{type(request).__name__} is not a request", where=_WHERE, hint=_HINT)
    return _READERS[library](request)


def _library_of(request: Any) -> str:
    """Return the supported library that defines the class of a request, or a base of it; empty if none does."""
    names = [cls.__module__.partition(".")[0] for cls in type(request).__mro__]
    return next((name for name in names if name in _READERS), "")


def _client_request(
    method: str, url: str, headers: Iterable[tuple[Any, Any]], body: bytes, unread: str = ""
) -> Request:
    """Return a request as data; header names are in lower case."""
    fields = tuple((_text(name).lower(), _text(value)) for name, value in headers)
    return Request(method.upper(), split_url(url)[1], fields, body, unread=unread)


def _text(value: Any) -> str:
    """Return a name or value of a header field as text."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _plain_request(method: str, url: str, headers: Any, body: Any) -> Request:
    """Return a request from its parts; the body may be JSON data. Raises `BctrlError` for headers or data of no use."""
    fields = _header_pairs(headers)
    content, unread = _body_content(body)
    is_data = not isinstance(body, bytes | bytearray | str | None)
    if is_data and unread:
        try:
            content, unread = json.dumps(body).encode(), ""
        except (TypeError, ValueError, RecursionError) as error:
            raise BctrlError(
                f"the {type(body).__name__} is not a JSON body: {error}",
                where=_WHERE,
                hint="give the body as bytes, str or JSON data",
            ) from None
        if not any(_text(name).lower() == "content-type" for name, _ in fields):
            fields.append(("Content-Type", "application/json"))
    return _client_request(method, url, fields, content, unread)


def _header_pairs(headers: Any) -> list[tuple[Any, Any]]:
    """Return header fields as pairs. Raises `BctrlError` if they are neither a mapping nor pairs."""
    if headers is None:
        return []
    items = headers
    for name in ("multi_items", "items"):
        if hasattr(headers, name):
            items = getattr(headers, name)()
            break
    try:
        return [(name, value) for name, value in items]
    except (TypeError, ValueError):
        raise BctrlError(
            f"{type(headers).__name__} is not a set of header fields", where=_WHERE, hint="give a dict, or pairs"
        ) from None


_STREAM = "it is a stream, and reading it would consume it"


def _body_content(body: Any) -> tuple[bytes, str]:
    """Return the bytes of a body, and the reason if it is not known."""
    if body is None:
        return b"", ""
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body), ""
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass"), ""
    return b"", _STREAM


def _read_httpx(request: Any) -> Request:
    """Return a request of httpx as data."""
    try:
        content, unread = request.content, ""
    except RuntimeError:
        # httpx raises if the stream of a request was not read.
        content, unread = b"", _STREAM
    return _client_request(request.method, str(request.url), _header_pairs(request.headers), content, unread)


def _read_requests(request: Any) -> Request:
    """Return a request of requests as data."""
    unread = ""
    if hasattr(request, "prepare") and hasattr(request, "params"):
        request, unread = _prepare(request)
    content, reason = _body_content(request.body)
    return _client_request(
        str(request.method), str(request.url), _header_pairs(request.headers or {}), content, unread or reason
    )


def _prepare(request: Any) -> tuple[Any, str]:
    """Return the prepared `requests.Request`, and why its body is not known; raises `BctrlError` if it is invalid."""
    import copy

    unread = ""
    if request.files and not all(map(_is_in_memory, _file_contents(request.files))):
        # Preparing would read the files.
        request, unread = copy.copy(request), _STREAM
        request.files = []
    try:
        return request.prepare(), unread
    except (ValueError, OSError) as error:
        raise BctrlError(
            f"requests cannot prepare this request: {error}", where=_WHERE, hint="correct it, or pass a PreparedRequest"
        ) from None


def _file_contents(files: Any) -> list[Any]:
    """Return the contents of the `files` of a `requests.Request`: values, or tuples of a file name and a content."""
    values = files.values() if isinstance(files, Mapping) else [value for _, value in files]
    return [value[1] if isinstance(value, tuple | list) else value for value in values]


def _is_in_memory(content: Any) -> bool:
    """Return whether the content of a file is in memory."""
    return isinstance(content, str | bytes | bytearray)


def _read_aiohttp(request: Any) -> Request:
    """Return a request of aiohttp as data."""
    content, unread = b"", "the client library does not keep it"
    if hasattr(request, "body"):
        content, unread = _body_content(request.body)
        if unread and any(cls.__name__ == "BytesPayload" for cls in type(request.body).__mro__):
            content, unread = request.body.decode("latin-1").encode("latin-1"), ""
    return _client_request(request.method, str(request.url), _header_pairs(request.headers), content, unread)


def _read_urllib(request: Any) -> Request:
    """Return a request of urllib as data."""
    content, unread = _body_content(request.data)
    headers = _header_pairs(dict(request.header_items()))
    if request.data is not None and not request.has_header("Content-type"):
        # urllib adds it when it sends the request.
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    return _client_request(request.get_method(), request.full_url, headers, content, unread)


_READERS = {
    "httpx": _read_httpx,
    "httpx2": _read_httpx,
    "requests": _read_requests,
    "aiohttp": _read_aiohttp,
    "urllib": _read_urllib,
}
