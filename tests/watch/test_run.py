"""What a watched run does: outcomes, summary, reports, baseline, coverage and exit code."""

from __future__ import annotations

import json

import pytest

from tests.reports.agreement import RUN_OPTIONS, assert_agreement
from tests.suite.test_reports import SUFFIXES, read
from tests.watch.conftest import BOTH, BROKEN, CONFORMING, OPTIONS, Run, copy_local_server


def test_a_finding_is_an_error_at_teardown_that_names_test_and_lines(watch: Run) -> None:
    result = watch(BOTH)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*= bctrl watch =*",
            "error response_schema_conformance: the value is not *",
            "  where     [[]*].size: [[]0], id 7",
            "  expected  s | m",
            "  observed  l",
            "  sent at   orders.py:12",
            "  mocked by MockTransport handler at orders.py:10",
            "  tests     test_orders.py::test_broken",
            "  fix       correct the response, *",
            "checked      2 exchanges: 2 checked; 2 tests, coverage *%",
            "failed       1 error fails the run; 1 of 2 tests failed*",
            "fix          correct the code that sends the request, or the API or mock*",
        ]
    )


def test_a_cause_has_one_block_with_the_tests_that_share_it(watch: Run) -> None:
    """Seven tests with the same error: one block with their number, and one line for the last six."""
    tests = "".join(f"def test_{number}():\n    broken()\n" for number in range(7))
    text = watch(tests).stdout.str()
    summary = text.partition("= bctrl watch =")[2]
    assert 1 == summary.count("error response_schema_conformance")
    names = ", ".join(f"test_orders.py::test_{number}" for number in range(3))
    assert f"tests     7 tests: {names}, …" in summary
    assert "ERROR test_orders.py::6 further tests - for causes that are shown above; -v l..." in summary
    assert "ERRORS" not in text


def test_without_findings_the_run_passes(watch: Run) -> None:
    result = watch(CONFORMING)
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["passed       No findings; *1 of 1 test passed*"])


def test_an_error_of_the_test_itself_is_still_shown(watch: Run) -> None:
    """A fixture fails at teardown and the contract was broken: both are in the output."""
    result = watch("@pytest.fixture\ndef ends():\n    yield\n    assert 0, 'of the fixture'\n\n"
                   "def test_it(ends):\n    broken()\n")  # fmt: skip
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*of the fixture*", "error response_schema_conformance*"])


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 0), ("info", 1), ("never", 0)])
def test_the_failing_level_is_a_setting(watch: Run, level: str, code: int) -> None:
    """A run with a finding of level `info` fails with `--bctrl-fail-on=info` only."""
    tests = "def test_it():\n    list_orders(params={'other': 1})\n"
    assert code == watch(tests, f"--bctrl-fail-on={level}").ret


def test_levels_apply_to_requests_and_responses(watch: Run, pytester: pytest.Pytester) -> None:
    """With a rule of responses off and one of requests at `warning`, the run passes and the output lists both."""
    pytester.makeini(
        "[pytest]\nbctrl_levels =\n    response_schema_conformance = off\n    request_parameters = warning\n"
    )
    result = watch("def test_it():\n    broken()\n    list_orders(params={'limit': 'x'})\n")
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(
        ["warning request_parameters*", "switched off response_schema_conformance, by *: 1 finding*"]
    )


