"""The command line: `pytest-bctrl COMMAND`, also `python -m pytest_bctrl COMMAND`.

Exit codes: 0 no problems at or above the failing level, 1 problems found, 2 the check could not run.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from pytest_bctrl._version import __version__
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.escaping import escape_line, escape_lines
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.secrets.streams import redact_stream

COMMANDS = {
    "check": "check recordings, HAR files and JSON bodies against the contract; - reads standard input",
    "mock": "serve the API's contract on this machine, for any client in any language",
    "proxy": "forward requests to an API, and check requests and responses against the contract",
    "contract": "show the contract in force, build it, update its document, or suggest an overlay from traffic",
    "doctor": "show what is installed, where each setting comes from, whether the target responds, and the next step; "
    "or explain an OpenAPI document",
    "drift": "compare the contract with another version of its document, and fail if a change breaks a consumer",
    "init": "write the configuration, first tests and a CI job for the packaged contract or any OpenAPI document",
    "explain": "explain a rule: what it checks, its source, an example that breaks it, and how to accept findings",
}
"""Name and help of every command; the module of the same name has `add_arguments(parser)` and `run(options)`."""

COULD_NOT_CHECK = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; wrong arguments, `--help` and `--version` raise `SystemExit`.

    A user error is one line on standard error and exit code 2.

    An internal error prints its traceback and exits with 2 as well: Python's own exit code for it, 1, would mean that
    the command found problems.
    """
    is_process = arguments is None
    if arguments is None:
        arguments = sys.argv[1:]
    if sys.stderr is None:
        # The process was started with standard error closed. `print` would write to standard output, into the report.
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - open until the process ends
    redaction = Redaction()
    redaction.add_environment(os.environ)
    with ExitStack() as stack:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stack.callback(redact_stream(stream, redaction))
        code = _run_command(list(arguments), redaction)
    if is_process:
        # Otherwise the interpreter would look for garbage once more as it ends, which takes a tenth of a short run.
        gc.freeze()
    return code


def _run_command(arguments: Sequence[str], redaction: Redaction) -> int:
    """Run one command and return its exit code; prints errors, but wrong arguments and `--help` raise `SystemExit`."""
    try:
        options = _argument_parser(arguments).parse_args(arguments, argparse.Namespace(redact=redaction))
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                # Text from upstream may hold characters that the terminal cannot encode; they are escaped.
                stream.reconfigure(errors="backslashreplace")
        code = int(import_module(f"pytest_bctrl.cli.{options.command}").run(options))
        if sys.stdout is not None:
            # A write error is handled here; at the end of the interpreter it could not change the exit code.
            sys.stdout.flush()
        return code
    except BctrlError as error:
        # The command line prints one line; the further lines of the problem list findings for tests.
        error.problem = error.problem.partition("\n")[0]
        print(escape_line(f"pytest-bctrl: {' '.join(str(error).split())}"), file=sys.stderr)
        return COULD_NOT_CHECK
    except BrokenPipeError:
        # The reader closed the pipe (`| head`). Discard the rest, also when the interpreter flushes at its end.
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_CHECK
    except KeyboardInterrupt:
        return 130
    except Exception:  # noqa: BLE001 - the traceback is printed
        import traceback

        print(escape_lines(traceback.format_exc()), end="", file=sys.stderr)
        print("pytest-bctrl: a bug in pytest-bctrl; assume that nothing was checked", file=sys.stderr)
        return COULD_NOT_CHECK


_EPILOG = """\
exit codes:
  0  no problems at or above --fail-on
  1  problems at or above --fail-on
  2  the check could not run

examples:
  pytest-bctrl doctor --offline
  pytest-bctrl contract show
  pytest-bctrl COMMAND --help

The contract suite itself runs under pytest: pytest --bctrl-mock bctrl"""


def _argument_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of the command line; only a command among the arguments gets its own arguments."""
    parser = _ArgumentParser(
        prog="pytest-bctrl",
        description="Contract testing of HTTP APIs against their OpenAPI documents.",
        formatter_class=_help_formatter,
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"pytest-bctrl {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Command)
    names = [*COMMANDS]
    if arguments and arguments[0] in COMMANDS:
        # The parsers of the other commands are needed only for the help and for errors.
        names = [arguments[0]]
    for name in names:
        text = COMMANDS[name]
        description = text[0].upper() + text[1:] + "."
        command = commands.add_parser(name, help=text, description=description, formatter_class=_help_formatter)
        if name in arguments:
            # Import only the command that runs, because each one loads different libraries.
            module = import_module(f"pytest_bctrl.cli.{name}")
            module.add_arguments(command)
            command.module = module
    return parser


def _help_formatter(prog: str) -> argparse.HelpFormatter:
    """Return the formatter of help texts, for the width in `COLUMNS`, else that of the terminal, else 80 columns.

    `argparse` needs it for every option, and would import `shutil` to determine the width of the terminal.
    """
    text, columns = os.environ.get("COLUMNS", ""), 0
    if text.isdecimal():
        columns = int(text)
    if not columns and sys.__stdout__ is not None:
        # It may be closed, or no terminal.
        with suppress(ValueError, OSError):
            columns = os.get_terminal_size(sys.__stdout__.fileno()).columns
    return argparse.RawDescriptionHelpFormatter(prog, width=(columns or 80) - 2)


class _ArgumentParser(argparse.ArgumentParser):
    """A parser whose errors begin with the message, in which any argument is escaped."""

    def error(self, message: str) -> NoReturn:
        """Exit with code 2, the message and the usage."""
        self.exit(2, f"{self.prog}: {escape_line(message)}\n{self.format_usage()}")


class _Command(_ArgumentParser):
    """The parser of one command; the end of its help is built only when help is requested."""

    module: ModuleType | None = None

    def parse_known_args(self, *args: Any, **named: Any) -> Any:
        """Return the options and an empty list; exits with the usage for an argument that the command does not have."""
        options, unknown_arguments = super().parse_known_args(*args, **named)
        if unknown_arguments:
            # The value of an unknown option may be a secret.
            names = [argument.partition("=")[0] for argument in unknown_arguments if argument.startswith("-")]
            self.error(f"it has no argument {' '.join(names or unknown_arguments)}")
        return options, unknown_arguments

    def format_help(self) -> str:
        """Return the help, which ends with the epilog of the command's module and its examples."""
        if self.module is not None:
            self.epilog = "\n".join(["examples:", *(f"  {example}" for example in self.module.EXAMPLES)])
            if hasattr(self.module, "epilog"):
                self.epilog = f"{self.module.epilog()}\n\n{self.epilog}"
        return super().format_help()
