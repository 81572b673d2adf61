"""`--bctrl-report`: the findings of a run, in files, however the run ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.reports.findings_json import findings_schema
from tests.suite.conftest import LiveRun
from tests.variants import named, serve

SUFFIXES = ("html", "json", "md", "sarif", "xml")


def read(path: Path) -> dict[str, Any]:
    """Return a JSON report, after validating it against its published schema."""
    report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    jsonschema.validate(
        report, findings_schema(), jsonschema.Draft202012Validator, format_checker=jsonschema.FormatChecker()
    )
    return report


def test_the_suffix_selects_the_report_format(pytester: pytest.Pytester) -> None:
    paths = [f"out/report.{suffix}" for suffix in SUFFIXES]

    result = pytester.runpytest("--bctrl-mock", *(f"--bctrl-report={path}" for path in paths))

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"report       {path}" for path in paths])
    starts = [(pytester.path / path).read_text("utf-8")[:9].lower() for path in paths]
    assert ["<!doctype", '{\n  "vers', "## contra", '{\n  "$sch', "<?xml ver"] == starts
    assert sorted(Path(path).name for path in paths) == sorted(path.name for path in (pytester.path / "out").iterdir())
    report = read(pytester.path / "out/report.json")
    assert "passed" == report["verdict"]["status"]
    assert ("mock", "contract run", []) == (report["target"], report["report"], report["findings"])
    assert ("bctrl API", "1.0.0") == (report["contract"]["title"], report["contract"]["version"])
    assert {"passed"} == {test["outcome"] for test in report["tests"]}
    assert len(report["tests"]) == 45
    assert report["counts"]["requests"] >= 34
    assert report["complete"]


def test_findings_are_in_the_json_report_and_in_junit_properties(pytester: pytest.Pytester, live: LiveRun) -> None:
    """The JSON has every field of `Finding`, and a note for the same finding in the traffic of an ordinary test."""
    pytester.makepyfile(
        "def test_it(bctrl_client, bctrl_space_id):\n    bctrl_client.get(f'/v1/spaces/{bctrl_space_id}/runtimes')\n"
    )
    with serve(named("status-not-in-enum-1")) as server:
        live(server, "--bctrl-report=report.json", "--junitxml=out.xml")

    report = read(pytester.path / "report.json")
    finding = report["findings"][0]
    assert "failed" == report["verdict"]["status"]
    assert ("response_schema_conformance", "error", "runtimes[*].status") == (
        finding["rule"], finding["level"], finding["location"]
    )  # fmt: skip
    fields = {name for name in Finding.__slots__ if name != "extra"}
    assert fields <= finding.keys()
    assert 200 == finding["response"]["status"]
    assert "GET" == finding["request"]["method"]
    assert any(note.startswith("in the traffic of other tests: error ") for note in report["notes"])

    root = ET.parse(pytester.path / "out.xml").getroot()
    case = next(case for case in root.iter("testcase") if str(case.get("name")).startswith("test_answer_conforms"))
    properties = {str(element.get("name")): element.get("value") for element in case.iter("property")}
    assert ("1", "response_schema_conformance", "error", "runtimes[*].status") == (
        properties["bctrl.findings"],
        properties["bctrl.finding.1.rule"],
        properties["bctrl.finding.1.level"],
        str(properties["bctrl.finding.1.location"]).split(" · ")[-1],
    )
    assert int(str(properties["bctrl.finding.1.count"])) <= int(str(properties["bctrl.finding.1.total"]))
    assert "testsuites" == root.tag


BODY = ("-k", "answer_conforms or undocumented or invariant")


@pytest.mark.parametrize("stop", [("-x",), ("-n", "2", *BODY), ("-n", "2", "-x", *BODY)], ids=" ".join)
def test_reports_are_written_if_tests_fail(pytester: pytest.Pytester, live: LiveRun, stop: tuple[str, ...]) -> None:
    """As JSON and HTML, with the status failed: after `-x`, with two workers, and with both."""
    with serve(named("status-not-in-enum-1")) as server:
        result = live(server, "--bctrl-report=report.json", "--bctrl-report=report.html", *stop)

    assert result.ret != 0
    assert "failed" == read(pytester.path / "report.json")["verdict"]["status"]
    assert "<h1>Failed</h1>" in (pytester.path / "report.html").read_text("utf-8")


def test_a_run_with_workers_writes_one_report(pytester: pytest.Pytester) -> None:
    """Each of the 45 tests is in it once; it has coverage points and an observation."""
    result = pytester.runpytest("--bctrl-mock", "-n", "2", "--bctrl-report=report.json")

    result.stdout.fnmatch_lines(["checked *; GET /v1/spaces/{id}/runtimes, *", "passed *45 of 45 tests passed*"])
    report = read(pytester.path / "report.json")
    tests = [test["id"] for test in report["tests"]]
    assert len(tests) == len(set(tests)) == 45
    points = report["coverage"]["points"]
    assert len(points) == report["coverage"]["total"] > report["coverage"]["seen"] > 0
    assert report["coverage"]["seen"] == sum(point["seen"] > 0 for point in points)
    assert {"statuses", "places"} <= report["observation"].keys()
    assert "of the contract was covered" in report["verdict"]["sentence"]


def test_an_interrupted_run_is_not_reported_as_passed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n\ndef test_it():\n    raise KeyboardInterrupt\n")

    # A process of its own: pytester takes an interruption in this one for the user's.
    result = pytester.runpytest_subprocess("--bctrl-mock", "--bctrl-report=report.json", "-p", "no:randomly")

    result.stdout.fnmatch_lines(["not checked  The run ended before everything was checked; 45 of 45 tests passed; *"])
    report = read(pytester.path / "report.json")
    assert ("not checked", False) == (report["verdict"]["status"], report["complete"])


def test_a_run_without_tests_is_not_reported_as_passed(pytester: pytest.Pytester) -> None:
    pytester.runpytest(
        "--bctrl-mock", "-k", "no_such_test", *(f"--bctrl-report=report.{suffix}" for suffix in SUFFIXES)
    )

    assert "not checked" == read(pytester.path / "report.json")["verdict"]["status"]
    assert 'data-status="not-checked"' in (pytester.path / "report.html").read_text("utf-8")
    suite = ET.parse(pytester.path / "report.xml").getroot()[0]
    assert ("1", "1") == (suite.get("tests"), suite.get("skipped"))
    assert "Not checked" in (pytester.path / "report.md").read_text("utf-8")
    log = json.loads((pytester.path / "report.sarif").read_text("utf-8"))
    assert not log["runs"][0]["invocations"][0]["executionSuccessful"]


def test_an_unreadable_upstream_is_not_reported_as_passed(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("page.md").write_text("no spec in here", "utf-8")

    pytester.runpytest("--bctrl-upstream=page.md", "--bctrl-report=report.json")

    report = read(pytester.path / "report.json")
    assert ("not checked", ["not checked"]) == (
        report["verdict"]["status"], [test["outcome"] for test in report["tests"]]
    )  # fmt: skip
    assert report["not_checked"]


def test_tests_of_items_are_skipped_for_an_empty_list(pytester: pytest.Pytester, live: LiveRun) -> None:
    """Five tests are skipped. The report has the reason, and the run still passes."""
    with serve(named("empty-list")) as server:
        result = live(server, "-v", "--bctrl-report=report.json")

    assert (pytest.ExitCode.OK, 5) == (result.ret, result.parseoutcomes()["skipped"])
    reason = "runtimes: every list was empty, so its items are not covered"
    result.stdout.fnmatch_lines_random(
        ["not checked  the response has no runtimes[[]*] (3 tests)", f"not checked  {reason}"]
    )
    report = read(pytester.path / "report.json")
    assert {reason, "the response has no runtimes[*] (3 tests)"} <= set(report["not_checked"])
    assert "5 skipped" in report["verdict"]["sentence"]


def test_coverage_below_the_minimum_is_reported_as_failed(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-mock", "--bctrl-min-coverage=100", "--bctrl-report=report.json")

    report = read(pytester.path / "report.json")
    assert (pytest.ExitCode.TESTS_FAILED, "failed") == (result.ret, report["verdict"]["status"])
    assert "below the minimum of 100%" in report["verdict"]["sentence"]


def test_accepted_findings_are_reported_and_do_not_fail_the_run(pytester: pytest.Pytester, live: LiveRun) -> None:
    with serve(named("status-not-in-enum-1")) as server:
        live(server, "--bctrl-accept=known for a while")
        result = live(server, "--bctrl-report=report.json")

    report = read(pytester.path / "report.json")
    assert (pytest.ExitCode.OK, "passed") == (result.ret, report["verdict"]["status"])
    assert ["known for a while"] == [finding["accepted"]["reason"] for finding in report["findings"]]
    assert {"passed", "accepted"} == {test["outcome"] for test in report["tests"]}
    assert any(note.startswith("accepted: 1 of 1 findings") for note in report["notes"])


@pytest.mark.parametrize(
    ("ini", "arguments", "written"),
    [
        ("out/one.json\n    out/two.md", ["--bctrl-mock"], ["one.json", "two.md"]),
        ("out/one.json", ["--bctrl-mock", "--bctrl-report=out/two.json"], ["two.json"]),
        ("out/one.json", [], []),
        ("", ["--bctrl-mock", "--collect-only", "--bctrl-report=out/one.json"], []),
    ],
    ids=["by the ini file", "by the option instead", "without a contract run", "with --collect-only"],
)
def test_bctrl_report_in_the_ini_file_is_written_by_contract_runs_only(
    pytester: pytest.Pytester, ini: str, arguments: list[str], written: list[str]
) -> None:
    """The option replaces the ini file's paths; a run without contract tests, or without tests, writes none."""
    pytester.makeini(f"[pytest]\nbctrl_report =\n    {ini}\n")
    pytester.makepyfile("def test_it():\n    pass\n")

    assert pytester.runpytest(*arguments).ret == pytest.ExitCode.OK
    assert written == sorted(path.name for path in pytester.path.glob("out/*"))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("report.pdf", "'report.pdf' ends in '.pdf', * (end it in one of: .html, .json, .md, .sarif, .xml)"),
        ("report", "'report' has no suffix, which would name the format (end it in one of: *)"),
        ("there/report.json", "'there/report.json' cannot be written: *"),
        ("folder.json", "'folder.json' cannot be written: Is a directory *"),
    ],
)  # fmt: skip
def test_an_invalid_report_path_is_a_usage_error_before_any_request(
    pytester: pytest.Pytester, live: LiveRun, path: str, words: str
) -> None:
    pytester.path.joinpath("there").write_text("a file", "utf-8")
    pytester.mkdir("folder.json")
    with serve(named("plain")) as server:
        result = live(server, f"--bctrl-report={path}")

        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"ERROR: bctrl: --bctrl-report: {words}"])
        assert [] == server.log


