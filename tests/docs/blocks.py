"""The fenced blocks of a Markdown page, what the page says about running them, and how each kind is validated.

A block's first line may name the file that it is saved as (`# pytest.ini`). A comment before a block may excuse it from
being run: `<!-- not run: REASON -->`. A comment anywhere, `<!-- in a clone -->`, makes the page's folder a copy of this
project.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import iniconfig
import yaml
from markdown_it import MarkdownIt

_NOT_RUN = re.compile(r"<!-- not run: (\S.*?) -->\s*", re.DOTALL)
_NAME = re.compile(r"# ((?:[\w.-]+/)*[\w.-]*\.\w+)")
_SECRET = re.compile(r"\$\{\{ *(?:secrets|vars)\.(\w+) *\}\}")
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
        """Return the file name that the block declares, or None."""
        named = _NAME.fullmatch(self.text.partition("\n")[0].strip())
        return named[1] if named else None


@dataclass(frozen=True, slots=True)
class Command:
    """A `$` line of a console block and the output lines below it."""

    text: str
    shown: tuple[str, ...]
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the fenced and indented blocks of a page, in order, also those inside lists and quotes."""
    fenced = []
    excuse = ""
    for token in MarkdownIt("commonmark").parse(page.read_text("utf-8")):
        if token.type == "html_block":
            marked = _NOT_RUN.fullmatch(token.content)
            excuse = " ".join(marked[1].split()) if marked else ""
        elif token.type in ("fence", "code_block"):
            assert token.map is not None
            fenced.append(Block(token.info.strip(), token.content, token.map[0] + 2, excuse))
            excuse = ""
        elif token.type == "inline":
            excuse = ""
    return fenced


def commands(block: Block) -> list[Command]:
    """Return the command after each `$`, with `>` lines joined, and the output shown below it.

    Raises `ValueError` if the block does not begin with a command.
    """
    parsed: list[Command] = []
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line.startswith("$ "):
            parsed.append(Command(line[2:], (), number))
        elif not parsed:
            raise ValueError(f"line {number}: a console block begins with a command: $ …")
        elif line.startswith("> ") and not parsed[-1].shown:
            parsed[-1] = Command(f"{parsed[-1].text}\n{line[2:]}", (), parsed[-1].line)
        else:
            parsed[-1] = Command(parsed[-1].text, (*parsed[-1].shown, line), parsed[-1].line)
    return parsed


def _shell(text: str) -> None:
    """Raise `ValueError` if bash cannot parse a script."""
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip())


def _console(block: Block) -> None:
    """Raise `ValueError` if bash cannot parse the commands of a console block."""
    _shell("\n".join(command.text for command in commands(block)))


PARSERS: dict[str, Callable[[Block], object]] = {
    "bash": lambda block: _shell(block.text),
    "console": _console,
    **dict.fromkeys(("go", "javascript"), lambda block: block.text),
    "ini": lambda block: iniconfig.IniConfig("a block", data=block.text),
    "json": lambda block: json.loads(block.text),
    "python": lambda block: ast.parse(block.text),
    "text": lambda block: block.text,
    "toml": lambda block: tomllib.loads(block.text),
    "yaml": lambda block: list(yaml.safe_load_all(block.text)),
}


def parse(block: Block) -> None:
    """Raise `ValueError` if the text of a block does not match its kind, or its kind is unknown."""
    if block.kind not in PARSERS:
        raise ValueError(f"no kind of block is called {block.kind!r}; there are: {', '.join(PARSERS)}")
    try:
        PARSERS[block.kind](block)
    except (SyntaxError, yaml.YAMLError, iniconfig.ParseError) as error:
        raise ValueError(f"it is no {block.kind}: {error}") from None


def steps(block: Block, name: str, values: Mapping[str, str]) -> Iterator[str]:
    """Yield one command per `run` of a GitHub workflow or `script` line of a GitLab file; for other files, none.

    `values` are those of the secrets and variables that the definition names. Steps with `uses` or `if` are omitted.
    """
    if name.startswith(".github/workflows/"):
        for job in yaml.safe_load(block.text)["jobs"].values():
            for step in job["steps"]:
                if "run" in step and "if" not in step:
                    yield _command(step["run"], {**job.get("env", {}), **step.get("env", {})}, values)
    elif name == ".gitlab-ci.yml":
        for job in yaml.safe_load(block.text).values():
            for line in job.get("script", ()) if isinstance(job, dict) else ():
                yield _command(line, {}, values)


def _command(script: str, variables: Mapping[str, Any], values: Mapping[str, str]) -> str:
    """Return a command that runs a step in its own shell, as the platform does."""
    assignments = [f"{name}={shlex.quote(_filled(str(value), values))}" for name, value in variables.items()]
    return (
        shlex.join(["env"]) + " " + " ".join([*assignments, "bash", "-e", "-c", shlex.quote(_filled(script, values))])
    )


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with the values of the secrets and variables that it names."""
    return _SECRET.sub(lambda match: values[match[1]], text)