def test_an_unknown_rule_in_the_levels_is_a_usage_error(watch: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nbctrl_levels = no_rule = off\n")
    result = watch(CONFORMING)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*there is no rule 'no_rule'*request_body*"])


@pytest.mark.parametrize("value", ["true", "false"])
def test_bctrl_watch_in_the_ini_file_switches_the_watch_on_or_off(
    watch: Run, pytester: pytest.Pytester, value: str
) -> None:
    watch(BROKEN)
    pytester.makeini(f"[pytest]\nbctrl_watch = {value}\n")
    pytester.runpytest(*OPTIONS).assert_outcomes(passed=1, errors=int(value == "true"))


def test_bctrl_watch_in_native_toml_switches_the_watch_on(watch: Run, pytester: pytest.Pytester) -> None:
    watch(BROKEN)
    pytester.makefile(".toml", pytest="[pytest]\nbctrl_watch = true\n")
    pytester.runpytest(*OPTIONS).assert_outcomes(passed=1, errors=1)


def test_an_invalid_value_of_bctrl_watch_is_a_usage_error(watch: Run, pytester: pytest.Pytester) -> None:
    watch(BROKEN)
    pytester.makeini("[pytest]\nbctrl_watch = maybe\n")
    result = pytester.runpytest(*OPTIONS)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*bctrl_watch (ini): unknown value 'maybe'*true, false*"])


def test_a_marked_test_may_break_the_contract(watch: Run) -> None:
    """With `bctrl_watch(conforming=False)`, its exchanges are not counted and the run passes."""
    result = watch("@pytest.mark.bctrl_watch(conforming=False)\n" + BOTH)
    assert pytest.ExitCode.OK == result.ret
    line = "not checked  1 exchange in tests that are marked bctrl_watch(conforming=False), such as GET /orders"
    result.stdout.fnmatch_lines(["checked      2 exchanges: 1 checked, 1 not checked; 1 test*", line])


@pytest.mark.parametrize("arguments", ["", "False", "conforming=1", "conforms=False"])
def test_a_marker_with_wrong_arguments_is_a_usage_error(watch: Run, arguments: str) -> None:
    result = watch(f"@pytest.mark.bctrl_watch({arguments})\n" + BROKEN)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*test_broken: the marker bctrl_watch(*) is not valid (it takes conforming=False*"])


def test_a_run_without_any_exchange_checked_nothing(watch: Run) -> None:
    """The exit code is 2, and the summary says that nothing was checked, and against which contract."""
    result = watch("def test_it():\n    pass\n")
    assert pytest.ExitCode.INTERRUPTED == result.ret
    nothing = "not checked  Nothing was checked; the watch observed no request to an operation of the contract"
    result.stdout.fnmatch_lines([f"{nothing} Orders: --bctrl-contract sets it."])


def test_a_project_without_a_contract_is_watched_against_the_packaged_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it():\n    pass\n")
    result = pytester.runpytest("--bctrl-watch")
    assert pytest.ExitCode.INTERRUPTED == result.ret
    result.stdout.fnmatch_lines(["not checked  *: the packaged one, because *bctrl_contract is not set"])


def test_a_part_of_the_tests_need_not_send_anything(watch: Run) -> None:
    """A run with `-k` that sends no request exits with 0 and without a verdict."""
    result = watch("def test_it():\n    pass\n" + CONFORMING, "-k", "test_it")
    assert pytest.ExitCode.OK == result.ret
    assert "\npassed " not in result.stdout.str()


def test_every_report_has_the_findings(watch: Run, pytester: pytest.Pytester) -> None:
    """The JSON report has test, line, library and mock of a finding; `--junitxml` has its rule as a property."""
    watch(BOTH, *(f"--bctrl-report=report.{suffix}" for suffix in SUFFIXES), "--junitxml=junit.xml")
    report = read(pytester.path / "report.json")
    assert ("watch", "failed", "") == (report["report"], report["verdict"]["status"], report["target"])
    (finding,) = report["findings"]
    assert [
        {
            "test": "test_orders.py::test_broken",
            "sent_at": "orders.py:12",
            "library": "httpx",
            "called_at": "test_orders.py:5",
            "registered": "MockTransport handler at orders.py:10",
        }
    ] == finding["watched"]
    assert finding["why"] == (
        "sent at orders.py:12 in test_orders.py::test_broken, mocked by MockTransport handler at orders.py:10"
    )
    assert {"test_orders.py::test_broken": "failed", "test_orders.py::test_conforming": "passed"} == {
        test["id"]: test["outcome"] for test in report["tests"]
    }
    outcomes = {operation["operation"]: operation["outcome"] for operation in report["operations"]}
    assert {"GET /orders": "failed", "POST /orders": "not checked"} == outcomes
    for suffix in SUFFIXES:
        assert "response_schema_conformance" in pytester.path.joinpath(f"report.{suffix}").read_text("utf-8")
    assert "bctrl.finding.1.rule" in pytester.path.joinpath("junit.xml").read_text("utf-8")


def test_findings_of_many_values_are_merged_and_keep_their_tests(watch: Run, pytester: pytest.Pytester) -> None:
    """60 tests with different values yield fewer than 60 findings, each with its tests."""
    watch(
        "@pytest.mark.parametrize('number', range(60))\ndef test_it(number):\n"
        "    list_orders([{**STORED, 'size': f'size {number}'}])\n",
        "--bctrl-report=report.json",
    )
    findings = read(pytester.path / "report.json")["findings"]
    assert 0 < len(findings) < 60
    assert all(finding["watched"] for finding in findings)


def test_findings_can_be_accepted(watch: Run, pytester: pytest.Pytester) -> None:
    """`--bctrl-accept` writes the baseline; in the next run, the test is accepted and the run passes."""
    accepting = watch(BOTH, "--bctrl-accept=known")
    assert pytest.ExitCode.OK == accepting.ret
    accepting.stdout.fnmatch_lines(["accepted     1 until *, written to bctrl-baseline.yaml"])
    assert "watched" not in pytester.path.joinpath("bctrl-baseline.yaml").read_text("utf-8")
    accepted = watch(BOTH, *RUN_OPTIONS)
    assert pytest.ExitCode.OK == accepted.ret
    assert_agreement(pytester.path, accepted.ret, accepted.stdout.str())
    accepted.stdout.fnmatch_lines(["accepted     1 of 1 findings, by bctrl-baseline.yaml"])
    outcomes = [test["outcome"] for test in read(pytester.path / "report.json")["tests"]]
    assert ["accepted", "passed"] == outcomes


def test_a_baseline_that_cannot_be_written_fails_the_run(watch: Run, pytester: pytest.Pytester) -> None:
    path = pytester.path / "folder" / "baseline.yaml"
    result = watch(BROKEN, "--bctrl-accept=known", f"--bctrl-baseline={path}")
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["accepted     nothing: *"])


def test_coverage_lists_what_no_response_exercises(watch: Run) -> None:
    """`--bctrl-coverage` prints a percentage and "not covered  status 404"."""
    result = watch(CONFORMING, "--bctrl-coverage")
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["coverage     *% of the contract: *, in 1 response", "not covered  status 404"])


