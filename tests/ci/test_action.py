"""The GitHub Action: its steps, run in bash as a runner does."""

from __future__ import annotations

import ensurepip
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from pytest_bctrl.contract.files import packaged
from tests import UNUSED
from tests.variants import named, serve

ROOT = Path(__file__).resolve().parent.parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
PLACEHOLDER = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")

Run = Callable[..., tuple[int, dict[str, str], str]]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a virtual environment that also sees the packages of this one, as the runner's `python`."""
    folder = tmp_path_factory.mktemp("runner") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=300)
    python = folder / "bin" / "python"
    shown = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", shown], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    (Path(site) / "beside.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    return folder


@pytest.fixture
def step(tmp_path: Path, environment: Path) -> Run:
    """Return a function that runs a step by id in an empty folder: exit code, outputs and printed text."""

    def run(name: str, inputs: dict[str, str], **extra: str) -> tuple[int, dict[str, str], str]:
        """Run a step with these inputs, the defaults of the others, and `extra` environment variables."""
        chosen = next(step for step in STEPS if step.get("id") == name)
        values = {key: spec["default"] for key, spec in ACTION["inputs"].items()} | inputs
        outputs = tmp_path / "outputs"
        outputs.touch()
        variables = {
            key: value for key, value in os.environ.items() if not key.startswith(("BCTRL_", "PYTEST_", "INPUT_"))
        }
        done = subprocess.run(
            # As the runner does for `shell: bash`.
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", chosen["run"]],
            cwd=tmp_path,
            env={
                **variables,
                **{key: PLACEHOLDER.sub(lambda match: values[match[1]], text) for key, text in chosen["env"].items()},
                "PATH": f"{environment / 'bin'}{os.pathsep}{variables['PATH']}",
                "GITHUB_OUTPUT": str(outputs),
                "PYTEST_ADDOPTS": f"{UNUSED} -p no:randomly -p no:anyio",
                **extra,
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        pairs = (line.partition("=") for line in outputs.read_text().splitlines())
        return done.returncode, {key: value for key, _, value in pairs}, done.stdout + done.stderr

    return run


def test_no_input_is_interpolated_into_a_script() -> None:
    """The key is not an input either: it comes from the environment of the job."""
    assert [] == [step["run"] for step in STEPS if "${{" in step.get("run", "")]
    assert [] == [name for name in ACTION["inputs"] if "key" in name or "token" in name]


def test_every_input_is_used_and_described() -> None:
    """Those that the scripts name are those declared, each with a description and a default."""
    used = set(PLACEHOLDER.findall((ROOT / "action.yml").read_text("utf-8")))
    assert set(ACTION["inputs"]) == used
    assert [] == [name for name, spec in ACTION["inputs"].items() if not spec["description"] or "default" not in spec]


BACKEND = """
import zipfile
from pathlib import Path


def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(Path(folder, "stand_in-1.0-py3-none-any.whl"), "w") as archive:
        archive.writestr("stand_in.py", "")
        info = "stand_in-1.0.dist-info"
        metadata = "Metadata-Version: 2.1\\nName: stand-in\\nVersion: 1.0\\n"
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(f"{info}/RECORD", "")
    return "stand_in-1.0-py3-none-any.whl"
"""


def test_the_action_installs_its_own_checkout(step: Run, tmp_path: Path, environment: Path) -> None:
    """From the folder of the action, without a package index; its package can be imported afterwards."""
    checkout = tmp_path / "the action"
    checkout.mkdir()
    (checkout / "backend.py").write_text(BACKEND, "utf-8")
    build_system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (checkout / "pyproject.toml").write_text(build_system, "utf-8")

    (install,) = (step["env"] for step in STEPS if step.get("id") == "install")
    assert {"ACTION_PATH": "${{ github.action_path }}"} == install
    python = environment / "bin" / "python"
    # Python can import pip from the wheel that it has, and to install it takes seconds. Distributions may keep the
    # wheel in a folder of their own.
    folder = sysconfig.get_config_var("WHEEL_PKG_DIR") or Path(ensurepip.__file__).with_name("_bundled")
    pip = next(Path(folder).glob("pip-*.whl"))

    variables = {"PIP_NO_INDEX": "1", "PIP_NO_COMPILE": "1", "PYTHONPATH": str(pip)}
    code, _, output = step("install", {}, ACTION_PATH=str(checkout), **variables)

    assert 0 == code, output
    subprocess.run([python, "-c", "import stand_in"], check=True, timeout=60)


def test_the_action_passes_against_the_mock(step: Run, tmp_path: Path) -> None:
    """It exits with 0, sets its outputs, and writes a JUnit report with tests."""
    code, outputs, output = step("run", {"report": "out.xml"})

    assert (0, {"verdict": "passed", "report": "out.xml"}) == (code, outputs), output
    assert int(next(ET.parse(tmp_path / "out.xml").iter("testsuite")).attrib["tests"]) > 10


def test_the_action_fails_for_a_faulty_live_target(step: Run) -> None:
    """The key is in the environment, but never in the output."""
    with serve(named("kind-not-in-enum-1")) as server:
        inputs = {"target": "live", "space-id": server.space_id, "base-url": server.url}
        code, outputs, output = step("run", inputs, BCTRL_API_KEY=server.api_key)

    assert (1, "failed") == (code, outputs["verdict"]), output
    assert server.api_key not in output


def test_the_action_fails_if_nothing_was_checked(step: Run) -> None:
    """For an unreachable target, the exit code is 2; for a missing key or an unknown kind of target, 4."""
    dead = {"target": "live", "space-id": "x", "base-url": "http://127.0.0.1:9", "fail-on": "never"}
    code, outputs, _ = step("run", dead, BCTRL_API_KEY="pk_action_0123456789")
    assert (2, "not-checked") == (code, outputs["verdict"])
    assert (4, "not-checked") == (lambda done: (done[0], done[1]["verdict"]))(step("run", {"target": "live"}))
    code, _, output = step("run", {"target": "mock; touch injected"})
    assert (4, True) == (code, "::error::target: choose one of mock, live, none" in output)


def test_drift_fails_the_action_until_the_spec_is_updated(step: Run, tmp_path: Path) -> None:
    """The pre-commit hook reports the same for the same folder."""
    changed = packaged().spec.read_text("utf-8").replace("- failed\n", "- failed\n        - paused\n")
    (tmp_path / "page.md").write_text(f"```yaml\n{changed}```\n")
    (entry,) = (hook["entry"] for hook in HOOKS if hook["id"] == "pytest-bctrl-drift")

    def both() -> tuple[int, str, int]:
        """Return the exit code and verdict of the action, and the exit code of the hook."""
        code, outputs, _ = step("run", {"target": "none", "upstream": "page.md"})
        return code, outputs["verdict"], command(f"{entry} page.md").returncode

    def command(text: str) -> subprocess.CompletedProcess[str]:
        """Run a `pytest-bctrl` command in the folder of the test."""
        words = [sys.executable, "-m", "pytest_bctrl", *text.split()[1:]]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    assert (1, "failed", 1) == both()
    assert command("pytest-bctrl contract update page.md --contracts contracts").returncode == 0
    assert (0, "passed", 0) == both()


def test_the_action_compares_a_document_with_its_old_version(step: Run, tmp_path: Path) -> None:
    """A changed document fails the action, and an equal one passes; without `upstream`, the new one is the contract."""
    old = packaged().spec.read_text("utf-8")
    (tmp_path / "old.yaml").write_text(old)
    (tmp_path / "new.yaml").write_text(old.replace("- failed\n", "- failed\n        - paused\n"))
    inputs = {"target": "none", "base": "old.yaml", "report": "out.xml"}

    code, outputs, output = step("run", {**inputs, "upstream": "new.yaml"})
    assert (1, "failed") == (code, outputs["verdict"]), output
    assert "::error file=new.yaml,line=" in output
    assert "paused" in (tmp_path / "out.xml").read_text("utf-8")
    assert 0 == step("run", {**inputs, "upstream": "old.yaml"})[0]
    assert (1, "failed") == (lambda done: (done[0], done[1]["verdict"]))(
        step("run", {**inputs, "contract": "new.yaml"})
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_contract = new.yaml\n")
    assert 1 == step("run", inputs)[0]


def test_an_input_is_never_executed(step: Run, tmp_path: Path) -> None:
    """A shell command in it has no effect."""
    evil = '$(touch injected)"; touch injected; `touch injected`'
    step("run", dict.fromkeys(("space-id", "contract", "fail-on", "upstream", "base", "report"), evil))

    assert not (tmp_path / "injected").exists()
