"""Successful answers whose documented body is not JSON, such as a text."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.choice import Rotation
from pytest_bctrl.traffic.mock.message import Answer, Payload

_SEED = 1


def plain(contract: Contract, status: int, content: Mapping[str, Schema], request_id: str) -> Answer:
    """Return an answer in the first documented media type, with a text that its schema allows; bare without one."""
    identified = ("X-Request-Id", request_id)
    for media, schema in content.items():
        value = Builder(contract, Rotation(_SEED)).value(schema)
        body = value if isinstance(value, str) else "a sample"
        fields = (("Content-Type", _TEXT if "*" in media else media), identified)
        return Answer(status, fields, Payload(body.encode()))
    return Answer(status, (identified,))


_TEXT = "text/plain"
"""What a range of media types (`text/*`, `*/*`) is answered with."""
