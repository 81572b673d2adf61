"""The key under which pytest's configuration stores the settings of a contract run.

A module of its own: commands that use `ContractRun` need not import pytest, and the fixtures, which look for a
contract run, need not import what it consists of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_bctrl.suite.run import ContractRun

RUN: pytest.StashKey[ContractRun] = pytest.StashKey()
