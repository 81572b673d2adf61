"""An invalid part of a document excludes the bodies and operations that consist of it, and no other."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.contract.show import contract_lines
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.exchanges.exchange_checks import ExchangeChecks
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from pytest_bctrl.request_checks.run import request_findings

from .. import invalid_parts
from ..invalid_parts import SCHEMA, Doc, operation, replace_at

BODY = f"get/{SCHEMA}"


def document(openapi: str = "3.1.0", /, **paths: Any) -> Doc:
    """Return a document with the valid operation `GET /fine` and these paths."""
    written = invalid_parts.document({"$ref": "#/components/schemas/Fine"}, paths, openapi)
    written["components"]["schemas"]["Both"] = {"properties": {"a": {}, "b": 1}}
    return written


def get(schema: Any = True, **more: Any) -> Doc:
    """Return a path item whose GET returns this schema; `more` are other members of the operation."""
    return {"get": operation(schema, **more)}


def labels(contract: Contract) -> list[str]:
    """Return the labels of the valid operations."""
    return [valid.label for valid in contract.operations]


INVALID: dict[str, tuple[Any, str, str]] = {
    "dangling": (get({"$ref": "#/nowhere"}), f"/{BODY}", "the reference '#/nowhere' leads nowhere"),
    "dangling in a request body": (
        {"post": {**operation(True), "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/gone"}}}}}},
        "/post/requestBody/content/application~1json/schema",
        "the reference '#/gone' leads nowhere",
    ),
    "remote": (get({"$ref": "https://example.org/a.yaml#/A"}), f"/{BODY}", "leads outside the document"),
    "invalid schema": (get({"type": "text"}), f"/{BODY}/type", "it is not well-formed OpenAPI: one of"),
    "duplicate name": (get({"required": ["a", "a"]}), f"/{BODY}/required", "a list without duplicates is expected"),
    "invalid component": (get({"$ref": "#/components/schemas/Wrong"}), "#/components/schemas/Wrong/type", "one of"),
    "invalid parameter": (
        get(parameters=[{"name": "a", "in": "body"}]),
        "/get/parameters/0/in",
        '"cookie", "querystring"] is expected, not "body"',
    ),
    "invalid parameter of a path": ({**get(), "parameters": [{"in": "path"}]}, "/parameters/0", "an object with name"),
    "parameter in querystring": (
        get(parameters=[{"name": "a", "in": "querystring", "content": {"application/json": {}}}]),
        "/get/parameters/0",
        "a parameter in querystring is not supported",
    ),
    "undefined credential": (get(security=[{"no": []}]), "/get/security/0/no", "names the scheme 'no'"),
    "pattern": (get({"pattern": "("}), f"/{BODY}", "the pattern '(' cannot be read"),
    "dialect": (get({"$schema": "https://example.org/d"}), f"/{BODY}", "the dialect 'https://example.org/d'"),
    "circle": (get({"allOf": [{"$ref": "#/paths/~1x/" + BODY}]}), "/get", "leads back to itself"),
    "status": ({"get": {"responses": {"2OO": {"description": "typo"}}}}, "/get/responses/2OO", "a text like"),
    "no operation": ({"get": 1}, "/get", 'the type "object" is expected, not 1'),
    "path item": ([], "", 'the type "object" is expected, not []'),
    "dangling path item": ({"$ref": "#/gone"}, "", "the reference '#/gone' leads nowhere"),
    "path item in a circle": ({"$ref": "#/paths/~1x"}, "", "leads back to itself"),
    "paging": (get(**{"x-bctrl-paging": {"size": "a"}}), "/get/x-bctrl-paging", "items: the response has no list ''"),
}  # fmt: skip


BODIES = (
    *("dangling", "dangling in a request body", "remote", "invalid schema", "duplicate name", "invalid component"),
    *("pattern", "dialect"),
)
"""The invalid parts that exclude a response or the body of a request."""


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_operation_is_excluded_with_pointer_and_reason(name: str, version: str) -> None:
    item, pointer, problem = INVALID[name]

    contract = from_document(document(version, x=item), "x.json")

    (exclusion,) = contract.excluded
    if exclusion.is_body:
        assert {"the request body of POST /x", "the response 200 of GET /x"} >= {exclusion.operation}
        assert {"GET /fine", exclusion.operation.rpartition(" of ")[2]} == {*labels(contract)}
    else:
        assert ["GET /fine"] == labels(contract)
        assert exclusion.operation in ("GET /x", "/x")
    assert exclusion.is_body == (name in BODIES)
    expected = pointer.removeprefix("#") if pointer.startswith("#") else f"/paths/~1x{pointer}"
    assert expected == exclusion.pointer
    assert problem in exclusion.problem
    assert exclusion.hint
    (text,) = contract.exclusions
    assert text.startswith(f"{exclusion.operation} is not checked: ")
    assert text in contract_lines(contract)


def test_a_document_without_a_valid_operation_is_rejected() -> None:
    broken = document(x=get(parameters=[{}]))
    broken["paths"]["/fine"]["get"] = 1
    with pytest.raises(DocumentError, match='the type "object" is expected, not 1'):
        from_document(broken, "x.json")


def test_operations_excluded_for_equal_reasons_are_listed_with_their_pointers() -> None:
    contract = from_document(document(a=get({"type": "text"}), b=get({"type": "text"})), "x.json")

    (text,) = contract.exclusions
    pointers = [f"#/paths/~1{name}/{BODY}/type" for name in "ab"]
    labels = [f"the response 200 of GET /{name} ({pointer})" for name, pointer in zip("ab", pointers, strict=True)]
    assert text.startswith(f"{', '.join(labels)} are not checked: it is not well-formed")


def test_all_operations_that_use_an_invalid_component_are_excluded_for_one_reason() -> None:
    """The reason names five of seven, and how many more there are."""
    parameters = [{"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/Wrong"}}]
    paths = {f"p{number}": get(parameters=parameters) for number in range(7)}

    contract = from_document(document(**paths), "x.json")

    assert ["GET /fine"] == labels(contract)
    (text,) = contract.exclusions
    assert text.startswith("GET /p0, GET /p1, GET /p2, GET /p3, GET /p4 and 2 more are not checked: ")


def test_the_valid_part_of_an_invalid_component_can_be_used() -> None:
    """A reference to a valid property of it excludes nothing; a reference to all of it excludes the response."""
    contract = from_document(document(x=get({"$ref": "#/components/schemas/Both/properties/a"})), "x.json")
    assert (["GET /fine", "GET /x"], ()) == (labels(contract), contract.excluded)
    contract = from_document(document(x=get({"$ref": "#/components/schemas/Both"})), "x.json")
    assert [("the response 200 of GET /x", "/components/schemas/Both/properties/b")] == [
        (exclusion.operation, exclusion.pointer) for exclusion in contract.excluded
    ]


def test_an_operation_may_refer_to_a_valid_part_of_an_excluded_operation() -> None:
    """It has the schema and the parameter that it refers to there."""
    excluded = get({"type": "integer"}, parameters=[{"name": "a", "in": "body"}, {"name": "b", "in": "query"}])
    refers = get({"$ref": f"#/paths/~1x/{BODY}"}, parameters=[{"$ref": "#/paths/~1x/get/parameters/1"}])

    contract = from_document(document(x=excluded, y=refers), "x.json")

    assert ["GET /fine", "GET /y"] == labels(contract)
    schema = contract.operation("GET /y").responses["200"].content["application/json"]
    assert (True, False) == (accepts(contract, schema, 1), accepts(contract, schema, "a"))
    assert ["b"] == [parameter.name for parameter in contract.operation("GET /y").parameters]


def test_a_callback_may_be_a_path_item_whose_operation_is_valid() -> None:
    """Another operation is invalid. The document that was given is not changed."""
    calls = get(callbacks={"done": {"{$request.query.url}": {"$ref": "#/paths/~1x"}}})
    given = document(x=get(), y=calls, z=get({"$ref": "#/components/schemas/Circle"}))
    given["components"]["schemas"]["Circle"] = {"allOf": [{"$ref": "#/components/schemas/Circle"}]}
    before = copy.deepcopy(given)

    contract = from_document(given, "x.json")

    assert ["GET /fine", "GET /x", "GET /y"] == labels(contract)
    assert before == given


def test_any_body_of_an_excluded_response_is_not_checked() -> None:
    """The other responses of the operation are checked."""
    item = get({"type": "text"})
    item["get"]["responses"]["400"] = {"content": {"application/json": {"schema": {"type": "string"}}}}
    contract = from_document(document(x=item), "x.json")
    checks, sent = ExchangeChecks(contract), Request("GET", "/x", ())
    fields = (("content-type", "application/json"), ("content-length", "1"))
    excluded, checked = (checks.check(Exchange(sent, status, fields, b"1")) for status in (200, 400))
    assert ("not checked", ()) == (excluded.outcome, excluded.findings)
    assert excluded.not_checked[0].startswith("the response 200 is invalid in the document: it is not well-formed")
    assert ("checked", ["response_schema_conformance"]) == (
        checked.outcome,
        [finding.rule for finding in checked.findings],
    )


def test_any_body_of_a_request_is_accepted_if_the_documented_one_is_excluded() -> None:
    body = {"content": {"application/json": {"schema": {"$ref": "#/gone"}}}, "required": True}
    contract = from_document(document(x={"post": operation(True, requestBody=body)}), "x.json")
    for sent in (b"", b"1"):
        (finding,) = request_findings(Request("POST", "/x", (), sent), contract, None)
        assert ("request_not_checked", "warning") == (finding.rule, finding.level)


def test_a_path_item_that_two_paths_share_is_excluded_in_both() -> None:
    shared = {"get": operation(True, parameters=[{"name": "q", "in": "body"}]), "post": operation({"type": "string"})}
    paths = {"x": {"$ref": "#/components/pathItems/Shared"}, "y": {"$ref": "#/components/pathItems/Shared"}}
    broken = document(**paths)
    broken["components"]["pathItems"] = {"Shared": shared}

    contract = from_document(broken, "x.json")

    assert ["GET /fine", "POST /x", "POST /y"] == labels(contract)
    assert ["GET /x", "GET /y"] == [exclusion.operation for exclusion in contract.excluded]


def test_invalid_security_of_the_document_excludes_the_operations_that_inherit_it() -> None:
    broken = document(x=get(security=[{"key": []}]))
    broken["security"] = [{"nobody": []}]
    contract = from_document(broken, "x.json")
    assert (["GET /x"], ["GET /fine"]) == (labels(contract), [exclusion.operation for exclusion in contract.excluded])


@pytest.mark.parametrize(
    ("key", "value", "name"),
    [
        ("info", None, "the info object"),
        ("servers", [{}], "the list of servers"),
        ("servers", {}, "the list of servers"),
    ],
)
def test_an_invalid_part_that_no_operation_uses_is_left_out(key: str, value: Any, name: str) -> None:
    contract = from_document({**document(), key: value}, "x.json")
    assert ["GET /fine"] == labels(contract)
    assert [name] == [exclusion.operation for exclusion in contract.excluded]


def test_extensions_are_not_read() -> None:
    """Invalid references and patterns in `x-` fields, anywhere in the document, exclude nothing."""
    extension = {"x-samples": {"$ref": "samples.txt"}, "x-any": {"schema": {"$ref": "#/gone", "pattern": "("}}}
    item = get({"type": "string", **extension}, parameters=[{"name": "q", "in": "query", **extension}], **extension)
    fine = document(x={**item, **extension})
    fine["paths"] |= extension
    fine["components"] |= extension
    fine |= extension
    contract = from_document(fine, "x.json")
    assert (["GET /fine", "GET /x"], ()) == (labels(contract), contract.excluded)


def test_pointers_are_those_of_the_original_document() -> None:
    """The upgrade from OpenAPI 3.0 puts the nullable schema into an `anyOf`."""
    schema = {"nullable": True, "allOf": [{"type": "text"}], "properties": {"a/b": {"type": "string"}}}
    contract = from_document(document("3.0.3", x=get({"properties": {"a": schema}})), "x.json")
    assert [f"/paths/~1x/{BODY}/properties/a/allOf/0/type"] == [exclusion.pointer for exclusion in contract.excluded]


@pytest.mark.parametrize(
    ("schema", "tail"),
    [
        ({"nullable": True, "type": "text"}, "/type"),
        ({"exclusiveMinimum": True, "minimum": "a"}, "/exclusiveMinimum"),
    ],
)
def test_the_pointer_of_an_error_in_an_upgraded_value_is_that_of_the_original_value(schema: Any, tail: str) -> None:
    """The upgrade from OpenAPI 3.0 makes a list of the type, and a number of the exclusive bound."""
    contract = from_document(document("3.0.3", x=get(schema)), "x.json")
    assert [f"/paths/~1x/{BODY}{tail}"] == [exclusion.pointer for exclusion in contract.excluded]


def test_a_path_without_a_slash_is_excluded() -> None:
    broken = document(x={"get": 1})
    broken["paths"]["no-slash"] = get()
    contract = from_document(broken, "x.json")
    assert ["GET /fine"] == labels(contract)
    assert {"GET /x", "GET no-slash"} == {exclusion.operation for exclusion in contract.excluded}


def test_schemas_that_only_a_discriminator_mapping_names_are_kept() -> None:
    """If another operation is excluded, schemas that no valid operation uses are removed; these are not."""
    mapping = {"a": "Fine", "b": "#/components/schemas/Other", "c": "gone"}
    mapped = {"type": "object", "discriminator": {"propertyName": "kind", "mapping": mapping}}
    broken = document(x={"get": 1}, y=get(mapped))
    broken["components"]["schemas"]["Other"] = {"type": "object"}
    contract = from_document(broken, "x.json")
    assert ["GET /fine", "GET /y"] == labels(contract)
    assert ["Fine", "Other"] == sorted(contract.document["components"]["schemas"])


def test_a_file_that_cannot_be_read_excludes_what_refers_to_it(tmp_path: Path) -> None:
    """It is missing, a part of another file refers to it, or it lacks the value at the pointer."""
    (tmp_path / "here.yaml").write_text("A: {type: string}\nB: {$ref: 'gone.yaml#/B'}\n", "utf-8")
    names = {"x": "gone.yaml#/A", "y": "here.yaml#/A", "z": "here.yaml#/B", "w": "here.yaml#/C"}
    paths = {path: get({"$ref": target}) for path, target in names.items()}
    (tmp_path / "api.json").write_text(json.dumps(document(**paths)), "utf-8")

    contract = load(tmp_path / "api.json")

    assert ["x", "z", "w"] == [exclusion.operation.rpartition("/")[2] for exclusion in contract.excluded]
    assert [
        "gone.yaml: the file cannot be read: No such file or directory",
        "gone.yaml: the file cannot be read: No such file or directory",
        "here.yaml: #/C: the reference leads nowhere",
    ] == [exclusion.problem.removeprefix(f"{tmp_path}/") for exclusion in contract.excluded]


_JUNK = st.sampled_from([None, 1, "x", True, [], [1], {"$ref": "#/no"}, {"$ref": 7}, {"$ref": "https://a.test/b"}])
_PLACES = st.sampled_from(
    [
        *("get", "get/responses", "get/responses/200", "get/responses/200/content", BODY, f"{BODY}/properties"),
        *(f"{BODY}/properties/a/type", f"{BODY}/properties/a/pattern", "get/parameters", "get/parameters/0"),
        *("get/parameters/0/schema", "get/parameters/0/name", "get/security", "parameters"),
    ]
)


@given(_PLACES, _JUNK, st.integers(0, 3))
@example("get", None, 0)
@example(f"{BODY}/properties/a/pattern", "(", 2)
@example("parameters", [1], 1)
def test_the_other_operations_are_the_same_whatever_is_broken(place: str, junk: Any, number: int) -> None:
    """Junk in one of four operations excludes at most that operation, and changes no other."""
    schema = {"properties": {"a": {"type": "string", "pattern": "a"}, "b": {"$ref": "#/components/schemas/Fine"}}}
    parameters = [{"name": "q", "in": "query", "schema": {"type": "string"}}]
    paths = {f"p{index}": get(schema, parameters=parameters, security=[{"key": []}]) for index in range(4)}
    whole = document(**paths)
    # Not `deepcopy`, which would let the paths share their schemas.
    broken = json.loads(json.dumps(whole))
    replace_at(broken["paths"][f"/p{number}"], place, junk)

    contract = from_document(broken, "x.json")

    expected = [f"GET /{name}" for name in ("fine", *paths) if name != f"p{number}"]
    assert expected == [label for label in labels(contract) if label != f"GET /p{number}"]
    excluded = {exclusion.operation for exclusion in contract.excluded}
    assert excluded <= {f"GET /p{number}", f"/p{number}", f"the response 200 of GET /p{number}"}
    assert len(contract.operations) + len(contract.excluded) >= len(whole["paths"]) - 1
    whole_contract = from_document(whole, "x.json")
    for label in expected:
        assert contract.operation(label).responses == whole_contract.operation(label).responses
        assert contract.operation(label).parameters == whole_contract.operation(label).parameters


GONE: Doc = {"sample": {"$ref": "#/gone"}}
SAMPLE_PLACES: dict[str, tuple[str, Doc]] = {
    "link": ("get/responses/200/links", GONE),
    "example of a response": ("get/responses/200/content/application~1json/examples", GONE),
    "example of a parameter": ("get/parameters/0/examples", GONE),
    "example of a header": ("get/responses/200/headers/X/examples", GONE),
    "example in a request body": ("get/requestBody/content/application~1json/examples", GONE),
    "link that is not a mapping": ("get/responses/200/links", {"sample": 1}),
    "example in another document": ("get/parameters/0/examples", {"sample": {"$ref": "https://a.test/b.yaml"}}),
    "example in a circle": (
        "get/parameters/0/examples",
        {"sample": {"$ref": "#/paths/~1x/get/parameters/0/examples/sample"}},
    ),
}


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
@pytest.mark.parametrize("name", SAMPLE_PLACES)
def test_a_link_or_example_that_cannot_be_read_is_left_out_alone(name: str, version: str) -> None:
    """The operation stays valid, and the exclusion has the pointer of that link or example."""
    place, samples = SAMPLE_PLACES[name]
    media = {"application/json": {"schema": {"type": "string"}}}
    item = get(
        {"type": "string"}, parameters=[{"name": "q", "in": "query", "schema": {}}], requestBody={"content": media}
    )
    item["get"]["responses"]["200"]["headers"] = {"X": {"schema": {"type": "string"}}}
    replace_at(item, place, {"readable": {"value": "a"}, **samples})

    contract = from_document(document(version, x=item), "x.json")

    assert ["GET /fine", "GET /x"] == labels(contract)
    (exclusion,) = contract.excluded
    noun = place.rpartition("/")[2].removesuffix("s")
    assert (f"the {noun} 'sample'", f"/paths/~1x/{place}/sample") == (exclusion.operation, exclusion.pointer)
    assert not exclusion.is_operation
    assert contract.exclusions[0].startswith(f"the {noun} 'sample' is not used: ")


def test_examples_that_are_no_map_are_left_out_together() -> None:
    """The operation is valid, and the excluded part is the map of examples."""
    item = get({"type": "string", "examples": ["a"]})
    replace_at(item, "get/responses/200/content/application~1json/examples", ["a"])
    contract = from_document(document(x=item), "x.json")
    assert ["GET /fine", "GET /x"] == labels(contract)
    assert ["the map of examples"] == [exclusion.operation for exclusion in contract.excluded]


def test_a_repeated_operation_id_is_reported_and_belongs_to_the_first_operation() -> None:
    paths = {name: get(operationId=id_) for name, id_ in (("a", "list"), ("b", "list"), ("c", "other"))}
    contract = from_document(document(**paths), "x.json")
    assert ["GET /fine", "GET /a", "GET /b", "GET /c"] == labels(contract)
    assert ["", "list", "", "other"] == [valid.operation_id for valid in contract.operations]
    assert [
        "the operationId of GET /b is not used: 'list' is the operationId of GET /a too, "
        "at #/paths/~1b/get/operationId (make it unique)"
    ] == contract.exclusions


def test_openapi_32_is_read() -> None:
    """Query and additional operations, media type components, item schemas, and data values of examples."""
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    media = {"schema": {"type": "integer"}, "examples": {"one": {"dataValue": 1}}}
    item = {
        "query": {**operation({"type": "string"}), "requestBody": body},
        "additionalOperations": {"COPY": operation({"type": "boolean"}, **{"x-note": "n"})},
        "get": {
            "responses": {
                "200": {"summary": "S", "content": {"application/json": {"$ref": "#/components/mediaTypes/Number"}}},
                "206": {"content": {"application/jsonl": {"itemSchema": {"$ref": "#/components/schemas/Fine"}}}},
            },
            "parameters": [
                {"name": "q", "in": "query", "schema": {"type": "integer"}, "examples": {"a": {"dataValue": 3}}}
            ],
        },
    }
    spec = document("3.2.0", x=item)
    spec["$self"] = "https://api.example.org/openapi.json"
    spec["components"]["mediaTypes"] = {"Number": media}
    spec["tags"] = [{"name": "a", "parent": "b", "kind": "nav", "summary": "s"}]

    contract = from_document(spec, "x.json")

    assert ["GET /fine", "GET /x", "QUERY /x", "COPY /x"] == labels(contract)
    assert () == contract.excluded
    get_x, query_x, copy_x = contract.operations[1:]
    assert {"type": "integer"} == get_x.responses["200"].content["application/json"]
    assert (3,) == get_x.parameters[0].examples
    assert {"type": "string"} == query_x.responses["200"].content["application/json"]
    assert ("/paths/~1x/additionalOperations/COPY", False) == (copy_x.pointer, copy_x.is_safe)


def test_an_invalid_media_type_component_excludes_what_uses_it() -> None:
    content = {"application/json": {"$ref": "#/components/mediaTypes/Gone"}}
    spec = document("3.2.0", x={"get": {"responses": {"200": {"content": content}}}})
    contract = from_document(spec, "x.json")
    assert [("the response 200 of GET /x", "/paths/~1x/get/responses/200/content/application~1json")] == [
        (exclusion.operation, exclusion.pointer) for exclusion in contract.excluded
    ]
