"""The response of one operation that checks examine, as plain data; built from any client library's response."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pytest_bctrl.checks.strict_json import Parsed, parse
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import (
    BODILESS,
    Contract,
    Operation,
    ResponseSpec,
    Schema,
    decode_path,
    path_pattern,
    path_specificity,
    path_value,
    select_media_type,
)
from pytest_bctrl.contract.parameters import by_fit
from pytest_bctrl.contract.schema.locations import Path, select_values
from pytest_bctrl.contract.unvalidated_bodies import reason_unvalidated
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.observed.observe import NO_BODY, observe

Result = TypeVar("Result")


@dataclass(frozen=True)
class Response:
    """The response to one request.

    `body` is the content after transfer and content decoding. `path_values` are the decoded values of the path
    parameters. `reproduce` is a shell command that repeats the request, without the key. `method` is the request's
    method if it differs from the operation's. `has_all_headers` is whether `headers` are all that a server sends: a
    response that a test has made, or a mock, need not have them, and a bare body has none. `usual` is the response to
    the plain request, if this is a response to a variation of it. `is_body_known` is whether `body` is the whole body
    without its coding; else only status and header fields are checked. `query` are the decoded names and values in the
    query of the request, if that is known.
    """

    contract: Contract = field(repr=False)
    operation: Operation = field(repr=False)
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    path_values: Mapping[str, str] = field(default_factory=dict)
    reproduce: str = ""
    method: str = ""
    has_all_headers: bool = False
    usual: Response | None = field(default=None, repr=False)
    is_body_known: bool = True
    query: tuple[tuple[str, str], ...] = field(default_factory=tuple, repr=False)
    _looked: set[str] = field(init=False, default_factory=set, repr=False, compare=False)
    _results: dict[Hashable, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    def header(self, name: str) -> str | None:
        """Return the value of a header field, several joined by commas (RFC 9110, 5.3); None if it is missing."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        if not values:
            return None
        return ", ".join(values)

    @property
    def media_type(self) -> str:
        """The media type in lower case, without parameters; empty if the header is missing."""
        return (self.header("Content-Type") or "").split(";")[0].strip().lower()

    @property
    def is_to_head(self) -> bool:
        """Whether this is the response to a HEAD request, which has no body (RFC 9110, 9.3.2)."""
        return "HEAD" in (self.operation.method, self.method)

    @property
    def has_no_body(self) -> bool:
        """Whether the response ends with its head, even if a body is documented: to HEAD, or with status 204 or 304.

        A recording or a test may have a body nevertheless; it is then checked like any other.
        """
        return self.is_to_head or (self.status in BODILESS and not self.body)

    @cached_property
    def documented(self) -> ResponseSpec | None:
        """The response that the contract documents for this status; None if there is none."""
        return self.operation.response_for(self.status)

    @cached_property
    def schema(self) -> Schema | None:
        """The documented schema of the body; None if there is none, or if the response has no body."""
        if self.has_no_body or self.documented is None:
            return None
        content = self.documented.content
        media = select_media_type(content, self.media_type)
        if media is None:
            return None
        return content[media]

    @property
    def unvalidated(self) -> str:
        """The reason why the body is not validated, although the contract has a schema for it; empty if it is."""
        if self.is_to_head or self.documented is None or not self.body.strip():
            return ""
        return reason_unvalidated(self.contract, self.documented, self.media_type)

    @property
    def parsed(self) -> Parsed:
        """The body parsed as strict JSON, once for all checks."""
        return once(self, "parsed", lambda: parse(self.body))

    def select(self, place: str) -> Iterator[tuple[Path, Any]]:
        """Yield the path and value of everything in the body that a location such as `runtimes[*].id` selects.

        Yields nothing if the body is not JSON or lacks the location; raises `ValueError` for an invalid location.
        """
        if self.parsed.ok:
            yield from select_values(self.data, place)

    @property
    def data(self) -> Any:
        """The body's JSON value; only meaningful if `parsed.ok`."""
        return self.parsed.value

    @property
    def conforms(self) -> bool:
        """Whether the body conforms to its schema; true without a schema or without JSON."""
        if self.schema is None or not self.parsed.ok:
            return True
        schema = self.schema
        return once(self, "conforms", lambda: accepts(self.contract, schema, self.data))

    @property
    def observed(self) -> Observation:
        """The values that the body contains at each location, computed once."""
        return once(self, "observed", self._observe)

    def _observe(self) -> Observation:
        """Return the values in the body by location; a body without JSON or a documented schema counts as unread."""
        observation = Observation()
        is_readable = self.schema is not None or (self.documented is None and not self.has_no_body)
        data = NO_BODY
        if is_readable and self.parsed.ok:
            data = self.data
        if data is NO_BODY and self.body.strip():
            observation.unread[self.operation.label, str(self.status), self.media_type] = 1
        observe(self.contract, self.operation, self.status, data, observation, self.media_type)
        return observation


