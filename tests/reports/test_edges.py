"""Every format has the observed and expected value and the location once; and reports of partial runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from pytest_bctrl import check
from pytest_bctrl.contract.read import load
from pytest_bctrl.drift import compare
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.reports import writer
from pytest_bctrl.reports.causes import Cause
from pytest_bctrl.reports.github import findings_markdown
from pytest_bctrl.reports.html.outline import outline
from pytest_bctrl.reports.junit import findings_junit
from pytest_bctrl.reports.sarif import findings_sarif
from pytest_bctrl.reports.terminal import block, describe
from pytest_bctrl.reports.verdict import RanTest, RunReport, Title
from pytest_bctrl.reports.wording import Group, fingerprints_of, in_blocks, message_with_values, where
from tests.contract.documents import contract_of, document
from tests.observed.bodies import observation_of, sample
from tests.reports.examples import drift

THING = {
    "allOf": [{"type": "object", "properties": {"kept": {"type": "string"}}}],
    "properties": {
        "owner": {"oneOf": [{"type": "object", "properties": {"name": {"type": "string"}}}, {"type": "null"}]},
        "odd name": {"type": "integer"},
        "free": True,
    },
}


def _named(nodes: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the first node with a name."""
    return next(node for node in nodes if node["name"] == name)


def test_the_outline_shows_properties_of_all_of_and_nullable_objects() -> None:
    """The response has the members of both branches, and a nullable object has its own."""
    (operation,) = outline(contract_of(THING), [], None)

    members = _named(operation["children"], "200")["children"]

    assert ["owner", "odd name", "free", "kept"] == [member["name"] for member in members]
    assert ["name"] == [member["name"] for member in _named(members, "owner")["children"]]


def test_the_outline_shows_a_response_without_a_body() -> None:
    """204 is documented without content: its node has the description and no children."""
    contract = contract_of(responses={"200": {"description": "x"}, "204": {"description": "It is gone."}})

    (operation,) = outline(contract, [], None)

    empty = _named(operation["children"], "204")
    assert ("It is gone.", []) == (empty["words"], empty["children"])


def test_a_finding_is_attached_to_one_node_of_the_outline_of_its_operation() -> None:
    """To the property that it names, or to the response; a finding of another operation is attached to no node."""
    contract = contract_of(THING)
    label = contract.operations[0].label
    attached = [
        Finding("strict_json", "error", "", "m", operation=label),
        Finding("strict_json", "error", "kept", "m", operation="GET /elsewhere"),
        Finding("strict_json", "error", "['odd name']", "m", operation=label),
    ]

    (operation,) = outline(contract, attached, None)

    response = _named(operation["children"], "200")
    members = {member["name"]: member["findings"] for member in response["children"]}
    assert ([], [0]) == (operation["findings"], response["findings"])
    assert {"owner": [], "odd name": [2], "free": [], "kept": []} == members


TEXT = {"type": "string"}


def _object(**members: Any) -> dict[str, Any]:
    """Return an object schema with these properties."""
    return {"type": "object", "properties": members}


NODE = _object(
    kids={"type": "array", "items": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}},
    size={"oneOf": [_object(a=TEXT), _object(b=TEXT)]},
    when={**_object(x=TEXT), "if": {"required": ["x"]}, "then": {"properties": {"y": TEXT}}},
)
NODE["dependentSchemas"] = {"kids": _object(count={"type": "integer"})}


def _tree(node: dict[str, Any]) -> str:
    """Return the names of a node and of all below it: `name(child, child)`."""
    below = ", ".join(map(_tree, node["children"]))
    return f"{node['name']}({below})" if below else str(node["name"])


def test_the_outline_shows_branches_and_ends_at_recursion() -> None:
    """The tree has `oneOf` and `if` branches; findings at odd locations belong to the response."""
    contract = contract_of({"$ref": "#/components/schemas/Node"}, {"Node": NODE})
    label = contract.operations[0].label
    odd = ("size.c", "size.c.d", "[*]", "no location[")
    findings = [Finding("undocumented_property", "warning", at, "m", operation=label) for at in odd]

    (operation,) = outline(contract, findings, None)

    response = _named(operation["children"], "200")
    plain = "kids, size(branch 1(a), branch 2(b){}), when(then(x, y), else(x))"
    assert f"200(with=kids({plain.format(', c')}, count), {plain.format('')})" == _tree(response)
    assert [1, 2, 3] == response["findings"]


def test_a_failed_test_without_findings_is_a_junit_error() -> None:
    broken = RanTest("bctrl::test_one", "failed", 0.1, "the target was\nnot there")
    silent = RanTest("bctrl::test_two", "error", 0.1)
    run = RunReport(load(), "live", tests=(broken, silent, RanTest("bctrl::test_three", "passed", 0.1)))

    suite = ElementTree.fromstring(findings_junit([], Title("run"), run))[0]

    assert ("2", "2", "0") == (suite.attrib["tests"], suite.attrib["errors"], suite.attrib["failures"])
    assert [("bctrl::test_one", "the target was not there"), ("bctrl::test_two", "it failed")] == [
        (case.attrib["name"], case[0].attrib["message"]) for case in suite
    ]


def test_markdown_shows_documents_only_for_a_comparison() -> None:
    """As `a` → `b` for drift."""
    assert "→" not in findings_markdown([], Title("run"))
    assert "`a` → `b`" in findings_markdown([], Title("drift", "a", "b"))


