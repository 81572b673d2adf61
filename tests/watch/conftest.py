"""A project with a contract of orders, whose tests use httpx with a transport of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Protocol

import aiohttp  # noqa: F401 - its C extension keeps the classes of its first import
import pytest

from tests import local_server
from tests.exchanges.catalogue import ORDERS_CONTRACT

OPTIONS = ("--bctrl-contract=orders.json", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:asyncio")
ORDERS = """
import httpx

STORED = {"id": 7, "qty": 1, "size": "s"}


def list_orders(orders=None, status=200, url="https://orders.example/orders", **values):
    if orders is None:
        orders = [STORED]
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=orders))
    with httpx.Client(transport=transport) as client:
        return client.get(url, **values)


def broken():
    return list_orders([{**STORED, "size": "l"}])
"""

BROKEN = "def test_broken():\n    broken()\n"
CONFORMING = "def test_conforming():\n    list_orders()\n"
BOTH = BROKEN + CONFORMING


class Run(Protocol):
    """Runs the project with the watch."""

    def __call__(self, tests: str, *arguments: str) -> pytest.RunResult:
        """Write a test file, and run pytest."""
        ...


def copy_local_server(folder: Path) -> None:
    """Copy the module `local_server` to the folder of a project."""
    shutil.copy(Path(local_server.__file__), folder)


@pytest.fixture
def watch(pytester: pytest.Pytester) -> Run:
    """Return a function that runs tests, which may import `orders` and `local_server`, under `--bctrl-watch`."""
    pytester.path.joinpath("orders.json").write_text(json.dumps(ORDERS_CONTRACT.source), "utf-8")
    pytester.path.joinpath("orders.py").write_text(ORDERS, "utf-8")
    copy_local_server(pytester.path)
    pytester.syspathinsert()

    def run(tests: str, *arguments: str) -> pytest.RunResult:
        """Write a test file, and run pytest."""
        pytester.makepyfile(test_orders=f"from orders import *\nimport pytest\n\n{tests}")
        return pytester.runpytest("--bctrl-watch", *OPTIONS, *arguments)

    return run


def report_of(pytester: pytest.Pytester) -> dict[str, Any]:
    """Return the JSON report of a run."""
    report: dict[str, Any] = json.loads(pytester.path.joinpath("report.json").read_text("utf-8"))
    return report
