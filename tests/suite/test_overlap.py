"""Requests that do not depend on each other overlap, four at most, unless the target or an option prevents it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from pytest_bctrl import load_contract
from pytest_bctrl.checks.credentials import NONE
from pytest_bctrl.suite.run import ContractRun, with_mock
from pytest_bctrl.suite.sending import connections
from pytest_bctrl.suite.sending.requests import PlannedRequest, TargetExchange, no_findings, plain
from pytest_bctrl.suite.sending.target import Target
from tests.suite.conftest import LiveRun
from tests.suite.test_every_variant import suite_and_observer_findings
from tests.variants import serve
from tests.variants.reply import Reply
from tests.variants.service import Service, Visit
from tests.variants.variant import Variant, harmless

LIMITED = Service().problem(429, "rate.limited", "Slow down.", ("Retry-After", "0"))


class Crowd:
    """Counts concurrent requests in `most`: each but the first waits until `wanted` have arrived, or for a time-out."""

    def __init__(
        self, wanted: int, first: Reply | None = None, headers: tuple[tuple[str, str], ...] = (), patience: float = 0.02
    ) -> None:
        self.most = self.inside = 0
        self.connections: set[int] = set()
        self._wanted, self._first, self._headers, self._patience = wanted, first, headers, patience
        self._changed = threading.Condition()

    def early(self, visit: Visit) -> Reply | None:
        """Count and hold a request; return `first` for the first one, and None to process any other."""
        with self._changed:
            self.inside += 1
            self.connections.add(visit.request.connection)
            self.most = max(self.most, self.inside)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self._wanted, timeout=self._patience if visit.number > 1 else 0)
            self.inside -= 1
        return self._first if visit.number == 1 else None

    def always(self, _: Visit, reply: Reply) -> Reply:
        """Return the reply with the headers of this crowd."""
        return reply.adding(*self._headers)

    @property
    def variant(self) -> Variant:
        return harmless("crowd", "overlap", Service(early=self.early, always=self.always))


def test_at_most_four_requests_overlap() -> None:
    """The server saw four of 40 requests at the same time, on 14 connections, and there are no findings."""
    crowd = Crowd(4, patience=5)
    with serve(crowd.variant) as server:
        assert ([], []) == suite_and_observer_findings(server)
        assert 40 == len(server.log)
    assert 4 == crowd.most
    # Four are kept, and one each goes to the fourth repetition, a HEAD, every fourth credential and the last requests.
    assert 14 == len(crowd.connections)


@pytest.mark.parametrize(
    ("crowd", "options"),
    [
        (Crowd(2, LIMITED), ()),
        (Crowd(2, headers=(("RateLimit", '"minute";r=3;t=30'),)), ()),
        (Crowd(2), ("--bctrl-rate=600/s",)),
        (Crowd(2), ("-p", "xdist", "-n", "1")),
    ],
    ids=["429", "few left", "rate", "a worker"],
)
def test_requests_do_not_overlap_with_a_rate_limit_a_rate_or_a_worker(
    crowd: Crowd, options: tuple[str, ...], live: LiveRun
) -> None:
    """A 429, a `RateLimit` header with few left, `--bctrl-rate`, or `-n 1`: the run passes."""
    with serve(crowd.variant) as server:
        assert pytest.ExitCode.OK == live(server, *options).ret
    assert 1 == crowd.most


def server_error(visit: Visit, reply: Reply) -> Reply:
    """Return a 500 in place of any reply."""
    return Service().problem(500, "server.error", "Something broke.")


@pytest.mark.parametrize(
    ("options", "service", "counts"),
    [
        (("-k", "credential and bearer"), Service(), range(2, 3)),
        (("-k", "credential"), Service(admits=lambda _: False), range(1, 2)),
        (("-k", "kept or bearer"), Service(), range(7, 8)),
        (("bctrl::test_invariant",), Service(), range(1, 2)),
        (("-x",), Service(refused=server_error), range(8, 8 + 4)),
    ],
    ids=["one test", "a refused key", "some tests", "no request of its own", "-x"],
)
def test_only_requests_of_selected_tests_are_sent(
    options: tuple[str, ...], service: Service, counts: range, live: LiveRun
) -> None:
    """The number of requests that the server received is in `counts`.

    After the test that ends a run, only requests already in progress are sent.
    """
    with serve(harmless("selected", "overlap", service)) as server:
        live(server, *options)
        assert len(server.log) in counts


@pytest.mark.parametrize("error", [KeyboardInterrupt, UnicodeEncodeError])
def test_a_request_that_was_not_sent_keeps_no_connection(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests without the key wait for a free connection: also after Ctrl-C while one is created, or an error."""
    run = with_mock(ContractRun("mock", load_contract()))
    target = Target(run)
    sender, operation = target.sender.connections, run.contract.operations[0]
    # It cannot be encoded.
    unsendable = replace(plain(run, operation), headers=(("X-Half", "\ud800"),))

    def interrupt(*_arguments: object, **_options: object) -> None:
        """Raise what Ctrl-C raises."""
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if error is KeyboardInterrupt:
            patch.setattr(connections, "client", interrupt)
        with pytest.raises(error):
            sender.send(PlannedRequest(operation, no_findings, unsendable), 0)

    results: list[tuple[TargetExchange, ...]] = []
    without_key = PlannedRequest(operation, no_findings, plain(run, operation), NONE)
    waiting = threading.Thread(target=lambda: results.append(sender.send(without_key, 0)), daemon=True)
    waiting.start()
    waiting.join(60)
    assert [1] == [len(attempts) for attempts in results]
    target.close()
