"""The test `bctrl::test_upstream_has_not_drifted`, which `--bctrl-upstream` adds to a run; and who moved."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_bctrl.contract.build import contract_with_overlay
from pytest_bctrl.contract.document import load_data
from pytest_bctrl.contract.files import short_path
from pytest_bctrl.contract.in_force import contract_of_config
from pytest_bctrl.drift import judge_upstream
from pytest_bctrl.drift.gate_file import FILE
from pytest_bctrl.drift.sources import read_source
from pytest_bctrl.errors import DocumentError, UnreachableError
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.observed.witnesses import next_steps, place
from pytest_bctrl.reports.drift_text import drift_text, moved_text
from pytest_bctrl.reports.wording import Title
from pytest_bctrl.suite.run import RUN, ContractRun
from pytest_bctrl.suite.verdict import VERDICT, Verdict


def test_upstream_has_not_drifted(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> None:
    """The spec, as it is published now, means what the vendored one means."""
    run = pytestconfig.stash[RUN]
    chosen = contract_of_config(pytestconfig)
    base = str(chosen.spec)
    verdict = request.node.stash[VERDICT] = Verdict(run.fail_on)

    def words(found: Sequence[Finding]) -> str:
        return drift_text(found, Title("drift", base, str(run.upstream), run.fail_on))

    try:
        upstream = read_source(str(run.upstream))
        judged = judge_upstream(upstream, base, pytestconfig.rootpath / FILE, chosen.overlay)
        verdict.upstream = {"name": upstream.name, "data": upstream.data} if run.target == "live" else None
        verdict.collect(judged.remaining)
        notes = (f"compared with {short_path(base)}: {chosen.reason}", *judged.notes)
        verdict.figures = [f"drift        {note}" for note in notes]
    except (DocumentError, UnreachableError) as error:
        verdict.not_checked = f"the drift of the spec: {error}"
        raise pytest.fail.Exception(f"not checked: {verdict.not_checked}", pytrace=False) from None
    verdict.give(words)


REPORT = "bctrl-run.json"


def moved(
    run: ContractRun,
    upstream: Mapping[str, Any],
    observation: Observation,
    found: Sequence[Finding],
    commands: Mapping[str, str],
) -> tuple[list[Finding], list[str]]:
    """Return the findings of a run with who moved on those that tell it, and the section that says so, line by line.

    `upstream` is the published document as the drift test read it: `name` and `data`. `commands` are those of
    `commands_of`. Raises `DocumentError` where the overlay no longer applies to upstream.
    """
    published = contract_with_overlay(load_data(upstream["data"], str(upstream["name"])), run.chosen.overlay)
    changes = [finding for finding in found if "revision" in finding.extra]
    placed = place(run.contract, published, observation, changes, commands)
    section = ["who moved: the vendored spec, upstream, or the API", *moved_text(placed), ""] if placed else []
    words = ("moved", "witnesses", "next")
    more = {one.fingerprint: {word: one.extra[word] for word in words} for one in placed}
    return [replace(one, extra={**one.extra, **more.get(one.fingerprint, {})}) for one in found], section


def commands_of(run: ContractRun, again: Sequence[str], report: str) -> Mapping[str, str]:
    """Return the command to type next for each name; one that needs what was seen writes it down, where nothing did."""
    source = str(run.upstream)
    written = report or REPORT
    suggest = shlex.join(["pytest-bctrl", "contract", "suggest", written, "--output", "suggested.overlay.yaml"])
    if not report:
        suggest = f"{shlex.join([*again, f'--bctrl-report={written}'])}; {suggest}"
    own = shlex.join(["pytest-bctrl", "drift", source, "--base", run.contract.name])
    update = run.chosen.update_command(source) if run.chosen.files else own
    return next_steps(shlex.join([*again, "--lf"]), suggest, update, shlex.join(again))
