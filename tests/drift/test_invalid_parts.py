"""An invalid part of a document excludes its bodies and operations from the comparison; all else is compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import validate

from pytest_bctrl.cli import main
from pytest_bctrl.contract.document import load_data
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.contract_change import Comparison, compare_contracts
from pytest_bctrl.drift.options import Options
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.reports.findings_json import findings_schema

from .. import invalid_parts
from ..invalid_parts import SCHEMA, Doc, operation, replace_at


def document(type_: str = "string", /, **paths: Any) -> Doc:
    """Return a document with these paths, and `GET /fine`, whose response is of this type."""
    return invalid_parts.document({"type": type_}, paths)


def compared(base: Doc, revision: Doc, **options: Any) -> Comparison:
    """Return the comparison of two documents, without an overlay."""
    return compare_contracts(load_data(base, "old"), load_data(revision, "new"), None, Options(**options))


def rules(comparison: Comparison) -> list[tuple[str, str]]:
    """Return the operation and rule of each finding."""
    return [(finding.operation, finding.rule) for finding in comparison.findings]


VALID = {"get": operation({"$ref": "#/components/schemas/Fine"})}
INVALID: dict[str, tuple[Any, str, str]] = {
    "dangling": ({"get": operation({"$ref": "#/gone"})}, f"/get/{SCHEMA}", "the $ref '#/gone' names nothing"),
    "dangling in a request body": (
        {"get": {**VALID["get"], "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/gone"}}}}}},
        "/get/requestBody/content/application~1json/schema",
        "the $ref '#/gone' names nothing",
    ),
    "remote": ({"get": operation({"$ref": "https://a.test/b.yaml"})}, f"/get/{SCHEMA}", "leads outside the document"),
    "schema": ({"get": operation({"type": "text"})}, f"/get/{SCHEMA}/type", "'text' is not a type"),
    "component": (
        {"get": operation({"$ref": "#/components/schemas/Wrong"})},
        "#/components/schemas/Wrong/type",
        "'text' is not a type",
    ),
    "parameter": ({"get": operation({}, parameters=[{"name": "a"}])}, "/get/parameters/0", "a parameter has no name"),
    "parameter of the path": ({**VALID, "parameters": 1}, "/parameters", "a number is where a list belongs"),
    "operation": ({"get": []}, "/get", "a list is where a mapping belongs"),
    "path item": ([], "", "a list is where a mapping belongs"),
    "path item elsewhere": ({"$ref": "#/gone"}, "", "the $ref '#/gone' names nothing"),
    "servers": ({"get": operation({}, servers=[{"url": 1}])}, "/get/servers/0/url", "a number is where text belongs"),
}  # fmt: skip


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_operation_of_the_new_document_is_not_compared(name: str) -> None:
    item, pointer, problem = INVALID[name]
    comparison = compared(document("string", x=VALID), document("integer", x=item))
    added = [("GET /x", "request-body-added-optional")] if "request body" in name else []
    assert [("GET /fine", "response-body-type-changed"), *added] == rules(comparison)
    (text,) = comparison.not_compared
    assert problem in text
    (part,) = comparison.excluded
    expected = pointer.removeprefix("#") if pointer.startswith("#") else f"/paths/~1x{pointer}"
    assert ("revision", expected) == (part["side"], part["pointer"])
    assert part["operation"].removeprefix("the response 200 of ").removeprefix("the request body of ") in (
        "GET /x",
        "/x",
    )


@pytest.mark.parametrize("name", ["old", "new"])
def test_a_schema_that_only_an_excluded_operation_uses_is_not_reported_as_unused(name: str) -> None:
    """Other schemas that no operation uses are."""
    schemas: Doc = {"Whole": {"properties": {"a": {"$ref": "#/components/schemas/Part/properties/b"}}}}
    schemas |= {"Part": {"properties": {"b": {"type": "string"}}}, "Spare": {"type": "string", "minLength": 7}}
    uses = {"allOf": [{"$ref": "#/components/schemas/Whole"}, {"$ref": "#/gone"}]}
    invalid, valid = document(x={"get": operation(uses)}), document(x=VALID)
    invalid["components"]["schemas"].update(schemas)
    pair = (invalid, valid) if name == "old" else (valid, invalid)
    comparison = compared(*pair)
    assert comparison.excluded
    unused = [finding.expected or finding.observed for finding in comparison.findings]
    assert ["Spare"] == unused


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_operation_of_the_old_document_is_a_note(name: str) -> None:
    item, _, problem = INVALID[name]
    comparison = compared(document("string", x=item), document("integer", x=VALID))
    removed = [("GET /x", "request-body-removed")] if "request body" in name else []
    assert {*removed, ("GET /fine", "response-body-type-changed")} == {*rules(comparison)}
    assert () == comparison.not_compared
    (note,) = comparison.notes
    assert problem in note
    assert ["base"] == [part["side"] for part in comparison.excluded]


@pytest.mark.parametrize("name", INVALID)
def test_an_operation_that_is_invalid_in_both_documents_is_excluded(name: str) -> None:
    """Other operations are compared. Servers that are equal in both documents are not read."""
    item, _, _ = INVALID[name]
    comparison = compared(document("string", x=item), document("integer", x=item))
    assert [("GET /fine", "response-body-type-changed")] == rules(comparison)
    # Servers that are the same need not be read.
    assert (name != "servers") == (1 <= len(comparison.excluded) <= 2)


def test_an_invalid_operation_that_is_removed_is_reported_as_removed() -> None:
    """One that is added is reported as added, with a line in `not_compared`."""
    for invalid in ({"$ref": "#/gone"}, {"type": "text"}):
        comparison = compared(document(x={"get": operation(invalid)}), document())
        assert [("GET /x", "api-path-removed-without-deprecation")] == rules(comparison)
        comparison = compared(document(), document(x={"get": operation(invalid)}))
        assert [("GET /x", "endpoint-added")] == rules(comparison)
        assert 1 == len(comparison.not_compared)


@pytest.mark.parametrize("name", ["old", "new"])
def test_an_invalid_operation_is_not_removed_or_added_if_its_whole_path_is_invalid(name: str) -> None:
    """In the other document; both are excluded."""
    pair = document(x={"get": operation({}, parameters=[{}])}), document(x=[])
    comparison = compared(*(pair if name == "old" else reversed(pair)))
    assert [] == rules(comparison)
    assert {"GET /x", "/x"} == {part["operation"] for part in comparison.excluded}


def test_the_names_of_path_parameters_do_not_matter() -> None:
    """An operation is not removed and added if its path parameter has a new name and its new schema is invalid."""
    old, new = ({f"x/{{{name}}}": {"get": operation(schema)}} for name, schema in (("a", {}), ("b", {"$ref": "#/no"})))
    comparison = compared(document(**old), document(**new))
    assert ([], 1) == (rules(comparison), len(comparison.not_compared))


@pytest.mark.parametrize("name", ["old", "new"])
def test_all_but_the_invalid_response_of_an_operation_is_compared(name: str) -> None:
    """A part of the response to which another operation refers is compared there."""
    pointer = f"#/paths/~1x/get/{SCHEMA}/properties/a"
    queries = [[{"name": "q", "in": "query", "schema": {"type": type_}}] for type_ in ("string", "integer")]
    schemas: list[Doc] = [{"properties": {"a": {"type": type_}}} for type_ in ("string", "integer")]
    schemas[name == "new"]["properties"]["b"] = {"type": "text"}
    old, new = (
        document(x={"get": operation(schema, parameters=query)}, y={"get": operation({"$ref": pointer})})
        for schema, query in zip(schemas, queries, strict=True)
    )
    comparison = compared(old, new)
    assert {("GET /x", "request-parameter-type-changed"), ("GET /y", "response-body-type-changed")} == {
        *rules(comparison)
    }
    assert ["the response 200 of GET /x"] == [part["operation"] for part in comparison.excluded]


def test_a_part_of_an_excluded_operation_can_be_referred_to() -> None:
    """A valid operation whose schema refers into an invalid one is compared."""
    reference = {"get": operation({"$ref": f"#/paths/~1x/get/{SCHEMA}"})}
    old = document(x={"get": operation({"type": "string"})}, y=reference)
    new = document(x={"get": operation({"type": "integer"}, parameters=[{}])}, y=reference)
    comparison = compared(old, new)
    assert [("GET /y", "response-body-type-changed")] == rules(comparison)
    assert ["GET /x"] == [part["operation"] for part in comparison.excluded]


def test_many_operations_with_an_invalid_reference_are_excluded_each_with_its_pointer() -> None:
    paths = {f"p{number}": {"get": operation({"$ref": f"#/gone/{number}"})} for number in range(40)}
    comparison = compared(document("string", **dict.fromkeys(paths, VALID)), document("integer", **paths))
    assert [("GET /fine", "response-body-type-changed")] == rules(comparison)
    assert {f"/paths/~1p{number}/get/{SCHEMA}" for number in range(40)} == {
        part["pointer"] for part in comparison.excluded
    }


def test_invalid_parts_that_no_operation_uses_are_excluded_alone() -> None:
    """Servers without a URL are not compared; an invalid component is only noted."""
    old, new = document(), document("integer")
    del old["components"]["schemas"]["Wrong"], new["components"]["schemas"]["Wrong"]
    new["servers"] = [{"description": "no URL"}]
    new["components"]["schemas"]["Unused"] = {"type": "text"}
    comparison = compared(old, new)
    assert [("GET /fine", "response-body-type-changed")] == rules(comparison)
    assert {"#/servers", "#/components/schemas/Unused"} == {part["operation"] for part in comparison.excluded}
    # A component that nothing uses breaks nobody, so it is only noted.
    assert (1, 1) == (len(comparison.not_compared), len(comparison.notes))


def test_a_new_document_without_a_valid_operation_is_rejected() -> None:
    """If the old document has none, its exclusion is a note."""
    broken = document()
    broken["paths"]["/fine"]["get"] = operation({}, parameters=[{"$ref": "#/gone"}])
    with pytest.raises(DocumentError, match=r"new: the .ref '#/gone' names nothing"):
        compared(document(), broken)
    # The old one is a note, so that the new document, which repairs it, can pass.
    comparison = compared(broken, document())
    assert ([], 1) == (comparison.findings, len(comparison.notes))


@pytest.mark.parametrize("item", [{"get": []}, {**VALID, "parameters": 1}])
def test_an_operation_that_only_the_old_document_has_and_that_has_no_valid_part_is_excluded(item: Any) -> None:
    comparison = compared(document("string", x=item), document("integer"))
    assert [("GET /fine", "response-body-type-changed")] == rules(comparison)
    assert 1 == len(comparison.excluded)


def test_a_document_whose_sections_are_invalid_is_rejected() -> None:
    broken = document("integer")
    broken["components"]["securitySchemes"] = []
    with pytest.raises(DocumentError, match="new: a list is where a mapping belongs, at #/components/securitySchemes"):
        compared(document(), broken)


def test_an_error_that_concerns_both_documents_is_raised() -> None:
    """Schemas nested 400 levels deep in both documents raise a `DocumentError`; no operation is excluded."""
    properties: Doc = {"type": "string"}
    for _ in range(400):
        properties = {"properties": {"a": properties}}
    with pytest.raises(DocumentError):
        compared(document(x={"get": operation(properties)}), document(x={"get": operation({"items": properties})}))


def test_compare_still_rejects_an_invalid_part() -> None:
    """It raises `DocumentError`: an empty list always means that the documents were compared."""
    with pytest.raises(DocumentError, match="'text' is not a type"):
        compare(document(x=VALID), document(x=INVALID["schema"][0]))


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
def test_extensions_are_not_read(version: str) -> None:
    """Invalid references and patterns inside `x-` fields cause no error: the changed type is the only finding."""
    extension = {"x-samples": {"$ref": "samples.txt"}, "x-any": {"schema": {"$ref": "#/gone", "pattern": "("}}}

    def extended(type_: str) -> Doc:
        """Return a document of a type with the extensions in all of its objects."""
        query = {"name": "q", "in": "query", "schema": {"type": "string", **extension}, **extension}
        item: Doc = {"get": operation({"type": type_, **extension}, parameters=[query], **extension), **extension}
        whole: Doc = document(x=item) | extension | {"openapi": version}
        whole["paths"] |= extension
        whole["components"] |= extension
        item["get"]["responses"] |= extension
        item["get"]["responses"]["200"] |= extension
        return whole

    assert [] == compare(extended("string"), extended("string"))
    assert ["response-body-type-changed"] == [
        finding.rule for finding in compare(extended("string"), extended("integer"))
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a temporary folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gate(folder: Path, base: Doc, revision: Doc, *options: str) -> int:
    """Write two documents to the working directory, compare them, and return the exit code."""
    for name, data in (("old.json", base), ("new.json", revision)):
        (folder / name).write_text(json.dumps(data, indent=1), "utf-8")
    return main(["drift", "new.json", "--base", "old.json", *options])


def test_an_invalid_operation_exits_with_2_in_the_new_document_but_not_in_the_old_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A breaking change takes precedence: it exits with 1 in both cases."""
    valid, invalid = document(x=VALID), document(x=INVALID["dangling"][0])
    codes = [gate(folder, valid, invalid), gate(folder, invalid, valid), gate(folder, invalid, invalid)]
    assert [2, 0, 2] == codes
    assert "GET /x is not compared: the $ref '#/gone' names nothing, at #/paths/~1x/get/" in capsys.readouterr().out
    assert 1 == gate(folder, document("integer", x=VALID), invalid)
    assert 1 == gate(folder, document("integer", x=INVALID["dangling"][0]), valid)


