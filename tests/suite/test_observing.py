"""The report on the traffic of a run's tests: coverage, drift, and a minimum of coverage; also with workers."""

from __future__ import annotations

import gzip
import re

import httpx
import pytest

# Imported here once: pytester forgets what a run in this process imported, and a second copy of a class is another.
from pytest_bctrl.contract.read import load
from pytest_bctrl.exchanges.observer import Observer
from tests.suite.conftest import LiveRun
from tests.variants import serve
from tests.variants.runtimes import API_KEY, edited, put
from tests.variants.service import Service
from tests.variants.variant import harmless

FOUR_TESTS = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_lists(bctrl_client, bctrl_space_id, number):
    assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code == 200
"""

RECORDED = """
import pytest

@pytest.mark.bctrl_recording
def test_it(bctrl_client, bctrl_space_id):
    assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()["runtimes"]
"""

DRIFTING = harmless("drifting", "", Service(document=edited(put(3, "tenant", "t-1"), put(4, "status", "archived"))))


def section(result: pytest.RunResult) -> str:
    """Return the output after the heading `bctrl coverage`; empty without it."""
    return result.stdout.str().partition("bctrl coverage")[2]


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one-process", "two-workers"])
def test_drift_in_ordinary_traffic_is_reported_once_with_counts(
    pytester: pytest.Pytester, live: LiveRun, workers: list[str]
) -> None:
    """Four tests of a live API: the run passes, and each difference is a line."""
    pytester.makepyfile(FOUR_TESTS)
    with serve(DRIFTING) as server:
        result = live(server, "-m", "not bctrl_contract", *workers)
    assert 0 == result.ret
    text = section(result)
    assert 1 == text.count("runtimes[*].tenant, 4 of 40")
    assert 1 == text.count("runtimes[*].status, 4 of 40")
    assert "in 4 responses" in text
    assert server.api_key not in result.stdout.str()


def test_findings_of_the_suite_are_not_repeated_for_ordinary_traffic(live: LiveRun) -> None:
    """A run of the contract suite alone prints no drift."""
    with serve(DRIFTING) as server:
        result = live(server, "bctrl")
    assert 1 == result.ret
    assert "drift" not in result.stdout.str()
    assert re.search(r"checked .* exchanges: .*, coverage \d+\.\d%", result.stdout.str())


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one-process", "two-workers"])
def test_coverage_below_the_minimum_fails_and_lists_what_is_not_covered(
    pytester: pytest.Pytester, workers: list[str]
) -> None:
    pytester.makepyfile(FOUR_TESTS)
    result = pytester.runpytest("--bctrl-min-coverage=99.5", "--bctrl-coverage", *workers)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.assert_outcomes(passed=4)
    text = section(result)
    assert "is below the minimum of 99.5% (--bctrl-min-coverage)" in text
    assert "not covered  status 400, 401, 403, 404, 429" in text


def test_coverage_above_the_minimum_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FOUR_TESTS)
    pytester.makeini("[pytest]\nbctrl_min_coverage = 20")
    assert 0 == pytester.runpytest().ret


def test_a_run_without_responses_is_below_any_minimum_coverage(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing():\n    pass\n")
    result = pytester.runpytest("--bctrl-min-coverage=1")
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert "0 of" in section(result)


@pytest.mark.parametrize("value", ["101", "-1", "much", "nan", ""])
def test_a_minimum_coverage_that_is_not_a_percentage_is_a_usage_error(pytester: pytest.Pytester, value: str) -> None:
    result = pytester.runpytest_inprocess(f"--bctrl-min-coverage={value}")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"*--bctrl-min-coverage: '{value}' is not a percentage (give 0 to 100)*"])


def test_faults_of_the_mock_are_not_reported_as_drift(pytester: pytest.Pytester) -> None:
    """The test passes, and its response counts for the coverage."""
    pytester.makepyfile(
        """
        def test_it(bctrl_client, bctrl_mock, bctrl_space_id):
            bctrl_mock.fault("break_rule", "undocumented_property")
            assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code == 200
        """
    )
    result = pytester.runpytest("--bctrl-min-coverage=1")
    result.assert_outcomes(passed=1)
    assert "in 1 response" in section(result)
    assert "drift" not in section(result)


def test_a_streamed_body_is_still_available_to_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import json
        import pytest

        def test_sync(bctrl_client, bctrl_space_id):
            with bctrl_client.stream("GET", f"/v1/spaces/{bctrl_space_id}/runtimes") as response:
                assert not response.is_stream_consumed
                assert json.loads(b"".join(response.iter_bytes()))["runtimes"]

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["asyncio"])
        async def test_async(bctrl_async_client, bctrl_space_id):
            async with bctrl_async_client.stream("GET", f"/v1/spaces/{bctrl_space_id}/runtimes") as response:
                assert json.loads(b"".join([part async for part in response.aiter_bytes()]))["runtimes"]
        """
    )
    result = pytester.runpytest("--bctrl-min-coverage=1")
    result.assert_outcomes(passed=2)
    assert "in 2 responses" in section(result)


