"""What shows a change: a value that one document allows and the other forbids, as a second engine has it too."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatch
from operator import itemgetter
from typing import Any

import hypothesis
import jsonschema
import pytest
from hypothesis import given

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.engine_schemas import engine_schema
from pytest_bctrl.drift.examples import example
from pytest_bctrl.drift.options import Options
from pytest_bctrl.drift.rules import rules
from pytest_bctrl.findings.finding import Finding

from .expected import findings_of_example, needs_counterexample
from .pairs import Doc, body
from .test_one_change import of, pairs, relaxed


def errors(old: Doc, new: Doc) -> list[Finding]:
    """Return the findings of level error that need a counterexample."""
    return errors_among(compare(old, new))


def errors_among(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings of level error that need a counterexample."""
    return [finding for finding in findings if finding.level == "error" and needs_counterexample(finding)]


def _in_json(holder: Doc) -> Doc:
    """Return what has the schema of a parameter or header: itself, or its JSON content."""
    if "schema" in holder:
        return holder
    media_type: Doc = holder["content"]["application/json"]
    return media_type


def schema_at(document: Doc, finding: Finding) -> Any:
    """Return the schema of the request body, parameter, response header or response body that a finding is about."""
    operation = document["paths"][finding.operation.split()[1]][finding.operation.split()[0].lower()]
    if finding.direction == "request":
        if finding.location.startswith("requestBody"):
            return operation["requestBody"]["content"]["application/json"]["schema"]
        return _in_json(operation["parameters"][0])["schema"]
    response = operation["responses"]["200"]
    if finding.location.startswith("header"):
        return _in_json(response["headers"]["X-H"])["schema"]
    return response["content"][finding.extra["media_type"]]["schema"]


AROUND = {
    "request-body-added-required", "request-body-became-required", "new-required-request-parameter",
    "request-parameter-became-required", "required-response-header-removed", "response-header-became-optional",
    "response-success-status-removed", "response-media-type-removed", "response-media-type-name-generalized",
}  # fmt: skip


def allows(document: Doc, operation: str, value: Doc) -> bool:
    """Return whether a document allows the request or response that a counterexample outside of schemas describes."""
    method, path = operation.split()
    documented, place = document["paths"][path][method.lower()], value.get("without", "").partition(" ")
    if place[0] == "requestBody":
        return not documented.get("requestBody", {}).get("required")
    if "request" in value:
        return not any(
            parameter.get("required") for parameter in documented.get("parameters", ()) if parameter["name"] == place[2]
        )
    response = documented["responses"].get(value["status"])
    if response is None or not place[0]:
        return response is not None and any(
            fnmatch(value.get("media_type", name), name) for name in response.get("content", {"": 0})
        )
    headers = response.get("headers", {}).items()
    return not any(header.get("required") for name, header in headers if name.lower() == place[2])


def require_counterexample(finding: Finding, old: Doc, new: Doc) -> None:
    """Check that a finding has a counterexample, against both documents unless it is of a part of the body."""
    shown = finding.extra["shown"]
    assert shown["by"] == "counterexample", (finding.rule, finding.message)
    if finding.rule in AROUND:
        expected = [shown["allowed"] == "before", shown["allowed"] == "now"]
        assert expected == [allows(document, finding.operation, shown["value"]) for document in (old, new)]
        return
    if shown["of"]:
        return
    validity = []
    for source in (old, new):
        schema = {
            "components": source.get("components"),
            **engine_schema(schema_at(source, finding), itemgetter("$ref"), is_30=False),
        }
        second = jsonschema.Draft202012Validator
        validity.append(second(schema, format_checker=second.FORMAT_CHECKER).is_valid(shown["value"]))
    assert validity == ([True, False] if finding.direction == "request" else [False, True]), (finding.rule, shown)


@pytest.mark.parametrize("rule", [rule for rule in sorted(rules()) if rules()[rule].level == "error"])
def test_an_error_of_each_rule_has_a_counterexample(rule: str) -> None:
    """In the rule's example; except for formats, a validator confirms that only one document allows the value."""
    pair = example(rule)
    for finding in errors_among(findings_of_example(rule)):
        if "format" in finding.message:
            assert finding.extra["shown"]["by"] == "counterexample"
        else:
            require_counterexample(finding, pair.base, pair.revision)


@relaxed
@given(pairs())
@hypothesis.example((body({"enum": ["a", "b", "c"]}), body({"type": "string", "pattern": "^a"})))
def test_each_error_has_a_counterexample_that_a_second_engine_confirms(pair: tuple[Doc, Doc]) -> None:
    for finding in errors(*pair):
        require_counterexample(finding, *pair)