def test_the_json_report_lists_excluded_operations_and_has_the_status_not_checked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == gate(folder, document(x=VALID), document(x=INVALID["schema"][0]), "--format", "json")
    report = json.loads(capsys.readouterr().out)
    validate(report, findings_schema())
    (part,) = report["excluded"]
    line = (folder / "new.json").read_text("utf-8").splitlines()[part["line"] - 1]
    assert ('"type": "text"', "not checked") == (line.strip(), report["verdict"]["status"])
    assert ("revision", "the response 200 of GET /x", "new.json") == (part["side"], part["operation"], part["document"])


_JUNK = st.sampled_from([None, 1, "x", True, [], [1], {"$ref": "#/no"}, {"$ref": 7}, {"$ref": "https://a.test/b"}])
_PLACES = st.sampled_from(
    [
        *("get", "get/responses", "get/responses/200", "get/responses/200/content", f"get/{SCHEMA}"),
        *(f"get/{SCHEMA}/properties", f"get/{SCHEMA}/properties/a", f"get/{SCHEMA}/properties/a/type"),
        *("get/parameters", "get/parameters/0", "get/parameters/0/schema", "get/parameters/0/in"),
        *("get/security", "parameters", "get/tags", "get/servers", "get/requestBody"),
    ]
)


def item(type_: str) -> Doc:
    """Return a path item with a query parameter and a property of this type."""
    parameters = [{"name": "q", "in": "query", "schema": {"type": type_}}]
    properties = {"a": {"type": type_}, "b": {"$ref": "#/components/schemas/Fine"}}
    return {"get": operation({"type": "object", "properties": properties}, parameters=parameters)}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(_PLACES, _JUNK, st.integers(0, 3), st.sampled_from(["base", "revision", "both"]))
