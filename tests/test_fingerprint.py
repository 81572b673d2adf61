"""A finding's fingerprint rests on what it is about, and on nothing that the next day's data changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import PROTOCOL, check_response
from pytest_bctrl.checks.strict_json import Parsed, parse
from pytest_bctrl.contract.read import load
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import with_fingerprint
from pytest_bctrl.suite.sending import transport_errors
from pytest_bctrl.traffic import transport_findings
from pytest_bctrl.traffic.flow import Attempt, TooMuchError

FINDING = Finding(
    "response_schema_conformance",
    "error",
    "runtimes[*].name",
    "the value has the wrong type, null",
    operation="GET /v1/spaces/{id}/runtimes",
    extra={"kind": "null", "status": "200"},
)


@pytest.mark.parametrize(
    ("is_same", "changes"),
    [
        (True, {"count": 7, "total": 9}),
        (True, {"observed": "another", "sample": {"location": "runtimes[3].name"}}),
        (True, {"message": "in other words", "level": "warning"}),
        (True, {"operation": "GET /v1/spaces/{space}/runtimes"}),
        (True, {"reproduce": "curl http://127.0.0.1:1/"}),
        (True, {"extra": {"kind": "null", "status": "200", "file": "a.har"}}),
        (False, {"rule": "undocumented_property"}),
        (False, {"location": "runtimes[*].region"}),
        (False, {"operation": "GET /v1/spaces/{id}"}),
        (False, {"extra": {"kind": "type", "status": "200"}}),
        (False, {"extra": {"kind": "null", "status": "404"}}),
    ],
)
def test_a_fingerprint_depends_only_on_the_subject_of_the_finding(is_same: bool, changes: dict[str, Any]) -> None:
    """Not on counts, samples, message and level, but on rule, operation, location and kind."""
    assert is_same == (
        with_fingerprint(FINDING).fingerprint == with_fingerprint(replace(FINDING, **changes)).fingerprint
    )


def test_an_existing_fingerprint_is_kept() -> None:
    """`with_fingerprint` does not replace that of a drift finding."""
    assert with_fingerprint(replace(FINDING, fingerprint="61d868514b95d6ae")).fingerprint == "61d868514b95d6ae"


TRANSPORT_ERRORS = [
    (httpx.ProxyError, "refused"),
    (httpx.ConnectError, "tlsv13 alert certificate required"),
    (httpx.ConnectError, "Name or service not known"),
    (httpx.ConnectError, "certificate verify failed"),
    (httpx.ConnectError, "refused"),
    (httpx.ReadTimeout, "the response was still being sent when the time was up"),
    (httpx.ReadTimeout, ""),
    (httpx.RemoteProtocolError, "Server disconnected without sending a response."),
    (httpx.RemoteProtocolError, "peer closed connection without sending complete message body"),
    (httpx.RemoteProtocolError, "illegal status line"),
    (TooMuchError, "larger than 64 MiB"),
    (httpx.ReadError, "reset by peer"),
    (httpx.PoolTimeout, "full"),
]


def retried_error(error: type[httpx.TransportError], detail: str) -> Finding:
    """Return the finding for an attempt that failed with this error before a second attempt succeeded."""
    failed = Attempt("GET", None, error.__name__, detail, 1.0, reused=False, begun=False)
    succeeded = Attempt("GET", 200, None, "", 1.0, reused=False, begun=True)
    (finding,) = transport_errors.attempt_findings(load().operations[0], [failed, succeeded], "curl")
    return with_fingerprint(finding)


def test_each_transport_error_has_a_fingerprint_that_rewording_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The messages change, and all fingerprints stay and differ from each other."""
    before = [retried_error(*error) for error in TRANSPORT_ERRORS]
    reworded = [
        (name, pattern, description._replace(message=f"other words: {description.message.upper()}", hint="other"))
        for name, pattern, description in transport_findings._ERRORS
    ]
    monkeypatch.setattr(transport_findings, "_ERRORS", reworded)
    after = [retried_error(*error) for error in TRANSPORT_ERRORS]

    assert [finding.fingerprint for finding in before] == [finding.fingerprint for finding in after]
    assert len(TRANSPORT_ERRORS) == len({finding.fingerprint for finding in after})
    assert all(old.message != new.message for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "body",
    [b"", b"\xef\xbb\xbf{}", b"\xff", b"{", b"[NaN]", b"[-Infinity]", b"9" * 5_000, b"[" * 9_000, b'{"a": 1, "a": 1}'],
)
def test_each_problem_of_a_body_has_a_fingerprint_that_rewording_keeps(
    monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    contract = load()
    headers = (("Content-Type", "application/json"),)

    def body_findings() -> list[Finding]:
        """Return the findings about the whole body of a response."""
        response = Response(contract, contract.operations[0], 200, headers, body)
        return [finding for finding in check_response(response, aspects=PROTOCOL) if finding.location == "body"]

    def reworded(body: bytes) -> Parsed:
        """Return the parsed body, with other messages of its problems."""
        parsed = parse(body)
        return replace(parsed, problems=tuple(f"other words: {problem}" for problem in parsed.problems))

    (before,) = body_findings()
    monkeypatch.setattr("pytest_bctrl.checks.response.parse", reworded)
    (after,) = body_findings()

    assert (before.fingerprint, f"other words: {before.message}") == (after.fingerprint, after.message)
