"""How an impact run begins and ends."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_bctrl.impact.outcomes import ChangeResult, TestOutcome
from pytest_bctrl.impact.run import OUT_OF_TIME, ExercisedTest, with_shared_exchanges
from pytest_bctrl.impact.run_report import LOST_WORKER, RunData
from tests.contract.documents import document
from tests.contract.test_in_force import vendored
from tests.drift.upstream import Upstream, text
from tests.impact.conftest import IMPACT, STATUS, verdicts
from tests.impact.drifts import DRIFTS, changed_spec, operation


def test_a_change_that_fails_a_test_fails_the_run(project: pytest.Pytester) -> None:
    """The output has the plan, the failing test with its line, and the report."""
    result = project.runpytest(*IMPACT)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "planned      1 test ? 1 change: about 2 test runs, * s (limit: --bctrl-impact-budget)",
            "compared     *runtimes.openapi.yaml with changed.json",
            "ran          1 test that uses the mock against 1 change: 7 test runs, * s",
            "fails",
            "  *runtimes[[]*[]].status: 'paused'",
            "    test_*.py::test_label: KeyError: 'paused' (test_*.py:*)",
            "of 1 change in changed.json: 1 breaks your tests",
            "report       impact.json",
        ]
    )


def test_the_gate_shows_the_impact_of_each_change(project: pytest.Pytester, python: list[str]) -> None:
    """`drift --impact REPORT` prints the failing test next to the finding."""
    project.runpytest(*IMPACT, "-p", "no:cacheprovider")

    result = project.run(*python, "-m", "pytest_bctrl", "drift", "changed.json", "--impact", "impact.json")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["  you  fails (*test_label: KeyError: 'paused')"])


def test_a_file_that_is_not_an_impact_report_is_an_error(project: pytest.Pytester, python: list[str]) -> None:
    result = project.run(*python, "-m", "pytest_bctrl", "drift", "changed.json", "--impact", "changed.json")

    assert result.ret == 2
    result.stderr.fnmatch_lines(["*--impact changed.json: it is not a report of an impact run (write one: pytest *"])


def test_workers_yield_the_same_verdicts(project: pytest.Pytester) -> None:
    """With `-n 2`, the test fails with the change."""
    result = project.runpytest(*IMPACT, "-n", "2")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert verdicts(project) == [("fails", "")]


def test_collect_only_runs_no_changes(project: pytest.Pytester) -> None:
    assert project.runpytest(*IMPACT, "--collect-only").ret == pytest.ExitCode.OK
    assert not (project.path / "impact.json").exists()


def test_overlay_actions_that_no_longer_apply_are_noted(project: pytest.Pytester) -> None:
    """In the output and the report; the removed operation still fails the test."""
    document = json.loads(changed_spec(()))
    for item in document["paths"].values():
        item["post"] = item.pop("get")
    (project.path / "changed.json").write_text(json.dumps(document), "utf-8")

    result = project.runpytest(*IMPACT)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["note         the overlay no longer applies: *runtimes.overlay.yaml, action *"])
    notes = json.loads((project.path / "impact.json").read_text("utf-8"))["notes"]
    assert any(note.startswith("the overlay no longer applies: ") for note in notes)


def test_results_of_other_workers_survive_a_crashed_worker(project: pytest.Pytester) -> None:
    """Their outcomes are merged; changes that only the crashed worker ran, that of the project among them, are lost."""
    hooks: Any = project.parseconfigure(*IMPACT, "--collect-only").pluginmanager.get_plugin("bctrl-impact")
    key = "5e"
    passes, fails = TestOutcome("passes"), TestOutcome("fails", "KeyError", "a.py:1")
    workers = [
        RunData({key: ChangeResult({"a": passes})}, {"a": 2}, 1, 0, 1.0, unobserved=["x", "y"]),
        RunData({key: ChangeResult({"b": fails}, OUT_OF_TIME, "both")}, {"b": 3}, 2, 1, 2.0, unobserved=["y", "z"]),
    ]
    nodes = [SimpleNamespace(workeroutput={"bctrl_impact": data.as_data()}) for data in workers]

    for node in (nodes[0], SimpleNamespace(), nodes[1]):
        hooks.pytest_testnodedown(node)

    result = ChangeResult({"a": passes, "b": fails}, OUT_OF_TIME, "both")
    lost = {change.key: ChangeResult(unfinished=LOST_WORKER) for change in hooks._plan.changes}
    assert hooks.data == RunData({key: result, **lost}, {"a": 2, "b": 3}, 3, 1, 2.0, 1, ["x", "y", "z"])


def test_tests_that_do_not_depend_on_the_change_pass(project: pytest.Pytester) -> None:
    """A test that looks for a status in the text of the response."""
    document = json.loads(changed_spec(DRIFTS[:1]))
    operation(document)["parameters"].append({"name": "tenant", "in": "query", "schema": {"type": "string"}})
    (project.path / "changed.json").write_text(json.dumps(document), "utf-8")
    project.makepyfile("""
        import re

        def test_text(bctrl_client, bctrl_space_id):
            text = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").text
            assert re.search('"status": ?"[a-z]+"', text)
    """)

    project.runpytest(*IMPACT)

    assert verdicts(project) == [("passes", "")] * 3


def test_the_published_spec_is_compared(project: pytest.Pytester) -> None:
    """`--bctrl-impact=published` reads the spec from the URL in the lock of the project's contract."""
    lock = vendored(project.path).lock
    upstream = Upstream()
    upstream.responses["/spec.json"] = text(changed_spec(DRIFTS[:1]), Content_Type="application/json")
    data = {**json.loads(lock.read_text("utf-8")), "source": f"{upstream.url}/spec.json"}
    lock.write_text(json.dumps(data), "utf-8")

    result = project.runpytest("--bctrl-impact=published", *IMPACT[1:])
    upstream.close()

    result.stdout.fnmatch_lines([f"compared     *runtimes.openapi.yaml with {upstream.url}/spec.json"])
    assert verdicts(project) == [("fails", "")]


