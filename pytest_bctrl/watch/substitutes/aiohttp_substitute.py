"""Builds responses of aiohttp."""

from __future__ import annotations

import asyncio
from typing import Any

from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.watch.substitutes.copying import shallow_copy
from pytest_bctrl.watch.substitution import reason_phrase


def aiohttp_response(response: Any, substitute: MockResponse, *, is_decoded: bool, is_whole: bool) -> Any:
    """Return a response of aiohttp with the substitute's contents; its body is unread unless `is_whole`."""
    from multidict import CIMultiDict, CIMultiDictProxy

    fields = substitute.headers
    body = substitute.body if is_decoded else substitute.payload.content
    copy = shallow_copy(
        response,
        status=substitute.status,
        reason=reason_phrase(substitute.status, response.status, response.reason),
        _headers=CIMultiDictProxy(CIMultiDict(fields)),
        _raw_headers=tuple((_field_bytes(name), _field_bytes(value)) for name, value in fields),
        _cache={},
        _connection=None,
        _released=False,
    )
    # A response of vcrpy has its whole body from the beginning.
    copy._body = body if is_whole else None
    if not isinstance(getattr(type(response), "content", None), property):
        copy.content = _reader(body)
    return copy


def _field_bytes(text: str) -> bytes:
    """Return a name or value of a header field as bytes, which aiohttp decodes again."""
    return text.encode("utf-8", "surrogateescape")


def _reader(body: bytes) -> Any:
    """Return a reader of a body that has arrived."""
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.streams import StreamReader

    loop = asyncio.get_running_loop()
    reader = StreamReader(ResponseHandler(loop), limit=len(body) + 1, loop=loop)
    reader.feed_data(body)
    reader.feed_eof()
    return reader
