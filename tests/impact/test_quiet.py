"""Nothing of a rerun reaches reporters, warnings, other plugins, log files or the terminal."""

from __future__ import annotations

import pytest

from tests.impact.conftest import IMPACT, verdicts

_NOISY = """
import logging
import subprocess
import sys
import warnings

def test_noisy(bctrl_client, bctrl_space_id, tmp_path, caplog):
    body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
    statuses = {one["status"] for one in body["runtimes"]}
    changed = "paused" in statuses
    state = "changed" if changed else "ordinary"
    warnings.warn("warned: " + state)
    print("printed:", state)
    subprocess.run([sys.executable, "-c", "print('subprocess:', %r)" % state])
    logging.getLogger("app").error("logged: %s", state)
    assert caplog.records
    (tmp_path / "file").write_text("x")
    assert not changed
"""


@pytest.fixture
def noisy(project: pytest.Pytester) -> pytest.Pytester:
    """Return a project whose test prints, logs and warns, and fails with the change."""
    project.makepyfile(_NOISY)
    return project


@pytest.mark.parametrize("options", [("-s",), ("-rA",), ("-v", "--no-summary"), ("-n", "1")])
def test_the_output_of_a_rerun_is_not_shown(noisy: pytest.Pytester, options: tuple[str, ...]) -> None:
    """Printed, logged or reported, it is neither in the terminal nor in the log file; that of the ordinary run is."""
    result = noisy.runpytest_subprocess(
        *IMPACT, *options, "-W", "always", "--log-file=app.log", "--log-cli-level=ERROR"
    )

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert verdicts(noisy) == [("fails", "")]
    output = result.stdout.str() + result.stderr.str()
    assert ": changed" not in output
    # The ordinary run is shown as always, once.
    assert output.count("printed: ordinary") == ("-s" in options or "-rA" in options)
    assert (noisy.path / "app.log").read_text("utf-8").count("logged:") == 1


def test_other_plugins_see_the_ordinary_run_alone(noisy: pytest.Pytester) -> None:
    """The counts and the summary of a plugin, and JUnit's cases, are those of one run."""
    noisy.makeconftest(
        """
        import pytest

        def pytest_configure(config):
            config.counted = []

        @pytest.fixture(autouse=True)
        def counted(request):
            request.config.counted.append("used")

        def pytest_runtest_logreport(report):
            if report.when == "call":
                seen.append(report.outcome)

        def pytest_warning_recorded(warning_message):
            seen.append("warning")

        def pytest_exception_interact():
            seen.append("exception")

        seen = []

        def pytest_sessionfinish(session):
            with open("counted", "w") as file:
                file.write(f"{len(session.config.counted)} {seen}")

        def pytest_terminal_summary(terminalreporter, config):
            terminalreporter.line(f"fixtures: {len(config.counted)}, seen: {seen}")

        def pytest_unconfigure(config):
            with open("seen", "w") as file:
                file.write(str(seen))
        """
    )

    result = noisy.runpytest_subprocess(*IMPACT, "--junitxml=junit.xml", "--durations=0", "-vv")

    assert verdicts(noisy) == [("fails", "")]
    result.stdout.fnmatch_lines(["fixtures: 1, seen: *"])
    assert (noisy.path / "counted").read_text("utf-8") == "1 ['passed', 'warning']"
    assert (noisy.path / "seen").read_text("utf-8") == "['passed', 'warning']"
    assert (noisy.path / "junit.xml").read_text("utf-8").count("<testcase") == 1
    assert result.parseoutcomes() == {"passed": 1, "warnings": 1}


def test_temporary_folders_work_with_a_retention_policy(noisy: pytest.Pytester) -> None:
    """A test that uses `tmp_path` has a verdict with `tmp_path_retention_policy = failed`."""
    noisy.makeini("[pytest]\ntmp_path_retention_policy = failed\n")

    noisy.runpytest_subprocess(*IMPACT)

    assert verdicts(noisy) == [("fails", "")]


def test_plugins_of_pytest_for_logs_and_temporary_folders_may_be_disabled(project: pytest.Pytester) -> None:
    """With `-p no:logging -p no:tmpdir`, the test fails with the change as always."""
    project.runpytest(*IMPACT, "-p", "no:logging", "-p", "no:tmpdir")

    assert verdicts(project) == [("fails", "")]


def test_changes_that_no_test_exercises_cost_no_run(project: pytest.Pytester) -> None:
    """A test that reads one property needs fewer than 120 runs for all violations."""
    project.makepyfile("""
        def test_status(bctrl_client, bctrl_space_id):
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert all(isinstance(one["status"], str) for one in body["runtimes"])
    """)

    result = project.runpytest("--bctrl-impact=mutants")

    [line] = [line for line in result.outlines if line.startswith("ran ")]
    assert int(line.split("changes: ")[1].split(" ")[0]) < 120
