"""The header fields without which the contract has an answer incomplete."""

from __future__ import annotations

from dataclasses import replace

from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.parameters import field_of
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.choice import Rotation
from pytest_bctrl.traffic.mock.message import Answer

_SEED = 1


def completed(contract: Contract, operation: Operation, answer: Answer) -> Answer:
    """Return an answer with a sample of each field that the contract requires with its status and that it has not."""
    documented = operation.response_for(answer.status)
    missing = [
        (field.name, field_of(field, Builder(contract, Rotation(_SEED)).value(field.schema)))
        for field in (documented.headers if documented is not None else ())
        if field.required and answer.header(field.name) is None
    ]
    return replace(answer, headers=(*answer.headers, *missing)) if missing else answer
