"""The pre-commit hook: what it selects is what it checks. `tests/try_hook.py` has pre-commit itself run it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from identify.identify import tags_from_path

from pytest_bctrl.traffic.recordings.exchange import Recording
from pytest_bctrl.traffic.recordings.har_write import encode
from tests.recordings.test_trust import broken, listed

ROOT = Path(__file__).parents[2]


def hook() -> dict[str, Any]:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    return dict(next(hook for hook in hooks if hook["id"] == "pytest-bctrl-check"))


def selected(folder: Path) -> list[str]:
    """The files below a folder that pre-commit would hand to the hook, by the rules of its documentation."""
    types = set(hook().get("types", ["file"]))
    names = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
    chosen = [name for name in names if re.search(hook()["files"], name)]
    return [name for name in chosen if types <= tags_from_path(str(folder / name))]


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the hook's entry on what it selects, as pre-commit does."""
    program, *arguments = hook()["entry"].split()
    command = [str(Path(sys.executable).with_name(program)), *arguments, *hook().get("args", []), *selected(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def put(folder: Path, name: str, data: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def test_it_selects_recordings_wherever_they_lie_and_nothing_else(tmp_path: Path) -> None:
    recordings = ["recordings/a.har", "tests/recordings/test_x/test_y[1].har"]
    for name in (*recordings, "other/b.har", "recordings/c.json", "x.py"):
        put(tmp_path, name, b"{}")

    assert recordings == selected(tmp_path)


def test_it_selects_the_recordings_of_the_examples() -> None:
    assert 3 == len(selected(ROOT / "examples"))
    assert 0 == run(ROOT / "examples").returncode


def test_it_passes_what_conforms_and_fails_what_does_not(tmp_path: Path) -> None:
    put(tmp_path, "recordings/good.har", encode(Recording((listed(),))))
    assert (0, "1 answer checked: no findings") == ((result := run(tmp_path)).returncode, result.stdout[:29])

    put(tmp_path, "recordings/bad.har", encode(Recording((listed(broken()),))))
    result = run(tmp_path)
    assert 1 == result.returncode
    assert "recordings/bad.har: entry 1: 1 error" in result.stdout


def test_it_fails_what_was_edited(tmp_path: Path) -> None:
    put(tmp_path, "recordings/edited.har", encode(Recording((listed(),))).replace(b"active", b"actiVe"))

    result = run(tmp_path)

    assert 2 == result.returncode
    assert "recordings/edited.har: entry 1 of 1" in result.stderr
