"""Checks of requests against the contract, independent of pytest and of the mock."""
