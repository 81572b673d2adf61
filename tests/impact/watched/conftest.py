"""A project whose tests mock the list of orders, and an impact run of it with a changed contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from tests.exchanges.catalogue import ORDERS_CONTRACT
from tests.watch.conftest import OPTIONS, ORDERS

Changed = Callable[[Any], None]
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
}
LABELS = 'LABELS = {"s": "small", "m": "medium"}'


def new_size(operation: Any) -> None:
    """Add the value `xl` to the enum of the size of listed orders."""
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    schema["items"]["properties"]["size"]["enum"].append("xl")


def required_parameter(operation: Any) -> None:
    """Require a new parameter."""
    operation["parameters"].append({"name": "tenant", "in": "query", "required": True, "schema": {"type": "string"}})


class Impact(Protocol):
    """Runs tests with a change of the list of orders, and returns the result."""

    def __call__(
        self,
        tests: str,
        *arguments: str,
        change: Changed = ...,
        method: str = ...,
        security: bool = ...,
        is_watching: bool = ...,
    ) -> pytest.RunResult:
        """Write a test file, and run pytest."""
        ...


@pytest.fixture
def impact(pytester: pytest.Pytester) -> Impact:
    """Return a function that runs tests, which may import `orders`, under `--bctrl-impact` with the watch."""
    pytester.path.joinpath("orders.json").write_text(json.dumps(ORDERS_CONTRACT.source), "utf-8")
    pytester.path.joinpath("orders.py").write_text(ORDERS, "utf-8")
    pytester.syspathinsert()

    def run(
        tests: str,
        *arguments: str,
        change: Changed = new_size,
        method: str = "get",
        security: bool = False,
        is_watching: bool = True,
    ) -> pytest.RunResult:
        """Write the changed contract and a test file, and run pytest; `security` requires a key in both contracts."""
        document = json.loads(json.dumps(ORDERS_CONTRACT.source))
        if security:
            document["components"] = {"securitySchemes": SCHEMES}
            document["paths"]["/orders"]["get"]["security"] = [{"bearer": []}]
            pytester.path.joinpath("orders.json").write_text(json.dumps(document), "utf-8")
        change(document["paths"]["/orders"][method])
        pytester.path.joinpath("changed.json").write_text(json.dumps(document), "utf-8")
        pytester.makepyfile(test_orders=f"from orders import *\nimport pytest\n\n{LABELS}\n{tests}")
        options: tuple[str, ...] = ("--bctrl-impact=changed.json", "--bctrl-report=impact.json", *OPTIONS)
        if is_watching:
            options = ("--bctrl-watch", *options)
        return pytester.runpytest(*options, *arguments)

    return run


def verdict_at(pytester: pytest.Pytester, location: str = "[*].size") -> tuple[str, str]:
    """Return the verdict and the reason for the change at a location, in the report of a run."""
    report = json.loads(pytester.path.joinpath("impact.json").read_text("utf-8"))
    [finding] = [finding for finding in report["findings"] if finding["location"] == location]
    return finding["impact"]["verdict"], finding["impact"]["why"]
