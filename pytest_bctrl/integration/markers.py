"""Validates the arguments of the plugin's markers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from pytest_bctrl.escaping import escape_line
from pytest_bctrl.traffic.mock.call_syntax import call_text

_ARGUMENTS: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "bctrl_mock": ("unused", ("allow", "fail"), 'it takes unused="allow" or unused="fail"'),
    "bctrl_impact": ("skip", (True, False), "it takes skip=True or skip=False"),
    "bctrl_watch": ("conforming", (True, False), "it takes conforming=False or conforming=True"),
}
"""By marker: the argument, its valid values, and a hint."""


def require_valid_markers(items: Iterable[pytest.Item]) -> None:
    """Raise `pytest.UsageError` for a marker `bctrl_mock`, `bctrl_impact` or `bctrl_watch` with wrong arguments."""
    for item in items:
        for name, (argument, values, hint) in _ARGUMENTS.items():
            for marker in item.iter_markers(name):
                if not _is_valid(marker, argument, values):
                    text = call_text(name, marker.args, marker.kwargs)
                    problem = f"{item.nodeid}: the marker {text} is not valid"
                    raise pytest.UsageError(escape_line(f"bctrl: {problem} ({hint})"))


def _is_valid(marker: pytest.Mark, argument: str, values: tuple[Any, ...]) -> bool:
    """Return whether a marker has exactly this keyword argument, with one of these values."""
    if marker.args or list(marker.kwargs) != [argument]:
        return False
    value = marker.kwargs[argument]
    # 1 is equal to True, and not what the documentation says.
    return type(value) is type(values[0]) and value in values
