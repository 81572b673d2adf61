"""Each call that prints escapes its text in the same expression, or is listed with the reason why it need not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest_bctrl

OUTPUT_CALLS = {"print", "line", "write_line", "fail", "skip", "xfail", "exit", "UsageError", "sys.stdout.write"}
OUTPUT_CALLS |= {"sys.stderr.write", "terminal.write", "pytest.fail.Exception", "pytest.skip.Exception"}
LAST_NAMES = {name.rpartition(".")[2] for name in OUTPUT_CALLS}
"""The last part of each, which is quicker to compare than the complete expression."""
KNOWN = {
    "cli/check.py *first_coverage_lines(checked.observer)": "lines that are escaped",
    "cli/check.py _findings_text(findings, title, checked.": "a report",
    "cli/check.py writer(options.format)(findings, title)": "a report",
    "cli/contract.py drift_text(comparison.findings, title)": "a report",
    "cli/contract.py text": "YAML that is escaped",
    "cli/drift.py f'pytest-bctrl: nothing to accept: no fi": "own words",
    "cli/mock.py f'generated data instead of {len(invalid": "own words and a number",
    "cli/options.py text": "a report",
    "integration/fixture_values.py f'bctrl_scenario: {error}'": "an error, which is escaped",
    "integration/fixture_values.py f'bctrl: {error}'": "an error, which is escaped",
    "impact/watched_exchanges.py self._api.operation_label(request)": "counted, and not printed here",
    "watch/recorder.py exchange": "counted, and not printed here",
    "impact/hooks.py line": "the progress, in own words",
    "impact/rerun.py _time_limit_text(seconds)": "own words",
    "reports/terminal.py f'{label:<12} '": "own words",
    "recorded/hooks.py f'bctrl recording: {error}'": "an error, which is escaped",
    "settings/lookup.py f'bctrl: {error}'": "an error, which is escaped",
    "reports/failure_text.py indent": "blanks",
    "reports/failure_text.py label": "own words",
    "reports/failure_text.py text": "rows, which are escaped",
    "suite/hooks.py '\\n'.join([message, *describe([failure.f": "lines that are escaped",
    "suite/hooks.py f'no contract test matches {chosen}; lis": "a name that is escaped",
    "suite/hooks.py message": "a line that is escaped",
    "suite/report/hooks.py line": "annotations, and lines that are escaped",
    "suite/report/sinks.py f'bctrl: not every report could be redac": "own words, and the name of a class",
    "suite/report/sinks.py f'bctrl: {note}'": "own words, and the name of a setting",
    "suite/contract_suite.py text": "lines that are escaped",
    "watch/hooks.py problem": "lines that are escaped",
    "watch/summary.py str(row)": "rows, which are escaped",
    "suite/upstream.py f'not checked: {verdict.not_checked}'": "an error, which is escaped",
    "suite/report/verdict.py '; '.join(dict.fromkeys(map(accepted_whe": "lines that are escaped",
}
"""Output calls that do not escape their text in the same expression, and why they need not."""


def test_every_printed_text_is_escaped() -> None:
    """Scan the package's source: each call that prints calls an escape function, or is listed with a reason."""
    root, unescaped = Path(pytest_bctrl.__file__).parent, set()
    for path in root.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            if getattr(call.func, "attr", getattr(call.func, "id", "")) not in LAST_NAMES:
                continue
            name = ast.unparse(call.func)
            is_output = {name, getattr(call.func, "attr", name)} & OUTPUT_CALLS and not name.endswith(
                ("document.line", "sys.exit")
            )
            if is_output and call.args and not isinstance(call.args[0], ast.Constant):
                text = ast.unparse(call.args[0])
                if "escape_" not in text:
                    unescaped.add(f"{path.relative_to(root).as_posix()} {text[:40]}")
    assert set(KNOWN) == unescaped
