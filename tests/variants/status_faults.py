"""Variants whose status is wrong: crashes, odd successes, redirects, limits, answers that go bad at times."""

from collections.abc import Callable
from dataclasses import replace

from .deliveries import delivered_by, later
from .reply import Reply, written
from .runtimes import edited, put, sample
from .service import Hook, Service, Visit
from .variant import Variant, faulty

_HTML = b"<!doctype html><title>502</title><h1>Bad gateway</h1>"
_JSON = "application/json"
_CRASH = Service().problem(500, "server.error", "Something broke.")
_DOWN = Service().problem(503, "server.unavailable", "Come back later.")


def _status(status: int, body: bytes | None = None) -> Service:
    return Service(listed=lambda _, reply: replace(reply, status=status, body=reply.body if body is None else body))


def _crash_when(odd: Callable[[str], bool], instead: Reply = _CRASH) -> Service:
    return Service(unknown=lambda visit, reply: instead if odd(visit.request.space or "") else reply)


def _is_odd(space: str) -> bool:
    return len(space) != 36 or not space.isascii()


def _has_control(space: str) -> bool:
    return any(character < " " or character == "\x7f" for character in space)


def _redirect(status: int, place: Callable[[Visit], str]) -> Service:
    return Service(listed=lambda visit, reply: Reply(status, b"", (("Location", place(visit)),)))


def _elsewhere(visit: Visit) -> str:
    return visit.elsewhere + visit.request.path


def _with_slash(visit: Visit) -> Reply | None:
    if visit.request.path.endswith("/runtimes/"):
        return Reply(200, written(sample()))
    return None


def _limited(*headers: tuple[str, str]) -> Service:
    limit = Service().problem(429, "rate.limited", "Slow down.", *headers)
    return Service(early=lambda _: limit)


def _limited_once(body: bytes, content_type: str) -> Service:
    limit = Reply(429, body, (("Content-Type", content_type), ("Retry-After", "0")))
    return Service(early=lambda visit: limit if visit.number == 1 else None)


def _sometimes(bad: Hook, turn: Callable[[Visit], bool] = lambda visit: visit.listing % 5 == 0) -> Service:
    return Service(listed=lambda visit, reply: bad(visit, reply) if visit.listing and turn(visit) else reply)


def _bad_item(_: Visit, reply: Reply) -> Reply:
    return replace(reply, body=written(edited(put(9, "status", "paused"))()))


_ODD_IDS: tuple[tuple[str, Service, str], ...] = (
    ("500-on-odd-ids", _crash_when(_is_odd), ""),
    ("500-on-unicode-id", _crash_when(lambda space: not space.isascii()), ""),
    ("500-on-long-id", _crash_when(lambda space: len(space) > 255), ""),
    ("500-on-encoded-slash", _crash_when(lambda space: "/" in space), ""),
    ("500-on-control-characters", _crash_when(_has_control), ""),
    ("503-on-odd-ids", _crash_when(_is_odd, _DOWN), ""),
    ("200-on-odd-ids", _crash_when(_is_odd, Reply(200, written({"runtimes": []}))), ""),
    ("html-on-odd-ids", _crash_when(_is_odd, Reply(400, _HTML, (("Content-Type", "text/html"),))), ""),
    (
        "hang-on-unicode-id",
        _crash_when(lambda space: not space.isascii(), replace(_CRASH, delivery=later(120))),
        "",
    ),
    (
        "500-on-astral-id",
        _crash_when(lambda space: max(space, default="") > "\uffff"),
        "needs an id beyond the BMP",
    ),
    (
        "500-on-nul-in-id",
        _crash_when(lambda space: "\x00" in space),
        "needs NUL among the control characters sent",
    ),
    (
        "500-on-id-longer-than-1000",
        _crash_when(lambda space: len(space) > 1000),
        "needs an id of more than 1000",
    ),
    (
        "500-on-id-not-utf-8",
        _crash_when(lambda space: "\ufffd" in space),
        "needs %FF, which no one promised to send",
    ),
    (
        "500-on-quote-in-id",
        _crash_when(lambda space: "'" in space),
        "needs a quote, which no one promised to send",
    ),
)

