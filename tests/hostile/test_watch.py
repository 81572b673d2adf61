"""A test that streams much more than it keeps, under the watch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.child import MEMORY
from tests.hostile.test_proxy import large_target
from tests.request_checks.orders import contract_of_paths, operation

CONTENT: dict[str, Any] = {"application/octet-stream": {}}
CONTRACT = contract_of_paths(
    {"/orders": {"get": operation(responses={"200": {"description": "", "content": CONTENT}})}}
)
CONFTEST = """
from pathlib import Path

def pytest_unconfigure():
    status = Path("/proc/self/status").read_text()
    Path("peak").write_text(status.partition("VmHWM:")[2].split()[0])
"""
TESTS = """
import os
import httpx

def test_streams():
    with httpx.Client(trust_env=False) as client:
        for _ in range({count}):
            with client.stream("GET", os.environ["TARGET"] + "/orders") as response:
                {read}
"""
COUNT = 12
WHOLE, HALF = "for _ in response.iter_raw(1_000_000): pass", "next(response.iter_raw(15_000_000))"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc")
@pytest.mark.parametrize(("read", "checked"), [(WHOLE, True), (HALF, False)], ids=["whole", "half"])
def test_streamed_bodies_are_checked_with_little_memory(tmp_path: Path, read: str, checked: bool) -> None:
    """Twelve of 30 MB: all are checked if the test reads them to the end, and counted as not checked otherwise."""
    (tmp_path / "orders.json").write_text(json.dumps(CONTRACT.source), "utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST, "utf-8")
    (tmp_path / "test_streams.py").write_text(TESTS.format(count=COUNT, read=read), "utf-8")
    options = ["--bctrl-watch", "--bctrl-contract=orders.json", "--bctrl-report=report.json", "-p", "no:cacheprovider"]
    with large_target(30, "application/octet-stream", (b"", b"")) as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *options],
            cwd=tmp_path,
            env={"TARGET": url, "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
    outcome = "checked" if checked else "not checked"
    assert f"{COUNT} exchanges: {COUNT} {outcome}; 1 test" in done.stdout, done.stdout
    assert ("the test did not read it" in done.stdout) != checked, done.stdout
    assert int((tmp_path / "peak").read_text()) / 1024 < MEMORY
