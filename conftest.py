"""Enables pytester, with which tests start real pytest runs."""

pytest_plugins = ["pytester"]
