"""The pre-commit hooks: what each runs, on files of a project."""

from __future__ import annotations

import re
import shlex
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_bctrl.contract.files import packaged

ROOT = Path(__file__).resolve().parent.parent.parent
HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
}
RECORDING = "recordings/listing.har"


def run(hook: str, folder: Path, *arguments: str) -> int:
    """Return the exit code of a hook's entry, run as pre-commit does, with the files that the hook selects."""
    spec = HOOKS[hook]
    names = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
    chosen = [name for name in names if re.search(spec.get("files", ""), name)]
    files = chosen if spec.get("pass_filenames", True) else []
    program, *options = shlex.split(spec["entry"])
    command = [str(Path(sysconfig.get_path("scripts")) / program), *options, *arguments, *files]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False).returncode


@pytest.mark.parametrize(("change", "code"), [("", 0), ("cut", 2)])
def test_the_check_hook_checks_recordings(tmp_path: Path, change: str, code: int) -> None:
    """It exits with 0, or with 2 for a truncated recording; files of other folders do not count."""
    text = (ROOT / "examples" / "with_httpx" / RECORDING).read_text("utf-8")
    (tmp_path / "recordings").mkdir()
    (tmp_path / RECORDING).write_text(text[:200] if change else text)
    (tmp_path / "other.har").write_text("is not checked")

    assert code == run("pytest-bctrl-check", tmp_path)


@pytest.mark.parametrize(("change", "code"), [(("", ""), 0), (("format: uuid", "format: email"), 1)])
def test_the_drift_hook_compares_the_spec(tmp_path: Path, change: tuple[str, str], code: int) -> None:
    """With a page: 0 if its spec is the vendored one, and 1 if a format differs."""
    spec = packaged().spec.read_text("utf-8")
    (tmp_path / "page.md").write_text(f"```yaml\n{spec.replace(*change) if change[0] else spec}```\n")

    assert code == run("pytest-bctrl-drift", tmp_path, "page.md")
