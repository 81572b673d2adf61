"""The mutants of a contract that its checks do not detect."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.samples import Samples
from pytest_bctrl.samples.mutants import mutants
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.samples.text import encode


def findings_in(samples: Samples, body: Any) -> list[Finding]:
    """Return the findings of the checks for a body."""
    response = Response(
        contract=samples.contract,
        operation=samples.operation,
        status=samples.status,
        headers=(("Content-Type", samples.media_type),),
        body=encode(body),
        path_values=samples.parameters(SPACE_ID),
    )
    return check_response(response)


def undetected_mutants(contract: Contract, operation: Operation, least: int) -> list[str]:
    """Return the mutants that their check does not report at their level; there are at least `least` mutants.

    A finding in a valid body fails the test, because mutants of that body prove nothing.
    """
    samples = Samples(contract, operation)
    assert [] == [finding for body in samples.bodies() for finding in findings_in(samples, body)]
    derived = mutants(samples)
    assert least <= len(derived)
    return [
        mutant.name
        for mutant in derived
        if (mutant.check, mutant.level)
        not in [(finding.rule, finding.level) for finding in findings_in(samples, mutant.body)]
    ]
