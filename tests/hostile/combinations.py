"""Runs commands with documents whose schemas multiply, and reports time, memory and rejections of each.

`python -m tests.hostile.combinations` takes all 500 documents, `… FIRST LAST` some of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.contract.documents import document

from .child import MEMORY, JobResult, run
from .nested_schemas import nested_document

DOCUMENTS = 500
_BATCH = 20
"""Documents that one process takes."""
_BODY = '{"a": 1, "b": [{}], "n0": "x", "things": [{"a": {"a": 1}}, {"n1": 1}, 3]}'
_TRIVIAL = json.dumps(document({"type": "object"}))
_REJECTED = {"suite": 4}
"""The exit code of a command that rejects a document, where it is not 2."""


class Outcome(NamedTuple):
    """The result of a command for a generated document; seed None is a trivial document."""

    seed: int | None
    command: str
    ran: JobResult

    @property
    def problem(self) -> str:
        """The failure; empty if the command finished, or rejected the document in one line with the pointer."""
        text = f"{self.ran.out}{self.ran.err}"
        if "Traceback" in text or "INTERNALERROR" in text:
            return f"an exception: {text[-500:]}"
        if self.ran.peak > MEMORY:
            return f"{self.ran.peak:.0f} MB"
        if self.seed is not None and self.ran.code == _REJECTED.get(self.command, 2):
            lines = self.ran.err.strip().splitlines()
            is_named = f"{self.seed}.yaml: #/" in self.ran.err
            return "" if is_named and len(lines) == 1 else f"rejected in {len(lines)} lines: {self.ran.err[-500:]}"
        return "" if self.ran.code in (0, 1) else f"exit code {self.ran.code}: {text[-500:]}"


def outcomes(seeds: Sequence[int], folder: Path, python: Sequence[str] = (sys.executable,)) -> Iterator[Outcome]:
    """Yield the outcome of five commands for the document of each seed, and for a trivial one per batch.

    They are the mock with one request, the suite, `check`, `drift` and `contract show`; `python` runs a batch at once.
    """
    (folder / "body.json").write_text(_BODY)
    (folder / "pytest.ini").write_text("[pytest]\n")
    # Hypothesis creates its tables of Unicode once, which takes it 200 MB; every later run reads them.
    tables = "from hypothesis import strategies; strategies.characters(codec='utf-8').validate()"
    subprocess.run([*python, "-u", "-c", tables], cwd=folder, check=True)
    storage = Path(os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY", folder / ".hypothesis"))
    assert list(storage.glob("unicode_data/*/codec-*")), "no tables of Unicode"
    for start in range(0, len(seeds), _BATCH):
        jobs: dict[tuple[int | None, str], list[str]] = {}
        for seed in (None, *seeds[start : start + _BATCH]):
            name, base = f"document{seed}.yaml", f"base{seed}.yaml"
            text = _TRIVIAL if seed is None else nested_document(seed)
            (folder / name).write_text(text)
            (folder / base).write_text(_changed(text))
            jobs |= {(seed, command): arguments for command, arguments in _commands(name, base).items()}
        ran = run({repr(key): job for key, job in jobs.items()}, folder, {}, python)
        yield from (Outcome(seed, command, ran[repr((seed, command))]) for seed, command in jobs)


def _changed(text: str) -> str:
    """Return a document with small, deeply nested changes, so that the schemas around them are compared."""
    return text.replace("integer", "boolean").replace('"required":["', '"required":["x')


def _commands(document: str, base: str) -> dict[str, list[str]]:
    """Return the job of each command for the file of a document; `drift` compares it with the file `base`."""
    suite = ["pytest", "--bctrl-mock", "--bctrl-contract", document, "-q", "-p", "no:cacheprovider", "bctrl"]
    return {
        "mock": ["mock", document],
        "suite": suite,
        "check": ["main", "check", "--contract", document, "body.json"],
        "drift": ["main", "drift", document, "--base", base],
        "show": ["main", "contract", "show", document],
    }


def report(outcomes_of_run: Sequence[Outcome]) -> Iterator[str]:
    """Yield a line per command with its rejections and highest processor time, and a line with the peak memory."""
    for command in dict.fromkeys(outcome.command for outcome in outcomes_of_run):
        runs = [outcome for outcome in outcomes_of_run if outcome.command == command]
        trivial = min(outcome.ran.seconds for outcome in runs if outcome.seed is None)
        slowest = max(runs, key=lambda outcome: outcome.ran.seconds)
        rejected = sum(outcome.ran.code == _REJECTED.get(command, 2) for outcome in runs)
        yield (
            f"{command:<6} {rejected:>3} of {len(runs)} rejected; "
            f"{slowest.ran.seconds:.1f} s of processor time at most (document {slowest.seed}; "
            f"{trivial:.1f} s for a trivial one)"
        )
    yield f"memory {max(outcome.ran.peak for outcome in outcomes_of_run):.0f} MB at most"


def _main(arguments: Sequence[str]) -> int:
    """Print the problems and the report for the seeds FIRST to LAST, by default all; return 1 if there are problems."""
    first, last = map(int, arguments or (0, DOCUMENTS))
    with tempfile.TemporaryDirectory() as folder:
        all_outcomes = list(outcomes(range(first, last), Path(folder)))
    problems = [
        f"document {outcome.seed}, {outcome.command}: {outcome.problem}" for outcome in all_outcomes if outcome.problem
    ]
    print(*problems, *report(all_outcomes), sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
