"""Cross-origin resource sharing (the Fetch standard, 3.2), so that web pages can send requests to the mock."""

from __future__ import annotations

from collections.abc import Callable, Collection

from pytest_bctrl.http.message import MockResponse, Request, with_headers
from pytest_bctrl.traffic.origin import is_loopback, origin_of

_SECONDS = "600"
"""Seconds for which browsers may cache a preflight."""


def _is_of_this_machine(origin: str) -> bool:
    """Return whether an origin is an http(s) server on this machine, and not an extension or another scheme."""
    try:
        return is_loopback(origin_of(origin).host)
    except ValueError:
        return False


def with_cors(request: Request, origins: Collection[str], respond: Callable[[Request], MockResponse]) -> MockResponse:
    """Return the response with the fields that let pages of this machine and of `origins` read it; handles preflights.

    A preflight allows any method, header field and credentials; the request itself is rejected if the contract does not
    allow it.
    """
    origin = request.header("origin") or ""
    if not ({origin, "*"} & {*origins} or _is_of_this_machine(origin)):
        return respond(request)
    allowed = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
    method = request.header("access-control-request-method")
    if request.method == "OPTIONS" and method is not None:
        allowed |= {"Access-Control-Allow-Methods": method, "Access-Control-Max-Age": _SECONDS, "Vary": "Origin"}
        fields = request.header("access-control-request-headers")
        if fields is not None:
            allowed["Access-Control-Allow-Headers"] = fields
        return MockResponse(204, tuple(allowed.items()))
    response = respond(request)
    exposed = ", ".join(dict.fromkeys(name for name, _ in response.headers))
    vary = ", ".join(filter(None, [response.header("vary"), "Origin"]))
    allowed |= {"Access-Control-Expose-Headers": exposed, "Vary": vary}
    return with_headers(response, allowed)
