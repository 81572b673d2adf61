"""The credentials of requests: the value of each security scheme, and the `httpx.Auth` that adds them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote, unquote_plus

import httpx

from pytest_bctrl.contract.key_fields import KeyField, field_of, requirement, schemes_in_order
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.http.message import Request
from pytest_bctrl.http.routes import Match, Routes
from pytest_bctrl.secrets.secret import KEY_VARIABLE, Secret
from pytest_bctrl.settings.secret_settings import SchemeValue
from pytest_bctrl.traffic.origin import origin_of

Credentials: TypeAlias = Sequence[tuple[KeyField, Secret]]
"""Header fields and query parameters with their values, such as `Bearer …` for `Authorization`."""

GUARDED = "bctrl_guarded"
"""Request extension: the client that sends the request adds its credentials itself."""

UNAUTHENTICATED = "bctrl_unauthenticated"
"""Request extension: the request before an auth of the user changed it; a request that the auth yields has none."""


def values_by_scheme(
    contract: Contract, key: Secret, given: Mapping[str, SchemeValue], source: str = KEY_VARIABLE
) -> dict[str, SchemeValue]:
    """Return the values of security schemes by name: those that are given, and the key.

    The key is the value of the first scheme in order of preference that has no other value, and of schemes that put
    it in the same place.
    """
    values = dict(given)
    schemes = [scheme for scheme in schemes_in_order(contract) if scheme.name not in given]
    if key and schemes:
        first = field_of(schemes[0])
        key_value = SchemeValue(key, source, f"${KEY_VARIABLE}")
        values |= {scheme.name: key_value for scheme in schemes if scheme == schemes[0] or field_of(scheme) == first}
    return values


def values_of_mock(contract: Contract, key: Secret) -> dict[str, SchemeValue]:
    """Return the key of the mock as the value of each security scheme."""
    value = SchemeValue(key, "the mock", f"${KEY_VARIABLE}")
    return {scheme.name: value for scheme in schemes_in_order(contract)}


def fields_with_values(operation: Operation, values: Mapping[str, SchemeValue]) -> list[tuple[KeyField, SchemeValue]]:
    """Return the fields of the requirement that applies to an operation, with their values; only those with a value."""
    fields = ((field_of(scheme), values.get(scheme.name)) for scheme in requirement(operation))
    return [(field, value) for field, value in fields if field is not None and value is not None]


def credentials_of(operation: Operation, values: Mapping[str, SchemeValue]) -> Credentials:
    """Return the credentials of requests to an operation; empty if it needs none."""
    fields = fields_with_values(operation, values)
    return [(field, Secret(field.value(value.secret.reveal()))) for field, value in fields]


def needs_credential(contract: Contract, operation: Operation) -> bool:
    """Return whether requests to an operation carry credentials: it requires some, or the document does not say so."""
    unapplied = contract.unapplied
    return bool(requirement(operation)) or (unapplied is not None and operation.label in unapplied.operations)


class ContractAuth(httpx.Auth):
    """Adds the credentials that the contract requires, each to the operations that need it, at one origin only.

    `values` are those of the security schemes, by name. Requests to other operations, paths and origins are sent as
    they are. A header field or query parameter that the request already has stays, so that a test can send a wrong key.
    """

    def __init__(self, contract: Contract, base_url: str, values: Mapping[str, SchemeValue]) -> None:
        self.values = values
        self._match = matcher(contract, base_url)
        self._origin = origin_of(str(httpx.URL(base_url)))

    def __repr__(self) -> str:
        sources = ", ".join(f"{name} from {value.source}" for name, value in self.values.items())
        return f"<ContractAuth for {self._origin}: {sources or 'no credentials'}>"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the credentials of the request's operation; a client of this package does so itself."""
        if GUARDED not in request.extensions and origin_of(str(request.url)) == self._origin:
            add_credentials(request, self.credentials(request.method, request.url.raw_path.decode("ascii")))
        yield request

    def credentials(self, method: str, target: str) -> Credentials:
        """Return the credentials of a request with this method and target; empty if no operation needs any."""
        match = self._match(target)
        operation = match.of(method) if match else None
        return [] if operation is None else credentials_of(operation, self.values)


def matcher(contract: Contract, base_url: str) -> Callable[[str], Match | None]:
    """Return a function that returns the match of a request target, which may begin with the path of the base URL."""
    routes, base = Routes(contract), httpx.URL(base_url).raw_path.decode("ascii").rstrip("/")

    def match(target: str) -> Match | None:
        """Return the match of a target; None if the contract has no such path."""
        is_below = bool(base) and target.startswith(f"{base}/")
        return (routes.match(target.removeprefix(base)) if is_below else None) or routes.match(target)

    return match


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
    copy = httpx.Request(request.method, url, headers=headers, stream=httpx.ByteStream(request.content))
    copy.read()
    return copy


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


def header_fields(credentials: Iterable[tuple[KeyField, str]]) -> dict[str, str]:
    """Return the header fields that carry credentials; all cookies are in one."""
    fields: dict[str, str] = {}
    for field, text in credentials:
        if not field.in_query:
            fields[field.name] = f"{fields[field.name]}; {text}" if field.name in fields else text
    return fields


def curl_url(url: str, credentials: Iterable[tuple[KeyField, str]]) -> str:
    """Return a URL for a shell command, with the keys that belong into its query."""
    pairs = [f"{field.name}={value}" for field, value in credentials if field.in_query]
    if not pairs:
        return shlex.quote(url)
    return f'{shlex.quote(url)}"{"&" if "?" in url else "?"}{"&".join(pairs)}"'
