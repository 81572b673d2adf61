"""The reader of the pages sees what is not true: a page that says so is made for each, and followed."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.docs.__main__ import write
from tests.docs.environment import environment
from tests.docs.internet import internet
from tests.docs.page import Outcome, Reader


def follow(text: str, folder: Path) -> Outcome:
    """Follow a page with this text."""
    page = folder / "page.md"
    page.write_text(dedent(text), "utf-8")
    with internet(folder) as outside:
        return Reader(page, folder, environment(folder, folder / "you"), outside).follow()


def only(outcome: Outcome) -> str:
    """The one problem of a page."""
    (problem,) = outcome.problems
    return problem.partition("page.md:")[2]


@pytest.mark.parametrize(
    ("block", "said"),
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
        ("```console\n$ curl -sS https://a.test/\n…\n$ echo $?\n…\n```", "1: something on the page asked for a.test"),
        ("```console\n$ pip install -q no-such-project-1234\n…\n```", "2: it ended with exit code 1"),
    ],
)  # fmt: skip
def test_what_is_not_true_is_told(tmp_path: Path, block: str, said: str) -> None:
    assert only(follow(block, tmp_path)).startswith(said)


def test_what_is_true_passes(tmp_path: Path) -> None:
    """State, files, exit codes, wildcards and what runs in the background are as in one reader's shell."""
    outcome = follow(
        """
        ```console
        $ mkdir deep && cd deep
        $ NAME=world
        $ echo "hello $NAME"
        hello w…d
        $ echo a; \\
        > echo b
        a
        b
        $ seq 9
        1
        …
        9
        $ false
        $ echo $?
        1
        ```

        ```python
        # greet.py
        print("hello")
        ```

        ```console
        $ python greet.py
        hello
        $ sleep 30 &
        $ pytest-bctrl mock --port 8787 --quiet &
        …
        $ curl -sS -o /dev/null -w '%{http_code}\\n' http://localhost:8787/v1/spaces/any/runtimes
        401
        ```

        <!-- not run: nobody has such a machine -->
        ```console
        $ launch --rocket
        ```
        """,
        tmp_path,
    )
    assert [] == outcome.problems
    assert 3 == outcome.run


def test_an_environment_of_a_readers_own_sees_what_is_installed_here(tmp_path: Path) -> None:
    outcome = follow(
        """
        ```console
        $ python3 -m venv .venv
        $ source .venv/bin/activate
        $ pip install -q 'pytest-bctrl[contract]'
        $ python -c "import pytest_bctrl, sys; print(sys.prefix)"
        /home/you/.venv
        $ .venv/bin/pytest-bctrl --version
        pytest-bctrl …
        ```
        """,
        tmp_path,
    )
    assert [] == outcome.problems


def test_a_step_of_a_workflow_is_run(tmp_path: Path) -> None:
    outcome = follow(
        """
        ```yaml
        # .github/workflows/it.yml
        jobs:
          it:
            steps:
              - uses: actions/checkout@v4
              - run: test "$BCTRL_SPACE_ID" && echo this fails && false
                env:
                  BCTRL_SPACE_ID: ${{ vars.BCTRL_SPACE_ID }}
        ```
        """,
        tmp_path,
    )
    assert "this fails" in only(outcome)


def test_a_key_of_the_readers_is_one_that_the_stand_in_knows(tmp_path: Path) -> None:
    outcome = follow(
        """
        ```console
        $ export BCTRL_API_KEY=… BCTRL_SPACE_ID=…
        $ curl -sS -H "Authorization: Bearer $BCTRL_API_KEY" -o /dev/null -w '%{http_code}\\n' \\
        > https://api.bctrl.ai/v1/spaces/$BCTRL_SPACE_ID/runtimes
        200
        ```
        """,
        tmp_path,
    )
    assert [] == outcome.problems


def test_pages_are_written_anew(tmp_path: Path) -> None:
    text = "```console\n$ echo one; \\\n> echo two\nother\n$ echo three\nthree\n```\n"
    outcome = follow(text, tmp_path)

    write(tmp_path / "page.md", outcome)

    written = "```console\n$ echo one; \\\n> echo two\none\ntwo\n$ echo three\nthree\n```\n"
    assert written == (tmp_path / "page.md").read_text("utf-8")
