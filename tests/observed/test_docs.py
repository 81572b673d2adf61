"""The worked example of docs/observed.md is what the commands print."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from pytest_bctrl.contract.files import packaged
from pytest_bctrl.observed.witnesses import ORDER
from tests.drift.published import TEXT
from tests.variants.runtimes import edited, on_all, put

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "observed.md"
BLOCKS = re.findall(r"```console\n(\$ .*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def printed(command: str, folder: Path) -> str:
    """What a command of the page prints, with the vendored spec named as it is in a checkout."""
    program, *arguments = shlex.split(command)
    assert program == "pytest-bctrl"
    done = subprocess.run(
        [sys.executable, "-m", "pytest_bctrl", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return done.stdout.replace(str(packaged().spec), "contracts/runtimes.openapi.yaml")


def test_the_example_is_real(tmp_path: Path) -> None:
    """Upstream lists `paused` and `archived`; the API sends `paused`, `tenant`, and once no name."""
    listed = TEXT.replace("- failed", "- failed\n        - paused\n        - archived")
    (tmp_path / "upstream.yaml").write_text(listed, "utf-8")
    body = edited(
        lambda runtimes: (
            on_all(tenant="t-1")(runtimes), put(3, "status", "paused")(runtimes), put(7, "name", None)(runtimes)
        )
    )()  # fmt: skip
    (tmp_path / "answer.json").write_text(json.dumps(body), "utf-8")
    assert len(BLOCKS) == 4
    for block in BLOCKS:
        command, _, wanted = block.removeprefix("$ ").partition("\n")
        said = printed(command, tmp_path)
        # A line of dots stands for what is left out.
        pattern = ".*".join(re.escape(part) for part in wanted.split("…\n"))
        assert re.fullmatch(pattern, said, re.DOTALL), said


def test_every_name_is_explained() -> None:
    text = PAGE.read_text("utf-8")
    assert [name for name in ORDER if f"| *{name}* |" not in text] == []
