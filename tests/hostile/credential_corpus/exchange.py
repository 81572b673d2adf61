"""An exchange of the corpus, and the functions that build its bodies and values."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus, urlencode

Pairs = tuple[tuple[str, str], ...]
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class CorpusExchange:
    """One request and its response, as they are sent, without `Host` and `Content-Length`.

    `planted` are the decoded values that no output may contain, in none of their `spellings`. `kept` are texts of the
    exchange that stay visible. `violates` is whether the exchange violates `api.openapi.yaml`. `follows` is the name of
    the earlier exchange that issued a planted value, or empty.
    """

    name: str
    method: str
    target: str
    request_headers: Pairs = ()
    request_body: bytes = b""
    status: int = 200
    response_headers: Pairs = ()
    response_body: bytes = b""
    planted: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    violates: bool = True
    follows: str = ""

    @property
    def content(self) -> str:
        """All text of the exchange: target, headers and bodies."""
        headers = [f"{name}: {value}" for name, value in (*self.request_headers, *self.response_headers)]
        bodies = [body.decode(errors="replace") for body in (self.request_body, self.response_body)]
        return "\n".join([self.target, *headers, *bodies])


class Body(NamedTuple):
    """A body and its media type."""

    media_type: str
    content: bytes


def exchange(
    name: str,
    call: str,
    sent: Body | None = None,
    answer: Body | None = None,
    *,
    status: int = 200,
    sends: Pairs = (),
    returns: Pairs = (),
    planted: Sequence[str] = (),
    kept: Sequence[str] = (),
    violates: bool = True,
    follows: str = "",
) -> CorpusExchange:
    """Return an exchange; `call` is the method and the target, `sends` and `returns` are the further headers."""
    method, _, target = call.partition(" ")
    return CorpusExchange(
        name,
        method,
        target,
        (*sends, *_content_type(sent)),
        sent.content if sent else b"",
        status,
        (*returns, *_content_type(answer)),
        answer.content if answer else b"",
        tuple(planted),
        tuple(kept),
        violates,
        follows,
    )


def _content_type(body: Body | None) -> Pairs:
    """Return the `Content-Type` header of a body; empty if there is none."""
    return (("Content-Type", body.media_type),) if body else ()


def json_body(value: Any, media_type: str = "application/json", *, ascii_only: bool = True) -> Body:
    """Return a value as JSON; with `ascii_only`, other characters are escaped."""
    return Body(media_type, json.dumps(value, ensure_ascii=ascii_only).encode())


def refused(ok: object = "no", **members: Any) -> Body:
    """Return a problem document (RFC 9457) with these members."""
    return json_body({"ok": ok, **members}, "application/problem+json")


def form(*pairs: tuple[str, str]) -> Body:
    """Return pairs as a form."""
    return Body("application/x-www-form-urlencoded", urlencode(pairs).encode())


def multipart(*parts: tuple[str, str] | tuple[str, str, str]) -> Body:
    """Return parts as a multipart form; a part is a name, a text, and the file name if it is a file."""
    boundary = "----corpus7MA4YWxk"
    lines = []
    for name, text, *file_name in parts:
        disposition = f'Content-Disposition: form-data; name="{name}"'
        head = [f'{disposition}; filename="{file_name[0]}"', "Content-Type: text/plain"] if file_name else [disposition]
        lines += [f"--{boundary}", *head, "", text]
    content = "\r\n".join([*lines, f"--{boundary}--", ""])
    return Body(f"multipart/form-data; boundary={boundary}", content.encode())


def text(content: str, media_type: str = "text/plain; charset=utf-8") -> Body:
    """Return a text of any media type."""
    return Body(media_type, content.encode())


def opaque(name: str, length: int = 32) -> str:
    """Return letters and digits that look random, and depend on the name only."""
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in hashlib.sha512(name.encode()).digest()[:length])


def hexadecimal(name: str, length: int = 64) -> str:
    """Return hexadecimal digits that look random, and depend on the name only."""
    return hashlib.sha512(name.encode()).hexdigest()[:length]


def base64_value(name: str, size: int = 32) -> str:
    """Return base64 of bytes that look random, with a `+`, a `/` and padding."""
    digest = hashlib.sha512(name.encode()).digest()[: size - 3]
    return base64.b64encode(b"\xfb\xef\xff" + digest).decode()


def jwt(subject: str) -> str:
    """Return a JSON Web Token of a subject."""
    head = _base64url(b'{"alg":"HS256","typ":"JWT"}')
    claims = _base64url(json.dumps({"sub": subject, "scope": "read write", "exp": 1893456000}).encode())
    return f"{head}.{claims}.{_base64url(hashlib.sha256(subject.encode()).digest())}"


def jwt_parts(token: str) -> tuple[str, str, str]:
    """Return a JSON Web Token, its claims and its signature: none of them may be visible."""
    _, claims, signature = token.split(".")
    return token, claims, signature


def pem(name: str) -> str:
    """Return a private key in PEM; the key is not valid."""
    lines = [base64_value(f"{name}{number}", 48) for number in range(3)]
    return "\n".join(["-----BEGIN " + "PRIVATE KEY-----", *lines, "-----END " + "PRIVATE KEY-----", ""])


def pem_lines(block: str) -> tuple[str, ...]:
    """Return the lines of a private key without the first and the last."""
    return tuple(block.splitlines()[1:-1])


def basic(user: str, password: str) -> str:
    """Return the value of an `Authorization` header for basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _base64url(content: bytes) -> str:
    """Return base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def spellings(value: str) -> set[str]:
    """Return a value in each encoding in which an exchange of the corpus can have it."""
    quoted = {quote(value, safe=""), quote_plus(value), quote(value, safe="/"), quote(value, safe="!$&'()*+,;=:@/?")}
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    escaped |= {json.dumps(once)[1:-1] for once in escaped}
    escaped |= {"".join(f"\\u{ord(letter):04x}" for letter in value), value.replace("/", "\\/")}
    encoded = {base64.b64encode(value.encode()).decode(), _base64url(value.encode())}
    percent = "".join(f"%{byte:02X}" for byte in value.encode())
    lower = {re_encoded.replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d") for re_encoded in quoted}
    twice = {quote(once, safe="") for once in quoted}
    return {value, percent, html.escape(value), *quoted, *lower, *twice, *escaped, *encoded}
