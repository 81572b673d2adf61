"""How requests of the suite are sent and answers are taken: the pace, the content coding, the command that repeats."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from pytest_bctrl.incoming import undone

FIRST = 0.25
SLOWEST = 1.0
"""Seconds between two requests: after the second 429, and at most. Every further one doubles them."""


@dataclass(slots=True)
class Pace:
    """Keeps requests apart for a target that limits how many it takes in a while; not thread-safe.

    The first 429 changes nothing: one is often all there is.
    """

    seconds: float = 0.0
    _limits: int = 0
    _last: float = 0.0

    def wait(self) -> None:
        """Return when the next request may be sent."""
        if self.seconds:
            time.sleep(max(0.0, self._last + self.seconds - time.monotonic()))
            self._last = time.monotonic()

    def slow_down(self) -> None:
        """Take a 429 for what it says, where it does not say that the next request may come at once."""
        self._limits += 1
        if self._limits > 1:
            self.seconds = min(SLOWEST, 2 * self.seconds or FIRST)
        self._last = time.monotonic()


def decoded(response: httpx.Response) -> tuple[httpx.Response, str]:
    """Return the response without its content coding, and why the coding is broken, if it is.

    A broken body stays as it was sent. `response` is one whose body was read but not decoded.
    """
    body, broken = undone(b"".join(response.iter_raw()), response.headers.get("Content-Encoding", ""))
    headers = [item for item in response.headers.raw if item[0].lower() not in (b"content-encoding", b"content-length")]
    plain = httpx.Response(response.status_code, headers=headers, content=body, request=response.request)
    plain.elapsed = response.elapsed
    return plain, broken


def reproduction(request: httpx.Request, headers: Iterable[tuple[str, str]]) -> str:
    """A curl command that sends the request again; `headers` hold `$BCTRL_API_KEY` where the key belongs."""
    # curl drops a field without a value, unless a semicolon stands for the colon.
    fields = "".join(f' -H "{name}: {value}"' if value else f' -H "{name};"' for name, value in headers)
    method = {"GET": "", "HEAD": " -I"}.get(request.method, f" -X {request.method}")
    # curl resolves dot segments, encoded ones too (RFC 3986, 5.2.4), and would ask for another path.
    as_is = " --path-as-is" if _DOTS.search(request.url.raw_path.decode("ascii")) else ""
    return f"curl -sS -i{as_is}{method}{fields} {shlex.quote(str(request.url))}"


_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
