"""Variants whose status is wrong: crashes, odd successes, redirects, rate limits, occasional faults."""

from collections.abc import Callable
from dataclasses import replace

from .deliveries import delivered_by, later
from .reply import Reply, written
from .runtimes import edited, put, sample
from .service import Hook, Service, Visit
from .variant import Variant, dubious, faulty

_HTML = b"<!doctype html><title>502</title><h1>Bad gateway</h1>"
_JSON = "application/json"
_CRASH = Service().problem(500, "server.error", "Something broke.")
_LIMIT = Service().problem(429, "rate.limited", "Slow down.")
_DOWN = Service().problem(503, "server.unavailable", "Come back later.")


def _status(status: int, body: bytes | None = None) -> Service:
    """Return the service that sends the list with another status, and with another body if it is not None."""
    return Service(listed=lambda _, reply: replace(reply, status=status, body=reply.body if body is None else body))


def _headed(*headers: tuple[str, str]) -> Service:
    """Return the service that sends the list with more headers."""
    return Service(listed=lambda _, reply: replace(reply, headers=(*reply.headers, *headers)))


def _crash_when(odd: Callable[[str], bool], instead: Reply = _CRASH) -> Service:
    """Return the service that sends `instead`, by default a 500, for an unknown space for which `odd` is true."""
    return Service(unknown=lambda visit, reply: instead if odd(visit.request.space or "") else reply)


def _is_odd(space: str) -> bool:
    """Return whether a space is not as long as a UUID, or not ASCII."""
    return len(space) != 36 or not space.isascii()


def _has_control(space: str) -> bool:
    """Return whether a space contains a control character of ASCII."""
    return any(character < " " or character == "\x7f" for character in space)


def _redirect(status: int, place: Callable[[Visit], str]) -> Service:
    """Return the service that redirects with a status in place of the list."""
    return Service(listed=lambda visit, reply: Reply(status, b"", (("Location", place(visit)),)))


def _elsewhere(visit: Visit) -> str:
    """Return the URL of a request at the second origin."""
    return visit.elsewhere + visit.request.path


def _with_slash(visit: Visit) -> Reply | None:
    """Return the list for a path that ends with `/runtimes/`; None for any other path."""
    if visit.request.path.endswith("/runtimes/"):
        return Reply(200, written(sample()))
    return None


def _early(reply: Reply) -> Service:
    """Return the service that sends `reply` for each request."""
    return Service(early=lambda _: reply)


def _listed(reply: Reply) -> Service:
    """Return the service that sends `reply` in place of the list."""
    return Service(listed=lambda *_: reply)


def _limited(retry_after: str) -> Service:
    """Return the service that sends 429 with this `Retry-After` for each request."""
    return _early(_LIMIT.adding(("Retry-After", retry_after)))


def _limited_once(body: bytes, content_type: str) -> Service:
    """Return the service that sends a 429 with this body for the first request."""
    limit = Reply(429, body, (("Content-Type", content_type), ("Retry-After", "0")))
    return Service(early=lambda visit: limit if visit.number == 1 else None)


def _sometimes(bad: Hook, turn: Callable[[Visit], bool] = lambda visit: visit.listing % 5 == 0) -> Service:
    """Return the service with a hook for the lists for which `turn` is true, by default every fifth one."""
    return Service(listed=lambda visit, reply: bad(visit, reply) if visit.listing and turn(visit) else reply)


def _bad_item(_: Visit, reply: Reply) -> Reply:
    """Return the reply with a list whose last runtime has an unknown status."""
    return replace(reply, body=written(edited(put(9, "status", "paused"))()))


