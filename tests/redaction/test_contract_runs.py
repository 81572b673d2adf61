"""A contract run has the same result with any key: a word of the report, a single letter, or random text."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path
from typing import Any

import pytest

from tests.redaction.comparison import Result, assert_same, read_junit
from tests.redaction.echoing_server import serve_echoes
from tests.redaction.secrets_to_try import WORDS
from tests.redaction.test_changes_nothing import EXAMPLES
from tests.variants.runtimes import SPACE_ID

KEYS = [word for word in WORDS if word.isprintable() and " " not in word]
# Not drawn by Hypothesis: the contract suite itself runs it, and one run within another is an error.
DRAWN_KEYS = random.Random(28).sample(KEYS, min(len(KEYS), EXAMPLES // 2))


@pytest.mark.parametrize("key", dict.fromkeys(["rule", "e", *DRAWN_KEYS]))
def test_a_contract_run_has_the_same_result_with_any_key(pytester: pytest.Pytester, tmp_path: Path, key: str) -> None:
    random_key = "".join(random.Random(key).choices(string.ascii_letters + string.digits, k=len(key)))

    expected = run_contract_suite(pytester, tmp_path, random_key)
    actual = run_contract_suite(pytester, tmp_path, key)

    assert 1 == expected.exit_code
    assert_same(expected, actual)


def run_contract_suite(pytester: pytest.Pytester, folder: Path, key: str) -> Result:
    """Run the suite with `key` against a faulty server that repeats it; the facts contain no text of the server."""
    with pytest.MonkeyPatch.context() as monkeypatch, serve_echoes(key, ["body"], is_faulty=True) as server:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("BCTRL_API_KEY", key)
        reports = ("--junitxml=junit.xml", "--bctrl-report=own.json", "--bctrl-report=own.html")
        settings = (f"--bctrl-base-url={server.url}", f"--bctrl-space-id={SPACE_ID}")
        result = pytester.runpytest_inprocess("-p", "no:randomly", "--bctrl-live", "bctrl", *settings, *reports)
    facts = [f"junit: {fact}" for fact in read_junit(folder / "junit.xml")]
    facts += (f"report: {fact}" for fact in _list_values(json.loads((folder / "own.json").read_text())))
    facts.append(f"lastfailed: {sorted(json.loads((folder / '.pytest_cache/v/cache/lastfailed').read_text()))}")
    return Result(int(result.ret), tuple(facts))


_WORDS = {"rule", "level", "outcome", "status", "kind", "result", "state", "method"}
"""The members of a report whose values are words of its own, which no redaction may change."""
_DATA = {"body", "values", "samples"}
"""The members of a report that hold what a server sent, by name too."""


def _list_values(value: Any, location: str = "") -> list[str]:
    """Return a line for each value in a report: its location and type, or the value if it is a word of the report."""
    match value:
        case dict() if location.rpartition("/")[2] in _DATA:
            return [location]
        case dict():
            return [line for name, member in value.items() for line in _list_values(member, f"{location}/{name}")]
        case list():
            return [line for member in value for line in _list_values(member, f"{location}/*")]
        case str() if location.rpartition("/")[2] in _WORDS:
            return [f"{location} {value}"]
    return [f"{location} {type(value).__name__}"]
