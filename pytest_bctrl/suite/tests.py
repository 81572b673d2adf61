"""The tests that `--bctrl-mock` and `--bctrl-live` add to a run, as `bctrl::…`.

Each asks the target something and hands what was found to `verdict`, which fails the test where a finding is
at or above the level that fails the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_bctrl.checks.credentials import Credential
from pytest_bctrl.checks.invariants import check_invariant, places_of
from pytest_bctrl.checks.own import BrokenCheckError, Check, run_check
from pytest_bctrl.checks.undocumented import check_undocumented
from pytest_bctrl.checks.violation import findings
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.parameters import text_of
from pytest_bctrl.finding import Finding, at_or_above
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.suite import questions
from pytest_bctrl.suite.fixtures import pytest_generate_tests, schema, target, verdict
from pytest_bctrl.suite.generate import for_each_case, operation_of, second_opinion
from pytest_bctrl.suite.parameters import Mistake, Variation, of_case
from pytest_bctrl.suite.paths import PathValue, generated, near_misses
from pytest_bctrl.suite.target import Target
from pytest_bctrl.suite.verdict import Verdict

__all__ = ["pytest_generate_tests", "schema", "target", "verdict"]

pytestmark = pytest.mark.bctrl_contract


def test_answer_conforms(operation: Operation, target: Target, verdict: Verdict) -> None:
    """The operation answers with a documented success: status, content type, strict JSON, every item of the schema."""
    verdict(questions.of_answer(target, operation))


def test_schemathesis_agrees(operation: Operation, target: Target, verdict: Verdict, schema: Any) -> None:
    """Schemathesis's own checks find nothing in the answer that ours did not."""
    known = questions.of_answer(target, operation)
    exchange = target.first(operation)
    verdict(second_opinion(schema, exchange.answer, exchange.response, known))


def test_nothing_undocumented(operation: Operation, target: Target, verdict: Verdict) -> None:
    """The answer has no property that the contract does not document."""
    answer = target.first(operation).answer
    if not answer.parsed.ok:
        pytest.skip("not checked: the answer has no JSON body to look at")
    verdict(check_undocumented(answer))


def test_invariant(operation: Operation, rule: dict[str, Any], target: Target, verdict: Verdict) -> None:
    """The answer keeps a rule that the schema cannot say."""
    answer = target.first(operation).answer
    if not places_of(answer, rule):
        pytest.skip(f"not checked: the answer has no {rule.get('each', rule.get('unique'))} to look at")
    verdict(findings(answer, check_invariant(answer, rule)))


def test_own_check(operation: Operation, own: Check, target: Target, verdict: Verdict) -> None:
    """A check of the project's own finds nothing in the answer."""
    answer = target.first(operation).answer
    broken, found = "", []
    try:
        found = run_check(own, answer)
    except BrokenCheckError as error:
        broken = f"{error}\n  looked at: {answer.reproduce}"
    if broken:
        pytest.fail(broken, pytrace=False)
    verdict(found)


def test_conformance_is_kept(operation: Operation, target: Target, verdict: Verdict) -> None:
    """The same request, asked again and again, gets a conforming answer every time."""
    answers, broken = 0, 0
    for found in questions.of_repetition(target, operation):
        verdict.collect(found)
        answers += 1
        broken += bool(at_or_above(found, target.run.fail_on))

    def told(failing: Sequence[Finding]) -> Iterator[str]:
        often = "" if broken == answers else "; the command below may have to be sent several times"
        yield f"in {broken} of {answers} answers to the same request{often}"
        yield from describe(failing)

    verdict.give(told)


def test_wrong_credential_is_refused(
    operation: Operation, credential: Credential, target: Target, verdict: Verdict
) -> None:
    """A request with a wrong credential is refused with 401 or 403, as JSON in the documented shape."""
    verdict(questions.of_credential(target, operation, credential))


def test_head_needs_the_credential_too(secured: Operation, target: Target, verdict: Verdict) -> None:
    """HEAD, which answers for GET (RFC 9110, 9.3.2), is no way around the credential."""
    verdict(questions.of_head(target, secured))


def test_odd_path_value_is_refused(operation: Operation, value: PathValue, target: Target, verdict: Verdict) -> None:
    """A path value that names nothing is refused with 404, as JSON in the documented shape, and crashes nothing."""
    verdict(questions.of_path(target, operation, value))


def test_allowed_value_is_taken(operation: Operation, variation: Variation, target: Target, verdict: Verdict) -> None:
    """A value that the contract allows in a parameter of query or header is taken, and answered as documented."""
    verdict(questions.of_variation(target, operation, variation))


def test_wrong_value_is_refused(operation: Operation, mistake: Mistake, target: Target, verdict: Verdict) -> None:
    """A value that the contract does not allow, or none where one is required, is refused as documented."""
    verdict(questions.of_mistake(target, operation, mistake))


def test_generated_path_values_are_refused(placed: Operation, target: Target, verdict: Verdict, schema: Any) -> None:
    """Whatever Schemathesis puts in the path is refused as documented, and so is what is almost a real value."""
    target.first(placed)
    plain = target.plain(placed)
    limit = generated(target.run.max_examples)
    asked = 0

    def ask(values: dict[str, str], path: str = "") -> None:
        nonlocal asked
        # What the target made us send beyond the plan is saved here, of this test's own requests too.
        left = limit - asked - target.unplanned[placed.label]
        if asked and left <= 0:
            return
        asked += 1
        exchange = target.ask(placed, replace(plain, path=values), path=path, at_most=max(1, left) + 1)
        found = questions.of_guess(placed, exchange.answer)
        also = second_opinion(schema, exchange.answer, exchange.response, [*exchange.findings, *found])
        verdict.collect([*exchange.findings, *found, *also])

    def visit(case: Any) -> None:
        ask({name: text_of(value) for name, value in (case.path_parameters or {}).items()}, case.formatted_path)

    count = max(1, limit - target.unplanned[placed.label])
    near = near_misses(target.run.contract, placed, plain.path)[: count - 1]
    for values in near:
        ask(values)
    for_each_case(operation_of(schema, placed), count - len(near), visit)
    verdict.give()


def test_generated_query_is_answered(queried: Operation, target: Target, verdict: Verdict, schema: Any) -> None:
    """Whatever Schemathesis puts in query and header, of what the contract allows, is answered as documented."""
    target.first(queried)
    plain = target.plain(queried)

    def visit(case: Any) -> None:
        exchange = target.ask(queried, of_case(target.run.contract, queried, plain, case))
        found = questions.of_generated(exchange.answer)
        also = second_opinion(schema, exchange.answer, exchange.response, [*exchange.findings, *found])
        verdict.collect([*exchange.findings, *found, *also])

    for_each_case(operation_of(schema, queried), target.run.max_examples, visit)
    verdict.give()
