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
