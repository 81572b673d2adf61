"""Bytes that belong to no response: one finding of their own, whatever they are, wherever and whenever they arrive."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.suite.sending import SECOND_LOOKS
from pytest_bctrl.traffic import surplus
from tests.suite.conftest import LiveRun
from tests.suite.test_every_variant import judged
from tests.variants import Server, named, serve
from tests.variants.deliveries import chunked, with_body_always
from tests.variants.reply import Reply, with_length
from tests.variants.service import Service, Visit
from tests.variants.variant import faulty, harmless
from tests.variants.wire import Wire

PLAIN = Service()
LISTED = Reply(200, PLAIN.write(PLAIN.document()))
"""The response that a request with the right key gets."""


def whole(reply: Reply) -> bytes:
    return reply.head(("Content-Length", str(len(reply.body)))) + reply.body


KINDS: dict[str, Callable[[Reply], bytes]] = {
    "the same response again": whole,
    "the list, which opens the door to every request after it": lambda _reply: whole(LISTED),
    "a refusal": lambda _reply: whole(PLAIN.problem(401, "auth.invalid_key", "A valid key is needed.")),
    "half a response": lambda reply: whole(reply)[:40],
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
class Sender:
    """Sends surplus bytes after some of its responses, `delay` seconds later; `sent` counts them by connection."""

    kind: str
    position: str
    delay: float = 0.0
    sent: Counter[int] = field(default_factory=Counter)
    requests: Counter[int] = field(default_factory=Counter)

    def reply(self, visit: Visit, reply: Reply) -> Reply:
        connection = visit.request.connection
        self.requests[connection] += 1
        if not POSITIONS[self.position](visit, self.requests[connection]) or visit.request.method == "HEAD":
            return reply

        def deliver(wire: Wire, reply: Reply) -> bool:
            data = KINDS[self.kind](reply)
            self.sent[connection] += 1
            if not self.delay:
                wire.write(whole(reply) + data)
                return True
            wire.write(whole(reply))
            wire.pause(self.delay)
            wire.write(data)
            return True

        return replace(reply, delivery=deliver)

    def rules(self) -> set[tuple[str, str]]:
        with serve(faulty("protocol", "surplus", "framing", Service(always=self.reply))) as server:
            found, _ = judged(server)
            assert len(server.log) <= 40
        return {(one.rule, one.message) for one in found}


OWN = {("response_framing", "the server sends bytes that belong to no response")}


@pytest.mark.parametrize("position", POSITIONS)
@settings(max_examples=3)
@given(kind=st.sampled_from([*KINDS]))
def test_surplus_with_a_response_has_one_finding_of_its_own(position: str, kind: str) -> None:
    assert OWN == Sender(kind, position).rules()
