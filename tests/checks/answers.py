"""Answers and bodies for the tests of the checks, each made anew."""

from __future__ import annotations

import copy
import json
from typing import Any

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load

CONTRACT = load()
JSON = ("Content-Type", "application/json")
_SAMPLE: dict[str, Any] = json.loads(packaged().sample.read_text("utf-8"))
SPACE: str = _SAMPLE["runtimes"][0]["spaceId"]


def sample() -> dict[str, Any]:
    """A conforming body with a runtime of every kind."""
    return copy.deepcopy(_SAMPLE)


def runtime(**changes: Any) -> dict[str, Any]:
    """A conforming body of one runtime, with some of its members changed."""
    return {"runtimes": [{**sample()["runtimes"][0], **changes}]}


def answer(
    body: Any,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (JSON,),
    contract: Contract = CONTRACT,
    **path_values: str,
) -> Answer:
    """An answer of the contract's first operation; data is written as JSON, bytes stay as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(contract, contract.operations[0], status, headers, raw, path_values)
