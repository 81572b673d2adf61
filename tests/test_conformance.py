"""`check` and `assert_conforms`, as a user's own test calls them."""

from __future__ import annotations

import copy
import json
from contextlib import nullcontext
from typing import Any

import httpx
import pytest

import pytest_bctrl
from pytest_bctrl import assert_conforms, check
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.finding import FAIL_ON, LEVELS, Finding, at_or_above
from tests.contract.documents import contract_of
from tests.variants.catalogue import CATALOGUE
from tests.variants.variant import Variant

SAMPLE: dict[str, Any] = json.loads(packaged().sample.read_text("utf-8"))


def body(**changes: Any) -> dict[str, Any]:
    return {"runtimes": [{**copy.deepcopy(SAMPLE["runtimes"][0]), **changes}]}


def test_a_finding_says_rule_level_place_and_how_many() -> None:
    (finding,) = check({"runtimes": [{**SAMPLE["runtimes"][0], "id": name} for name in "abc"]})
    assert ("response_schema_conformance", "error", "runtimes[*].id") == (finding.rule, finding.level, finding.location)
    assert (3, 3, {"location": "runtimes[0].id", "value": "a"}) == (finding.count, finding.total, finding.sample)


def test_one_of_many_items_is_counted_as_one() -> None:
    runtimes = [{**SAMPLE["runtimes"][0], "id": f"{number:032x}"} for number in range(299)]
    for one in runtimes:
        one["id"] = f"{one['id'][:8]}-{one['id'][8:12]}-{one['id'][12:16]}-{one['id'][16:20]}-{one['id'][20:]}"
    (finding,) = check({"runtimes": [*runtimes, body(name=1)["runtimes"][0]]})
    assert (1, 300, "runtimes[299].name") == (finding.count, finding.total, finding.sample["location"])


def test_every_finding_is_json() -> None:
    odd = json.dumps(body(name="@", status="\ud800", extra="\x1b")).replace('"@"', "1e999").encode()
    assert len([json.dumps(finding.as_dict(), allow_nan=False) for finding in check(odd)]) > 1


def test_a_conforming_response_passes() -> None:
    assert_conforms(httpx.Response(200, json=SAMPLE))


def test_a_broken_response_fails_with_what_is_wrong() -> None:
    with pytest.raises(AssertionError, match=r"1 error: response_schema_conformance at runtimes\[\*\]\.status"):
        assert_conforms(body(status="odd"))


def test_a_contract_of_ones_own_is_held_to() -> None:
    (finding,) = check({"a": 1}, contract=contract_of({"properties": {"a": {"type": "string"}}}))
    assert "a" == finding.location


def test_what_is_no_response_is_refused() -> None:
    with pytest.raises(BctrlError, match="is not a response"):
        check(1)


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'gone'"):
        pytest_bctrl.gone  # noqa: B018


@pytest.mark.parametrize(
    ("fail_on", "expected"),
    [("error", ["error"]), ("warning", ["error", "warning"]), ("info", list(LEVELS)), ("never", [])],
)
def test_a_level_fails_with_all_that_are_worse(fail_on: Any, expected: list[str]) -> None:
    findings = [Finding("r", level, "$", "m") for level in LEVELS]
    with pytest.raises(AssertionError) if "warning" in expected else nullcontext():
        assert_conforms(body(tags=[]), fail_on=fail_on)
    assert (expected, True) == ([one.level for one in at_or_above(findings, fail_on)], fail_on in FAIL_ON)


KINDS = ("harmless", "schema", "undocumented", "invariants")
BODIES = [variant for variant in CATALOGUE if variant.kind in KINDS and "every-fifth" not in variant.name]
"""Those whose fault is in every answer: one body has it."""
VERDICTS = {"error": "error", "warning": "warning", "pass": "none"}


@pytest.mark.parametrize("variant", BODIES, ids=str)
def test_the_body_of_every_variant_gets_the_verdict_that_it_is_owed(variant: Variant) -> None:
    service = variant.service
    url = f"https://api.example.org/v1/spaces/{service.space_id}/runtimes"
    response = httpx.Response(200, json=service.document(), request=httpx.Request("GET", url))
    levels = [finding.level for finding in check(response)]
    assert VERDICTS[variant.expect] == next((level for level in LEVELS if level in levels), "none")
