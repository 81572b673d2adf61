"""What a block that is not run can still be held to: it is what its kind says."""

from __future__ import annotations

import ast
import json
import subprocess
import tomllib
from collections.abc import Callable

import iniconfig
import yaml

from tests.docs.blocks import Block, commands


def _shell(text: str) -> None:
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip())


def _console(block: Block) -> None:
    _shell("\n".join(command.text for command in commands(block)))


PARSERS: dict[str, Callable[[Block], object]] = {
    "bash": lambda block: _shell(block.text),
    "console": _console,
    "ini": lambda block: iniconfig.IniConfig("a block", data=block.text),
    "json": lambda block: json.loads(block.text),
    "python": lambda block: ast.parse(block.text),
    "text": lambda block: block.text,
    "toml": lambda block: tomllib.loads(block.text),
    "yaml": lambda block: list(yaml.safe_load_all(block.text)),
}


def parse(block: Block) -> None:
    """Raise `ValueError` where a block is not what its kind says, or is of a kind that nobody knows."""
    if block.kind not in PARSERS:
        raise ValueError(f"no kind of block is called {block.kind!r}; there are: {', '.join(PARSERS)}")
    try:
        PARSERS[block.kind](block)
    except (SyntaxError, yaml.YAMLError, iniconfig.ParseError) as error:
        raise ValueError(f"it is no {block.kind}: {error}") from None
