"""Describes transport errors, and returns the findings for responses that are incomplete or wrongly framed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

from pytest_bctrl.checks.violation import fix_of
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.traffic.surplus import Surplus

RULE = "complete_answer"
FRAMING_RULE = "response_framing"


class ErrorDescription(NamedTuple):
    """A transport error in words; `kind` identifies it in fingerprints and does not change with the wording."""

    kind: str
    message: str
    hint: str


def describe_error(error: str, detail: str, has_begun: bool = False) -> ErrorDescription:
    """Return the description of an error, given the name of an httpx exception and its detail.

    `has_begun` is True if a part of the response arrived.
    """
    matching = (row for row in _ERRORS if row[0] in (error, "") and re.search(row[1], detail, re.IGNORECASE))
    _, pattern, description = next(matching)
    if error == "ReadTimeout" and has_begun and not pattern:
        return _HANGS_IN_BODY
    return description._replace(message=description.message.format(detail))


_CURL = "send the request with curl -i"
_FIREWALL = "check that no firewall is in the way, and try again"
_UNREACHABLE = "the target cannot be reached: "
_CLOSED = "without sending a response"
_TRUNCATED = "complete message body|incomplete chunked"
_CLIENT_CERTIFICATE = "certificate.required|bad.certificate|handshake.failure"
_DNS = "name or service|getaddrinfo|nodename|name resolution|no address"
_HANGS_IN_BODY = ErrorDescription(
    "hangs-in-body", "the target hangs: it sent a part of the response, and no more", _FIREWALL
)
_ERRORS = (
    (
        "ProxyError",
        "",
        ErrorDescription("proxy", "no request was sent: {}", "check the proxy; NO_PROXY lists hosts that need none"),
    ),
    (
        "",
        _CLIENT_CERTIFICATE,
        ErrorDescription(
            "client-certificate",
            "the target requires a client certificate (TLS): {}",
            "set --bctrl-client-cert to a PEM file with certificate and key",
        ),
    ),
    (
        "ConnectError",
        _DNS,
        ErrorDescription(
            "dns", "the host name of the target is unknown (DNS): {}", "check the base URL and the network"
        ),
    ),
    (
        "ConnectError",
        "certificate|ssl|tls",
        ErrorDescription(
            "tls",
            "the connection to the target is not secure (TLS): {}",
            "show the certificate with openssl s_client -connect; SSL_CERT_FILE names the CAs to trust",
        ),
    ),
    (
        "ConnectError",
        "",
        ErrorDescription("unreachable", _UNREACHABLE + "{}", "check that a server listens on this host and port"),
    ),
    ("ConnectTimeout", "", ErrorDescription("unreachable", _UNREACHABLE + "no connection in time", _FIREWALL)),
    (
        "ReadTimeout",
        "still being sent",
        ErrorDescription("slow", "the target sends its response too slowly: it was incomplete at the time-out", _CURL),
    ),
    (
        "ReadTimeout",
        "",
        ErrorDescription("hangs", "the target hangs: it accepts the request and sends no response", _FIREWALL),
    ),
    (
        "RemoteProtocolError",
        _CLOSED,
        ErrorDescription("closed", "the target closes the connection without a response", _CURL),
    ),
    (
        "RemoteProtocolError",
        _TRUNCATED,
        ErrorDescription("truncated", "the target truncates its response: {}", _CURL),
    ),
    ("RemoteProtocolError", "", ErrorDescription("not-http", "the target's response is not HTTP/1.1: {}", _CURL)),
    ("TooMuchError", "", ErrorDescription("too-large", "the target sends too much: {}", _CURL)),
    ("ReadError", "", ErrorDescription("reset", "the target resets the connection: {}", _CURL)),
    ("WriteError", "", ErrorDescription("reset", "the target resets the connection: {}", _CURL)),
    ("", "", ErrorDescription("unusable", "the target sends no usable response: {}", _CURL)),
)
"""Exception name, pattern of its detail, and description; the first match applies."""


def transport_finding(
    operation: Operation, kind: str, message: str, shell: str, location: str = "response", observed: object = "none"
) -> Finding:
    """Return the finding for a request without a complete response, or for a fault in the transfer of a response.

    `kind` identifies the fault in the fingerprint, regardless of the message.
    """
    return Finding(
        RULE,
        "error",
        location,
        message,
        "a complete response",
        observed,
        total=1,
        operation=operation.label,
        reproduce=shell,
        extra={"kind": kind, "source": "HTTP", "fix": fix_of(RULE)},
    )


def surplus_finding(operation: Operation, surplus: Surplus | str, shell: str) -> Finding:
    """Return the finding for bytes after the end of a response, or for the parser's message about them.

    A body after the response to HEAD is a warning, since few clients are affected.
    """
    if isinstance(surplus, Surplus) and surplus.is_body and surplus.method == "HEAD":
        message = "the response to HEAD has a body"
        body_finding = transport_finding(operation, "body-to-head", message, shell, observed=str(surplus))
        return replace(body_finding, rule=FRAMING_RULE, level="warning", expected="no body")
    message = "the server sends bytes that belong to no response"
    bytes_finding = transport_finding(operation, "surplus", message, shell, observed=str(surplus))
    return replace(bytes_finding, rule=FRAMING_RULE, expected="one response to each request, and nothing after its end")


def mismatch_finding(operation: Operation, used: str, new: str, shell: str) -> Finding:
    """Return the finding for a response on a used connection that does not repeat on a new one; both as texts."""
    message = "the server responds differently on a used connection"
    observed = f"{used}; on a new connection, {new}"
    finding = transport_finding(operation, "mismatch", message, shell, observed=observed)
    return replace(finding, rule=FRAMING_RULE, expected="the response to the request, as on a new connection")
