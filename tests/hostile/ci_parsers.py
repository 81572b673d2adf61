"""The commands that CI systems find in the output of a job: ports of the parsers of GitHub's runner and Azure's agent.

Written from the behaviour of `src/Runner.Common/ActionCommand.cs` and `ActionCommandManager.cs` of actions/runner, and
of `src/Microsoft.VisualStudio.Services.Agent/Command.cs` and `WorkerCommandManager.cs` of
microsoft/azure-pipelines-agent. Stricter than they are: any name counts as a registered command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Command(NamedTuple):
    """A command as a CI system parses it."""

    name: str
    properties: dict[str, str]
    data: str


_IGNORED_BY_CULTURE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Characters that .NET's `IndexOf(string)` and `StartsWith(string)` pass over, which compare by culture."""
_WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

_Parser = Callable[[str], Command | None]


def lines(output: str) -> Iterator[str]:
    """Yield the lines of an output as .NET splits them; one with characters that it ignores also without these."""
    for line in re.split(r"\r\n|\r|\n", output):
        yield line
        if (plain := _IGNORED_BY_CULTURE.sub("", line)) != line:
            yield plain


def github_commands(output: str) -> list[Command]:
    """Return the commands that GitHub's runner executes: `::NAME::` takes precedence over `##[NAME]`."""
    return _commands(output, lambda line: _github_colons(line) or _bracketed("##[", line))


def azure_commands(output: str) -> list[Command]:
    """Return the commands that Azure's agent executes: those with an area and an event."""
    return _commands(output, _azure)


def teamcity_commands(output: str) -> list[str]:
    """Return the service messages of TeamCity, which may be anywhere in a line."""
    return re.findall(r"##teamcity\[[^\]]*\]?", "\n".join(lines(output)))


def _commands(output: str, parse: _Parser) -> list[Command]:
    """Return the command of each line for which the parser returns one."""
    return [command for line in lines(output) if (command := parse(line)) is not None]


def _github_colons(line: str) -> Command | None:
    """Return the command `::NAME PROPERTIES::DATA` at the start of a line; None if there is none."""
    line = re.sub(f"^[{_WHITE_SPACE}]+", "", line)
    end = line.find("::", 2)
    if not line.startswith("::") or end < 0:
        return None
    name, _, parameters = line[2:end].partition(" ")
    data = _unescaped(line[end + 2 :], {"%0D": "\r", "%0A": "\n", "%25": "%"})
    escapes = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
    return Command(name, _properties(parameters.strip(), ",", escapes), data)


def _bracketed(prefix: str, line: str) -> Command | None:
    """Return the command `PREFIX NAME PROPERTIES]DATA` anywhere in a line; None if there is none."""
    start = line.find(prefix)
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name, _, parameters = line[start + len(prefix) : end].partition(" ")
    escapes = {"%3B": ";", "%0D": "\r", "%0A": "\n", "%5D": "]", "%25": "%"}
    return Command(name, _properties(parameters, ";", escapes), _unescaped(line[end + 1 :], escapes))


def _azure(line: str) -> Command | None:
    """Return the command `##vso[AREA.EVENT …]` in a line; None if there is none."""
    command = _bracketed("##vso[", line)
    return command if command is not None and len(list(filter(None, command.name.split(".")))) == 2 else None


def _properties(text: str, separator: str, escapes: dict[str, str]) -> dict[str, str]:
    """Return the properties `NAME=VALUE` of a text, with their values unescaped; others are ignored."""
    pairs = [part.split("=", 1) for part in text.split(separator) if part.strip("=")]
    return {pair[0]: _unescaped(pair[1], escapes) for pair in pairs if len(pair) == 2 and all(pair)}


def _unescaped(text: str, escapes: dict[str, str]) -> str:
    """Return a text with each escape replaced by its character, in the order of `escapes`."""
    for escape, char in escapes.items():
        text = text.replace(escape, char)
    return text
