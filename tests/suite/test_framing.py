"""Bytes that belong to no response: a finding if they arrive with one, and no finding about another request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product

import pytest

from pytest_bctrl.reports.terminal import describe
from tests import EVERYTHING
from tests.suite.conftest import LiveRun
from tests.suite.test_every_variant import suite_and_observer_findings
from tests.variants import serve
from tests.variants.deliveries import Delivery, chunked, delivered_by, with_body_always
from tests.variants.reply import Reply, with_length
from tests.variants.service import Service, Visit, right_key
from tests.variants.variant import dubious, faulty, harmless
from tests.variants.wire import Wire

PLAIN = Service()
LISTED = Reply(200, PLAIN.write(PLAIN.document()))
"""The response that a request with the right key gets."""


def complete_response(reply: Reply) -> bytes:
    """Return head and body of a response, with its length."""
    return reply.head(("Content-Length", str(len(reply.body)))) + reply.body


KINDS: dict[str, Callable[[Reply], bytes]] = {
    "the same response again": complete_response,
    "the list, which opens the door to every request after it": lambda _reply: complete_response(LISTED),
    "a refusal": lambda _reply: complete_response(PLAIN.problem(401, "auth.invalid_key", "A valid key is needed.")),
    "half a response": lambda reply: complete_response(reply)[:40],
    "words": lambda _reply: b"and more\r\n",
    "one byte": lambda _reply: b"\x00",
    "a chunk": lambda _reply: b"0\r\n\r\n",
    "a head without an end": lambda _reply: b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{",
}

POSITIONS: dict[str, Callable[[Visit, int], bool]] = {
    "first": lambda visit, _nth: visit.number == 1,
    "each first of its connection": lambda _visit, nth: nth == 1,
    "each second of its connection": lambda _visit, nth: nth == 2,
    "each third": lambda visit, _nth: visit.number % 3 == 0,
    "from the tenth on": lambda visit, _nth: visit.number >= 10,
    "each": lambda _visit, _nth: True,
    "each list": lambda visit, _nth: visit.listing > 0,
    "each refusal": lambda visit, _nth: visit.listing == 0,
}


@dataclass
class SurplusSender:
    """Sends surplus bytes after some of its responses, `delay` seconds later; counts the requests by connection."""

    kind: str
    position: str
    delay: float = 0.0
    requests: Counter[int] = field(default_factory=Counter)

    def reply(self, visit: Visit, reply: Reply) -> Reply:
        """Count a request; return the reply followed by surplus bytes if `position` says so, but never for HEAD."""
        connection = visit.request.connection
        self.requests[connection] += 1
        if not POSITIONS[self.position](visit, self.requests[connection]) or visit.request.method == "HEAD":
            return reply

        def deliver(wire: Wire, reply: Reply) -> bool:
            data = KINDS[self.kind](reply)
            if not self.delay:
                wire.write(complete_response(reply) + data)
                return True
            wire.write(complete_response(reply))
            wire.pause(self.delay)
            wire.write(data)
            return True

        return replace(reply, delivery=deliver)

    def rules_and_messages(self) -> set[tuple[str, str]]:
        """Return the rule and message of each finding of the suite on a server that sends these bytes."""
        with serve(faulty("protocol", "surplus", "framing", Service(always=self.reply))) as server:
            findings, _ = suite_and_observer_findings(server)
            assert len(server.log) <= 40
        return {(finding.rule, finding.message) for finding in findings}


FRAMING_FINDING = ("response_framing", "the server sends bytes that belong to no response")
MISMATCH_FINDING = ("response_framing", "the server responds differently on a used connection")

CASES = list(zip(KINDS, POSITIONS, strict=True)) if not EVERYTHING else list(product(KINDS, POSITIONS))
"""Each kind and each position once; all pairs of them in the environment `attacks`."""


@pytest.mark.parametrize(("kind", "position"), CASES)
def test_surplus_bytes_with_a_response_are_one_finding(kind: str, position: str) -> None:
    """The only rule reported is `response_framing`, whatever bytes follow a response at once."""
    assert {FRAMING_FINDING} == SurplusSender(kind, position).rules_and_messages()


@pytest.mark.parametrize(
    ("kind", "position"),
    # A head without its end keeps the client waiting for it, which is a fault of its own.
    [(kind, position) for kind, position in CASES if kind != "a head without an end"],
)
@pytest.mark.parametrize("delay", [0.002, 0.02])
def test_late_surplus_bytes_are_not_attributed_to_another_request(kind: str, position: str, delay: float) -> None:
    """At most `response_framing` is reported."""
    assert SurplusSender(kind, position, delay).rules_and_messages() <= {FRAMING_FINDING, MISMATCH_FINDING}


def crossing(is_for: Callable[[Visit], bool]) -> Service:
    """Return a service that sends its list once more, before its response to each such request but the first.

    The first request of each connection gets its response alone.
    """
    requests = Counter[int]()

    def always(visit: Visit, reply: Reply) -> Reply:
        requests[visit.request.connection] += 1
        if requests[visit.request.connection] == 1 or not is_for(visit):
            return reply

        def deliver(wire: Wire, reply: Reply) -> bool:
            wire.write(complete_response(LISTED))
            wire.pause(0.01)
            wire.write(complete_response(reply))
            return True

        return replace(reply, delivery=deliver)

    return Service(always=always)


@pytest.mark.parametrize("is_for", [lambda _visit: True, right_key, lambda visit: not right_key(visit)])
def test_a_list_that_crosses_a_request_is_not_its_response(is_for: Callable[[Visit], bool]) -> None:
    """It arrives after the client has looked at the connection: the request seems to be accepted, but only there."""
    with serve(faulty("protocol", "crosses", "framing", crossing(is_for))) as server:
        findings, _ = suite_and_observer_findings(server)
        assert len(server.log) <= 40
    assert {(finding.rule, finding.message) for finding in findings} <= {FRAMING_FINDING, MISMATCH_FINDING}


def test_an_id_that_only_the_last_requests_accept_is_found() -> None:
    """No request is left to repeat them, so they do not use the connections of others."""

    def always(visit: Visit, reply: Reply) -> Reply:
        return LISTED if visit.number > 36 else reply

    with serve(faulty("protocol", "last", "framing", Service(always=always))) as server:
        findings, _ = suite_and_observer_findings(server)
        assert 40 == len(server.log)
    assert "space_id_matches" in {finding.rule for finding in findings}


def test_a_list_before_each_request_is_not_a_pass() -> None:
    """The server sends the list on each connection, also without a key."""
    with serve(faulty("protocol", "greets", "framing", Service(greeting=complete_response(LISTED)))) as server:
        findings, _ = suite_and_observer_findings(server)
    assert findings


def test_a_greeting_that_is_not_http_is_one_finding() -> None:
    service = Service(greeting=b"220 mail.example.org ESMTP\r\n")
    with serve(faulty("protocol", "greets", "framing", service)) as server:
        (finding,) = suite_and_observer_findings(server)[0]
    assert finding.rule == "complete_answer"


@pytest.mark.parametrize("kind", ["empty lines", "a time-out", "nothing"])
def test_allowed_bytes_on_an_idle_connection_are_not_a_finding(kind: str) -> None:
    """The server may close it at any time, send 408 before that, and end responses with an empty line."""
    timeout = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    data = {"empty lines": b"\r\n\r\n", "a time-out": timeout, "nothing": b""}[kind]

    def deliver(wire: Wire, reply: Reply) -> bool:
        with_length(wire, reply)
        wire.pause(0.0 if kind == "empty lines" else 0.02)
        wire.write(data)
        return kind == "empty lines"

    service = Service(always=lambda _visit, reply: replace(reply, delivery=deliver))
    with serve(harmless("idle", "framing", service)) as server:
        assert [] == suite_and_observer_findings(server)[0]


def test_an_empty_line_that_crosses_the_next_request_is_not_a_finding() -> None:
    """It arrives after the request was sent, so that the parser reads it in place of the status line."""
    requests = Counter[int]()

    def always(visit: Visit, reply: Reply) -> Reply:
        requests[visit.request.connection] += 1
        if requests[visit.request.connection] == 1:
            return reply

        def deliver(wire: Wire, reply: Reply) -> bool:
            wire.write(b"\r\n")
            with_length(wire, reply)
            return True

        return replace(reply, delivery=deliver)

    with serve(harmless("empty-line", "framing", Service(always=always))) as server:
        assert [] == suite_and_observer_findings(server)[0]
    assert max(requests.values()) == 2


def test_a_408_that_crosses_the_next_request_is_not_its_response() -> None:
    """The server sends 408 for the second request of a connection, as if it had not arrived."""
    counted = Counter[int]()
    timeout = Reply(408, b"", (("Connection", "close"),))

    def always(visit: Visit, reply: Reply) -> Reply:
        counted[visit.request.connection] += 1
        return timeout if counted[visit.request.connection] == 2 else reply

    with serve(harmless("times-out", "framing", Service(always=always))) as server:
        assert [] == suite_and_observer_findings(server)[0]
        assert len(server.log) <= 40


@pytest.mark.parametrize("delivery", [with_length, chunked(500)], ids=["length", "chunks"])
def test_a_body_with_the_response_to_head_is_a_warning(delivery: Delivery) -> None:
    service = Service(always=delivered_by(with_body_always(delivery)))
    with serve(dubious("protocol", "head", "framing", service)) as server:
        findings, _ = suite_and_observer_findings(server, "test_head_needs_the_credential_too")
    assert [("response_framing", "warning", "the response to HEAD has a body")] == [
        (finding.rule, finding.level, finding.message) for finding in findings
    ]


def test_an_unauthorized_head_and_its_body_are_both_reported() -> None:
    """HEAD without a key gets 200 with a body: `ignored_auth` and `response_framing`."""
    service = Service(
        admits=lambda visit: visit.request.method == "HEAD" or right_key(visit),
        always=delivered_by(with_body_always(with_length)),
    )
    with serve(faulty("auth", "head", "framing", service)) as server:
        findings, _ = suite_and_observer_findings(server, "test_head_needs_the_credential_too")
    assert {"response_framing", "ignored_auth"} == {finding.rule for finding in findings}


def test_a_response_followed_by_accepted_surplus_is_not_checked(live: LiveRun) -> None:
    """The tests of wrong credentials are skipped with the reason, though `response_framing` is a warning here."""
    service = Service(admits=lambda _visit: True, always=delivered_by(_with_surplus))
    with serve(faulty("protocol", "open", "framing", service)) as server:
        result = live(server, "-rs", "-k", "wrong_credential", "-o", "bctrl_levels=response_framing = warning")

    assert "passed" not in result.parseoutcomes()
    result.stdout.fnmatch_lines(["SKIPPED *not checked: bytes that belong to no response*"])


def _with_surplus(wire: Wire, reply: Reply) -> bool:
    """Send a reply followed by four surplus bytes, and keep the connection open."""
    wire.write(complete_response(reply) + b"more")
    return True


def test_the_finding_shows_the_bytes_and_their_number() -> None:
    """They are in the description of the `response_framing` finding, whose `reproduce` is a curl command."""
    sender = SurplusSender("words", "each list")
    with serve(faulty("protocol", "words", "framing", Service(always=sender.reply))) as server:
        findings, _ = suite_and_observer_findings(server, "test_answer_conforms")
    assert r"""10 bytes after the end of the response: 'and more\r\n'""" in "\n".join(describe(findings))
    assert findings[0].reproduce.startswith("curl ")


def test_bctrl_client_raises_for_surplus_bytes_and_does_not_use_late_ones(
    pytester: pytest.Pytester, live: LiveRun
) -> None:
    """Bytes sent with the response raise `RemoteProtocolError`; those sent later are not read."""
    pytester.makepyfile(
        """
        import time
        from pathlib import Path

        import httpx
        import pytest

        def test_with_the_response(bctrl_client, bctrl_space_id):
            with pytest.raises(httpx.RemoteProtocolError, match="10 bytes after the end of the response"):
                bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")

        def test_later(bctrl_client, bctrl_space_id):
            path = f"/v1/spaces/{bctrl_space_id}/runtimes"
            assert 200 == bctrl_client.get(path).status_code
            Path("answered").touch()
            while not Path("sent").exists():
                time.sleep(0.01)
            assert 200 == bctrl_client.get(path).status_code
        """
    )

    def always(visit: Visit, reply: Reply) -> Reply:
        def deliver(wire: Wire, reply: Reply) -> bool:
            wire.write(complete_response(reply) + (b"and more\r\n" if visit.number == 1 else b""))
            if visit.number == 2:
                while not (pytester.path / "answered").exists():
                    wire.pause(0.01)
                (pytester.path / "sent").touch()
                wire.write(b"late")
            return True

        return replace(reply, delivery=deliver)

    with serve(faulty("protocol", "words", "framing", Service(always=always))) as server:
        result = live(server, "-m", "not bctrl_contract")

    result.assert_outcomes(passed=2)