def looked(response: Response) -> set[str]:
    """Return the set of names of the checks that have examined a response, to which each check adds its own."""
    return response._looked


def content_key(response: Response) -> Hashable:
    """Return a key of everything that the checks of a body read: responses with equal keys get equal results."""
    return response.operation.label, response.is_to_head, response.status, response.media_type, response.body


def share(response: Response, earlier: Response) -> None:
    """Make a response share its computed results with an earlier one that has the same `content_key`."""
    object.__setattr__(response, "body", earlier.body)
    object.__setattr__(response, "_results", earlier._results)


def once(response: Response, key: Hashable, compute: Callable[[], Result]) -> Result:
    """Return the result of a computation over a body, which runs once for all responses that share their results."""
    if key not in response._results:
        response._results[key] = compute()
    result: Result = response._results[key]
    return result


def response_from(response: Any, contract: Contract, operation: str | None = None) -> Response:
    """Return a `Response` for a response of httpx, requests, urllib3, werkzeug, Django or Starlette, or a bare body.

    A bare body (bytes, str, or data such as `response.json()`) counts as a 200 of the documented content type.
    `operation` is an operation id; it is needed only if the URL does not identify one of several operations.
    Raises `BctrlError` for anything else, and if the operation is ambiguous.
    """
    if isinstance(response, bytes | str | dict | list):
        chosen = _operation_for(contract, operation, "", "")
        code = min(chosen.success_statuses, default=200)
        documented = chosen.response_for(code)
        headers: list[tuple[str, str]] = []
        if documented is not None and documented.content:
            headers = [("Content-Type", next(iter(documented.content)))]
        return Response(contract, chosen, code, tuple(headers), _encode_body(response))
    status = getattr(response, "status_code", getattr(response, "status", None))
    if not isinstance(status, int):
        raise BctrlError(
            f"{type(response).__name__} is not a response",
            where="pytest_bctrl.check",
            hint="give a response of httpx, requests, urllib3, werkzeug, Django or Starlette, "
            "or its body as bytes, str or data",
        )
    url, method = _url_of(response), _method_of(response)
    chosen = _operation_for(contract, operation, url, method)
    return Response(
        contract,
        chosen,
        status,
        _header_pairs(response),
        _body_bytes(response),
        path_values(chosen, url),
        method=method,
        has_all_headers=has_all_headers(response),
        query=tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True)),
    )


def _encode_body(body: bytes | str | dict[str, Any] | list[Any]) -> bytes:
    """Return a body as bytes, data as JSON. Raises `BctrlError` if text or data cannot be encoded."""
    if isinstance(body, bytes):
        return body
    try:
        if isinstance(body, str):
            return body.encode()
        return json.dumps(body).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BctrlError(
            f"the {type(body).__name__} is not a JSON body: {error}",
            where="pytest_bctrl.check",
            hint="give the body as bytes, str, or data such as response.json()",
        ) from None


def _header_pairs(response: Any) -> tuple[tuple[str, str], ...]:
    """Return the header fields of a response as pairs of text."""
    headers = response.headers
    read_items = getattr(headers, "multi_items", headers.items)
    return tuple((str(name), str(value)) for name, value in read_items())


def has_all_headers(response: Any) -> bool:
    """Return whether a response has all header fields that a server sent: one that a test has made need not have them.

    httpx keeps the connection of a response that was received, aiohttp and urllib3 (for requests) the version of HTTP.
    The test clients of werkzeug and Django return what the application sends, with the request.
    """
    extensions = getattr(response, "extensions", None)
    if isinstance(extensions, Mapping):
        return "network_stream" in extensions
    version = getattr(getattr(response, "raw", response), "version", None)
    if version is not None:
        return bool(version)
    return getattr(response, "__dict__", {}).get("request") is not None


