"""Whether a body keeps the contract: schema with formats, undocumented properties and invariants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.samples import SPACE_ID
from tests.contract.documents import rooted


def troubles(contract: Contract, body: Any, space_id: str = SPACE_ID) -> list[str]:
    """Return the violations of a successful body, as text."""
    schema = rooted(contract, contract.operations[0].responses["200"].content["application/json"])
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
    return problems or [*_incoherent(body["runtimes"], space_id)]


def _incoherent(items: list[dict[str, Any]], space_id: str) -> Iterator[str]:
    if len({item["id"] for item in items}) != len(items):
        yield "an id comes twice"
    for item in items:
        if item["spaceId"] != space_id:
            yield f"{item['id']} is of another space"
        if item["kind"] != item["type"]:
            yield f"{item['id']}: kind is not type"
        if datetime.fromisoformat(item["updatedAt"]) < datetime.fromisoformat(item["createdAt"]):
            yield f"{item['id']}: updated before it was made"
