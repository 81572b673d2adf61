"""Which version bump a change requires, and the finding that decides it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from pytest_bctrl.cli import main
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.examples import example
from pytest_bctrl.drift.rules import rules
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.reports.findings_json import findings_schema
from pytest_bctrl.reports.required_version import RequiredVersion, required_version
from pytest_bctrl.reports.wording import shown_by

from .expected import findings_of_example

Doc = dict[str, Any]


def document(schema: Doc, version: str = "1.4.0", **info: Any) -> Doc:
    """Return a document of a version whose response has a property `status` with a schema."""
    content = {"application/json": {"schema": {"type": "object", "properties": {"status": schema}}}}
    responses = {"200": {"description": "ok", "content": content}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": version, **info},
        "paths": {"/a": {"get": {"responses": responses}}},
    }


def required(old: Doc, new: Doc, *not_compared: str) -> RequiredVersion:
    """Return the version bump that the changes of a document require."""
    return required_version(compare(old, new), not_compared, (old, new))


TEXT: Doc = {"type": "string", "enum": ["a", "b"]}
WIDER: Doc = {"type": "string", "enum": ["a", "b", "c"]}


def with_operation(spec: Doc) -> Doc:
    """Return a document with a second operation."""
    return {**spec, "paths": {**spec["paths"], "/b": spec["paths"]["/a"]}}


def test_the_bump_follows_from_the_worst_finding() -> None:
    """Major for an error, minor for an addition, patch for a description, none without a finding."""
    old = document(TEXT)
    bumps = [
        required(old, new).bump
        for new in (document(WIDER), with_operation(old), document(TEXT, description="d"), document(TEXT))
    ]
    assert ["major", "minor", "patch", "none"] == bumps


PATCH = {
    "api-schema-added", "api-schema-removed", "api-tag-added", "api-tag-removed", "description-changed",
    "page-sample-changed",
}  # fmt: skip
"""Rules about documentation, and about schemas that no operation uses."""
MINOR = {
    "api-global-security-added-for-known-credential", "api-global-security-alternative-added",
    "api-global-security-removed", "api-global-security-scope-removed",
    "api-operation-id-added", "api-operation-id-removed", "api-path-removed-with-deprecation",
    "api-removed-with-deprecation", "api-security-added-for-known-credential", "api-security-alternative-added",
    "api-security-component-added", "api-security-component-oauth-scope-added",
    "api-security-component-oauth-scope-changed", "api-security-component-oauth-scope-removed",
    "api-security-component-oauth-token-url-changed", "api-security-component-oauth-url-changed",
    "api-security-removed", "api-security-scope-removed", "api-server-added",
    "api-server-default-changed", "callback-added", "endpoint-added",
    "endpoint-deprecated", "endpoint-reactivated", "webhook-added",
}  # fmt: skip
"""Rules about the operations of the API, and about who may send requests to them."""


def test_each_rule_without_a_direction_requires_the_listed_bump() -> None:
    """Whether a new rule is about documentation follows neither from its level nor from its direction."""
    bumps = {}
    for name, rule in rules().items():
        if rule.direction == "none" and rule.level != "error":
            pair = example(name)
            bumps[name] = required_version(findings_of_example(name), (), (pair.base, pair.revision)).bump
    expected = {**dict.fromkeys(PATCH, "patch"), **dict.fromkeys(MINOR, "minor"), "api-version-changed": "none"}
    assert expected == bumps


def test_a_new_version_alone_requires_no_bump() -> None:
    assert "none" == required(document(TEXT), document(TEXT, "2.0.0")).bump


def test_what_was_not_compared_leaves_the_bump_undecided_unless_it_is_major() -> None:
    """An added operation is `undecided` with a reason; a breaking change stays `major`."""
    old = document(TEXT)
    verdict = required(old, with_operation(old), "GET /x is not compared: …")
    assert ("undecided", "1 part of the documents could not be compared") == (verdict.bump, verdict.reason)
    assert "major" == required(old, document(WIDER), "GET /x is not compared: …").bump


def test_what_was_not_decided_leaves_the_bump_undecided() -> None:
    """A finding of a `-may-be-` rule is the one that decides on the bump, or that of a keyword without evidence."""
    for rule in ("request-body-may-be-narrowed", "request-keyword-changed"):
        finding = Finding(rule, "warning", "", "", fingerprint="f")
        verdict = required_version([finding], (), ({}, {}))
        assert ("undecided", "f") == (verdict.bump, verdict.finding)
    proven = Finding("request-keyword-changed", "info", "", "", extra={"shown": {"by": "proof"}})
    assert "minor" == required_version([proven], (), ({}, {})).bump


def test_the_deciding_finding_is_named_with_its_counterexample() -> None:
    """The verdict has the finding's fingerprint, its rule and location, and the example value."""
    old, new = document(TEXT), document(WIDER)
    verdict = required(old, new)
    (finding,) = compare(old, new)
    assert (finding.fingerprint, "response-property-enum-value-added, GET /a · 200 application/json · status") == (
        verdict.finding,
        verdict.reason,
    )
    assert 'example: the new spec allows status "c", which the old one rejects' == verdict.evidence


