"""What the tests of observed drift share: bodies to see, and what is seen of them."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.observed.observe import observe

CONTRACT = load()
LABEL = CONTRACT.operations[0].label


def seen(*bodies: Any, contract: Contract = CONTRACT, status: int = 200) -> Observation:
    """What bodies of one status show."""
    made = Observation()
    for body in bodies:
        observe(contract, contract.operations[0].label, status, body, made)
    return made


def contract_with(schema: Any, **components: Any) -> Contract:
    """A contract of one operation whose answer has this schema."""
    answer = {"description": "", "content": {"application/json": {"schema": schema}}}
    return from_document(
        {
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "paths": {"/things": {"get": {"responses": {"200": answer}}}},
            "components": {"schemas": components},
        },
        "things",
    )
