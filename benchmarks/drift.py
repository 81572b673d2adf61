"""Measures the drift gate as a complete process: against reading YAML, against other differs, and by document size.

    python -m benchmarks.drift [--rounds 9] [--sizes 10 100 1000] [--differs-python PYTHON] [--optic PATH]

The gate is installed into a new virtual environment, with packages from the registry. Other differs are measured if
they are installed: `specshift`, `jev-oas-sentinel` and `api-schema-diff` in the environment that `--differs-python`
names, `optic` as `--optic` or on the path. All commands run in alternating rounds. Compare the ratios; those of
processor time vary less than those of wall time.
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
    """Return a documentation page that contains the spec."""
    return f"# List Runtimes\n\n```yaml\n{text}```\n"


def generated(operations: int, changed: bool = False) -> str:
    """Return a spec as JSON in which each operation has its own copy of the published schemas.

    With `changed`, the enum of each copy has a further value.
    """
    import yaml

    published = yaml.safe_load(VENDORED.read_text("utf-8"))
    (item,) = published["paths"].values()
    document = {**published, "paths": {}, "components": {**published["components"], "schemas": {}}}
    for number in range(operations):
        schemas = json.dumps(published["components"]["schemas"])
        text = json.dumps(item)
        for name in published["components"]["schemas"]:
            schemas = schemas.replace(f'"{name}"', f'"N{number}{name}"').replace(f'/{name}"', f'/N{number}{name}"')
            text = text.replace(f'/{name}"', f'/N{number}{name}"')
        document["paths"][f"/v1/spaces/{{id}}/things{number}"] = json.loads(
            text.replace("runtimes-list", f"list{number}")
        )
        document["components"]["schemas"].update(json.loads(schemas))
    text = json.dumps(document)
    if changed:
        text = text.replace('"failed"', '"failed", "paused"')
    return text


class Times(NamedTuple):
    """The processor seconds (user and system) and wall seconds of a command per round, and its last exit code."""

    cpu: list[float]
    wall: list[float]
    code: int


def time_commands(commands: dict[str, list[str]], rounds: int, cwd: Path) -> dict[str, Times]:
    """Run every command once to warm up, then all of them once per round, and return the times by name."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = {name: Times([], [], 0) for name in commands}
    for round_number in range(rounds + 1):
        for name, command in commands.items():
            usage_before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            code = subprocess.run(command, capture_output=True, cwd=cwd, env=environment, check=False).returncode
            wall, usage = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            if round_number:
                cpu = usage.ru_utime + usage.ru_stime - usage_before.ru_utime - usage_before.ru_stime
                times[name].cpu.append(cpu)
                times[name].wall.append(wall)
                times[name] = times[name]._replace(code=code)
    return times


def show(results: dict[str, Times], reference: str) -> None:
    """Print the median times of each command, and the median of its ratios to the reference per round.

    A slow minute affects both parts of a ratio.
    """
    print(f"  {'':34} {'processor':>12} {'ratio':>8} {'wall':>12} {'ratio':>8}")
    for name in sorted(results, key=lambda name: statistics.median(results[name].cpu)):
        times, reference_times = results[name], results[reference]
        cpu = _cell(times.cpu, reference_times.cpu)
        wall = _cell(times.wall, reference_times.wall)
        print(f"  {name:34} {cpu} {wall}   exit {times.code}")


def _cell(seconds: list[float], reference_seconds: list[float]) -> str:
    """Return the median time and the median ratio to the reference as a cell of the table."""
    ratios = [value / reference for value, reference in zip(seconds, reference_seconds, strict=True)]
    return f"{statistics.median(seconds) * 1000:9.1f} ms {statistics.median(ratios):6.2f} x"


