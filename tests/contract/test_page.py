"""A published page holds one OpenAPI document, however it is fenced and delivered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.build import extract
from pytest_bctrl.contract.document import Block, fenced_blocks, openapi_block
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError

SPEC = "openapi: 3.1.0\ninfo:\n  title: Things\n"


def page(block: str) -> str:
    return f"# Things\n\nText, and `code`.\n\n```python\nimport httpx\n```\n\n{block}\n\nMore text.\n"


@pytest.mark.parametrize(
    "block",
    [
        f"```yaml\n{SPEC}```",
        f"```\n{SPEC}```",
        f"~~~yaml\n{SPEC}~~~",
        f"````yaml\n{SPEC}````",
        f'```yaml title="openapi.yaml"\n{SPEC}```',
        f"``` YAML\n{SPEC}`````",
        f"```yaml\n{SPEC}\n\n```",
    ],
    ids=["backticks", "no language", "tildes", "longer", "title", "longer end", "blank end"],
)
def test_the_document_is_found_in_every_kind_of_fence(block: str) -> None:
    assert SPEC == extract(page(block), "page.md")


def test_an_indented_block_loses_the_indentation_of_its_fence() -> None:
    indented = "".join(f"  {line}\n" for line in f"```yaml\n{SPEC}```".splitlines())
    assert SPEC == extract(page(indented), "page.md")


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_do_not_change_the_document(end: str) -> None:
    assert SPEC == extract(page(f"```yaml\n{SPEC}```").replace("\n", end), "page.md")


def test_a_shorter_fence_inside_does_not_end_the_block() -> None:
    spec = SPEC + "  description: |\n    ```\n    code\n    ```\n"
    assert spec == extract(page(f"````yaml\n{spec}````"), "page.md")


def test_a_fence_of_the_other_kind_inside_does_not_end_the_block() -> None:
    spec = SPEC + "x-a: |\n  a\n~~~\n"
    assert spec == extract(page(f"```yaml\n{spec}```"), "page.md")


def test_the_document_may_be_json() -> None:
    assert {"openapi": "3.1.0"} == read_yaml(extract(page('```json\n{\n  "openapi": "3.1.0"\n}\n```'), "p"), "p")


def test_a_block_says_which_line_it_starts_on() -> None:
    assert [Block("python", "import httpx\n", 6)] == fenced_blocks(page(""))


def test_odd_separators_are_no_line_ends() -> None:
    """`str.splitlines` ends a line at U+2028 too, and Markdown does not."""
    assert 2 == openapi_block(f"```yaml\n{SPEC}x-a: a\u2028b\n```", "p").line
    assert 3 == openapi_block(f"a\u2028b\n```yaml\n{SPEC}```", "p").line


def test_an_empty_block_is_a_block() -> None:
    assert [Block("", "", 2)] == fenced_blocks("```\n```\n")


@pytest.mark.parametrize(
    "text", ["", "no block", page(""), "openapi: 3.1.0\n", f"`{SPEC}`", "```yaml\ninfo:\n  title: x\n```"]
)
def test_a_page_without_a_document_is_refused(text: str) -> None:
    with pytest.raises(DocumentError, match=r"page\.md: the page holds no fenced block"):
        extract(text, "page.md")


def test_a_page_that_was_cut_off_inside_its_document_is_refused() -> None:
    with pytest.raises(DocumentError, match="no fenced block"):
        extract(f"# Things\n\n```yaml\n{SPEC}", "page.md")


def test_two_documents_are_refused_with_their_lines() -> None:
    with pytest.raises(DocumentError, match="holds 2 OpenAPI documents, at lines 2, 7"):
        extract(f"```yaml\n{SPEC}```\n```yaml\n{SPEC}```\n", "page.md")


def test_a_setting_named_openapi_is_no_document() -> None:
    settings = "```yaml\ndocs:\n  openapi: ./openapi.yml\n```"
    assert SPEC == extract(page(f"{settings}\n\n```yaml\n{SPEC}```"), "page.md")


@given(st.text(st.characters(exclude_characters="`~\r\n", exclude_categories=["Cs"])))
def test_a_line_of_text_is_kept_verbatim(line: str) -> None:
    assert f"{SPEC}# {line}\n" == openapi_block(page(f"```yaml\n{SPEC}# {line}\n```"), "p").text


@given(st.text(st.sampled_from("`~ \n\rya:openi3.")))
def test_any_page_is_read_without_a_crash(text: str) -> None:
    assert all(isinstance(block, Block) for block in fenced_blocks(text))
