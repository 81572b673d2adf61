"""Builds responses of urllib3, and of requests, which wraps one."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from pytest_bctrl.http.message import MockResponse, with_headers
from pytest_bctrl.watch.substitutes.copying import shallow_copy
from pytest_bctrl.watch.substitution import reason_phrase


def urllib3_response(response: Any, substitute: MockResponse, method: str) -> Any:
    """Return a response of urllib3 with the substitute's contents, read if the observed one was."""
    if is_recorded(response):
        from pytest_bctrl.watch.substitutes.vcr_substitute import vcr_response

        return vcr_response(response, substitute)
    copy = type(response)(
        body=BytesIO(substitute.payload.content),
        headers=_header_dict(response, substitute),
        status=substitute.status,
        version=response.version,
        reason=reason_phrase(substitute.status, response.status, response.reason),
        preload_content=isinstance(vars(response).get("_body"), bytes),
        decode_content=response.decode_content,
        request_method=method,
        request_url=getattr(response, "_request_url", None),
        retries=response.retries,
    )
    copy._pool = response._pool
    copy.version_string = getattr(response, "version_string", "")
    return copy


def requests_response(response: Any, substitute: MockResponse, method: str) -> Any:
    """Return a response of requests with the substitute's contents, whose body is not read yet."""
    from requests.structures import CaseInsensitiveDict
    from requests.utils import get_encoding_from_headers
    from urllib3.response import HTTPResponse

    observed = response.raw
    reason = reason_phrase(substitute.status, response.status_code, response.reason)
    raw = HTTPResponse(
        body=BytesIO(substitute.payload.content),
        headers=_separate_fields(observed, substitute),
        status=substitute.status,
        version=getattr(observed, "version", None) or 11,
        reason=reason,
        preload_content=False,
        decode_content=False,
        request_method=method,
        request_url=getattr(observed, "_request_url", None),
    )
    # requests reads cookies from it.
    raw._original_response = getattr(observed, "_original_response", None)
    headers = CaseInsensitiveDict(raw.headers)
    encoding = response.encoding
    if headers.get("content-type") != response.headers.get("content-type"):
        encoding = get_encoding_from_headers(headers)
    return shallow_copy(
        response,
        status_code=substitute.status,
        reason=reason,
        headers=headers,
        encoding=encoding,
        raw=raw,
        _content=False,
        _content_consumed=False,
    )


def is_recorded(response: Any) -> bool:
    """Return whether a response is one of vcrpy, which has its whole body."""
    return isinstance(getattr(response, "recorded_response", None), dict)


def recorded_body(response: Any) -> bytes:
    """Return the body of a response of vcrpy."""
    body: bytes = response.recorded_response["body"]["string"] or b""
    return body


def _separate_fields(observed: Any, substitute: MockResponse) -> Any:
    """Return the header fields of a substitute; those that requests has joined are separate, as in the raw response."""
    from urllib3._collections import HTTPHeaderDict

    observed_headers = getattr(observed, "headers", None)
    headers = HTTPHeaderDict()
    for name, value in with_headers(substitute, {"Transfer-Encoding": None}).headers:
        values = [value]
        if isinstance(observed_headers, HTTPHeaderDict) and observed_headers.get(name) == value:
            values = observed_headers.getlist(name)
        for separate_value in values:
            headers.add(name, separate_value)
    return headers


def _header_dict(response: Any, substitute: MockResponse) -> Any:
    """Return the header fields for a response of urllib3, several of one name kept separate."""
    headers = type(response.headers)()
    for name, value in with_headers(substitute, {"Transfer-Encoding": None}).headers:
        headers.add(name, value)
    return headers