@example("get", None, 0, "revision")
@example("parameters", 1, 1, "both")
@example("get/security", [{"no": []}], 1, "base")
@example("get/responses/200", None, 0, "base")
def test_the_findings_of_other_operations_are_the_same_whatever_is_broken(
    place: str, junk: Any, number: int, side: str
) -> None:
    old = document(**{f"p{index}": item("string") for index in range(4)})
    new = document(**{f"p{index}": item("integer") for index in range(4)})

    def other_changes(base: Doc, revision: Doc) -> list[Any]:
        """Return rule, operation and location of the changes of all operations but the broken one."""
        findings = compared(base, revision).findings
        return [
            (finding.rule, place["operation"], place["location"])
            for finding in findings
            for place in finding.extra["places"]
            if place["operation"] != f"GET /p{number}"
        ]

    expected = other_changes(old, new)
    for name, spec in (("base", old), ("revision", new)):
        if side in (name, "both"):
            replace_at(spec["paths"][f"/p{number}"], place, junk)

    assert expected == other_changes(old, new)


def test_an_undefined_security_scheme_excludes_the_security_alone() -> None:
    """The requests and responses of its operations are compared."""
    undefined: Doc = {"security": [{"key": []}, {"oauth": []}]}
    old, new = (
        document("string", x={"get": operation({"type": type_}, **undefined)}) for type_ in ("string", "integer")
    )
    comparison = compared(old, new)
    assert [("GET /x", "response-body-type-changed")] == rules(comparison)
    assert ["the security of GET /x"] * 2 == [part["operation"] for part in comparison.excluded]
    (text,) = comparison.not_compared
    assert "the security of GET /x is not compared: security names the scheme 'oauth', which is not defined" in text


