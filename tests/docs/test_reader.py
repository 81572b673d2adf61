"""The page runner reports statements that are not true: each test writes such a page and runs it."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from textwrap import dedent

import pytest

from tests.docs.__main__ import write
from tests.docs.environment import environment
from tests.docs.internet import internet
from tests.docs.page import Outcome, Reader
from tests.docs.shell import Shell


def follow(text: str, folder: Path) -> Outcome:
    """Run a page with this text."""
    page = folder / "page.md"
    page.write_text(dedent(text), "utf-8")
    with internet(folder) as outside:
        return Reader(page, folder, environment(folder, folder / "you"), outside).follow()


def single_problem(outcome: Outcome) -> str:
    """Return the single problem of a page, without the page's path."""
    (problem,) = outcome.problems
    return problem.partition("page.md:")[2]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("```ruby\nputs 1\n```", "2: a block of kind 'ruby' is neither run nor saved"),
        ("```\ntext\n```", "2: a block of kind '' is neither run nor saved"),
        ("```yaml\na: 1\n```", "2: a block of kind 'yaml' is neither run nor saved"),
        ("<!-- not run: it is odd -->\n```ruby\nputs 1\n```", "3: no kind of block is called 'ruby'"),
        ("<!-- not run: it is odd -->\n```yaml\n{a: [\n```", "3: it is no yaml"),
        ("<!-- not run: it is odd -->\n```bash\nif\n```", "3: bash: line"),
        ("```console\npytest\n```", "2: line 2: a console block begins with a command"),
        ("```console\n$ echo one\ntwo\n```", "2: it prints\n    one"),
        ("```console\n$ echo one\n```", "2: it prints\n    one"),
        ("```console\n$ true\nanything\n```", "2: it prints"),
        ("```console\n$ false\n```", "2: it ended with exit code 1, and the page does not say so"),
        ("```console\n$ false\n$ echo $?\n2\n```", "3: it prints\n    1"),
        ("```bash\ntrue\nexit 3\n```", "2: it ended the shell"),
        ("```bash\n(exit 3)\n```", "2: it ended with exit code 3"),
        ("```python\nassert 1 == 2\n```", "2: it ended with exit code 1"),
        ("```python\ndef test_it():\n    assert 1 == 2\n```", "2: it ended with exit code 1"),
        ("```python\n# test_it.py\ndef test_it():\n    pass\n```", "2: no later block runs pytest on test_it.py"),
        ("```ini\n# pytest.ini\nno section\n```", "2: it is no ini"),
        (
            "```console\n$ curl -sS https://a.test/\n…\n$ echo $?\n…\n```",
            "1: a command of the page sent a request to a.test",
        ),
        ("```console\n$ pip install -q no-such-project-1234\n…\n```", "2: it ended with exit code 1"),
        (
            "```yaml\n# .github/workflows/it.yml\njobs: {it: {steps: [{uses: a/b@v4}, {run: exit 3}]}}\n```",
            "2: a step of .github/workflows/it.yml ended with exit code 3",
        ),
    ],
)  # fmt: skip
def test_wrong_statements_of_a_page_are_reported(tmp_path: Path, block: str, message: str) -> None:
    assert single_problem(follow(block, tmp_path)).startswith(message)


def test_a_page_is_updated_with_the_output_of_its_commands(tmp_path: Path) -> None:
    text = "```console\n$ echo one; \\\n> echo two\nother\n$ echo three\nthree\n```\n"
    outcome = follow(text, tmp_path)

    write(tmp_path / "page.md", outcome)

    written = "```console\n$ echo one; \\\n> echo two\none\ntwo\n$ echo three\nthree\n```\n"
    assert written == (tmp_path / "page.md").read_text("utf-8")


def test_paths_and_durations_are_not_compared(tmp_path: Path) -> None:
    """Another Python version in a path, and other seconds, are no problem of a page."""
    page = "```console\n$ echo 'lib/python3.11/site took 1.25s'\nlib/python3.14/site took 0.50s\n```\n"
    assert [] == follow(page, tmp_path).problems


def test_the_progress_of_a_slow_run_is_not_compared(tmp_path: Path) -> None:
    """A line with the progress of an impact run may be missing in the page."""
    command = r"printf 'planned\nprogress     50%%, 1 of 2 test runs, 1.5 s left\nfails\n'"
    assert [] == follow(f"```console\n$ {command}\nplanned\nfails\n```\n", tmp_path).problems


def test_the_output_of_a_background_program_is_awaited(tmp_path: Path) -> None:
    """Although the program pauses for a second between two lines, both are compared."""
    page = """\
        ```console
        $ bash -c 'echo one; sleep 1; echo two; sleep 60' &
        one
        two
        $ kill %1
        ```
        """
    assert [] == follow(page, tmp_path).problems


def test_the_end_of_a_page_does_not_wait_for_a_process_that_ignores_it(tmp_path: Path) -> None:
    """It could still write to the output of the shell, which itself ends at once."""

    def run() -> None:
        """Run a shell that starts such a process."""
        with Shell(tmp_path, {"PATH": os.defpath}, tmp_path) as shell:
            shell.run("(trap '' TERM; echo >ready; exec sleep 600) & while ! test -s ready; do sleep 0.01; done")

    running = threading.Thread(target=run, daemon=True)
    running.start()
    running.join(60)
    assert not running.is_alive()
