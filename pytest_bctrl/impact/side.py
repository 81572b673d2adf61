"""One of two contracts that are compared: its operations by shape, and the bodies that it allows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.finding import Finding
from pytest_bctrl.fingerprint import shape
from pytest_bctrl.impact.change import Call
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.text import RoundRobin

_DRAWS = 12


class Side:
    """A contract as an impact run asks it; who renames a path parameter has the same operation still."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.operations = {shape(operation.label): operation for operation in contract.operations}
        self._bodies: dict[int, list[Any]] = {}

    def schema(self, place: Mapping[str, str]) -> Schema | None:
        """The schema of the JSON body at a place of a finding; None where it has none there."""
        operation = self.operations.get(shape(place["operation"]))
        response = operation.responses.get(place["status"]) if operation else None
        return response.json[1] if response is not None and response.json is not None else None

    def accepts(self, schema: Schema | None, value: Any) -> bool:
        """Whether a schema allows a value; what there is no schema for is not allowed."""
        return schema is not None and accepts(self.contract, schema, value)

    def refuses(self, schema: Schema, body: bytes) -> bool:
        """Whether a schema refuses a body, or wants one where there is none; of what is no JSON it says nothing."""
        try:
            return not self.accepts(schema, json.loads(body or b"0"))
        except ValueError:
            return False

    def bodies(self, schema: Schema | None) -> list[Any]:
        """Bodies that a schema allows; none where none can be made."""
        if schema is None:
            return []
        if id(schema) not in self._bodies:
            builder, made = Builder(self.contract, RoundRobin(1)), []
            for _ in range(_DRAWS):
                try:
                    made.append(builder.value(schema))
                except BctrlError:
                    break
            self._bodies[id(schema)] = made
        return self._bodies[id(schema)]


def shapes(finding: Finding) -> set[str]:
    """The operations that a finding is about, by shape; none where it is about all."""
    return {shape(place["operation"]) for place in finding.extra.get("places", ()) if place["operation"]}


def is_at(call: Call, place: Mapping[str, str]) -> bool:
    """Whether an answer is one of those at a place of a finding."""
    status = call.answer.status
    return place["status"] in (str(status), f"{status // 100}XX", "default") and shape(place["operation"]) == call.shape
