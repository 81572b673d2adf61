"""The contract of an invented bookshop, and pytest runs that check a shop against it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load

from .shop import KEY, Shop

BOOKSHOP = Path(__file__).with_name("bookshop.yaml")

ShopRun = Callable[..., pytest.RunResult]


@pytest.fixture(scope="session")
def bookshop() -> Contract:
    """Return the contract of the bookshop."""
    return load(BOOKSHOP)


CREDENTIALS = "bctrl_credentials = shopKey = $BCTRL_API_KEY"
"""The setting for the second security scheme, which has the key of the first."""


@pytest.fixture
def live(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> ShopRun:
    """Return a function that runs `pytest --bctrl-live` with the contract against a shop."""

    def run(shop: Shop, *arguments: str) -> pytest.RunResult:
        monkeypatch.setenv("BCTRL_API_KEY", KEY)
        monkeypatch.setenv("BCTRL_SPACE_ID", "the shop has none")
        return pytester.runpytest(
            "--bctrl-live",
            f"--bctrl-base-url={shop.url}",
            f"--bctrl-contract={BOOKSHOP}",
            "-o",
            CREDENTIALS.replace(" = ", "=", 1),
            "-p",
            "no:randomly",
            *arguments,
        )

    return run