def test_a_test_passes_if_a_change_still_accepts_its_credentials(project: pytest.Pytester) -> None:
    """One of two ways to authenticate was removed, and the test uses the other; it requests an unknown path too."""
    spec = document({"type": "object"}, security=[{"bearer": []}, {"key": []}])
    spec["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    }
    (project.path / "old.json").write_text(json.dumps(spec), "utf-8")
    spec["paths"]["/v1/things/{id}"]["get"]["security"].pop()
    (project.path / "changed.json").write_text(json.dumps(spec), "utf-8")
    project.makepyfile("""
        import httpx

        def test_thing(bctrl_mock):
            headers = {"Authorization": f"Bearer {bctrl_mock.api_key}"}
            with httpx.Client(base_url=bctrl_mock.url, headers=headers, trust_env=False) as client:
                assert client.get("/v1/unknown").status_code == 404
                assert client.get("/v1/things/a").status_code == 200
    """)

    result = project.runpytest(*IMPACT, "--bctrl-contract=old.json")

    assert result.ret == pytest.ExitCode.OK
    assert verdicts(project) == [("passes", "")]


def test_an_empty_object_that_is_received_twice_is_not_read(pytester: pytest.Pytester) -> None:
    """A test that looks at the status alone does not cover a change of a property."""
    spec = document({"type": "object", "properties": {"a": {"type": "string"}}})
    (pytester.path / "old.json").write_text(json.dumps(spec), "utf-8")
    changed = document({"type": "object", "properties": {"a": {"type": "integer"}}})
    (pytester.path / "changed.json").write_text(json.dumps(changed), "utf-8")
    pytester.makepyfile("""
        import httpx

        def test_thing():
            transport = httpx.MockTransport(lambda request: httpx.Response(200, json={}))
            with httpx.Client(transport=transport) as client:
                for _ in range(2):
                    assert client.get("https://api.example.org/v1/things/a").status_code == 200
    """)

    pytester.runpytest(*IMPACT, "--bctrl-watch", "--bctrl-contract=old.json")

    assert [verdict for verdict, _ in verdicts(pytester)] == ["not covered"]


def test_a_test_that_skips_itself_is_skipped(project: pytest.Pytester) -> None:
    """With the change: its outcome and the summary say so, and the run exits with 0."""
    project.makepyfile(STATUS.replace("    assert all(", "    all(one['status'] in LABELS or pytest.skip() for one in"
                                       " body['runtimes'])\n    assert all("))  # fmt: skip
    result = project.runpytest(*IMPACT)

    name = "test_a_test_that_skips_itself_is_skipped.py::test_label"
    assert (result.ret, verdicts(project)) == (
        pytest.ExitCode.OK,
        [("skipped", f"1 test no longer checked: {name}")],
    )
    result.stdout.fnmatch_lines(["of 1 change in changed.json: 1 makes tests skip"])


def test_a_test_that_skips_if_an_operation_is_removed_is_skipped(project: pytest.Pytester) -> None:
    """Its verdict is `skipped`, with the test that no longer checks anything."""
    document = json.loads(changed_spec(()))
    for item in document["paths"].values():
        item["post"] = item.pop("get")
    (project.path / "changed.json").write_text(json.dumps(document), "utf-8")
    project.makepyfile("""
        import pytest

        def test_status(bctrl_client, bctrl_space_id):
            response = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
            if response.status_code != 200:
                pytest.skip("the API is not available")
            assert response.json()["runtimes"]
    """)

    project.runpytest(*IMPACT)

    assert ("skipped", "1 test no longer checked: ") in [(verdict, why[:26]) for verdict, why in verdicts(project)]
    assert "passes" not in [verdict for verdict, _ in verdicts(project)]


def test_a_project_that_does_not_use_the_mock_is_an_error(project: pytest.Pytester) -> None:
    """The exit code is 2, and the message suggests `--bctrl-watch`."""
    result = project.runpytest(*IMPACT, "-k", "nothing")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["bctrl: no test uses the mock or a recording (*): no change was run; --bctrl-watch *"])


