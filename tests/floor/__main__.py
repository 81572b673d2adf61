"""Collect the rows of a revision of the kit, compare those of two, or both; see `tests/floor/__init__.py`."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import documents, drift, recordings, requests, servers, suites
from .inputs import Input, Options
from .kit import Fact, Kit, fresh
from .rows import Detection, read, report, write

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


def collect(python: Path, section: str, options: Options, workers: int = 2, only: str = "") -> list[Detection]:
    """Return the rows of all inputs of a section; `only` is a part of the names of inputs."""
    start = time.monotonic()
    rows: list[Detection] = []
    inputs = [one for one in SECTIONS[section](options) if only in one.name]
    with tempfile.TemporaryDirectory(prefix="floor-") as scratch, Kit(python, workers, Path(scratch)) as kit:
        with ThreadPoolExecutor(workers) as pool:
            jobs = [pool.submit(_rows, section, one, kit, Path(scratch, str(i))) for i, one in enumerate(inputs)]
            for job in as_completed(jobs):
                rows += job.result()
        crashes = sum(row.rule.endswith("crash") for row in rows)
        differing = sum(row.rule == "disagreement" for row in rows)
        faults = f"{crashes} crashes, {differing} numbers that differ between reports"
        counts = f"{len(inputs)} inputs, {len(rows)} rows, {faults}, {time.monotonic() - start:.0f} s"
        print(f"{section}: {counts} with {kit.package}", flush=True)
    return rows


def _rows(section: str, one: Input, kit: Kit, folder: Path) -> list[Detection]:
    """Return the rows of an input; `nothing` without any fact, `not collected` if its facts cannot be read."""
    facts: list[Fact] = []
    try:
        facts.extend(one.collect(kit, fresh(folder)))
    except Exception as error:  # noqa: BLE001 - an input that cannot be read must not hide the others
        facts.append(("not collected", type(error).__name__, str(error)[:100]))
    shutil.rmtree(folder)
    return [Detection(section, one.name, *fact) for fact in facts or [("nothing", "", "")]]


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
    if arguments.command == "collect":
        _collect(arguments.python, arguments.out, arguments)
        return 0
    files = [arguments.details.with_suffix(f".{name}.jsonl") for name in ("base", "new")]
    for python, file in zip((arguments.base, arguments.new), files, strict=True):
        _collect(python, file, arguments)
    return _compare(read(files[0]), read(files[1]), arguments)


def _collect(python: Path, file: Path, arguments: argparse.Namespace) -> None:
    """Collect the rows of a revision, and write the file after each section."""
    options = Options(arguments.documents and arguments.documents.absolute(), arguments.peer)
    rows: list[Detection] = []
    for section in arguments.section or SECTIONS:
        rows += collect(python, section, options, arguments.workers, arguments.only)
        write(file, rows)


def _compare(base: list[Detection], new: list[Detection], arguments: argparse.Namespace) -> int:
    """Print the comparison; return 1 if a detection is lost or changed."""
    text, holds = report(base, new, arguments.details, arguments.lines)
    print(text)
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