ANY_OBJECT: Doc = {"type": "object"}
NARROWER: Doc = {"anyOf": [{"type": "object", "required": ["a"]}, {"type": "object", "required": ["b", "c"]}]}


def test_a_change_proven_compatible_is_not_an_error() -> None:
    """A level set in the options takes precedence over the proof."""
    old, new = (
        body({"oneOf": [{"const": 1}, {"enum": [2, 3]}]}),
        body({"allOf": [{"enum": [1, 2]}, {"type": "integer"}]}),
    )
    (finding,) = compare(old, new)
    assert (finding.level, finding.extra["shown"]) == ("info", {"by": "proof"})
    old, new = (body({"type": "array", "items": schema}) for schema in (ANY_OBJECT, NARROWER))
    findings = compare(old, new)
    assert {(finding.level, finding.extra["shown"]["by"]) for finding in findings} == {("info", "proof")}
    (rule,) = {finding.rule for finding in findings}
    assert {finding.level for finding in compare(old, new, Options({rule: "error"}))} == {"error"}


def test_the_level_comes_from_the_rule_if_there_are_no_steps_for_a_search() -> None:
    (finding,) = compare(body({"enum": [1]}), body({"enum": [1, 2]}), Options(steps=0))
    assert (finding.level, finding.extra.get("shown")) == ("error", None)


def test_a_finding_without_a_counterexample_says_that_the_budget_is_used_up() -> None:
    findings = compare(body({"enum": [1]}), body({"enum": [1, 2, 3]}), Options(steps=1_500))
    assert [finding.level for finding in findings] == ["error", "error"]
    assert [finding.extra["shown"].get("reason") for finding in findings] == [
        None,
        "the budget for counterexamples is used up",
    ]


def test_without_steps_for_a_search_the_rule_is_the_evidence_of_an_error() -> None:
    """The one step is used up by the first pattern, so that the second one is not verified."""
    old, new = (
        body({"type": "object", "properties": {name: {"type": "string", "pattern": patterns[name]} for name in "ab"}})
        for patterns in ({"a": "^b$", "b": "^c$"}, {"a": "^a", "b": "^d$"})
    )
    findings = compare(old, new, Options(steps=1))
    assert [(finding.rule, finding.location) for finding in findings if finding.level != "info"] == [
        ("response-property-widened", "a"),
        ("response-property-may-be-widened", "b"),
    ]
    shown = {"by": "rule", "reason": "the budget for counterexamples is used up"}
    assert [finding.extra["shown"] for finding in findings[:2]] == [shown, {"by": "rule"}]


def test_a_narrower_alternative_that_inherits_its_type_is_proven_compatible() -> None:
    """The level is info, although the alternative has its type from the schema around it."""
    old, new = (body({"type": "object", "oneOf": [{"minProperties": n}, {"maxProperties": 0}]}) for n in (1, 2))
    (finding,) = compare(old, new)
    assert (finding.level, finding.extra["shown"]) == ("info", {"by": "proof"})


@pytest.mark.parametrize(("names", "level", "shown"), [(["n"], "info", "proof"), ([], "error", "counterexample")])
def test_a_change_has_no_effect_if_no_valid_body_exists(names: list[str], level: str, shown: str) -> None:
    """If another required property has no value, a longer enum is info by proof; otherwise it is an error."""
    kept: Doc = {"required": [*names, "p"], "type": "object"}
    none = {"type": "string", "enum": [1]}
    old, new = (body({**kept, "properties": {"n": none, "p": {"enum": values}}}) for values in ([1], [1, 2]))
    (finding,) = compare(old, new)
    assert (finding.level, finding.extra["shown"]["by"]) == (level, shown)


def test_a_counterexample_list_exceeds_the_old_maximum_length() -> None:
    old, new = (body({"type": "array", "items": {"type": "string"}, "maxItems": maximum}) for maximum in (100, 200))
    (finding,) = compare(old, new)
    require_counterexample(finding, old, new)


@pytest.mark.parametrize(
    ("keyword", "bound", "shown"),
    [
        ("maximum", 5.5, 6.5),
        ("exclusiveMaximum", 5.5, 5.5),
        *((word, 5.5, 4.5) for word in ("minimum", "exclusiveMinimum")),
        ("multipleOf", 7, 3.5),
    ],
)
def test_the_counterexample_lies_at_or_beyond_the_removed_bound(keyword: str, bound: float, shown: float) -> None:
    """Removing `maximum: 5.5` is shown by 6.5; the nearest values beyond other bounds are shown likewise."""
    (finding,) = compare(body({"type": "number", keyword: bound}), body({"type": "number"}))
    assert shown == finding.extra["shown"]["value"]


