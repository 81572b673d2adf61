"""A pytest plugin and contract-testing kit for the bctrl API's List Runtimes endpoint.

Names are imported when they are first used: pytest imports this package at every start, used or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_bctrl._version import __version__

if TYPE_CHECKING:
    from pytest_bctrl.conformance import assert_conforms, check
    from pytest_bctrl.finding import Finding

__all__ = ["Finding", "__version__", "assert_conforms", "check"]

_HOMES = {
    "Finding": "pytest_bctrl.finding",
    "assert_conforms": "pytest_bctrl.conformance",
    "check": "pytest_bctrl.conformance",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pytest_bctrl' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
