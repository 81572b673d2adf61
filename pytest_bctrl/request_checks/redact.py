"""Redacts the credentials in requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from pytest_bctrl.http.message import Request
from pytest_bctrl.secrets.credentials import Credentials


def redact_request(
    request: Request, credentials: Credentials, path_values: Mapping[str, str] = MappingProxyType({})
) -> tuple[Request, frozenset[str]]:
    """Return a request without credentials in its target, header fields and body, and the credentials.

    `path_values` are the decoded values of the path.
    """
    shown = replace(
        request,
        target=credentials.url(request.target, path_values),
        headers=credentials.headers(request.headers),
        body=credentials.body(request.body, request.header("content-type") or ""),
    )
    return shown, frozenset(credentials.values)
