"""Whether the tests notice that a rule is gone: `python -m tests.without_rule [--count N] [--seed S]`.

Removes checks and drift rules that a seed draws, one at a time, and runs the tests until one fails. As a plugin of such
a run (`-p tests.without_rule`) this module drops every finding of the rule in `BCTRL_WITHOUT_RULE` where it is made.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from pytest_bctrl import drift
from pytest_bctrl.checks import violation
from pytest_bctrl.contract.read import load
from pytest_bctrl.drift import compare_documents
from pytest_bctrl.drift.rules import rules as drift_rules
from pytest_bctrl.suite import troubles

GONE = os.environ.get("BCTRL_WITHOUT_RULE", "")
TESTS = ("tests/checks", "tests/drift", "tests/suite/test_probes.py", "tests/suite/test_live.py")
MAKERS = (
    (violation, "findings"),
    (compare_documents, "compare_documents"),
    (drift, "compare"),
    (troubles, "attempt_findings"),
)


def _without(make: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: [finding for finding in make(*given) if finding.rule != GONE]


for module, name in MAKERS if GONE else ():
    setattr(module, name, _without(getattr(module, name)))


def main() -> int:
    """Print what came of each rule, and how many were noticed; 1 where one was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="rules that are removed (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what draws them (default: %(default)s)")
    options = parser.parse_args()
    (operation,) = load().operations
    known = [*violation.rules_of(operation.invariants, ()), *drift_rules()]
    drawn = random.Random(options.seed).sample(known, min(options.count, len(known)))
    if code := _run(""):
        print(f"the tests fail with every rule in place (exit code {code}), so that they show nothing")
        return 1
    noticed = 0
    for rule in drawn:
        code = _run(rule)
        noticed += code == 1
        print(f"{'noticed' if code == 1 else f'NOT noticed (exit code {code})'}: {rule}", flush=True)
    print(f"{noticed} of {len(drawn)}")
    return int(noticed < len(drawn))


def _run(rule: str) -> int:
    command = [sys.executable, "-m", "pytest", "-xq", "-p", "tests.without_rule", "-p", "no:cacheprovider", *TESTS]
    environment = {**os.environ, "BCTRL_WITHOUT_RULE": rule, "CI": "true"}
    return subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
