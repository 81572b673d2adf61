"""Reads HAR 1.2: our own files strictly, comparing every digest, and those of other tools leniently."""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files.limits import latin1_json, parsing_problem
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Headers, Request, split_url
from pytest_bctrl.traffic.recordings.har_write import BODILESS, CODINGS, CREATOR, FORMAT, REQUEST, RESPONSE, Recording

Kind = TypeVar("Kind")

LACKS_BODY = "the file does not have the body (save it with the bodies)"
SAVE_AGAIN = "restore it, or save it again with the program that wrote it"


AttachmentReader: TypeAlias = Callable[[str], bytes]
"""Returns the body of the attachment with a name; raises `AttachmentError`."""


class AttachmentError(Exception):
    """A body in a separate file cannot be read; the message says why."""


def no_attachments(name: str) -> bytes:
    """Raise `AttachmentError`: a HAR on standard input has no attachments."""
    raise AttachmentError("a HAR file without its folder has no attachments")


def decode(data: bytes, name: str, hint: str = SAVE_AGAIN, attachments: AttachmentReader = no_attachments) -> Recording:
    """Return the recording in a HAR file; errors show the file's `name` and the `hint`.

    `attachments` returns the bodies outside the file. Raises `DocumentError`, naming file, entry and location, if the
    data are not a HAR, were truncated or edited, or come from a newer version.
    """
    reader = _Reader(name, hint, attachments)
    # The files of other tools have no digest that shows whether each byte was read right.
    document = None
    if _FORMAT_KEY in data[:_HEAD]:
        document = latin1_json(data, "text")
    if document is None:
        # A large file costs more memory than time, so the bytes and the text are released before the next step.
        text = reader.text(data)
        del data
        document = reader.document(text)
        del text
    return reader.recording(document)


# Control characters (RFC 9110, 5.5), and surrogates, which JSON can escape and no text contains.
_INVALID_IN_FIELD = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_FORMAT_KEY = b'"_bctrlFormat"'
_HEAD = 200


