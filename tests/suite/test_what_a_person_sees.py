"""The header, the failures and the summary of a contract run."""

from __future__ import annotations

import pytest

from tests.suite.conftest import LiveRun
from tests.variants import named, serve


def test_the_header_names_target_contract_and_level(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--bctrl-mock", "--bctrl-fail-on=warning", "-k", "unique_ids")

    result.stdout.re_match_lines(
        [r"bctrl: target the bundled mock, contract bctrl API 1\.0\.0 \([0-9a-f]{12}\), fails on warning"]
    )


def test_a_failure_groups_counts_and_reproduces(live: LiveRun) -> None:
    with serve(named("last-of-300-status-unknown")) as server:
        result = live(server, "-k", "test_answer_conforms")

    result.stdout.fnmatch_lines(
        [
            "1 error: response_schema_conformance at runtimes[[]*].status, *",
            "error response_schema_conformance",
            "  runtimes[[]*].status  (1 of 300)",
            "    the value is not one of the documented values",
            "    expected  active | stopped | failed",
            "    observed  *",
            "    sample    runtimes[[]299].status",
            '  reproduce: curl -sS -i -H "Authorization: Bearer $BCTRL_API_KEY" http://127.0.0.1:*/runtimes',
        ],
        consecutive=False,
    )


def test_the_short_summary_says_what_was_found(live: LiveRun) -> None:
    with serve(named("last-of-300-status-unknown")) as server:
        result = live(server, "-k", "test_answer_conforms")

    result.stdout.fnmatch_lines(["FAILED bctrl::test_answer_conforms[[]runtimes-list] - *1 error: *"])


def test_warnings_are_reported_where_they_do_not_fail(live: LiveRun) -> None:
    with serve(named("undocumented-all-items")) as server:
        result = live(server)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "found, below the level that fails (error):",
            "warning undocumented_property",
            "next         --bctrl-fail-on=warning makes these fail the run",
        ]
    )


def test_there_is_no_colour_without_a_terminal(live: LiveRun) -> None:
    with serve(named("last-of-300-status-unknown")) as server:
        assert "\x1b" not in live(server).stdout.str()


def test_a_conforming_live_run_ends_with_what_was_checked(live: LiveRun) -> None:
    with serve(named("plain")) as server:
        result = live(server)

    result.stdout.fnmatch_lines(
        ["checked      GET /v1/spaces/{id}/runtimes: 34 tests, 38 requests, 37 of 38 answers with a body", "found *"]
    )
