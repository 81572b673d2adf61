"""Follow pages by hand: `python -m tests.docs [--write] [PAGE…]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.docs.blocks import IN_A_CLONE
from tests.docs.environment import environment, real_environment, registry_access
from tests.docs.internet import internet
from tests.docs.page import BY_A_NEWCOMER, PROJECT, Outcome, Reader, clone, pages


def main() -> int:
    """Run the named pages, or all; return 1 if a statement of a page is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.docs", description=__doc__)
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE", help="default: all")
    parser.add_argument("--write", action="store_true", help="show in the pages what their commands print now")
    options = parser.parse_args()
    failed = False
    for page in [path.resolve() for path in options.pages] or list(pages()):
        outcome = _follow(page)
        if options.write and outcome.outputs:
            write(page, outcome)
        failed |= bool(outcome.problems)
        print(f"{page.relative_to(PROJECT)}: {outcome.run} blocks run, {len(outcome.problems)} problems")
        for problem in outcome.problems:
            print(f"  {problem}")
    return int(failed)


def _follow(page: Path) -> Outcome:
    """Run a page, one for newcomers with an installation from a registry, and return its outcome."""
    with tempfile.TemporaryDirectory() as name, internet(Path(name)) as outside:
        workspace = Path(name).resolve()
        home = workspace / "you"
        if str(page.relative_to(PROJECT)) not in BY_A_NEWCOMER:
            return Reader(page, workspace, environment(workspace, home, page.read_text("utf-8")), outside).follow()
        reader = Reader(page, workspace, real_environment(home), outside, registry=registry_access())
        if IN_A_CLONE not in page.read_text("utf-8"):
            (home / "pytest-bctrl").mkdir()
            clone(home / "pytest-bctrl")
        return reader.follow()


def write(page: Path, outcome: Outcome) -> None:
    """Replace the outputs shown on a page by the actual outputs of its commands."""
    lines = page.read_text("utf-8").splitlines()
    for number in sorted(outcome.outputs, reverse=True):
        end = start = number
        while lines[end].startswith("> "):
            start = end = end + 1
        while not lines[end].startswith(("$ ", "```")):
            end += 1
        lines[start:end] = outcome.outputs[number]
    page.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
