"""Validates a body against the contract, independently of the checks: schema with formats, and invariants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.samples import SPACE_ID
from tests.contract.documents import rooted


def violations_in(contract: Contract, body: Any, space_id: str = SPACE_ID) -> list[str]:
    """Return what a success body violates, as text: the schema, or if that is valid, the invariants."""
    schema = rooted(contract, contract.operations[0].responses["200"].content["application/json"])
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
    return problems or [*_incoherent(body["runtimes"], space_id)]


def _incoherent(items: list[dict[str, Any]], space_id: str) -> Iterator[str]:
    """Yield what breaks the invariants of the packaged contract, as text."""
    if len({item["id"] for item in items}) != len(items):
        yield "an id comes twice"
    for item in items:
        if item["spaceId"] != space_id:
            yield f"{item['id']} is of another space"
        if item["kind"] != item["type"]:
            yield f"{item['id']}: kind is not type"
        if datetime.fromisoformat(item["updatedAt"]) < datetime.fromisoformat(item["createdAt"]):
            yield f"{item['id']}: updated before it was made"
