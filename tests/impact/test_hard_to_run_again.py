"""The verdicts of an impact run with tests that are hard to run again."""

from __future__ import annotations

import json
import sys

import pytest

from tests.impact.conftest import IMPACT, STATUS, verdicts

_UNSURE = {
    "test_once: the test also fails without the change, at random": """
        import itertools
        turns = itertools.count()

        def test_once(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert next(turns) < 1 and body
        """,
    "test_later: the test also fails without the change, at random": """
        failures = []

        def test_later(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            if any(item["status"] == "paused" for item in body["runtimes"]):
                failures.append(body)
                raise AssertionError
            assert len(failures) < 2
        """,
    "test_last: the test also fails without the change, at random": """
        runs = []

        def test_last(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            runs.append(any(item["status"] == "paused" for item in body["runtimes"]))
            assert not runs[-1]
            assert runs.count(True) < 2 or any(runs[-3:])
        """,
    "the test sends no request when it runs again, because it caches responses between tests": """
        kept = {}

        def test_kept(bctrl_client, bctrl_space_id):
            if not kept:
                kept.update(bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json())
            assert kept["runtimes"][0]["status"]
        """,
}


@pytest.mark.parametrize("reason", _UNSURE)
def test_an_inconclusive_test_is_not_run(project: pytest.Pytester, reason: str) -> None:
    """A test that fails at random or caches responses: the verdict is `not run`, with the reason."""
    project.makepyfile(_UNSURE[reason])

    project.runpytest(*IMPACT)

    [(verdict, why)] = verdicts(project)
    assert verdict == "not run"
    assert why.endswith(reason)


@pytest.mark.parametrize("scope", ["function", "module"])
def test_a_test_that_stops_the_clock_is_run_with_each_change(project: pytest.Pytester, scope: str) -> None:
    """A fixture replaces `time.monotonic`, as freezegun does, by a function that returns the seconds of a date."""
    path = project.path / "test_frozen.py"
    path.write_text(
        STATUS.replace("client, ", "client, frozen, ")
        + f"""
import time

@pytest.fixture(scope={scope!r})
def frozen():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("monotonic", "perf_counter", "time"):
            patch.setattr(time, name, lambda: 1.7e9)
        yield
""",
        "utf-8",
    )

    result = project.runpytest(*IMPACT, "--bctrl-impact-budget=10m", path)

    assert verdicts(project) == [("fails", "")]
    result.stdout.fnmatch_lines(["ran * 1 test that uses the mock against 1 change: *"])


def test_a_test_that_compares_with_its_own_data_fails_with_a_note(project: pytest.Pytester) -> None:
    """The note says that any other value makes it fail too."""
    project.makepyfile(
        """
        def test_names(bctrl_mock, bctrl_client, bctrl_space_id):
            bctrl_mock.runtimes = [{**one, "status": "active"} for one in bctrl_mock.runtimes[:2]]
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert [one["status"] for one in body["runtimes"]] == ["active", "active"]
        """
    )

    result = project.runpytest(*IMPACT)

    assert verdicts(project) == [("fails", "")]
    result.stdout.fnmatch_lines(["      note: it compares with its own data: every other value makes it fail too"])


@pytest.mark.parametrize("where", ["call", "protocol"])
def test_a_test_that_hangs_with_a_change_is_stopped_and_fails(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """In its own code, or in a plugin between two phases: the verdict is `fails`."""
    monkeypatch.setattr("pytest_bctrl.impact.rerun._MIN_SECONDS", 1.0)
    project.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(item):
            result = yield
            while getattr(item, "hangs", False):
                pass
            return result
        """
    )
    project.makepyfile(
        f"""
        def test_wait(bctrl_client, bctrl_space_id, request):
            body = bctrl_client.get(f"/v1/spaces/{{bctrl_space_id}}/runtimes").json()
            is_new = all(one["status"] == "paused" for one in body["runtimes"])
            request.node.hangs = is_new and {where!r} == "protocol"
            while is_new and not request.node.hangs:
                pass
        """
    )

    project.runpytest(*IMPACT)

    assert verdicts(project) == [("fails", "")]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGALRM")
def test_a_run_without_the_change_that_takes_too_long_is_repeated(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that confirms the failure hangs once, as on a busy machine, and passes then: the verdict is `fails`."""
    monkeypatch.setattr("pytest_bctrl.impact.rerun._MIN_SECONDS", 1.0)
    project.makepyfile(
        """
        import time

        events = []

        def test_status(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            is_new = all(one["status"] == "paused" for one in body["runtimes"])
            if is_new:
                events.append("failed")
            elif events == ["failed"]:
                events.append("hung")
                time.sleep(600)
            assert not is_new
        """
    )

    project.runpytest(*IMPACT)

    assert verdicts(project) == [("fails", "")]


def test_fixtures_of_a_module_are_set_up_again_per_change(project: pytest.Pytester) -> None:
    """Both tests that use a module's fixture with the response fail with the change."""
    project.makepyfile(
        """
        import httpx, pytest

        @pytest.fixture(scope="module")
        def runtimes(bctrl_mock_server):
            with bctrl_mock_server.space() as space:
                headers = {"Authorization": f"Bearer {space.api_key}"}
                url = f"{space.url}/v1/spaces/{space.space_id}/runtimes"
                yield httpx.get(url, headers=headers, trust_env=False).json()["runtimes"]

        def test_first(runtimes):
            assert all(one["status"] != "paused" for one in runtimes)

        def test_second(runtimes):
            assert all(one["status"] != "paused" for one in runtimes)
        """
    )

    project.runpytest(*IMPACT)

    report = json.loads((project.path / "impact.json").read_text("utf-8"))
    assert [test["test"].partition("::")[2] for test in report["findings"][0]["impact"]["tests"]] == [
        "test_first",
        "test_second",
    ]


def test_subtests_that_fail_with_a_change_are_not_reported_as_failures(project: pytest.Pytester) -> None:
    """The verdict is `fails`, and pytest counts no failure."""
    pytest.importorskip("_pytest.subtests")
    project.makepyfile(
        """
        def test_each(bctrl_client, bctrl_space_id, subtests):
            for one in bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()["runtimes"]:
                with subtests.test(one["id"]):
                    assert one["status"] != "paused"
        """
    )

    result = project.runpytest(*IMPACT)

    assert verdicts(project) == [("fails", "")]
    assert "failed" not in result.parseoutcomes()
