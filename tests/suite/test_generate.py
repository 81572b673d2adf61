"""Generated parameter values conform to the contract and arrive unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.contract.parameters import serialize_field, survives_transport
from pytest_bctrl.contract.read import load
from pytest_bctrl.samples.drawn import drawn
from pytest_bctrl.samples.inputs import distinct_values
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.plan.generated_values import (
    generated_values,
)
from pytest_bctrl.suite.plan.parameter_values import allowed_values, generatable_parameters, is_opaque
from pytest_bctrl.suite.plan.schemathesis_cases import positive_cases
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError
from tests.contract.documents import contract_of
from tests.hostile.nested_schemas import nested_document

SCHEMAS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "string", "pattern": "^[a-z]{3}-[0-9]+$"},
    {"type": "string", "format": "uuid"},
    {"type": "integer", "minimum": 1, "maximum": 100},
    {"enum": ["a", "b c", 3]},
    {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 2},
    {},
]


@pytest.mark.parametrize("place", ["query", "header", "cookie"])
@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_generated_values_survive_serialization(schema: dict[str, Any], place: str) -> None:
    """A string with a comma would become two items in a comma-separated list, and a header holds only ASCII."""
    parameter = {"name": "tags", "in": place, "explode": False, "schema": schema}
    contract = contract_of(parameters=[parameter])
    (operation,) = contract.operations
    (documented,) = operation.other_parameters

    generated = [values[place, "tags"] for values in generated_values(contract, operation, [documented], 8)]

    assert generated
    assert all(survives_transport(contract, documented, value) for value in generated)
    assert place == "query" or all(serialize_field(documented, value).isascii() for value in generated)


@pytest.mark.parametrize("is_json", [False, True])
def test_an_empty_object_is_sent_in_a_query_only_as_json(is_json: bool) -> None:
    """A server may read `p=` as an empty string."""
    media = (
        {"content": {"application/json": {"schema": {"type": "object"}}}} if is_json else {"schema": {"type": "object"}}
    )
    contract = contract_of(parameters=[{"name": "p", "in": "query", "explode": False, **media}])
    (parameter,) = contract.operations[0].other_parameters
    assert is_json == survives_transport(contract, parameter, {})


@pytest.mark.parametrize(("name", "bits"), [("int32", 31), ("int64", 63)])
def test_generated_integers_are_in_the_range_of_their_format(name: str, bits: int) -> None:
    """A server cannot read others, and our mock rejects them; Schemathesis generates them."""
    parameters = [
        {"name": "first", "in": "query", "required": True, "schema": {"type": "integer", "format": name}},
        {"name": "last", "in": "cookie", "schema": {"type": "integer", "format": name, "maximum": 10**30}},
    ]
    contract = contract_of(parameters=parameters)
    (operation,) = contract.operations

    generated = generated_values(contract, operation, operation.other_parameters, 40)
    trials = [
        value
        for trial in allowed_values(contract, operation, {})
        for key, value in (*trial.inputs.query, *trial.inputs.headers)
    ]
    run = ContractRun("live", contract, "http://127.0.0.1:1", Secret("k"), {}, "error", 20)
    positive = positive_cases(run, operation, 30)

    sent = [int(value) for values in generated for value in values.values()]
    sent += [int(text.rpartition("=")[2]) for text in trials]
    sent += [int(value) for case in positive for _, value in case.inputs.query]
    assert len(sent) > 10
    assert all(-(2**bits) <= value < 2**bits for value in sent)


@pytest.mark.parametrize("place", ["query", "header", "cookie"])
def test_null_is_an_alternative_of_json_parameters_only(place: str) -> None:
    """FastAPI documents each optional parameter as a type or null, and rejects the text `null` for an enum."""
    schema = {"anyOf": [{"enum": ["running", "idle"]}, {"type": "null"}]}
    as_text = {"name": "state", "in": place, "schema": schema}
    as_json = {"name": "state", "in": place, "content": {"application/json": {"schema": schema}}}
    contracts = [contract_of(parameters=[parameter]) for parameter in (as_text, as_json)]

    values = [distinct_values(contract, contract.operations[0].other_parameters[0], {}) for contract in contracts]

    assert [False, True] == [None in kinds for kinds in values]
    assert all("running" in kinds for kinds in values)


TEXT, NULL = {"type": "string"}, {"type": "null"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (TEXT, True),
        ({"type": ["string", "null"]}, True),
        ({"anyOf": [TEXT, NULL]}, True),
        ({"oneOf": [{"anyOf": [TEXT, NULL]}, NULL], "title": "Page token"}, True),
        ({"anyOf": [{**TEXT, "format": "date"}, NULL]}, False),
        ({"anyOf": [TEXT, NULL], "default": "first"}, False),
        ({"anyOf": [TEXT, {"type": "integer"}]}, False),
        ({"anyOf": [NULL]}, False),
        ({"anyOf": [{"enum": ["a"]}, NULL]}, False),
        ({"anyOf": [{"anyOf": [{"anyOf": [{"anyOf": [{"anyOf": [TEXT]}]}]}]}]}, False),
    ],
    ids=str,
)
def test_a_text_without_constraints_may_be_a_cursor(schema: dict[str, Any], expected: bool) -> None:
    """`is_opaque`: also if it may be null, but not with a format or enum."""
    contract = contract_of(parameters=[{"name": "token", "in": "query", "schema": schema}])

    assert expected == is_opaque(contract, contract.operations[0].other_parameters[0])


def test_no_value_is_generated_for_a_parameter_set_by_the_settings() -> None:
    """`generatable_parameters` omits those in `bctrl_values` and with `x-bctrl-setting`."""
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("free", "known", "placed")]
    parameters[2]["x-bctrl-setting"] = "space_id"
    contract = contract_of(parameters=parameters)
    run = ContractRun("mock", contract, "", Secret(""), {"known": "7"}, "error", 5)
    assert ["free"] == [parameter.name for parameter in generatable_parameters(run, contract.operations[0])]


def test_the_attempts_to_generate_values_of_a_schema_that_multiplies_are_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schema of 495 levels is "not checked" after fewer than 6,000 choices."""
    (tmp_path / "nested.yaml").write_text(nested_document(495))
    contract = load(tmp_path / "nested.yaml")
    (operation,) = contract.operations
    choices = 0
    drawn_choices: Any = type(drawn(lambda strategy: None))  # type: ignore[arg-type]
    any_value = drawn_choices.any_value

    def counted(self: object, location: str) -> object:
        nonlocal choices
        choices += 1
        return any_value(self, location)

    monkeypatch.setattr(drawn_choices, "any_value", counted)
    parameters = [parameter for parameter in operation.parameters if parameter.in_ == "query"]
    with pytest.raises(NotCheckedError, match="no value can be generated for q"):
        generated_values(contract, operation, parameters, 20)

    assert 0 < choices < 6_000
