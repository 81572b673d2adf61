"""Collect the rows of a revision of the kit, compare those of two, or both; see `tests/floor/__init__.py`."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import documents, drift, recordings, requests, servers, suites
from .inputs import Input, Options
from .kit import Kit, fresh
from .rows import Row, read, report, write

SECTIONS: dict[str, Callable[[Options], Iterator[Input]]] = {
    "variants": servers.variants,
    "peer": servers.peers,
    "drift": drift.labelled,
    "pairs": drift.public,
    "documents": documents.documents,
    "watch": suites.watched,
    "impact": suites.impact,
    "recordings": recordings.recordings,
    "requests": requests.requests,
}
"""The inputs of each section."""


def collect(
    python: Path, options: Options, sections: Iterable[str] = SECTIONS, workers: int = 2, only: str = ""
) -> list[Row]:
    """Return the rows of all inputs of some sections; `only` is a part of the names of inputs."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="floor-") as scratch, Kit(python, workers, Path(scratch)) as kit:
        for section in sections:
            start = time.monotonic()
            inputs = [one for one in SECTIONS[section](options) if only in one.name]
            with ThreadPoolExecutor(workers) as pool:
                jobs = [pool.submit(_rows, section, one, kit, Path(scratch, str(i))) for i, one in enumerate(inputs)]
                for job in as_completed(jobs):
                    rows += job.result()
            found = [row for row in rows if row.section == section]
            crashes = sum(row.rule.endswith("crash") for row in found)
            seconds = time.monotonic() - start
            print(f"{section}: {len(inputs)} inputs, {len(found)} rows, {crashes} crashes, {seconds:.0f} s", flush=True)
    return rows


def _rows(section: str, one: Input, kit: Kit, folder: Path) -> list[Row]:
    """Return the rows of an input; an input without any fact has the row `nothing`."""
    facts = [*one.collect(kit, fresh(folder))] or [("nothing", "", "")]
    return [Row(section, one.name, *fact) for fact in facts]


def main() -> int:
    """Run the command line; return 1 if a detection is lost or changed."""
    parser = argparse.ArgumentParser(prog="python -m tests.floor", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--documents", type=Path, metavar="FOLDER", help="the public documents; none without it")
    common.add_argument("--peer", type=Path, metavar="SERVER", help="a server with --list, as tests/variants")
    common.add_argument("--section", action="append", choices=SECTIONS, help="repeatable (default: all)")
    common.add_argument("--only", default="", metavar="TEXT", help="inputs whose name contains this")
    common.add_argument("--workers", type=int, default=2)
    details = argparse.ArgumentParser(add_help=False)
    details.add_argument("--details", type=Path, default=Path("floor.txt"), help="a file for all differences")
    details.add_argument("--lines", type=int, default=20, help="differences to print of each kind")
    collecting = commands.add_parser("collect", parents=[common])
    collecting.add_argument("--python", type=Path, required=True)
    collecting.add_argument("--out", type=Path, required=True)
    comparing = commands.add_parser("compare", parents=[details])
    comparing.add_argument("base", type=Path)
    comparing.add_argument("new", type=Path)
    running = commands.add_parser("run", parents=[common, details])
    running.add_argument("--base", type=Path, required=True)
    running.add_argument("--new", type=Path, required=True)
    copying = commands.add_parser("documents")
    copying.add_argument("--mirrors", type=Path, required=True)
    copying.add_argument("--documents", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "documents":
        documents.copy_from(arguments.mirrors, arguments.documents)
        return 0
    if arguments.command == "compare":
        return _compare(read(arguments.base), read(arguments.new), arguments)
    options = Options(arguments.documents and arguments.documents.absolute(), arguments.peer)
    sections = arguments.section or [*SECTIONS]
    chosen = (options, sections, arguments.workers, arguments.only)
    if arguments.command == "collect":
        write(arguments.out, collect(arguments.python, *chosen))
        return 0
    return _compare(collect(arguments.base, *chosen), collect(arguments.new, *chosen), arguments)


def _compare(base: list[Row], new: list[Row], arguments: argparse.Namespace) -> int:
    """Print the comparison; return 1 if a detection is lost or changed."""
    text, holds = report(base, new, arguments.details, arguments.lines)
    print(text)
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
