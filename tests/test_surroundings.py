"""Tests do not depend on the shell, the terminal, the user or the CI job that starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import UNUSED
from tests.conftest import DOCUMENTED, TIMES
from tests.surroundings import FIXED, entered, normalised

ROOT = Path(__file__).parents[1]
ODD = {
    "CI": "true", "GITHUB_ACTIONS": "true", "BUILD_NUMBER": "7", "BCTRL_API_KEY": "pk_mine", "SOURCE_DATE_EPOCH": "1",
    "TZ": "Asia/Kathmandu", "LC_ALL": "C", "LC_TIME": "de_DE", "LANGUAGE": "de", "COLUMNS": "40", "LINES": "5",
    "TERM": "dumb", "FORCE_COLOR": "1", "NO_COLOR": "1", "PY_COLORS": "1", "CLICOLOR_FORCE": "1", "PYTHON_COLORS": "1",
    "PYTHONWARNINGS": "error", "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "-q", "PYTEST_PLUGINS": "nothing",
    "XDG_CONFIG_HOME": "/odd", "NETRC": "/odd", "http_proxy": "http://odd", "NO_PROXY": "*", "GIT_DIR": "/odd",
}  # fmt: skip
NEEDED = {
    "PATH": "/bin",
    "PYTHONPATH": "/x",
    "PYTEST_XDIST_WORKER": "gw0",
    "BCTRL_TESTS_EVERYTHING": "1",
    "BCTRL_IMPACT_TRUTH": "all",
    "SSL_CERT_FILE": "/y",
    "TMPDIR": "/z",
}
SIGNALS = [
    number for number in (getattr(signal, f"SIG{name}", None) for name in ("HUP", "INT", "TERM", "QUIT")) if number
]


def child(code: str) -> str:
    """Return what Python prints when it runs this code in a new process."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def test_only_required_environment_variables_are_kept(tmp_path: Path) -> None:
    environment = normalised({**ODD, **NEEDED, "HOME": "/home/me"}, tmp_path)
    browsers = environment.pop("PLAYWRIGHT_BROWSERS_PATH", "/home/me")
    assert {**NEEDED, **FIXED, "PYTHONHASHSEED": "0", "HOME": str(tmp_path)} == environment
    assert browsers.startswith("/home/me")


def test_tests_and_their_subprocesses_have_the_normalised_environment() -> None:
    printed = child("import os, time; print([os.environ.get('TZ'), time.tzname[0], os.umask(0), 'CI' in os.environ])")
    assert str([FIXED["TZ"], "UTC", os.umask(0o022), False]) == printed
    assert "UTC" == time.tzname[0]
    assert Path.home().name.startswith("home-")


def test_the_home_directory_is_empty_at_first() -> None:
    code = """
from pathlib import Path
from tests.surroundings import entered

with entered():
    print(list(Path.home().iterdir()))
"""
    assert "[]" == child(code)


def test_processes_share_the_tables_of_hypothesis_but_not_its_examples(tmp_path: Path) -> None:
    """A subprocess writes nothing in its folder; the shared one has tables and no examples."""
    code = "from hypothesis import strategies; strategies.characters(codec='utf-8').validate()"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert [] == list(tmp_path.iterdir())
    assert list(Path(os.environ["HYPOTHESIS_STORAGE_DIRECTORY"]).glob("unicode_data/*/codec-*"))
    with entered():
        assert not list(Path(os.environ["HYPOTHESIS_STORAGE_DIRECTORY"]).glob("examples*"))


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize("number", SIGNALS)
def test_subprocesses_of_tests_do_not_inherit_ignored_signals(number: signal.Signals) -> None:
    """`nohup` and background jobs of a shell ignore some signals."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with entered():
            assert "False" == child(f"import signal; print(signal.getsignal({int(number)}) is signal.SIG_IGN)")
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_the_contract_suite_keeps_the_environment_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live run in a clone uses the proxy variable of the shell, and its error names the proxy."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:proxy-password@127.0.0.1:1")
    monkeypatch.setenv("BCTRL_API_KEY", "pk_mine_0123456789")
    monkeypatch.setenv("BCTRL_SPACE_ID", "mine")
    command = [sys.executable, "-m", "pytest", *UNUSED.split(), "-p", "no:cacheprovider", "--bctrl-live", "bctrl"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "cannot be reached" in done.stdout
    assert "proxy" in done.stdout


def test_the_environment_is_restored_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ODD.keys() - {"TZ"}:
        monkeypatch.setenv(name, ODD[name])
    before = dict(os.environ)
    with entered():
        assert before != dict(os.environ)
    assert before == dict(os.environ)


@settings(deadline=1, max_examples=2)
@given(st.sampled_from([0.005]))
def test_a_property_does_not_fail_on_a_slow_machine(seconds: float) -> None:
    """Not even if its own settings have a deadline, of a millisecond here."""
    time.sleep(seconds)


@settings(max_examples=30)
@given(st.none())
def test_the_examples_of_a_property_are_multiplied_once(request: pytest.FixtureRequest, value: None) -> None:
    """In a worker as well as without workers."""
    assert value is None
    tried: Any = test_the_examples_of_a_property_are_multiplied_once
    times = TIMES.get(request.config.getoption("--hypothesis-profile") or "", DOCUMENTED)
    assert round(30 * times) == tried._hypothesis_internal_use_settings.max_examples