@pytest.mark.parametrize("options", [(), ("-n", "2", "--dist=loadfile")])
def test_no_changes_are_run_if_the_ordinary_run_fails(project: pytest.Pytester, options: tuple[str, ...]) -> None:
    project.makepyfile(test_other="def test_red(): assert False")

    result = project.runpytest(*IMPACT, *options)

    assert result.ret == 2
    result.stdout.fnmatch_lines(["bctrl: the ordinary run failed, so no change was run; fix that first"])
    assert verdicts(project) == [("not run", "the ordinary run failed, so no change was run; fix that first")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--bctrl-live", "--bctrl-impact, --bctrl-live: only the mock can apply a change*"),
        ("--bctrl-mock", "--bctrl-impact, --bctrl-mock: the contract suite checks the mock against *"),
        ("--bctrl-record-mode=rewrite", "--bctrl-impact, --bctrl-record-mode: changed responses must not be recorded*"),
        ("--pdb", "--bctrl-impact, --pdb: tests are run to fail*"),
        ("--bctrl-impact-budget=soon", "--bctrl-impact-budget: 'soon' is not a time (give one such as 60s or 5m)"),
        ("--bctrl-impact-min=lots", "--bctrl-impact-min: 'lots' is not a percentage (give 0 to 100)"),
        ("--bctrl-impact=nowhere.yaml", "nowhere.yaml: the file does not exist*"),
    ],
)
def test_conflicting_or_invalid_options_are_a_usage_error(
    project: pytest.Pytester, arguments: str, message: str
) -> None:
    result = project.runpytest("--bctrl-impact=changed.json", arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: bctrl: {message}"])


@pytest.mark.parametrize("source", [["changed.json"], []])
def test_a_test_path_after_bctrl_impact_is_not_taken_for_a_spec(project: pytest.Pytester, source: list[str]) -> None:
    """argparse would consume the next argument; a spec is distinguished from a path of tests."""
    tests = next(project.path.glob("test_*.py")).name

    result = project.runpytest("--bctrl-impact", *source, tests, "-p", "no:randomly", "--bctrl-impact-budget=0s")

    result.assert_outcomes(passed=1)
    assert any("in changed.json" in line for line in result.outlines) is bool(source)


def test_changes_beyond_the_budget_are_not_run(project: pytest.Pytester) -> None:
    result = project.runpytest(*IMPACT, "--bctrl-impact-budget=0s")

    assert verdicts(project) == [("not run", "no time was left (--bctrl-impact-budget)")]
    result.stdout.fnmatch_lines(["of 1 change in changed.json: 1 not run"])


def test_an_unchanged_spec_runs_violations_of_the_contract(project: pytest.Pytester) -> None:
    """Instead of changes; the run fails below `bctrl_impact_min`."""
    (project.path / "changed.json").write_text(changed_spec(()), "utf-8")

    project.makeini("[pytest]\nbctrl_impact_min = 90\n")

    result = project.runpytest(*IMPACT)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "compared     changed.json has no change; ran changes derived from the contract instead",
            "of 278 violations of the contract: *",
            "FAIL *% of the violations are detected, below the minimum of 90% (--bctrl-impact-min)",
        ]
    )