_ODD_IDS: tuple[tuple[str, Service, str], ...] = (
    ("500-on-odd-ids", _crash_when(_is_odd), ""),
    ("500-on-unicode-id", _crash_when(lambda space: not space.isascii()), ""),
    ("500-on-long-id", _crash_when(lambda space: len(space) > 255), ""),
    ("500-on-encoded-slash", _crash_when(lambda space: "/" in space), ""),
    ("500-on-control-characters", _crash_when(_has_control), ""),
    ("503-on-odd-ids", _crash_when(_is_odd, _DOWN), ""),
    ("200-on-odd-ids", _crash_when(_is_odd, Reply(200, written({"runtimes": []}))), ""),
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

_FAMILIES: dict[str, dict[str, Service]] = {
    "documented status": {
        "206-for-200": _status(206),
        "204-without-body": _status(204, b""),
        "304-without-condition": _status(304, b""),
        "299-for-200": _status(299),
        "404-for-known-space": _listed(Service().problem(404, "space.not_found", "There is no such space.")),
        "401-for-right-key": Service(admits=lambda _: False),
        "403-for-right-key": _listed(Service().problem(403, "auth.forbidden", "Not for this key.")),
        "200-with-error-body": _listed(replace(_CRASH, status=200)),
    },
    "redirect": {
        **{f"redirect-{status}-to-another-host": _redirect(status, _elsewhere) for status in (301, 302, 303, 307, 308)},
        "redirect-without-scheme": _redirect(302, lambda visit: _elsewhere(visit).removeprefix("http:")),
        "redirect-everything-to-another-host": Service(
            early=lambda visit: Reply(302, b"", (("Location", _elsewhere(visit)),))
        ),
        "redirect-with-good-body": Service(
            listed=lambda visit, reply: replace(reply, status=302).adding(("Location", _elsewhere(visit)))
        ),
        "redirect-to-itself": _redirect(302, lambda visit: visit.request.path),
        "redirect-to-trailing-slash": replace(
            _redirect(308, lambda visit: visit.request.path + "/"), early=_with_slash
        ),
        "redirect-without-location": _status(302, b""),
        "redirect-to-nonsense": _redirect(302, lambda _: "http://[::"),
    },
    "repetition": {
        "fifth-answer-has-bad-item": _sometimes(_bad_item),
        "fifth-answer-is-500": _sometimes(lambda *_: _CRASH),
        "fifth-answer-is-503": _sometimes(lambda *_: _DOWN),
        "fifth-answer-is-html": _sometimes(lambda *_: Reply(200, _HTML, (("Content-Type", "text/html"),))),
        "fifth-answer-is-text": _sometimes(lambda _, reply: reply.typed("text/plain")),
        "fifth-answer-is-cut": _sometimes(lambda _, reply: replace(reply, body=reply.body[:-9])),
        "fifth-answer-is-503-with-retry-after": _sometimes(lambda *_: _DOWN.adding(("Retry-After", "0"))),
        "fifth-answer-hangs": _sometimes(delivered_by(later(120))),
        "fifth-answer-redirects": _sometimes(lambda visit, _: Reply(302, b"", (("Location", _elsewhere(visit)),))),
        "only-first-answer-has-bad-item": _sometimes(_bad_item, lambda visit: visit.listing == 1),
        "fifth-request-has-bad-item": _sometimes(_bad_item, lambda visit: visit.number % 5 == 0),
    },
    "no server error": {
        "503-always-with-retry-after": _early(_DOWN.adding(("Retry-After", "1"))),
        "503-always-retry-after-a-day": _early(_DOWN.adding(("Retry-After", "86400"))),
        "head-crashes": Service(early=lambda visit: Reply(500, b"", ()) if visit.request.method == "HEAD" else None),
    },
    "rate limit": {
        "429-once-as-html": _limited_once(_HTML, "text/html"),
        "429-once-in-another-shape": _limited_once(b'{"detail":"Slow down."}', _JSON),
        "429-once-without-a-body": _limited_once(b"", _JSON),
        "429-always": _limited("1"),
        "429-always-without-retry-after": _early(_LIMIT),
        "429-always-retry-after-a-day": _limited("86400"),
        "429-always-retry-after-zero": _limited("0"),
        "429-always-retry-after-nonsense": _limited("soon"),
        "429-always-retry-after-negative": _limited("-5"),
        "429-always-retry-after-in-2999": _limited("Tue, 01 Jan 2999 00:00:00 GMT"),
        "408-always": _early(Service().problem(408, "request.timeout", "Too slow.")),
    },
}
_DOUBTS = {
    "fifth-answer-is-503": "a client that retries 503 sees it only if it reports what it retried",
    "fifth-request-has-bad-item": (
        "every request counts, so the fault may hide behind refusals unless five lists come in a row"
    ),
    "head-crashes": "the contract documents GET only",
}

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
    faulty(
        "protocol",
        "html-on-odd-ids",
        "odd ids",
        _crash_when(_is_odd, Reply(400, _HTML, (("Content-Type", "text/html"),))),
    ),
    faulty("protocol", "422-on-odd-ids", "odd ids", _crash_when(_is_odd, Reply(422, b'{"detail":[]}'))),
    dubious("protocol", "deprecated", "in service", _headed(("Deprecation", "@1767225600"))),
    dubious("protocol", "with-a-last-day", "in service", _headed(("Sunset", "Thu, 31 Dec 2026 00:00:00 GMT"))),
    faulty("protocol", "410-gone", "in service", _status(410)),
    faulty("protocol", "201-for-200", "documented status", _status(201)),
    faulty("protocol", "202-for-200", "documented status", _status(202)),
    faulty("protocol", "203-for-200", "documented status", _status(203)),
    *(
        faulty("protocol", name, rule_hint, service, _DOUBTS.get(name, ""))
        for rule_hint, family in _FAMILIES.items()
        for name, service in family.items()
    ),
)
