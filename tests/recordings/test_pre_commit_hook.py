"""The files that the pre-commit hook selects, and its result for them; `tests/try_hook.py` runs pre-commit itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from identify.identify import tags_from_path

from pytest_bctrl.traffic.recordings.har_write import Recording, encode
from tests.recordings.test_trust import broken, listed

ROOT = Path(__file__).parents[2]


def hook() -> dict[str, Any]:
    """Return the definition of the hook that checks recordings."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    return dict(next(hook for hook in hooks if hook["id"] == "pytest-bctrl-check"))


def selected(folder: Path) -> list[str]:
    """Return the files below a folder that pre-commit would pass to the hook, according to its documentation."""
    types = set(hook().get("types", ["file"]))
    names = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
    chosen = [name for name in names if re.search(hook()["files"], name)]
    return [name for name in chosen if types <= tags_from_path(str(folder / name))]


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the hook's entry on the selected files, as pre-commit does."""
    program, *arguments = hook()["entry"].split()
    command = [str(Path(sys.executable).with_name(program)), *arguments, *hook().get("args", []), *selected(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_hook_selects_only_recordings(tmp_path: Path) -> None:
    """Its `files` pattern matches HAR files in folders named `recordings`."""
    recordings = ["recordings/a.har", "tests/recordings/test_x/test_y[1].har"]
    for name in (*recordings, "other/b.har", "recordings/c.json", "x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")

    assert recordings == selected(tmp_path)


def test_the_hook_fails_for_a_nonconforming_recording(tmp_path: Path) -> None:
    """It exits with 1 and names the file; for the conforming recordings of the examples, it exits with 0."""
    assert (3, 0) == (len(selected(ROOT / "examples")), run(ROOT / "examples").returncode)
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "bad.har").write_bytes(encode(Recording((listed(broken()),))))

    result = run(tmp_path)

    assert 1 == result.returncode
    assert "found in  recordings/bad.har: entry 1\n" in result.stdout
