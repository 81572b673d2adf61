"""Generates the bodies of requests: JSON, text and forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlencode

from pytest_bctrl.contract.model import Contract, Encoding, MediaType, Operation, Parameter, concrete_media_type
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.parameters import Pair, serialize_pairs
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.http.message import Request
from pytest_bctrl.request_checks.body import BodyChecks
from pytest_bctrl.request_checks.media import FORM, MULTIPART, parse_content_type
from pytest_bctrl.request_checks.view import operation_view
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.text import RoundRobin, encode
from pytest_bctrl.suite.run import ContractRun

_BOUNDARY = "boundary-of-pytest-bctrl"


def request_body(run: ContractRun, operation: Operation) -> tuple[str, bytes] | None:
    """Return the `Content-Type` and the body of the requests of an unsafe operation.

    It is None if the operation is safe or has no body, and if the kit cannot generate one that conforms.
    """
    if operation.is_safe or operation.request_body is None:
        return None
    return run.once(("body", operation.label), partial(_generate, run.contract, operation))


def _generate(contract: Contract, operation: Operation) -> tuple[str, bytes] | None:
    """Return the first generated body that conforms, with its `Content-Type`; None if there is none."""
    view, viewed_operation = operation_view(contract, operation)
    documented = viewed_operation.request_body
    checks = BodyChecks(view, viewed_operation)
    for media_type, media in documented.content.items() if documented is not None else ():
        with suppress(DocumentError):
            value = Builder(view, RoundRobin(1), prefers_examples=True).value(media.schema)
            encoded = _encoded(media_type, media, value)
            if encoded is None:
                continue
            content_type, body = encoded
            request = Request(operation.method, operation.path, (("content-type", content_type),), body)
            if not any(violation.level == "error" for violation in checks.violations(request)):
                return encoded
    return None


def _encoded(media_type: str, media: MediaType, value: Any) -> tuple[str, bytes] | None:
    """Return the `Content-Type` and the bytes that represent a value in a media type; None if it cannot be encoded."""
    essence = parse_content_type(media_type).essence
    if is_json(media_type):
        return media_type, encode(value)
    if essence == FORM and isinstance(value, Mapping):
        return FORM, urlencode(list(_pairs(media, value))).encode()
    if essence == MULTIPART and isinstance(value, Mapping):
        # It takes long to import, and doctor and init generate no form.
        import httpx

        parts = [(name, (None, text, _part_type(media, name))) for name, text in _pairs(media, value)]
        content_type = f"{MULTIPART}; boundary={_BOUNDARY}"
        form = httpx.Request("POST", "http://localhost", files=parts, headers={"Content-Type": content_type})
        return content_type, form.read()
    if isinstance(value, str):
        return concrete_media_type(media_type), value.encode("utf-8", "surrogatepass")
    return None


def _pairs(media: MediaType, value: Mapping[str, Any]) -> Iterator[Pair]:
    """Yield names and texts of the fields of a form, by the encoding of each property: a style, or else JSON."""
    for name, member in value.items():
        encoding = media.encoding.get(name, Encoding())
        is_nested = isinstance(member, Mapping) or (isinstance(member, list) and not all(map(_is_scalar, member)))
        is_styled = encoding.style is not None and not is_json(encoding.content_type)
        style = encoding.style or "form"
        explode = style == "form" if encoding.explode is None else encoding.explode
        as_json = is_json(encoding.content_type) or (is_nested and not is_styled)
        parameter = Parameter(name, "query", False, True, style=style, explode=explode, is_json=as_json)
        yield from serialize_pairs(parameter, member)


def _is_scalar(value: Any) -> bool:
    """Return whether a value is neither an object nor a list."""
    return not isinstance(value, (Mapping, list))


def _part_type(media: MediaType, name: str) -> str | None:
    """Return the media type of a part of a multipart body; None if the contract documents none."""
    documented = media.encoding.get(name, Encoding()).content_type.partition(",")[0].strip()
    return concrete_media_type(documented) if documented else None
