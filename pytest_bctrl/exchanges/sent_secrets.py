"""Finds the credentials in an exchange, so that they can be redacted where it is reported or recorded."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator

from pytest_bctrl.contract.key_fields import sent_credentials
from pytest_bctrl.contract.model import Contract, SecurityScheme
from pytest_bctrl.http.message import Headers, Request
from pytest_bctrl.secrets.encodings import is_random
from pytest_bctrl.secrets.names import is_credential_name


def security_schemes(contract: Contract) -> tuple[SecurityScheme, ...]:
    """Return the security schemes of all operations of a contract, each once."""
    schemes = (
        scheme for operation in contract.operations for requirement in operation.security for scheme in requirement
    )
    return tuple(dict.fromkeys(schemes))


def sent_secrets(request: Request, schemes: Iterable[SecurityScheme]) -> Iterator[str]:
    """Yield the credentials in a request: of the security schemes, and in header and query by the names of fields."""
    for scheme in schemes:
        yield from sent_credentials(scheme, request.header, request.query)
    for name, value in request.query:
        if is_credential_name(name):
            yield value
    for name, value in request.headers:
        if not is_credential_name(name):
            continue
        if name.lower() == "cookie":
            yield from (pair.partition("=")[2].strip() for pair in value.split(";"))
        elif name.lower().endswith("authorization"):
            yield from _authorization_secrets(value)
        else:
            yield value


def received_secrets(headers: Headers) -> Iterator[str]:
    """Yield the values of cookies that a response sets and that look random; others may be settings."""
    for name, value in headers:
        if name.lower() == "set-cookie":
            cookie = value.partition(";")[0].partition("=")[2].strip().strip('"')
            if is_random(cookie):
                yield cookie


def _authorization_secrets(value: str) -> Iterator[str]:
    """Yield the text after the scheme of `Authorization`, or all without one; also the password or user of Basic."""
    scheme, space, credentials = value.strip().partition(" ")
    if not space:
        yield scheme
        return
    yield credentials.strip()
    if scheme.lower() == "basic":
        try:
            user, _, password = b64decode(credentials, validate=True).decode().partition(":")
        except ValueError:
            return
        # The user is the key of APIs that use no password.
        yield password or user
