"""A key made of words changes no id, path, file name and word of pytest, and is masked in captured output."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pytest_bctrl.secrets.redaction import MASK

KEYS = (
    "__MASTODON_PY_TEST_ACCESS_TOKEN_2",
    "test-api-key",
    "your_api_key_here",
    "dummy",
    "secret_key_123",
    "sk-test-1234",
    "changeme",
    "my-secret-token",
    "test",
    "passed",
)
PROJECT = """
import logging, os, pytest

@pytest.mark.parametrize("key", ["KEY", "other"])
def test_NAME(key):
    print("sent", "token=KEY.")
    logging.warning("KEY failed")
    assert key == "other", "a message of KEY"
"""


def run(pytester: pytest.Pytester, *options: str) -> tuple[int, dict[str, str], list[object]]:
    """Run the project; return the exit code, the texts, and the ids and outcomes in terminal, reports and cache."""
    reports = ("--junitxml=junit.xml", "-o", "junit_logging=all", "-o", "junit_family=xunit1")
    json_report = ("-p", "pytest_jsonreport", "--json-report", "--json-report-file=report.json")
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-rA", *reports, *json_report, *options)
    texts = {
        "terminal": result.stdout.str(),
        "junit": Path("junit.xml").read_text(),
        "json": Path("report.json").read_text(),
    }
    lines = [
        line
        for line in texts["terminal"].splitlines()
        if not line.startswith(("bctrl:", "sent", "WARNING", "plugins:"))
    ]
    terminal = [re.sub(r"in [\d.]+s( \(.*?\))?|\[gw\d\]", "", line).strip("= ") for line in lines]
    report = json.loads(texts["json"])
    cases = [dict(case.attrib, time="") for case in ElementTree.fromstring(texts["junit"]).iter("testcase")]
    cache = {path.name: path.read_text() for path in Path(".pytest_cache/v/cache").iterdir() if path.suffix != ".json"}
    tests = [(test["nodeid"], test["outcome"], test["keywords"], test["lineno"]) for test in report["tests"]]
    facts: list[object] = [report["root"] != "", report["summary"], tests, cases]
    if not options:
        facts += [terminal, cache]
    return int(result.ret), texts, facts


@pytest.mark.runs_pytest
@pytest.mark.parametrize(("key", "options"), [*((key, ()) for key in KEYS), (KEYS[0], ("-n1",))], ids=str)
def test_a_key_of_words_changes_nothing_but_values(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, key: str, options: tuple[str, ...]
) -> None:
    pytest.importorskip("pytest_jsonreport")
    name = re.sub(r"\W", "_", key).strip("_").lower()
    pytester.makepyfile(**{f"test_{name}": PROJECT.replace("KEY", key).replace("NAME", name)})
    monkeypatch.chdir(pytester.path)
    monkeypatch.delenv("BCTRL_API_KEY", raising=False)
    without = run(pytester, *options)
    monkeypatch.setenv("BCTRL_API_KEY", key)

    with_key = run(pytester, *options)

    assert without[0] == with_key[0] == 1
    assert without[2] == with_key[2]
    for report, text in with_key[1].items():
        assert f"sent token={MASK}." in text, report
        assert f"sent token={key}." not in text, report
    assert "bctrl: BCTRL_API_KEY does not look random" in with_key[1]["terminal"]
    assert "bctrl: BCTRL_API_KEY" not in without[1]["terminal"]
