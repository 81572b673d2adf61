"""Responses and bodies for the tests of the checks, new at each call."""

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
    """Return a conforming body with one runtime, some of whose properties are changed."""
    return {"runtimes": [{**sample()["runtimes"][0], **changes}]}


def response(
    body: Any,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (JSON,),
    contract: Contract = CONTRACT,
    **path_values: str,
) -> Response:
    """Return a response of the contract's first operation; data is encoded as JSON, bytes are kept."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(contract, contract.operations[0], status, headers, raw, path_values)