def test_a_counterexample_object_has_no_unnecessary_properties() -> None:
    """It is empty for a new type, and has only the added property for a closed object."""
    (finding,) = compare(body({"type": "string"}), body({"type": ["string", "object"]}))
    assert {} == finding.extra["shown"]["value"]
    closed: Doc = {"type": "object", "additionalProperties": False}
    old, new = (body({**closed, "properties": {key: {"type": "string"} for key in names}}) for names in ("", "bc"))
    assert [{"b"}, {"c"}] == [set(finding.extra["shown"]["value"]) for finding in compare(old, new)]


def test_the_location_of_the_difference_is_part_of_the_counterexample() -> None:
    """`at` is `/0/p` for a list whose items refer to the changed schema."""
    old, new = (
        of({"/a": {"type": "array", "items": {"$ref": "#/components/schemas/A/b"}}}, **{"A/b": {}}) for _ in "ab"
    )
    for side, values in ((old, ["x"]), (new, ["x", "y"])):
        side["components"]["schemas"] = {"A": {"b": {"required": ["p"], "properties": {"p": {"enum": values}}}}}
    (finding,) = compare(old, new)
    assert finding.extra["shown"] == {
        "by": "counterexample",
        "value": [{"p": "y"}],
        "at": "/0/p",
        "of": "",
        "allowed": "now",
    }


@pytest.mark.parametrize(
    ("around", "value", "at"),
    [
        ({"items": "HERE", "minItems": 3}, [2, 2, 2], "/0"),
        ({"prefixItems": [{"const": 0}, "HERE"]}, [0, 2], "/1"),
        ({"prefixItems": [{"const": 0}], "unevaluatedItems": "HERE"}, [0, 2], "/1"),
        ({"contains": "HERE"}, [2], "/0"),
        ({"additionalProperties": "HERE"}, {"another": 2}, "/another"),
        ({"unevaluatedProperties": "HERE"}, {"another": 2}, "/another"),
        ({"patternProperties": {"^a/b$": "HERE"}}, {"a/b": 2}, "/a~1b"),
        ({"properties": {"p": {"items": "HERE"}}}, {"p": [2]}, "/p/0"),
        ({"properties": {"p": {"anyOf": [{"type": "object", "properties": {"q": "HERE"}}, {"type": "string"}]}}},
            {"p": {"q": 2}}, "/p/q"),
    ],
)  # fmt: skip
def test_a_counterexample_contains_the_difference_and_its_location(around: Doc, value: Any, at: str) -> None:
    """Wherever a changed enum is: in items, prefix items, contained items, properties of any kind, or alternatives."""
    template = json.dumps({"type": ["array", "object"], **around})
    old, new = (body(json.loads(template.replace('"HERE"', json.dumps({"enum": values})))) for values in ([1], [1, 2]))
    (finding,) = compare(old, new)
    assert (value, at) == (finding.extra["shown"]["value"], finding.extra["shown"]["at"])


@pytest.mark.parametrize(
    ("schema", "read"),
    [
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"nullable": True, "maxLength": 3}, {"maxLength": 3}),
        ({"nullable": True, "$ref": "#/a", "maxLength": 3}, {"anyOf": [{"$ref": "#/a"}, {"type": "null"}]}),
        ({"minimum": 1, "exclusiveMinimum": True, "maximum": 3, "exclusiveMaximum": False},
            {"exclusiveMinimum": 1, "maximum": 3}),
        ({"type": "integer", "format": "int32", "minimum": 1}, {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}),
        ({"type": "string", "format": "password"}, {"type": "string"}),
        ({"required": True, "oneOf": [], "$id": "a", "$schema": "b"}, {}),
        ({"type": None, "pattern": "("}, {}),
        ({"properties": {"enum": {"nullable": True, "type": "string"}}},
            {"properties": {"enum": {"type": ["string", "null"]}}}),
        ({"enum": [{"nullable": True}]}, {"enum": [{"nullable": True}]}),
        ({"oneOf": [{"$ref": "#/A"}, {"$ref": "#/B"}, {}],
            "discriminator": {"propertyName": "k", "mapping": {"a": "A"}}},
         {"oneOf": [{"$ref": "#/A"}, {"$ref": "#/B"}, {}],
             "discriminator": {"propertyName": "k", "mapping": {"a": "#/A", "B": "#/B"}}}),
        ({"items": None, "prefixItems": [{"pattern": "a"}, True]}, {"prefixItems": [{"pattern": "a"}, True]}),
    ],
)  # fmt: skip
def test_openapi_30_schemas_are_converted_to_json_schema(schema: Any, read: Any) -> None:
    assert engine_schema(schema, itemgetter("$ref"), is_30=True) == read


