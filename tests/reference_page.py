"""Writes `docs/reference/names.md` from the code: options, ini keys, variables, fixtures, markers and commands; and the
tables of `docs/reference/checks.md`: rules, known faults of the engines, and tests.

Run `python -m tests.reference_page` in the root of the project after changing one of them.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_bctrl import cli, plugin
from pytest_bctrl.cli.explain import explanations
from pytest_bctrl.contract.read import load
from pytest_bctrl.secrets.secret import KEY_VARIABLE
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.suite.plan import catalogue as plan
from pytest_bctrl.suite.plan.engine_faults import ENGINE_FAULTS

_REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
PAGE, CHECKS = _REFERENCE / "names.md", _REFERENCE / "checks.md"

_INTRODUCTION = """\
# Options, fixtures, markers, commands

All names that pytest-bctrl adds. This page is generated from the code: `python -m tests.reference_page`.

## Settings

The command line takes precedence over the environment, the environment over pytest's configuration file
(`pytest.toml`, `pytest.ini`, `pyproject.toml`, …), and the file over the default. If two variables are listed, the
first takes precedence. A wrong value ends the run with exit code 4, and the error names its source. Write paths with
`=`: pytest reads a path after a space as the path of a test.

In native TOML (`pytest.toml`, or `[tool.pytest]` in `pyproject.toml`, from pytest 9 on), a value has the type in the
last column. In an ini file, or below `[tool.pytest.ini_options]`, it is text, and a list has one entry per line.

| option | ini key | environment | what it is | TOML |
|---|---|---|---|---|
"""

_FIXTURES = """
## Fixtures

Like any fixture, each can be overridden in a `conftest.py`, a module or a class.

| fixture | scope | what it is |
|---|---|---|
"""

_MARKERS = """
## Markers

| marker | what it is |
|---|---|
"""

_COMMANDS = """
## Commands

`pytest-bctrl COMMAND`, also `python -m pytest_bctrl COMMAND`. Exit codes: 0, no problems at or above
`--fail-on`; 1, problems; 2, the check could not run.
"""


@dataclass
class Declared:
    """A replacement for pytest's parser that records what the plugin declares."""

    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    ini: dict[str, str] = field(default_factory=dict)

    def getgroup(self, name: str, description: str) -> Declared:
        """Return the object itself, which records the options of every group."""
        return self

    def addoption(self, name: str, **attributes: Any) -> None:
        """Record an option."""
        self.options[name] = attributes

    def addini(self, name: str, help: str, type: str = "string", default: Any = None) -> None:  # noqa: A002
        """Record the help of an ini key."""
        self.ini[name] = help


def declared() -> Declared:
    """Return the options and ini keys that the plugin declares."""
    declared_names = Declared()
    plugin.pytest_addoption(cast("pytest.Parser", declared_names))
    return declared_names


@cache
def _shown(option: str) -> str:
    """Return the output of pytest with an option, in an empty folder."""
    command = [sys.executable, "-m", "pytest", option, "-p", "no:cacheprovider", "--color=no"]
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def markers() -> dict[str, str]:
    """Return every marker of the plugin with its description, as `pytest --markers` shows it."""
    return dict(re.findall(r"^@pytest\.mark\.(bctrl_[^:]+): (.*)$", _shown("--markers"), re.MULTILINE))


def fixtures() -> dict[str, tuple[str, str]]:
    """Return every fixture of the plugin, as `pytest --fixtures` shows it: name, scope and description."""
    pattern = r"^(bctrl_\w+)(?: \[(\w+) scope\])? -- \S+\n((?: +\S.*\n)*)"
    listed = re.findall(pattern, _shown("--fixtures"), re.MULTILINE)
    return {name: (scope or "function", " ".join(words.split())) for name, scope, words in listed}


def environment() -> dict[str, tuple[str, ...]]:
    """Return the environment variables of each setting, by its ini key."""
    return {setting.ini: setting.environment for setting in table.SETTINGS}


def reference_page() -> str:
    """Return the text of the page."""
    return "".join(
        (
            _INTRODUCTION,
            *(f"{row}\n" for row in _settings()),
            _FIXTURES,
            *(f"| `{name}` | {scope} | {_cell(words)} |\n" for name, (scope, words) in fixtures().items()),
            _MARKERS,
            *(f"| `{name}` | {_cell(words)} |\n" for name, words in markers().items()),
            _COMMANDS,
            *(f"{row}\n" for name, words in cli.COMMANDS.items() for row in _command(name, words)),
        )
    )


