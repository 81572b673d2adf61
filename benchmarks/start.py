"""What the plugin costs a project that has it installed and does not use it.

`python -m benchmarks.start [--runs N]` makes three virtual environments, which takes packages from the registry: one
holds the plugin's base install, one its dependencies, one pytest. Each runs one trivial test, the first also with the
plugin blocked: the same environment, and bare pytest.

Blocking a plugin does not undo that its distribution is installed: pytest looks for each file that any distribution
with a plugin lists. The environment without it shows what that takes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.turns import in_turn, ratio

PROJECT = Path(__file__).resolve().parent.parent
DEPENDENCIES = ("httptools", "httpx", "jsonschema-rs", "pytest", "PyYAML")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40, help="turns that count (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_trivial.py").write_text("def test_trivial():\n    pass\n")
        with_plugin = _environment(folder / "with", [*DEPENDENCIES, str(PROJECT)])
        without = _environment(folder / "without", [*DEPENDENCIES])
        alone = _environment(folder / "alone", ["pytest"])
        arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_trivial.py"]
        seconds = in_turn(
            {
                "plugin installed, unused": [with_plugin, *arguments],
                "plugin blocked": [with_plugin, *arguments, "-p", "no:bctrl"],
                "its dependencies alone": [without, *arguments],
                "pytest alone": [alone, *arguments],
            },
            folder,
            options.runs,
        )
    print(ratio(seconds, "plugin installed, unused", "plugin blocked"))
    print(ratio(seconds, "plugin installed, unused", "its dependencies alone"))
    print(ratio(seconds, "plugin installed, unused", "pytest alone"))
    print(ratio(seconds, "its dependencies alone", "pytest alone"))


def _environment(folder: Path, packages: list[str]) -> str:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(next(path for path in (folder / "bin/python", folder / "Scripts/python.exe") if path.exists()))
    subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
    return python


if __name__ == "__main__":
    main()