def test_too_little_coverage_fails_the_run(watch: Run) -> None:
    result = watch(CONFORMING, "--bctrl-min-coverage=100")
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["failed       *overage of *% is below the minimum of 100%*"])


def test_workers_of_xdist_report_the_same(watch: Run, pytester: pytest.Pytester) -> None:
    """Two workers report one finding with a count of four, and the coverage of all responses."""
    tests = "".join(f"def test_{number}():\n    broken()\n" for number in range(4)) + CONFORMING
    result = watch(tests, "-n", "2", "--bctrl-coverage", *RUN_OPTIONS)
    assert_agreement(pytester.path, result.ret, result.stdout.str())
    result.assert_outcomes(passed=5, errors=4)
    result.stdout.fnmatch_lines(["checked      5 exchanges: 5 checked; 5 tests*", "coverage     *, in 5 responses"])
    (finding,) = read(pytester.path / "report.json")["findings"]
    assert 4 == finding["count"] == len(finding["watched"])
    assert finding["why"].endswith(", and 3 more")


def test_workers_of_xdist_without_an_exchange_check_nothing(watch: Run) -> None:
    """The run is interrupted (exit code 2), as without workers."""
    assert pytest.ExitCode.INTERRUPTED == watch("def test_it():\n    pass\n", "-n", "1").ret


