"""Measures whether the tests fail without a rule: `python -m tests.without_rule [--count N] [--seed S]`.

Removes checks and drift rules that a seed draws, one at a time, by dropping every finding of it where it is made, and
runs the tests, those first that name the rule or try all rules, until one fails which passes with the rule in place.
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
MAKERS = (violation.findings, compare_documents.compare_documents, drift.compare, transport_errors.attempt_findings)
IMPORTED = re.compile(r"^from (tests\.[\w.]+|\.\w+) import", re.MULTILINE)


class Failed:
    """A plugin that records which test failed."""

    name = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Store the node id of a test that failed; the last one stays."""
        self.name = report.nodeid if report.failed else self.name


def main() -> int:
    """Print the result of each rule and how many were noticed; return 1 if any was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="rules that are removed (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what draws them (default: %(default)s)")
    options = parser.parse_args()
    os.chdir(ROOT)
    for module in pkgutil.walk_packages(pytest_bctrl.__path__, "pytest_bctrl."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    (operation,) = load().operations
    all_rules = [*rules_of(operation.invariants, ()), *drift_rules()]
    drawn = random.Random(options.seed).sample(all_rules, min(options.count, len(all_rules)))
    noticed = 0
    for rule in drawn:
        by = next(filter(None, (_failing(rule, files) for files in _files(rule))), "")
        is_noticed = bool(by) and not _failing("", [by])
        noticed += is_noticed
        print(f"{'noticed' if is_noticed else 'NOT noticed'}: {rule} {by}", flush=True)
    print(f"{noticed} of {len(drawn)}")
    return int(noticed < len(drawn))


def _files(rule: str) -> Iterator[list[str]]:
    """Yield lists of test files: those that name a rule, themselves or in an import; those of all rules; the others."""
    every = [path for pattern in TESTS for path in sorted((ROOT / "tests").glob(pattern))]
    naming = [path for path in every if any(rule in text for text in _texts(path))]
    of_all_rules = [ROOT / "tests" / name for name in TABLES]
    rest = [path for path in every if path not in (*naming, *of_all_rules)]
    yield from ([str(path) for path in group] for group in (naming, of_all_rules, rest) if group)


def _texts(path: Path) -> Iterator[str]:
    """Yield the source of a test file, and that of each module of the tests that it imports."""
    text = path.read_text("utf-8")
    yield text
    for name in IMPORTED.findall(text):
        path_of_module = path.parent / name[1:] if name.startswith(".") else ROOT / name.replace(".", "/")
        if path_of_module.with_suffix(".py").is_file():
            yield path_of_module.with_suffix(".py").read_text("utf-8")


def _failing(rule: str, tests: list[str]) -> str:
    """Return the first of the tests that fails without a rule, or the exit code; empty if all pass.

    They run in a process of their own, which begins with all that is imported here.
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
    """Remove the findings of a rule in this process, run the tests, and return the first that fails."""
    for maker in MAKERS:
        without = _without(maker, rule)
        for name, module in list(sys.modules.items()):
            if name.startswith("pytest_bctrl"):
                for key, value in list(vars(module).items()):
                    if value is maker:
                        setattr(module, key, without)
    failed = Failed()
    code = pytest.main(
        ["-xqWignore::pytest.PytestAssertRewriteWarning", "-pno:cacheprovider", "-pno:randomly", *tests],
        plugins=[failed],
    )
    return failed.name or ("" if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) else str(code))


def _without(make: Callable[..., Any], rule: str) -> Callable[..., Any]:
    """Return a function that returns the findings of `make`, except those of a rule."""
    return lambda *given, **named: [finding for finding in make(*given, **named) if finding.rule != rule]


if __name__ == "__main__":
    sys.exit(main())
