"""OpenAPI 3.0 as a contract: the meaning of its schemas, which drift reads in the same way."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from pytest_bctrl import check
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.contract.upgrade import upgrade_document
from pytest_bctrl.drift import compare
from pytest_bctrl.samples import Samples
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun, with_mock
from pytest_bctrl.suite.sending.target import Target
from tests.run_probes import run_probes

from .documents import document


class Row(NamedTuple):
    """A schema of OpenAPI 3.0 with valid and invalid values."""

    schema: Any
    right: list[Any]
    wrong: list[Any]


A, NAME = {"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/Maybe/allOf/0/properties/name"}
NULLABLE = {"type": "string", "nullable": True}
ONE_OF = [A, {"required": ["id"]}]
COMPONENTS = {
    "A": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    "Maybe": {
        "nullable": True,
        "allOf": [{"type": "object", "properties": {"name": {"type": "string", "nullable": True}}}],
    },
}
ONE = {"name": "x"}
ROWS = {
    "type": Row({"type": "string", "nullable": True}, ["x", None], [7]),
    "not null": Row({"type": "string", "nullable": False}, ["x"], [None]),
    "enum": Row({"type": "string", "enum": ["a"], "nullable": True}, ["a", None], ["b"]),
    "enum with null": Row({"enum": ["a", None], "nullable": True}, ["a", None], ["b"]),
    "no type": Row({"nullable": True}, ["a", None, 7], []),
    "allOf": Row({"nullable": True, "allOf": [A]}, [ONE, None], [{}, 7]),
    "type and oneOf": Row({"type": "object", "nullable": True, "oneOf": ONE_OF}, [ONE, None], [{}, 7]),
    "reference": Row({"nullable": True, **A}, [ONE, None], [{}]),
    "beside a reference": Row({**A, "required": ["id"], "type": "string"}, [ONE], [{}, "x"]),
    "reference into a wrapped schema": Row(NAME, ["x", None], [7]),
    "above": Row({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, [4], [3]),
    "at least": Row({"type": "integer", "minimum": 3, "exclusiveMinimum": False}, [3, 4], [2]),
    "below": Row({"type": "number", "maximum": 3, "exclusiveMaximum": True}, [2.9], [3]),
    "no bound": Row({"type": "number", "exclusiveMaximum": True}, [2.9, 3], ["x"]),
    "named as a keyword": Row({"properties": {"nullable": NULLABLE}}, [{"nullable": "x"}], [{"nullable": True}]),
}  # fmt: skip


def of_30(schema: Any) -> dict[str, Any]:
    """Return a document of OpenAPI 3.0 with one GET that returns this schema."""
    spec = document(schema, parameters=[{"name": "id", "in": "path", "required": True, "schema": {"enum": ["7"]}}])
    return {**spec, "openapi": "3.0.3", "components": {"schemas": COMPONENTS}}


@pytest.mark.parametrize("name", ROWS)
def test_openapi_30_schemas_equal_their_31_form(name: str) -> None:
    """Of the values, just the right ones are valid; drift has no finding, and a run against the mock has no error."""
    row = ROWS[name]
    spec = of_30(row.schema)
    contract = from_document(spec, "things.json")
    (_, schema) = contract.operations[0].responses["200"].json or ("", False)

    assert ([*row.right], []) == tuple(
        [value for value in values if accepts(contract, schema, value)] for values in (row.right, row.wrong)
    )
    assert [] == compare(spec, upgrade_document(spec))
    target = Target(with_mock(ContractRun("mock", contract, "", Secret(""), {}, "error", 20)))
    findings = run_probes(target)
    target.close()
    assert [] == [finding for finding in findings if finding.level == "error"]


@pytest.mark.parametrize(
    ("name", "has_null"),
    [("type", True), ("no type", True), ("enum with null", True)]
    + [(name, False) for name in ("enum", "allOf", "type and oneOf", "reference", "not null")],
)
def test_null_is_served_where_every_reader_of_openapi_30_accepts_it(name: str, has_null: bool) -> None:
    """`nullable` adds null to `type` alone (3.0.4, 4.7.24.1), so `enum`, `allOf` and the like may exclude it."""
    contract = from_document(of_30(ROWS[name].schema), "things.json")
    samples = Samples(contract, contract.operations[0])
    assert has_null == (None in [*samples.bodies(), *samples.run(3, 12)])


def test_the_digest_is_that_of_the_original_document() -> None:
    """It is the same for another order of keys, and not that of the upgraded document."""
    contract = from_document(of_30(NULLABLE), "things.json")

    assert contract.digest == from_document(of_30({"nullable": True, "type": "string"}), "things.json").digest
    assert contract.digest != from_document(upgrade_document(of_30(NULLABLE)), "things.json").digest
    assert [] == check(b"null", contract=contract)
