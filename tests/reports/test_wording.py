"""What was seen, what was expected and where stand in every format, and in none twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from pytest_bctrl import check
from pytest_bctrl.finding import Finding
from pytest_bctrl.reports import writer
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.reports.title import Title
from tests.observed.bodies import sample
from tests.reports.examples import drift

TITLE = Title("check", "contract", "0123")


def found(**members: Any) -> list[Finding]:
    body = sample()
    body["runtimes"][3].update(members)
    return [one for one in check(json.dumps(body)) if one.rule == "response_schema_conformance"]


def _sarif(text: str) -> str:
    return str(json.loads(text)["runs"][0]["results"][0]["message"]["text"])


def _junit(text: str) -> str:
    return "".join(ElementTree.fromstring(text).itertext())


FORMATS: dict[str, Callable[[str], str]] = {
    "github": str,
    "markdown": lambda text: text.replace("\\", ""),
    "sarif": _sarif,
    "junit": _junit,
}


@pytest.mark.parametrize("name", FORMATS)
def test_an_undocumented_value_is_named_with_what_was_expected_and_where(name: str) -> None:
    text = FORMATS[name](writer(name)(found(status="archived"), TITLE))
    assert "archived, expected active | stopped | failed, as at runtimes[3].status" in text


@pytest.mark.parametrize("name", FORMATS)
def test_a_null_is_told_once(name: str) -> None:
    text = FORMATS[name](writer(name)(found(name=None), TITLE))
    assert "the value has the wrong type, null" in text
    assert "as at runtimes[3].name" in text
    assert "null, expected" not in text


def test_a_null_is_a_null_in_a_terminal() -> None:
    assert "    observed  null" in list(describe(found(name=None)))


def test_of_a_table_without_documents_no_lines_are_shown() -> None:
    markdown = writer("markdown")
    assert "| what | where | rule |" in markdown(found(status="archived"), TITLE)
    assert "| what | where | lines | rule |" in markdown(drift().findings, TITLE)