def test_an_undefined_security_scheme_is_reported_if_components_define_none() -> None:
    get = {"get": operation({"type": "string"}, security=[{"oauth": []}])}
    old, new = ({**document(type_, x=get), "components": {"schemas": {}}} for type_ in ("string", "integer"))
    comparison = compared(old, new)
    assert [("GET /fine", "response-body-type-changed")] == rules(comparison)
    assert ["the security of GET /x"] * 2 == [part["operation"] for part in comparison.excluded]


@pytest.mark.parametrize(
    ("names", "tags"), [({"tags": "x"}, ["x"]), ({"tags": [2, "x"]}, ["2", "x"]), ({"tags": {"x": {}}}, [])]
)
def test_tags_of_another_type_exclude_nothing(names: Doc, tags: list[str]) -> None:
    """They affect no request or response; as far as they are text, they are compared. The same applies to ids."""
    old, new = (document(type_, x={"get": operation({"type": type_})}) for type_ in ("string", "integer"))
    new["paths"]["/x"]["get"] |= {**names, "operationId": 7}
    comparison = compared(old, new)
    assert () == comparison.excluded
    added = [("GET /x", "api-operation-id-added"), *[("GET /x", "api-tag-added")] * len(tags)]
    assert sorted([*added, *[(f"GET /{path}", "response-body-type-changed") for path in ("fine", "x")]]) == sorted(
        rules(comparison)
    )
    assert tags == [finding.observed for finding in comparison.findings if finding.rule == "api-tag-added"]


