"""The bodies that jsonschema and Schemathesis accept, reject or cannot validate, and the known faults of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_bctrl.checks.run import check_response
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.suite.plan import jsonschema_engine, schemathesis_engine
from pytest_bctrl.suite.plan.engine_faults import ENGINE_FAULTS
from pytest_bctrl.suite.sending.requests import TargetExchange
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError
from tests.contract.documents import contract_of, document
from tests.suite.engines import by_jsonschema, by_schemathesis, engine_findings, exchange_of

PACKAGED = load()


@pytest.mark.parametrize(
    ("schema", "body", "is_valid"),
    [
        ({"oneOf": [{"multipleOf": 2}, {"type": "integer"}]}, b"7", True),
        ({"oneOf": [{"multipleOf": 2}, {"type": "integer"}]}, b"8", False),
        ({"not": {"multipleOf": 5}}, b"5", False),
        ({"format": "uuid"}, b'"7"', False),
        ({"pattern": "^a"}, b'"b"', False),
        ({"$ref": "#/components/schemas/One"}, b"2", False),
        (False, b"2", False),
        (True, b"2", True),
        ({}, b"2", True),
        ({"minimum": 5}, b"1e999", True),
        ({"type": "string"}, b'"\\ud800"', True),
    ],
)
def test_jsonschema_accepts_a_body_only_if_its_schema_does(schema: Any, body: bytes, is_valid: bool) -> None:
    """Schemas with `oneOf`, `not`, a format, a pattern, a reference, a bound, or none of them."""
    contract = contract_of(schema, {"One": {"const": 1}})
    assert is_valid == (not by_jsonschema(contract, 200, body))


@pytest.mark.parametrize("engine", [by_jsonschema, by_schemathesis])
@pytest.mark.parametrize(
    ("schema", "body", "location"),
    [
        (False, b"2", "$"),
        ({"allOf": [False]}, b"2", "$"),
        ({"properties": {"a": False}}, b'{"a": 2}', "a"),
        ({"properties": {"enum": False}}, b'{"enum": 2}', "enum"),
        ({"properties": {"additionalProperties": False}}, b'{"additionalProperties": 2}', "additionalProperties"),
        ({"properties": {"a": {"properties": {"b": False}}}}, b'{"a": {"b": 2}}', "a.b"),
        ({"properties": {"a": {"$ref": "#/components/schemas/None"}}}, b'{"a": 2}', "a"),
        ({"patternProperties": {"^a": False}}, b'{"a": 2}', "a"),
        ({"dependentSchemas": {"a": False}}, b'{"a": 2}', "$"),
        ({"propertyNames": False}, b'{"a": 2}', "$"),
        ({"items": False}, b"[2]", "[*]"),
        ({"items": {"properties": {"items": {"items": False}}}}, b'[{"items": [2]}]', "[*].items[*]"),
    ],
)
def test_every_engine_reports_a_value_where_the_contract_allows_none(
    schema: Any, body: bytes, location: str, engine: Callable[..., Any]
) -> None:
    """With the rule, location and fingerprint of our own check, and a message without the name of a keyword."""
    contract = contract_of(schema, {"None": False})
    (own,) = check_response(exchange_of(contract, 200, body).response)
    (finding,) = engine(contract, 200, body)
    assert ("response_schema_conformance", location) == (finding.rule, finding.location)
    assert (own.fingerprint, own.location) == (finding.fingerprint, finding.location)
    assert ("nothing", f"{finding.extra['engine']}: {own.message}") == (finding.expected, finding.message)


@pytest.mark.parametrize("engine", [by_jsonschema, by_schemathesis])
@pytest.mark.parametrize("keyword", ["additionalProperties", "unevaluatedProperties"])
def test_a_forbidden_property_is_reported_by_the_keyword_that_forbids_it(
    keyword: str, engine: Callable[..., Any]
) -> None:
    (finding,) = engine(contract_of({keyword: False}), 200, b'{"a": 1}')
    assert f"{finding.extra['engine']}: the value breaks '{keyword}'" == finding.message


@pytest.mark.parametrize("body", [b'{"": {"b": 1}}', b'{"": [1]}'])
def test_a_failure_that_schemathesis_cannot_describe_is_a_gap(body: bytes) -> None:
    """It cannot show a schema below an empty name; our own check and jsonschema report the value."""
    below = {"additionalProperties": {"type": "string"}, "items": {"type": "string"}}
    contract = contract_of({"properties": {"": below}})
    (own,) = check_response(exchange_of(contract, 200, body).response)
    exchange = exchange_of(contract, 200, body)
    assert [] == schemathesis_engine.check_response(exchange)
    assert [True] == ["an assertion of Schemathesis itself fails" in gap for gap in exchange.tally.gaps]
    assert ("$", 1) == (own.location, len(by_jsonschema(contract, 200, body)))


@pytest.mark.parametrize(
    ("schema", "body", "gap"),
    [
        ({"patternProperties": {r"^\p{L}$": {}}}, b'{"a": 1}', "Python cannot read a pattern of its schema"),
        ({"multipleOf": 0.5}, b"1e999", "Python cannot compute with"),
        ({"$ref": "#/components/schemas/Deep"}, b"[" * 600 + b"]" * 600, "nested too deep for it"),
    ],
)
def test_a_body_that_jsonschema_cannot_validate_is_a_gap(schema: Any, body: bytes, gap: str) -> None:
    contract = contract_of(schema, {"Deep": {"items": {"$ref": "#/components/schemas/Deep"}}})
    exchange = exchange_of(contract, 200, body)
    assert [] == jsonschema_engine.validate(exchange)
    assert [True] == [gap in text for text in exchange.tally.gaps]
    assert not exchange.tally.counts
    with pytest.raises(NotCheckedError, match="jsonschema: the body could not be validated"):
        jsonschema_engine.validate_plain(exchange)


def test_formats_that_jsonschema_cannot_check_are_reported() -> None:
    """As a gap, with the package to install."""
    contract = contract_of({"anyOf": [{"format": "date-time"}, {"format": "uuid"}, {"format": "int32"}]})
    exchange = exchange_of(contract, 200, b"7")
    jsonschema_engine.validate(exchange)
    assert ["jsonschema: format date-time: pip install 'jsonschema[format-nongpl]' to check more formats"] == [
        *exchange.tally.gaps
    ]


def test_jsonschema_keeps_findings_from_before_an_error() -> None:
    """A pattern that Python cannot read does not hide the wrong type of another property."""
    schema = {"properties": {"a": {"type": "string"}, "b": {"pattern": r"^\p{L}$"}}}
    exchange = exchange_of(contract_of(schema), 200, b'{"a": 1, "b": "x"}')
    (finding,) = jsonschema_engine.validate_plain(exchange)
    assert "response_schema_conformance" == finding.rule


def test_jsonschema_raises_not_checked_without_a_documented_body() -> None:
    with pytest.raises(NotCheckedError, match="documents no JSON body"):
        jsonschema_engine.validate_plain(exchange_of(PACKAGED, 204, b""))


def test_schemathesis_raises_not_checked_for_an_unsupported_operation() -> None:
    exchange = exchange_of(contract_of({"type": "array", "prefixItems": [{}]}), 200, b"{}")
    with pytest.raises(NotCheckedError, match="Schemathesis cannot read"):
        schemathesis_engine.check_plain(exchange)
    assert [True] == ["it cannot read" in gap for gap in exchange.tally.gaps]


EXAMPLES: dict[str, tuple[Any, bytes, str]] = {
    '{"pattern": "^\\\\W$"} rejects "é"': ({"pattern": r"^\W$"}, '"é"'.encode(), "application/json"),
    '{"multipleOf": 0.1} rejects 10.1': ({"multipleOf": 0.1}, b"10.1", "application/json"),
    '{"format": "regex"} rejects "\\\\p{L}"': ({"format": "regex"}, rb'"\\p{L}"', "application/json"),
    "a YAML body of =": ({"type": "string"}, b"=", "application/yaml"),
    '{"type": "string"} rejects the YAML body 12:30': ({"type": "string"}, b"12:30", "application/yaml"),
    '{"pattern": "^\\\\p{L}$"} rejects "Ω"': ({"pattern": r"^\p{L}$"}, '"Ω"'.encode(), "application/json"),
}


def contract_with(schema: Any, media_type: str) -> Any:
    """Return a contract whose operation responds with a body of the media type."""
    spec = document(schema)
    response = spec["paths"]["/v1/things/{id}"]["get"]["responses"]["200"]
    response["content"] = {media_type: response["content"]["application/json"]}
    return from_document(spec, "things.json")


@pytest.mark.parametrize("fault", ENGINE_FAULTS, ids=lambda fault: fault.what)
def test_a_listed_engine_fault_is_not_a_finding(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A known fault of jsonschema or Schemathesis yields no finding, also inside `anyOf`; without the list, it does."""
    schema, body, media_type = EXAMPLES[fault.example]
    exchange = exchange_of(contract_with(schema, media_type), 200, body, {"Content-Type": media_type})
    nested_contract = contract_with({"anyOf": [schema, {"type": "null"}]}, media_type)
    nested = exchange_of(nested_contract, 200, body, {"Content-Type": media_type})
    engines: dict[str, Callable[[TargetExchange], list[Finding]]] = {
        "jsonschema": jsonschema_engine.validate,
        "Schemathesis": schemathesis_engine.check_response,
    }
    engine = engines[fault.engine]
    assert [] == engine(exchange)
    assert [] == engine(nested)
    module = {"jsonschema": jsonschema_engine, "Schemathesis": schemathesis_engine}[fault.engine]
    monkeypatch.setattr(module, "is_engine_fault", lambda *_: False)
    assert engine(exchange_of(contract_with(schema, media_type), 200, body, {"Content-Type": media_type}))


