"""The mock server: a strict, coherent stand-in for the API that is read from its contract."""

from pytest_bctrl.traffic.mock.server import MockServer

__all__ = ["MockServer"]