def checks_page() -> str:
    """Return the text of the checks page, with its tables regenerated."""
    head = ["| rule | level | what it checks | source |", "|---|---|---|---|"]
    rules, requests = [*head], [*head]
    for rule in explanations(load()):
        if rule.kind != "drift":
            row = f"| `{rule.name}` | {rule.level} | {_cell(rule.checks)} | {_cell(rule.source)} |"
            (requests if rule.kind == "request" else rules).append(row)
    tests = ["| test | what it checks |", "|---|---|"]
    tests += [f"| `{name}` | {_cell(' '.join(words.split()))} |" for name, words in plan.docstrings_by_test().items()]
    text = CHECKS.read_text("utf-8")
    tables = {"rules": rules, "requests": requests, "engine faults": _engine_faults(), "tests": tests}
    for name, rows in tables.items():
        begin, end = f"<!-- {name}: written by tests/reference_page.py -->\n", f"<!-- end of {name} -->"
        before, _, remainder = text.partition(begin)
        text = "\n".join([f"{before}{begin}", *rows, f"\n{end}{remainder.partition(end)[2]}"])
    return text


def _engine_faults() -> list[str]:
    """Return the table of the known faults of jsonschema and Schemathesis."""
    rows = ["| engine | fault | reported as |", "|---|---|---|"]
    for fault in ENGINE_FAULTS:
        issue = re.fullmatch(r"https://\S+/issues/(\d+)", fault.upstream)
        source = f"[#{issue[1]}]({fault.upstream})" if issue else "not reported"
        rows.append(f"| {fault.engine} | {_cell(fault.what)} | {source} |")
    return rows


def _settings() -> Iterator[str]:
    """Yield a row of the table per option, for the key, and per ini key without an option."""
    options = declared()
    variables = environment()
    types = {setting.ini: lookup.FILE_TYPES[setting.native].name for setting in table.SETTINGS}
    for option, attributes in options.options.items():
        ini = attributes.get("dest", "")
        usage = option
        if "nargs" in attributes:
            usage = f"{option}[={attributes['metavar']}]"
        elif "metavar" in attributes:
            usage = f"{option}={attributes['metavar']}"
        names = ", ".join(f"`{name}`" for name in variables.get(ini, ()))
        in_file = f"`{ini}`" if ini in options.ini else ""
        yield f"| `{usage}` | {in_file} | {names} | {_cell(attributes['help'])} | {types.get(ini, '')} |"
    yield f"| | | `{KEY_VARIABLE}` | The key, needed with --bctrl-live; never taken from a command line | |"
    for ini, words in options.ini.items():
        if ini not in {attributes.get("dest") for attributes in options.options.values()}:
            yield f"| | `{ini}` | | {_cell(words)} | {types[ini]} |"


def arguments(command: str) -> list[argparse.Action]:
    """Return the arguments of a command."""
    parser = argparse.ArgumentParser(add_help=False)
    import_module(f"pytest_bctrl.cli.{command}").add_arguments(parser)
    return parser._actions


def _command(command: str, words: str) -> Iterator[str]:
    """Yield the lines about a command: heading, description, and a table of its arguments."""
    yield f"\n### pytest-bctrl {command}\n"
    yield f"{words[0].upper()}{words[1:]}.\n"
    yield "| argument | what it is |"
    yield "|---|---|"
    yield from _rows(arguments(command))


def _rows(actions: list[argparse.Action], before: str = "") -> Iterator[str]:
    """Yield a row per argument, also those of subcommands; `before` is the name of the subcommand."""
    for action in actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, parser in action.choices.items():
                yield f"| `{before}{name}` | {_cell(helps.get(name) or '')} |"
                yield from _rows(parser._actions, f"{before}{name} ")
        elif action.help != argparse.SUPPRESS and "--help" not in action.option_strings:
            yield f"| `{before}{_usage(action)}` | {_cell(_help(action))} |"


def _usage(action: argparse.Action) -> str:
    """Return an argument as the help of its command shows it, such as `--port PORT`."""
    value = str(action.metavar or action.dest.upper())
    if action.metavar is None and action.choices:
        value = f"{{{','.join(map(str, action.choices))}}}"
    if not action.option_strings:
        return value
    if action.nargs == 0:
        return action.option_strings[-1]
    return f"{action.option_strings[-1]} {value}"


def _help(action: argparse.Action) -> str:
    """Return the help of an argument, with its default."""
    return (action.help or "") % {"default": action.default, "prog": "pytest-bctrl"}


def _cell(text: str) -> str:
    """Return a text for a cell of a Markdown table."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(reference_page(), "utf-8")
    CHECKS.write_text(checks_page(), "utf-8")
