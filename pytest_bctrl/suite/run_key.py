"""How pytest's configuration, node ids and options show a contract run.

A module of its own: commands that use `ContractRun` need not import pytest, and the fixtures and the watch, which look
for a contract run, need not import what it consists of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_bctrl.suite.run import ContractRun

RUN: pytest.StashKey[ContractRun] = pytest.StashKey()
"""The key under which pytest's configuration stores the settings of a contract run."""

NODE = "bctrl"
"""The beginning of the ids of contract tests."""

SELECTING_OPTIONS = ("keyword", "markexpr", "deselect", "lf", "stepwise")
"""The options of pytest that select tests."""
