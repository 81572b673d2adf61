"""Measures how long headless Chromium takes to open and to filter an HTML report of 10,000 findings.

`python -m benchmarks.report [--runs N] [--findings N]`. The peer is an empty report; both alternate, each in a new page
of the same browser. A page counts as open when it is drawn, two frames after the load event. The filter is a word that
occurs in a single finding, and counts as applied when the filtered list is drawn.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from pytest_bctrl.contract.read import load
from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.reports.html import findings_html
from pytest_bctrl.reports.verdict import RanTest, RunReport, Title
from tests.browser.chromium import launched

_DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
_FILTER = """() => new Promise(done => {
  const field = document.getElementById('text');
  const start = performance.now();
  field.value = 'needle';
  field.dispatchEvent(new Event('input'));
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
})"""


def main() -> None:
    """Measure both reports, and print the times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="measured rounds (default: %(default)s)")
    parser.add_argument("--findings", type=int, default=10_000, help="findings of the long report (default: 10000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        paths = {"empty": Path(folder) / "empty.html", "full": Path(folder) / "full.html"}
        start = time.perf_counter()
        paths["full"].write_text(_report(options.findings), "utf-8")
        write_seconds = time.perf_counter() - start
        paths["empty"].write_text(_report(0), "utf-8")
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in paths}
        for round_number in range(options.runs + 1):
            for name, path in paths.items():
                measured = _measure(browser, path, options.findings if name == "full" else 0)
                if round_number:
                    seconds[name].append(measured)
        size = paths["full"].stat().st_size
    print(f"{options.findings} findings: {size / 1e6:.1f} MB, written in {write_seconds:.2f} s")
    for index, action in enumerate(("open", "filter")):
        full, empty = ([pair[index] for pair in seconds[name]] for name in ("full", "empty"))
        ratios = [full_seconds / empty_seconds for full_seconds, empty_seconds in zip(full, empty, strict=True)]
        note = "under a second" if max(full) < 1 else "NOT under a second in every round"
        print(
            f"{action}: {options.findings} findings {median(full):.3f} s, none {median(empty):.3f} s, "
            f"ratio {median(ratios):.2f} (median of {len(ratios)} rounds; slowest {max(full):.3f} s, {note})"
        )


def _measure(browser: Browser, path: Path, findings: int) -> tuple[float, float]:
    """Return the seconds to open a report and those to filter it. Raises `SystemExit` if the filter does not work."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.evaluate(_DRAWN)
    open_seconds = time.perf_counter() - start
    filter_seconds = page.evaluate(_FILTER) / 1000
    if findings and page.locator("details.finding").count() != 1:
        raise SystemExit("the filtered list should contain one finding")
    page.close()
    return open_seconds, filter_seconds


def _report(count: int) -> str:
    contract = load()
    label = contract.operations[0].label
    findings = [
        Finding(
            f"rule_{number % 10}",
            LEVELS[number % 3],
            f"runtimes[*].metadata.property_{number}",
            "a needle in a haystack" if number == count // 2 else f"the value is not the documented one, case {number}",
            expected=["active", "stopped", "failed"],
            observed=f"value {number}",
            count=number % 300 + 1,
            total=300,
            sample={"location": f"runtimes[{number % 300}].metadata.property_{number}", "value": f"value {number}"},
            operation=label,
            reproduce='curl -sS -i -H "Authorization: Bearer $BCTRL_API_KEY" https://api.bctrl.ai/v1/spaces/x/runtimes',
        )
        for number in range(count)
    ]
    tests = (RanTest("bctrl::test_answer_conforms", "failed" if count else "passed", 0.1),)
    return findings_html(findings, Title("contract run"), RunReport(contract, target="mock", tests=tests))


if __name__ == "__main__":
    main()
