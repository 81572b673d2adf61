"""The fenced blocks of a Markdown page, with what the page says about running them.

A block's first line may name the file that it is saved as (`# pytest.ini`). A comment before a block may excuse it from
being run: `<!-- not run: REASON -->`. A comment anywhere, `<!-- in a clone -->`, makes the page's folder a copy of this
project.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

_NOT_RUN = re.compile(r"<!-- not run: (\S.*?) -->\s*", re.DOTALL)
_NAME = re.compile(r"# ((?:[\w.-]+/)*[\w.-]*\.\w+)")
IN_A_CLONE = "<!-- in a clone -->"


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: `kind` is its language, `line` that of its first line of text, from 1."""

    kind: str
    text: str
    line: int
    excuse: str = ""

    @property
    def file(self) -> str | None:
        """The file that the block says it is, None where it says nothing."""
        named = _NAME.fullmatch(self.text.partition("\n")[0].strip())
        return named[1] if named else None


@dataclass(frozen=True, slots=True)
class Command:
    """One `$` of a console block, and the lines that the page shows under it."""

    text: str
    shown: tuple[str, ...]
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order; blocks inside lists and quotes too."""
    found = []
    excuse = ""
    for token in MarkdownIt("commonmark").parse(page.read_text("utf-8")):
        if token.type == "html_block":
            marked = _NOT_RUN.fullmatch(token.content)
            excuse = " ".join(marked[1].split()) if marked else ""
        elif token.type in ("fence", "code_block"):
            assert token.map is not None
            found.append(Block(token.info.strip(), token.content, token.map[0] + 2, excuse))
            excuse = ""
        elif token.type == "inline":
            excuse = ""
    return found


def commands(block: Block) -> list[Command]:
    """Return what is typed after each `$`, with `>` lines joined, and what is shown below it."""
    found: list[Command] = []
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line.startswith("$ "):
            found.append(Command(line[2:], (), number))
        elif not found:
            raise ValueError(f"line {number}: a console block begins with a command: $ …")
        elif line.startswith("> ") and not found[-1].shown:
            found[-1] = Command(f"{found[-1].text}\n{line[2:]}", (), found[-1].line)
        else:
            found[-1] = Command(found[-1].text, (*found[-1].shown, line), found[-1].line)
    return found
