"""The gate as CI runs it: arguments, streams, files and an exit code."""
# ruff: noqa: E501 - a case a line

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.typed import typed

from .published import TEXT, page, written

PAUSED = TEXT.replace("- failed", "- failed\n        - paused")
WITHOUT_SUMMARY = TEXT.replace("        summary:\n          $ref", "        summary2:\n          $ref")


def drift(*arguments: str, cwd: Path, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the gate in a folder of its own."""
    return typed(cwd, *arguments, given=(given or "").encode())


@pytest.fixture
def base(tmp_path: Path) -> str:
    written(tmp_path, TEXT, "base.yaml")
    return "base.yaml"


def test_the_published_page_is_no_drift(tmp_path: Path) -> None:
    """Without --base the vendored spec is what the page is held against."""
    written(tmp_path, page())
    done = drift("drift", "page.md", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no findings" in done.stdout


def test_a_breaking_change_fails(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    done = drift("drift", "page.md", "--base", base, cwd=tmp_path)
    assert done.returncode == 1
    assert "response-property-enum-value-added" in done.stdout
    assert "runtimes[*].status" in done.stdout


def test_the_lines_are_those_of_the_files(tmp_path: Path, base: str) -> None:
    """Of a page it is the page's lines, not the block's."""
    written(tmp_path, page(PAUSED))
    done = drift("drift", "page.md", "--base", base, "--format", "json", cwd=tmp_path)
    (finding,) = json.loads(done.stdout)["findings"]
    old, new = (tmp_path / base).read_text().splitlines(), (tmp_path / "page.md").read_text().splitlines()
    assert old[finding["base"]["line"] - 1].strip() == "enum:"
    assert new[finding["revision"]["line"] - 1].strip() == "enum:"
    assert "- paused" in new[finding["revision"]["line"] : finding["revision"]["line"] + 4][-1]


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("info", 1), ("never", 0)])
def test_the_level_from_which_on_it_fails(fail_on: str, code: int, tmp_path: Path, base: str) -> None:
    """The change is a warning: an optional property is gone."""
    written(tmp_path, WITHOUT_SUMMARY, "new.yaml")
    assert drift("drift", "new.yaml", "--base", base, "--fail-on", fail_on, cwd=tmp_path).returncode == code


def test_standard_input_is_read(tmp_path: Path, base: str) -> None:
    assert drift("drift", "-", "--base", base, cwd=tmp_path, given=page(PAUSED)).returncode == 1


@pytest.mark.parametrize("upstream", ["missing.yaml", "http://example.invalid/", "ftp://example.invalid/", "."])
def test_what_could_not_be_checked_is_2_and_one_line(upstream: str, tmp_path: Path, base: str) -> None:
    done = drift("drift", upstream, "--base", base, "--format", "json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_never_fails_for_nothing_but_what_was_not_checked(tmp_path: Path, base: str) -> None:
    """--fail-on never is not a way past an upstream that cannot be read."""
    assert drift("drift", "missing.yaml", "--base", base, "--fail-on", "never", cwd=tmp_path).returncode == 2


def test_formats_go_to_files_and_one_to_standard_output(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    done = drift(
        "drift", "page.md", "--base", base, "--format", "sarif", "--output", "drift.sarif", "--format", "json", "--output",
        "drift.json", "--format", "markdown", cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.startswith("## drift: 1 error")
    assert json.loads((tmp_path / "drift.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((tmp_path / "drift.json").read_text())["summary"]["error"] == 1


def test_two_formats_on_standard_output_are_refused(tmp_path: Path, base: str) -> None:
    done = drift("drift", base, "--base", base, "--format", "json", "--format", "text", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_report_that_cannot_be_written_is_2(tmp_path: Path, base: str) -> None:
    done = drift("drift", base, "--base", base, "--format", "json", "--output", "no/such/folder.json", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_changed_words_are_told_only_when_asked(tmp_path: Path, base: str) -> None:
    written(tmp_path, TEXT.replace("summary: List", "summary: Show"), "new.yaml")
    assert "no findings" in drift("drift", "new.yaml", "--base", base, cwd=tmp_path).stdout
    assert "description-changed" in drift("drift", "new.yaml", "--base", base, "--descriptions", cwd=tmp_path).stdout


def test_what_is_accepted_no_longer_fails(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    until = (date.today() + timedelta(days=30)).isoformat()
    accepted = drift(
        "drift", "page.md", "--base", base, "--accept", "we cope: 'all' of it", "--until", until, cwd=tmp_path
    )
    assert accepted.returncode == 0
    assert f"until: {until}" in (tmp_path / "bctrl-baseline.yaml").read_text()
    again = drift("drift", "page.md", "--base", base, cwd=tmp_path)
    assert again.returncode == 0
    assert "no new findings, 1 accepted" in again.stdout
    assert ("1 of 1 findings are accepted" in again.stdout, again.stderr) == (True, "")


def test_accepting_twice_keeps_what_was_there(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    drift("drift", "page.md", "--base", base, "--accept", "first", cwd=tmp_path)
    written(tmp_path, page(PAUSED.replace("- stopped", "- stopped\n        - lost")))
    drift("drift", "page.md", "--base", base, "--accept", "second", cwd=tmp_path)
    text = (tmp_path / "bctrl-baseline.yaml").read_text()
    assert text.count("fingerprint:") == 2
    assert drift("drift", "page.md", "--base", base, cwd=tmp_path).returncode == 0


def test_another_change_than_the_accepted_one_fails(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    drift("drift", "page.md", "--base", base, "--accept", "first", cwd=tmp_path)
    written(tmp_path, page(PAUSED.replace("- paused", "- exploded")))
    done = drift("drift", "page.md", "--base", base, cwd=tmp_path)
    assert done.returncode == 1
    assert "stale" in done.stdout


def test_an_expired_entry_fails_again_and_says_so(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    written(
        tmp_path,
        "allow:\n- rule: response-property-enum-value-added\n  location: runtimes[*].status\n  reason: r\n  until: 2020-01-01\n",
        "bctrl-baseline.yaml",
    )
    done = drift("drift", "page.md", "--base", base, cwd=tmp_path)
    assert done.returncode == 1
    assert "expired on 2020-01-01" in done.stdout
    assert "expired" not in done.stderr
    machine = drift("drift", "page.md", "--base", base, "--format", "json", cwd=tmp_path)
    assert "expired on 2020-01-01" in machine.stderr


@pytest.mark.parametrize("until", ["2020-01-01", "soon"])
def test_accepting_until_a_day_that_is_past_or_none_is_refused(until: str, tmp_path: Path, base: str) -> None:
    done = drift("drift", base, "--base", base, "--accept", "r", "--until", until, cwd=tmp_path)
    assert done.returncode == 2


def test_levels_are_set_per_rule(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    written(tmp_path, "levels:\n  response-property-enum-value-added: warning\n", "bctrl-drift.yaml")
    assert drift("drift", "page.md", "--base", base, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("option", ["--baseline", "--levels"])
def test_a_named_file_that_is_missing_is_2(tmp_path: Path, base: str, option: str) -> None:
    assert drift("drift", base, "--base", base, option, "gone.yaml", cwd=tmp_path).returncode == 2


def test_levels_are_read_from_the_named_file(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    written(tmp_path, "levels:\n  response-property-enum-value-added: info\n", "lenient.yaml")
    assert drift("drift", "page.md", "--base", base, "--levels", "lenient.yaml", cwd=tmp_path).returncode == 0


def test_accepted_findings_among_the_levels_are_2_and_the_message_names_the_baseline(tmp_path: Path, base: str) -> None:
    written(tmp_path, "allow: []\n", "bctrl-drift.yaml")
    done = drift("drift", base, "--base", base, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "bctrl-drift.yaml:1: accepted findings belong in bctrl-baseline.yaml" in done.stderr


def test_entries_of_the_suite_are_not_stale_here(tmp_path: Path, base: str) -> None:
    entry = "{rule: unique_ids, location: 'runtimes[*].id', reason: r, until: 2099-01-01}"
    written(tmp_path, f"allow:\n- {entry}\n", "bctrl-baseline.yaml")
    done = drift("drift", base, "--base", base, cwd=tmp_path)
    assert (done.returncode, "stale" in done.stdout) == (0, False)


def test_the_package_says_its_version(tmp_path: Path) -> None:
    from pytest_bctrl import __version__

    assert drift("--version", cwd=tmp_path).stdout == f"pytest-bctrl {__version__}\n"


def test_the_gate_starts_without_what_it_does_not_need(tmp_path: Path, base: str) -> None:
    """No test framework, HTTP client or validator is imported for a comparison of two files."""
    code = (
        "import sys; before = set(sys.modules); from pytest_bctrl.cli import main;"
        "main(['drift', 'base.yaml', '--base', 'base.yaml']); new = set(sys.modules) - before;"
        "print(sorted({'pytest', 'httpx', 'jsonschema', 'dataclasses', 'hashlib', 'urllib.request'} & new))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_command_that_accepts_is_of_the_same_sides(tmp_path: Path, base: str) -> None:
    """What a failing run says to type next, typed, accepts what it found."""
    written(tmp_path, PAUSED, "new.yaml")
    failed = drift("drift", "new.yaml", "--base", base, cwd=tmp_path)
    next_ = failed.stderr.partition("to accept the findings until a date: pytest-bctrl ")[2].replace(
        "DATE", "2099-01-01"
    )
    assert failed.returncode == 1
    assert drift(*shlex.split(next_), cwd=tmp_path).returncode == 0
    assert drift("drift", "new.yaml", "--base", base, cwd=tmp_path).returncode == 0


def test_what_the_gate_advises_turns_it_green_and_it_says_what_it_compares_with(tmp_path: Path) -> None:
    written(tmp_path, PAUSED, "new.yaml")
    red = drift("drift", "new.yaml", cwd=tmp_path)
    advice = red.stderr.partition("update your copy of the spec: pytest-bctrl ")[2].partition("\n")[0]
    assert (red.returncode, advice) == (1, "contract update new.yaml --contracts contracts")
    assert ": the packaged one, as there is no folder contracts and no bctrl_contract" in red.stdout
    assert drift(*shlex.split(advice), cwd=tmp_path).returncode == 0
    green = drift("drift", "new.yaml", cwd=tmp_path)
    assert (green.returncode, green.stderr) == (0, "")
    compared = "compared with contracts/runtimes.openapi.yaml: the project has a folder contracts, vendored "
    assert compared in green.stdout
    (tmp_path / "contracts").rename(tmp_path / "kept")
    written(tmp_path, "[pytest]\nbctrl_contract = kept/runtimes.contract.json\n", "pytest.ini")
    assert "bctrl_contract (ini) sets kept/runtimes.contract.json" in drift("drift", "new.yaml", cwd=tmp_path).stdout
    written(tmp_path, PAUSED.replace("- paused", "- paused\n        - resumed"), "new.yaml")
    again = drift("drift", "new.yaml", cwd=tmp_path)
    assert "contract update new.yaml --contracts kept\n" in again.stderr
    written(tmp_path, "[pytest]\nbctrl_contract = new.yaml\n", "pytest.ini")
    assert "compared with new.yaml: bctrl_contract (ini) sets it" in drift("drift", "new.yaml", cwd=tmp_path).stdout


def test_a_revision_can_be_either_side(tmp_path: Path, base: str) -> None:
    for command in ("init -q", "add .", "-c user.name=n -c user.email=e commit -qm m"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    written(tmp_path, PAUSED, base)
    there = drift("drift", base, "--base", f"git:HEAD:{base}", "--format", "github", cwd=tmp_path)
    assert there.returncode == 1
    assert f"::error file={base},line=" in there.stdout
    assert drift("drift", f"git:HEAD:{base}", "--base", f"git:HEAD:{base}", cwd=tmp_path).returncode == 0


def test_to_accept_again_renews_the_entry(tmp_path: Path, base: str) -> None:
    written(tmp_path, PAUSED, "new.yaml")
    accepting = ("drift", "new.yaml", "--base", base, "--accept")
    assert drift(*accepting, "first", cwd=tmp_path).returncode == 0
    file = tmp_path / "bctrl-baseline.yaml"
    kept = "# known changes\n" + re.sub(r"until: .*", "until: 2020-01-01", file.read_text())
    file.write_text(kept.replace('reason: "first"', "reason: >-\n      first\n      of all"))
    assert "extend its date" in drift("drift", "new.yaml", "--base", base, cwd=tmp_path).stdout
    assert drift(*accepting, "second", "--until", "2099-01-01", cwd=tmp_path).returncode == 0
    assert file.read_text() == re.sub(r"until: .*", "until: 2099-01-01", kept).replace("first", "second")
    assert drift("drift", "new.yaml", "--base", base, cwd=tmp_path).returncode == 0
