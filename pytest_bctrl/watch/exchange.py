"""One exchange as a client library sees it: its bodies are recorded while they pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pytest_bctrl.contract.model import BODILESS
from pytest_bctrl.files.limits import MOST, size
from pytest_bctrl.http.codings import Content, content_of, problem_of_part
from pytest_bctrl.http.message import Headers

NOT_READ = "the test did not read it"


class WatchedBody:
    """The bytes of a body, as far as they have passed.

    `is_encoded` is whether they still have their content codings, and `coding_problem` the error with which the client
    could not decode them. `is_reading` guards against methods of a library that
    call one another. `notify` is called with the change in the number of kept bytes, and with 0 at the end of the body.
    """

    __slots__ = (
        "_chunks",
        "_is_dropped",
        "_size",
        "coding_problem",
        "is_complete",
        "is_encoded",
        "is_reading",
        "notify",
        "problem",
    )

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._is_dropped = False
        self.notify: Callable[[int], None] | None = None
        self.is_complete = False
        self.is_encoded = False
        self.coding_problem = ""
        self.is_reading = False
        self.problem = NOT_READ

    def add(self, chunk: bytes) -> None:
        """Record the next bytes; a body above the limit is not kept, and `problem` says so."""
        self._size += len(chunk)
        if self._is_dropped:
            return
        self._chunks.append(bytes(chunk))
        self._notify(len(chunk))
        if self.is_too_large:
            self.drop(f"it is larger than {size(MOST)}")

    def drop(self, problem: str) -> None:
        """Forget the bytes, and keep no further ones; the body is not known, for the reason `problem`."""
        count = self.kept_bytes
        self._chunks.clear()
        self._is_dropped, self.is_complete, self.problem = True, False, problem
        self._notify(-count)

    def restart(self) -> None:
        """Forget the bytes that have passed, because they are sent again."""
        count = self.kept_bytes
        self._chunks.clear()
        self._size, self._is_dropped, self.is_complete = 0, False, False
        self._notify(-count)

    def _notify(self, count: int) -> None:
        """Report a change in the number of kept bytes, or the end of the body."""
        if self.notify is not None:
            self.notify(count)

    @property
    def kept_bytes(self) -> int:
        """The number of kept bytes."""
        return sum(map(len, self._chunks))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Mark the body as being read during the block, so that nested reads are recorded once."""
        self.is_reading = True
        try:
            with self.decoding():
                yield
        finally:
            self.is_reading = False

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Record the error of a block that decodes the body, if it cannot be decoded."""
        try:
            yield
        except Exception as error:
            # The name that it has in urllib3.
            if type(error).__name__ == "DecodeError":
                self.coding_problem = "the client cannot decode it"
            raise

    @property
    def is_too_large(self) -> bool:
        """Whether the body is above the limit."""
        return self._size > MOST

    def finish(self) -> None:
        """Record that the body has ended, so that it is complete unless it was dropped."""
        self.is_complete = not self._is_dropped
        self._notify(0)

    def set(self, content: bytes) -> None:
        """Record the whole body at once, as complete unless it is above the limit."""
        self.add(content)
        self.finish()

    @property
    def content(self) -> bytes:
        """The recorded bytes, which are joined once."""
        self._chunks = [b"".join(self._chunks)]
        return self._chunks[0]

    @property
    def unread(self) -> str:
        """The reason why the body is not known; empty if it is."""
        if self.is_complete:
            return ""
        return self.problem


@dataclass(slots=True)
class WatchedExchange:
    """A request and its response.

    `test` is the node id of the test, `sent_at` the last line of the project before the client library, and `called_at`
    the line in the file of the test; a line is empty if it was not on the call stack. `registered` says
    where the response was registered if a mock returned it, and `is_mocked` is whether a mock library, or a function of
    the test in place of the client's, did.
    `is_in_process` is true if no server at the URL took part, and `is_of_mock` or `is_of_recording` if the mock or a
    recording of this kit took its place. `has_hidden_key` is true if the client adds the key where it cannot be seen.
    `has_all_headers` is whether the response has all header fields that a server sends. `unanswered` says why there is
    no response, `unknown_response` why nothing is known of it; both are empty otherwise. `has_ended` is whether the
    client has sent the request; a task that it started may go on. If the exchange is checked before its test has ended,
    `result` is its `WatchedTest`, or the error, and its bodies are dropped.
    """

    client_library: str
    method: str
    url: str
    request_headers: Headers
    test: str = ""
    sent_at: str = ""
    called_at: str = ""
    registered: str = ""
    is_mocked: bool = False
    is_in_process: bool = False
    is_of_mock: bool = False
    is_of_recording: bool = False
    has_hidden_key: bool = False
    status: int = 0
    has_all_headers: bool = False
    unanswered: str = ""
    unknown_response: str = ""
    has_ended: bool = False
    result: object = None
    response_headers: Headers = ()
    request_body: WatchedBody = field(default_factory=WatchedBody)
    response_body: WatchedBody = field(default_factory=WatchedBody)

    def receive(self, status: object, headers: Iterable[tuple[object, object]]) -> None:
        """Record the status and the header fields of the response; a status that is not an integer makes it unknown."""
        if isinstance(status, int):
            self.status = status
        else:
            self._receive_unknown(f"its response has the status {status!r}")
        self.response_headers = header_fields(headers)

    def has_fake_response(self, response: object, response_class: type) -> bool:
        """Return whether a response is not an instance of the library's class, and record it as unknown then.

        A mock object pretends to be an instance of the class that it imitates.
        """
        if issubclass(type(response), response_class):
            return False
        self._receive_unknown(
            f"its response is of class {type(response).__name__}, not a response of {self.client_library}"
        )
        return True

    def response_content(self) -> Content:
        """Return the decoded body of the response, or why it is not known.

        A client that cannot decode a body stops reading it, so the problem may be in a part of the body.
        """
        body = self.response_body
        if self.method.upper() == "HEAD" or self.status in BODILESS:
            return Content(body.content)
        if not body.is_encoded or body.coding_problem:
            return Content(body.content, body.coding_problem, body.unread)
        codings = ",".join(value for name, value in self.response_headers if name.lower() == "content-encoding")
        if body.unread:
            return Content(b"", problem_of_part(body.content, codings), body.unread)
        return content_of(body.content, codings)

    def _receive_unknown(self, reason: str) -> None:
        """Record why nothing is known of the response."""
        self.unknown_response = self.response_body.problem = reason


def header_fields(pairs: Iterable[tuple[object, object]]) -> Headers:
    """Return the names and values of header fields as text, from pairs of text or bytes."""
    return tuple((_text(name), _text(value)) for name, value in pairs)


def _text(value: object) -> str:
    """Return a name or value of a header field as text."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return str(value)
