"""Runs the contract suite without pytest: sends its probes and returns the findings."""

from __future__ import annotations

from contextlib import suppress

from pytest_bctrl.checks.credentials import merge_accepted
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.suite.plan.catalogue import plan
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.suite.sending.transport_errors import NoAnswerError, NotCheckedError

BODY_TESTS = ("test_answer_conforms", "test_nothing_undocumented", "test_invariant")
"""The tests that check the body of the plain response, and nothing else."""


def run_probes(target: Target, *names: str, only: Operation | None = None) -> list[Finding]:
    """Send the probes of the tests `names`, of all without them, for all operations or `only` one; return the findings.

    Findings of the same fault are merged. It stops if the target cannot be tested, and the last finding says so; probes
    that could not be checked have no finding. `at_or_above` returns the findings that fail a run.
    """
    findings: list[Finding] = []
    planned_probes = list(plan(target.run, *names, only=only))
    target.expect(planned_probes)
    for probe in planned_probes:
        try:
            with suppress(NotCheckedError):
                for response_findings in target.findings(probe):
                    findings += response_findings
        except NoAnswerError as error:
            findings.append(error.finding)
            if error.is_final:
                break
    return merge_accepted(merge(findings))
