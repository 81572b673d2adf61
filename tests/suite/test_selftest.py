"""The self-test proves the suite: conforming scenarios pass, faults and mutants are found."""

from __future__ import annotations

import re

import pytest


def test_every_mutant_is_caught_and_every_fault_found(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-selftest", "-n", "2")

    assert result.ret == pytest.ExitCode.OK
    caught, total = re.findall(r"contract strength: (\d+) of (\d+) mutants caught", result.stdout.str())[0]
    assert caught == total
    assert int(total) > 200


def test_it_needs_no_target_and_sends_nothing_live(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BCTRL_API_KEY", raising=False)

    result = pytester.runpytest("--bctrl-selftest", "-k", "mutant")

    result.assert_outcomes(passed=1, deselected=93)
    result.stdout.fnmatch_lines(["bctrl: target none, *, self-test, fails on error"])
    section = result.stdout.str().partition("bctrl contract")[2].splitlines()
    assert any("contract strength: " in line for line in section[-3:-1]), "the figure is its last thing"


AWKWARD = """
openapi: 3.1.0
info: {title: Orders, version: '1'}
security: [{key: []}]
paths:
  /orders/{id}:
    get:
      operationId: order
      parameters: [{name: id, in: path, required: true, schema: {type: integer}, example: 42}]
      responses:
        '200':
          description: One order.
          content:
            application/json:
              schema:
                type: object
                required: [price]
                properties:
                  price: {type: number, exclusiveMinimum: 0, multipleOf: 0.01}
                  code: {type: string, pattern: '^(?=A)B$'}
                unevaluatedProperties: false
    delete: {operationId: cancel, responses: {'204': {description: Gone.}}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
"""


def test_a_contract_of_ones_own_that_is_silent_about_refusals_is_proven(pytester: pytest.Pytester) -> None:
    """Path and answer are its own; what it leaves out is said, and is held against neither the mock nor the checks."""
    pytester.makefile(".yaml", mine=AWKWARD.replace("^(?=A)B$", "^[A-Z]{3}$"))

    result = pytester.runpytest("--bctrl-selftest", "--bctrl-contract=mine.yaml", "-n", "4")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["*contract strength: *", "GET /orders/{id}: 401 is not documented", "GET /orders/{id}: 404 is not documented"]
    )


def test_a_contract_of_which_no_body_can_be_made_says_so_once(pytester: pytest.Pytester) -> None:
    """One test fails, in words, and none of the others is run on what does not keep the contract."""
    pytester.makefile(".yaml", mine=AWKWARD)

    result = pytester.runpytest("--bctrl-selftest", "--bctrl-contract=mine.yaml")

    result.assert_outcomes(failed=1, skipped=2)
    result.stdout.fnmatch_lines(["*GET /orders/{id}: no body can be made of the contract that keeps it*examples*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_contract_without_any_body_is_refused(pytester: pytest.Pytester) -> None:
    """Before anything is collected: green would say that something was proven."""
    text = (
        AWKWARD.partition("    get:")[0] + "    delete: {operationId: cancel, responses: {'204': {description: Gone.}}}"
    )
    pytester.makefile(".yaml", mine=f"{text}\ncomponents: {AWKWARD.partition('components:')[2]}")

    result = pytester.runpytest("--bctrl-selftest", "--bctrl-contract=mine.yaml")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: bctrl: *it documents no successful JSON answer*"])
