"""A pytest plugin and contract-testing kit for the bctrl API's List Runtimes endpoint."""

from pytest_bctrl._version import __version__

__all__ = ["__version__"]
