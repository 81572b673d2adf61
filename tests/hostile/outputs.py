"""Texts that the reader of an output may execute instead of showing, and functions that find them in an output."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.hostile.ci_parsers import azure_commands, github_commands, teamcity_commands

FRAGMENTS = (
    "::error file=a.py,line=1::pwned",
    "::set-output name=verdict::passed",
    "::stop-commands::never",
    "##[set-output name=verdict;]passed",
    "##[error]pwned",
    "##vso[task.setvariable variable=verdict]passed",
    "##teamcity[testFailed name='x']",
    "#",
    "#[add-path]/tmp",
    ":",
    "##\u200b[error]x",
    ":\u00ad:error::x",
    "section_start:0:a\r\x1b[0K",
    "\x1b[2J\x1b[31m",
    "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "\x9b31m\x85\x7f",
    "\u202e\u2066\u2069\u200f\u061c",
    "\u200b\ufeff\u2060\ufe0f\u034f\U000e0041",
    "\u2028\u2029\r\n\n\x0b",
    "\n::error::pwned\n",
    "\r::error::pwned",
    "[click](javascript:alert(1))",
    "\\[click\\](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "https://evil.example/",
    "WWW.evil.example",
    "a@evil.example",
    "@someone #1 GH-1 $x$",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script><a href='javascript:alert(1)'>x</a>",
    "&#x202e;&lt;b&gt;",
    "]]> --> {{data}} %0A::error::x",
    "`x` ``y` |",
    "| a | b |",
    "\\",
    "- --- 1. > # a",
    "travis_fold:start:x",
    "--- x",
    " ",
    "plain",
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=2), min_size=1, max_size=5).map("".join)
EVERYTHING = " ".join(FRAGMENTS)
PAYLOAD = EVERYTHING.replace("{", "").replace("}", "")
"""The fragments without braces, which `str.format` and a URI template would interpret."""


def faults(output: str) -> list[object]:
    """Return the commands that CI systems find in an output, and its hidden characters; empty for a harmless one."""
    commands = [*github_commands(output), *azure_commands(output), *teamcity_commands(output)]
    return [*commands, *hidden(output)]


def hidden(text: str) -> list[str]:
    """Return the control and invisible characters of a text, except line feeds, such as `U+200B`."""
    return [f"U+{ord(char):04X}" for char in re.findall(r"[^\n -~]", text) if _is_hidden(char)]


_INVISIBLE_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"


def _is_hidden(char: str) -> bool:
    """Return whether a character is a control character other than a line feed, or invisible."""
    category = unicodedata.category(char)
    is_control = category in ("Cc", "Cf", "Cs", "Zl", "Zp") and char != "\n"
    return is_control or char in _INVISIBLE_LETTERS or "VARIATION SELECTOR" in unicodedata.name(char, "")


_LINK = re.compile(r"://|www\.|@|(?<!&)#\d|\bGH-\d|\$", re.IGNORECASE)


def markdown_faults(document: str) -> list[object]:
    """Return the links, images, HTML, words that GitHub links, and hidden characters of Markdown; empty if harmless."""
    faults_of_text: list[object] = []
    for token in _tokens(MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(document)):
        if token.type in ("link_open", "image", "html_inline", "html_block", "s_open", "fence", "code_block"):
            faults_of_text.append(token.type)
        if token.type == "text":
            faults_of_text += [*_LINK.findall(token.content), *hidden(token.content)]
    return faults_of_text


def markdown_text(document: str) -> str:
    """Return the text of a Markdown document that a reader sees, its code included."""
    tokens = _tokens(MarkdownIt("commonmark").enable("table").parse(document))
    return "".join(token.content for token in tokens if token.type in ("text", "code_inline"))


def _tokens(tokens: list[Token]) -> Iterator[Token]:
    """Yield tokens and, after each, its children at any depth."""
    for token in tokens:
        yield token
        yield from _tokens(token.children or [])


class Page(HTMLParser):
    """The elements of an HTML page by name and attributes, and the contents of its `script` elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.scripts: list[str] = []
        self.links: list[str] = []
        self._is_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.links += [str(value) for name, value in attrs if name in ("href", "src")]
        self._is_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.scripts.append(data)
