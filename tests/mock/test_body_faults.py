"""The faults of bodies on every JSON value: each breaks the one rule that it names, or does not apply and says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_bctrl.checks.strict_json import parse
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.change import FaultInPlay
from tests.contract.documents import contract_of
from tests.contract.test_paging import APIS, of_api

MOCK = MockServer(contract_of({}))
"""The mock of an operation whose response may be any JSON value."""

TARGET = "/v1/things/1"
FAULTS_OF_BODIES = ["malformed_json", "empty_body", "wrong_content_type", "truncate"]

texts = st.text(max_size=3) | st.text('{}[]":, \\', max_size=8) | st.sampled_from(["undocumented", "NaN", "é"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def response_with(body: Any, *faults: str) -> tuple[MockResponse, list[FaultInPlay]]:
    """Return the response with a body after faults, and the faults, which are removed again."""
    MOCK.reset()
    MOCK.operation("things").serve(body, conforming=False)
    in_play = [MOCK.fault(name) for name in faults]
    return MOCK.respond(Request("GET", TARGET)), in_play


def is_number(value: Any) -> bool:
    """Return whether a value is a number, which a boolean is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


@given(value=values)
@example(value={})
@example(value=[])
@example(value=[[], {}, ""])
@example(value="")
@example(value="NaN")
@example(value=0)
@example(value=-1.5e300)
@example(value=True)
@example(value=None)
@example(value=["{", ":1}"])
@example(value=["\\", '{"a":1}', {"b": {}}])
@example(value={"undocumented": 1, "undocumented1": 2})
@example(value={"\ud800": "\udfff"})
def test_malformed_json_lacks_the_last_character_of_any_body_but_a_number(value: Any) -> None:
    plain = response_with(value)[0].body
    response, (fault,) = response_with(value, "malformed_json")
    applies = not is_number(value)
    assert fault.count == int(applies)
    assert response.faults == ((fault.fault.name,) if applies else ())
    if applies:
        assert response.body == plain[:-1]
        assert parse(response.body).kinds == ("syntax",)
    else:
        assert response.body == plain
        assert "never applied: it needs a successful response with a JSON body that" in fault.remaining()


@settings(max_examples=200)
@given(names=st.permutations(FAULTS_OF_BODIES).map(lambda names: names[:2]), value=values)
@example(names=["malformed_json", "malformed_json"], value={"a": 1})
def test_two_faults_of_bodies_are_applied_in_turn(names: list[str], value: Any) -> None:
    """The second changes the result of the first, or does not apply; the effect of the first remains."""
    alone, (first_alone,) = response_with(value, names[0])
    response, (first, second) = response_with(value, *names)
    assert first.count == first_alone.count
    assert response.faults == tuple(fault.fault.name for fault in (first, second) if fault.count)
    if not second.count:
        assert response.body == alone.body
    elif first.count and names[0] == "malformed_json":
        assert not parse(response.body).ok or parse(response.body).problems


def test_a_step_whose_fault_does_not_apply_leaves_the_response() -> None:
    """`malformed_json` does not apply to a number, so the journal names no fault; the next step empties the body."""
    response_with(12)
    MOCK.operation("things").sequence("malformed_json", "empty_body", conforming=False)
    first, second = (MOCK.respond(Request("GET", TARGET)) for _ in range(2))
    assert (first.body, first.faults) == (b"12", ())
    assert (second.body, second.faults) == (b"", ("empty_body()",))


def pages_of(mock: MockServer) -> Iterator[Request]:
    """Yield requests for pages of two items: without a number, the numbers 1 and 2, and one far after the last page."""
    paging = mock.samples.paging
    assert paging is not None
    assert paging.size is not None
    for page in ("", f"&{paging.start_name}=1", f"&{paging.start_name}=2", f"&{paging.start_name}=900"):
        yield Request("GET", f"{TARGET}?{paging.size.name}=2{page}", (("host", "mock.test"),))


def sent(response: MockResponse) -> tuple[bytes, str | None]:
    """Return the body and the `Link` field of a response."""
    return response.body, response.header("link")


NUMBERED = [name for name, api in APIS.items() if api.by.startswith(("page", "offset")) and api.size]


@pytest.mark.parametrize("count", [0, 2, 3, 5])
@pytest.mark.parametrize(
    ("api", "fault"),
    [
        *((api, fault) for api in NUMBERED for fault in ("repeat_page", "lost_item")),
        *((api, "endless_cursor") for api in NUMBERED if APIS[api].next),
    ],
)
def test_a_fault_of_pages_counts_the_pages_that_it_changes(api: str, count: int, fault: str) -> None:
    """A page that it leaves as it is does not use it up: the first, one without items, one that is not the last."""
    mock = MockServer(of_api(api))
    mock.operation("things").serve(mock.samples.with_items([{"id": f"thing-{number}"} for number in range(count)]))
    plain = [mock.respond(request) for request in pages_of(mock)]
    with mock.fault(fault) as in_play:
        changed = [mock.respond(request) for request in pages_of(mock)]
    different = [sent(response) != sent(before) for response, before in zip(changed, plain, strict=True)]
    assert in_play.count == sum(different)
    assert [bool(response.faults) for response in changed] == different
