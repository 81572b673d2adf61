"""Installs and runs the hooks with pre-commit itself; each must pass and fail as it should.

The hook for drift must pass after the command that its output suggests. Run `python tests/try_hook.py`, or
`tox -e hook`: pre-commit installs the last commit, with packages from the index, so this is not a test of the suite.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECORDING = ROOT / "examples" / "with_sdk" / "recordings" / "test_regions" / "test_recorded.har"
CONFIG = """
repos:
  - repo: {root}
    rev: {revision}
    hooks:
      - id: pytest-bctrl-check
      - id: pytest-bctrl-drift
        args: [page.md]
"""


def main() -> int:
    """Return 0 if each hook passes and fails as it should, else 1."""
    with tempfile.TemporaryDirectory() as name:
        project, home = Path(name) / "project", Path(name) / "home"
        (project / "recordings").mkdir(parents=True)
        os.environ["PRE_COMMIT_HOME"] = str(home)
        revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
        config = CONFIG.format(root=ROOT, revision=revision.stdout.strip())
        (project / ".pre-commit-config.yaml").write_text(config, "utf-8")
        subprocess.run(["git", "init", "-q", "."], cwd=project, check=True)
        copy = project / "recordings" / "listing.har"
        shutil.copy(RECORDING, copy)
        codes = [_run_hook(project, "pytest-bctrl-check")[0]]
        _break_contract(copy)
        code, output = _run_hook(project, "pytest-bctrl-check")
        has_finding = "response_schema_conformance" in output
        codes += [code]
        spec = (ROOT / "contracts" / "runtimes.openapi.yaml").read_text("utf-8")
        page = f"```yaml\n{spec}```\n".replace("- failed\n", "- failed\n        - paused\n")
        (project / "page.md").write_text(page, "utf-8")
        code, output = _run_hook(project, "pytest-bctrl-drift")
        suggestion = re.search(r"update your copy of the spec: (pytest-bctrl .*)", output)
        (folder,) = (path.parent for path in home.glob("repo*/*/bin/pytest-bctrl"))
        if suggestion is not None:
            subprocess.run([folder / "pytest-bctrl", *suggestion[1].split()[1:]], cwd=project, check=True)
        codes += [code, _run_hook(project, "pytest-bctrl-drift")[0]]
    return int(codes != [0, 1, 1, 0] or not has_finding)


def _break_contract(recording: Path) -> None:
    """Replace a status in a recording with one that the contract does not list, and update the checksum."""
    document = json.loads(recording.read_text("utf-8"))
    content = document["log"]["entries"][0]["response"]["content"]
    content["text"] = content["text"].replace('"status":"active"', '"status":"actiVe"')
    content["_bctrlSha256"] = hashlib.sha256(content["text"].encode()).hexdigest()
    recording.write_text(json.dumps(document), "utf-8")


def _run_hook(project: Path, hook: str) -> tuple[int, str]:
    """Run a hook over all files of a project, and return its exit code and output."""
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    command = [sys.executable, "-m", "pre_commit", "run", hook, "--all-files", "--verbose", "--hook-stage", "manual"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    return done.returncode, done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
