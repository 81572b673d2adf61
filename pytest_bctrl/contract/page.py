"""Reads a published documentation page: Markdown that holds a fenced OpenAPI block."""

from __future__ import annotations

import re
from typing import NamedTuple

from pytest_bctrl.errors import DocumentError

_FENCE = re.compile(r"^(?P<indent> {0,3})(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
"""A line as Markdown has it (CommonMark 0.31, 2.1); `splitlines` also ends one at U+2028 and others."""

_OPENAPI = re.compile(r"^\s*(?:\{\s*)?[\"']?openapi[\"']?\s*:\s*[\"']?[23]\.", re.MULTILINE)


class Block(NamedTuple):
    """A fenced code block: its language, its text verbatim and the line of the page its text starts on."""

    language: str
    text: str
    line: int


def fenced_blocks(page: str) -> list[Block]:
    """Return the fenced code blocks of a Markdown page, in order (CommonMark 0.31, section 4.5)."""
    blocks: list[Block] = []
    opening: re.Match[str] | None = None
    body: list[str] = []
    start = 0
    for number, line in enumerate(_LINE.findall(page), start=1):
        if opening is None:
            opening = _FENCE.match(line.rstrip("\r\n"))
            body, start = [], number + 1
        elif _closes(line, opening["marks"]):
            language = opening["info"].split()[0].lower() if opening["info"].split() else ""
            blocks.append(Block(language, "".join(body), start))
            opening = None
        else:
            # A block loses as much indentation as its opening fence has, where it has as much.
            body.append(re.sub(rf"^ {{0,{len(opening['indent'])}}}", "", line))
    return blocks


def _closes(line: str, marks: str) -> bool:
    return re.fullmatch(rf" {{0,3}}{re.escape(marks)}{re.escape(marks[0])}*[ \t]*[\r\n]*", line) is not None


def openapi_block(page: str, name: str) -> Block:
    """Return the one block of the page that holds an OpenAPI document, verbatim.

    Raises `DocumentError` where there is none or more than one; `name` is what the error calls the page.
    """
    found = [block for block in fenced_blocks(page) if _OPENAPI.search(block.text[:4096])]
    if not found:
        raise DocumentError(
            "the page holds no fenced block with an OpenAPI document",
            where=name,
            mend="it should have a ```yaml block whose text begins with 'openapi:'",
        )
    if len(found) > 1:
        lines = ", ".join(str(block.line) for block in found)
        raise DocumentError(
            f"the page holds {len(found)} OpenAPI documents, at lines {lines}",
            where=name,
            mend="give a page with one, or the OpenAPI file itself",
        )
    return found[0]
