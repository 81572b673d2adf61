"""An impact run passes only if it has measured what it reports, and it never leaves an outdated report behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_bctrl.files.stored_impact import STORED_REPORT
from tests.impact.conftest import IMPACT, SLOW, verdicts
from tests.impact.drifts import DRIFTS, changed_spec, items, operation

_TOLERANT = """
def test_list(bctrl_client, bctrl_space_id):
    assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()["runtimes"]
"""


def _write_spec(project: pytest.Pytester, document: Any) -> None:
    """Write the changed spec of a project."""
    (project.path / "changed.json").write_text(json.dumps(document), "utf-8")


def test_changes_of_properties_that_no_test_reads_are_not_covered(project: pytest.Pytester) -> None:
    """A test reads ids and kinds; the changes are of status, region and `updatedAt`. The run exits with 0."""
    document = json.loads(changed_spec(DRIFTS[:1]))
    items(document)["required"].remove("region")
    items(document)["required"].remove("updatedAt")
    _write_spec(project, document)
    project.makepyfile("""
        def test_count(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert len({one["id"] for one in body["runtimes"]}) == len(body["runtimes"]) > 1
            assert "browser" in {one["kind"] for one in body["runtimes"]}
    """)

    result = project.runpytest(*IMPACT)

    assert {verdict for verdict, _ in verdicts(project)} == {"not covered"}
    assert result.ret == pytest.ExitCode.OK


def test_tests_that_compare_with_their_own_data_fail_with_a_renamed_value(project: pytest.Pytester) -> None:
    """A value of an enum was renamed in the spec; a test that filters by the old value fails."""
    document = json.loads(changed_spec(()))
    values = items(document, "Status")["enum"]
    values[values.index("failed")] = "errored"
    _write_spec(project, document)
    project.makepyfile("""
        def failed(items):
            return [item["name"] for item in items if item["status"] == "failed"]

        def test_failed(bctrl_mock, bctrl_client, bctrl_space_id):
            first = bctrl_mock.runtimes[0]
            bctrl_mock.runtimes = [{**first, "name": "a", "status": "failed"}]
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert failed(body["runtimes"]) == ["a"]

        def test_tolerant(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert all(isinstance(item["status"], str) for item in body["runtimes"])
    """)

    result = project.runpytest(*IMPACT)

    assert {verdict for verdict, _ in verdicts(project)} == {"fails"}
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_run_that_measured_nothing_does_not_pass(project: pytest.Pytester) -> None:
    """With a budget of no time, the exit code is 2 and all changes are `not run`."""
    result = project.runpytest(
        "--bctrl-impact=mutants", "--bctrl-impact-budget=0s", "--bctrl-impact-min=50", "--bctrl-report=impact.json"
    )

    assert result.ret == 2
    result.stdout.fnmatch_lines(["bctrl: no change was run to its end, so nothing was measured (no time was left *"])
    assert {verdict for verdict, _ in verdicts(project)} == {"not run"}


@pytest.mark.usefixtures("step_clock")
def test_violations_that_were_not_run_count_as_not_detected(project: pytest.Pytester) -> None:
    """`--bctrl-impact-min=40` fails if the budget ends before most violations are run."""
    project.makepyfile(SLOW)

    result = project.runpytest("--bctrl-impact=mutants", "--bctrl-impact-budget=60s", "--bctrl-impact-min=40")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["not checked  * breaking changes not run: no time was left *", "FAIL *"])


def test_a_breaking_change_that_cannot_be_run_gives_exit_code_2(project: pytest.Pytester) -> None:
    """The terminal and both reports list it as not checked."""
    document = json.loads(changed_spec(()))
    items(document)["properties"]["odd"] = {"type": "string", "pattern": "^(?=A)B$"}
    items(document)["required"].append("odd")
    operation(document)["callbacks"] = {
        "done": {"{$request.query.url}": {"post": {"operationId": "done", "responses": {"200": {"description": "d"}}}}}
    }
    old = json.loads(changed_spec(()))
    operation(old)["callbacks"] = {
        "done": {"{$request.query.url}": {"put": {"operationId": "done", "responses": {"200": {"description": "d"}}}}}
    }
    _write_spec(project, document)
    (project.path / "old.json").write_text(json.dumps(old), "utf-8")
    project.makepyfile(_TOLERANT)

    result = project.runpytest(*IMPACT, "--bctrl-contract=old.json", "--bctrl-report=impact.md")

    assert result.ret == 2
    line = "1 breaking change not run: the mock sends no webhooks or callbacks"
    result.stdout.fnmatch_lines([f"not checked  {line}"])
    assert line in json.dumps(json.loads((project.path / "impact.json").read_text("utf-8"))["not_checked"])
    assert line in (project.path / "impact.md").read_text("utf-8")


def test_drift_reads_the_stored_report_of_the_last_run(project: pytest.Pytester, python: list[str]) -> None:
    """`drift --impact` shows which test fails; a run that measured nothing removes the report."""
    drift = [*python, "-m", "pytest_bctrl", "drift", "changed.json", "--impact"]
    project.runpytest("--bctrl-impact=changed.json")
    assert (project.path / STORED_REPORT).exists()
    project.run(*drift).stdout.fnmatch_lines(["  you  fails (*test_label: KeyError: 'paused')"])

    # Another test fails now: the stored report describes other code.
    project.makepyfile(test_other="def test_red(): assert False")
    (project.path / "mine.json").write_text("{}", "utf-8")
    assert project.runpytest("--bctrl-impact=changed.json").ret == 2
    assert not (project.path / STORED_REPORT).exists()
    assert (project.path / "mine.json").read_text("utf-8") == "{}"

    result = project.run(*drift)
    assert result.ret == 2
    result.stderr.fnmatch_lines(["*--impact: the last impact run measured nothing, or there was none (run: *"])


def test_a_run_without_a_cache_stores_no_report(project: pytest.Pytester) -> None:
    """With `-p no:cacheprovider`, the exit code is 1, or 2 if the ordinary run fails."""
    assert project.runpytest("--bctrl-impact=changed.json", "-p", "no:cacheprovider").ret == 1
    assert not (project.path / STORED_REPORT).exists()

    project.makepyfile(test_other="def test_red(): assert False")
    assert project.runpytest("--bctrl-impact=changed.json", "-p", "no:cacheprovider").ret == 2


def test_a_failure_that_only_two_changes_cause_names_both(project: pytest.Pytester) -> None:
    """The note of the run with all changes names two of three."""
    document = json.loads(changed_spec(DRIFTS[:1]))
    items(document)["properties"].update(name={"type": ["string", "null"]})
    items(document)["required"].remove("updatedAt")
    _write_spec(project, document)
    project.makepyfile("""
        def test_labels(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert all(one["name"] or one["status"] != "paused" for one in body["runtimes"])
            assert all(one.get("updatedAt", "") is not None for one in body["runtimes"])
    """)

    result = project.runpytest(*IMPACT)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["  3 changes at once (it fails only with several changes at once: *"])
    report = json.loads((project.path / "impact.json").read_text("utf-8"))
    [note] = [test["note"] for finding in report["findings"] for test in finding["impact"]["tests"]]
    assert "runtimes[*].name" in note
    assert "runtimes[*].status" in note
    assert "updatedAt" not in note


@pytest.mark.parametrize("marked", [True, False])
def test_excluded_tests_are_not_run_again(project: pytest.Pytester, marked: bool) -> None:
    """By `bctrl_impact(skip=True)` or `bctrl_impact_skip`; the notes count them."""
    mark = "@pytest.mark.bctrl_impact(skip=True)" if marked else ""
    project.makeini("[pytest]\n" + ("" if marked else "bctrl_impact_skip =\n    test_*.py::TestDatabase\n"))
    project.makepyfile(f"""
        import pytest

        class TestDatabase:
            {mark}
            @pytest.mark.parametrize("number", [1, 2])
            def test_insert(self, bctrl_client, bctrl_space_id, number):
                with open("rows", "a") as rows:
                    rows.write(".")
                assert bctrl_client.get(f"/v1/spaces/{{bctrl_space_id}}/runtimes").json()["runtimes"]

        def test_list(bctrl_client, bctrl_space_id):
            assert bctrl_client.get(f"/v1/spaces/{{bctrl_space_id}}/runtimes").json()["runtimes"][0]["status"]
    """)

    result = project.runpytest(*IMPACT)

    assert (project.path / "rows").read_text("utf-8") == ".."
    result.stdout.fnmatch_lines(["note         2 tests excluded (bctrl_impact, bctrl_impact_skip)"])
    notes = json.loads((project.path / "impact.json").read_text("utf-8"))["notes"]
    assert any(note.startswith("2 more runs: ") and note.endswith("::test_list") for note in notes)
    assert "2 tests excluded (bctrl_impact, bctrl_impact_skip)" in notes


def test_a_run_whose_tests_are_all_excluded_does_not_pass(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nbctrl_impact_skip = *\n")

    result = project.runpytest(*IMPACT)

    assert result.ret == 2
    result.stdout.fnmatch_lines(["bctrl: every test that uses the mock is excluded (*): no change was run"])


def test_a_marker_with_wrong_arguments_is_a_usage_error(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest

        @pytest.mark.bctrl_impact("skip")
        def test_list(): pass
    """)

    result = project.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the marker bctrl_impact('skip') is not valid (it takes skip=True or skip=False)"])


def test_the_outcomes_of_a_test_that_fails_at_random_are_withdrawn(project: pytest.Pytester) -> None:
    """Each fifth run fails; the outcomes with earlier changes are withdrawn, and the test is not run again."""
    project.makepyfile("""
        import itertools
        turns = itertools.count(1)

        def test_flaky(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            with open("turns", "a") as file:
                file.write(".")
            assert next(turns) % 5
            assert all(isinstance(item, dict) for item in body["runtimes"])
            for item in body["runtimes"]:
                sorted(item)
    """)

    result = project.runpytest("--bctrl-impact=mutants", "--bctrl-report=impact.json")

    reached = [(verdict, why) for verdict, why in verdicts(project) if not why.startswith("no test receives")]
    assert {verdict for verdict, _ in reached} == {"not run"}
    assert all(why.endswith("::test_flaky: the test also fails without the change, at random") for _, why in reached)
    assert len((project.path / "turns").read_text("utf-8")) < 25
    assert result.ret == 2


def test_a_change_that_one_test_was_not_run_with_gives_exit_code_2(project: pytest.Pytester) -> None:
    """Another test passes with it; the test that caches its responses may fail."""
    document = json.loads(changed_spec(()))
    items(document)["required"].remove("region")
    _write_spec(project, document)
    project.makepyfile("""
        cached = {}

        def test_cached(bctrl_client, bctrl_space_id):
            if not cached:
                cached.update(bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json())
            assert cached["runtimes"][0]["region"]

        def test_tolerant(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert all(one.get("region", "none") for one in body["runtimes"])
    """)

    result = project.runpytest(*IMPACT)

    assert result.ret == 2
    test = "test_a_change_that_one_test_was_not_run_with_gives_exit_code_2.py::test_cached"
    reason = "the test sends no request when it runs again, because it caches responses between tests"
    result.stdout.fnmatch_lines(
        [
            f"note         not run: {test}: {reason}",
            "of 1 change in changed.json: 1 compatible with your tests",
            f"not checked  1 breaking change not run with {test}: fix or exclude them (bctrl_impact, *)",
        ]
    )
    assert verdicts(project) == [("passes", f"{test}: {reason}")]


def test_many_tests_that_were_not_run_are_counted(project: pytest.Pytester) -> None:
    """Ten of twelve are listed, and the exit code is 2."""
    project.makepyfile("""
        import pytest
        cached = {}

        @pytest.mark.parametrize("number", range(12))
        def test_cached(bctrl_client, bctrl_space_id, number):
            if number not in cached:
                cached[number] = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert cached[number]["runtimes"][0]["status"]

        def test_status(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert body["runtimes"][0]["status"]
    """)

    result = project.runpytest(*IMPACT)

    assert result.ret == 2
    assert 10 == sum("not run: test_many" in line for line in result.outlines)
    result.stdout.fnmatch_lines(["note         not run: 2 more tests"])


@pytest.mark.parametrize("other_test", [True, False])
def test_a_worker_that_crashes_gives_exit_code_2(project: pytest.Pytester, other_test: bool) -> None:
    """All changes are `not run`."""
    crashing = """
        import os

        def test_crash(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            if any(one["status"] == "paused" for one in body["runtimes"]):
                os._exit(1)
    """
    project.makepyfile(test_crash=crashing)
    project.makepyfile(_TOLERANT if other_test else "")

    result = project.runpytest_subprocess(*IMPACT, "-n", "2", "--dist=loadfile")

    assert result.ret == 2
    result.stdout.fnmatch_lines(["bctrl: *a worker of pytest-xdist crashed, so its tests were not run*"])
    assert {verdict for verdict, _ in verdicts(project)} == {"not run"}


def test_a_test_that_does_not_send_a_new_required_property_fails(project: pytest.Pytester) -> None:
    """Of two tests that send a body, only the one without the property."""
    body: dict[str, Any] = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    created = {"description": "created", "content": {"application/json": {"schema": {"type": "object"}}}}
    rejected = {"description": "rejected"}
    create = {
        "operationId": "create",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"201": created, "400": rejected},
    }
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/things": {"post": create}}}
    (project.path / "old.json").write_text(json.dumps(document), "utf-8")
    body["required"].append("size")
    body["properties"]["size"] = {"type": "integer"}
    _write_spec(project, document)
    project.makepyfile("""
        import httpx

        def test_without_size(bctrl_mock):
            httpx.post(f"{bctrl_mock.url}/things", json={"name": "a"}, trust_env=False).raise_for_status()

        def test_with_size(bctrl_mock):
            httpx.post(f"{bctrl_mock.url}/things", json={"name": "a", "size": 1}, trust_env=False).raise_for_status()
    """)

    result = project.runpytest(*IMPACT, "--bctrl-contract=old.json")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    report = json.loads((project.path / "impact.json").read_text("utf-8"))
    failing = [
        [test["test"].partition("::")[2] for test in finding["impact"]["tests"]] for finding in report["findings"]
    ]
    assert ["test_without_size"] in failing
    assert all("test_with_size" not in tests for tests in failing)


def test_an_interrupted_ordinary_run_runs_no_change(project: pytest.Pytester) -> None:
    project.makepyfile("def test_interrupted(): raise KeyboardInterrupt")

    result = project.runpytest_inprocess(*IMPACT, no_reraise_ctrlc=True)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["bctrl: the run ended before any change was run"])
