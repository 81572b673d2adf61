"""Reads HAR 1.2: our own files strictly, with every digest compared, and those of other tools as they come."""

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
from pytest_bctrl.traffic.recordings.exchange import (
    BODILESS,
    CREATOR,
    FORMAT,
    REQUEST,
    RESPONSE,
    Exchange,
    Headers,
    Recording,
    kept,
)

Kind = TypeVar("Kind")

AGAIN = "record it again: pytest --bctrl-record-mode=rewrite"


Attached: TypeAlias = Callable[[str], bytes]
"""Returns the body that is kept under a name; raises `AttachmentError`."""


class AttachmentError(Exception):
    """A body that is kept in a file of its own cannot be had; its text says why."""


def nowhere(name: str) -> bytes:
    """Have no attachments, as a HAR on standard input has none."""
    raise AttachmentError("a HAR that comes without its folder has no attachments")


def decode(data: bytes, name: str, hint: str = AGAIN, attached: Attached = nowhere) -> Recording:
    """Return what a HAR file holds; `name` is the file's name for errors, `hint` the command that makes it again.

    `attached` gives the bodies that are kept outside the file. Raises `DocumentError`, naming file, entry and place,
    for what is no HAR, was cut, edited or made by a newer version.
    """
    reader = _Reader(name, hint, attached)
    # With other tools' files there is no digest that says whether each byte was read right.
    document = latin1_json(data, "text") if _FORMAT_KEY in data[:_HEAD] else None
    if document is None:
        # A large file costs more memory than time: what was read is let go before the next step asks for as much.
        text = reader.text(data)
        del data
        document = reader.document(text)
        del text
    return reader.recording(document)


def salvage(data: bytes, name: str) -> tuple[Recording, tuple[str, ...]]:
    """Return what is whole in a file that `decode` refuses, and the test of each entry that is not ('' for nobody's).

    Raises `DocumentError` for what cannot be read entry by entry.
    """
    reader, broken = _Reader(name, AGAIN, nowhere), list[str]()
    return reader.recording(reader.document(reader.text(data)), broken), tuple(broken)


# Control characters (RFC 9110, 5.5), and what JSON can escape and no text holds.
_NO_FIELD = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_FORMAT_KEY = b'"_bctrlFormat"'
_HEAD = 200


