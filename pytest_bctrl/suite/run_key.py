"""The key under which pytest's configuration stores the settings of a contract run.

A module of its own, because commands that use `ContractRun` need not import pytest.
"""

from __future__ import annotations

import pytest

from pytest_bctrl.suite.run import ContractRun

RUN: pytest.StashKey[ContractRun] = pytest.StashKey()
