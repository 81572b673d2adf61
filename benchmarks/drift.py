"""How long the drift gate takes, as whole processes: against reading YAML, against other differs, and with size.

    python benchmarks/drift.py [--rounds 9] [--differs] [--sizes 10 100 1000]

Other differs are run where they are found: `specshift`, `jev-oas-sentinel` and `api-schema-diff` in the environment
that `--differs-python` names, `optic` where Node has it. Everything is timed in turns, in the same run; ratios count.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def timed(commands: dict[str, list[str]], rounds: int, cwd: Path) -> dict[str, tuple[float, int]]:
    """The median seconds of each command, run in turns, and its last exit code."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    codes: dict[str, int] = {}
    for _ in range(rounds):
        for name, command in commands.items():
            start = time.perf_counter()
            codes[name] = subprocess.run(command, capture_output=True, cwd=cwd, check=False).returncode
            seconds[name].append(time.perf_counter() - start)
    return {name: (statistics.median(values), codes[name]) for name, values in seconds.items()}


def show(results: dict[str, tuple[float, int]], against: str) -> None:
    """Print medians and ratios."""
    for name, (median, code) in sorted(results.items(), key=lambda entry: entry[1][0]):
        print(f"  {name:34} {median * 1000:9.1f} ms   {median / results[against][0]:6.2f} x   exit {code}")


def gate(*arguments: object) -> list[str]:
    """The command that runs the gate."""
    return [sys.executable, "-m", "pytest_bctrl", "drift", *map(str, arguments)]


def against_reading(folder: Path, rounds: int) -> None:
    """The published page without drift, and with some, against reading the same spec."""
    text = VENDORED.read_text("utf-8")
    (folder / "same.md").write_text(page(text), "utf-8")
    (folder / "changed.md").write_text(page(text.replace("- failed", "- failed\n        - paused")), "utf-8")
    print("On the published page, against reading its spec with PyYAML (C loader where there):")
    commands = {
        "read, C loader": [sys.executable, "-c", _READ, str(VENDORED)],
        "read, yaml.safe_load": [sys.executable, "-c", _READ_PLAIN, str(VENDORED)],
        "drift, nothing found": gate(folder / "same.md", "--base", VENDORED),
        "drift, one finding": gate(folder / "changed.md", "--base", VENDORED),
    }
    show(timed(commands, rounds, ROOT), "read, C loader")


def with_size(folder: Path, sizes: list[int], rounds: int) -> None:
    """Growth with the number of operations: seconds an operation should not rise."""
    print("Growth (JSON, one change in every operation; and nothing changed):")
    commands = {}
    for size in sizes:
        old, new = folder / f"old{size}.json", folder / f"new{size}.json"
        old.write_text(generated(size), "utf-8")
        new.write_text(generated(size, changed=True), "utf-8")
        copy = folder / f"same{size}.json"
        copy.write_text(generated(size), "utf-8")
        commands[f"{size} operations, changed"] = gate(
            new, "--base", old, "--format", "json", "--output", folder / "out.json"
        )
        commands[f"{size} operations, same"] = gate(copy, "--base", old)
    start = timed({"start": gate("--help")}, rounds, ROOT)["start"][0]
    for name, (median, _) in timed(commands, rounds, ROOT).items():
        size = int(name.split()[0])
        print(f"  {name:34} {median * 1000:9.1f} ms   {(median - start) / size * 1000:8.3f} ms an operation")


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
    program = optic or shutil.which("optic")
    if program:
        found["optic"] = [program, "diff", old, new, "--check"]
    return found


def against_others(folder: Path, python: str | None, optic: str | None, rounds: int) -> None:
    """The same pair for every differ, in the same run."""
    (folder / "old.json").write_text(generated(1), "utf-8")
    (folder / "new.json").write_text(generated(1, changed=True), "utf-8")
    commands = {"pytest-bctrl drift": gate(folder / "new.json", "--base", folder / "old.json")}
    commands |= differs(folder, python, optic)
    print("Against other differs, a value added to a response enum:")
    show(timed(commands, rounds, folder), "pytest-bctrl drift")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--differs-python", help="the Python of an environment that has the other differs")
    parser.add_argument("--optic", help="the path of optic")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        against_reading(folder, arguments.rounds)
        with_size(folder, arguments.sizes, max(3, arguments.rounds // 3))
        against_others(folder, arguments.differs_python, arguments.optic, arguments.rounds)


if __name__ == "__main__":
    main()
