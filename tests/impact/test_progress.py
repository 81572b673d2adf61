"""An impact run announces what it will do, shows how far it is, and ends in time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_bctrl.impact.progress import RunPlan, RunProgress
from pytest_bctrl.impact.workers import WorkerDisplay, WorkersProgress
from tests.impact.conftest import IMPACT, SLOW
from tests.impact.drifts import changed_spec, items

_TERMINAL = """
def pytest_sessionstart(session):
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    terminal.isatty = type(terminal.isatty)(True)
"""
_NOT_TIMED = SLOW.replace("time.pass_a_second()", "pass")


def _write_four_changes(project: pytest.Pytester) -> None:
    """Write a spec in which four required properties became optional."""
    document = json.loads(changed_spec(()))
    for name in ("region", "updatedAt", "createdAt", "name"):
        items(document)["required"].remove(name)
    (project.path / "changed.json").write_text(json.dumps(document), "utf-8")


def _runs(project: pytest.Pytester) -> int:
    """Return how often the slow tests ran, the ordinary run included."""
    return len((project.path / "runs").read_text("utf-8"))


@pytest.mark.usefixtures("step_clock")
def test_a_run_announces_what_it_will_do_and_shows_its_progress(project: pytest.Pytester) -> None:
    """5 tests read everything: one run learns it, and one is needed for each of 4 changes and for all at once."""
    _write_four_changes(project)
    project.makepyfile(SLOW)

    result = project.runpytest(*IMPACT, "--bctrl-impact-budget=10m")

    result.stdout.re_match_lines(
        [
            r"planned      5 tests . 5 changes: about 30 test runs, 30 s \(limit: 600 s, --bctrl-impact-budget\)",
            r"progress     20%, 6 of 30 test runs, 24 s left",
            r"progress     30%, 9 of 30 test runs, 21 s left",
            r"progress     100%, 30 of 30 test runs, 0\.0 s left",
            r"ran          5 tests that use the mock against 5 changes: 30 test runs, 30\.0 s",
        ]
    )
    assert 5 + 30 == _runs(project)


@pytest.mark.usefixtures("step_clock")
def test_the_budget_covers_everything_after_the_ordinary_run(project: pytest.Pytester) -> None:
    """Learning what 5 tests read would take 5 s: it is stopped after 3, and the exit code is 2."""
    project.makepyfile(SLOW)

    result = project.runpytest("--bctrl-impact=mutants", "--bctrl-impact-budget=3s")

    assert result.ret == 2
    assert 5 + 3 == _runs(project)


@pytest.mark.usefixtures("step_clock")
def test_the_seconds_left_are_at_most_those_of_the_budget(project: pytest.Pytester) -> None:
    """Halfway through 30 runs, with a limit of 20 seconds: 5 seconds left."""
    _write_four_changes(project)
    project.makepyfile(SLOW)

    result = project.runpytest(*IMPACT, "--bctrl-impact-budget=20s")

    result.stdout.fnmatch_lines(["progress     50%, 15 of 30 test runs, 5.0 s left"])


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_terminal_shows_a_bar_on_a_line_of_its_own(project: pytest.Pytester, options: Sequence[str]) -> None:
    project.makeconftest(_TERMINAL)

    result = project.runpytest(*IMPACT, *options)

    bars = [line.rpartition("\r")[2].rstrip() for line in result.outlines if "bctrl impact: [" in line]
    assert bars == ["bctrl impact: [####################] 100%, 2 of 2 test runs, 0.0 s left"]


def test_workers_announce_what_they_will_do_together(project: pytest.Pytester) -> None:
    """With two workers, the lines `planned` and `ran` have the tests, changes and runs of both."""
    _write_four_changes(project)
    project.makepyfile(_NOT_TIMED)

    result = project.runpytest(*IMPACT, "-n", "2")

    assert 5 + 30 == _runs(project)
    result.stdout.re_match_lines(
        [
            r"planned      5 tests . 5 changes: about 30 test runs, [\d.]+ s \(limit: --bctrl-impact-budget\)",
            r".* bctrl impact =+",
            r"ran          5 tests that use the mock against 5 changes: 30 test runs, [\d.]+ s",
        ]
    )


def test_a_worker_without_tests_of_the_mock_delays_no_announcement(project: pytest.Pytester) -> None:
    """The plan is printed, although one of two workers has no test that uses the mock."""
    project.makepyfile(test_none="def test_none(): pass", test_slow=_NOT_TIMED)

    result = project.runpytest(*IMPACT, "-n", "2", "--dist=loadfile", "test_none.py", "test_slow.py")

    result.stdout.fnmatch_lines(["planned      5 tests * 1 change: about 10 test runs, *"])


def test_a_run_without_a_terminal_announces_nothing(project: pytest.Pytester) -> None:
    result = project.runpytest(*IMPACT, "-p", "no:terminal")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "planned" not in result.stdout.str()


class _Channel:
    """A channel to a controller, which closes it after a number of messages."""

    def __init__(self, capacity: int) -> None:
        self.sent: list[object] = []
        self._capacity = capacity

    def send(self, item: object, /) -> None:
        if len(self.sent) == self._capacity:
            raise OSError("the channel is closed")
        self.sent.append(item)


@pytest.mark.parametrize("capacity", [3, 1])
def test_a_worker_sends_its_progress_from_time_to_time(monkeypatch: pytest.MonkeyPatch, capacity: int) -> None:
    """The plan, the first and the last of three runs; nothing more if the controller was interrupted."""
    monkeypatch.setattr("pytest_bctrl.impact.workers._SEND_SECONDS", 3600.0)
    channel = _Channel(capacity)
    display = WorkerDisplay(channel)

    display.announce(RunPlan(1, 2, 3, 0.3))
    for done in (1, 2, 3):
        display.show(RunProgress(done, 3, 0.1))

    messages = [("plan", (1, 2, 3, 0.3)), ("progress", (1, 3, 0.1)), ("progress", (3, 3, 0.1))]
    assert messages[:capacity] == channel.sent


def test_the_controller_adds_up_what_its_workers_send(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """The announced plan is the sum of two workers; the third ends without a plan."""
    config = pytester.parseconfigure("--bctrl-impact-budget=1h")
    progress = WorkersProgress(config)
    nodes = [
        SimpleNamespace(gateway=SimpleNamespace(id=name, newchannel=_CallbackChannel), workerinput={})
        for name in ("gw0", "gw1", "gw2")
    ]
    for node in nodes:
        progress.pytest_configure_node(node)
    send: list[Any] = [node.workerinput["bctrl_impact_progress"].callback for node in nodes]
    config.get_terminal_writer().write("...")
    capsys.readouterr()

    send[0](("plan", (5, 4, 20, 2.0)))
    send[0](("progress", (5, 20, 1.5)))
    progress.pytest_testnodedown(nodes[1])
    assert "" == capsys.readouterr().out
    send[2](("plan", (6, 4, 20, 3.0)))
    send[0](("progress", (20, 20, 0.0)))
    progress.pytest_testnodedown(nodes[0])

    planned = "planned      11 tests × 4 changes: about 40 test runs, 3.0 s (limit: 3600 s, --bctrl-impact-budget)"  # noqa: RUF001
    assert ["", planned] == capsys.readouterr().out.splitlines()


class _CallbackChannel:
    """A channel that remembers what is to be called with each message."""

    def setcallback(self, callback: Any) -> None:
        self.callback = callback
