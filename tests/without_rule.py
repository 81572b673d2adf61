"""Checks that the tests fail without a rule: `python -m tests.without_rule [--count N] [--seed S]`.

The seed selects checks and drift rules. For each of them, all findings of the rule are dropped, and the tests run until
a test fails that passes with the rule. Tests that name the rule run first, then those that cover all rules.
"""

from __future__ import annotations

import argparse
import os
import pkgutil
import random
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest

import pytest_bctrl
from pytest_bctrl import drift
from pytest_bctrl.checks import violation
from pytest_bctrl.checks.rules import rules_of
from pytest_bctrl.contract.read import load
from pytest_bctrl.drift import compare_documents
from pytest_bctrl.drift.rules import rules as drift_rules
from pytest_bctrl.suite.sending import transport_errors

ROOT = Path(__file__).parents[1]
TABLES = ("checks/test_findings.py", "drift/test_rules.py")
TESTS = ("checks/test_*.py", "drift/test_*.py", "suite/test_probes.py", "suite/test_live.py")
FINDING_FUNCTIONS = (
    violation.findings,
    compare_documents.compare_documents,
    drift.compare,
    transport_errors.attempt_findings,
)
IMPORT_LINE = re.compile(r"^from (tests\.[\w.]+|\.\w+) import", re.MULTILINE)


class FailureRecorder:
    """A pytest plugin that stores the id of the last test that failed in `name`."""

    name = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Store the node id of a test that failed; the last one stays."""
        self.name = report.nodeid if report.failed else self.name


def main() -> int:
    """Print for each rule whether a test fails without it; return 1 if the tests of a rule all pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="number of rules to remove (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed that selects the rules (default: %(default)s)")
    options = parser.parse_args()
    os.chdir(ROOT)
    for module in pkgutil.walk_packages(pytest_bctrl.__path__, "pytest_bctrl."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    (operation,) = load().operations
    all_rules = [*rules_of(operation.invariants, ()), *drift_rules()]
    rules = random.Random(options.seed).sample(all_rules, min(options.count, len(all_rules)))
    detected = 0
    for rule in rules:
        test = next(filter(None, (_first_failure(rule, files) for files in _test_files(rule))), "")
        is_detected = bool(test) and not _first_failure("", [test])
        detected += is_detected
        print(f"{'detected' if is_detected else 'NOT detected'}: {rule} {test}", flush=True)
    print(f"{detected} of {len(rules)} removed rules detected")
    return int(detected < len(rules))


def _test_files(rule: str) -> Iterator[list[str]]:
    """Yield the test files that name a rule, themselves or in a module they import; those of all rules; the others."""
    paths = [path for pattern in TESTS for path in sorted((ROOT / "tests").glob(pattern))]
    with_rule = [path for path in paths if any(rule in text for text in _sources(path))]
    of_all_rules = [ROOT / "tests" / name for name in TABLES]
    remaining = [path for path in paths if path not in (*with_rule, *of_all_rules)]
    yield from ([str(path) for path in group] for group in (with_rule, of_all_rules, remaining) if group)


def _sources(path: Path) -> Iterator[str]:
    """Yield the source of a test file and those of the test modules that it imports."""
    text = path.read_text("utf-8")
    yield text
    for name in IMPORT_LINE.findall(text):
        path_of_module = path.parent / name[1:] if name.startswith(".") else ROOT / name.replace(".", "/")
        if path_of_module.with_suffix(".py").is_file():
            yield path_of_module.with_suffix(".py").read_text("utf-8")


def _first_failure(rule: str, tests: list[str]) -> str:
    """Return the id of the first test that fails without a rule, or the exit code of pytest; empty if all pass.

    The tests run in a fork, which has already imported the package.
    """
    with TemporaryFile("w+") as output:
        if (child := os.fork()) == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            output.write(_run(rule, tests))
            output.flush()
            os._exit(0)
        os.waitpid(child, 0)
        output.seek(0)
        return output.read()


def _run(rule: str, tests: list[str]) -> str:
    """Remove a rule from this process, run the tests, and return the result as `_first_failure` does."""
    for function in FINDING_FUNCTIONS:
        filtered = _without(function, rule)
        for name, module in list(sys.modules.items()):
            if name.startswith("pytest_bctrl"):
                for key, value in list(vars(module).items()):
                    if value is function:
                        setattr(module, key, filtered)
    recorder = FailureRecorder()
    code = pytest.main(
        ["-xqWignore::pytest.PytestAssertRewriteWarning", "-pno:cacheprovider", "-pno:randomly", *tests],
        plugins=[recorder],
    )
    if recorder.name or code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return recorder.name
    return str(code)


def _without(function: Callable[..., Any], rule: str) -> Callable[..., Any]:
    """Return a function that returns the findings of another one, except those of a rule."""

    def filtered(*args: Any, **kwargs: Any) -> list[Any]:
        return [finding for finding in function(*args, **kwargs) if finding.rule != rule]

    return filtered


if __name__ == "__main__":
    sys.exit(main())
