"""Variants that accept credentials that they should reject, or reject them in an undocumented way."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import replace

from .deliveries import delivered_by, later
from .reply import Reply, written
from .runtimes import API_KEY, sample
from .service import Hook, Service, Visit, right_key
from .variant import variants


def _also_visit(extra: Callable[[Visit], bool]) -> Service:
    """Return the service that accepts the key, and any request for which `extra` is true."""
    return Service(admits=lambda visit: right_key(visit) or extra(visit))


def _also(extra: Callable[[str, str], bool]) -> Service:
    """Return the service that accepts the key, and any credentials for which `extra` is true."""
    return _also_visit(lambda visit: extra(*visit.request.authorization))


def _also_token(extra: Callable[[str], bool]) -> Service:
    """Return the service that accepts the key, and any bearer token for which `extra` is true."""
    return _also(lambda scheme, token: scheme == "bearer" and extra(token))


def _basic_holds_key(scheme: str, credentials: str) -> bool:
    """Return whether credentials of Basic are the key, or contain it as user name or password."""
    if scheme != "basic":
        return False
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    return API_KEY in (credentials, *decoded.split(":", 1))


def _remembers(by: Callable[[Visit], str]) -> Service:
    """Return the service that accepts any request whose `by` equals that of an earlier request with the key."""

    def admits(visit: Visit) -> bool:
        if right_key(visit):
            visit.memory.add(by(visit))
        return by(visit) in visit.memory

    return Service(admits=admits)


def _first_is_let_in(visit: Visit) -> bool:
    """Return whether a request has the key or is the first one of its connection, which is stored."""
    connection = f"{visit.request.connection} "
    if not any(seen.startswith(connection) for seen in visit.memory):
        visit.memory.add(f"{connection}{visit.number}")
    return right_key(visit) or f"{connection}{visit.number}" in visit.memory


def _refusing(hook: Hook) -> Service:
    """Return the service with a hook for its 401."""
    return Service(refused=hook)


def _with(status: int) -> Service:
    """Return the service that sends its 401 with another status."""
    return _refusing(lambda _, reply: replace(reply, status=status))


def _saying(status: int, body: bytes, *content_type: str) -> Service:
    """Return the service that sends its 401 with another status, body and content type, or without a type."""
    return _refusing(lambda _, reply: replace(reply, status=status, body=body).typed(*content_type))


def _crashing(when: Callable[[Visit], bool]) -> Service:
    """Return the service that sends 500 in place of 401 when `when` is true of the request."""
    return _refusing(lambda visit, reply: replace(reply, status=500) if when(visit) else reply)


def _redirecting(place: Callable[[Visit], str]) -> Service:
    """Return the service that redirects with 302 in place of 401."""
    return _refusing(lambda visit, _: Reply(302, b"", (("Location", place(visit)),)))


def _login_page(visit: Visit) -> Reply | None:
    """Return an HTML page for the path `/login`; None for any other path."""
    page = Reply(200, b"<h1>Sign in</h1>", (("Content-Type", "text/html"),))
    return page if visit.request.path == "/login" else None


_SECRET = API_KEY.rpartition("_")[2]
_HALF = len(API_KEY) // 2
_KEY_AS_USER = base64.b64encode(f"{API_KEY}:".encode()).decode()

_CONTAIN_THE_KEY = {
    "any-scheme-with-key-accepted": _also(lambda scheme, token: token == API_KEY),
    "all-but-the-last-character-accepted": _also_token(lambda token: token == API_KEY[:-1]),
    "longer-half-accepted": _also_token(lambda token: len(token) > _HALF and API_KEY.startswith(token)),
    "all-but-the-first-6-characters-compared": _also_token(lambda token: token[6:] == API_KEY[6:]),
    "all-but-the-first-8-characters-compared": _also_token(lambda token: token[8:] == API_KEY[8:]),
    "wrong-last-character-or-none-accepted": _also_token(lambda token: token[: len(API_KEY) - 1] == API_KEY[:-1]),
    "key-with-suffix-accepted": _also_token(lambda token: token.startswith(API_KEY)),
    "key-in-other-case-accepted": _also_token(lambda token: token.lower() == API_KEY.lower()),
    "key-as-user-of-basic-accepted": _also(lambda *given: given == ("basic", _KEY_AS_USER)),
    "token-scheme-accepted": _also(lambda *given: given == ("token", API_KEY)),
    "basic-with-key-accepted": _also(_basic_holds_key),
    "key-without-scheme-accepted": _also(lambda scheme, token: scheme == API_KEY.lower()),
}
"""Faults that only a credential with more than half of the key shows."""

_FAMILIES = {
    "ignored auth": {
        **_CONTAIN_THE_KEY,
        "no-auth-needed": Service(admits=lambda _: True),
        "missing-header-accepted": _also_visit(lambda visit: not visit.request.header("Authorization")),
        "empty-header-accepted": _also_visit(lambda visit: visit.request.header("Authorization") == ""),
        "empty-bearer-accepted": _also_token(lambda token: not token),
        "any-token-accepted": _also_token(bool),
        "any-header-accepted": Service(admits=lambda visit: bool(visit.request.header("Authorization"))),
        "any-basic-accepted": _also(lambda scheme, _: scheme == "basic"),
        "any-other-scheme-accepted": _also(lambda scheme, _: scheme not in ("", "bearer")),
        "prefix-of-any-length-accepted": _also_token(lambda token: bool(token) and API_KEY.startswith(token)),
        "first-8-characters-compared": _also_token(lambda token: token[:8] == API_KEY[:8]),
        "first-8-characters-alone-accepted": _also_token(lambda token: token == API_KEY[:8]),
        "first-half-alone-accepted": _also_token(lambda token: token == API_KEY[:_HALF]),
        "token-of-right-length-accepted": _also_token(lambda token: len(token) == len(API_KEY)),
        "token-of-right-prefix-accepted": _also_token(lambda token: token.startswith(API_KEY.removesuffix(_SECRET))),
        "both-ends-compared": _also_token(lambda token: (token[:6], token[-4:]) == (API_KEY[:6], API_KEY[-4:])),
        "remembered-by-connection": _remembers(lambda visit: str(visit.request.connection)),
        "first-request-of-a-connection-needs-no-key": Service(admits=_first_is_let_in),
        "remembered-for-all": _remembers(lambda _: "anyone"),
        "head-needs-no-key": _also_visit(lambda visit: visit.request.method == "HEAD"),
    },
    "refusal": {
        "refusal-200-error-body": _with(200),
        "refusal-200-empty-list": _saying(200, written({"runtimes": []}), "application/json"),
        "refusal-204": _saying(204, b""),
        "refusal-400": _with(400),
        "refusal-404": _with(404),
        "refusal-with-the-list": _refusing(
            lambda _, reply: replace(reply, body=written(json.loads(reply.body) | sample()))
        ),
        "refusal-407": _with(407),
        "refusal-500": _with(500),
        "refusal-500-without-header": _crashing(lambda visit: not visit.request.header("Authorization")),
        "refusal-500-on-empty-bearer": _crashing(lambda visit: visit.request.authorization == ("bearer", "")),
        "refusal-500-on-other-scheme": _crashing(lambda visit: visit.request.authorization[0] not in ("", "bearer")),
        "refusal-html": _saying(401, b"<h1>Unauthorized</h1>", "text/html"),
        "refusal-html-called-json": _saying(401, b"<h1>Unauthorized</h1>", "application/json"),
        "refusal-text": _saying(401, b"Unauthorized", "text/plain"),
        "refusal-empty": _saying(401, b"", "application/json"),
        "refusal-empty-without-content-type": _saying(401, b""),
        "refusal-other-shape": _saying(401, written({"message": "Unauthorized"}), "application/json"),
        "refusal-json-called-text": _refusing(lambda _, reply: reply.typed("text/plain")),
        "refusal-login-page": replace(_redirecting(lambda _: "/login"), early=_login_page),
        "refusal-redirect-to-another-host": _redirecting(lambda visit: visit.elsewhere + visit.request.path),
        "refusal-hangs": _refusing(delivered_by(later(120))),
    },
}
_DOUBTS = {
    "first-8-characters-alone-accepted": "only a truncation to just 8 characters shows it",
    "first-half-alone-accepted": "only a truncation to just half shows it",
    "token-of-right-length-accepted": "needs a wrong token as long as the key",
    "token-of-right-prefix-accepted": "needs a wrong token that begins as the key does",
    "both-ends-compared": "needs a token that differs in its middle",
    "remembered-by-connection": "shows only on a connection that was let in before",
    "first-request-of-a-connection-needs-no-key": "shows only on a connection of its own",
    "remembered-for-all": "shows only after a good request",
    "head-needs-no-key": "shows only to a HEAD without the key",
    **dict.fromkeys(_CONTAIN_THE_KEY, "needs a credential with more than half of the key"),
}
VARIANTS = variants("auth", "error", _FAMILIES, _DOUBTS)
