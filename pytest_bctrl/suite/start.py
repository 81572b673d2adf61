"""Begins a contract run inside a pytest process."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date

import pytest

from pytest_bctrl.errors import BctrlError
from pytest_bctrl.suite.baseline import resolve_baseline
from pytest_bctrl.suite.fixtures import require_operations
from pytest_bctrl.suite.hooks import ContractHooks
from pytest_bctrl.suite.run import RUN, resolve
from pytest_bctrl.suite.scrub import scrub_trace
from pytest_bctrl.suite.settle import settle


def start(config: pytest.Config) -> None:
    """Resolve the settings and register the hooks; a wrong or missing setting is a `pytest.UsageError` (exit 4)."""
    try:
        baseline = resolve_baseline(config, os.environ, config.rootpath, date.today())
        run = replace(resolve(config, os.environ), baseline=baseline)
        require_operations(run)
        if config.option.debug:
            scrub_trace(config.trace.root, run.key)
    except BctrlError as error:
        raise pytest.UsageError(f"bctrl: {error}") from None
    config.stash[RUN] = run
    config.pluginmanager.register(ContractHooks(config, run), "bctrl-contract")
    settle()