def _body_bytes(response: Any) -> bytes:
    """Return the body of a response. Raises `BctrlError` if it was not read."""
    for name in ("content", "data", "body"):
        try:
            body = getattr(response, name, None)
        except RuntimeError:
            # httpx raises if a streamed body was not read.
            continue
        if isinstance(body, bytes):
            return body
    raise BctrlError(
        f"the {type(response).__name__} has no body that was read",
        where="pytest_bctrl.check",
        hint="read it first (response.read() or await response.aread()), or give the body",
    )


def _url_of(response: Any) -> str:
    """Return the URL or path of the response's request; empty if the client library does not keep it."""
    request = getattr(response, "__dict__", {}).get("request")
    if isinstance(request, Mapping):
        # Django's test client keeps the WSGI environment of the request.
        return "?".join(filter(None, map(request.get, ("PATH_INFO", "QUERY_STRING"))))
    for owner, name in ((response, "url"), (request, "url"), (response, "_request_url")):
        try:
            value = getattr(owner, name, None)
        except RuntimeError:
            # httpx raises if the response was created without a request.
            continue
        if value:
            return str(value)
    return ""


def _method_of(response: Any) -> str:
    """Return the method of the response's request; empty if the client library does not keep it."""
    attributes = getattr(response, "__dict__", {})
    request = attributes.get("request", attributes.get("_request"))
    if isinstance(request, Mapping):
        return str(request.get("REQUEST_METHOD", ""))
    # urllib3 keeps the method only in the response of http.client that it wraps.
    wrapped_method = getattr(attributes.get("_original_response"), "_method", None)
    return str(getattr(request, "method", None) or wrapped_method or "").upper()


def _operation_for(contract: Contract, operation: str | None, url: str, method: str) -> Operation:
    """Return the operation that a name, or else URL and method select, or the only safe one; or raise `BctrlError`.

    If several paths match the end of the URL, the longest applies, and of these the most specific. A method that the
    client library does not keep counts as GET, if the path has it.
    """
    if operation is not None:
        return contract.operation(operation)
    candidates = [candidate for candidate in contract.operations if candidate.is_safe]
    if url:
        candidates = _operations_at(contract, url, method)
    if len(candidates) == 1:
        return candidates[0]
    known_names = ", ".join(candidate.operation_id or candidate.label for candidate in contract.operations)
    raise BctrlError(
        "the contract has no operation with its method and URL",
        where=" ".join(filter(None, (method, url))) or "pytest_bctrl.check",
        hint=f"name it with operation=…, or --operation, one of: {known_names}",
    )


def _operations_at(contract: Contract, url: str, method: str) -> list[Operation]:
    """Return the operation of a URL and a method; without a method that of GET, or those of each method without GET."""
    matching = [operation for operation in contract.operations if _match_at_end(operation, url)]
    most_exact = min(map(_path_rank, matching), default=None)
    at_path = [operation for operation in matching if _path_rank(operation) == most_exact]
    methods = {operation.method for operation in at_path}
    if method not in methods and method in ("", "HEAD") and "GET" in methods:
        method = "GET"
    chosen = [operation for operation in at_path if operation.method == (method or operation.method)]
    if len({operation.method for operation in chosen}) == 1:
        # Their paths differ only in the names of parameters.
        return by_fit(contract, [(operation, path_values(operation, url)) for operation in chosen])[:1]
    return chosen


def _path_rank(operation: Operation) -> tuple[int, list[tuple[int, int, int]]]:
    """Return a sort key for paths that match the end of a URL: longer ones first, then more specific ones."""
    return -operation.path.count("/"), path_specificity(operation.path)


def path_values(operation: Operation, url: str) -> Mapping[str, str]:
    """Return the decoded values of the path parameters in a URL; empty if it is not one of the operation's."""
    match = _match_at_end(operation, url)
    if match is None:
        return {}
    _, names = path_pattern(operation.path)
    return {name: path_value(text) for name, text in zip(names, match.groups(), strict=True)}


def _match_at_end(operation: Operation, url: str) -> re.Match[str] | None:
    """Return the match of an operation's path with the end of a URL's path; None if it does not match."""
    return re.search(f"{path_pattern(operation.path)[0].pattern}/?$", decode_path(urlsplit(url).path))
