"""What users read is in plain words, those of the field: none at which a reader has to guess."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.page import PROJECT, pages

PLAIN = {
    # The left side is what must not be written, and stands here alone; the right side is what to write.
    r"anew": "again",
    r"mend(s|ed|ing)?": "fix",
    r"mildest": "lowest level",
    r"borne|bears?|bearing": "ignore, suppress",
    r"for a while": "until a date",
    r"told|tells|telling": "reported, says, shows",
    r"lets? in(to)?": "accept",
    r"(takes?|taken|taking|took)\b(?! precedence over\b)[^.,;:()|]{0,40}\bover": "update, copy",
    r"never there": "never present",
    r"no witness|witness(es)?": "not enough traffic, source",
    r"no word for": "not valid",
    r"in vain": "without a response",
    r"doors?|strays?|dress(es|ed)?|repertoire|sought|cohere\w*": "the field's noun",
    r"spell(s|ed|ing|ings)?": "write, form, encoding",
    r"judg(e|es|ed|ing)": "check, compare",
    r"troubles?": "problem, mistake",
    r"oneOf branch \d": "the name of the alternative",
    r"(it|that|[\"']) is no [\w-]+(?! is| has)": "is not a …",
    r"stands? (twice|where|in the)|is there already": "appears, is, exists",
    r"(hold(s|ing)?|held) (it|them|each|one|the \w+|answers|\w+s) to": "check against, validate by",
    r"held to": "checked against",
    r"string of \d+": "a string of so many characters: a 2-character string",
}
"""A word that stops a reader, as a pattern of whole words, and what says the same plainly."""
FORBIDDEN = re.compile(rf"\b(?:{'|'.join(PLAIN)})\b", re.IGNORECASE)
NAME = re.compile(r"`[^`\n]*`|\]\([^)\n]*\)|[\w/]*[/_]\w*|--[\w-]+")
"""Names of things in code, which are no words."""


def _sentences(path: Path) -> Iterator[str]:
    """Yield the strings of a module that contain a space, without docstrings."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    loose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = (node for node in nodes if isinstance(node, ast.Constant) and id(node) not in loose)
    yield from (text.value for text in texts if isinstance(text.value, str) and " " in text.value)


def _texts() -> Iterator[tuple[str, str]]:
    """Yield the texts that users read, by location. The reference includes help, docstrings and rules."""
    for path in pages():
        text = path.read_text("utf-8")
        if path.name == "CHANGELOG.md":
            # Released sections are history.
            text = text.partition("## [Unreleased]")[2].partition("\n## [")[0]
        yield str(path.relative_to(PROJECT)), text
    yield "overlay", (PROJECT / "contracts" / "runtimes.overlay.yaml").read_text("utf-8")
    page = PROJECT / "pytest_bctrl" / "reports" / "html" / "page" / "page.html"
    yield "HTML report", re.sub(r"<[^>]*>", "", page.read_text("utf-8"))
    for path in sorted((PROJECT / "pytest_bctrl").rglob("*.py")):
        yield str(path.relative_to(PROJECT)), "\n".join(_sentences(path))


def forbidden_lines(text: str) -> list[str]:
    """Return the lines that contain a forbidden word."""
    return [line for line in text.splitlines() if FORBIDDEN.search(NAME.sub("", line))]


def test_texts_for_users_use_the_terms_of_the_field() -> None:
    """Documentation, help, messages and reports contain none of the listed words."""
    texts = dict(_texts())
    assert len(texts) > 200
    assert {} == {name: lines for name, text in texts.items() if (lines := forbidden_lines(text))}


@pytest.mark.parametrize(
    "line",
    [
        "mend it, or accept it anew",
        "what is borne for a while",
        "take the new spec over",
        "a wrong credential is let in",
    ],
)
def test_a_line_with_a_forbidden_word_is_reported(line: str) -> None:
    assert [line] == forbidden_lines(f"plain\n{line}\n")


def test_names_in_code_and_options_are_not_prose() -> None:
    """Words in backticks, options, paths and terms of the field are not reported."""
    assert [] == forbidden_lines("`coherent` --told tests/told.py a bearer token takes precedence over a key")
