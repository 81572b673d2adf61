"""Conforming variants that differ in how the same list is sent."""

import gzip
import json
import time
import zlib
from collections.abc import Callable, Container
from dataclasses import replace
from email.utils import formatdate
from functools import partial

from .deliveries import (
    Delivery,
    after_informational,
    as_http_1_0,
    chunked,
    chunked_with_trailers,
    delivered_by,
    in_slow_pieces,
    later,
    odd_case,
    then_closed,
    until_close,
    with_head,
)
from .reply import Reply, explained_error, nested_error, written
from .runtimes import API_KEY
from .service import DOWN, LIMIT, Hook, Service, Visit, right_key, untouched
from .variant import variants


def _typed(content_type: str) -> Hook:
    """Return the hook that sends a reply with another content type."""
    return lambda _, reply: reply.typed(content_type)


def _adding(*headers: tuple[str, str]) -> Hook:
    """Return the hook that adds header fields to a reply."""
    return lambda _, reply: reply.adding(*headers)


def _refusing_with(status: int) -> Hook:
    """Return the hook that sends a reply with another status."""
    return lambda _, reply: replace(reply, status=status)


def _encoded(coding: str, encode: Callable[[bytes], bytes], then: Hook = untouched) -> Hook:
    """Return the hook that sends a reply in a coding that the request accepts, after `then`, and else as it is."""

    def hook(visit: Visit, reply: Reply) -> Reply:
        accepted = visit.request.header("Accept-Encoding")
        if accepted is not None and coding not in accepted:
            return reply
        encoded = replace(reply, body=encode(reply.body))
        return then(visit, encoded.adding(("Content-Encoding", coding), ("Vary", "Accept-Encoding")))

    return hook


def _gzip_in_gzip(_: Visit, reply: Reply) -> Reply:
    """Return the reply with its body in gzip twice."""
    body = gzip.compress(gzip.compress(reply.body))
    return replace(reply, body=body).adding(("Content-Encoding", "gzip, gzip"))


def _two_members(body: bytes) -> bytes:
    """Return a body as two members of gzip."""
    return gzip.compress(body[:100]) + gzip.compress(body[100:])


def _always(delivery: Delivery) -> Service:
    """Return the service that sends each reply by a delivery."""
    return Service(always=delivered_by(delivery))


def _asking_back(reply: Reply, numbers: Container[int], *headers: tuple[str, str]) -> Service:
    """Return the service that sends `reply` and these headers for the requests `numbers`, counted from 1."""
    return Service(early=lambda visit: reply.adding(*headers) if visit.number in numbers else None)


def _until_a_date(reply: Reply, number: int) -> Service:
    """Return the service that sends `reply` for one request, with a `Retry-After` a second later, as a date."""

    def early(visit: Visit) -> Reply | None:
        date = formatdate(time.time() + 1, usegmt=True)
        return reply.adding(("Retry-After", date)) if visit.number == number else None

    return Service(early=early)


def _limited_in_the_middle(visit: Visit, reply: Reply) -> Reply:
    """Return a 429 for the third list, and the reply for any other."""
    return LIMIT.adding(("Retry-After", "1")) if visit.listing == 3 else reply


def _late_now_and_then(visit: Visit, reply: Reply) -> Reply:
    """Return the reply, which is sent after a second for the first and fourth list."""
    return replace(reply, delivery=later(1.0)) if visit.listing in (1, 4) else reply


def _wrong_token_forbidden(visit: Visit, reply: Reply) -> Reply:
    """Return the reply with 403 if the request has any `Authorization`."""
    return replace(reply, status=403) if visit.request.header("Authorization") else reply


def _malformed_is_bad(visit: Visit, reply: Reply) -> Reply:
    """Return the reply with 400 if the space is not as long as a UUID, or not ASCII."""
    well_formed = len(visit.request.space or "") == 36 and (visit.request.space or "").isascii()
    return reply if well_formed else replace(reply, status=400)


def _key_before_method(visit: Visit) -> Reply | None:
    """Return a 401 for a method other than GET and HEAD without the key; None for any other request."""
    if visit.request.method in ("GET", "HEAD") or right_key(visit):
        return None
    return Service().problem(401, "auth.invalid_key", "A valid key is needed.", ("WWW-Authenticate", "Bearer"))


def _exact_scheme(visit: Visit) -> bool:
    """Return whether a request has the key after `Bearer` in this case."""
    return visit.request.header("Authorization") == f"Bearer {API_KEY}"


