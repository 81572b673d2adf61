"""One request with its response, into which every client, mock, proxy and file is converted."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_bctrl.http.message import Headers, Request


@dataclass(frozen=True)
class Exchange:
    """One request and its response.

    `body` is the body of the response, without transfer and content codings. `status` is 0 without a response.

    Unknown parts:

    - `unanswered` says why there is no response, or why nothing is known of it.
    - `response_unread` says why the body of the response is not known, such as that nobody has read it.
      `Request.unread` does so for the request.
    - `coding_problem` says why the body of the response is not in its content coding; it is not known then either.
    - `has_all_headers` is whether the response has all header fields that a server would send: the response of a mock
      need not.
    - `hides_credentials` is whether the request may have had credentials that are not in it: a recording leaves them
      out.

    Origin: `reproduce` is a shell command that repeats the request, without credentials.
    """

    request: Request
    status: int = 0
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)
    unanswered: str = ""
    response_unread: str = ""
    coding_problem: str = ""
    has_all_headers: bool = True
    hides_credentials: bool = False
    reproduce: str = ""