def test_a_custom_check_runs_and_may_break(watch: Run, pytester: pytest.Pytester) -> None:
    """Its problem is reported; if it raises, the test has an error that names it."""
    pytester.makeconftest(
        "import pytest_bctrl\n\n@pytest_bctrl.contract_check('few_orders')\ndef few(response):\n"
        "    yield pytest_bctrl.Problem('too many orders')\n\n"
        "@pytest_bctrl.contract_check('broken_check')\ndef broken(response):\n    raise ValueError('a bug')\n\n"
        "def pytest_bctrl_checks():\n    import os\n    return [broken if os.environ.get('BROKEN') else few]\n"
    )
    watch(CONFORMING).stdout.fnmatch_lines(["*few_orders*too many orders*"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROKEN", "1")
        result = watch(CONFORMING)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the check broken_check raised ValueError: a bug*"])


def test_quiet_runs_have_no_summary(watch: Run) -> None:
    text = watch(CONFORMING, "-qq").stdout.str()
    assert "bctrl watch" not in text


def test_reports_need_a_run_to_report_on(pytester: pytest.Pytester) -> None:
    """`--bctrl-report` alone is an error that suggests `--bctrl-watch`."""
    result = pytester.runpytest("--bctrl-report=report.json")
    result.stderr.fnmatch_lines(["*there is no contract run to report on*--bctrl-watch*"])


def test_a_contract_run_reports_the_findings_of_the_watch_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import httpx\n\ndef test_it():\n"
        "    transport = httpx.MockTransport(lambda request: httpx.Response(299))\n"
        "    httpx.Client(transport=transport).get('https://api.bctrl.ai/v1/spaces/s/runtimes', "
        "headers={'Authorization': 'Bearer k'})\n"
        "    httpx.Client(transport=transport).get('https://api.bctrl.ai/v1/space')\n"
    )
    result = pytester.runpytest(
        "--bctrl-watch", "--bctrl-mock", "--bctrl-report=report.json", "-k", "test_it or answer_conforms"
    )
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    report = read(pytester.path / "report.json")
    assert "contract run" == report["report"]
    assert ["status_code_conformance"] == [finding["rule"] for finding in report["findings"]]
    assert any("your code sends GET /v1/space," in note for note in report["notes"])


def test_an_impact_run_has_no_summary_of_the_watch(pytester: pytest.Pytester) -> None:
    """Nor has it with `bctrl_watch` in the ini file."""
    pytester.makeini("[pytest]\nbctrl_watch = true\n")
    pytester.makepyfile(
        "def test_it(bctrl_client, bctrl_space_id):\n    bctrl_client.get(f'/v1/spaces/{bctrl_space_id}/runtimes')\n"
    )
    result = pytester.runpytest("--bctrl-impact", "--bctrl-impact-budget=1s")
    assert "bctrl watch" not in result.stdout.str()
    result.assert_outcomes(passed=1)


def test_json_reports_conform_to_their_schema_without_any_exchange(watch: Run, pytester: pytest.Pytester) -> None:
    """The status is `not checked`, and there are no findings."""
    watch("def test_it():\n    pass\n", "--bctrl-report=report.json")
    report = read(pytester.path / "report.json")
    assert "not checked" == report["verdict"]["status"]
    assert json.dumps(report["findings"]) == "[]"


def test_a_run_with_the_option_x_must_observe_something(watch: Run) -> None:
    """Without a request, the exit code is 2: `-x` selects no tests."""
    assert pytest.ExitCode.INTERRUPTED == watch("def test_it():\n    assert STORED\n", "-x").ret


_CHECK = """
import asyncio
import io

import aiohttp
import django
import httpx
import requests
import urllib3
import werkzeug.test
from django.conf import settings
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from local_server import Handler, serving

import pytest_bctrl

PATH = "/v1/spaces/s/runtimes"
SENT = []


class Server(Handler):
    def do_GET(self):
        self.send_response(299)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"2\\r\\nok\\r\\n0\\r\\n\\r\\n")


def application(environ, start_response):
    start_response("299 OK", [])
    return []


urlpatterns = [path(PATH[1:], lambda request: HttpResponse(status=299))]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="key")
django.setup()


async def send_asynchronously(url):
    async with httpx.AsyncClient() as client:
        yield (await client.get(url)).status_code
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        yield response.status
    yield (await AsyncClient().get(PATH)).status_code


async def sent_asynchronously(url):
    return [status async for status in send_asynchronously(url)]


def send(url):
    yield httpx.get(url).status_code
    yield requests.get(url).status_code
    streamed = urllib3.request("GET", url, preload_content=False)
    assert list(streamed.read_chunked()) == [b"ok"]
    yield streamed.status
    yield Client().get(PATH).status_code
    yield werkzeug.test.Client(application).get(PATH).status_code
    yield from asyncio.run(sent_asynchronously(url))


@pytest_bctrl.contract_check("sends")
def sends(response):
    if SENT:
        return
    with serving(Server) as base:
        SENT.extend(send(f"{base}{PATH}"))
    if SENT != [299] * 8:
        yield pytest_bctrl.Problem(f"{SENT}")


def pytest_bctrl_checks():
    return [sends]


def pytest_unconfigure():
    print("sent by the check:", len(SENT))
"""


def test_requests_of_a_check_in_a_contract_run_are_not_those_of_tests(pytester: pytest.Pytester) -> None:
    """A check sends eight requests with all client libraries, whose invalid status is not reported."""
    copy_local_server(pytester.path)
    pytester.makeconftest(_CHECK)
    # Django has settings for the whole process.
    result = pytester.runpytest_subprocess(
        "--bctrl-watch", "--bctrl-mock", "--bctrl-report=report.json", "-k", "own_check", "-s"
    )
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["sent by the check: 8"])
    assert [] == read(pytester.path / "report.json")["findings"]


