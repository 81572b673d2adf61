"""Measures what the plugin costs a project in which it is installed and not used.

`python -m benchmarks.start [--runs N]` creates three virtual environments with packages from the registry: the plugin,
only its dependencies, and only pytest. Each runs one trivial test, the first also with the plugin or that of
Schemathesis blocked.

A blocked plugin still has a cost: pytest looks up every file of each installed distribution that has a plugin. The
environment with only the dependencies shows how large it is.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from benchmarks.timing import ratio_line, time_commands

PROJECT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure the starts, and print their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40, help="measured rounds (default: %(default)s)")
    options = parser.parse_args()
    requirements = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_trivial.py").write_text("def test_trivial():\n    pass\n")
        with_plugin = _environment(folder / "plugin", [*requirements, str(PROJECT)])
        dependencies = _environment(folder / "dependencies", requirements)
        only_pytest = _environment(folder / "pytest", ["pytest"])
        arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_trivial.py"]
        seconds = time_commands(
            {
                "plugin installed, unused": [with_plugin, *arguments],
                "plugin blocked": [with_plugin, *arguments, "-p", "no:bctrl"],
                "Schemathesis blocked": [with_plugin, *arguments, "-p", "no:schemathesis"],
                "its dependencies alone": [dependencies, *arguments],
                "pytest alone": [only_pytest, *arguments],
            },
            folder,
            options.runs,
        )
    print(ratio_line(seconds, "plugin installed, unused", "plugin blocked"))
    print(ratio_line(seconds, "plugin installed, unused", "Schemathesis blocked"))
    print(ratio_line(seconds, "plugin installed, unused", "its dependencies alone"))
    print(ratio_line(seconds, "plugin installed, unused", "pytest alone"))
    print(ratio_line(seconds, "its dependencies alone", "pytest alone"))


def _environment(folder: Path, packages: list[str]) -> str:
    """Create a virtual environment with the packages, and return the path of its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(next(path for path in (folder / "bin/python", folder / "Scripts/python.exe") if path.exists()))
    subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
    return python


if __name__ == "__main__":
    main()
