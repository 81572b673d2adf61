"""Attributes the drift findings of a live run to the vendored spec, upstream or the API."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_bctrl.contract.build import contract_with_overlay
from pytest_bctrl.contract.document import load_data
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.attribution import attribute_changes, next_steps
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.reports.drift_text import attribution_lines
from pytest_bctrl.suite.run import ContractRun

REPORT = "bctrl-run.json"
"""The JSON report that a suggested command writes if the run writes none."""


def attribute(
    run: ContractRun,
    upstream: Mapping[str, Any],
    observation: Observation,
    findings: Sequence[Finding],
    commands: Mapping[str, str],
) -> tuple[list[Finding], list[str]]:
    """Return all findings, with a cause in each drift finding that has one, and the report's section about causes.

    `upstream` is the published document as the drift test read it: `name` and `data`. `commands` are those of
    `next_commands`. Raises `DocumentError` if the overlay no longer applies to upstream.
    """
    published = contract_with_overlay(load_data(upstream["data"], str(upstream["name"])), run.chosen.overlay)
    changes = [finding for finding in findings if "revision" in finding.extra]
    attributed = attribute_changes(run.contract, published, observation, changes, commands)
    section = []
    if attributed:
        section = ["cause of each change: the vendored spec, upstream, or the API", *attribution_lines(attributed), ""]
    causes = {
        finding.fingerprint: {key: finding.extra[key] for key in ("moved", "witnesses", "next")}
        for finding in attributed
    }
    with_causes = [
        replace(finding, extra={**finding.extra, **causes.get(finding.fingerprint, {})}) for finding in findings
    ]
    return with_causes, section


def next_commands(run: ContractRun, repeat: Sequence[str], report: str) -> Mapping[str, str]:
    """Return the command to run next for each cause; `repeat` is the command that repeats the run.

    The command that needs the observations first writes them to a report if the run writes no `report`.
    """
    source = str(run.upstream)
    suggest = shlex.join(
        ["pytest-bctrl", "contract", "suggest", report or REPORT, "--output", "suggested.overlay.yaml"]
    )
    if not report:
        suggest = f"{shlex.join([*repeat, f'--bctrl-report={REPORT}'])}; {suggest}"
    update = shlex.join(["pytest-bctrl", "drift", source, "--base", run.contract.name])
    if run.chosen.files:
        update = run.chosen.update_command(source)
    return next_steps(shlex.join([*repeat, "--lf"]), suggest, update, shlex.join(repeat))
