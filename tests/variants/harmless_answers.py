"""Conforming variants that differ in how the same list is answered."""

import gzip
import json
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate

from .deliveries import (
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
    with_body_always,
    with_head,
)
from .reply import Reply, explained_error, flat_error, nested_error, with_length, written
from .runtimes import API_KEY
from .service import Hook, Service, Visit, right_key, untouched
from .variant import Variant, harmless


def _typed(content_type: str) -> Hook:
    return lambda _, reply: reply.typed(content_type)


def _adding(*headers: tuple[str, str]) -> Hook:
    return lambda _, reply: reply.adding(*headers)


def _refusing_with(status: int) -> Hook:
    return lambda _, reply: replace(reply, status=status)


def _encoded(coding: str, encode: Callable[[bytes], bytes], then: Hook = untouched) -> Hook:
    def hook(visit: Visit, reply: Reply) -> Reply:
        accepted = visit.request.header("Accept-Encoding")
        if accepted is not None and coding not in accepted:
            return reply
        encoded = replace(reply, body=encode(reply.body))
        return then(visit, encoded.adding(("Content-Encoding", coding), ("Vary", "Accept-Encoding")))

    return hook


def _adding_coded(codings: str, encode: Callable[[bytes], bytes]) -> Hook:
    return lambda _, reply: replace(reply, body=encode(reply.body)).adding(("Content-Encoding", codings))


def _raw_deflate(body: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(body) + deflater.flush()


def _two_members(body: bytes) -> bytes:
    return gzip.compress(body[:100]) + gzip.compress(body[100:])


def _limited(when: Callable[[Visit], bool], *headers: tuple[str, str]) -> Service:
    limit = Service().problem(429, "rate.limited", "Slow down.", *headers)
    return Service(early=lambda visit: limit if when(visit) else None)


def _date_in(seconds: int) -> tuple[str, str]:
    return "Retry-After", formatdate(time.time() + seconds, usegmt=True)


def _is_number(number: int) -> Callable[[Visit], bool]:
    return lambda visit: visit.number == number


_DOWN = Service().problem(503, "server.unavailable", "Come back later.")


def _limited_until_a_date(visit: Visit) -> Reply | None:
    return Service().problem(429, "rate.limited", "Slow down.", _date_in(1)) if visit.number == 1 else None


def _limited_in_the_middle(visit: Visit, reply: Reply) -> Reply:
    limit = Service().problem(429, "rate.limited", "Slow down.", ("Retry-After", "1"))
    return limit if visit.listing == 3 else reply


def _down(when: Callable[[Visit], bool], *headers: tuple[str, str]) -> Service:
    down = Service().problem(503, "server.unavailable", "Come back later.", *headers)
    return Service(early=lambda visit: down if when(visit) else None)


def _late_now_and_then(visit: Visit, reply: Reply) -> Reply:
    return replace(reply, delivery=later(1.0)) if visit.listing in (1, 4) else reply


def _wrong_token_forbidden(visit: Visit, reply: Reply) -> Reply:
    return replace(reply, status=403) if visit.request.header("Authorization") else reply


def _malformed_is_bad(visit: Visit, reply: Reply) -> Reply:
    well_formed = len(visit.request.space or "") == 36 and (visit.request.space or "").isascii()
    return reply if well_formed else replace(reply, status=400)


def _key_before_method(visit: Visit) -> Reply | None:
    if visit.request.method in ("GET", "HEAD") or right_key(visit):
        return None
    return Service().problem(401, "auth.invalid_key", "A valid key is needed.", ("WWW-Authenticate", "Bearer"))


def _options(visit: Visit) -> Reply | None:
    return Reply(204, b"", (("Allow", "GET, HEAD, OPTIONS"),)) if visit.request.method == "OPTIONS" else None


def _exact_scheme(visit: Visit) -> bool:
    return visit.request.header("Authorization") == f"Bearer {API_KEY}"


def _head(status: int) -> Callable[[Visit], Reply | None]:
    return lambda visit: Reply(status, b"", ()) if visit.request.method == "HEAD" else None


def _no_head(visit: Visit) -> Reply | None:
    refusal = Service().problem(405, "method.not_allowed", "Only GET.", ("Allow", "GET"))
    return refusal if visit.request.method == "HEAD" else None


def _too_long(visit: Visit, reply: Reply) -> Reply:
    return replace(reply, status=414) if len(visit.request.space or "") > 200 else reply


def _ticket(visit: Visit) -> bool:
    return right_key(visit) or "ticket=abc" in (visit.request.header("Cookie") or "")


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
    ("Deprecation", "true"),
)
_COOKIES = (("Set-Cookie", "a=1; Path=/; HttpOnly"), ("Set-Cookie", "b=2; Secure; SameSite=Strict"))

