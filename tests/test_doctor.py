"""`pytest-bctrl doctor`, as a user runs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.contract.read import load
from tests.variants import named, serve

KEY = "pk_doctor_test_0123456789"
Doctor = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """Run it in an empty directory, with nothing set but what is given; returns the exit code and the report."""

    def run(*arguments: str, **environment: str) -> tuple[int, dict[str, Any]]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BCTRL_", "PYTEST_"))}
        done = subprocess.run(
            [sys.executable, "-m", "pytest_bctrl", "doctor", "--format", "json", *arguments],
            cwd=tmp_path,
            env={**kept, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "" == done.stderr
        assert KEY not in done.stdout
        told = json.loads(done.stdout)
        assert told["exit_code"] == done.returncode
        return done.returncode, told

    return run


def line(told: dict[str, Any], topic: str, start: str = "") -> dict[str, str]:
    return next(one for one in told["lines"] if one["topic"] == topic and one["text"].startswith(start))


def test_first_contact(doctor: Doctor) -> None:
    """Nothing is set, nothing is wrong, and it says what to type."""
    code, told = doctor()

    assert 0 == code
    assert "pytest-bctrl 0" in line(told, "installed")["text"]
    assert "schemathesis 4" in line(told, "extra")["text"]
    assert load().short_digest in line(told, "contract")["text"]
    assert "fail_on: error (default)" == line(told, "setting", "fail_on")["text"]
    assert "note" == line(told, "target")["state"]
    assert line(told, "next")["text"].startswith("pytest --bctrl-mock bctrl")


def test_it_says_where_each_setting_comes_from(doctor: Doctor, tmp_path: Path) -> None:
    """The command line wins over the environment, that over the ini file; no secret is shown."""
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nbctrl_fail_on = warning\nbctrl_max_examples = 7\nbctrl_levels =\n  strict_json = info\n"
        "addopts = --bctrl-max-examples=5\n"
    )
    code, told = doctor(
        "--offline",
        "--",
        "--bctrl-space-id=mine",
        BCTRL_API_KEY=KEY,
        BCTRL_SPACE_ID="other",
        BCTRL_BASE_URL="https://me:hidden@127.0.0.1/?token=hidden",
    )

    assert 1 == code
    assert [
        "fail_on: warning (bctrl_fail_on (ini))",
        "key: set (BCTRL_API_KEY)",
        "max_examples: 5 (--bctrl-max-examples, command line or addopts)",
        "level of strict_json: info (bctrl_levels (ini))",
        "space_id: mine (--bctrl-space-id, command line or addopts)",
    ] == [line(told, "setting", name)["text"] for name in ("fail_on", "key", "max_examples", "level", "space_id")]
    assert "hidden" not in json.dumps(told)
    assert str(tmp_path / "pytest.ini") == line(told, "ini")["text"]


def test_a_wrong_setting_is_named_with_its_mend(doctor: Doctor) -> None:
    code, told = doctor("--", "--bctrl-fail-on=fatal")

    assert (1, "choose one of: error, warning, info, never") == (code, line(told, "setting", "--bctrl-fail-on")["mend"])


def test_what_pytest_cannot_read_is_not_known_to_be_fine(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")

    code, told = doctor()

    assert (2, "unknown") == (code, line(told, "settings")["state"])
    assert "--no-such-option" in line(told, "settings")["text"]


def test_a_level_that_is_none_is_named(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_levels =\n  strict_json\n")

    code, told = doctor()

    assert (1, "wrong") == (code, line(told, "setting", "bctrl_levels")["state"])
    assert "write rule = level, or rule@location = level" == line(told, "setting", "bctrl_levels")["mend"]


def test_offline_nothing_is_asked(doctor: Doctor) -> None:
    url = "https://nowhere.invalid"

    code, told = doctor("--offline", BCTRL_API_KEY=KEY, BCTRL_SPACE_ID="x", BCTRL_BASE_URL=url)

    assert 0 == code
    assert f"{url}: not asked, as --offline says" == line(told, "target")["text"]


def test_recordings_are_looked_for_where_they_are_kept(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "cut.har").write_text("{")

    code, told = doctor("--", "--bctrl-recordings=kept")

    assert 1 == code
    assert line(told, "recordings")["text"].startswith("1 in all, ")


def test_a_plugin_that_is_not_loaded_is_said(doctor: Doctor) -> None:
    code, told = doctor("--", "-p", "no:bctrl")

    assert 2 == code
    assert "does not load the plugin" in line(told, "settings")["text"]


def test_a_contract_that_cannot_be_read(doctor: Doctor) -> None:
    code, told = doctor("--", "--bctrl-contract=nowhere.yaml")

    assert (2, "unknown") == (code, line(told, "contract")["state"])


@pytest.mark.parametrize(
    ("space", "key", "code", "words"),
    [
        ("right", "right", 0, "answers: 200"),
        ("right", "wrong", 1, "the key is refused: 401"),
        ("wrong", "right", 1, "there is no such space: 404"),
    ],
)
def test_the_target_is_asked_once(doctor: Doctor, space: str, key: str, code: int, words: str) -> None:
    with serve(named("plain")) as server:
        given = {
            "BCTRL_API_KEY": server.api_key if key == "right" else KEY,
            "BCTRL_SPACE_ID": server.space_id if space == "right" else "no-such-space",
            "BCTRL_BASE_URL": server.url,
        }
        found, told = doctor(**given)

    assert code == found
    assert words in line(told, "target")["text"]
    assert server.api_key not in json.dumps(told)


@pytest.mark.parametrize(
    ("url", "words"),
    [("http://127.0.0.1:{free}", "the connection is refused"), ("https://nowhere.invalid", "is not known (DNS)")],
)
def test_a_target_that_cannot_be_reached_is_not_known_to_be_fine(doctor: Doctor, url: str, words: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = taken.getsockname()[1]
    code, told = doctor(BCTRL_API_KEY=KEY, BCTRL_SPACE_ID="x", BCTRL_BASE_URL=url.format(free=free))

    assert (2, "unknown") == (code, line(told, "target")["state"])
    assert words in line(told, "target")["text"]


def test_one_setting_without_the_other_is_wrong(doctor: Doctor) -> None:
    code, told = doctor(BCTRL_API_KEY=KEY)

    assert (1, "wrong") == (code, line(told, "target")["state"])
    assert line(told, "target")["text"].startswith("BCTRL_SPACE_ID: no space id is set")


def test_recordings_are_counted_and_broken_ones_named(doctor: Doctor, tmp_path: Path) -> None:
    har = Path(__file__).parent.parent / "examples" / "with_httpx" / "recordings" / "listing.har"
    folder = tmp_path / "tests" / "recordings"
    folder.mkdir(parents=True)
    (folder / "old.har").write_text(har.read_text("utf-8").replace(load().digest, "0" * 64))
    (folder / "cut.har").write_text(har.read_text("utf-8")[:100])

    code, told = doctor()

    assert 1 == code
    assert "2 in all, 1 of another contract, 1 that cannot be read" == line(told, "recordings")["text"]
    assert "cut.har" in next(one["text"] for one in told["lines"] if one["state"] == "wrong")


def test_as_text_it_is_marked(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest_bctrl", "doctor", "--offline", "--", "--bctrl-fail-on=fatal"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 1 == done.returncode
    assert "! setting    --bctrl-fail-on: unknown level 'fatal'\n" in done.stdout
    assert "  next       mend the first of these: setting: choose one of" in done.stdout
