"""Checks the bodies of requests to one operation: media type, encoding, and the documented schema."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from pytest_bctrl.checks.protocol import unusual_values
from pytest_bctrl.checks.schema import violations
from pytest_bctrl.checks.strict_json import parse
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, MediaType, Operation, RequestBody
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.parameters import read_scalar, schema_types
from pytest_bctrl.http.codings import decode_strictly, is_known_coding
from pytest_bctrl.http.message import Request
from pytest_bctrl.request_checks.fields import (
    MOST_FIELDS,
    Field,
    FormError,
    FormSizeError,
    multipart_fields,
    urlencoded_fields,
)
from pytest_bctrl.request_checks.form import form_value, part_violations
from pytest_bctrl.request_checks.media import FORM, MULTIPART, ContentType, parse_content_type, select_documented
from pytest_bctrl.request_checks.view import read_only_paths
from pytest_bctrl.request_checks.violation import (
    BODY,
    MEDIA_TYPE,
    NOT_CHECKED,
    READ_ONLY,
    STRICT_JSON,
    UNDOCUMENTED_BODY,
)

_PLACE = "body"


class BodyChecks:
    """The documented body of one operation."""

    def __init__(self, contract: Contract, operation: Operation) -> None:
        self._contract = contract
        self._documented = operation.request_body

    def violations(self, request: Request) -> Iterator[Violation]:
        """Yield the violations of the body of a request; a warning says so if it is not known."""
        documented = self._documented
        if documented is None:
            if request.body:
                message = "the contract documents no body for this operation"
                yield Violation(
                    UNDOCUMENTED_BODY, "warning", message, (), _PLACE, "no body", f"{len(request.body)} bytes"
                )
            return
        content_type = parse_content_type(request.header("content-type"))
        if documented.invalid:
            yield _not_checked_warning(f"it is invalid in the document: {documented.invalid}")
        if documented.invalid or not documented.content:
            return
        if not request.body and not request.unread and not (documented.required and _allows_empty_body(content_type)):
            if documented.required:
                message = "the body is required and missing"
                yield Violation(BODY, "error", message, (), _PLACE, "a body", "no body", "missing")
            return
        selected = select_documented(documented.content, content_type)
        if request.unread and (selected is not None or not content_type.essence):
            yield _not_checked_warning(request.unread)
        elif selected is None:
            yield _media_type_violation(documented, content_type)
        else:
            yield from self._content_violations(request, content_type, documented.content[selected])

    def _content_violations(self, request: Request, content_type: ContentType, media: MediaType) -> Iterator[Violation]:
        """Yield the violations of a decoded body, or a warning if its coding or media type prevents validation."""
        body, codings = request.body, request.header("content-encoding") or ""
        if codings:
            unknown = [coding.strip() for coding in codings.split(",") if not is_known_coding(coding)]
            if unknown:
                yield _not_checked_warning(
                    f"the body has the content coding {unknown[0][:40]}, which cannot be decoded"
                )
                return
            body, problem = decode_strictly(body, codings)
            if problem:
                message = "the body is not valid in its content coding"
                yield Violation(
                    BODY, "error", f"{message}: {problem}", (), _PLACE, codings, f"{len(body)} bytes", "coding"
                )
                return
        essence = content_type.essence
        if is_json(essence):
            yield from self._json_violations(body, media)
        elif essence in _FORMS:
            yield from self._form_violations(body, content_type, media)
        elif essence.startswith("text/") and essence != "text/xml":
            yield from self._text_violations(body, content_type, media)
        elif not self._accepts_bytes(media):
            yield _not_checked_warning(
                f"bodies of the media type {essence[:80] or 'that is not given'} are not validated"
            )

    def _json_violations(self, body: bytes, media: MediaType) -> Iterator[Violation]:
        """Yield the violations of a JSON body: its syntax, unusual values, and the schema."""
        parsed = parse(body)
        for problem in parsed.problems:
            yield Violation(STRICT_JSON, "error", problem, (), _PLACE, "strict JSON", f"{len(body)} bytes", "syntax")
        if not parsed.ok:
            return
        for violation in unusual_values(parsed.value):
            yield replace(violation, place=_PLACE)
        yield from self._schema_violations(parsed.value, media)

    def _form_violations(self, body: bytes, content_type: ContentType, media: MediaType) -> Iterator[Violation]:
        """Yield the violations of a form: its syntax, the parts, and the schema of the object it represents."""
        try:
            fields = _FORMS[content_type.essence](body, content_type)
        except FormError as error:
            yield Violation(BODY, "error", str(error), (), _PLACE, "a complete form", f"{len(body)} bytes", "syntax")
            return
        except FormSizeError:
            yield _not_checked_warning(f"the form has more than {MOST_FIELDS:,} fields")
            return
        if content_type.essence == MULTIPART:
            yield from part_violations(self._contract, media, fields)
        yield from self._schema_violations(form_value(self._contract, media, fields), media)

    def _text_violations(self, body: bytes, content_type: ContentType, media: MediaType) -> Iterator[Violation]:
        """Yield the violations of a text body: its charset, and the schema of the value that the text represents."""
        try:
            text = _decode_text(body, content_type.charset)
        except (LookupError, ValueError):
            message = "the body is not text in its charset"
            yield Violation(BODY, "error", message, (), _PLACE, content_type.charset[:80], "other bytes", "charset")
            return
        yield from self._schema_violations(read_scalar(self._contract, media.schema, text), media)

    def _schema_violations(self, value: object, media: MediaType) -> Iterator[Violation]:
        """Yield the schema violations of a value, or warnings for read-only properties in a valid one."""
        if not accepts(self._contract, media.schema, value):
            for violation in violations(self._contract, media.schema, value):
                yield replace(violation, rule=BODY, place=_PLACE)
            return
        for path in read_only_paths(self._contract, media.schema, value):
            message = "the property is read-only, and should not be sent"
            yield Violation(READ_ONLY, "warning", message, path, _PLACE, "no such property", "a value")

    def _accepts_bytes(self, media: MediaType) -> bool:
        """Return whether the schema of a media type allows any bytes, so that nothing needs to be validated."""
        if media.schema in (True, {}):
            return True
        return schema_types(self._contract, media.schema) == {"string"} and accepts(
            self._contract, media.schema, "any text"
        )


def _parse_multipart(body: bytes, content_type: ContentType) -> list[Field]:
    """Return the fields of a multipart form. Raises `FormError` if it is malformed or no boundary is given."""
    boundary = content_type.parameters.get("boundary", "")
    if not boundary:
        raise FormError("the Content-Type has no boundary")
    return multipart_fields(body, boundary)


def _parse_urlencoded(body: bytes, content_type: ContentType) -> list[Field]:
    """Return the fields of a URL-encoded form."""
    return urlencoded_fields(body)


_FORMS: Mapping[str, Callable[[bytes, ContentType], list[Field]]] = {
    FORM: _parse_urlencoded,
    MULTIPART: _parse_multipart,
}


def _decode_text(body: bytes, charset: str) -> str:
    """Return a body as text; raises `LookupError` or `ValueError` if it is not text in a charset."""
    if codecs.lookup(charset).name in _NO_CHARSETS:
        raise LookupError(charset)
    return body.decode(charset)


_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape"})
"""Encodings of Python that are not charsets; the first two take quadratic time."""


def _allows_empty_body(content_type: ContentType) -> bool:
    """Return whether a body may have zero bytes: true for each given media type except JSON and multipart."""
    return bool(content_type.essence) and not is_json(content_type.essence) and content_type.essence != MULTIPART


def _media_type_violation(documented: RequestBody, content_type: ContentType) -> Violation:
    """Return the violation of a media type that is missing or not documented."""
    message, observed = "the media type is not documented", content_type.essence
    if not observed:
        message, observed = "the body has no Content-Type", "no Content-Type"
    expected = list(documented.content)
    return Violation(MEDIA_TYPE, "error", message, (), "header Content-Type", expected, observed, "media type")


def _not_checked_warning(reason: str) -> Violation:
    """Return the warning that the body was not checked, for a reason."""
    return Violation(NOT_CHECKED, "warning", f"the body was not checked: {reason}", place=_PLACE)
