"""Compares the claims of impact runs with a server that has really made the changes."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.impact.truth.changes import CHANGES, changed_document
from tests.impact.truth.suites import SUITES

CHANGED_API = """
from tests.impact.truth.server import ChangedApi

COMBINATIONS = os.environ["COMBINATIONS"].split(",")


@pytest.fixture(scope="session")
def changed_api():
    api = ChangedApi()
    yield api
    api.shutdown()
    api.server_close()


@pytest.fixture(params=COMBINATIONS, autouse=True)
def combination(request):
    return request.param
"""
"""The fixtures of a server of the changed API, and of the changes that apply to each test."""

_CONFTEST = (
    """
import os
import httpx, pytest
"""
    + CHANGED_API
    + """

@pytest.fixture
def bctrl_client(combination, changed_api, bctrl_mock, bctrl_api_key):
    changed_api.upstream = bctrl_mock.url
    headers = {"Authorization": f"Bearer {bctrl_api_key.reveal()}", "Accept": "application/json"}
    url = f"{changed_api.url}/{combination}"
    # Loading certificates takes longer than a test, and no server uses TLS.
    with httpx.Client(base_url=url, headers=headers, trust_env=False, verify=False) as client:
        yield client
"""
)


class Project(NamedTuple):
    """A project whose tests are compared: its suites, and what its runs need."""

    suites: Mapping[str, str] = SUITES
    truth_conftest: str = _CONFTEST
    claims_conftest: str = ""
    options: tuple[str, ...] = ()


ON_THE_MOCK = Project()
"""A project whose tests use the mock of the kit."""


class Comparison(NamedTuple):
    """The number of compared claims about tests and suites, the wrong ones, and what was not run."""

    tests: int
    suites: int
    wrong_tests: list[str]
    wrong_suites: list[str]
    not_run: int
    changes: int
    not_run_tests: int


def documents(sizes: Sequence[int], seed: int = 1) -> list[tuple[int, ...]]:
    """Return the numbers of `size` random changes, at different locations, for each of `sizes`."""
    chance = random.Random(seed)
    numbered: list[tuple[int, ...]] = []
    for size in sizes:
        numbers: list[int] = []
        locations: set[str] = set()
        for number in chance.sample(range(len(CHANGES)), len(CHANGES)):
            change = CHANGES[number]
            # A removed operation, another status or media type leaves nothing to compare; they come alone.
            is_alone = change.location in ("", "status 200", "200 application/json")
            location = change.location.removesuffix("[*]")
            if location not in locations and not (is_alone and size > 1) and len(numbers) < size:
                numbers.append(number)
                locations.add(location)
        numbered.append(tuple(sorted(numbers)))
    return numbered


def true_outcomes(
    project: pytest.Pytester, combinations: Sequence[str], compared: Project = ON_THE_MOCK
) -> dict[tuple[str, str], str]:
    """Return the outcome of each test with each combination of changes, such as `1+4`, on the changed server."""
    folder = project.path / "truth"
    _write_suites(folder, compared.suites)
    (folder / "conftest.py").write_text(compared.truth_conftest, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMBINATIONS", ",".join(combinations))
        patch.chdir(folder)
        record = project.inline_run("-q", "-p", "no:randomly", "--tb=no", f"--rootdir={folder}", str(folder))
    outcomes: dict[tuple[str, str], str] = {}
    for report in record.getreports("pytest_runtest_logreport"):
        test, _, parameters = report.nodeid.removeprefix("truth/").removesuffix("]").partition("[")
        names = parameters.split("-")
        combination = next(name for name in names if name in combinations)
        other_parameters = "-".join(name for name in names if name != combination)
        key = (f"{test}[{other_parameters}]" if other_parameters else test, combination)
        if outcomes.get(key) != "failed":
            outcomes[key] = report.outcome if report.outcome != "passed" else outcomes.get(key, "passed")
    return outcomes


def claims(project: pytest.Pytester, numbers: Sequence[int], compared: Project = ON_THE_MOCK) -> Mapping[str, Any]:
    """Return the `impact` of each change of an impact run, by its number; of all at once, by `1+4`.

    That of a single change is merged from all findings about it, and has `verdicts` instead of `verdict`.
    """
    folder = project.path / "claims"
    _write_suites(folder, compared.suites)
    (folder / "conftest.py").write_text(compared.claims_conftest, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (folder / "changed.json").write_text(changed_document(tuple(CHANGES[number] for number in numbers)), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        options = ("--bctrl-impact=changed.json", "--bctrl-report=impact.json", "-p", "no:randomly", "-q")
        project.inline_run(*options, *compared.options, f"--rootdir={folder}", str(folder))
    report = json.loads((folder / "impact.json").read_text("utf-8"))
    by_number: dict[str, Any] = {}
    for finding in report["findings"]:
        if finding["rule"] == "impact-together" and len(numbers) > 1:
            by_number["+".join(map(str, numbers))] = finding["impact"]
        for number in numbers:
            if len(numbers) == 1 or finding["location"] == CHANGES[number].location:
                # Of several findings about one change, such as a renamed value, the worst is the claim.
                _merge(
                    by_number.setdefault(str(number), {"tests": [], "skipped": [], "not_run": [], "verdicts": []}),
                    finding["impact"],
                )
    return by_number


def _merge(claim: dict[str, Any], impact: Mapping[str, Any]) -> None:
    """Add the tests and the verdict of a finding to the claim about its change, in place."""
    claim["tests"] = [*claim["tests"], *impact["tests"]]
    claim["skipped"] = [*claim["skipped"], *impact["skipped"]]
    claim["not_run"] = [*claim["not_run"], *impact["not_run"]]
    claim["verdicts"] = [*claim["verdicts"], impact["verdict"]]


def compare_all(
    project: pytest.Pytester, numbered: Sequence[tuple[int, ...]], compared: Project = ON_THE_MOCK
) -> Comparison:
    """Compare the claims about every change, alone and with the others of its document, with the truth."""
    combinations = {str(number) for numbers in numbered for number in numbers}
    combinations |= {"+".join(map(str, numbers)) for numbers in numbered}
    truth = true_outcomes(project, sorted(combinations), compared)
    tests = sorted({test for test, _ in truth})
    wrong_tests: list[str] = []
    wrong_suites: list[str] = []
    count = suite_count = not_run = change_count = not_run_tests = 0
    for numbers in numbered:
        for combination, claim in claims(project, numbers, compared).items():
            change_count += 1
            if set(claim.get("verdicts", [claim.get("verdict")])) == {"not run"}:
                not_run += combination != str(len(CHANGES) - 1)
                continue
            outcomes = dict.fromkeys(tests, "passed")
            outcomes.update(dict.fromkeys(claim["skipped"], "skipped"))
            outcomes.update({test["test"]: "failed" for test in claim["tests"]})
            outcomes.update({test["test"]: "not run" for test in claim["not_run"]})
            name = " + ".join(CHANGES[int(number)].name for number in combination.split("+"))
            for test in tests:
                not_run_tests += outcomes[test] == "not run"
                count += outcomes[test] != "not run"
                if outcomes[test] not in ("not run", truth[test, combination]):
                    wrong_tests.append(f"{name} | {test}: claimed {outcomes[test]}, but {truth[test, combination]}")
            for suite in compared.suites:
                suite_count += 1
                of_suite = [
                    test for test in tests if test.startswith(f"test_{suite}.py::") and outcomes[test] != "not run"
                ]
                is_claimed = any(outcomes[test] == "failed" for test in of_suite)
                if is_claimed != any(truth[test, combination] == "failed" for test in of_suite):
                    wrong_suites.append(f"{name} | {suite}: claimed {is_claimed}")
    return Comparison(count, suite_count, wrong_tests, wrong_suites, not_run, change_count, not_run_tests)


def _write_suites(folder: Path, suites: Mapping[str, str]) -> None:
    """Write a test file per suite to a folder, which is created if necessary."""
    folder.mkdir(exist_ok=True)
    for name, text in suites.items():
        (folder / f"test_{name}.py").write_text(text, "utf-8")