def test_outcomes_are_not_cached_between_runs(project: pytest.Pytester) -> None:
    """A second run executes the test as often as the first: the code, or a file that it reads, may have changed."""
    counting = "\ndef test_count(bctrl_client, bctrl_space_id):\n    with open('ran', 'a') as file: file.write('.')\n"
    counting += "    assert bctrl_client.get(f'/v1/spaces/{bctrl_space_id}/runtimes').json()['runtimes'][0]['status']\n"
    project.makepyfile(STATUS + counting)
    ran = project.path / "ran"

    for _ in range(2):
        ran.unlink(missing_ok=True)
        assert project.runpytest(*IMPACT).ret == pytest.ExitCode.TESTS_FAILED
        # The ordinary run, the one that learns the read locations, and the one with the change.
        assert 3 == len(ran.read_text("utf-8"))


def test_an_interrupted_run_reports_partial_results(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import itertools
        turns = itertools.count()

        def test_once(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            if next(turns) == 9:
                raise KeyboardInterrupt
            assert body["runtimes"][0]["status"]
        """
    )

    result = project.runpytest_inprocess("--bctrl-impact=mutants", "-p", "no:randomly", no_reraise_ctrlc=True)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["of 278 violations of the contract: *, 2?? not run*"])


@pytest.mark.parametrize("options", [(), ("--bctrl-watch",)], ids=["without the watch", "with the watch"])
def test_changes_are_applied_to_recordings_too(project: pytest.Pytester, options: tuple[str, ...]) -> None:
    """Three tests that replay a recording fail with the change."""
    project.makepyfile(
        """
        import httpx

        def test_runtimes(bctrl_runtimes):
            assert all(one["status"] != "paused" for one in bctrl_runtimes)

        def test_client(bctrl_recording, bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert all(one["status"] != "paused" for one in body["runtimes"])

        def test_port(bctrl_recording, bctrl_client, bctrl_space_id):
            path = f"/v1/spaces/{bctrl_space_id}/runtimes"
            if bctrl_recording.is_recording:
                bctrl_client.get(path)
            else:
                body = httpx.get(f"{bctrl_recording.url}{path}", trust_env=False).json()
                assert all(one["status"] != "paused" for one in body["runtimes"])
        """
    )
    project.runpytest("--bctrl-record-mode=once", "-p", "no:randomly").assert_outcomes(passed=3)

    project.runpytest(*IMPACT, *options)

    report = json.loads((project.path / "impact.json").read_text("utf-8"))
    tests = [test["test"].partition("::")[2] for test in report["findings"][0]["impact"]["tests"]]
    assert tests == ["test_client", "test_port", "test_runtimes"]


def test_a_report_that_cannot_be_written_fails_the_run(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import os

        def test_in_the_way(bctrl_client, bctrl_space_id):
            if os.path.isdir("reports"):
                os.rmdir("reports")
                with open("reports", "w"):
                    pass
            assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()["runtimes"]
        """
    )

    result = project.runpytest("--bctrl-impact=changed.json", "--bctrl-report=reports/a.json", "-p", "no:randomly")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["bctrl: the report reports/a.json is not written: *"])


def test_a_test_without_requests_is_omitted() -> None:
    """`with_shared_exchanges` yields nothing for a test whose fixtures sent no request."""
    item: Any = SimpleNamespace(fixturenames=["wide"])
    assert [] == [*with_shared_exchanges([ExercisedTest(item, [], 0.1)], {"other": [], "wide": []})]
