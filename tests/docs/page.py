"""Runs the blocks of one page in order and reports every line that is not true."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.blocks import IN_A_CLONE, PARSERS, Block, Command, blocks, commands, parse, steps
from tests.docs.environment import exports
from tests.docs.internet import Internet
from tests.docs.output import agrees, printed
from tests.docs.shell import Shell

PROJECT = Path(__file__).resolve().parents[2]
_CLONED = ("contracts", "docs", "examples", "pytest_bctrl", "tests")
_PORT = "8787"
BY_A_NEWCOMER = {"README.md", "docs/tutorial.md"}
"""Followed with environments made and packages installed for real; for all others `pip` reports what is missing."""


@dataclass(slots=True)
class Outcome:
    """The result of a page: each wrong line with the reason, the number of blocks run, and the output to show."""

    problems: list[str] = field(default_factory=list)
    run: int = 0
    outputs: dict[int, list[str]] = field(default_factory=dict)
    """The actual output of each command whose output differs from the page, by line number."""


class Reader:
    """Follows a page literally, in an empty folder."""

    def __init__(
        self,
        page: Path,
        workspace: Path,
        environment: Mapping[str, str],
        outside: Internet,
        registry: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare to follow `page` in `workspace/you`; `registry` is the access to a real registry, or None."""
        self._page = page
        self._home = workspace / "you"
        self._home.mkdir()
        self._outside = outside
        self._port = _free_port()
        self._outcome = Outcome()
        text = page.read_text("utf-8")
        if registry is None and IN_A_CLONE not in text and "anyio" not in text:
            # It asks for trio, which takes longer to load than all else of a start.
            environment = {**environment, "PYTEST_ADDOPTS": f"{environment['PYTEST_ADDOPTS']} -p no:anyio"}
        self._registry = registry
        if IN_A_CLONE in text:
            clone(self._home)
            # What an editable install would do; the shared environment must not be written to.
            environment = environment if registry is not None else {**environment, "PYTHONPATH": str(self._home)}
        self._shell = Shell(self._home, {**environment, **outside.environment}, workspace)

    def follow(self) -> Outcome:
        """Run every block; stop at the first that is invalid, ends the shell or does not end."""
        page_blocks = blocks(self._page)
        with self._shell:
            for number, block in enumerate(page_blocks):
                try:
                    self._follow_block(block, page_blocks[number + 1 :])
                except (TimeoutError, EOFError, ValueError) as error:
                    self._report(block.line, str(error))
                    break
        for host in self._outside.rejected:
            self._report(1, f"a command of the page sent a request to {host}, which is not simulated")
        return self._outcome

    def _follow_block(self, block: Block, later: list[Block]) -> None:
        """Run or save a block, as its kind and first line say; an excused one is only parsed."""
        kind = block.kind
        if block.excuse:
            parse(block)
        elif kind == "console":
            self._outcome.run += 1
            typed_commands = commands(block)
            for command, following in zip(typed_commands, [*typed_commands[1:], None], strict=True):
                self._run_command(command, following)
        elif kind == "bash":
            self._outcome.run += 1
            self._run_command(Command(block.text.rstrip("\n"), ("…",), block.line), None)
        elif block.file is not None and kind in PARSERS:
            self._save(block, block.file, later)
        elif kind == "python":
            self._python(block)
        elif not kind.startswith("{"):
            self._report(
                block.line,
                f"a block of kind {kind!r} is neither run nor saved: use console, bash or python, name a file in its "
                "first line (# pytest.ini), or put <!-- not run: REASON --> before it",
            )

    def _run_command(self, command: Command, following: Command | None) -> None:
        """Run a command; report other output than the page shows, and a failure that the page does not mention."""

        def actual_lines(text: str) -> list[str]:
            """Return the lines of the output as the page shows them, with its port."""
            return printed(text.replace(str(self._port), _PORT), self._home)

        local_command = self._with_local_values(command.text)
        code, text = self._run(local_command, lambda text: agrees(command.shown, actual_lines(text)))
        actual = actual_lines(text)
        if not agrees(command.shown, actual):
            self._outcome.outputs[command.line] = actual
            self._report(command.line, "it prints\n" + "\n".join(f"    {line}" for line in actual))
        is_shown = following is not None and following.text.startswith("echo $?")
        if code and not is_shown:
            self._report(command.line, f"it ended with exit code {code}, and the page does not say so (echo $?)")

    def _run(self, command: str, is_expected: Callable[[str], bool] = bool) -> tuple[int, str]:
        """Run a command with the simulated Internet; a real installation uses the real network."""
        if self._registry is None or "pip install" not in command:
            return self._shell.run(command, is_expected)
        self._shell.aside(exports({**dict.fromkeys(self._outside.environment, ""), **self._registry}))
        done = self._shell.run(command)
        self._shell.aside(exports(self._outside.environment))
        return done

    def _with_local_values(self, text: str) -> str:
        """Return a command with the values of the simulation in place of the reader's own."""
        text = text.replace(_PORT, str(self._port))
        api = self._outside.api
        values = {"BCTRL_API_KEY": api.api_key, "BCTRL_SPACE_ID": api.space_id, "--bctrl-space-id": api.space_id}
        for name, value in values.items():
            text = text.replace(f"{name}=…", f"{name}={value}")
        return text

    def _save(self, block: Block, name: str, later: list[Block]) -> None:
        """Save a block as a file, run the steps of a CI definition, and report a test file that is not run later."""
        parse(block)
        self._outcome.run += 1
        path = self._shell.folder() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text.replace(_PORT, str(self._port)), "utf-8")
        if re.fullmatch(r"test_\w+\.py", path.name) and not any(_runs_pytest(later_block) for later_block in later):
            self._report(block.line, f"no later block runs pytest on {name}")
        api = self._outside.api
        secrets = {"BCTRL_API_KEY": api.api_key, "BCTRL_SPACE_ID": api.space_id}
        for command in steps(block, name, secrets):
            # A repository has a copy of the kit, for which the clone beside it stands in.
            code, text = self._run(command.replace("./.pytest-bctrl", "../pytest-bctrl"))
            if code:
                self._report(block.line, f"a step of {name} ended with exit code {code}:\n{command}\n{text}")

    def _python(self, block: Block) -> None:
        """Run a Python block, with pytest if it has a test; report a failure."""
        self._outcome.run += 1
        name = f"test_line_{block.line}.py"
        path = self._shell.folder() / name
        path.write_text(block.text.replace(_PORT, str(self._port)), "utf-8")
        is_test = re.search(r"^(async )?def test_", block.text, re.MULTILINE) is not None
        # A recorded test has no recording yet: it is recorded from the mock.
        pytest = "pytest -q --strict-markers -W error -p no:cacheprovider --bctrl-record-mode=once"
        code, text = self._shell.run(f"{pytest} {name}" if is_test else f"python {name}")
        path.unlink()
        if code:
            self._report(block.line, f"it ended with exit code {code}:\n{text}")

    def _report(self, line: int, problem: str) -> None:
        """Add a problem of a line of the page to the outcome."""
        page = self._page.relative_to(PROJECT) if self._page.is_relative_to(PROJECT) else self._page
        self._outcome.problems.append(f"{page}:{line}: {problem}")


def pages() -> Iterator[Path]:
    """Yield every page that can be run."""
    for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "examples/README.md"):
        yield PROJECT / name
    yield from sorted((PROJECT / "docs").rglob("*.md"))


def _runs_pytest(block: Block) -> bool:
    """Return whether a block of commands runs pytest."""
    return block.kind in ("console", "bash") and re.search(r"\bpytest\b(?!-)", block.text) is not None


def clone(home: Path) -> None:
    """Copy what an installation of this project needs, and what its pages use."""
    for name in _CLONED:
        shutil.copytree(PROJECT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in PROJECT.iterdir():
        # In a worktree, `.git` is a file that names the repository.
        if path.is_file() and path.name != ".git":
            shutil.copy(path, home / path.name)


def _free_port() -> int:
    """Return a port that is free at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