class _Reader:
    """Reads one file; keeps the location for errors."""

    def __init__(self, name: str, hint: str, attachments: AttachmentReader) -> None:
        self._name = name
        self._hint = hint
        self._attachments = attachments
        self._entry = ""
        self._is_ours = False
        self._attachment_names: list[str] = []

    def text(self, data: bytes) -> str:
        """Return the data as text. Raises `DocumentError` if it is empty, too large to parse, or not UTF-8."""
        if not data or data.isspace():
            raise self._error("it is empty")
        if problem := parsing_problem(data):
            raise self._error(problem)
        try:
            return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._error(f"it is not text: byte {error.start} is 0x{error.object[error.start]:02x}") from None

    def document(self, text: str) -> Any:
        """Parse a text as JSON. Raises `DocumentError` with the position of the error."""
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            position = f"line {error.lineno}, column {error.colno}"
            raise self._error(f"it is not JSON, or was cut: {error.msg} at {position}") from None
        except (ValueError, RecursionError) as error:
            raise self._error(f"it is not JSON that can be read: {type(error).__name__}") from None

    def recording(self, document: Any) -> Recording:
        """Return the recording in a HAR document. Raises `DocumentError` for an invalid entry."""
        log = self._log(document)
        self._require_format(log)
        entries = self._member(log, "entries", list, "log.entries")
        exchanges = []
        for number, entry in enumerate(entries, 1):
            self._entry = f"entry {number} of {len(entries)}{_test_suffix(entry)}"
            exchange = self._exchange(entry)
            if exchange is not None:
                exchanges.append(exchange)
        self._entry = ""
        target, recorded_at = self._string(log, "_bctrlTarget"), self._string(log, "_bctrlRecordedAt")
        return Recording(tuple(exchanges), target, recorded_at, self._is_ours, tuple(self._attachment_names))

    def _require_format(self, log: Mapping[str, Any]) -> None:
        """Raise `DocumentError` if the format of our own file is missing, or newer than this version can read."""
        version = log.get("_bctrlFormat")
        if not self._is_ours:
            return
        if type(version) is not int:
            raise self._error("log._bctrlFormat is missing or no number: the file was edited")
        if version > FORMAT:
            self._hint = "install a newer pytest-bctrl"
            raise self._error(f"it was written by a newer pytest-bctrl (format {version}, this one reads {FORMAT})")

    def _log(self, document: Any) -> Mapping[str, Any]:
        """Return the `log` of a HAR document, and set whether this kit wrote it. Raises `DocumentError`."""
        if not isinstance(document, Mapping) or not isinstance(document.get("log"), Mapping):
            raise self._error("it is JSON, but no HAR: an object with 'log' is expected")
        log: Mapping[str, Any] = document["log"]
        creator = log.get("creator")
        has_our_name = isinstance(creator, Mapping) and creator.get("name") == CREATOR
        self._is_ours = log.get("_bctrlFormat") is not None or has_our_name
        return log

    def _exchange(self, entry: Any) -> Exchange | None:
        """Return the exchange of an entry, or None if another tool recorded no response; may raise `DocumentError`.

        Files leave out credentials, and have decoded bodies.
        """
        if not isinstance(entry, Mapping):
            raise self._error("an object is expected")
        request = self._member(entry, "request", dict, "request")
        response = self._member(entry, "response", dict, "response")
        method = self._method(request)
        url = self._url(request)
        self._entry += f", {method} {urlsplit(url).path}"
        status = self._status(response)
        if status is None:
            return None
        content = self._content(response)
        body, request_body = self._body(content, "response.content"), self._request_body(request)
        sent = tuple((name.lower(), value) for name, value in self._headers(request, "request"))
        headers = _with_content_type(self._headers(response, "response"), content)
        base_url, target = split_url(url, self._base_path(entry, url))
        unread = LACKS_BODY if request_body is None else ""
        has_body = body is not None or method == "HEAD" or status in BODILESS or not content.get("size")
        exchange = Exchange(
            Request(method, target, sent, request_body or b"", base_url, unread),
            status,
            headers,
            body or b"",
            response_unread="" if has_body else LACKS_BODY,
            has_all_headers=bool(headers),
            hides_credentials=True,
            reason=self._string(response, "statusText"),
            started=self._string(entry, "startedDateTime"),
            test=self._string(entry, "_bctrlTest"),
            contract=self._string(entry, "_bctrlContract"),
        )
        self._require_digest(content, exchange.body_digest, "response.content")
        return exchange

    def _method(self, request: Mapping[str, Any]) -> str:
        """Return the method of a request in upper case. Raises `DocumentError` if it is not one."""
        method = self._member(request, "method", str, "request.method").upper()
        if not (method.isascii() and method.replace("-", "").isalpha()):
            raise self._error("request.method is not an HTTP method")
        return method

    def _content(self, response: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the content of a response; empty if a file of another tool has none. Else raises `DocumentError`."""
        if not self._is_ours and "content" not in response:
            return {}
        content = response.get("content")
        if not isinstance(content, Mapping):
            raise self._error("response.content: an object is expected")
        return content

    def _request_body(self, request: Mapping[str, Any]) -> bytes | None:
        """Return the body of a request, empty if there is none; None if another tool's file lacks it.

        Raises `DocumentError` if it was edited.
        """
        post_data = request.get("postData")
        if not isinstance(post_data, Mapping):
            return b""
        body = self._body(post_data, "request.postData")
        self._require_digest(post_data, sha256(body or b"").hexdigest(), "request.postData")
        return body

    def _url(self, request: Mapping[str, Any]) -> str:
        """Return the URL of a request. Raises `DocumentError` if it is not one."""
        url = self._member(request, "url", str, "request.url")
        try:
            parts = urlsplit(url)
            if not url.isprintable() or parts.port == 0:
                raise ValueError
        except ValueError:
            raise self._error("request.url is not a URL") from None
        # The file of a browser also holds `data:` and `blob:` URLs.
        if self._is_ours and not (parts.scheme in ("http", "https") and parts.hostname):
            raise self._error("request.url is not a URL of an API: the file was edited")
        return url

    def _base_path(self, entry: Mapping[str, Any], url: str) -> str:
        """Return the base path of the recorded target, often empty. Raises `DocumentError` if the URL has another."""
        base = self._string(entry, "_bctrlBasePath")
        if base and not urlsplit(url).path.startswith(f"{base}/"):
            raise self._error("request.url does not begin with _bctrlBasePath: the file was edited")
        return base

    def _status(self, response: Mapping[str, Any]) -> int | None:
        """Return the status; None if another tool's file has no response. Raises `DocumentError` for a wrong one."""
        status = self._member(response, "status", int, "response.status")
        if status <= 0 and not self._is_ours:
            # Browsers write this for a request that was blocked or cancelled, and has no response.
            return None
        if not 100 <= status <= 599:
            raise self._error(f"response.status: {status} is not an HTTP status")
        return status

    def _headers(self, message: Mapping[str, Any], location: str) -> Headers:
        """Return the header fields of a message. Raises `DocumentError` for an invalid one that recordings keep.

        Other fields with an invalid value are left out, and those about codings.
        """
        fields = message.get("headers", [])
        if not isinstance(fields, list):
            raise self._error(f"{location}.headers: a list is expected")
        headers = []
        for header in fields:
            if not isinstance(header, Mapping) or not isinstance(header.get("name"), str):
                raise self._error(f"{location}.headers: an object with 'name' and 'value' is expected")
            value = header.get("value", "")
            if not isinstance(value, str) or _INVALID_IN_FIELD.search(value):
                if header["name"].lower() in RESPONSE | REQUEST:
                    raise self._error(f"{location}.headers: {header['name']} has a value that no header can have")
                continue
            if header["name"].lower() not in CODINGS:
                headers.append((header["name"], value))
        return tuple(headers)

    def _body(self, content: Mapping[str, Any], location: str) -> bytes | None:
        """Return a body, from text or attachment; None if another tool's file lacks it. Else raises `DocumentError`."""
        text = content.get("text")
        if text is None and not self._is_ours:
            return self._attachment(content.get("_file"), location)
        if not isinstance(text, str | bytes):
            raise self._error(f"{location}.text: a string is expected")
        encoding = content.get("encoding")
        if encoding not in (None, "", "base64"):
            raise self._error(f"{location}.encoding: {str(encoding)[:40]!r} is not known; HAR has 'base64'")
        try:
            if encoding == "base64":
                return base64.b64decode(text, validate=True)
            if isinstance(text, str):
                return text.encode("utf-8")
        except (binascii.Error, UnicodeEncodeError, ValueError):
            raise self._error(f"{location}.text is no {encoding or 'UTF-8'} text") from None
        return text

    def _attachment(self, name: Any, location: str) -> bytes | None:
        """Return an attachment's content, and note its name; None if `name` is not text. May raise `DocumentError`."""
        if not isinstance(name, str):
            return None
        self._attachment_names.append(name)
        try:
            return self._attachments(name)
        except AttachmentError as error:
            self._hint = "keep its attachments beside it, or save it with the bodies embedded"
            raise self._error(f"{location}._file: {name[:80]!r}: {error}") from None

    def _require_digest(self, content: Mapping[str, Any], digest: str, location: str) -> None:
        """Raise `DocumentError` if a body has not its recorded digest, or if our own file has no digest."""
        recorded_digest = content.get("_bctrlSha256")
        if (self._is_ours or recorded_digest is not None) and recorded_digest != digest:
            raise self._error(f"{location}.text is not what was recorded: its SHA-256 differs from _bctrlSha256")

    def _member(self, container: Mapping[str, Any], key: str, expected_type: type[Kind], location: str) -> Kind:
        """Return the member of an object under a key. Raises `DocumentError` if it is missing or has another type."""
        value = container.get(key)
        if isinstance(value, expected_type) and not isinstance(value, bool):
            return value
        expected = {dict: "an object", list: "a list", str: "a string", int: "a number"}[expected_type]
        problem = f"{location}: {expected} is expected"
        if key not in container:
            problem += ", and it is missing"
        raise self._error(problem)

    def _string(self, container: Mapping[str, Any], key: str) -> str:
        """Return a string member, empty if there is none. Raises `DocumentError` if our own file has another type."""
        value = container.get(key, "")
        if isinstance(value, str):
            return value
        if not self._is_ours:
            return ""
        raise self._error(f"{key}: a string is expected")

    def _error(self, problem: str) -> DocumentError:
        """Return the error for a problem in the entry that is being read."""
        where = f"{self._name}: {self._entry}" if self._entry else self._name
        return DocumentError(problem, where=where, hint=self._hint)


def _test_suffix(entry: Any) -> str:
    """Return the test of an entry in parentheses; empty if the entry names none."""
    test = entry.get("_bctrlTest") if isinstance(entry, Mapping) else None
    if isinstance(test, str) and test:
        return f" ({test})"
    return ""


def _with_content_type(headers: Headers, content: Mapping[str, Any]) -> Headers:
    """Return the headers, with the media type that HAR has beside the body if the tool left out the header."""
    media_type = content.get("mimeType")
    if not isinstance(media_type, str) or not media_type.isprintable() or not media_type:
        return headers
    if any(name.lower() == "content-type" for name, _ in headers):
        return headers
    return (*headers, ("Content-Type", media_type))
