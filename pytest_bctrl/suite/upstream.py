"""The test `bctrl::test_upstream_has_not_drifted`, which `--bctrl-upstream` adds to a run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_bctrl.contract.files import short_path
from pytest_bctrl.contract.in_force import contract_of_config
from pytest_bctrl.drift import compare_with_upstream
from pytest_bctrl.drift.settings import FILE
from pytest_bctrl.drift.sources import read_source
from pytest_bctrl.errors import DocumentError, UnreachableError
from pytest_bctrl.escaping import escape_lines
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.reports.drift_text import drift_text
from pytest_bctrl.reports.verdict import Title
from pytest_bctrl.suite.report.verdict import VERDICT, Verdict
from pytest_bctrl.suite.run_key import RUN


def test_upstream_has_not_drifted(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> None:
    """No change of the upstream spec from the vendored one fails the run, and all of both could be compared."""
    run = pytestconfig.stash[RUN]
    chosen = contract_of_config(pytestconfig)
    base = str(chosen.spec)
    verdict = request.node.stash[VERDICT] = Verdict(run.fail_on)

    def describe(findings: Sequence[Finding]) -> str:
        """Return the findings as text."""
        return drift_text(findings, Title("drift", base, str(run.upstream), run.fail_on))

    try:
        upstream = read_source(str(run.upstream))
        settings = pytestconfig.rootpath / FILE
        compared = compare_with_upstream(upstream, base, settings, run.baseline.file, chosen.overlay, run.rules)
        if run.target == "live":
            verdict.upstream = {"name": upstream.name, "data": upstream.data}
        verdict.collect(compared.remaining)
        notes = (f"compared with {short_path(base)}: {chosen.reason}", *compared.notes)
        verdict.figures = [f"drift        {note}" for note in notes]
    except (DocumentError, UnreachableError) as error:
        verdict.not_checked = f"the drift of the spec: {error}"
        raise pytest.fail.Exception(f"not checked: {verdict.not_checked}", pytrace=False) from None
    verdict.raise_if_failing(describe)
    if compared.not_compared:
        verdict.not_checked = f"the drift of the spec: {'; '.join(compared.not_compared)}"
        raise pytest.fail.Exception(escape_lines(f"not checked: {verdict.not_checked}"), pytrace=False)
