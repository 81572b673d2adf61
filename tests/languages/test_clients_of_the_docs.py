"""The clients that the docs show for the control path, taken from the page, against a mock."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock import MockServer

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "mock.md").read_text("utf-8")
TOKEN = "t0ken-of-the-control-path"
SPACES = 40

EACH_IN_ITS_OWN = """
import assert from "node:assert/strict";
import { openSpace } from "./client.mjs";

const numbers = [...Array(Number(process.argv[2])).keys()];
const spaces = await Promise.all(numbers.map(() => openSpace()));
await Promise.all(spaces.map(async (space, number) => {
  const count = number % 7 + 1;
  await space.control("PUT", "scenario", { scenario: `many(count=${count})` });
  if (number % 3 === 0) await space.control("POST", "faults", { fault: "status(503, times=1)" });
}));
await Promise.all(spaces.map(async (space, number) => {
  const statuses = number % 3 === 0 ? [503, 200] : [200, 200];
  const answers = [await space.list(), await space.list()];
  assert.deepEqual(answers.map((answer) => answer.status), statuses);
  const { runtimes } = await answers[1].json();
  assert.deepEqual(runtimes.map((runtime) => runtime.spaceId), Array(number % 7 + 1).fill(space.id));
  const { requests } = await space.control("GET", "requests");
  assert.deepEqual(requests.map((request) => request.status), statuses);
}));
await Promise.all(spaces.map((space) => space.close()));
console.log(new Set(spaces.map((space) => space.id)).size);
"""


@pytest.fixture
def mock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockServer]:
    """Run a mock with a control path, and write its ready file and the documented clients."""
    with MockServer(load(), control=Secret(TOKEN)) as server:
        ready = tmp_path / "ready.json"
        ready.write_text(json.dumps({"control": {"url": f"{server.url}/__bctrl__/", "token": TOKEN}}), "utf-8")
        monkeypatch.setenv("READY_FILE", str(ready))
        for language, name in (("javascript", "client.mjs"), ("go", "client.go")):
            (source,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
            (tmp_path / name).write_text(source, "utf-8")
        yield server
        assert [server.space_id] == [*server.spaces]


def run(folder: Path, program: str, *arguments: str) -> str:
    """Run a program in a folder and return its output; skip the test if the program is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


def test_spaces_that_a_node_program_opens_are_independent(mock: MockServer, tmp_path: Path) -> None:
    """40 are open at once; each has its own data, faults and requests, and the space of the server has none."""
    (tmp_path / "each.mjs").write_text(EACH_IN_ITS_OWN, "utf-8")
    assert str(SPACES) == run(tmp_path, "node", "each.mjs", str(SPACES))
    assert 0 == len(mock.requests)


@pytest.mark.toolchain
def test_the_documented_go_client_opens_a_space(mock: MockServer, tmp_path: Path) -> None:
    """It prints the id of the first space that the server opens."""
    assert "00000000-0000-4000-8000-000000000001" == run(tmp_path, "go", "run", "client.go")
