"""Parses form bodies into fields: `application/x-www-form-urlencoded` and `multipart/form-data` (RFC 7578).

Multipart bodies are split here and not by the standard library, whose parser takes seconds for a body of many lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from pytest_bctrl.request_checks.media import ContentType, parse_content_type

if TYPE_CHECKING:
    from email.message import Message


class FormError(Exception):
    """A body that is not a form; the message says why."""


MOST_FIELDS = 50_000
"""Maximum number of fields of a form that is checked; frameworks accept about a thousand."""


class FormSizeError(Exception):
    """A form with more than `MOST_FIELDS` fields."""


@dataclass(frozen=True)
class Field:
    """A field of a form: its name, its content, and the header fields of its part."""

    name: str
    content: bytes
    headers: Message

    @cached_property
    def content_type(self) -> ContentType:
        """The media type of the part; its essence is empty if the part names none."""
        return parse_content_type(self.headers.get("Content-Type"))

    @cached_property
    def text(self) -> str:
        """The content as text: UTF-8, or a character per byte if it is not UTF-8."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError:
            return self.content.decode("latin-1")


def urlencoded_fields(body: bytes) -> list[Field]:
    """Return the fields of an `application/x-www-form-urlencoded` body; raises `FormSizeError` if it has too many."""
    from email.message import Message

    text = body.decode("utf-8", "replace")
    if text.count("&") >= MOST_FIELDS:
        raise FormSizeError
    no_headers = Message()
    pairs = parse_qsl(text, keep_blank_values=True)
    return [Field(name, value.encode("utf-8", "surrogatepass"), no_headers) for name, value in pairs]


def multipart_fields(body: bytes, boundary: str) -> list[Field]:
    """Return the fields of a `multipart/form-data` body.

    Raises `FormError` if it is malformed (RFC 2046, 5.1.1), and `FormSizeError` if it has too many fields.
    """
    fields = list(islice(_parts(body, boundary), MOST_FIELDS + 1))
    if len(fields) > MOST_FIELDS:
        raise FormSizeError
    return fields


def _parts(body: bytes, boundary: str) -> Iterator[Field]:
    """Yield the fields of a multipart body. Raises `FormError` if it has no part, or no closing boundary."""
    delimiter = re.compile(
        rb"(?:\A|\r\n)--" + re.escape(boundary.encode("latin-1", "replace")) + rb"(--)?[ \t]*(?=\r\n|\Z)"
    )
    start = delimiter.search(body)
    if start is None:
        raise FormError("the body has no part with the boundary of its Content-Type")
    while start[1] is None:
        end = delimiter.search(body, start.end())
        if end is None:
            raise FormError("the body ends without its closing boundary")
        yield _parse_part(body[start.end() + 2 : end.start()])
        start = end


def _parse_part(part: bytes) -> Field:
    """Return the field of one part. Raises `FormError` if it has no name or no end of its header fields."""
    from email.parser import HeaderParser

    head, separator, content = part.partition(b"\r\n\r\n")
    if part.startswith(b"\r\n"):
        head, separator, content = b"", b"\r\n", part[2:]
    if not separator:
        raise FormError("a part has no empty line after its header fields")
    headers = HeaderParser().parsestr(head.decode("utf-8", "replace"))
    disposition, parameters = parse_content_type(headers.get("Content-Disposition"))
    if disposition != "form-data" or "name" not in parameters:
        raise FormError("a part has no Content-Disposition: form-data with a name")
    return Field(parameters["name"], content, headers)
