"""Changed parts of a document that the gate lists as not compared, and those that have no effect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.contract.document import load_data, load_document
from pytest_bctrl.drift.contract_change import compare_contracts
from pytest_bctrl.drift.options import Options
from pytest_bctrl.drift.sources import read_source

from .pairs import Doc, body, document


def not_compared(base: Doc, revision: Doc) -> tuple[str, ...]:
    """Return what the comparison of two documents lists as not compared; as data and as text, it is the same."""
    from_data = compare_contracts(load_data(base, "old"), load_data(revision, "new"), None, Options())
    old, new = (load_document(json.dumps(side, indent=1), name) for side, name in ((base, "old"), (revision, "new")))
    from_text = compare_contracts(old, new, None, Options())
    assert from_data.findings == [] == from_text.findings
    assert len(from_data.not_compared) == len(from_text.not_compared)
    return from_data.not_compared


def with_xml(media_type: str, **xml: Any) -> Doc:
    """Return a document whose response is an object with an `xml` object, in a media type."""
    return body({"type": "object", "properties": {"a": {"type": "string"}}, "xml": xml}, media_type)


@pytest.mark.parametrize(
    "media_type", ["application/xml", "text/xml; charset=utf-8", "application/problem+xml", "Application/Atom+XML"]
)
def test_a_changed_xml_object_is_not_compared_if_a_body_is_xml(media_type: str) -> None:
    (text,) = not_compared(with_xml(media_type, name="pet"), with_xml(media_type, name="animal"))
    assert text.startswith("new: xml is not compared: it specifies how a value is written as XML")
    assert text.endswith("/schema/xml (compare it by hand)")
    without = body({"type": "object", "properties": {"a": {"type": "string"}}}, media_type)
    assert len(not_compared(without, with_xml(media_type, wrapped=True))) == 1


@pytest.mark.parametrize("media_type", ["application/json", "application/xmlish", "text/xml-external", "image/svg"])
def test_a_changed_xml_object_has_no_effect_without_xml(media_type: str) -> None:
    assert () == not_compared(with_xml(media_type, name="pet"), with_xml(media_type, name="animal"))


def test_an_unchanged_xml_object_or_a_property_of_that_name_is_compared() -> None:
    xml = "application/xml"
    assert () == not_compared(with_xml(xml, name="pet"), with_xml(xml, name="pet"))
    old, new = (body({"properties": {"xml": {"description": text}}}, xml) for text in ("a", "b"))
    assert () == not_compared(old, new)


def test_a_changed_xml_object_in_another_file_is_not_compared(tmp_path: Path) -> None:
    """The main document does not mention XML."""
    documents = []
    for name in ("pet", "animal"):
        folder = tmp_path / name
        folder.mkdir()
        media_type = {"schema": {"type": "string", "xml": {"name": name}}}
        response = {"description": "ok", "content": {"text/xml": media_type}}
        (folder / "response.json").write_text(json.dumps(response))
        (folder / "openapi.json").write_text(json.dumps(document({"responses": {"200": {"$ref": "response.json"}}})))
        documents.append(read_source(str(folder / "openapi.json")))
    assert len(compare_contracts(documents[0], documents[1], None, Options()).not_compared) == 1


def test_a_member_that_is_new_in_openapi_32_has_no_meaning_in_31() -> None:
    """Not even in a document with `xml` objects, which are searched for."""
    old, new = (with_xml("application/xml", name="pet") for _ in range(2))
    new["paths"]["/a"]["get"]["responses"]["200"]["content"]["application/xml"]["itemSchema"] = {"type": "string"}
    new["tags"] = [{"name": "x", "kind": "nav"}]
    assert () == not_compared(old, new)
    assert () == compare_contracts(load_data(old, "old"), load_data(new, "new"), None, Options()).notes
