"""What a check looks at: one answer of one operation, as plain data, made of any client library's response."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from pytest_bctrl.checks.strict_json import Parsed, parse
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import (
    Contract,
    Operation,
    ResponseSpec,
    Schema,
    path_pattern,
    path_specificity,
    select_media_type,
)
from pytest_bctrl.contract.schema.locations import Path, select_values
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.observed.observe import NO_BODY, observe

Result = TypeVar("Result")


@dataclass(frozen=True)
class Response:
    """One answer to one request.

    `body` is the content after transfer and content coding; `path_values` are the values that stood in the
    path, unencoded; `reproduce` is a shell command that sends the request again, without the key in it; `method`
    is the request's, where it is another than the operation's. `has_all_headers` says that `headers` are all that
    were sent: a recording keeps some, and a bare body has none. `usual` is the answer to the plain request, where this
    is one to another request of the same target.
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
    _looked: set[str] = field(init=False, default_factory=set, repr=False, compare=False)
    _results: dict[Hashable, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    def header(self, name: str) -> str | None:
        """Return a header's value by its name in any case, several joined by a comma (RFC 9110, 5.3)."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def media_type(self) -> str:
        """The media type alone, in lower case, or an empty string where the header is missing."""
        return (self.header("Content-Type") or "").split(";")[0].strip().lower()

    @property
    def is_to_head(self) -> bool:
        """Whether it answers a HEAD, and so has no body (RFC 9110, 9.3.2)."""
        return "HEAD" in (self.operation.method, self.method)

    @cached_property
    def documented(self) -> ResponseSpec | None:
        """What the contract documents for this status."""
        return self.operation.response_for(self.status)

    @cached_property
    def schema(self) -> Schema | None:
        """The documented schema of this body; None where the status or its body is not documented, or for HEAD."""
        if self.is_to_head:
            return None
        content = self.documented.content if self.documented is not None else {}
        media = select_media_type(content, self.media_type)
        return None if media is None else content[media]

    @property
    def parsed(self) -> Parsed:
        """The body read as strict JSON, once for all checks."""
        return once(self, "parsed", lambda: parse(self.body))

    def select(self, place: str) -> Iterator[tuple[Path, Any]]:
        """Yield path and value of every place of the body that a location such as `runtimes[*].id` names.

        Nothing where the body is not JSON, or has no such place; raises `ValueError` for what is not a location.
        """
        yield from select_values(self.data, place) if self.parsed.ok else ()

    @property
    def data(self) -> Any:
        """The body's JSON value; meaningful where `parsed.ok`."""
        return self.parsed.value

    @property
    def conforms(self) -> bool:
        """Whether the body conforms to its schema; True where there is no schema, or no JSON to validate."""
        if self.schema is None or not self.parsed.ok:
            return True
        schema = self.schema
        return once(self, "conforms", lambda: accepts(self.contract, schema, self.data))

    @property
    def observed(self) -> Observation:
        """What stands in the body, by place; looked at once for all that want to know."""
        return once(self, "observed", self._observe)

    def _observe(self) -> Observation:
        made = Observation()
        is_known = self.schema is not None or (self.documented is None and not self.is_to_head)
        data = self.data if is_known and self.parsed.ok else NO_BODY
        if data is NO_BODY and self.body.strip():
            made.unread[self.operation.label, str(self.status), self.media_type] += 1
        observe(self.contract, self.operation, self.status, data, made, self.media_type)
        return made


def looked(response: Response) -> set[str]:
    """Return the names of the checks that have looked at an answer, since they were last cleared."""
    return response._looked


def content_key(response: Response) -> Hashable:
    """Identify what the checks of a body read: answers with equal keys get equal results."""
    return response.operation.label, response.is_to_head, response.status, response.media_type, response.body


def share(response: Response, earlier: Response) -> None:
    """Let an answer take over the results of another with the same `content_key`, and share all further ones."""
    object.__setattr__(response, "body", earlier.body)
    object.__setattr__(response, "_results", earlier._results)


def once(response: Response, key: Hashable, compute: Callable[[], Result]) -> Result:
    """Return the result of a computation over a body, made once for all answers that share their results."""
    if key not in response._results:
        response._results[key] = compute()
    result: Result = response._results[key]
    return result


def response_from(response: Any, contract: Contract, operation: str | None = None) -> Response:
    """Return a `Response` for a response of httpx, requests, urllib3, werkzeug, Django or Starlette, or a bare body.

    A bare body (bytes, str, or data such as `response.json()`) counts as a 200 of the documented content type.
    `operation` is an operation id, needed only where the URL does not tell and the contract has several.
    Raises `BctrlError` for anything else, and where the operation cannot be told.
    """
    if isinstance(response, bytes | str | dict | list):
        chosen = _operation(contract, operation, "", "")
        code = min(chosen.success_statuses, default=200)
        documented = chosen.response_for(code)
        headers = [("Content-Type", media) for media in documented.content][:1] if documented else []
        return Response(contract, chosen, code, tuple(headers), _encoded(response))
    status = getattr(response, "status_code", getattr(response, "status", None))
    if not isinstance(status, int):
        raise BctrlError(
            f"{type(response).__name__} is not a response",
            where="pytest_bctrl.check",
            hint="give a response of httpx, requests, urllib3, werkzeug, Django or Starlette, "
            "or its body as bytes, str or data",
        )
    url, method = _url(response), _method(response)
    chosen = _operation(contract, operation, url, method)
    return Response(
        contract, chosen, status, _headers(response), _body(response), path_values(chosen, url), method=method
    )


def _encoded(body: bytes | str | dict[str, Any] | list[Any]) -> bytes:
    if isinstance(body, bytes):
        return body
    try:
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BctrlError(
            f"the {type(body).__name__} is not a JSON body: {error}",
            where="pytest_bctrl.check",
            hint="give the body as bytes, str, or data such as response.json()",
        ) from None


def _headers(response: Any) -> tuple[tuple[str, str], ...]:
    headers = response.headers
    items: Iterable[tuple[Any, Any]] = headers.multi_items() if hasattr(headers, "multi_items") else headers.items()
    return tuple((str(name), str(value)) for name, value in items)


def _body(response: Any) -> bytes:
    for name in ("content", "data", "body"):
        try:
            body = getattr(response, name, None)
        except RuntimeError:
            # httpx raises where a streamed body was not read.
            continue
        if isinstance(body, bytes):
            return body
    raise BctrlError(
        f"the {type(response).__name__} has no body that was read",
        where="pytest_bctrl.check",
        hint="read it first, response.read() or await response.aread(), or give what was read",
    )


def _url(response: Any) -> str:
    asked = getattr(response, "__dict__", {}).get("request")
    if isinstance(asked, Mapping):
        # Django's test client keeps the WSGI environment of the request.
        return str(asked.get("PATH_INFO", ""))
    for owner, name in ((response, "url"), (asked, "url"), (response, "_request_url")):
        try:
            value = getattr(owner, name, None)
        except RuntimeError:
            # httpx raises where the response was made without a request.
            continue
        if value:
            return str(value)
    return ""


def _method(response: Any) -> str:
    """The method of the request that a response answers, where its client library keeps it; else an empty string."""
    own = getattr(response, "__dict__", {})
    asked = own.get("request", own.get("_request"))
    if isinstance(asked, Mapping):
        return str(asked.get("REQUEST_METHOD", ""))
    # urllib3 leaves it to the standard library's response, under it.
    under = getattr(own.get("_original_response"), "_method", None)
    return str(getattr(asked, "method", None) or under or "").upper()


def _operation(contract: Contract, operation: str | None, url: str, method: str) -> Operation:
    if operation is not None:
        return contract.operation(operation)
    candidates = [found for found in contract.operations if found.is_safe]
    matching = [found for found in candidates if _match(found, url)]
    if matching:
        most_exact = min(path_specificity(found.path) for found in matching)
        candidates = [found for found in matching if path_specificity(found.path) == most_exact]
        wanted = method if any(found.method == method for found in candidates) else "GET"
        candidates = [found for found in candidates if found.method == wanted] or candidates
    if len(candidates) == 1:
        return candidates[0]
    known = ", ".join(found.operation_id or found.label for found in contract.operations)
    raise BctrlError(
        "its URL does not say which operation it answers",
        where=url or "pytest_bctrl.check",
        hint=f"name it with operation=…, or --operation, one of: {known}",
    )


def path_values(operation: Operation, url: str) -> Mapping[str, str]:
    """Return the decoded values of the path parameters in a URL; empty where it is not the operation's."""
    found = _match(operation, url)
    _, names = path_pattern(operation.path)
    return {name: unquote(value) for name, value in zip(names, found.groups(), strict=True)} if found else {}


def _match(operation: Operation, url: str) -> re.Match[str] | None:
    return re.search(f"{path_pattern(operation.path)[0].pattern}/?$", urlsplit(url).path)
