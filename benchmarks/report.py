"""The HTML report of 10,000 findings against an empty one, in headless Chromium: to open it, and to filter it.

`python -m benchmarks.report [--runs N] [--findings N]`. Both are real files, opened in turn in a fresh page of the same
browser. Opened means that the page is drawn: two frames after the load event. Filtered means that the text field got a
word that one finding has, and the list that follows from it is drawn.
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
  const began = performance.now();
  field.value = 'needle';
  field.dispatchEvent(new Event('input'));
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
})"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="turns that count (default: %(default)s)")
    parser.add_argument("--findings", type=int, default=10_000, help="findings of the long report (default: 10000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        paths = {"empty": Path(folder) / "empty.html", "full": Path(folder) / "full.html"}
        began = time.perf_counter()
        paths["full"].write_text(_report(options.findings), "utf-8")
        written = time.perf_counter() - began
        paths["empty"].write_text(_report(0), "utf-8")
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in paths}
        for turn in range(options.runs + 1):
            for name, path in paths.items():
                measured = _measure(browser, path, options.findings if name == "full" else 0)
                if turn:
                    seconds[name].append(measured)
        size = paths["full"].stat().st_size
    print(f"{options.findings} findings: {size / 1e6:.1f} MB, written in {written:.2f} s")
    for index, what in enumerate(("open", "filter")):
        full, empty = ([pair[index] for pair in seconds[name]] for name in ("full", "empty"))
        ratios = [one / other for one, other in zip(full, empty, strict=True)]
        note = "under a second" if max(full) < 1 else "NOT under a second in every turn"
        print(
            f"{what}: {options.findings} findings {median(full):.3f} s, none {median(empty):.3f} s, "
            f"ratio {median(ratios):.2f} (median of {len(ratios)} turns; slowest {max(full):.3f} s, {note})"
        )


def _measure(browser: Browser, path: Path, findings: int) -> tuple[float, float]:
    """Seconds to open and seconds to filter; what is shown is looked at, so that no figure is of a broken page."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    began = time.perf_counter()
    page.goto(path.as_uri())
    page.evaluate(_DRAWN)
    opened = time.perf_counter() - began
    filtered = page.evaluate(_FILTER) / 1000
    if findings and page.locator("details.finding").count() != 1:
        raise SystemExit("the filter does not find the one finding that it should")
    page.close()
    return opened, filtered


def _report(count: int) -> str:
    contract = load()
    label = contract.operations[0].label
    findings = [
        Finding(
            f"rule_{number % 10}",
            LEVELS[number % 3],
            f"runtimes[*].metadata.property_{number}",
            "a needle in the list" if number == count // 2 else f"the value is not the documented one, case {number}",
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
