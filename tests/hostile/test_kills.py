"""A process that is killed (SIGKILL) at a random moment leaves every file complete, and nothing that stops the next."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_bctrl.traffic.recordings.har_file import load
from tests import EVERYTHING, UNUSED
from tests.hostile.killed_runs import KilledRuns

PROJECT_ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

WRITER = """
import itertools, json, os, random, signal, sys, time
from datetime import date
from pathlib import Path

from pytest_bctrl.baseline.baseline_file import load_baseline
from pytest_bctrl.baseline.write_entries import add_to_baseline
from pytest_bctrl.cli.options import ReportFile, write_reports
from pytest_bctrl.contract.build import write_files
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from pytest_bctrl.reports.verdict import Title
from pytest_bctrl.traffic.recordings.har_file import load, save

folder, seed, kills = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
source = random.Random(seed)
recording, baseline, report = folder / "r.har", folder / "b.yaml", folder / "report.json"
pair = folder / "pair.a", folder / "pair.b"


def write(number):
    body = b"%d" % number * 3000
    request = Request("GET", "/", base_url="http://x.test")
    save(recording, "t", [Exchange(request, 200, body=body, test="t")], "mock", "now")
    findings = [Finding("r", "error", "items", "wrong", "x", "y", operation="GET /x", fingerprint=f"{number % 7:016x}")]
    add_to_baseline(baseline, findings, f"known {number}", date.max)
    write_reports([ReportFile("json", str(report))], findings * 50, Title("check", "x", ""))
    write_files({path: f"{number}" * 2000 for path in pair})


def check():
    assert 1 == len(load(recording).exchanges)
    assert load_baseline(baseline, "b.yaml").entries
    json.loads(report.read_text())
    for path in pair:
        # Each is one number, repeated.
        text = path.read_text()
        assert text == text[: len(text) // 2000] * 2000


write(0)
for number in range(1, kills + 1):
    child = os.fork()
    if not child:
        for later in itertools.count(number * 1000):
            write(later)
    time.sleep(source.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    check()
    write(number)
    check()
    assert 5 == len(list(folder.iterdir())), list(folder.iterdir())
print("complete")
"""


def test_every_file_is_complete_after_a_hundred_kills(tmp_path: Path) -> None:
    """Each kill hits a process that writes files repeatedly; they are checked, written once more and checked again.

    A recording, a baseline, a report and a pair of files can be read after each kill, and no other file is left.
    """
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    command = [sys.executable, "-c", WRITER, str(tmp_path), str(seed), "100"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (0, "complete\n", "") == (done.returncode, done.stdout, done.stderr)


PROJECT = """
def test_recorded(bctrl_client, bctrl_space_id, bctrl_recording):
    for _ in range(5):
        assert 200 == bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code
"""


def test_a_run_after_a_killed_run_passes(tmp_path: Path) -> None:
    """The recording is complete after each kill, at any moment of the run; a last run passes and leaves no lock file.

    In the environment `attacks`, a run writes a report, too, and is killed 100 times.
    """
    (tmp_path / "test_it.py").write_text(dedent(PROJECT))
    # The contract suite, and so its report, takes most of the time of a run.
    report = ["--bctrl-mock", "--bctrl-report=report.json", "-k", "recorded or answer_conforms"]
    options = report if EVERYTHING else []
    command = [sys.executable, "-m", "pytest", "-q", "--bctrl-record-mode=rewrite", *options]
    environment = {**os.environ, "PYTEST_ADDOPTS": f"{UNUSED} -p no:randomly"}
    runs = KilledRuns(command, tmp_path, environment)

    seconds = runs.complete()
    recordings = [*tmp_path.rglob("*.har")]
    assert len(recordings) == 1
    for _ in range(100 if EVERYTHING else 2):
        runs.kill_after(random.uniform(0, 1.1 * seconds))
        for path in recordings:
            recording = load(path)
            assert recording is not None
            assert 5 == len(recording.exchanges)
        if EVERYTHING:
            json.loads((tmp_path / "report.json").read_text())
    runs.complete()
    assert [] == [path for path in tmp_path.rglob(".*") if path.suffix in (".lock", ".part")]


INIT = """
import os, random, signal, sys, time
from pathlib import Path

from pytest_bctrl.cli import main

folder, document, kills = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sys.stdout = open(os.devnull, "w")
source = random.Random(1)


def init(name):
    (folder / name).mkdir()
    os.chdir(folder / name)
    started = time.monotonic()
    assert 0 == main(["init", document])
    return time.monotonic() - started


def files(name):
    paths = [path for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder / name)): path.read_bytes() for path in paths}


# The first run imports modules.
init("warm")
seconds = init("whole")
whole = files("whole")
for number in range(kills):
    name = f"killed {number}"
    child = os.fork()
    if not child:
        init(name)
        os._exit(0)
    time.sleep(source.uniform(0, 1.2 * seconds))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (folder / name).mkdir(exist_ok=True)
    # Besides complete files, there may be hidden ones, which the next run removes.
    complete = {path: data for path, data in files(name).items() if not path.rpartition("/")[2].startswith(".")}
    assert complete.items() <= whole.items(), complete.keys()
    os.chdir(folder / name)
    assert 0 == main(["init", document])
    assert files(name) == whole, files(name).keys()
print("complete", file=sys.stderr)
"""


def test_init_leaves_no_partial_file_when_it_is_killed(tmp_path: Path) -> None:
    """Each file is complete or missing, and the next run writes the rest."""
    document = PROJECT_ROOT / "tests" / "second_contract" / "bookshop.yaml"
    command = [sys.executable, "-c", INIT, str(tmp_path), str(document), "100" if EVERYTHING else "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (0, "complete\n") == (done.returncode, done.stderr)