@pytest.mark.parametrize(("mapping", "kind"), [({}, "Cat"), ({"mapping": {"cat": "#/components/schemas/Cat"}}, "cat")])
def test_the_discriminator_value_is_the_name_in_the_mapping(mapping: Doc, kind: str) -> None:
    """In a counterexample, `kind` has the name that the mapping gives to the schema, or else the schema's own."""

    def named(property_name: str) -> Doc:
        """Return a document with a cat that has a property of this name, or a dog."""
        cat = {
            "type": "object",
            "required": ["kind", property_name],
            "properties": {"kind": {"type": "string"}, property_name: {}},
        }
        refs = [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]
        document = body({"oneOf": refs, "discriminator": {"propertyName": "kind", **mapping}})
        document["components"] = {"schemas": {"Cat": cat, "Dog": {"type": "object", "required": ["kind", "bark"]}}}
        return document

    [finding] = errors(named("meow"), named("purr"))
    assert finding.extra["shown"]["value"]["kind"] == kind


def narrowed(choices: int) -> tuple[Doc, Doc]:
    """Return two documents, of which the newer allows less and has this many further pairs of alternatives."""
    pairs_beside = [{"anyOf": [{"minimum": -n - 1}, {"maximum": n}]} for n in range(choices)]
    old = body({"oneOf": [{"const": 1}, {"enum": [2, 3]}]})
    return old, body({"allOf": [{"enum": [1, 2]}, {"type": "integer"}, *pairs_beside]})


def test_a_proof_is_limited_to_the_budget_of_combinations() -> None:
    """Beyond the budget, the level is that of the rule."""
    proven, unproven = compare(*narrowed(7)), compare(*narrowed(12))
    beyond = {finding.rule for finding in unproven} - {finding.rule for finding in proven}
    assert beyond == {"response-body-may-be-widened"}
    assert ({"proof"}, {"rule"}) == tuple(
        {finding.extra["shown"]["by"] for finding in findings} for findings in (proven, unproven)
    )
    assert [rules()[finding.rule].level for finding in unproven] == [finding.level for finding in unproven]


def test_a_counterexample_of_property_names_is_an_object_with_such_a_name() -> None:
    old, new = (body({"type": "object", "propertyNames": {"enum": names}}) for names in (["a"], ["a", "b/c"]))
    (finding,) = errors(old, new)
    shown = finding.extra["shown"]
    assert (["b/c"], "/b~1c", "") == ([*shown["value"]], shown["at"], shown["of"])


def test_no_counterexample_is_part_of_a_body_that_is_too_large_to_validate() -> None:
    chain = {f"S{n}": {"allOf": [{"$ref": f"#/components/schemas/S{n + 1}"}] * 2} for n in range(40)}
    documents = []
    for values in (["a"], ["a", "b"]):
        properties = {"large": {"$ref": "#/components/schemas/S0"}, "state": {"$ref": "#/components/schemas/State"}}
        document = body({"type": "object", "properties": properties})
        document["components"]["schemas"] = {**chain, "S40": {"type": "string"}, "State": {"enum": values}}
        documents.append(document)
    old, new = documents
    (finding,) = errors(old, new)
    assert {"by": "rule", "reason": "the schemas are too large to validate values with"} == finding.extra["shown"]


@pytest.mark.parametrize("sides", [(40, 40), (40, 1), (1, 40)], ids=["both", "old", "new"])
def test_a_document_too_expensive_to_validate_is_compared_by_rule(sides: tuple[int, int]) -> None:
    """A chain of 40 schemas that each apply the next one twice: one error, without a counterexample."""
    documents: list[dict[str, Any]] = []
    for levels, kind in zip(sides, ("integer", "string"), strict=True):
        chain = {f"S{n}": {"allOf": [{"$ref": f"#/components/schemas/S{n + 1}"}] * 2} for n in range(levels)}
        document = body({"$ref": "#/components/schemas/S0"})
        document["components"]["schemas"] = {**chain, f"S{levels}": {"type": kind}}
        documents.append(document)
    old, new = documents
    findings = compare(old, new)
    assert {"error": 1} == Counter(finding.level for finding in findings if finding.level == "error")
    assert {"rule"} == {finding.extra["shown"]["by"] for finding in findings}
