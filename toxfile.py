"""The tox plugin of this project: it decides which environments are skipped, and reports them at the end of a run.

An environment that names a Python is skipped if that Python is not installed. Every other environment runs on the
Python that runs tox, so it is never skipped; it fails if it cannot be set up. tox's own `skip_missing_interpreters`
skips any environment that cannot be created, for any reason.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from tox.plugin import impl
from tox.tox_env.errors import Skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from tox.config.cli.parser import ToxParser
    from tox.session.state import State
    from tox.tox_env.python.api import Python

MAIN = "all"
"""The environment that runs the main tests, on the Python that runs tox."""

UNSUPPORTED = """\
tox runs on Python {running}, and the tests need Python {oldest} or newer. Install one and repeat the command with it:
    python3.13 -m venv --clear .venv && .venv/bin/pip install -q tox-uv && .venv/bin/tox -p 2"""


@impl(trylast=True)
def tox_add_option(parser: ToxParser) -> None:
    """Wrap the commands that run environments. `trylast`, because they must be registered already."""
    for command in ("legacy", "run", "r", "run-parallel", "p"):
        options, handler = parser.handlers[command]
        parser.handlers[command] = options, functools.partial(_run, handler)


def _run(handler: Callable[[State], int], state: State) -> int:
    """Run the selected environments, then report which were skipped, and why."""
    oldest = _oldest_python(Path(state.conf.core["tox_root"]))
    if sys.version_info < oldest:
        print(UNSUPPORTED.format(running=_dotted(sys.version_info[:2]), oldest=_dotted(oldest)), file=sys.stderr)
        return 1
    environments = list(state.envs.iter())
    started: list[str] = []
    skipped: dict[str, str] = {}
    for name in environments:
        environment = state.envs[name]
        environment.setup = functools.partial(  # type: ignore[method-assign]
            _set_up, environment, environment.setup, MAIN in environments, started, skipped
        )
    exit_code = handler(state)
    if started:
        _report_skips(environments, skipped)
    return exit_code


def _set_up(
    environment: Python, set_up: Callable[[], None], is_main_selected: bool, started: list[str], skipped: dict[str, str]
) -> None:
    """Set an environment up, unless there is a reason to skip it."""
    name = environment.conf.name
    started.append(name)
    reason = _reason_to_skip(environment, is_main_selected)
    if reason is None:
        set_up()
        return
    skipped[name] = reason
    raise Skip(reason)


def _reason_to_skip(environment: Python, is_main_selected: bool) -> str | None:
    """Return why an environment cannot or need not run, or `None` if it runs."""
    base_python = environment.conf["base_python"]
    if base_python == environment.conf["default_base_python"]:
        return None
    info = environment.base_python
    version = info.version_dot + ("t" if info.free_threaded else "")
    is_free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED") == 1
    is_running_python = (info.version_info[:2], info.free_threaded) == (sys.version_info[:2], is_free_threaded)
    if is_main_selected and is_running_python and environment.conf.name.startswith("py3"):
        return f"{MAIN} runs these tests on Python {version}"
    variables = environment.environment_variables
    if variables["UV_PYTHON_DOWNLOADS"] == "never" and not _is_installed(environment, variables):
        return f"Python {version} is not installed"
    return None


def _is_installed(environment: Python, variables: dict[str, str]) -> bool:
    """Return whether uv finds a working interpreter for an environment."""
    command = [environment.uv, "python", "find", "--no-project", "--python-preference", "system"]
    command.append(environment.env_version_spec())
    return subprocess.run(command, env=variables, capture_output=True, check=False).returncode == 0


def _report_skips(environments: list[str], skipped: dict[str, str]) -> None:
    """Print a line per skipped environment, and their number."""
    for name in environments:
        if name in skipped:
            print(f"  {name} skipped: {skipped[name]}")
    names = ", ".join(name for name in environments if name in skipped)
    print(f"  skipped {len(skipped)} of {len(environments)} environments" + (f": {names}" if skipped else ""))


def _oldest_python(root: Path) -> tuple[int, ...]:
    """Return the oldest version of Python that pyproject.toml allows."""
    pyproject = (root / "pyproject.toml").read_text(encoding="utf-8")
    match = re.search(r'^requires-python = ">=(\d+)\.(\d+)"$', pyproject, re.MULTILINE)
    if match is None:
        raise RuntimeError('pyproject.toml has no line like requires-python = ">=3.11"')
    return tuple(int(number) for number in match.groups())


def _dotted(version: tuple[int, ...]) -> str:
    """Return a version as text, such as `3.11`."""
    return ".".join(map(str, version))
