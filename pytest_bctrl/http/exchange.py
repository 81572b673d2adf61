"""One request with its response, into which every client, mock, proxy and file is converted."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from pytest_bctrl.http.message import Headers, Request


@dataclass(frozen=True)
class Exchange:
    """One request and its response.

    `body` is the body of the response, without transfer and content codings. `status` is 0 without a response, and if
    nothing is known of it. `reason` is the reason phrase if it is known.

    Unknown parts:

    - `unanswered` says why the response is missing or incomplete.
    - `response_unread` says why the body of the response is not known, such as that nobody has read it, or why nothing
      is known of the response, if `status` is 0. `Request.unread` does so for the request.
    - `coding_problem` says why the body of the response is not in its content coding; it is not known then either.
    - `has_all_headers` is whether the response has all header fields that a server would send: the response of a mock
      need not.
    - `hides_credentials` is whether the request may have had credentials that are not in it: a recording leaves them
      out.

    Origin:

    - `reproduce` is a shell command that repeats the request, without credentials.
    - `client_library` sent the request in the test with the id `test`, at the line `sent_at` of the project, and the
      line `called_at` in the file of the test; a line is empty if it was not on the call stack. `started` is the
      time of a recorded exchange.
    - `registered` says where the response was registered if a mock returned it. `is_mocked` is true if a mock library
      returned it, `is_of_mock` if the mock of this kit did, and `is_in_process` if an application in this process did.
    - `contract` is the digest of the contract with which an exchange was recorded. A recording has only the header
      fields that this contract documents.
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
    client_library: str = field(default="", compare=False)
    test: str = field(default="", compare=False)
    sent_at: str = field(default="", compare=False)
    called_at: str = field(default="", compare=False)
    registered: str = field(default="", compare=False)
    is_mocked: bool = field(default=False, compare=False)
    is_in_process: bool = field(default=False, compare=False)
    is_of_mock: bool = field(default=False, compare=False)
    started: str = field(default="", compare=False)
    contract: str = ""
    reason: str = ""

    @property
    def has_body(self) -> bool:
        """Whether the body of the response is known."""
        return bool(self.status) and not (self.unanswered or self.response_unread or self.coding_problem)

    @cached_property
    def body_digest(self) -> str:
        """The SHA-256 of the body of the response in hex; computed once because hashing a large body takes a while."""
        return sha256(self.body).hexdigest()

    def header(self, name: str) -> str:
        """Return the first value of a response header by its case-insensitive name; empty if it is missing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")
