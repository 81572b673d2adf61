"""How long the drift gate takes, as whole processes: against reading YAML, against other differs, and with size.

    python -m benchmarks.drift [--rounds 9] [--sizes 10 100 1000] [--differs-python PYTHON] [--optic PATH]

The gate is run as it is installed, in a new environment, which takes packages from the registry. Other differs are run
where they are found: `specshift`, `jev-oas-sentinel` and `api-schema-diff` in the environment that `--differs-python`
names, `optic` where Node has it. Everything is timed in turns, in the same run; ratios count, and those of processor
time are the steadier ones.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
VENDORED = ROOT / "contracts" / "runtimes.openapi.yaml"
_READ = "import sys, yaml; yaml.load(open(sys.argv[1]), Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader))"
_READ_PLAIN = "import sys, yaml; yaml.safe_load(open(sys.argv[1]))"


def page(text: str) -> str:
    """A documentation page around the spec."""
    return f"# List Runtimes\n\n```yaml\n{text}```\n"


def generated(operations: int, changed: bool = False) -> str:
    """A spec with so many operations, each with a schema of its own of the published shape, as JSON."""
    import yaml

    published = yaml.safe_load(VENDORED.read_text("utf-8"))
    (item,) = published["paths"].values()
    whole = {**published, "paths": {}, "components": {**published["components"], "schemas": {}}}
    for number in range(operations):
        schemas = json.dumps(published["components"]["schemas"])
        text = json.dumps(item)
        for name in published["components"]["schemas"]:
            schemas = schemas.replace(f'"{name}"', f'"N{number}{name}"').replace(f'/{name}"', f'/N{number}{name}"')
            text = text.replace(f'/{name}"', f'/N{number}{name}"')
        whole["paths"][f"/v1/spaces/{{id}}/things{number}"] = json.loads(text.replace("runtimes-list", f"list{number}"))
        whole["components"]["schemas"].update(json.loads(schemas))
    made = json.dumps(whole)
    return made.replace('"failed"', '"failed", "paused"') if changed else made


class Turns(NamedTuple):
    """What one command took, turn by turn: processor seconds (user and system) and wall seconds; its exit code."""

    cpu: list[float]
    wall: list[float]
    code: int


def in_turn(commands: dict[str, list[str]], rounds: int, cwd: Path) -> dict[str, Turns]:
    """Run every command once to warm up, then `rounds` times in turn, each of them to its end."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    found = {name: Turns([], [], 0) for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            spent, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            code = subprocess.run(command, capture_output=True, cwd=cwd, env=environment, check=False).returncode
            wall, now = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
            if turn:
                found[name].cpu.append(now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime)
                found[name].wall.append(wall)
                found[name] = found[name]._replace(code=code)
    return found


def show(results: dict[str, Turns], against: str) -> None:
    """Print medians, and the median of the ratios turn by turn: a slow minute is slow for both."""
    print(f"  {'':34} {'processor':>12} {'ratio':>8} {'wall':>12} {'ratio':>8}")
    for name, turns in sorted(results.items(), key=lambda entry: statistics.median(entry[1].cpu)):
        cells = []
        for ours, theirs in ((turns.cpu, results[against].cpu), (turns.wall, results[against].wall)):
            ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
            cells.append(f"{statistics.median(ours) * 1000:9.1f} ms {ratio:6.2f} x")
        print(f"  {name:34} {cells[0]} {cells[1]}   exit {turns.code}")


