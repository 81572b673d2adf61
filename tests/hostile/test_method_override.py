"""Requests that ask a live target for another method than their own: none leaves, however it is spelled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_bctrl.contract.model import Parameter
from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import UnsafeRequestError
from tests.traffic.callers import Ask, ask_async, ask_sync
from tests.traffic.servers import answer, serve

OVERRIDES: list[dict[str, Any]] = [
    *({"headers": {name: "DELETE"}} for name in (
        "X-HTTP-Method-Override", "x-http-method-override", "X_HTTP_METHOD_OVERRIDE", "X-HTTP-Method",
        "X-Method-Override", "X-Method", "Method-Override",
    )),
    *({"url": f"/things?limit=1{query}"} for query in (
        "&_method=DELETE", "&_METHOD=delete", "&%5Fmethod=DELETE", ";_method=DELETE", "&_method", "&+_method=DELETE",
        "&X-HTTP-Method-Override=DELETE", "&x_http_method_override=PUT", "&$httpMethod=DELETE", "&%24method=DELETE",
    )),
    {"params": {"_method": "DELETE"}},
    {"extensions": {"target": b"/things?_method=DELETE"}},
]  # fmt: skip


@pytest.mark.parametrize("ask", [ask_sync, ask_async("asyncio")], ids=["sync", "async"])
def test_no_override_of_the_method_leaves_for_a_live_target(ask: Ask) -> None:
    with serve(answer()) as server:
        for override in OVERRIDES:
            with pytest.raises(UnsafeRequestError, match="could turn GET into another method there"):
                ask(server.url, **override)
        assert [] == server.requests
        ask(server.url, headers={"X-Method-Name": "a", "Method": "b"}, url="/things?method=c&methods=_method")
        ask(server.url, live=False, **OVERRIDES[0])
        assert 2 == len(server.requests)


@pytest.mark.parametrize(("name", "place"), [("X-HTTP-Method-Override", "header"), ("_method", "query")])
def test_an_operation_that_takes_one_is_not_asked(name: str, place: str) -> None:
    (operation,) = load().operations
    assert operation.is_safe
    assert not replace(operation, parameters=(*operation.parameters, Parameter(name, place, False, {}))).is_safe
