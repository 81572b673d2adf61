"""SIGTERM ends a run wherever it arrives."""

from __future__ import annotations

import json

import pytest


def test_sigterm_during_a_callback_of_the_garbage_collector_ends_the_run(pytester: pytest.Pytester) -> None:
    """Python ignores the exception there; the next test does not run, and the exit code is 2."""
    pytester.makepyfile(
        """
        import gc, os, signal

        def end(phase, info):
            gc.callbacks.remove(end)
            os.kill(os.getpid(), signal.SIGTERM)

        def test_it():
            gc.callbacks.append(end)
            gc.collect()

        def test_later():
            raise SystemError("it runs")
        """
    )
    arguments = ("-p", "no:randomly", "-p", "no:unraisableexception", "-k", "test_it or test_later")
    result = pytester.runpytest_subprocess("--bctrl-mock", *arguments, "--bctrl-report=out.json")
    result.stdout.fnmatch_lines(["!* bctrl: ended by SIGTERM !*"])
    result.stdout.no_fnmatch_line("*it runs*")
    report = json.loads((pytester.path / "out.json").read_text("utf-8"))
    assert (2, False) == (result.ret, report["complete"])


def test_sigterm_while_hypothesis_runs_a_test_is_no_failure_of_the_test(pytester: pytest.Pytester) -> None:
    """The run says that it was ended, and no test has failed."""
    pytester.makepyfile(
        """
        import os, signal

        from hypothesis import given, strategies

        @given(strategies.integers())
        def test_it(number):
            os.kill(os.getpid(), signal.SIGTERM)

        def test_later():
            raise SystemError("it runs")
        """
    )
    arguments = ("-p", "no:randomly", "-k", "conforms or test_it or test_later", "--bctrl-report=out.json")
    result = pytester.runpytest_subprocess("--bctrl-mock", *arguments)
    result.stdout.fnmatch_lines(["not checked  The run ended before everything was checked; 1 of 1 test passed*"])
    result.stdout.fnmatch_lines(["!* bctrl: ended by SIGTERM !*"])
    result.stdout.no_fnmatch_line("*failed*")
    report = json.loads((pytester.path / "out.json").read_text("utf-8"))
    assert (2, False) == (result.ret, report["complete"])
    assert "failed" not in {test["outcome"] for test in report["tests"]}