@pytest.mark.parametrize("kind", ["webhooks", "callbacks"])
def test_an_undefined_security_scheme_of_a_webhook_excludes_its_security_alone(kind: str) -> None:
    """The requests of the webhook or callback are compared."""

    def with_webhook(type_: str, scheme: str) -> Doc:
        content = {"application/json": {"schema": {"type": type_}}}
        item = {"post": {"requestBody": {"content": content}, "responses": {}, "security": [{scheme: []}]}}
        if kind == "webhooks":
            return {**document("string"), "webhooks": {"w": item}}
        return document("string", x={"get": operation({"type": "string"}, callbacks={"c": {"{$url}": item}})})

    comparison = compared(with_webhook("string", "old"), with_webhook("integer", "new"))
    ((label, rule),) = rules(comparison)
    assert rule == "response-body-type-changed"
    assert [f"the security of {label}"] * 2 == [part["operation"] for part in comparison.excluded]
    (text,) = comparison.not_compared
    assert "security names the scheme 'new', which is not defined" in text


@pytest.mark.parametrize("webhook", [{"$ref": "#/gone"}, {"post": "x"}], ids=str)
def test_an_undefined_security_scheme_beside_an_invalid_webhook_excludes_the_security_alone(webhook: Doc) -> None:
    """The requests and responses of its operation are compared, and the webhook is not."""
    old, new = (
        {**document("string", x={"get": operation({"type": type_}, security=[{"no": []}])}), "webhooks": {"w": webhook}}
        for type_ in ("string", "integer")
    )
    comparison = compared(old, new)
    assert [("GET /x", "response-body-type-changed")] == rules(comparison)
    assert any("the security of GET /x is not compared" in line for line in comparison.not_compared)


def test_a_repeated_operation_id_is_a_note() -> None:
    """All operations are compared, with any ids."""
    repeated = {"get": operation({"type": "string"}, operationId="list")}
    unread = {"get": operation({"type": "string"}, operationId=7)}
    old, new = (document(type_, x=repeated, y=repeated, z=unread) for type_ in ("string", "integer"))
    comparison = compared(old, new)
    assert [("GET /fine", "response-body-type-changed")] == rules(comparison)
    assert () == comparison.not_compared
    assert (
        "new: the operationId of GET /y is not used: 'list' is the operationId of GET /x too, "
        "at #/paths/~1y/get/operationId (make it unique)",
    ) == comparison.notes


def test_too_many_changes_are_an_error_that_excludes_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is about both documents, not about a part of one, so that nothing can be excluded."""
    monkeypatch.setattr("pytest_bctrl.drift.report.MAX_CHANGES", 1)
    added = {"x": VALID, "y": VALID}
    with pytest.raises(DocumentError, match="more than 1 changes from old"):
        compared(document(), document(**added, z={"get": []}))


@pytest.mark.parametrize(
    ("schema", "problem", "hint"),
    [
        ({"type": ["object", None]}, "'type' is neither a name nor a list of names", 'write "null" in quotes'),
        ({"type": "text"}, "'text' is not a type", "types: "),
    ],
)
def test_an_invalid_part_of_another_file_is_named_by_the_path_and_pointer_in_that_file(
    schema: Doc, problem: str, hint: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "parts").mkdir()
    (folder / "parts" / "pet.json").write_text(json.dumps({"Pet": schema}), "utf-8")
    revision = document(x={"get": operation({"$ref": "parts/pet.json#/Pet"})})
    assert 2 == gate(folder, document(x=VALID), revision)
    output = capsys.readouterr().out
    assert f"GET /x is not compared: {problem}, at parts/pet.json#/Pet/type ({hint}" in output
    assert "x-bctrl-files" not in output
