"""The command line: `pytest-bctrl`. Each subcommand is a module that is imported only when it is asked for."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

COMMANDS = {
    "drift": ("pytest_bctrl.cli.drift", "compare the vendored spec with the published one"),
    "contract": ("pytest_bctrl.cli.contract", "build the contract, or vendor the spec anew"),
}
"""Subcommand: the module that has `add_arguments(parser)` and `run(arguments) -> int`, and what it is for."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand. Return 0: nothing found; 1: something found; 2: it could not be checked."""
    from pytest_bctrl.errors import BctrlError

    given = list(sys.argv[1:] if argv is None else argv)
    parser, modules = _parser(given)
    arguments = parser.parse_args(given)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(modules[arguments.command].run(arguments))
    except BctrlError as error:
        print(f"pytest-bctrl {arguments.command}: {one_line(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 2
    except KeyboardInterrupt:
        return 130


def one_line(text: str) -> str:
    """The text as one line that cannot steer a terminal."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in " ".join(text.split()))


def _parser(given: list[str]) -> tuple[argparse.ArgumentParser, dict[str, Any]]:
    """Build the parser; of the subcommands only the one asked for brings its arguments, and so its imports."""
    parser = argparse.ArgumentParser(prog="pytest-bctrl", description="Contract testing for the bctrl API.")
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="command")
    asked = next((word for word in given if word in COMMANDS), None)
    modules: dict[str, Any] = {}
    for name, (module, purpose) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
        if name == asked:
            modules[name] = import_module(module)
            modules[name].add_arguments(subparser)
    return parser, modules


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from pytest_bctrl._version import __version__

        print(f"pytest-bctrl {__version__}")
        parser.exit()
