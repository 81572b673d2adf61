"""Has pre-commit itself install and run the hook, on a recording that conforms and on one that was edited.

`python tests/try_hook.py`, or `tox -e hook`: pre-commit builds an environment from the package index, which is why this
is no test of the suite.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECORDING = ROOT / "examples" / "with_sdk" / "recordings" / "test_regions" / "test_recorded.har"


def main() -> int:
    """Return 0 where the hook passes the one and fails the other."""
    with tempfile.TemporaryDirectory() as name:
        project = Path(name) / "project"
        (project / "recordings").mkdir(parents=True)
        environment = {**os.environ, "PRE_COMMIT_HOME": str(Path(name) / "home")}
        subprocess.run(["git", "init", "-q", "."], cwd=project, check=True)
        copy = project / "recordings" / "listing.har"
        shutil.copy(RECORDING, copy)
        passing = _tried(project, environment)
        copy.write_bytes(copy.read_bytes().replace(b"active", b"actiVe"))
        failing = _tried(project, environment)
    return int((passing, failing) != (0, 1))


def _tried(project: Path, environment: dict[str, str]) -> int:
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    tried = ["try-repo", str(ROOT), "pytest-bctrl-check", "--all-files", "--verbose"]
    command = [sys.executable, "-m", "pre_commit", *tried]
    return subprocess.run(command, cwd=project, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
