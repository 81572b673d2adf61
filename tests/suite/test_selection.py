"""The contract suite is ordinary pytest: its tests are collected, selected and reported like any others."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

TESTS = 45


STRICT = ("-W", "error", "--strict-markers", "--strict-config")
RULES = "[pytest]\npython_functions = check_*\npython_files = check_*.py\npython_classes = Check\n"


@pytest.mark.parametrize(
    ("ini", "arguments"),
    [
        ("[pytest]\n", ("--junitxml=out.xml", *STRICT)),
        (RULES, ("--import-mode=append",)),
        ("[pytest]\n", ("--import-mode=importlib", "-p", "randomly", "-p", "no:cacheprovider")),
    ],
    ids=["strict", "naming-rules-append", "importlib-random-order"],
)
def test_the_suite_runs_in_an_empty_directory(pytester: pytest.Pytester, ini: str, arguments: tuple[str, ...]) -> None:
    """With warnings as errors, in random order, in other import modes, and with other naming rules for tests."""
    pytester.makeini(ini)

    result = pytester.runpytest("--bctrl-mock", *arguments)

    result.assert_outcomes(passed=TESTS)
    assert result.ret == pytest.ExitCode.OK
    for written in pytester.path.glob("out.xml"):
        assert TESTS == len(ElementTree.parse(written).getroot().findall(".//testcase"))


def test_no_contract_tests_are_collected_without_an_option(pytester: pytest.Pytester) -> None:
    assert pytester.runpytest().ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_ids_begin_with_bctrl(pytester: pytest.Pytester) -> None:
    """All collected tests of a run against the mock have ids `bctrl::test_…`."""
    result = pytester.runpytest("--bctrl-mock", "--collect-only", "-q")

    ids = [line for line in result.outlines if "::" in line]
    assert len(ids) == TESTS
    assert all(line.startswith("bctrl::test_") for line in ids)


@pytest.mark.parametrize(
    ("arguments", "outcomes"),
    [
        ((), {"passed": TESTS + 1}),
        (("-k", "credential and bearer"), {"passed": 1, "deselected": TESTS}),
        (("-m", "not bctrl_contract", "--strict-markers"), {"passed": 1, "deselected": TESTS}),
        (("bctrl",), {"passed": TESTS}),
        (("bctrl::test_invariant[runtimes-list-unique_ids]",), {"passed": 1}),
        (("-n", "2", "bctrl::test_wrong_credential_is_refused"), {"passed": 15}),
    ],
    ids=["all", "-k", "-m", "the suite alone", "an id that was printed", "a test on workers"],
)
def test_contract_tests_and_project_tests_can_be_selected(
    pytester: pytest.Pytester, arguments: tuple[str, ...], outcomes: dict[str, int]
) -> None:
    """By `-k`, `-m`, or a path or id: the outcomes of a project with one test of its own."""
    pytester.makeconftest("import pytest\n\n@pytest.fixture(autouse=True)\ndef mine():\n    yield\n")
    pytester.makepyfile("def test_mine():\n    pass\n")

    pytester.runpytest("--bctrl-mock", *arguments).assert_outcomes(**outcomes)


def test_an_unknown_test_id_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-mock", "bctrl::test_nothing")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: no contract test matches bctrl::test_nothing*--collect-only*"])
