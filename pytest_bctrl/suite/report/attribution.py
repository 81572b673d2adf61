"""Attributes the drift findings of a live run to the vendored spec, upstream or the API."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_bctrl.contract.build import contract_with_overlay
from pytest_bctrl.contract.document import load_data
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.observed.witnesses import next_steps, place
from pytest_bctrl.reports.drift_text import moved_text
from pytest_bctrl.suite.run import ContractRun

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
