"""The header, the failures and the summary of a contract run."""

from __future__ import annotations

import json
import re

import pytest

from tests.suite.conftest import LiveRun
from tests.variants import named, serve


def test_the_header_names_target_contract_and_level(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-mock", "--bctrl-fail-on=warning", "-k", "unique_ids")

    result.stdout.re_match_lines(
        [r"bctrl: target the bundled mock, contract bctrl API 1\.0\.0 \([0-9a-f]{12}\), fails on warning"]
    )


def test_a_failure_shows_counts_a_reproduction_and_the_next_command(live: LiveRun) -> None:
    """They are in the failure, the short summary and the last lines; without a terminal, there is no colour."""
    with serve(named("last-of-300-status-unknown")) as server:
        result = live(server, "--bctrl-fail-on=warning", "-k", "test_answer_conforms")

    result.stdout.fnmatch_lines(
        [
            "error response_schema_conformance: the value is not one of the documented values",
            "  where     runtimes[[]*].status, 1 of 300: runtimes[[]299], name '*', id ????????-*",
            "  expected  active | stopped | failed",
            "  observed  *",
            '  reproduce curl -sS -i -H "Authorization: Bearer $BCTRL_API_KEY" http://127.0.0.1:*/runtimes',
            "*= short test summary info =*",
            "FAILED bctrl::test_answer_conforms[[]runtimes-list] - 1 error: *",
            "failed       1 error fails the run; 1 of 1 test failed.",
            f"next         pytest --bctrl-live --bctrl-base-url={server.url} --bctrl-fail-on=warning --lf  # *",
        ]
    )
    assert "\x1b" not in result.stdout.str()


def test_an_intermittent_fault_is_reported_with_its_frequency(live: LiveRun) -> None:
    with serve(named("fifth-answer-has-bad-item")) as server:
        result = live(server, "-k", "test_conformance_is_kept")

    result.stdout.fnmatch_lines(["  often     in 1 of 5 responses to the same request: send it several times"])


def test_a_path_with_dot_segments_is_reproduced_as_sent(live: LiveRun) -> None:
    """The curl command has `--path-as-is` and the encoded dots."""
    with serve(named("500-on-odd-ids")) as server:
        result = live(server, "-k", "dot-segments")
    result.stdout.fnmatch_lines(["  reproduce curl -sS -i --path-as-is -H *//*/v1/spaces/%2E%2E/runtimes"])


def test_warnings_below_the_failing_level_are_reported(live: LiveRun) -> None:
    with serve(named("undocumented-all-items")) as server:
        result = live(server)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "warning      undocumented_property at runtimes[[]*].*: * (* of *)*",
            "             reproduce curl *",
            "passed       1 warning, at which the run does not fail; 45 of 45 tests passed; *",
            "next         pytest --bctrl-live * --bctrl-fail-on=warning  # makes these fail the run",
        ]
    )


def test_a_passing_live_run_ends_with_a_summary(live: LiveRun) -> None:
    with serve(named("plain")) as server:
        result = live(server)

    result.stdout.fnmatch_lines(
        [
            "checked      40 exchanges: 40 checked; GET /v1/spaces/{id}/runtimes, coverage *%",
            "passed       No findings; 45 of 45 tests passed; *",
            "next         pytest --bctrl-live * --bctrl-coverage  # lists what no response exercised",
        ]
    )


def test_a_server_that_accepts_every_credential_is_reported_in_one_block(live: LiveRun) -> None:
    """The short summary names the test that has the block, and counts the others in one line; `-v` lists them."""
    with serve(named("no-auth-needed")) as server:
        text = live(server, "--color=yes", "-p", "no:randomly", "-k", "credential").stdout.str()
        verbose = live(server, "-v", "-p", "no:randomly", "-k", "credential").outlines

    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert "\x1b[31m\x1b[1merror\x1b[0m ignored_auth: an invalid credential is accepted" in text
    assert 1 == plain.count("error ignored_auth")
    assert re.search(r"further kinds: wrong token, .*, another scheme, .*no header, HEAD$", plain, re.MULTILINE)
    assert re.search(r"^  tests     16 tests: bctrl::test_wrong_", plain, re.MULTILINE)
    listed = [line for line in plain.splitlines() if line.startswith("FAILED ")]
    assert len(listed) == 2
    assert listed[1] == "FAILED bctrl::15 further tests - for causes that are shown above; -v lists them"
    assert sum(line.startswith("FAILED ") for line in verbose) == 16
    assert len(plain.splitlines()) < 35


@pytest.mark.parametrize(
    ("flag", "blocks", "closing"),
    [("-q", 1, ["failed ", "next "]), ("-qq", 1, []), ("-vv", 2, ["checked ", "coverage ", "failed ", "next "])],
)
def test_quiet_and_verbose_change_the_amount_of_output(
    live: LiveRun, flag: str, blocks: int, closing: list[str]
) -> None:
    """The number of findings shown, and which lines close the output."""
    with serve(named("last-of-300-status-unknown")) as server:
        lines = live(server, flag, "-k", "conforms or kept").outlines

    assert blocks == sum(line.startswith("  observed ") for line in lines)
    labels = ("checked ", "coverage ", "not covered", "failed ", "next ")
    assert closing == [label for line in lines for label in labels if line.startswith(label)]


def test_tests_that_did_not_run_are_counted_in_the_summary(live: LiveRun) -> None:
    """After `-x`; a following run with `--lf` suggests the command for the whole suite."""
    with serve(named("last-of-300-status-unknown")) as server:
        first = live(server, "-x", "-p", "no:randomly")
        again = live(server, "--lf", "--bctrl-fail-on=never")

    first.stdout.fnmatch_lines(["failed       1 error fails the run; 1 of * failed; * tests did not run."])
    again.stdout.fnmatch_lines(["passed       1 error, at which the run does not fail; 1 of 1 test passed; *"])
    again.stdout.fnmatch_lines(["next         pytest --bctrl-live *  # runs the whole suite"])


def test_bctrl_coverage_lists_what_is_not_covered(live: LiveRun) -> None:
    with serve(named("plain")) as server:
        result = live(server, "--bctrl-coverage", "-k", "conforms")
    result.stdout.fnmatch_lines(
        ["coverage     *% of the contract: * of * points exercised, in 1 response", "not covered  status *"]
    )


def test_with_scrubbed_ids_an_item_is_named_by_its_location(pytester: pytest.Pytester, live: LiveRun) -> None:
    """With `bctrl_scrub = ids`, neither output nor report has its id or name."""
    pytester.makeini("[pytest]\nbctrl_scrub = ids")
    with serve(named("last-of-300-status-unknown")) as server:
        result = live(server, "-k", "answer_conforms", "--bctrl-report=report.json")

    result.stdout.fnmatch_lines(["  where     runtimes[[]*].status, 1 of 300: runtimes[[]299]"])
    (finding,) = json.loads(pytester.path.joinpath("report.json").read_text("utf-8"))["findings"]
    assert {"location": "runtimes[299]"} == finding["item"]
    assert server.space_id not in json.dumps({**finding, "reproduce": ""})
