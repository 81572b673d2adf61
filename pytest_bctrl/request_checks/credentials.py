"""Checks that a request has credentials of the kind that its operation requires; their values are not checked."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.key_fields import sent_credentials
from pytest_bctrl.contract.model import Operation, SecurityScheme
from pytest_bctrl.http.message import Request
from pytest_bctrl.request_checks.violation import CREDENTIALS, NOT_CHECKED

CERTIFICATE = "mutualTLS"
"""The type of a security scheme whose credential is not part of the request."""
NO_CREDENTIAL = "no credential"
"""What a finding shows of a request without any credential."""
_SCHEMES = frozenset({"basic", "bearer", "digest"})


def credential_violations(operation: Operation, request: Request) -> Iterator[Violation]:
    """Yield a violation if no security requirement is satisfied; a warning if only a client certificate may be missing.

    The requirements are those of the operation (OpenAPI 3.1, 4.8.30).
    """
    if operation.is_public:
        return
    unchecked = False
    for requirement in operation.security:
        missing = [scheme for scheme in requirement if not has_credential(scheme, request)]
        if not missing:
            return
        unchecked = unchecked or all(scheme.type == CERTIFICATE for scheme in missing)
    if unchecked:
        message = "a client certificate is required, which a request does not show"
        yield Violation(NOT_CHECKED, "warning", message, place="connection", expected="a client certificate")
        return
    first = operation.security[0]
    scheme = next(scheme for scheme in first if not has_credential(scheme, request))
    authorization = request.header("authorization")
    message, observed = f"the {_credential_text(scheme)} is missing", NO_CREDENTIAL
    if scheme.type != "apiKey" and authorization:
        # The first word names the scheme; a value without a scheme may be the key itself.
        name, space, _ = authorization.strip().partition(" ")
        observed = "a value without a scheme"
        if space:
            observed = f"the scheme {name[:40]}"
        elif name.lower() in _SCHEMES:
            observed = f"the scheme {name} without a value"
        message = f"the credential is not a {_credential_text(scheme)}"
    expected = [" and ".join(map(_credential_text, requirement)) for requirement in operation.security]
    yield Violation(CREDENTIALS, "error", message, (), _credential_place(scheme), expected, observed, scheme.name)


def requires_certificate(operation: Operation) -> bool:
    """Return whether a security requirement of an operation contains a client certificate."""
    return any(scheme.type == CERTIFICATE for requirement in operation.security for scheme in requirement)


def has_credential(scheme: SecurityScheme, request: Request) -> bool:
    """Return whether a request has a credential of the kind that a scheme requires, with any value."""
    if scheme.type == "http" and scheme.scheme not in ("bearer", "basic"):
        name, _, value = (request.header("authorization") or "").partition(" ")
        return name.lower() == scheme.scheme and bool(value.strip())
    return any(sent_credentials(scheme, request.header, request.query))


def _credential_place(scheme: SecurityScheme) -> str:
    """Return where a request has the credential of a scheme."""
    if scheme.type == "apiKey":
        return f"{scheme.in_} {scheme.field}"
    return "header Authorization"


def _credential_text(scheme: SecurityScheme) -> str:
    """Return a description of the credential of a scheme."""
    if scheme.type == "apiKey":
        return f"key in {scheme.in_} {scheme.field}"
    if scheme.type == "http" and scheme.scheme == "basic":
        return "user and password"
    if scheme.type == "http" and scheme.scheme != "bearer":
        return f"credential of the scheme {scheme.scheme}"
    return "client certificate" if scheme.type == CERTIFICATE else "bearer token"
