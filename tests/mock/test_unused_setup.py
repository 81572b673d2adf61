"""A test fails if no request used what it set up on the mock; the message names it."""

from __future__ import annotations

import pytest

HEAD = """
    import httpx
    import pytest

    def fetch(mock):
        key = {"Authorization": f"Bearer {mock.api_key}"}
        return httpx.get(f"{mock.url}/v1/spaces/{mock.space_id}/runtimes", headers=key).status_code

    OPERATION = "GET /v1/spaces/{id}/runtimes"
"""


def run(pytester: pytest.Pytester, tests: str, *arguments: str) -> pytest.RunResult:
    """Run tests, in whose module `fetch` and `OPERATION` are defined."""
    pytester.makepyfile(HEAD + tests)
    return pytester.runpytest("--strict-markers", "-p", "no:randomly", *arguments)


def test_a_fault_that_no_request_meets_is_an_error_at_teardown(pytester: pytest.Pytester) -> None:
    """It has the fault's name, its operation, the times that it was applied, and the line that set it."""
    result = run(
        pytester,
        """
    def test_never(bctrl_mock):
        bctrl_mock.fault("status", 503)

    def test_half(bctrl_mock):
        bctrl_mock.operation(OPERATION).fault("status", 503, times=2)
        assert 503 == fetch(bctrl_mock)

    def test_all(bctrl_mock):
        bctrl_mock.fault("status", 503, times=2)
        bctrl_mock.fault("delay", 0)
        assert [503, 503, 200] == [fetch(bctrl_mock) for _ in range(3)]
        with bctrl_mock.fault("truncate"), pytest.raises(httpx.RemoteProtocolError):
            fetch(bctrl_mock)
""",
    )
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(
        [
            "bctrl_mock: the test set up something that no request used:",
            "  fault status(503): never applied, set at *.py:11",
            'send these requests, or mark the test: @pytest.mark.bctrl_mock(unused="allow")',
            "  fault status(503, times=2) of GET /v1/spaces/{id}/runtimes: applied 1 of 2 times, set at *.py:14",
        ]
    )


def test_a_sequence_and_a_scenario_must_be_used(pytester: pytest.Pytester) -> None:
    """Each unused step, scenario or fault is an error at teardown that names it; the tests themselves pass."""
    result = run(
        pytester,
        """
    def test_no_step(bctrl_mock):
        bctrl_mock.sequence([], 503)

    def test_one_step(bctrl_mock):
        bctrl_mock.sequence([], 503)
        fetch(bctrl_mock)

    def test_scenario(bctrl_mock):
        bctrl_mock.scenario("empty")

    def test_rejected(bctrl_mock):
        bctrl_mock.scenario("empty")
        httpx.get(f"{bctrl_mock.url}/v1/spaces/{bctrl_mock.space_id}/runtimes")

    @pytest.mark.bctrl_scenario("many", count=3)
    def test_marked(bctrl_mock):
        pass

    def test_of_an_operation(bctrl_mock):
        bctrl_mock.operation(OPERATION).scenario("slow", seconds=0)

    def test_in_a_space(bctrl_mock):
        with bctrl_mock.space() as space:
            space.fault("hang")

    def test_in_a_space_of_its_own(bctrl_mock_space):
        bctrl_mock_space.fault("reset")

    def test_fault_sequence(bctrl_mock):
        bctrl_mock.fault("status", 503, times=2)
        fetch(bctrl_mock)
""",
    )
    result.assert_outcomes(passed=9, errors=9)
    result.stdout.fnmatch_lines_random(
        [
            "  sequence of 2 steps of GET /v1/spaces/{id}/runtimes: no response used it, set at *",
            "  sequence of 2 steps of GET /v1/spaces/{id}/runtimes: responses used 1 of 2 steps, set at *",
            "  scenario('empty'): no request met it, set at *",
            "  scenario('many', count=3): no request met it",
            "  scenario('slow', seconds=0) of GET /v1/spaces/{id}/runtimes: no request met it, set at *",
            "  fault hang(): never applied, set at *",
            "bctrl_mock_space: the test set up something that no request used:",
            "  fault reset(): never applied, set at *",
            "  fault status(503, times=2): applied 1 of 2 times, set at *",
        ]
    )


def test_used_setup_and_replaced_defaults_pass(pytester: pytest.Pytester) -> None:
    """A scenario that a fixture set and the test replaced need not be used."""
    run(
        pytester,
        """
    @pytest.fixture(autouse=True)
    def usual(bctrl_mock):
        bctrl_mock.scenario("many", count=3)

    def test_replaced(bctrl_mock):
        bctrl_mock.scenario("empty")
        fetch(bctrl_mock)

    def test_replaced_by_data(bctrl_mock):
        bctrl_mock.runtimes = []

    def test_used_to_the_last_step(bctrl_mock):
        bctrl_mock.sequence([], 503)
        assert [200, 503, 503] == [fetch(bctrl_mock) for _ in range(3)]

    def test_forgotten_by_a_reset(bctrl_mock):
        bctrl_mock.fault("reset")
        bctrl_mock.reset()

    @pytest.mark.bctrl_scenario("slow", seconds=0)
    def test_marked(bctrl_mock):
        fetch(bctrl_mock)
""",
    ).assert_outcomes(passed=5)


def test_unused_setup_is_allowed_by_a_marker(pytester: pytest.Pytester) -> None:
    """`bctrl_mock(unused="allow")` of a class; the nearest marker decides."""
    run(
        pytester,
        """
    @pytest.mark.bctrl_mock(unused="allow")
    class TestAll:
        def test_fault(self, bctrl_mock):
            bctrl_mock.fault("reset")

        @pytest.mark.bctrl_mock(unused="fail")
        def test_nearest(self, bctrl_mock):
            bctrl_mock.fault("reset")
""",
    ).assert_outcomes(passed=2, errors=1)


@pytest.mark.parametrize("body", ["assert 0", "pytest.skip('x')", "pytest.xfail('x')"])
def test_a_test_that_did_not_pass_has_no_further_error(pytester: pytest.Pytester, body: str) -> None:
    """A failed, skipped or xfailed test is not reported for its unused fault."""
    result = run(
        pytester,
        f"""
    def test_it(bctrl_mock):
        bctrl_mock.fault("reset")
        {body}
""",
    )
    assert 0 == result.parseoutcomes().get("errors", 0)
    result.stdout.no_fnmatch_line("*set up something that no request used*")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ("unsued='allow'", "bctrl_mock(unsued='allow')"),
        ("'allow'", "bctrl_mock('allow')"),
        ("unused='yes'", "*yes*"),
        ("", "*"),
    ],
)
def test_a_marker_with_wrong_arguments_is_a_usage_error(pytester: pytest.Pytester, arguments: str, shown: str) -> None:
    result = run(
        pytester,
        f"""
    @pytest.mark.bctrl_mock({arguments})
    def test_it(bctrl_mock):
        pass
""",
    )
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(
        [f'ERROR: bctrl: *::test_it: the marker {shown} is not valid (it takes unused="allow"*']
    )