def test_a_report_without_a_contract_run_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-report=report.json")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: bctrl: --bctrl-report: there is no contract run to report on *--bctrl-mock*"])


def test_a_report_that_cannot_be_written_at_the_end_fails_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import pathlib\n\ndef test_it():\n    pathlib.Path('out').rmdir()\n    pathlib.Path('out').write_text('')\n"
    )

    result = pytester.runpytest("--bctrl-mock", "--bctrl-report=out/report.json")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["bctrl: the report out/report.json is not written: *"])


@pytest.mark.parametrize("variant", ["plain", "any-scheme-with-key-accepted", "reset-always", "401-for-right-key"])
def test_the_key_is_in_no_report(pytester: pytest.Pytester, live: LiveRun, variant: str) -> None:
    """In no format, and not in the file of `--junitxml`."""
    pytester.makepyfile(
        "import os\n\nimport pytest\n\n@pytest.mark.bctrl_contract\ndef test_it():\n    assert not dict(os.environ)\n"
    )
    paths = [f"report.{suffix}" for suffix in SUFFIXES]
    with serve(named(variant)) as server:
        live(server, "--junitxml=out.xml", *(f"--bctrl-report={path}" for path in paths))

        for path in (*paths, "out.xml"):
            assert server.api_key not in (pytester.path / path).read_text("utf-8"), path