def test_replayed_responses_are_observed(pytester: pytest.Pytester) -> None:
    """With `--bctrl-min-coverage`, a replayed test counts one response."""
    pytester.makepyfile(RECORDED)
    assert 0 == pytester.runpytest("--bctrl-record-mode=once").ret
    result = pytester.runpytest("--bctrl-min-coverage=1")
    result.assert_outcomes(passed=1)
    assert "in 1 response" in section(result)


def test_a_replay_reports_drift_but_no_coverage_by_default(pytester: pytest.Pytester, live: LiveRun) -> None:
    """The recorded response has an undocumented property."""
    pytester.makepyfile(RECORDED)
    with serve(harmless("tenant", "", Service(document=edited(put(3, "tenant", "t-1"))))) as server:
        assert 0 == live(server, "--bctrl-record-mode=once").ret

    result = pytester.runpytest()

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*= bctrl traffic =*", "drift *1 warning*", "*runtimes[[]*[]].tenant*"])
    assert "bctrl coverage" not in result.stdout.str()


def test_a_run_without_options_prints_no_coverage_or_traffic(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FOUR_TESTS)
    result = pytester.runpytest()
    result.assert_outcomes(passed=4)
    assert "bctrl coverage" not in result.stdout.str()
    assert "bctrl traffic" not in result.stdout.str()


def test_a_key_echoed_by_the_api_is_redacted(pytester: pytest.Pytester, live: LiveRun) -> None:
    """As a name, as a value, and as the discriminator of a branch."""
    echo = edited(put(3, API_KEY, 1), put(4, "status", API_KEY), put(5, "backing", {"kind": API_KEY}))
    pytester.makepyfile(FOUR_TESTS)
    with serve(harmless("echo", "", Service(document=echo))) as server:
        result = live(server, "-m", "not bctrl_contract", "-n", "1")
    assert re.search(r"drift +[1-9] errors?, [1-9] warnings? in the traffic", section(result))
    assert API_KEY not in result.stdout.str() + result.stderr.str()


URL = "https://api.bctrl.ai/v1/spaces/1/runtimes"
BODY = b'{"runtimes": []}'
PACKED = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("response", "url", "count"),
    [
        (httpx.Response(200, headers=PACKED, content=gzip.compress(BODY)), URL, 1),
        (httpx.Response(200, content=BODY), "https://api.bctrl.ai/v1/elsewhere", 0),
        (httpx.Response(200, headers=PACKED, stream=httpx.ByteStream(b"no gzip")), URL, 0),
    ],
    ids=["body in memory", "another API", "broken coding, which the client reports"],
)
def test_observing_counts_responses_of_the_contract_and_leaves_their_body_readable(
    response: httpx.Response, url: str, count: int
) -> None:
    """A compressed body, a response of another API, and a broken coding, which is not counted."""
    observer = Observer(load())
    observer.observe(httpx.Request("GET", url), response, validated=False)
    assert count == observer.everything.statuses.total()
    if count:
        assert BODY == response.read()


def test_coverage_is_recalculated_only_after_new_responses() -> None:
    """`Observer.coverage` is the same object until a response is observed."""
    observer = Observer(load())
    nothing = observer.coverage
    assert nothing is observer.coverage
    observer.observe(httpx.Request("GET", URL), httpx.Response(200, content=BODY), validated=False)
    assert nothing.seen < observer.coverage.seen


SKIPS = """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        if "nothing_undocumented" not in item.nodeid:
            item.add_marker(pytest.mark.skip(reason="not now"))
"""


@pytest.mark.parametrize(
    ("conftest", "selected", "covered"),
    [
        ("", "nothing_undocumented", "0%"),
        (SKIPS, "bctrl", "0%"),
        ("", "answer_conforms or nothing_undocumented", "51%"),
        ("", "jsonschema and plain", "51%"),
    ],
    ids=["deselected", "skipped", "validated", "validated by an engine"],
)
def test_only_responses_that_a_test_validated_are_covered(
    pytester: pytest.Pytester, conftest: str, selected: str, covered: str
) -> None:
    """The other tests receive the same response."""
    pytester.makeconftest(conftest)
    result = pytester.runpytest("--bctrl-mock", "bctrl", "-k", selected)
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines([f"passed *; {covered} of the contract was covered."])