def installed(folder: Path) -> str:
    """The Python of a new environment with this project in it, as a user installs it."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(next(path for path in (folder / "bin/python", folder / "Scripts/python.exe") if path.exists()))
    subprocess.run([python, "-m", "pip", "install", "-q", str(ROOT)], check=True)
    return python


def gate(python: str, *arguments: object) -> list[str]:
    """The command that runs the gate."""
    return [python, "-m", "pytest_bctrl", "drift", *map(str, arguments)]


def against_reading(python: str, folder: Path, rounds: int) -> None:
    """The published page without drift, and with some, against reading the same spec."""
    text = VENDORED.read_text("utf-8")
    (folder / "same.md").write_text(page(text), "utf-8")
    (folder / "changed.md").write_text(page(text.replace("- failed", "- failed\n        - paused")), "utf-8")
    print("On the published page, against reading its spec with PyYAML (the goal: at most 3 x the C loader):")
    commands = {
        "read, C loader": [python, "-c", _READ, str(VENDORED)],
        "read, yaml.safe_load": [python, "-c", _READ_PLAIN, str(VENDORED)],
        "drift, nothing found": gate(python, "same.md"),
        "drift, one finding": gate(python, "changed.md"),
    }
    show(in_turn(commands, rounds, folder), "read, C loader")


def with_size(python: str, folder: Path, sizes: list[int], rounds: int) -> None:
    """Growth with the number of operations: what an operation takes should not rise."""
    print("Growth (JSON; one change in every operation, and none; less the time of a start):")
    commands = {"start": gate(python, "--help")}
    for size in sizes:
        old, new, copy = (folder / f"{name}{size}.json" for name in ("old", "new", "copy"))
        old.write_text(generated(size), "utf-8")
        new.write_text(generated(size, changed=True), "utf-8")
        copy.write_text(generated(size) + " ", "utf-8")  # not the same to the letter, so that it is read as well
        report = ("--format", "json", "--output", folder / "out.json")
        commands[f"{size} operations, changed"] = gate(python, new, "--base", old, *report)
        commands[f"{size} operations, same"] = gate(python, copy, "--base", old, *report)
    results = in_turn(commands, rounds, folder)
    start = statistics.median(results.pop("start").cpu)
    each = {name: (statistics.median(turns.cpu) - start) / int(name.split()[0]) for name, turns in results.items()}
    for name, seconds in each.items():
        cpu = statistics.median(results[name].cpu)
        print(f"  {name:34} {cpu * 1000:9.1f} ms   {seconds * 1000:8.3f} ms an operation")
    for kind in ("changed", "same"):
        first, last = (each[f"{size} operations, {kind}"] for size in (sizes[0], sizes[-1]))
        print(f"  an operation, {kind}: with {sizes[-1]} it takes {last / first:.2f} x what it takes with {sizes[0]}")


def differs(folder: Path, python: str | None, optic: str | None) -> dict[str, list[str]]:
    """The commands of the other differs that are there."""
    old, new = str(folder / "old.json"), str(folder / "new.json")
    found: dict[str, list[str]] = {}
    bin_ = Path(python).parent if python else None
    arguments = {
        "specshift": ["diff", old, new],
        "jev-oas-sentinel": ["compare", "--base", old, "--head", new, "--no-jev"],
        "api-schema-diff": [old, new],
    }
    for name, given in arguments.items():
        program = shutil.which(name, path=str(bin_)) if bin_ else shutil.which(name)
        if program:
            found[name] = [program, *given]
    program = (str(Path(optic).resolve()) if optic else None) or shutil.which("optic")
    if program:
        found["optic"] = [program, "diff", old, new, "--check"]
    return found


def against_others(ours: str, folder: Path, python: str | None, optic: str | None, rounds: int) -> None:
    """The same pair for every differ, in the same run."""
    (folder / "old.json").write_text(generated(1), "utf-8")
    (folder / "new.json").write_text(generated(1, changed=True), "utf-8")
    commands = {"pytest-bctrl drift": gate(ours, "new.json", "--base", "old.json")}
    commands |= differs(folder, python, optic)
    print("Against other differs, a value added to a response enum:")
    show(in_turn(commands, rounds, folder), "pytest-bctrl drift")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--python", help="the Python of an environment that has pytest-bctrl; default: a new one")
    parser.add_argument("--differs-python", help="the Python of an environment that has the other differs")
    parser.add_argument("--optic", help="the path of optic")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = arguments.python or installed(folder / "environment")
        against_reading(python, folder, arguments.rounds)
        with_size(python, folder, arguments.sizes, max(3, arguments.rounds // 3))
        against_others(python, folder, arguments.differs_python, arguments.optic, arguments.rounds)


if __name__ == "__main__":
    main()
