"""The values of parameters, and the prefix of a base URL, that a live run takes from settings and contract."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.errors import SettingError
from pytest_bctrl.suite.run import live_values, shared_prefix

from ..contract.documents import document
from ..error_makers import Given


def contract_of(*paths: str) -> Any:
    """Return a contract with a GET per path; one with `{id}` has that parameter."""
    spec = document()
    (item,) = spec["paths"].values()
    bare = {"get": {**item["get"], "parameters": []}}
    spec["paths"] = {path: item if "{id}" in path else bare for path in paths}
    return from_document(spec, "things")


def test_a_space_id_is_required_if_a_path_has_a_parameter() -> None:
    with pytest.raises(SettingError, match="no space id is set"):
        live_values(load(), Given(), {})
    assert {"space_id": "a"} == live_values(load(), Given(), {"BCTRL_SPACE_ID": "a"})


def test_no_space_id_is_required_or_used_if_no_path_has_a_space() -> None:
    """`live_values` is empty. What `BCTRL_SPACE_ID` holds does not matter then: it may be set for another API."""
    ships = contract_of("/ships")
    for environment in ({}, {"BCTRL_SPACE_ID": "a"}, {"BCTRL_SPACE_ID": "the shop has none"}):
        assert {} == live_values(ships, Given(), environment)


@pytest.mark.parametrize(
    ("paths", "prefix"),
    [
        (["/v1/things/{id}"], "/v1"),
        (["/v1/things/{id}", "/v1/ships"], "/v1"),
        (["/v1/things/{id}", "/v2/ships"], ""),
        (["/ships", "/tides/today"], ""),
        (["/tides", "/tides/today"], ""),
        (["/ships"], ""),
        (["/{id}/ships"], ""),
    ],
)
def test_the_shared_prefix_is_the_common_start_of_all_paths(paths: list[str], prefix: str) -> None:
    """A base URL may end with it, so it must be part of every path and not a complete path."""
    assert prefix == shared_prefix(contract_of(*paths))
