"""How answers are taken and requests are shown: the content coding, the command that repeats."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

import httpx

from pytest_bctrl.incoming import undone


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