def _answering(method: str, reply: Reply) -> Service:
    """Return the service that sends `reply` for every request of a method."""
    return Service(early=lambda visit: reply if visit.request.method == method else None)


def _too_long(visit: Visit, reply: Reply) -> Reply:
    """Return the reply with 414 if the space has more than 200 characters."""
    return replace(reply, status=414) if len(visit.request.space or "") > 200 else reply


def _ticket(visit: Visit) -> bool:
    """Return whether a request has the key, or the cookie `ticket=abc`."""
    return right_key(visit) or "ticket=abc" in (visit.request.header("Cookie") or "")


_RAW_DEFLATE = partial(zlib.compress, wbits=-zlib.MAX_WBITS)
_NOT_ALLOWED = Service().problem(405, "method.not_allowed", "Only GET.", ("Allow", "GET"))
_NO_STORE = (
    ("ETag", 'W/"5f"'),
    ("Cache-Control", "private, max-age=0"),
    ("Last-Modified", formatdate(0, usegmt=True)),
    ("Vary", "Authorization"),
    ("Age", "0"),
)
_UNKNOWN_HEADERS = (
    ("X-Request-Id", "a" * 300),
    ("Server", "variant/1 (odd; ö)"),
    ("X-Empty", ""),
    ("Link", "<x>; rel=y"),
    ("X-Ratelimit-Remaining", "0"),
    ("Strict-Transport-Security", "max-age=1"),
)
_COOKIES = (("Set-Cookie", "a=1; Path=/; HttpOnly"), ("Set-Cookie", "b=2; Secure; SameSite=Strict"))

_AT_ONCE, _IN_A_SECOND = ("Retry-After", "0"), ("Retry-After", "1")

