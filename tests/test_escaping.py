"""Each function returns any text so that its medium shows it and executes nothing in it."""

from __future__ import annotations

import json
import re
import tomllib
import xml.etree.ElementTree as ET
from html import unescape

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_bctrl import escaping
from pytest_bctrl.cli.yaml_output import yaml_text
from tests.hostile.ci_parsers import github_commands
from tests.hostile.outputs import EVERYTHING, TEXTS, Page, faults, hidden, markdown_faults, markdown_text

FEWER = settings(max_examples=25)
"""Each text has several fragments."""


@FEWER
@given(TEXTS)
@example(EVERYTHING)
def test_escape_line_is_idempotent_and_leaves_one_harmless_line(text: str) -> None:
    line = escaping.escape_line(text)
    assert ([], 1, line) == (faults(line), len(f"{line}.".splitlines()), escaping.escape_line(line))


@pytest.mark.parametrize("text", ["a", "a::b", "größe 'x' #1", "日本 ✓ 🙂", "a - b", "$.a[0] ~= ^\\d+$", "--- a"[1:]])
def test_harmless_text_is_unchanged(text: str) -> None:
    assert (text, text) == (escaping.escape_line(text), escaping.escape_lines(text))


@FEWER
@given(st.lists(TEXTS, min_size=2))
def test_escaping_joined_escaped_parts_is_harmless(parts: list[str]) -> None:
    """`escape_line` returns harmless text for a line of parts that were escaped one by one."""
    assert [] == faults(escaping.escape_line("".join(map(escaping.escape_line, parts))))


@FEWER
@given(TEXTS)
@example(EVERYTHING)
def test_escape_lines_preserves_the_number_of_lines(text: str) -> None:
    lines = escaping.escape_lines(text)
    assert ([], text.count("\n")) == (faults(lines), lines.count("\n"))


@pytest.mark.parametrize("indent", [None, 2])
@FEWER
@given(value=st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=4))
@example(value={EVERYTHING: EVERYTHING})
def test_escape_json_preserves_values(value: object, indent: int | None) -> None:
    document = escaping.escape_json(json.dumps(value, indent=indent))
    assert ([], value) == (faults(document), json.loads(document))


@FEWER
@given(TEXTS)
@example(EVERYTHING)
def test_json_in_a_page_shows_control_characters_and_closes_no_element(text: str) -> None:
    """`escape_html_json` inside a `script` element."""
    document = escaping.escape_html_json(json.dumps([text]))
    page = Page(f"<script>{document}</script>")
    (shown,) = json.loads(document)
    assert ([], [("script", ())], [document]) == (faults(document), page.elements, page.scripts)
    assert [] == hidden(shown.replace("\n", "").replace("\t", ""))
    escapes = {char: escaping.escape_line(f"a{char}")[1:] for char in {*text} - {*"\n\t"}}
    assert shown == "".join(escapes.get(char, char) for char in text)


@FEWER
@given(TEXTS)
@example(EVERYTHING)
def test_html_and_xml_contain_the_escaped_line(text: str) -> None:
    page, line = escaping.escape_html(text), escaping.escape_line(text)
    element = ET.fromstring(f'<a b="{escaping.escape_xml(text)}">{escaping.escape_xml(text)}</a>')
    assert (line, line, line) == (unescape(page), element.text or "", element.attrib["b"])
    assert [] == faults(page)
    assert ([("p", ("title",))], []) == (Page(f"<p title='{page}'>{page}</p>").elements, faults(page))


@FEWER
@given(TEXTS)
@example(EVERYTHING)
def test_markdown_shows_the_line_without_links(text: str) -> None:
    line = escaping.escape_line(text)
    table = f"| what |\n|---|\n| {escaping.escape_markdown(text)} |\n"
    row = f"- {escaping.escape_markdown(' '.join(line.split()))}\n"
    assert ([], []) == (markdown_faults(table), markdown_faults(row))
    assert ([], []) == (faults(table), faults(row))
    assert " ".join(line.split()) == " ".join(markdown_text(table).removeprefix("what").split())
    assert " ".join(line.split()) == " ".join(markdown_text(row).split())


@FEWER
@given(TEXTS)
@example("``")
@example("a|b")
@example(EVERYTHING)
def test_markdown_code_contains_the_complete_text(text: str) -> None:
    code = escaping.escape_markdown_code(text)
    for document in (f"| x |\n|---|\n| {code} |\n", f"x {code}\n"):
        assert ([], []) == (markdown_faults(document), faults(document))
        assert escaping.escape_line(text).strip() == markdown_text(document).removeprefix("x").strip()


_OF_MESSAGE = re.compile(r"\\(?P<escaped>[\[\]\\])|(?P<link>\]\()|(?P<plain>.)")


@FEWER
@given(TEXTS)
@example(EVERYTHING)
def test_a_message_of_sarif_has_no_link_and_no_command(text: str) -> None:
    """By the grammar of SARIF 2.1.0, section 3.11.6. It has no CI command and no hidden character either."""
    message = escaping.escape_sarif(text)
    assert ([], []) == (faults(message), [part for part in _OF_MESSAGE.finditer(message) if part["link"]])


@pytest.mark.parametrize(
    ("text", "message"), [("a[3].b", "a[3].b"), ("[a](b)", r"[a\](b)"), (r"[a\](b)", r"[a\\\](b)"), ("^\\d$", "^\\d$")]
)
def test_escape_sarif_escapes_only_links(text: str, message: str) -> None:
    assert message == escaping.escape_sarif(text)


@FEWER
@given(TEXTS, TEXTS)
@example(EVERYTHING, EVERYTHING)
def test_an_escaped_annotation_is_a_single_command(title: str, text: str) -> None:
    properties = f"file={escaping.escape_annotation_property(title)},line=3"
    line = f"::error {properties}::{escaping.escape_annotation(text)}"
    (command,) = github_commands(line)
    assert ("error", "3", escaping.escape_line(text)) == (command.name, command.properties["line"], command.data)
    assert command.properties.keys() <= {"file", "line"}
    if title.strip() and title == escaping.escape_line(title):
        assert title == command.properties["file"]
    assert [command] == faults(line)


def test_an_annotation_preserves_every_character_of_a_file_name() -> None:
    name = "a, b:c%0A\nd"
    (command,) = github_commands(f"::error file={escaping.escape_annotation_property(name)}::x")
    assert {"file": name} == command.properties


@FEWER
@given(st.dictionaries(TEXTS, TEXTS, max_size=3))
@example({EVERYTHING: EVERYTHING, "::error::x": "a" * 200 + " ::error::x"})
def test_yaml_text_preserves_values(value: dict[str, str]) -> None:
    document = yaml_text(value)
    assert ([], value) == (faults(document), yaml.safe_load(document))


@FEWER
@given(TEXTS)
@example(EVERYTHING)
@example("'\"\\##[error]\x7f\n\u202e\u3164😀")
def test_escape_toml_returns_a_string_with_this_value_and_no_effect(text: str) -> None:
    text = re.sub("[\ud800-\udfff]", "", text)
    line = f"x = {escaping.escape_toml(text)}"
    assert {"x": text} == tomllib.loads(line)
    assert line == escaping.escape_line(line)