@pytest.mark.parametrize(
    ("old", "new", "schema", "versions"),
    [
        ("1.4.0", "1.4.1", WIDER, " (1.4.0 → 1.4.1, but the change requires 2.0.0)"),
        ("1.4.0", "2.0.0", WIDER, " (1.4.0 → 2.0.0)"),
        ("v1.4.0", "v3.1.0", WIDER, " (v1.4.0 → v3.1.0)"),
        ("0.4.7", "0.4.8", WIDER, " (0.4.7 → 0.4.8, but the change requires 0.5.0)"),
        ("1.4.0", "next", WIDER, " (1.4.0 → 2.0.0)"),
        ("2026-11-28", "2026-11-29", WIDER, ""),
        ("1.4.0", "1.4.0", TEXT, ""),
        ("1.4.0", "1.3.0", TEXT, " (1.4.0 → 1.3.0, but the change requires 1.4.0)"),
    ],
)
def test_the_versions_of_the_documents_are_compared(old: str, new: str, schema: Doc, versions: str) -> None:
    """The text says which versions there are, and which one the change requires if it is higher."""
    verdict = required(document(TEXT, old), document(schema, new))
    assert f"required version bump: {verdict.bump}{versions}: {verdict.reason}" == verdict.text


def test_additions_before_the_first_major_version_require_a_patch() -> None:
    """From 0.3.1, the version 0.3.2 is sufficient."""
    old = document(TEXT, "0.3.1")
    verdict = required(old, with_operation(document(TEXT, "0.3.2")))
    assert ("minor", "0.3.2", True) == (verdict.bump, verdict.required, verdict.is_sufficient)


def test_a_document_without_info_has_no_version() -> None:
    """Two of them, one without and one with paths, require a patch of no particular version."""
    verdict = required_version([], (), ({"info": []}, {"info": None, "paths": {}}))
    assert ("patch", "", "") == (verdict.bump, verdict.base, verdict.required)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the document of a repository: its working tree has further enum values and version 1.4.1."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "api.json"
    file.write_text(json.dumps(document(TEXT)), "utf-8")
    for command in ("init -q", "add .", "-c user.name=n -c user.email=e commit -qm m"):
        subprocess.run(["git", *command.split()], check=True)
    values = {"type": "string", "enum": ["a", "b", *(f"n{number}" for number in range(20))]}
    file.write_text(json.dumps(document(values, "1.4.1"), indent=1), "utf-8")
    return file