class _Reader:
    def __init__(self, name: str, hint: str, attached: Attached) -> None:
        self._name = name
        self._hint = hint
        self._attached = attached
        self._at = ""
        self._ours = False
        self._taken: list[str] = []

    def text(self, data: bytes) -> str:
        if not data or data.isspace():
            raise self._error("it is empty")
        if problem := parsing_problem(data):
            raise self._error(problem)
        try:
            return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._error(f"it is not text: byte {error.start} is 0x{error.object[error.start]:02x}") from None

    def document(self, text: str) -> Any:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise self._error(f"it is not JSON, or was cut: {error.msg} at {where}") from None
        except (ValueError, RecursionError) as error:
            raise self._error(f"it is not JSON that can be read: {type(error).__name__}") from None

    def recording(self, document: Any, broken: list[str] | None = None) -> Recording:
        """What the file holds; where `broken` is given, it takes the test of each entry that cannot be read."""
        log = self._log(document)
        if broken is None:
            self._require_format(log)
        entries, read = self._of(log, "entries", list, "log.entries"), []
        for index, entry in enumerate(entries):
            test = entry.get("_bctrlTest") if isinstance(entry, Mapping) else ""
            test = test if isinstance(test, str) else ""
            self._at = f"entry {index + 1} of {len(entries)}{f' ({test})' if test else ''}"
            try:
                exchange = self._exchange(entry)
            except DocumentError:
                if broken is None:
                    raise
                broken.append(test)
            else:
                read += [exchange] if exchange is not None else []
        self._at = ""
        keys = ("_bctrlTarget", "_bctrlRecordedAt")
        target, recorded_at = ("", "") if broken is not None else (self._string(log, key) for key in keys)
        return Recording(tuple(read), target, recorded_at, self._ours, tuple(self._taken))

    def _require_format(self, log: Mapping[str, Any]) -> None:
        version = log.get("_bctrlFormat")
        if not self._ours:
            return
        if type(version) is not int:
            raise self._error("log._bctrlFormat is missing or no number: the file was edited")
        if version > FORMAT:
            self._hint = "upgrade: pip install --upgrade pytest-bctrl"
            raise self._error(f"it was made by a newer pytest-bctrl (format {version}, this one reads {FORMAT})")

    def _log(self, document: Any) -> Mapping[str, Any]:
        if not isinstance(document, Mapping) or not isinstance(document.get("log"), Mapping):
            raise self._error("it is JSON, but no HAR: an object with 'log' is expected")
        log: Mapping[str, Any] = document["log"]
        creator = log.get("creator")
        is_named = isinstance(creator, Mapping) and creator.get("name") == CREATOR
        self._ours = log.get("_bctrlFormat") is not None or is_named
        return log

    def _exchange(self, entry: Any) -> Exchange | None:
        if not isinstance(entry, Mapping):
            raise self._error("an object is expected")
        request = self._of(entry, "request", dict, "request")
        response = self._of(entry, "response", dict, "response")
        method = self._of(request, "method", str, "request.method").upper()
        if not (method.isascii() and method.replace("-", "").isalpha()):
            raise self._error("request.method is not an HTTP method")
        url = self._url(request)
        self._at += f", {method} {urlsplit(url).path}"
        status = self._status(response)
        if status is None:
            return None
        content = response.get("content", {} if not self._ours else None)
        if not isinstance(content, Mapping):
            raise self._error("response.content: an object is expected")
        body = self._body(content, "response.content")
        posted = request.get("postData")
        sent = self._body(posted, "request.postData") if isinstance(posted, Mapping) else b""
        if isinstance(posted, Mapping):
            self._require_digest(posted, sha256(sent or b"").hexdigest(), "request.postData")
        made = Exchange(
            method=method,
            url=url,
            status=status,
            headers=_with_media(kept(self._headers(response, "response"), RESPONSE), content),
            body=body or b"",
            request_headers=kept(self._headers(request, "request"), REQUEST),
            request_body=sent or b"",
            reason=self._string(response, "statusText"),
            started=self._string(entry, "startedDateTime"),
            test=self._string(entry, "_bctrlTest"),
            base_path=self._base_path(entry, url),
            contract=self._string(entry, "_bctrlContract"),
            is_complete=body is not None or method == "HEAD" or status in BODILESS or not content.get("size"),
        )
        self._require_digest(content, made.body_digest, "response.content")
        return made

    def _url(self, request: Mapping[str, Any]) -> str:
        url = self._of(request, "url", str, "request.url")
        try:
            parts = urlsplit(url)
            if not url.isprintable() or parts.port == 0:
                raise ValueError
        except ValueError:
            raise self._error("request.url is not a URL") from None
        # A browser's file also holds what it took from `data:` and `blob:`.
        if self._ours and not (parts.scheme in ("http", "https") and parts.hostname):
            raise self._error("request.url is not a URL of an API: the file was edited")
        return url

    def _base_path(self, entry: Mapping[str, Any], url: str) -> str:
        base = self._string(entry, "_bctrlBasePath")
        if base and not urlsplit(url).path.startswith(f"{base}/"):
            raise self._error("request.url does not begin with _bctrlBasePath: the file was edited")
        return base

    def _status(self, response: Mapping[str, Any]) -> int | None:
        status = self._of(response, "status", int, "response.status")
        if status <= 0 and not self._ours:
            # What a browser writes for a request that was blocked or given up: there was no answer.
            return None
        if not 100 <= status <= 599:
            raise self._error(f"response.status: {status} is not an HTTP status")
        return status

    def _headers(self, message: Mapping[str, Any], place: str) -> Headers:
        found = message.get("headers", [])
        if not isinstance(found, list):
            raise self._error(f"{place}.headers: a list is expected")
        headers = []
        for header in found:
            if not isinstance(header, Mapping) or not isinstance(header.get("name"), str):
                raise self._error(f"{place}.headers: an object with 'name' and 'value' is expected")
            value = header.get("value", "")
            if not isinstance(value, str) or _NO_FIELD.search(value):
                if header["name"].lower() in RESPONSE | REQUEST:
                    raise self._error(f"{place}.headers: {header['name']} has a value that no header can have")
                continue
            headers.append((header["name"], value))
        return tuple(headers)

    def _body(self, content: Mapping[str, Any], place: str) -> bytes | None:
        text = content.get("text")
        if text is None and not self._ours:
            return self._attachment(content.get("_file"), place)
        if not isinstance(text, str | bytes):
            raise self._error(f"{place}.text: a string is expected")
        encoding = content.get("encoding")
        if encoding not in (None, "", "base64"):
            raise self._error(f"{place}.encoding: {str(encoding)[:40]!r} is not known; HAR has 'base64'")
        try:
            if encoding == "base64":
                return base64.b64decode(text, validate=True)
            return text.encode("utf-8") if isinstance(text, str) else text
        except (binascii.Error, UnicodeEncodeError, ValueError):
            raise self._error(f"{place}.text is no {encoding or 'UTF-8'} text") from None

    def _attachment(self, name: Any, place: str) -> bytes | None:
        if not isinstance(name, str):
            return None
        self._taken.append(name)
        try:
            return self._attached(name)
        except AttachmentError as error:
            self._hint = "keep its attachments beside it, or save it with the bodies embedded"
            raise self._error(f"{place}._file: {name[:80]!r}: {error}") from None

    def _require_digest(self, content: Mapping[str, Any], found: str, place: str) -> None:
        written = content.get("_bctrlSha256")
        if (self._ours or written is not None) and written != found:
            raise self._error(f"{place}.text is not what was recorded: its SHA-256 differs from _bctrlSha256")

    def _of(self, owner: Mapping[str, Any], key: str, kind: type[Kind], place: str) -> Kind:
        value = owner.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            word = {dict: "an object", list: "a list", str: "a string", int: "a number"}[kind]
            raise self._error(f"{place}: {word} is expected" + ("" if key in owner else ", and it is missing"))
        return value

    def _string(self, owner: Mapping[str, Any], key: str) -> str:
        value = owner.get(key, "")
        if isinstance(value, str):
            return value
        if not self._ours:
            return ""
        raise self._error(f"{key}: a string is expected")

    def _error(self, problem: str) -> DocumentError:
        where = f"{self._name}: {self._at}" if self._at else self._name
        return DocumentError(problem, where=where, hint=self._hint)


def _with_media(headers: Headers, content: Mapping[str, Any]) -> Headers:
    """The headers, with the content type that HAR has beside the body where a tool left the header out."""
    said = content.get("mimeType")
    media = said if isinstance(said, str) and said.isprintable() else ""
    is_missing = all(name.lower() != "content-type" for name, _ in headers)
    return (*headers, ("Content-Type", media)) if media and is_missing else headers
