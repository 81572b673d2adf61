"""The documentation says what the code does."""

from __future__ import annotations

import re

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.gate_file import read_gate_file
from pytest_bctrl.drift.rules import rules
from pytest_bctrl.reports.drift_text import drift_text
from pytest_bctrl.reports.title import Title

from .published import TEXT
from .rules_page import PAGE, rules_page

_GUIDE = PAGE.with_name("drift.md").read_text("utf-8")


def test_the_page_of_rules_is_current() -> None:
    """Write it anew with: python tests/drift/rules_page.py."""
    assert PAGE.read_text("utf-8") == rules_page()


def test_the_page_names_every_rule() -> None:
    text = PAGE.read_text("utf-8")
    assert [rule for rule in rules() if f"| `{rule}` |" not in text] == []


def test_the_failing_output_in_the_guide_is_real() -> None:
    """The nightly example is what the gate prints for the change that the guide describes."""
    changed = TEXT.replace("- failed", "- failed\n        - paused").replace("        - region\n", "")
    findings = compare(load_document(TEXT, "contracts/runtimes.openapi.yaml"), load_document(changed, "upstream.yaml"))
    printed = drift_text(findings, Title("drift", "contracts/runtimes.openapi.yaml", "upstream.yaml"))
    assert printed in _GUIDE


def test_the_allow_list_in_the_guide_can_be_read() -> None:
    blocks = re.findall(r"```yaml\n(# bctrl-drift.yaml\n.*?)```", _GUIDE, re.DOTALL)
    assert len(blocks) == 1
    assert len(read_gate_file(blocks[0], "bctrl-drift.yaml").entries) == 2
