"""The contract suite is ordinary pytest: it is selected, stopped, repeated, spread and reported like any tests."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

TESTS = 36


def test_an_empty_directory_is_enough(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-mock")

    result.assert_outcomes(passed=TESTS)
    assert result.ret == pytest.ExitCode.OK


def test_without_a_flag_nothing_is_collected(pytester: pytest.Pytester) -> None:
    assert pytester.runpytest().ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_it_runs_beside_the_projects_own_tests(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest\n\n@pytest.fixture(autouse=True)\ndef mine():\n    yield\n")
    pytester.makepyfile(test_mine="def test_mine():\n    pass\n")

    result = pytester.runpytest("--bctrl-mock")

    result.assert_outcomes(passed=TESTS + 1)


def test_the_projects_naming_rules_do_not_hide_it(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\npython_functions = check_*\npython_files = check_*.py\npython_classes = Check\n")

    pytester.runpytest("--bctrl-mock").assert_outcomes(passed=TESTS)


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_every_import_mode_works(pytester: pytest.Pytester, mode: str) -> None:
    pytester.runpytest("--bctrl-mock", f"--import-mode={mode}").assert_outcomes(passed=TESTS)


def test_ids_begin_with_bctrl(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-mock", "--collect-only", "-q")

    ids = [line for line in result.outlines if "::" in line]
    assert len(ids) == TESTS
    assert all(line.startswith("bctrl::test_") for line in ids)


def test_k_selects(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-mock", "-k", "credential and empty")

    result.assert_outcomes(passed=1, deselected=TESTS - 1)


@pytest.mark.parametrize(("expression", "passed"), [("bctrl_contract", TESTS), ("not bctrl_contract", 1)])
def test_m_selects(pytester: pytest.Pytester, expression: str, passed: int) -> None:
    pytester.makepyfile("def test_mine():\n    pass\n")

    result = pytester.runpytest("--bctrl-mock", "-m", expression, "--strict-markers")

    result.assert_outcomes(passed=passed, deselected=TESTS + 1 - passed)


def test_bctrl_as_an_argument_runs_the_contract_suite_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_mine():\n    pass\n")

    pytester.runpytest("--bctrl-mock", "bctrl").assert_outcomes(passed=TESTS)


def test_an_id_that_was_printed_runs_that_test(pytester: pytest.Pytester) -> None:
    name = "bctrl::test_invariant[runtimes-list-unique_ids]"

    pytester.runpytest("--bctrl-mock", name).assert_outcomes(passed=1)


def test_an_unknown_id_is_one_clear_line(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-mock", "bctrl::test_nothing")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: no contract test matches bctrl::test_nothing*--collect-only*"])


def test_junitxml_holds_every_test(pytester: pytest.Pytester) -> None:
    pytester.runpytest("--bctrl-mock", "--junitxml=out.xml")

    suite = ElementTree.parse(pytester.path / "out.xml").getroot()
    assert len(suite.findall(".//testcase")) == TESTS


def test_workers_take_the_same_ids(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_mine():\n    pass\n")

    result = pytester.runpytest("--bctrl-mock", "-n", "2", "bctrl::test_wrong_credential_is_refused")

    result.assert_outcomes(passed=14)


def test_random_order_changes_nothing(pytester: pytest.Pytester) -> None:
    pytester.runpytest("--bctrl-mock", "-p", "randomly", "-p", "no:cacheprovider").assert_outcomes(passed=TESTS)


def test_warnings_as_errors_are_none(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-mock", "-W", "error", "--strict-markers", "--strict-config")

    result.assert_outcomes(passed=TESTS)