def report(form: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the report of the gate in a format; the gate must exit with 1."""
    assert 1 == main(["drift", "api.json", "--base", "git:HEAD:api.json", "--format", form])
    return capsys.readouterr().out


def test_text_json_and_markdown_say_the_bump(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "(1.4.0 → 1.4.1, but the change requires 2.0.0)"
    assert f"required version bump: major {sentence}" in report("text", capsys)
    assert f"Required version bump: major {sentence}" in report("markdown", capsys)
    data = json.loads(report("json", capsys))
    validate(data, findings_schema())
    assert ("major", "2.0.0", False) == tuple(
        data["version_bump"][key] for key in ("bump", "required", "is_sufficient")
    )
    assert data["version_bump"]["finding"] in [finding["fingerprint"] for finding in data["findings"]]


def test_annotations_and_sarif_refer_to_the_file_of_the_pull_request(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line is that of the enum to which values were added; SARIF has the old document as a related location."""
    lines = repository.read_text("utf-8").splitlines()
    (enum,) = [number for number, text in enumerate(lines, 1) if text.strip().startswith('"enum":')]
    assert f"::error file=api.json,line={enum}," in report("github", capsys)
    results = json.loads(report("sarif", capsys))["runs"][0]["results"]
    locations = [result["locations"][0]["physicalLocation"] for result in results if result["level"] == "error"]
    assert {("api.json", enum)} == {
        (location["artifactLocation"]["uri"], location["region"]["startLine"]) for location in locations
    }
    assert "in the old document" == results[0]["relatedLocations"][0]["message"]["text"]


def test_new_values_of_an_enum_are_one_block(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """20 of them: one block of text with each fingerprint, one annotation and one row of Markdown."""
    text = report("text", capsys)
    assert 1 == text.count("ERROR response-property-enum-value-added (20 findings)") == text.count("ERROR ")
    assert "at status: 'n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8', 'n9' and 10 more" in text
    fingerprints = [finding["fingerprint"] for finding in json.loads(report("json", capsys))["findings"]]
    assert 21 == len(fingerprints)
    assert all(fingerprint in text for fingerprint in fingerprints)
    assert 1 == report("github", capsys).count("::error ")
    assert 1 == report("markdown", capsys).count("A value was added to the enum")


def test_updating_a_copy_is_not_suggested_for_another_base(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The base is a git revision, or another file of the project."""
    main(["drift", "api.json", "--base", "git:HEAD:api.json"])
    assert "to update your copy" not in capsys.readouterr().err
    repository.with_name("old.json").write_text(json.dumps(document(TEXT)), "utf-8")
    main(["drift", "api.json", "--base", "old.json"])
    assert "to update your copy" not in capsys.readouterr().err


def test_a_counterexample_of_blanks_is_visible() -> None:
    """`shown_by` adds `(3 blanks)` to the quoted text."""
    finding = Finding("response-property-pattern-changed", "error", "status", "m")
    evidence = {"by": "counterexample", "value": {"status": "   "}, "at": "/status", "of": "", "allowed": "now"}
    shown = shown_by(replace(finding, extra={"shown": evidence}))
    assert 'example: the new spec allows status "   " (3 blanks), which the old one rejects' == shown


def test_an_invalid_operation_of_the_old_document_leaves_the_bump_undecided(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody knows what has changed in it, although the exit code lets a change that repairs the document pass."""
    broken = with_operation(document(TEXT))
    broken["paths"] = {**broken["paths"], "/broken": {"get": {"responses": {"200": {"$ref": "#/components/nothing"}}}}}
    repaired = with_operation(document(TEXT))
    repaired["paths"] = {**repaired["paths"], "/broken": {"get": {"responses": {"200": {"description": "ok"}}}}}
    for name, spec in (("broken.json", broken), ("repaired.json", repaired)):
        repository.with_name(name).write_text(json.dumps(spec), "utf-8")
    assert 0 == main(["drift", "repaired.json", "--base", "broken.json", "--format", "json"])
    assert "undecided" == json.loads(capsys.readouterr().out)["version_bump"]["bump"]