@pytest.mark.parametrize(
    ("schema", "body", "rejected"),
    [
        ({"type": "object"}, b"a: 1\n---\nb: 2\n", False),
        ({"type": "object"}, b"a: !Ref name\n", False),
        ({"type": "object"}, "a: é\n".encode("utf-16"), False),
        ({"properties": {"at": {"type": "string"}}}, b"at: 1_000\n", False),
        ({"type": "object"}, b"a: [1\n", True),
        ({"type": "object"}, b"a: \xff\n", True),
        ({"type": "integer"}, b"12:30x", True),
        ({"type": "object", "required": ["a"]}, b"b: 1\n", True),
        ({"type": "string"}, b".inf", True),
    ],
)
def test_schemathesis_rejects_only_invalid_yaml(schema: Any, body: bytes, rejected: bool) -> None:
    """Valid: several documents, tags, UTF-16, and dates as text."""
    contract = contract_with(schema, "application/yaml")
    findings = by_schemathesis(contract, 200, body, headers={"Content-Type": "application/yaml"})
    assert rejected == bool(findings)


@pytest.mark.parametrize(
    ("siblings", "target", "body"),
    [
        ({"else": False}, {"if": False}, b"1"),
        ({"not": False, "else": False}, {"if": False}, b"1"),
        ({"then": False}, {"if": True}, b"1"),
        ({"if": False}, {"else": False}, b"1"),
        ({"minContains": 2}, {"contains": True}, b"[1]"),
        ({"maxContains": 1}, {"contains": True}, b"[1, 2]"),
        ({"allOf": [{"type": "integer"}], "else": False}, {"if": False}, b"1"),
    ],
)
def test_a_conforming_body_passes_with_keywords_next_to_a_reference(
    siblings: dict[str, Any], target: dict[str, Any], body: bytes
) -> None:
    """Schemathesis reads the keywords of the target as if they were siblings of the others."""
    contract = contract_of({"$ref": "#/components/schemas/B", **siblings}, {"B": target})
    assert [] == engine_findings(contract, 200, body)


def test_schemathesis_checks_keywords_next_to_a_reference() -> None:
    siblings = {"allOf": [{"minimum": 3}], "maximum": 5}
    contract = contract_of({"$ref": "#/components/schemas/B", **siblings}, {"B": {"type": "integer"}})
    assert [b"2", b"6", b'"a"'] == [body for body in (b"2", b"4", b"6", b'"a"') if by_schemathesis(contract, 200, body)]
