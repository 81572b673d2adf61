"""The self-test proves the suite: conforming scenarios pass, faults and mutants are found."""

from __future__ import annotations

import re

import pytest


def test_every_mutant_is_caught_and_every_fault_found(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--bctrl-selftest", "-n", "4")

    assert result.ret == pytest.ExitCode.OK
    caught, total = re.findall(r"contract strength: (\d+) of (\d+) mutants caught", result.stdout.str())[0]
    assert caught == total
    assert int(total) > 200


def test_it_needs_no_target_and_sends_nothing_live(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BCTRL_API_KEY", raising=False)

    result = pytester.runpytest_subprocess("--bctrl-selftest", "-k", "mutant")

    result.assert_outcomes(passed=1, deselected=93)
    result.stdout.fnmatch_lines(["bctrl: target none, *, self-test, fails on error"])


def test_the_figure_is_the_last_thing_of_the_section(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--bctrl-selftest", "-k", "mutant")

    section = result.outlines[
        result.outlines.index(next(line for line in result.outlines if "bctrl contract" in line)) :
    ]
    assert "contract strength: " in section[-2] or "contract strength: " in section[-3]


def test_a_contract_of_ones_own_is_proven_too(pytester: pytest.Pytester) -> None:
    """Its operation has another path, and an answer of another shape."""
    pytester.makefile(
        ".yaml",
        mine="""
openapi: 3.1.0
info: {title: Tanks, version: '1'}
paths:
  /v2/tanks:
    get:
      operationId: tanks-list
      responses:
        '200':
          description: All tanks.
          content:
            application/json:
              schema:
                type: object
                required: [tanks]
                properties:
                  tanks:
                    type: array
                    items:
                      type: object
                      required: [id, level]
                      properties:
                        id: {type: string, format: uuid}
                        level: {type: number, minimum: 0}
""",
    )

    result = pytester.runpytest_subprocess("--bctrl-selftest", "--bctrl-contract=mine.yaml", "-k", "mutant")

    result.assert_outcomes(passed=1, deselected=result.parseoutcomes()["deselected"])
    result.stdout.fnmatch_lines(["GET /v2/tanks: contract strength: * mutants caught"])
