"""Reads the settings of the drift gate, which are the levels of rules.

levels:
  response-optional-property-added: warning
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.baseline.baseline_file import DRIFT_SETTINGS_FILE as FILE
from pytest_bctrl.baseline.baseline_file import FILE as BASELINE
from pytest_bctrl.baseline.baseline_file import BaselineFile, error_at, read_mapping
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pytest_bctrl.findings.finding import Level

__all__ = ["FILE", "read_levels", "require_known_rules"]

_RULES_HINT = "pytest-bctrl explain lists the rules"


def read_levels(text: str, path: str) -> Mapping[str, Level]:
    """Return the level per rule in the settings. Raises `DocumentError`, naming the line, for anything invalid."""
    from pytest_bctrl.drift.rules import rules
    from pytest_bctrl.findings.finding import LEVELS

    lines: dict[str, int] = {}
    # `allow` is read in order to say where accepted findings belong.
    data = read_mapping(text, path, lines, ("levels", "allow"), "its key is levels")
    if "allow" in data:
        hint = f"move 'allow' and its entries to {BASELINE}"
        raise error_at(path, lines, "/allow", f"accepted findings belong in {BASELINE}", hint)
    levels = data.get("levels")
    if levels is None:
        return {}
    if not isinstance(levels, dict):
        raise error_at(path, lines, "/levels", "'levels' is not a mapping", "write rule: level")
    for rule, level in levels.items():
        if str(rule) not in rules():
            raise error_at(path, lines, f"/levels/{rule}", f"there is no rule {rule!r}", _RULES_HINT)
        if level not in LEVELS:
            hint = f"the levels are {', '.join(LEVELS)}"
            raise error_at(path, lines, f"/levels/{rule}", f"{level!r} is not a level", hint)
    return levels


def require_known_rules(baseline: BaselineFile, other_rules: Callable[[], Collection[str]] = tuple) -> None:
    """Raise `DocumentError`, naming the line, if an entry of the baseline names a drift rule that does not exist.

    `other_rules` returns the rules of the checks, the invariants of the contract among them. Custom checks may be
    missing from it: their names contain no hyphen, which each id of a drift rule has.
    """
    from pytest_bctrl.drift.rules import rules

    for entry in baseline.entries:
        if entry.rule in rules():
            continue
        may_be_of_drift = "-" in entry.rule or entry.rule.replace("_", "-") in rules()
        if may_be_of_drift and entry.rule not in other_rules():
            where = f"{baseline.path}:{entry.line}"
            raise DocumentError(f"there is no rule {entry.rule!r}", where=where, hint=_RULES_HINT)