def test_a_test_that_a_plugin_repeats_is_one_test(watch: Run, pytester: pytest.Pytester) -> None:
    """The test breaks the contract in the first of two runs: both exchanges are counted, and one test fails."""
    pytester.makeconftest(
        "from _pytest.runner import runtestprotocol\n\n"
        "def pytest_runtest_protocol(item, nextitem):\n"
        "    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)\n"
        "    runtestprotocol(item, nextitem=item)\n"
        "    item._initrequest()\n"
        "    runtestprotocol(item, nextitem=nextitem)\n"
        "    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)\n"
        "    return True\n"
    )
    result = watch("runs = []\n\ndef test_it():\n    runs.append(list_orders() if runs else broken())\n")
    text = result.stdout.str()
    assert "checked      2 exchanges: 2 checked; 1 test," in text
    assert "1 of 1 test failed" in text


def test_findings_of_a_run_that_a_plugin_repeats_until_it_passes_fail_the_run(
    watch: Run, pytester: pytest.Pytester
) -> None:
    """As pytest-rerunfailures does, a hook reports the first run as `rerun`: the exit code agrees with the summary."""
    pytester.makeconftest(
        "from _pytest.runner import runtestprotocol\n\n"
        "def pytest_runtest_protocol(item, nextitem):\n"
        "    for report in runtestprotocol(item, nextitem=item, log=False):\n"
        "        report.outcome = 'rerun'\n"
        "        item.ihook.pytest_runtest_logreport(report=report)\n"
        "    item._initrequest()\n"
        "    runtestprotocol(item, nextitem=nextitem)\n"
        "    return True\n"
    )
    result = watch("runs = []\n\ndef test_it():\n    runs.append(list_orders() if runs else broken())\n")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["failed       1 error fails the run; *"])
    assert pytest.ExitCode.TESTS_FAILED == result.ret


@pytest.mark.parametrize("arguments", ["", "strict=True", "raises=KeyError"])
def test_findings_of_a_test_that_is_expected_to_fail_are_an_error(watch: Run, arguments: str) -> None:
    """The marker `xfail` expects that of the test itself, not one at its teardown because of an exchange."""
    result = watch(f"@pytest.mark.xfail({arguments})\ndef test_it():\n    broken()\n    raise KeyError\n")
    result.assert_outcomes(xfailed=1, errors=1)
    result.stdout.fnmatch_lines(["ERROR test_orders.py::test_it - Failed: bctrl watch: 1 error: *"])
    assert pytest.ExitCode.TESTS_FAILED == result.ret


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["one process", "a worker"])
def test_exchanges_after_the_last_test_are_not_checked(
    watch: Run, pytester: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    """No test can fail for them, so the summary and the reports say how many there are."""
    pytester.makeconftest(
        "from orders import broken, list_orders\n\n"
        "def pytest_sessionfinish(session):\n"
        "    if hasattr(session.config, 'workerinput') or session.config.option.dist == 'no':\n"
        "        broken()\n        list_orders(url='https://orders.example/other')\n"
    )
    result = watch("def test_it():\n    list_orders()\n", "--bctrl-report=report.json", *arguments)
    result.assert_outcomes(passed=1)
    note = "1 exchange after the last test, such as GET /orders"
    assert f"not checked  {note}" in result.stdout.str()
    assert note in (pytester.path / "report.json").read_text("utf-8")
