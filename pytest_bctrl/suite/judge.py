"""The contract suite's whole verdict on one operation of a target, as findings: what the self-test holds it to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from pytest_bctrl.checks.credentials import wrong_credentials
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.key_fields import guarded_by
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.finding import Finding
from pytest_bctrl.suite import questions
from pytest_bctrl.suite.parameters import mistakes, variations
from pytest_bctrl.suite.paths import ODD, UNKNOWN
from pytest_bctrl.suite.target import NoAnswerError, Target


def judge(target: Target, operation: Operation) -> list[Finding]:
    """Ask everything that the suite asks, but for generated values; stop where the target cannot be asked."""
    found: list[Finding] = []
    for question in _questions(target, operation):
        try:
            found.extend(question())
        except NoAnswerError as error:
            found.append(error.finding)
            if error.is_final:
                break
    return merge(found)


def _questions(target: Target, operation: Operation) -> Iterator[Callable[[], Iterable[Finding]]]:
    yield partial(questions.of_answer, target, operation)
    yield lambda: chain.from_iterable(questions.of_repetition(target, operation))
    contract, settings = target.run.contract, target.run.values
    guard = guarded_by(contract, operation)
    if guard is not None:
        for credential in wrong_credentials(target.run.key, guard):
            yield partial(questions.of_credential, target, operation, credential)
        if operation.method == "GET":
            yield partial(questions.of_head, target, operation)
    for variation in variations(contract, operation, settings):
        yield partial(questions.of_variation, target, operation, variation)
    for mistake in mistakes(contract, operation, settings):
        yield partial(questions.of_mistake, target, operation, mistake)
    if operation.path_parameters:
        for value in (UNKNOWN, *ODD):
            yield partial(questions.of_path, target, operation, value)
