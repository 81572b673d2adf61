"""`bctrl_mock`: tests do not share requests, faults or scenarios, in one process or in several."""

from __future__ import annotations

import pytest

TESTS = """
import threading
import urllib.error
import urllib.request

import pytest


def ask(mock, number):
    request = urllib.request.Request(
        f"{mock.url}/v1/spaces/{mock.space_id}/runtimes",
        headers={"Authorization": f"Bearer {mock.api_key}", "X-Number": str(number)},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize("number", range(100))
def test_it(bctrl_mock, number):
    assert (len(bctrl_mock.requests), bctrl_mock.faults) == (0, ())
    assert bctrl_mock.runtimes
    bctrl_mock.scenario("empty")
    fault = bctrl_mock.fault("status", 400 + number, times=2)
    assert [ask(bctrl_mock, number) for _ in range(3)] == [400 + number, 400 + number, 200]
    assert fault.count == 2
    assert [entry.header("x-number") for entry in bctrl_mock.requests] == [str(number)] * 3


def test_one_that_leaves_a_request_under_way(bctrl_mock):
    bctrl_mock.fault("hang")
    thread = threading.Thread(target=lambda: pytest.raises(OSError, ask, bctrl_mock, "left"), daemon=True)
    thread.start()
    while not bctrl_mock.requests:
        pass
"""


@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["one process", "two processes"])
def test_tests_do_not_share_requests_faults_or_scenarios(pytester: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    """A hundred tests with different faults pass, and so does one that leaves a request hanging."""
    pytester.makepyfile(TESTS)
    result = pytester.runpytest("-W", "error", *arguments)
    result.assert_outcomes(passed=101)