VARIANTS: tuple[Variant, ...] = (
    harmless("chunked", "framing", Service(always=delivered_by(chunked(500)))),
    harmless("chunked-in-tiny-chunks", "framing", Service(always=delivered_by(chunked(3, each_alone=True)))),
    harmless("chunked-with-trailers", "framing", Service(always=delivered_by(chunked_with_trailers))),
    harmless("gzip", "coding", Service(always=_encoded("gzip", gzip.compress))),
    harmless("gzip-chunked", "coding", Service(always=_encoded("gzip", gzip.compress, delivered_by(chunked(64))))),
    harmless(
        "gzip-in-two-members",
        "coding",
        Service(always=_encoded("gzip", _two_members)),
        doubt="RFC 1952 allows it; some clients read only the first member",
    ),
    harmless(
        "gzip-padded-with-zeros",
        "coding",
        Service(always=_encoded("gzip", lambda body: gzip.compress(body) + bytes(8))),
        doubt="gzip itself passes over the zeros, RFC 1952 does not speak of them",
    ),
    harmless(
        "gzip-in-gzip",
        "coding",
        Service(always=_adding_coded("gzip, gzip", lambda body: gzip.compress(gzip.compress(body)))),
        doubt="RFC 9110 allows several codings; few servers send them",
    ),
    harmless("deflate", "coding", Service(always=_encoded("deflate", zlib.compress))),
    harmless(
        "deflate-without-zlib-wrapper",
        "coding",
        Service(always=_encoded("deflate", _raw_deflate)),
        doubt="against RFC 9110, section 8.4.1.2, but every client reads it",
    ),
    harmless(
        "identity-coding",
        "coding",
        Service(always=_adding(("Content-Encoding", "identity"))),
        doubt="RFC 9110 says it should not be sent; it changes nothing",
    ),
    harmless("charset-of-no-text", "content type", Service(always=_typed("application/json; charset=hex"))),
    harmless(
        "charset-that-is-not-the-bodys", "content type", Service(always=_typed("application/json; charset=utf-16"))
    ),
    harmless("charset-utf-8", "content type", Service(always=_typed("application/json; charset=utf-8"))),
    harmless(
        "charset-upper-case-quoted",
        "content type",
        Service(always=_typed('Application/JSON;charset="UTF-8"')),
    ),
    harmless("content-type-other-parameters", "content type", Service(always=_typed("application/json ; v=1; q=a"))),
    harmless("connection-close", "connection", Service(always=_adding(("Connection", "close")))),
    harmless("closed-unannounced", "connection", Service(always=delivered_by(then_closed))),
    harmless("close-delimited", "framing", Service(always=delivered_by(until_close))),
    harmless("http-1.0", "framing", Service(always=delivered_by(as_http_1_0))),
    harmless("continue-first", "informational answers", Service(always=delivered_by(after_informational(100)))),
    harmless(
        "early-hints",
        "informational answers",
        Service(always=delivered_by(after_informational(103))),
        doubt="RFC 9110 lets a server send them unasked; Python's http.client takes 103 for the answer",
    ),
    harmless("odd-header-case", "header names", Service(always=delivered_by(with_head(odd_case)))),
    harmless(
        "no-reason-phrase",
        "status line",
        Service(always=delivered_by(with_head(lambda head: head.replace(b" OK\r\n", b" \r\n", 1)))),
    ),
    harmless("unknown-headers", "header names", Service(always=_adding(*_UNKNOWN_HEADERS))),
    harmless("cache-headers", "caching", Service(always=_adding(*_NO_STORE))),
    harmless("set-cookie", "cookies", Service(always=_adding(*_COOKIES))),
    harmless(
        "cookie-honoured-instead-of-key",
        "cookies",
        Service(admits=_ticket, listed=_adding(("Set-Cookie", "ticket=abc; Path=/"))),
        doubt="a second way in, that only a client with a cookie jar sees",
    ),
    harmless(
        "pretty-printed",
        "whitespace",
        Service(write=lambda document: json.dumps(document, indent="\t").encode()),
    ),
    harmless(
        "whitespace-around",
        "whitespace",
        Service(write=lambda document: b"\r\n \t" + written(document) + b"\n\n"),
    ),
    harmless("escaped-unicode", "escapes", Service(write=lambda document: json.dumps(document).encode())),
    harmless(
        "escaped-slashes",
        "escapes",
        Service(write=lambda document: written(document).replace(b"-", b"\\u002d")),
    ),
    harmless("one-connection-at-a-time", "connection", Service(is_serial=True)),
    *(
        harmless(f"429-once-at-request-{number}", "rate limit", _limited(_is_number(number), ("Retry-After", "0")))
        for number in (26, 33, 38, 39)
    ),
    harmless("429-once-at-first", "rate limit", _limited(lambda visit: visit.number == 1, ("Retry-After", "1"))),
    harmless("429-once-with-date", "rate limit", Service(early=_limited_until_a_date)),
    harmless("429-once-without-retry-after", "rate limit", _limited(lambda visit: visit.number == 1)),
    harmless(
        "429-once-retry-after-zero",
        "rate limit",
        _limited(lambda visit: visit.number == 1, ("Retry-After", "0")),
    ),
    harmless("429-twice-at-first", "rate limit", _limited(lambda visit: visit.number <= 2, ("Retry-After", "1"))),
    harmless("429-once-in-the-middle", "rate limit", Service(listed=_limited_in_the_middle)),
    harmless("429-every-sixth-time", "rate limit", _limited(lambda visit: visit.number % 6 == 0, ("Retry-After", "0"))),
    harmless("503-once-at-first", "announced pause", _down(lambda visit: visit.number == 1, ("Retry-After", "1"))),
    harmless(
        "503-once-in-the-middle", "announced pause", _down(lambda visit: visit.number == 12, ("Retry-After", "1"))
    ),
    harmless(
        "503-once-with-date",
        "announced pause",
        Service(early=lambda visit: _DOWN.adding(_date_in(1)) if visit.number == 2 else None),
    ),
    harmless("503-twice-at-first", "announced pause", _down(lambda visit: visit.number <= 2, ("Retry-After", "0"))),
    harmless("slow-first-and-fourth", "time", Service(listed=_late_now_and_then)),
    harmless("slow-in-pieces", "time", Service(listed=delivered_by(in_slow_pieces(3, 0.05)))),
    harmless("nested-errors", "error shape", Service(error=nested_error)),
    harmless("nested-errors-explained", "error shape", Service(error=explained_error)),
    harmless(
        "errors-with-charset",
        "error shape",
        Service(
            error=flat_error,
            refused=_typed("application/json; charset=utf-8"),
            unknown=_typed("application/json;charset=UTF-8"),
        ),
    ),
    harmless("refused-with-403", "refusal", Service(refused=_refusing_with(403))),
    harmless("wrong-token-403-missing-401", "refusal", Service(error=nested_error, refused=_wrong_token_forbidden)),
    harmless(
        "401-without-challenge",
        "refusal",
        Service(refused=lambda _, reply: replace(reply, headers=reply.headers[:1])),
        doubt="RFC 9110 wants WWW-Authenticate with 401; the contract does not speak of it",
    ),
    harmless("bearer-in-exact-case-only", "scheme", Service(admits=_exact_scheme)),
    harmless("unknown-space-403", "unknown space", Service(unknown=_refusing_with(403))),
    harmless("unknown-space-400", "unknown space", Service(unknown=_refusing_with(400))),
    harmless("malformed-space-400", "unknown space", Service(unknown=_malformed_is_bad)),
    harmless("long-space-id-414", "odd ids", Service(unknown=_too_long), doubt="414 is not documented, but no 5xx"),
    harmless("options-answered", "methods", Service(early=_options)),
    harmless("key-before-method", "methods", Service(early=_key_before_method)),
    harmless(
        "head-with-a-body",
        "methods",
        Service(always=delivered_by(with_body_always(with_length))),
        doubt="against RFC 9110, section 9.3.2; the contract documents GET only",
    ),
    harmless(
        "head-with-a-chunked-body",
        "methods",
        Service(always=delivered_by(with_body_always(chunked(500)))),
        doubt="against RFC 9110, section 9.3.2; the contract documents GET only",
    ),
    harmless("head-not-implemented", "methods", Service(early=_head(501)), doubt="many a small server knows no HEAD"),
    harmless("head-not-found", "methods", Service(early=_head(404)), doubt="a router that knows GET alone"),
    harmless(
        "head-not-allowed",
        "methods",
        Service(early=_no_head),
        doubt="RFC 9110 wants HEAD wherever GET is; the contract documents GET only",
    ),
)
