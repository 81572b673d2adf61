"""The credentials of requests: the value of each security scheme, and the `httpx.Auth` that adds them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from urllib.parse import quote, unquote_plus, urlsplit

import httpx

from pytest_bctrl.contract.key_fields import KeyField
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.scheme_values import Credentials, credentials_of, needs_credential
from pytest_bctrl.http.message import Request, split_url
from pytest_bctrl.http.routes import Match, Routes
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings.secret_settings import SchemeValue
from pytest_bctrl.traffic.origin import origin_of

GUARDED = "bctrl_guarded"
"""Request extension: the client that sends the request adds its credentials itself."""

UNAUTHENTICATED = "bctrl_unauthenticated"
"""Request extension: the request before an auth of the user changed it; a request that the auth yields has none."""


class TargetOperations:
    """The operations of a contract on the server at a base URL."""

    def __init__(self, contract: Contract, base_url: str) -> None:
        self._contract = contract
        self._routes = Routes(contract)
        url = str(httpx.URL(base_url))
        self.origin = origin_of(url)
        self._base_path = urlsplit(url).path.rstrip("/")

    def _match(self, request: httpx.Request) -> Match | None:
        """Return the match of a request; None for another origin or a path that the contract does not have."""
        if origin_of(str(request.url)) != self.origin:
            return None
        return self._routes.match(split_url(str(request.url), self._base_path)[1])

    def has_path(self, request: httpx.Request) -> bool:
        """Return whether a request is to a path of the contract."""
        return self._match(request) is not None

    def find(self, request: httpx.Request) -> Operation | None:
        """Return the operation of a request; None if the contract has none."""
        match = self._match(request)
        return match.of(request.method) if match else None

    def need_credential(self, request: httpx.Request) -> bool:
        """Return whether a request carries credentials."""
        operation = self.find(request)
        return operation is not None and needs_credential(self._contract, operation)


class ContractAuth(httpx.Auth):
    """Adds the credentials that the contract requires, each to the operations that need it, at one base URL only.

    `values` are those of the security schemes, by name. Requests to other operations, paths and origins are sent as
    they are. A header field or query parameter that the request already has stays, so that a test can send a wrong key.
    """

    def __init__(self, contract: Contract, base_url: str, values: Mapping[str, SchemeValue]) -> None:
        self.values = values
        self._operations = TargetOperations(contract, base_url)

    def __repr__(self) -> str:
        sources = ", ".join(f"{name} from {value.source}" for name, value in self.values.items())
        return f"<ContractAuth for {self._operations.origin}: {sources or 'no credentials'}>"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the credentials of the request's operation; a client of this package does so itself."""
        if GUARDED not in request.extensions:
            add_credentials(request, self.credentials(request))
        yield request

    def credentials(self, request: httpx.Request) -> Credentials:
        """Return the credentials of a request; empty if its operation needs none, or it is to none."""
        operation = self._operations.find(request)
        return [] if operation is None else credentials_of(operation, self.values)


def add_credentials(request: httpx.Request, credentials: Credentials) -> None:
    """Add credentials to a request; header fields and query parameters that it has stay, and cookies are appended."""
    query = request.url.raw_path.partition(b"?")[2].decode("latin-1")
    names = {unquote_plus(pair.partition("=")[0]) for pair in query.split("&")}
    for field, secret in credentials:
        present = names if field.in_query else request.headers
        if field.name == "Cookie" or field.name not in present:
            set_credential(request, field, secret)


def set_credential(request: httpx.Request, field: KeyField, secret: Secret) -> None:
    """Set a header field, or add a query parameter or a cookie (RFC 6265, 4.2.1)."""
    value = secret.reveal()
    if field.in_query:
        separator = b"&" if b"?" in request.url.raw_path else b"?"
        pair = f"{quote(field.name, safe='')}={quote(value, safe='')}".encode()
        request.url = request.url.copy_with(raw_path=request.url.raw_path + separator + pair)
        return
    if field.name == "Cookie" and request.headers.get("Cookie"):
        value = f"{request.headers['Cookie']}; {value}"
    request.headers[field.name] = value


def without_added(request: httpx.Request, original: httpx.Request) -> httpx.Request:
    """Return a copy of a request without the header fields and the query that an auth has added to the original."""
    headers = [field for field in request.headers.raw if field in original.headers.raw]
    is_redirected = request.url.copy_with(query=None) != original.url.copy_with(query=None)
    url = request.url if is_redirected else original.url
    return httpx.Request(request.method, url, headers=headers, stream=httpx.ByteStream(request.content))


def added_values(request: httpx.Request, original: httpx.Request) -> Iterator[str]:
    """Yield the values that an auth has added to a request: of header fields, cookies and query parameters."""
    for name, value in request.headers.items():
        if (name, value) not in original.headers.items():
            yield value
            # The credential follows the name of a scheme, or is one of several cookies.
            yield value.partition(" ")[2]
            yield from (pair.partition("=")[2] for pair in value.split("; ") if name == "cookie")
    known = original.url.params.multi_items()
    yield from (value for name, value in request.url.params.multi_items() if (name, value) not in known)


def credential_reporter(
    contract: Contract, add: Callable[[str], object]
) -> Callable[[httpx.Request, httpx.Request | None], None]:
    """Return a function that passes the credentials of a request to `add`, after an auth has changed or yielded it.

    They are those of conventional and documented names, and whatever the auth has added to the original request.
    """
    from pytest_bctrl.request_checks.run import request_checks

    def report(request: httpx.Request, original: httpx.Request | None) -> None:
        """Pass the credentials of a request on."""
        target = request.url.raw_path.decode("ascii")
        sent = Request(request.method, target, tuple(request.headers.multi_items()), request.content)
        for value in request_checks(contract).redacted(sent)[1]:
            add(value)
        if original is not None:
            for value in added_values(request, original):
                add(value)

    return report
