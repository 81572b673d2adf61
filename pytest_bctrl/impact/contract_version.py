"""One of the two contracts of an impact run: its operations by shape, and bodies that it allows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation, Schema
from pytest_bctrl.contract.schema.shapes import located_values
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.http.message import Request
from pytest_bctrl.http.routes import Routes
from pytest_bctrl.impact.change import ResponseContext
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.text import RoundRobin

_BODIES_PER_SCHEMA = 12


class ContractVersion:
    """The old or the new contract; operations are found by shape, so renamed path parameters do not matter."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.operations = {shape(operation.label): operation for operation in contract.operations}
        self._routes = Routes(contract)
        self._bodies: dict[int, list[Any]] = {}
        self._schemas: dict[tuple[str, str, str], Schema | None] = {}

    def body_schema(self, place: Mapping[str, str]) -> Schema | None:
        """Return the schema of the JSON body at a place of a finding; None if there is none."""
        operation = self.operations.get(shape(place["operation"]))
        if operation is None:
            return None
        response = operation.responses.get(place["status"])
        if response is None or response.json is None:
            return None
        return response.json[1]

    def path_values(self, operation: Operation, request: Request) -> Mapping[str, str]:
        """Return the values of a request's path parameters, by the names of this contract."""
        _, values = self._routes.operation_and_values(request.method, request.target)
        return {parameter.name: values.get(parameter.name, "") for parameter in operation.path_parameters}

    def schema_at(self, place: Mapping[str, str]) -> Schema | None:
        """Return the schema of the location of a place; None if no generated body has that location."""
        key = (place["operation"], place["status"], place["location"])
        if key not in self._schemas:
            self._schemas[key] = self._find_schema(place)
        return self._schemas[key]

    def _find_schema(self, place: Mapping[str, str]) -> Schema | None:
        """Return the schema of a place, found in generated bodies; None if none of them has its location."""
        body_schema = self.body_schema(place)
        for body in self.example_bodies(body_schema):
            for located_value in located_values(self.contract, body_schema or {}, body):
                if located_value.location == place["location"]:
                    return located_value.schema
        return None

    def accepts(self, schema: Schema | None, value: Any) -> bool:
        """Return whether the schema accepts a value; without a schema, no value is accepted."""
        return schema is not None and accepts(self.contract, schema, value)

    def rejects_body(self, schema: Schema, body: bytes) -> bool:
        """Return whether a schema rejects a JSON body, or the number 0 for an empty body; False if it is not JSON."""
        try:
            return not self.accepts(schema, json.loads(body or b"0"))
        except ValueError:
            return False

    def example_bodies(self, schema: Schema | None) -> list[Any]:
        """Return generated bodies that the schema accepts; an empty list if none can be generated."""
        if schema is None:
            return []
        if id(schema) not in self._bodies:
            self._bodies[id(schema)] = self._generate_bodies(schema)
        return self._bodies[id(schema)]

    def _generate_bodies(self, schema: Schema) -> list[Any]:
        """Return a few generated bodies that a schema accepts; fewer if no more can be generated."""
        builder = Builder(self.contract, RoundRobin(1))
        bodies: list[Any] = []
        for _ in range(_BODIES_PER_SCHEMA):
            try:
                bodies.append(builder.value(schema))
            except BctrlError:
                break
        return bodies


def operation_shapes(finding: Finding) -> set[str]:
    """Return the shapes of the operations that a finding affects; an empty set if it affects all of them."""
    return {shape(place["operation"]) for place in finding.extra.get("places", ()) if place["operation"]}


def is_at(context: ResponseContext, place: Mapping[str, str]) -> bool:
    """Return whether a response has the operation and status of a finding's place; `2XX` and `default` match too."""
    status = context.response.status
    if place["status"] not in (str(status), f"{status // 100}XX", "default"):
        return False
    return shape(place["operation"]) == context.operation_shape
