"""What jsonschema validates of a long list, and of a body that it validated before."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.checks.response import share
from pytest_bctrl.contract.read import load
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.samples import current_samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.suite.plan import jsonschema_engine
from pytest_bctrl.suite.sending.requests import TargetExchange
from tests.contract.documents import contract_of
from tests.suite.engines import exchange_of

PACKAGED = load()


def items(count: int, **last: Any) -> bytes:
    """Return a body with `count` similar runtimes; `last` are properties of the last one."""
    (item,) = current_samples().sample()["runtimes"][:1]
    others = [{**item, "name": f"runtime {number}", "createdAt": f"at {number}"} for number in range(count - 1)]
    return encode({"runtimes": [*others, {**item, **last}]})


def validated(body: bytes, contract: Any = PACKAGED) -> tuple[list[Finding], TargetExchange]:
    """Return the findings of jsonschema in a body, and the exchange, which has its gaps."""
    exchange = exchange_of(contract, 200, body)
    return jsonschema_engine.validate(exchange), exchange


def test_jsonschema_validates_the_first_hundred_items_of_a_long_list() -> None:
    """Of 500 items, 100 are validated and a gap counts the others; 100 items are all validated."""
    findings, exchange = validated(items(500))
    assert [] == findings
    (gap,) = exchange.tally.gaps
    assert gap.startswith("jsonschema: 400 of 500 items of a list: its first 100, and those")
    assert not validated(items(100))[1].tally.gaps


@pytest.mark.parametrize(
    "last",
    [{"name": 7}, {"status": "paused"}, {"id": "7"}, {"region": None}, {"backing": {"kind": "profile"}}],
    ids=str,
)
def test_an_invalid_item_of_a_long_list_is_found(last: dict[str, Any]) -> None:
    """Of 2,000 items only the last is invalid, and jsonschema reports its property."""
    findings, _ = validated(items(2_000, **last))
    assert [f"runtimes[*].{next(iter(last))}"] == [finding.location for finding in findings]


def test_jsonschema_validates_every_item_that_our_engine_rejects() -> None:
    contract = contract_of({"items": {"type": "string", "format": "date"}})
    body = encode([*["2026-01-01"] * 300, "2026-13-01"])
    findings, _ = validated(body, contract)
    assert ["[*]"] == [finding.location for finding in findings]


def test_jsonschema_validates_at_most_300_further_items_that_our_engine_rejects() -> None:
    contract = contract_of({"items": {"type": "string"}})
    (finding,), exchange = validated(encode([1] * 2_000), contract)
    assert 400 == finding.count
    assert next(iter(exchange.tally.gaps)).startswith("jsonschema: 1,600 of 2,000 items of a list")


def test_unique_items_of_a_long_list_are_not_compared() -> None:
    """jsonschema notes a gap for 501 items, and reports a duplicate among 100."""
    contract = contract_of({"uniqueItems": True})
    findings, exchange = validated(encode([*range(500), 1]), contract)
    assert ([], ["jsonschema: uniqueItems of a list of 501 items"]) == (findings, [*exchange.tally.gaps])
    assert validated(encode([1, 1, *[0] * 98]), contract)[0]
    assert not validated(encode([1] * 500), contract_of({"uniqueItems": False}))[1].tally.gaps


def test_items_after_prefix_items_are_all_validated() -> None:
    """jsonschema reports the last of 502 items, and notes no gap."""
    contract = contract_of({"prefixItems": [True], "items": {"type": "integer"}})
    findings, exchange = validated(encode(["a", *range(500), "b"]), contract)
    assert (1, {}) == (len(findings), exchange.tally.gaps)


def test_an_identical_body_is_validated_once() -> None:
    """The tally of jsonschema counts no second body if two responses share it."""
    first, second = exchange_of(PACKAGED, 200, items(3)), exchange_of(PACKAGED, 200, items(3))
    share(second.response, first.response)
    for exchange in (first, second):
        jsonschema_engine.validate(exchange)
    assert (1, 0) == (first.tally.counts["jsonschema bodies"], second.tally.counts["jsonschema bodies"])
    assert second.response.body is first.response.body