_FAMILIES = {
    "framing": {
        "chunked": _always(chunked(500)),
        "chunked-in-tiny-chunks": _always(chunked(3, each_alone=True)),
        "chunked-with-trailers": _always(chunked_with_trailers),
        "close-delimited": _always(until_close),
        "http-1.0": _always(as_http_1_0),
    },
    "coding": {
        "gzip": Service(always=_encoded("gzip", gzip.compress)),
        "gzip-chunked": Service(always=_encoded("gzip", gzip.compress, delivered_by(chunked(64)))),
        "gzip-in-two-members": Service(always=_encoded("gzip", _two_members)),
        "gzip-padded-with-zeros": Service(always=_encoded("gzip", lambda body: gzip.compress(body) + bytes(8))),
        "gzip-in-gzip": Service(always=_gzip_in_gzip),
        "deflate": Service(always=_encoded("deflate", zlib.compress)),
        "deflate-without-zlib-wrapper": Service(always=_encoded("deflate", _RAW_DEFLATE)),
        "identity-coding": Service(always=_adding(("Content-Encoding", "identity"))),
    },
    "content type": {
        "charset-of-no-text": Service(always=_typed("application/json; charset=hex")),
        "charset-that-is-not-the-bodys": Service(always=_typed("application/json; charset=utf-16")),
        "charset-utf-8": Service(always=_typed("application/json; charset=utf-8")),
        "charset-upper-case-quoted": Service(always=_typed('Application/JSON;charset="UTF-8"')),
        "content-type-other-parameters": Service(always=_typed("application/json ; v=1; q=a")),
    },
    "connection": {
        "connection-close": Service(always=_adding(("Connection", "close"))),
        "closed-unannounced": _always(then_closed),
        "one-connection-at-a-time": Service(is_serial=True),
    },
    "informational answers": {
        "continue-first": _always(after_informational(100)),
        "early-hints": _always(after_informational(103)),
    },
    "header names": {
        "odd-header-case": _always(with_head(odd_case)),
        "unknown-headers": Service(always=_adding(*_UNKNOWN_HEADERS)),
    },
    "status line": {
        "no-reason-phrase": _always(with_head(lambda head: head.replace(b" OK\r\n", b" \r\n", 1))),
    },
    "caching": {"cache-headers": Service(always=_adding(*_NO_STORE))},
    "cookies": {
        "set-cookie": Service(always=_adding(*_COOKIES)),
        "cookie-honoured-instead-of-key": Service(admits=_ticket, listed=_adding(("Set-Cookie", "ticket=abc; Path=/"))),
    },
    "whitespace": {
        "pretty-printed": Service(write=lambda document: json.dumps(document, indent="\t").encode()),
        "whitespace-around": Service(write=lambda document: b"\r\n \t" + written(document) + b"\n\n"),
    },
    "escapes": {
        "escaped-unicode": Service(write=lambda document: json.dumps(document).encode()),
        "escaped-slashes": Service(write=lambda document: written(document).replace(b"-", b"\\u002d")),
    },
    "rate limit": {
        **{f"429-once-at-request-{number}": _asking_back(LIMIT, {number}, _AT_ONCE) for number in (26, 33, 38, 39)},
        "429-once-at-first": _asking_back(LIMIT, {1}, _IN_A_SECOND),
        "429-once-with-date": _until_a_date(LIMIT, 1),
        "429-once-without-retry-after": _asking_back(LIMIT, {1}),
        "429-once-retry-after-zero": _asking_back(LIMIT, {1}, _AT_ONCE),
        "429-twice-at-first": _asking_back(LIMIT, {1, 2}, _IN_A_SECOND),
        "429-once-in-the-middle": Service(listed=_limited_in_the_middle),
        "429-every-sixth-time": _asking_back(LIMIT, range(6, 1000, 6), _AT_ONCE),
    },
    "announced pause": {
        "503-once-at-first": _asking_back(DOWN, {1}, _IN_A_SECOND),
        "503-once-in-the-middle": _asking_back(DOWN, {12}, _IN_A_SECOND),
        "503-once-with-date": _until_a_date(DOWN, 2),
        "503-twice-at-first": _asking_back(DOWN, {1, 2}, _AT_ONCE),
    },
    "time": {
        "slow-first-and-fourth": Service(listed=_late_now_and_then),
        "slow-in-pieces": Service(listed=delivered_by(in_slow_pieces(3, 0.05))),
    },
    "error shape": {
        "nested-errors": Service(error=nested_error),
        "nested-errors-explained": Service(error=explained_error),
        "errors-with-charset": Service(
            refused=_typed("application/json; charset=utf-8"), unknown=_typed("application/json;charset=UTF-8")
        ),
    },
    "refusal": {
        "refused-with-403": Service(refused=_refusing_with(403)),
        "wrong-token-403-missing-401": Service(error=nested_error, refused=_wrong_token_forbidden),
        "401-without-challenge": Service(refused=lambda _, reply: replace(reply, headers=reply.headers[:1])),
    },
    "scheme": {"bearer-in-exact-case-only": Service(admits=_exact_scheme)},
    "unknown space": {
        "unknown-space-403": Service(unknown=_refusing_with(403)),
        "unknown-space-400": Service(unknown=_refusing_with(400)),
        "malformed-space-400": Service(unknown=_malformed_is_bad),
    },
    "odd ids": {"long-space-id-414": Service(unknown=_too_long)},
    "methods": {
        "options-answered": _answering("OPTIONS", Reply(204, b"", (("Allow", "GET, HEAD, OPTIONS"),))),
        "key-before-method": Service(early=_key_before_method),
        "head-not-implemented": _answering("HEAD", Reply(501, b"", ())),
        "head-not-found": _answering("HEAD", Reply(404, b"", ())),
        "head-not-allowed": _answering("HEAD", _NOT_ALLOWED),
    },
}
_DOUBTS = {
    "gzip-in-two-members": "RFC 1952 allows it; some clients read only the first member",
    "gzip-padded-with-zeros": "gzip itself passes over the zeros, RFC 1952 does not speak of them",
    "gzip-in-gzip": "RFC 9110 allows several codings; few servers send them",
    "deflate-without-zlib-wrapper": "against RFC 9110, section 8.4.1.2, but every client reads it",
    "identity-coding": "RFC 9110 says it should not be sent; it changes nothing",
    "early-hints": "RFC 9110 lets a server send them unasked; Python's http.client takes 103 for the answer",
    "cookie-honoured-instead-of-key": "a second way in, that only a client with a cookie jar sees",
    "401-without-challenge": "RFC 9110 wants WWW-Authenticate with 401; the contract does not speak of it",
    "long-space-id-414": "414 is not documented, but no 5xx",
    "head-not-implemented": "many a small server knows no HEAD",
    "head-not-found": "a router that knows GET alone",
    "head-not-allowed": "RFC 9110 wants HEAD wherever GET is; the contract documents GET only",
}
VARIANTS = variants("harmless", "pass", _FAMILIES, _DOUBTS)
