"""What else the contract documents of an answer: header fields that it requires, and bodies that are not JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pytest_bctrl.contract.model import Contract, Operation, Schema
from pytest_bctrl.contract.parameters import field_of
from pytest_bctrl.samples.build import Builder, Rotation
from pytest_bctrl.traffic.mock.message import Answer, Payload

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


def plain(contract: Contract, status: int, content: Mapping[str, Schema], request_id: str) -> Answer:
    """Return an answer in the first documented media type, with a text that its schema allows; bare without one."""
    identified = ("X-Request-Id", request_id)
    for media, schema in content.items():
        value = Builder(contract, Rotation(_SEED)).value(schema)
        body = value if isinstance(value, str) else "a sample"
        # A range of media types is none.
        fields = (("Content-Type", "text/plain" if "*" in media else media), identified)
        return Answer(status, fields, Payload(body.encode()))
    return Answer(status, (identified,))
