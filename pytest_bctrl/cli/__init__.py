"""The command line: `pytest-bctrl COMMAND`, also `python -m pytest_bctrl COMMAND`.

Exit codes: 0 nothing at or above the failing level, 1 something is, 2 it could not be checked.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from pytest_bctrl._version import __version__
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.escaping import escape_line, escape_lines
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.secrets.streams import redact_stream

COMMANDS = {
    "check": "check recordings, HAR files and JSON bodies against the contract; - reads standard input",
    "mock": "serve the API's contract on this machine, for any client in any language",
    "contract": "show the contract in force, build it, vendor the spec again, or suggest an overlay with what was seen",
    "doctor": "say what is installed, where each setting comes from, whether the target answers, and what to do next",
    "drift": "compare the vendored spec with the spec as it is published now, and fail for what breaks a consumer",
    "explain": "say what a rule checks, where that is said, what breaks it, and how to ignore it until a date",
}
"""Name and help of every command; the module of the same name has `add_arguments(parser)` and `run(options)`."""

COULD_NOT_CHECK = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake is one line on standard error and exit code 2.

    So is a mistake of ours, with its traceback: Python's own exit code for it, 1, would say that something was found.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if sys.stderr is None:
        # Started with it closed. What is printed to None goes to standard output, into the report.
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - until the end
    redaction = Redaction()
    redaction.add_environment(os.environ)
    with ExitStack() as stack:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stack.callback(redact_stream(stream, redaction))
        return _run(given, redaction)


def _run(given: Sequence[str], redaction: Redaction) -> int:
    try:
        options = _parser(given).parse_args(given, argparse.Namespace(redact=redaction))
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                # What upstream says is printed as far as the terminal can, rather than not at all.
                stream.reconfigure(errors="backslashreplace")
        code = int(import_module(f"pytest_bctrl.cli.{options.command}").run(options))
        if sys.stdout is not None:
            # What is left in the buffer fails here or not at all: as the interpreter ends, nobody could answer.
            sys.stdout.flush()
        return code
    except BctrlError as error:
        # What a test sees below it, one finding after another, is no line.
        error.problem = error.problem.partition("\n")[0]
        print(escape_line(f"pytest-bctrl: {' '.join(str(error).split())}"), file=sys.stderr)
        return COULD_NOT_CHECK
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`): nothing is left to say to anyone, as the interpreter ends either.
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_CHECK
    except KeyboardInterrupt:
        return 130
    except Exception:  # noqa: BLE001 - its cause is printed
        import traceback

        print(escape_lines(traceback.format_exc()), end="", file=sys.stderr)
        print("pytest-bctrl: a mistake in pytest-bctrl itself; nothing is known to have been checked", file=sys.stderr)
        return COULD_NOT_CHECK


_HELP = argparse.RawDescriptionHelpFormatter
_EPILOG = """\
exit codes:
  0  nothing at or above the failing level
  1  something is
  2  it could not be checked

examples:
  pytest-bctrl doctor --offline
  pytest-bctrl contract show
  pytest-bctrl COMMAND --help says more, with examples

The contract suite itself runs under pytest: pytest --bctrl-mock bctrl
Documentation: https://pytest-bctrl.readthedocs.io"""


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pytest-bctrl",
        description="Contract testing for the bctrl API's List Runtimes endpoint.",
        formatter_class=_HELP,
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"pytest-bctrl {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Command)
    for name, text in COMMANDS.items():
        about = text[0].upper() + text[1:] + "."
        command = commands.add_parser(name, help=text, description=about, formatter_class=_HELP)
        if name in given:
            # Only the command that was asked for is imported: each has libraries of its own to load.
            module = import_module(f"pytest_bctrl.cli.{name}")
            module.add_arguments(command)
            command.module = module
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser whose errors repeat arguments escaped."""

    def error(self, message: str) -> NoReturn:
        """Exit with the usage and the message, which may hold an argument as it was given."""
        super().error(escape_line(message))


class _Command(_Parser):
    """The parser of one command. What its help ends with is made when help is asked for, and costs nothing else."""

    module: ModuleType | None = None

    def format_help(self) -> str:
        """The help, with what the module tells besides and its examples at the end."""
        if self.module is not None:
            more = [self.module.epilog()] if hasattr(self.module, "epilog") else []
            examples = "\n".join(["examples:", *(f"  {example}" for example in self.module.EXAMPLES)])
            self.epilog = "\n\n".join([*more, examples])
        return super().format_help()
