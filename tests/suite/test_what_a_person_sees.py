"""The header, the failures and the summary of a contract run."""

from __future__ import annotations

import pytest

from tests.suite.conftest import LiveRun
from tests.variants import named, serve


def test_the_header_names_target_contract_and_level(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-mock", "--bctrl-fail-on=warning", "-k", "unique_ids")

    result.stdout.re_match_lines(
        [r"bctrl: target the bundled mock, contract bctrl API 1\.0\.0 \([0-9a-f]{12}\), fails on warning"]
    )


def test_a_failure_groups_counts_reproduces_and_says_what_to_type_next(live: LiveRun) -> None:
    """In the test's report, in the section at the end and in the short summary; without colour on no terminal."""
    with serve(named("last-of-300-status-unknown")) as server:
        result = live(server, "--bctrl-fail-on=warning", "-k", "test_answer_conforms")

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
            f"next         pytest --bctrl-live --bctrl-base-url={server.url} --bctrl-fail-on=warning --lf runs *",
            "FAILED bctrl::test_answer_conforms[[]runtimes-list] - *1 error: *",
        ]
    )
    assert "\x1b" not in result.stdout.str()


def test_a_fault_that_comes_and_goes_is_said_to(live: LiveRun) -> None:
    with serve(named("fifth-answer-has-bad-item")) as server:
        result = live(server, "-k", "test_conformance_is_kept")

    result.stdout.fnmatch_lines(
        ["in 1 of 5 answers to the same request; the command below may have to be sent several times"]
    )


def test_a_path_of_dots_is_reproduced_as_it_was_sent(live: LiveRun) -> None:
    with serve(named("500-on-odd-ids")) as server:
        result = live(server, "-k", "dot-segments")
    result.stdout.fnmatch_lines(["  reproduce: curl -sS -i --path-as-is -H *//*/v1/spaces/%2E%2E/runtimes"])


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


def test_a_conforming_live_run_ends_with_what_was_checked(live: LiveRun) -> None:
    with serve(named("plain")) as server:
        result = live(server)

    result.stdout.fnmatch_lines(
        ["checked      GET /v1/spaces/{id}/runtimes: 37 tests, 39 requests, 38 of 39 answers with a body", "found *"]
    )