def installed(folder: Path) -> str:
    """Install this project into a new virtual environment, as a user would, and return the path of its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(next(path for path in (folder / "bin/python", folder / "Scripts/python.exe") if path.exists()))
    subprocess.run([python, "-m", "pip", "install", "-q", str(ROOT)], check=True)
    return python


def gate(python: str, *arguments: object) -> list[str]:
    """Return the command that runs the gate with the arguments."""
    return [python, "-m", "pytest_bctrl", "drift", *map(str, arguments)]


def compare_with_reading(python: str, folder: Path, rounds: int) -> None:
    """Measure the gate on the published page, unchanged and changed, against reading the same spec."""
    text = VENDORED.read_text("utf-8")
    (folder / "same.md").write_text(page(text), "utf-8")
    (folder / "changed.md").write_text(page(text.replace("- failed", "- failed\n        - paused")), "utf-8")
    print("Published page, compared with reading its spec with PyYAML (goal: at most 3 x the C loader):")
    commands = {
        "read, C loader": [python, "-c", _READ, str(VENDORED)],
        "read, yaml.safe_load": [python, "-c", _READ_PLAIN, str(VENDORED)],
        "drift, no finding": gate(python, "same.md"),
        "drift, one finding": gate(python, "changed.md"),
    }
    show(time_commands(commands, rounds, folder), "read, C loader")


def measure_growth(python: str, folder: Path, sizes: list[int], rounds: int) -> None:
    """Measure documents of several sizes: the time per operation should not rise."""
    print("Growth (JSON; one change per operation, and none; without the time of the start):")
    commands = {"start": gate(python, "--help")}
    for size in sizes:
        old, new, copy = (folder / f"{name}{size}.json" for name in ("old", "new", "copy"))
        old.write_text(generated(size), "utf-8")
        new.write_text(generated(size, changed=True), "utf-8")
        copy.write_text(generated(size) + " ", "utf-8")  # not byte for byte the same, so that it is parsed too
        report = ("--format", "json", "--output", folder / "out.json")
        commands[f"{size} operations, changed"] = gate(python, new, "--base", old, *report)
        commands[f"{size} operations, same"] = gate(python, copy, "--base", old, *report)
    results = time_commands(commands, rounds, folder)
    start = statistics.median(results.pop("start").cpu)
    per_operation = {
        name: (statistics.median(times.cpu) - start) / int(name.split()[0]) for name, times in results.items()
    }
    for name, seconds in per_operation.items():
        cpu = statistics.median(results[name].cpu)
        print(f"  {name:34} {cpu * 1000:9.1f} ms   {seconds * 1000:8.3f} ms per operation")
    for kind in ("changed", "same"):
        first, last = (per_operation[f"{size} operations, {kind}"] for size in (sizes[0], sizes[-1]))
        print(f"  time per operation, {kind}: {last / first:.2f} x from {sizes[0]} to {sizes[-1]} operations")


def differs(folder: Path, python: str | None, optic: str | None) -> dict[str, list[str]]:
    """Return the commands of the other differs that are installed, by name."""
    old, new = str(folder / "old.json"), str(folder / "new.json")
    commands: dict[str, list[str]] = {}
    search_path = str(Path(python).parent) if python else None
    arguments = {
        "specshift": ["diff", old, new],
        "jev-oas-sentinel": ["compare", "--base", old, "--head", new, "--no-jev"],
        "api-schema-diff": [old, new],
    }
    for name, options in arguments.items():
        program = shutil.which(name, path=search_path)
        if program:
            commands[name] = [program, *options]
    program = optic or shutil.which("optic")
    if program:
        commands["optic"] = [program, "diff", old, new, "--check"]
    return commands


def compare_with_differs(ours: str, folder: Path, python: str | None, optic: str | None, rounds: int) -> None:
    """Measure all differs on the same pair of documents."""
    (folder / "old.json").write_text(generated(1), "utf-8")
    (folder / "new.json").write_text(generated(1, changed=True), "utf-8")
    commands = {"pytest-bctrl drift": gate(ours, "new.json", "--base", "old.json")}
    commands |= differs(folder, python, optic)
    print("Compared with other differs, a value added to a response enum:")
    show(time_commands(commands, rounds, folder), "pytest-bctrl drift")


def _absolute_path(text: str) -> str:
    """Return an absolute path, because the commands run in another folder; links, such as those of venvs, are kept."""
    return str(Path(text).absolute())


def main() -> None:
    """Run the comparisons and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument(
        "--python",
        type=_absolute_path,
        help="path of the Python of an environment with pytest-bctrl (default: a new environment)",
    )
    parser.add_argument(
        "--differs-python", type=_absolute_path, help="path of the Python of an environment with the other differs"
    )
    parser.add_argument("--optic", type=_absolute_path, help="path of optic")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = arguments.python or installed(folder / "environment")
        compare_with_reading(python, folder, arguments.rounds)
        measure_growth(python, folder, arguments.sizes, max(3, arguments.rounds // 3))
        compare_with_differs(python, folder, arguments.differs_python, arguments.optic, arguments.rounds)


if __name__ == "__main__":
    main()