VARIANTS: tuple[Variant, ...] = (
    faulty("protocol", "500-always", "no server error", Service(early=lambda _: _CRASH)),
    faulty("protocol", "500-on-list", "no server error", Service(listed=lambda *_: _CRASH)),
    faulty("protocol", "503-always", "no server error", Service(early=lambda _: _DOWN)),
    faulty(
        "protocol",
        "502-html-always",
        "no server error",
        Service(early=lambda _: Reply(502, _HTML, (("Content-Type", "text/html"),))),
    ),
    faulty("protocol", "500-with-good-body", "no server error", _status(500)),
    *(faulty("protocol", name, "odd ids", service, doubt) for name, service, doubt in _ODD_IDS),
    faulty("protocol", "201-for-200", "documented status", _status(201)),
    faulty("protocol", "202-for-200", "documented status", _status(202)),
    faulty("protocol", "203-for-200", "documented status", _status(203)),
    faulty("protocol", "206-for-200", "documented status", _status(206)),
    faulty("protocol", "204-without-body", "documented status", _status(204, b"")),
    faulty("protocol", "304-without-condition", "documented status", _status(304, b"")),
    faulty("protocol", "299-for-200", "documented status", _status(299)),
    faulty(
        "protocol",
        "404-for-known-space",
        "documented status",
        Service(listed=lambda *_: Service().problem(404, "space.not_found", "There is no such space.")),
    ),
    faulty("protocol", "401-for-right-key", "documented status", Service(admits=lambda _: False)),
    faulty(
        "protocol",
        "403-for-right-key",
        "documented status",
        Service(listed=lambda *_: Service().problem(403, "auth.forbidden", "Not for this key.")),
    ),
    faulty(
        "protocol",
        "200-with-error-body",
        "documented status",
        Service(listed=lambda *_: Service().problem(200, "server.error", "Something broke.")),
    ),
    faulty("protocol", "redirect-302-to-another-host", "redirect", _redirect(302, _elsewhere)),
    faulty("protocol", "redirect-301-to-another-host", "redirect", _redirect(301, _elsewhere)),
    faulty("protocol", "redirect-303-to-another-host", "redirect", _redirect(303, _elsewhere)),
    faulty("protocol", "redirect-307-to-another-host", "redirect", _redirect(307, _elsewhere)),
    faulty("protocol", "redirect-308-to-another-host", "redirect", _redirect(308, _elsewhere)),
    faulty(
        "protocol",
        "redirect-without-scheme",
        "redirect",
        _redirect(302, lambda visit: _elsewhere(visit).removeprefix("http:")),
    ),
    faulty(
        "protocol",
        "redirect-everything-to-another-host",
        "redirect",
        Service(early=lambda visit: Reply(302, b"", (("Location", _elsewhere(visit)),))),
    ),
    faulty(
        "protocol",
        "redirect-with-good-body",
        "redirect",
        Service(listed=lambda visit, reply: replace(reply, status=302).adding(("Location", _elsewhere(visit)))),
    ),
    faulty("protocol", "redirect-to-itself", "redirect", _redirect(302, lambda visit: visit.request.path)),
    faulty(
        "protocol",
        "redirect-to-trailing-slash",
        "redirect",
        replace(_redirect(308, lambda visit: visit.request.path + "/"), early=_with_slash),
    ),
    faulty("protocol", "redirect-without-location", "redirect", _status(302, b"")),
    faulty("protocol", "redirect-to-nonsense", "redirect", _redirect(302, lambda _: "http://[::")),
    faulty("protocol", "fifth-answer-has-bad-item", "repetition", _sometimes(_bad_item)),
    faulty("protocol", "fifth-answer-is-500", "repetition", _sometimes(lambda *_: _CRASH)),
    faulty(
        "protocol",
        "fifth-answer-is-503",
        "repetition",
        _sometimes(lambda *_: _DOWN),
        doubt="a client that retries 503 sees it only if it reports what it retried",
    ),
    faulty(
        "protocol",
        "fifth-answer-is-html",
        "repetition",
        _sometimes(lambda *_: Reply(200, _HTML, (("Content-Type", "text/html"),))),
    ),
    faulty(
        "protocol",
        "fifth-answer-is-text",
        "repetition",
        _sometimes(lambda _, reply: reply.typed("text/plain")),
    ),
    faulty(
        "protocol",
        "fifth-answer-is-cut",
        "repetition",
        _sometimes(lambda _, reply: replace(reply, body=reply.body[:-9])),
    ),
    faulty(
        "protocol",
        "fifth-answer-is-503-with-retry-after",
        "repetition",
        _sometimes(lambda *_: _DOWN.adding(("Retry-After", "0"))),
    ),
    faulty(
        "protocol",
        "503-always-with-retry-after",
        "no server error",
        Service(early=lambda _: _DOWN.adding(("Retry-After", "1"))),
    ),
    faulty(
        "protocol",
        "503-always-retry-after-a-day",
        "no server error",
        Service(early=lambda _: _DOWN.adding(("Retry-After", "86400"))),
    ),
    faulty("protocol", "fifth-answer-hangs", "repetition", _sometimes(delivered_by(later(120)))),
    faulty(
        "protocol",
        "fifth-answer-redirects",
        "repetition",
        _sometimes(lambda visit, reply: Reply(302, b"", (("Location", _elsewhere(visit)),))),
    ),
    faulty(
        "protocol",
        "only-first-answer-has-bad-item",
        "repetition",
        _sometimes(_bad_item, lambda visit: visit.listing == 1),
    ),
    faulty(
        "protocol",
        "fifth-request-has-bad-item",
        "repetition",
        _sometimes(_bad_item, lambda visit: visit.number % 5 == 0),
        doubt="every request counts, so the fault may hide behind refusals unless five lists come in a row",
    ),
    faulty(
        "protocol",
        "head-crashes",
        "no server error",
        Service(early=lambda visit: Reply(500, b"", ()) if visit.request.method == "HEAD" else None),
        doubt="the contract documents GET only",
    ),
    faulty("protocol", "429-once-as-html", "rate limit", _limited_once(_HTML, "text/html")),
    faulty("protocol", "429-once-in-another-shape", "rate limit", _limited_once(b'{"detail":"Slow down."}', _JSON)),
    faulty("protocol", "429-once-without-a-body", "rate limit", _limited_once(b"", _JSON)),
    faulty("protocol", "429-always", "rate limit", _limited(("Retry-After", "1"))),
    faulty("protocol", "429-always-without-retry-after", "rate limit", _limited()),
    faulty("protocol", "429-always-retry-after-a-day", "rate limit", _limited(("Retry-After", "86400"))),
    faulty("protocol", "429-always-retry-after-zero", "rate limit", _limited(("Retry-After", "0"))),
    faulty("protocol", "429-always-retry-after-nonsense", "rate limit", _limited(("Retry-After", "soon"))),
    faulty("protocol", "429-always-retry-after-negative", "rate limit", _limited(("Retry-After", "-5"))),
    faulty(
        "protocol",
        "429-always-retry-after-in-2999",
        "rate limit",
        _limited(("Retry-After", "Tue, 01 Jan 2999 00:00:00 GMT")),
    ),
    faulty(
        "protocol",
        "408-always",
        "rate limit",
        Service(early=lambda _: Service().problem(408, "request.timeout", "Too slow.")),
    ),
)
