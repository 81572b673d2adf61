"""The cause of a change in a live run: the vendored spec, the upstream spec, or the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_bctrl.observed.attribution import AHEAD, BROKEN, PROMISED, STALE
from tests.drift.published import SPEC
from tests.observed.three_sources import CASES, published, sent_body
from tests.variants import named
from tests.variants.runtimes import SPACE_ID
from tests.variants.server import serve
from tests.variants.service import Service
from tests.variants.variant import faulty

from .conftest import LiveRun, Typed

CASE_NAMES: dict[str, str] = {
    STALE: "a value that upstream lists",
    AHEAD: "a property that nobody documents",
    PROMISED: "a value that is never sent",
    BROKEN: "a null where none is allowed",
}
SUGGEST = "pytest-bctrl contract suggest run.json --output suggested.overlay.yaml"
COMMANDS: dict[str, str] = {
    STALE: "pytest-bctrl contract update upstream.yaml --contracts contracts",
    AHEAD: SUGGEST,
    PROMISED: "pytest-bctrl drift upstream.yaml --observed run.json",
    BROKEN: SUGGEST,
}
SELECTED_TESTS = ("-k", "answer_conforms or undocumented or drifted")


@pytest.fixture
def upstream(pytester: pytest.Pytester) -> Path:
    """Return the path of the upstream spec, which each test writes."""
    return pytester.path / "upstream.yaml"


def service_with(name: str) -> Service:
    """Return a service that lists the runtimes of a case, in the space of the tests."""
    body: dict[str, Any] = sent_body(CASES[name])
    for runtime in body["runtimes"]:
        runtime["spaceId"] = SPACE_ID
    return Service(document=lambda: json.loads(json.dumps(body)))


def suggested_commands(result: pytest.RunResult) -> list[str]:
    """Return the commands in the `next` lines of an output, those joined by `;` one by one."""
    lines = [line for line in result.outlines if line.startswith("  next      ")]
    return [command.strip() for line in lines for command in line.removeprefix("  next").split(";")]


@pytest.mark.parametrize(("cause", "workers"), [*((cause, "0") for cause in CASE_NAMES), (STALE, "2")])
def test_the_run_and_the_gate_attribute_a_change_to_the_same_cause(
    pytester: pytest.Pytester, live: LiveRun, typed: Typed, upstream: Path, cause: str, workers: str
) -> None:
    """A live run and `drift` print the same cause; the command that `drift` then suggests is run too.

    It exits with 0, or with 1 for `PROMISED`, whose command is `drift` again.
    """
    case = CASES[CASE_NAMES[cause]]
    upstream.write_text(yaml.safe_dump(published(case)))
    with serve(faulty("schema", "moved", cause, service_with(CASE_NAMES[cause]))) as server:
        result = live(
            server, *SELECTED_TESTS, "-n", workers, "--bctrl-upstream=upstream.yaml", "--bctrl-report=run.json"
        )

    result.stdout.fnmatch_lines(["cause of each change: *", f"{cause.upper()}: 1 (*"])
    lines = [
        finding for finding in json.loads((pytester.path / "run.json").read_text())["findings"] if "moved" in finding
    ]
    assert [(cause, case.location)] == [(finding["moved"], finding["location"]) for finding in lines]
    assert {"vendored", "upstream", "observed"} == lines[0]["witnesses"].keys()

    gate = typed("pytest-bctrl drift upstream.yaml --observed run.json --fail-on warning")

    assert gate.ret == 1
    gate.stdout.fnmatch_lines([f"{cause.upper()}: 1 (*"])
    (command,) = suggested_commands(gate)
    assert COMMANDS[cause] == command
    assert typed(f"{command} --dry-run" if cause == STALE else command).ret == (1 if cause == PROMISED else 0)


def test_the_command_for_a_stale_contract_without_vendored_files_is_a_comparison(
    pytester: pytest.Pytester, live: LiveRun, typed: Typed, upstream: Path
) -> None:
    """The contract is a single file: the printed command compares upstream with it, and lists the change."""
    case = CASES[CASE_NAMES[STALE]]
    upstream.write_text(yaml.safe_dump(published(case)))
    (pytester.path / "own.yaml").write_text(yaml.safe_dump(SPEC))
    with serve(faulty("schema", "moved", STALE, service_with(CASE_NAMES[STALE]))) as server:
        options = ["--bctrl-upstream=upstream.yaml", "--bctrl-contract=own.yaml", "--bctrl-report=run.json"]
        result = live(server, *SELECTED_TESTS, *options)

    result.stdout.fnmatch_lines([f"{STALE.upper()}: 1 (*"])
    (command,) = suggested_commands(result)
    assert "pytest-bctrl drift upstream.yaml --base own.yaml" == command
    drift = typed(command)
    assert pytest.ExitCode.TESTS_FAILED == drift.ret
    assert case.location in drift.stdout.str()


def test_no_attribution_is_printed_without_a_change(pytester: pytest.Pytester, live: LiveRun, upstream: Path) -> None:
    """The server conforms, and upstream is the vendored spec: the output has no line about causes."""
    upstream.write_text(yaml.safe_dump(SPEC))
    with serve(named("plain")) as server:
        result = live(server, *SELECTED_TESTS, "--bctrl-upstream=upstream.yaml")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*cause of*")


def test_the_printed_commands_resolve_the_change(live: LiveRun, typed: Typed, upstream: Path) -> None:
    """The suggested overlay can be written and built; under the built contract, the property is not a finding."""
    upstream.write_text(yaml.safe_dump(published(CASES[CASE_NAMES[PROMISED]])))
    with serve(faulty("schema", "moved", AHEAD, service_with(CASE_NAMES[AHEAD]))) as server:
        printed = suggested_commands(live(server, *SELECTED_TESTS, "--bctrl-upstream=upstream.yaml"))
        assert len(printed) == 3
        results = [typed(command) for command in printed]
        built = typed(results[1].outlines[-1].removeprefix("next: "))
        again = typed(f"{printed[0]} --bctrl-contract=observed.contract.json -k undocumented --bctrl-fail-on=warning")

    assert [1, 0, 1] == [result.ret for result in results]
    results[1].stdout.fnmatch_lines(["suggested.overlay.yaml: 1 actions for 1 differences"])
    assert (built.ret, again.ret) == (0, 0)


def test_an_overlay_that_no_longer_applies_makes_attribution_not_checked(
    pytester: pytest.Pytester, live: LiveRun, upstream: Path
) -> None:
    """The upstream spec lacks what the overlay changes: the run says that the cause is not checked."""
    spec = published(CASES[CASE_NAMES[AHEAD]])
    spec["paths"]["/v1/spaces/{id}/runtimes"]["get"]["parameters"].pop()
    upstream.write_text(yaml.safe_dump(spec))
    with serve(faulty("schema", "moved", AHEAD, service_with(CASE_NAMES[AHEAD]))) as server:
        result = live(server, *SELECTED_TESTS, "--bctrl-upstream=upstream.yaml")

    result.stdout.fnmatch_lines(["not checked  cause of the changes: upstream.yaml, * action 1 * no longer applies *"])
    result.stdout.no_fnmatch_line("cause of each change: *")


@pytest.mark.parametrize("target", [[], ["--bctrl-mock"]], ids=["none", "mock"])
def test_no_attribution_is_printed_without_a_live_api(
    pytester: pytest.Pytester, upstream: Path, target: list[str]
) -> None:
    """The mock follows the contract, so its traffic says nothing about the API."""
    upstream.write_text(yaml.safe_dump(published(CASES[CASE_NAMES[STALE]])))

    result = pytester.runpytest("--bctrl-upstream=upstream.yaml", *target)

    result.stdout.no_fnmatch_line("cause of each change: *")
    result.stdout.fnmatch_lines(["next         pytest-bctrl contract update *"])
