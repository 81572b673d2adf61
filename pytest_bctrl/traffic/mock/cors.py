"""Cross-origin requests as an API for front ends answers them (the Fetch standard, 3.2), so that a page may ask."""

from __future__ import annotations

from collections.abc import Callable, Collection

from pytest_bctrl.http.message import MockResponse, Request, with_headers
from pytest_bctrl.traffic.origin import is_loopback, origin_of

_SECONDS = "600"
"""For how long a browser may remember a preflight."""


def _is_of_this_machine(origin: str) -> bool:
    """Whether a page is one of a server on this machine, and not of an extension or another program's scheme."""
    try:
        return is_loopback(origin_of(origin).host)
    except ValueError:
        return False


def with_cors(request: Request, origins: Collection[str], response: Callable[[Request], MockResponse]) -> MockResponse:
    """Return the answer for a page: pages of this machine and of `origins` may read it, of any where `*` is one.

    A preflight is answered for any method and header field, and with credentials; what the contract does not take is
    refused when it is asked.
    """
    origin = request.header("origin") or ""
    if not ({origin, "*"} & {*origins} or _is_of_this_machine(origin)):
        return response(request)
    allowed = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
    method = request.header("access-control-request-method")
    if request.method == "OPTIONS" and method is not None:
        allowed |= {"Access-Control-Allow-Methods": method, "Access-Control-Max-Age": _SECONDS, "Vary": "Origin"}
        fields = request.header("access-control-request-headers")
        allowed |= {} if fields is None else {"Access-Control-Allow-Headers": fields}
        return MockResponse(204, tuple(allowed.items()))
    made = response(request)
    shown = ", ".join(dict.fromkeys(name for name, _ in made.headers))
    varies = ", ".join(filter(None, [made.header("vary"), "Origin"]))
    allowed |= {"Access-Control-Expose-Headers": shown, "Vary": varies}
    return with_headers(made, allowed)
