"""The contract suite's whole verdict on one operation of a target, as findings: what the self-test holds it to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from pytest_bctrl.checks.credentials import wrong_credentials
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.finding import Finding
from pytest_bctrl.suite import questions
from pytest_bctrl.suite.paths import ODD, UNKNOWN
from pytest_bctrl.suite.target import NoAnswerError, Target


def judge(target: Target, operation: Operation, bearer: bool) -> list[Finding]:
    """Ask everything that the suite asks, but for generated values; stop where the target cannot be asked.

    `bearer` tells whether the operation takes a bearer token, so that wrong ones can be tried.
    """
    found: list[Finding] = []
    for question in _questions(target, operation, bearer):
        try:
            found.extend(question())
        except NoAnswerError as error:
            found.append(error.finding)
            if error.is_final:
                break
    return merge(found)


def _questions(target: Target, operation: Operation, bearer: bool) -> Iterator[Callable[[], Iterable[Finding]]]:
    yield partial(questions.of_answer, target, operation)
    yield lambda: chain.from_iterable(questions.of_repetition(target, operation))
    if bearer:
        for credential in wrong_credentials(target.run.key):
            yield partial(questions.of_credential, target, operation, credential)
        yield partial(questions.of_head, target, operation)
    if operation.path_parameters:
        for value in (UNKNOWN, *ODD):
            yield partial(questions.of_path, target, operation, value)
