"""Runs of pytest with a random key, in every way of showing, capturing, distributing and reporting."""

from __future__ import annotations

import os
import random
import shutil
import string
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.redaction.echoing_server import ECHOES, serve_echoes
from tests.redaction.fragments import read_outputs
from tests.variants.runtimes import SPACE_ID

DISPLAYS = {
    "plain": ([], {}),
    "colour": (["--color=yes"], {"FORCE_COLOR": "1"}),
    "verbose": (["-vv", "-l", "--tb=long", "--log-cli-level=DEBUG"], {}),
    "narrow": (["-rA"], {"COLUMNS": "40"}),
}
CAPTURES = ("fd", "sys", "tee-sys", "no")
DISTRIBUTIONS = {"none": [], "xdist": ["-n", "2"]}
FILE_REPORTERS = {
    "junit": (None, ["--junitxml=out/junit.xml", "-o", "junit_logging=all", "--log-file=out/log.txt"]),
    "own": (None, [f"--bctrl-report=out/own.{suffix}" for suffix in ("html", "json", "md", "sarif", "xml")]),
    "json-report": (
        "pytest_jsonreport",
        ["-p", "pytest_jsonreport", "--json-report", "--json-report-file=out/report.json"],
    ),
    "allure": ("allure_pytest", ["-p", "allure_pytest", "--alluredir=out/allure"]),
    "html": ("pytest_html", ["-p", "metadata", "-p", "html", "--html=out/report.html"]),
    "reportlog": ("pytest_reportlog", ["-p", "pytest_reportlog", "--report-log=out/reportlog.json"]),
}
REPORTERS = {
    name: arguments
    for name, (module, arguments) in FILE_REPORTERS.items()
    if module is None or find_spec(module) is not None
}
"""The installed reporters with their options. They name each plugin, since these runs load none automatically."""

Row = dict[str, str]
"""The choice of each axis: what shows the key, and how."""


@dataclass(frozen=True)
class Run:
    """A finished run: its exit code, and each file and stream that it wrote."""

    exit_code: int
    outputs: dict[str, bytes]

    def __str__(self) -> str:
        streams = (self.outputs[name].decode("utf-8", "replace") for name in ("stdout", "stderr"))
        return "\n".join(streams)


def random_key(seed: object) -> str:
    """Return 30 characters that look like a key, the same for the same seed."""
    return "".join(random.Random(str(seed)).choices(string.ascii_letters + string.digits, k=30))


def run_with_key(folder: Path, key: str, row: Row, python: list[str]) -> Run:
    """Run the contract suite and a project that leaks, against a server that repeats credentials."""
    arguments, environment = _options(row)
    (folder / "out").mkdir()
    shutil.copy(Path(__file__).with_name("leaking_project.py"), folder / "test_leaks.py")
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [*python, "-m", "pytest", "--bctrl-live", "bctrl", "test_leaks.py", *arguments]
    with serve_echoes(key, ECHOES, is_faulty=row["server"] == "faulty") as server:
        settings = {"BCTRL_API_KEY": key, "BCTRL_BASE_URL": server.url, "BCTRL_SPACE_ID": SPACE_ID}
        completed = subprocess.run(
            command, cwd=folder, env=_clean_environment() | settings | environment, capture_output=True, timeout=120
        )
    (folder / "test_leaks.py").unlink()
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    # Node ids are never changed, so the cache holds that of a test that is parametrized with the key.
    shutil.rmtree(folder / ".pytest_cache", ignore_errors=True)
    streams = {"stdout": completed.stdout, "stderr": completed.stderr}
    return Run(completed.returncode, read_outputs(folder, streams))


def _options(row: Row) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the variables of pytest for a row of choices."""
    display, environment = DISPLAYS[row["display"]]
    arguments = ["-p", "bctrl", "-p", "xdist", "--tb=short", *display]
    arguments += [
        *DISTRIBUTIONS[row["distribution"]],
        f"--capture={row['capture']}",
        *(option for options in REPORTERS.values() for option in options),
    ]
    return arguments, {
        "CAPTURE": row["capture"],
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": "",
        **environment,
    }


def _clean_environment() -> dict[str, str]:
    """Return the environment without variables that change the output of pytest."""
    unwanted = ("PYTEST", "BCTRL_", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "COLUMNS", "GITHUB_", "TEAMCITY", "CI")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
