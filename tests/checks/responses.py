"""Answers and bodies for the tests of the checks, each made new."""

from __future__ import annotations

import json
from typing import Any

from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.model import Contract
from tests.observed.bodies import CONTRACT as CONTRACT
from tests.observed.bodies import sample as sample

JSON = ("Content-Type", "application/json")
SPACE: str = sample()["runtimes"][0]["spaceId"]


def runtime(**changes: Any) -> dict[str, Any]:
    """A conforming body of one runtime, with some of its members changed."""
    return {"runtimes": [{**sample()["runtimes"][0], **changes}]}


def response(
    body: Any,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (JSON,),
    contract: Contract = CONTRACT,
    **path_values: str,
) -> Response:
    """An answer of the contract's first operation; data is written as JSON, bytes stay as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(contract, contract.operations[0], status, headers, raw, path_values)