def test_sarif_omits_missing_fingerprints() -> None:
    """A finding without one has no `partialFingerprints`."""
    finding = Finding("strict_json", "error", "x", "m")
    (bare,), (printed,) = (
        json.loads(findings_sarif([finding_of_case], Title("check")))["runs"][0]["results"]
        for finding_of_case in (finding, Finding("strict_json", "error", "x", "m", fingerprint="f" * 12))
    )
    assert "partialFingerprints" not in bare
    assert {"bctrl/v1": "f" * 12} == printed["partialFingerprints"]


def test_the_heading_of_a_group_names_its_location_or_operations() -> None:
    """The component, the number of findings, and its only location or its operations."""

    def finding_at(*places: tuple[str, str]) -> Finding:
        """Return a finding whose change has these operations and locations."""
        extra = {"places": [{"operation": operation, "location": location} for operation, location in places]}
        return Finding("r", "error", places[0][1], "m", operation=places[0][0], extra=extra)

    first, second = finding_at(("GET /a", "id")), finding_at(("GET /a", "name"))
    assert Group("#/x", [first]).heading == "#/x: 1 error, at GET /a · id"
    assert Group("#/x", [first, second]).heading == "#/x: 2 errors, in 1 operation: GET /a"
    assert Group("GET /a", [first, second]).heading == "GET /a: 2 errors"
    document_finding = finding_at(("", ""), ("", "info"))
    assert Group("", [document_finding]).heading == "the document: 1 error"


def test_a_response_is_not_named_twice_in_a_location() -> None:
    """If the location begins with the status and media type, they are not added."""
    extra = {"status": "200", "media_type": "application/json"}
    place = "200 application/json runtimes[*].status"
    assert f"GET /x · {place}" == where(Finding("r", "error", place, "m", operation="GET /x", extra=extra))
    assert "GET /x · 200 application/json · a" == where(
        Finding("r", "error", "a", "m", operation="GET /x", extra=extra)
    )


TITLE = Title("check", "contract", "0123")


def schema_findings(**members: Any) -> list[Finding]:
    """Return the schema findings of the sample with properties of one runtime changed."""
    body = sample()
    body["runtimes"][3].update(members)
    return [finding for finding in check(json.dumps(body)) if finding.rule == "response_schema_conformance"]


def _sarif(text: str) -> str:
    """Return the message of the first result of a SARIF log."""
    return str(json.loads(text)["runs"][0]["results"][0]["message"]["text"])


def _junit(text: str) -> str:
    """Return all texts of a JUnit report."""
    return "".join(ElementTree.fromstring(text).itertext())


FORMATS: dict[str, Callable[[str], str]] = {
    "github": str,
    "markdown": lambda text: text.replace("\\", ""),
    "sarif": _sarif,
    "junit": _junit,
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_observed_expected_and_location(name: str) -> None:
    text = FORMATS[name](writer(name)(schema_findings(status="archived"), TITLE))
    assert "archived, expected active | stopped | failed, as at runtimes[3].status" in text


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_null_once(name: str) -> None:
    """The message says that null has the wrong type, so that the observed value is not repeated."""
    text = FORMATS[name](writer(name)(schema_findings(name=None), TITLE))
    assert "the value has the wrong type, null" in text
    assert "as at runtimes[3].name" in text
    assert "null, expected" not in text


def test_the_terminal_shows_null() -> None:
    """A runtime whose name is null: its finding is described with the observed value null."""
    assert "  observed  null" in list(describe(schema_findings(name=None)))


def test_markdown_omits_line_numbers_without_documents() -> None:
    markdown = writer("markdown")
    assert "| what | where | rule |" in markdown(schema_findings(status="archived"), TITLE)
    assert "| what | where | lines | rule |" in markdown(drift().findings, TITLE)


def test_a_message_has_no_expected_value_if_a_finding_has_none() -> None:
    """An observed value that matches no alternative: the finding has its type."""
    contract = contract_of(
        {"oneOf": [{"type": "object", "required": [name], "properties": {name: {}}} for name in "ab"]}
    )
    (difference,) = differences(contract, observation_of({"c": 1}, contract=contract))
    assert "the value is none of the documented alternatives: object, as at $" == message_with_values(difference)


@pytest.mark.parametrize("count", [2, 12])
def test_added_or_removed_values_are_one_block_that_names_the_first_ten(count: int) -> None:
    """Of an enum with more values; each block has the fingerprints of its findings."""
    values = [f"v{number}" for number in range(count + 1)]
    many, single = (document({"type": "string", "enum": listed}) for listed in (values, values[:1]))

    for findings in (compare(many, single), compare(single, many)):
        (merged,) = in_blocks(findings)

        names = [f"'{finding.expected or finding.observed}'" for finding in findings]
        more = f" and {count - 10} more" if count > 10 else ""
        assert merged.message.endswith(f"{', '.join(names[:10])}{more}")
        assert sorted(finding.fingerprint for finding in findings) == sorted(fingerprints_of(merged))


def test_the_terminal_shows_the_word_nothing_for_a_side_of_a_change_without_a_value() -> None:
    """`expected` is `nothing` for a value that was added to an enum: the old document has no counterpart."""
    added = next(finding for finding in drift().findings if finding.rule.endswith("enum-value-added"))
    rows = {row.label: row.text for row in block(Cause((added,)))}
    assert ("nothing", "paused") == (rows["expected"], rows["observed"])
