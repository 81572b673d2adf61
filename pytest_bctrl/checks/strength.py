"""How strong the checks are: every mutant of the contract has to be caught, by the check that it names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.finding import Finding
from pytest_bctrl.samples import SPACE_ID, Samples
from pytest_bctrl.samples.mutants import mutants, underived
from pytest_bctrl.samples.text import encode


@dataclass(frozen=True, slots=True)
class Strength:
    """The outcome for one operation.

    `survivors` are the names of the mutants that no check caught. `false_alarms` are findings on the sample itself,
    which keeps the contract: with any of them, what was caught says nothing. `underived` are the rules for which no
    mutant can be derived, as `location: keyword`.
    """

    operation: str
    total: int
    survivors: tuple[str, ...]
    false_alarms: tuple[Finding, ...]
    underived: tuple[str, ...]

    def __str__(self) -> str:
        """The one figure: `contract strength: 290 of 290 mutants caught`."""
        return f"contract strength: {self.total - len(self.survivors)} of {self.total} mutants caught"


def strength(contract: Contract, operation: Operation) -> Strength:
    """Derive every mutant of the operation's successful answer, hold each to all checks, and count.

    Raises `DocumentError` where the operation documents no successful JSON answer.
    """
    samples = Samples(contract, operation)
    derived = mutants(samples)
    return Strength(
        operation=operation.label,
        total=len(derived),
        survivors=tuple(
            mutant.name
            for mutant in derived
            if (mutant.check, mutant.level) not in [(one.rule, one.level) for one in _findings(samples, mutant.body)]
        ),
        false_alarms=tuple(false_alarms(samples)),
        underived=tuple(underived(samples)),
    )


def false_alarms(samples: Samples, bodies: Iterable[Any] | None = None) -> list[Finding]:
    """Return what is found on bodies that were made of the contract, and so should keep it: on all, or on some."""
    return [finding for body in bodies or samples.bodies() for finding in _findings(samples, body)]


def _findings(samples: Samples, body: Any) -> list[Finding]:
    answer = Answer(
        contract=samples.contract,
        operation=samples.operation,
        status=samples.status,
        headers=(("Content-Type", samples.media_type),),
        body=encode(body),
        path_values=samples.parameters(SPACE_ID),
    )
    return check_answer(answer)
