"""The OpenAPI document in a fenced block of a published page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.contract.build import normalise_spec
from pytest_bctrl.contract.document import Block, fenced_blocks, openapi_block
from pytest_bctrl.errors import DocumentError

SPEC = "openapi: 3.1.0\ninfo:\n  title: Things\n"


def page(block: str) -> str:
    """Return a page that has a Python block, and a block (or any other text) after it."""
    return f"# Things\n\nText, and `code`.\n\n```python\nimport httpx\n```\n\n{block}\n\nMore text.\n"


INNER = SPEC + "  description: |\n    ```\n    code\n    ```\n"
OTHER = SPEC + "x-a: |\n  a\n~~~\n"
SETTING = "```yaml\ndocs:\n  openapi: ./openapi.yml\n```\n\n"


@pytest.mark.parametrize(
    ("block", "spec"),
    [
        (f"```yaml\n{SPEC}```", SPEC),
        (f"```\n{SPEC}```", SPEC),
        (f"~~~yaml\n{SPEC}~~~", SPEC),
        (f"````yaml\n{SPEC}````", SPEC),
        (f'```yaml title="openapi.yaml"\n{SPEC}```', SPEC),
        (f"``` YAML\n{SPEC}`````", SPEC),
        (f"```yaml\n{SPEC}\n\n```", SPEC),
        ("".join(f"  {line}\n" for line in f"```yaml\n{SPEC}```".splitlines()), SPEC),
        (f"```yaml\n{SPEC}```".replace("\n", "\r\n"), SPEC),
        (f"```yaml\n{SPEC}```".replace("\n", "\r"), SPEC),
        (f"````yaml\n{INNER}````", INNER),
        (f"```yaml\n{OTHER}```", OTHER),
        (f"{SETTING}```yaml\n{SPEC}```", SPEC),
        ('```json\n{\n  "openapi": "3.1.0"\n}\n```', '{\n  "openapi": "3.1.0"\n}\n'),
    ],
)
def test_the_spec_is_extracted_from_every_kind_of_fence(block: str, spec: str) -> None:
    assert spec == normalise_spec(openapi_block(page(block), "page.md").text)


def test_a_block_has_the_line_number_of_its_first_line_of_content() -> None:
    assert [Block("python", "import httpx\n", 6)] == fenced_blocks(page(""))


def test_unicode_line_separators_do_not_end_lines() -> None:
    """`str.splitlines` ends a line at U+2028, Markdown does not."""
    assert 2 == openapi_block(f"```yaml\n{SPEC}x-a: a\u2028b\n```", "p").line
    assert 3 == openapi_block(f"a\u2028b\n```yaml\n{SPEC}```", "p").line


def test_an_empty_block_is_returned() -> None:
    assert [Block("", "", 2)] == fenced_blocks("```\n```\n")


NONE = r"page\.md: the page has no fenced block"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        *((text, NONE) for text in ("", "no block", page(""), "openapi: 3.1.0\n", f"`{SPEC}`")),
        ("```yaml\ninfo:\n  title: x\n```", NONE),
        (f"# Cut off\n\n```yaml\n{SPEC}", NONE),
        (f"```yaml\n{SPEC}```\n```yaml\n{SPEC}```\n", "holds 2 OpenAPI documents, at lines 2, 7"),
    ],
)
def test_a_page_without_exactly_one_spec_is_an_error(text: str, problem: str) -> None:
    with pytest.raises(DocumentError, match=problem):
        openapi_block(text, "page.md")


@given(st.text(st.characters(exclude_characters="`~\r\n", exclude_categories=["Cs"])))
def test_lines_of_a_block_are_kept_verbatim(line: str) -> None:
    assert f"{SPEC}# {line}\n" == openapi_block(page(f"```yaml\n{SPEC}# {line}\n```"), "p").text


@given(st.text(st.sampled_from("`~ \n\rya:openi3.")))
def test_any_text_is_parsed_without_an_exception(text: str) -> None:
    assert all(isinstance(block, Block) for block in fenced_blocks(text))
