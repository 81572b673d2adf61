"""Accepted findings are reported and fail no run; expired entries fail it, and stale ones are reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.suite.report.verdict import without_item_ids
from tests.reports.agreement import RUN_OPTIONS, assert_agreement
from tests.variants.runtimes import edited, on_all, put
from tests.variants.server import Server, serve
from tests.variants.service import Service
from tests.variants.variant import faulty

from .conftest import LiveRun, Typed

FILE = "bctrl-baseline.yaml"
ONE_TEST = "-k", "test_answer_conforms"
PAUSED = Service(document=edited(put(3, "status", "paused")))


@pytest.fixture
def paused() -> Iterator[Server]:
    """Run a server with one value that the contract does not list."""
    with serve(faulty("schema", "paused", "enum", PAUSED)) as server:
        yield server


def entry(until: str = "2999-01-01", location: str = "runtimes[*].status") -> str:
    """Return a baseline with one entry."""
    return (
        "allow:\n"
        f"  - rule: response_schema_conformance\n    location: {location}\n"
        f"    reason: the dashboard copes\n    until: {until}\n"
    )


def test_an_accepted_finding_does_not_fail_the_run_and_is_reported(
    pytester: pytest.Pytester, live: LiveRun, paused: Server
) -> None:
    """Its test is xfailed; `--runxfail` makes the run fail."""
    pytester.path.joinpath(FILE).write_text(entry())

    result = live(paused, *ONE_TEST)

    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes()["xfailed"] == 1
    result.stdout.fnmatch_lines(
        [
            "accepted     response_schema_conformance at runtimes[[]?].status: * (1 of 10): * until 2999-01-01: the *",
            f"accepted     1 of 1 findings, by {FILE}",
        ]
    )
    assert live(paused, *ONE_TEST, "--runxfail").ret == pytest.ExitCode.TESTS_FAILED


def test_a_passing_run_imports_no_modules_for_baselines_and_failures(tmp_path: Path) -> None:
    """Without a baseline, it parses no YAML; nor does it build a contract or replace the ids in findings."""
    code = (
        "import pytest, sys\n"
        "options = ['-p', 'no:cacheprovider', '-p', 'pytest_bctrl.plugin', '--bctrl-mock']\n"
        "status = pytest.main([*options, *sys.argv[1:]])\n"
        "unused = {'yaml', 'pytest_bctrl.contract.build', 'pytest_bctrl.traffic.recordings.guard'}\n"
        "print(int(status), sorted(unused & {*sys.modules}))"
    )
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-c", code, *ONE_TEST]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_a_finding_that_is_not_accepted_fails_the_run(pytester: pytest.Pytester, live: LiveRun) -> None:
    """The accepted finding of the same test is still reported, and every report counts it as accepted."""
    pytester.path.joinpath(FILE).write_text(entry())
    both = Service(document=edited(lambda runtimes: (put(3, "status", "paused")(runtimes), on_all(name=5)(runtimes))))
    with serve(faulty("schema", "both", "enum", both)) as server:
        result = live(server, *ONE_TEST, *RUN_OPTIONS)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert_agreement(pytester.path, result.ret, result.stdout.str())
    result.stdout.fnmatch_lines(
        [
            "error response_schema_conformance: *",
            "  where     runtimes[[]?].name, *",
            "accepted     1 of 2 findings, by *",
        ]
    )


def test_an_expired_entry_fails_the_run_and_is_reported(
    pytester: pytest.Pytester, live: LiveRun, paused: Server
) -> None:
    pytester.path.joinpath(FILE).write_text(entry("2020-01-01"))

    result = live(paused, *ONE_TEST)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"baseline     {FILE}:2: the entry for response_schema_conformance at * expired on *"])


def test_a_stale_entry_is_reported_only_after_a_complete_run(
    pytester: pytest.Pytester, live: LiveRun, paused: Server
) -> None:
    pytester.path.joinpath(FILE).write_text(entry(location="runtimes[*].kind"))
    stale = f"baseline     {FILE}:2: the entry for response_schema_conformance at runtimes[[]?].kind is stale: *"

    live(paused, *ONE_TEST).stdout.no_fnmatch_line(stale)
    live(paused).stdout.fnmatch_lines([stale])


@pytest.mark.parametrize("options", [(), ("-n2", *ONE_TEST)], ids=["whole", "on-workers"])
def test_bctrl_accept_makes_the_next_run_pass(
    pytester: pytest.Pytester, live: LiveRun, paused: Server, options: tuple[str, ...]
) -> None:
    """`--bctrl-accept` writes a single entry until the date of `--bctrl-until`, also with workers."""
    accepting = live(paused, *options, "--bctrl-accept=we cope", "--bctrl-until=2999-02-03")
    again = live(paused, *options)

    assert [accepting.ret, again.ret] == [pytest.ExitCode.OK, pytest.ExitCode.OK]
    accepting.stdout.fnmatch_lines([f"accepted     1 until 2999-02-03, written to {FILE}"])
    again.stdout.fnmatch_lines([f"accepted     1 of 1 findings, by {FILE}"])
    text = pytester.path.joinpath(FILE).read_text()
    assert (text.count("fingerprint:"), "# response_schema_conformance at runtimes[*].status" in text) == (1, True)


OTHER_FAULTS = {
    "value": on_all(status="lost"),
    "type": on_all(status=5),
    "null": on_all(status=None),
    "place": put(3, "type", "paused"),
}


def test_bctrl_accept_accepts_one_value_at_one_location_for_90_days(
    pytester: pytest.Pytester, live: LiveRun, paused: Server
) -> None:
    """The value may occur more often; another value, type or location of the same rule fails the run."""
    live(paused, *ONE_TEST, "--bctrl-accept=we cope")
    exit_codes = {}
    for name, edit in {"often": on_all(status="paused"), **OTHER_FAULTS}.items():
        with serve(faulty("schema", name, "enum", Service(document=edited(edit, count=40)))) as server:
            exit_codes[name] = live(server, *ONE_TEST).ret

    assert {"often": pytest.ExitCode.OK, **dict.fromkeys(OTHER_FAULTS, pytest.ExitCode.TESTS_FAILED)} == exit_codes
    days = [date.today() + timedelta(days=days) for days in (89, 90)]
    assert any(f"until: {day}" in pytester.path.joinpath(FILE).read_text() for day in days)


def test_a_baseline_that_cannot_be_written_fails_the_run(
    pytester: pytest.Pytester, live: LiveRun, paused: Server
) -> None:
    """`--bctrl-baseline` names a path below a file, and `--bctrl-accept` reports that nothing was accepted."""
    pytester.path.joinpath("lists").write_text("no folder")

    result = live(paused, *ONE_TEST, "--bctrl-accept=we cope", "--bctrl-baseline=lists/ours.yaml")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*accepted*nothing: *lists/ours.yaml: *"])


def test_an_unreachable_target_is_never_accepted(pytester: pytest.Pytester, live: LiveRun) -> None:
    with serve(faulty("schema", "gone", "enum", PAUSED)) as server:
        pass

    result = live(server, "--bctrl-accept=we cope")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert not pytester.path.joinpath(FILE).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bctrl-until=2999-01-01"], "--bctrl-until: it requires --bctrl-accept"),
        (["--bctrl-accept= "], "--bctrl-accept: the reason is empty"),
        (["--bctrl-accept=why", "--bctrl-until=soon"], "--bctrl-until: 'soon' is not a date"),
        (["--bctrl-accept=why", "--bctrl-until=2020-01-01"], "--bctrl-until: 2020-01-01 is past"),
        (["--bctrl-baseline=gone.yaml"], "--bctrl-baseline: 'gone.yaml' is not a file"),
        (["--bctrl-baseline=broken.yaml"], "broken.yaml:2: the entry gives no reason"),
        (["--bctrl-baseline=levels.yaml"], "levels.yaml:1: 'levels' is not known"),
    ],
)
def test_an_invalid_baseline_setting_is_a_usage_error(
    pytester: pytest.Pytester, arguments: list[str], message: str
) -> None:
    pytester.path.joinpath("broken.yaml").write_text("allow:\n  - {rule: a, location: b}\n")
    pytester.path.joinpath("levels.yaml").write_text("levels: {}\n")

    result = pytester.runpytest("--bctrl-mock", *arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: bctrl: {message}*"])


def test_bctrl_baseline_in_the_ini_file_is_relative_to_the_rootdir(
    pytester: pytest.Pytester, live: LiveRun, paused: Server
) -> None:
    """The entry in `known/api.yaml` accepts the finding."""
    pytester.makeini("[pytest]\nbctrl_baseline = known/api.yaml\n")
    pytester.mkdir("known").joinpath("api.yaml").write_text(entry())

    live(paused, *ONE_TEST).stdout.fnmatch_lines(["accepted     1 of 1 findings, by known/api.yaml"])


def test_the_check_command_reads_and_writes_the_baseline(pytester: pytest.Pytester, typed: Typed) -> None:
    """Its JSON report lists the accepted findings."""
    pytester.path.joinpath("body.json").write_text(json.dumps(PAUSED.document()))
    command = "pytest-bctrl check body.json"

    before = typed(command)
    accepting = typed(f"{command} --accept 'we cope' --until 2999-02-03")
    after = typed(command)
    data = json.loads(typed(f"{command} --format json").stdout.str())

    assert [before.ret, accepting.ret, after.ret] == [1, 0, 0]
    accepting.stderr.fnmatch_lines([f"pytest-bctrl: accepted 1 until 2999-02-03 in {FILE}"])
    after.stdout.fnmatch_lines(["  accepted  until 2999-02-03: we cope (bctrl-baseline.yaml:*)"])
    assert [finding["accepted"]["reason"] for finding in data["findings"]] == ["we cope"]


def test_the_check_command_reports_expired_and_stale_entries(pytester: pytest.Pytester, typed: Typed) -> None:
    pytester.path.joinpath("body.json").write_text(json.dumps(PAUSED.document()))
    pytester.path.joinpath("known.yaml").write_text(entry("2020-01-01") + entry(location="id").removeprefix("allow:\n"))

    result = typed("pytest-bctrl check body.json --baseline known.yaml")

    assert result.ret == 1
    result.stderr.fnmatch_lines(["*known.yaml:2: * expired on *", "*known.yaml:6: * is stale: *"])


def test_without_item_ids_replaces_uuids_except_in_the_command() -> None:
    """`observed` has no id any more, and `reproduce` still has it."""
    identifier = "11111111-2222-4333-8444-555555555555"
    finding = without_item_ids(
        Finding("a", "error", "status", "m", observed=f"no {identifier}", reproduce=f"curl {identifier}")
    )
    assert (False, f"curl {identifier}") == (identifier in str(finding.observed), finding.reproduce)
