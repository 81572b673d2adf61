"""The gate as CI runs it: arguments, streams, files and an exit code."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from pytest_bctrl.contract.files import packaged
from tests.typed import typed

from .published import TEXT, page, written
from .spec_changes import get

PAUSED = TEXT.replace("- failed", "- failed\n        - paused")
WITHOUT_SUMMARY = TEXT.replace("        summary:\n          $ref", "        summary2:\n          $ref")


def bctrl(*arguments: str, cwd: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run `pytest-bctrl` with these arguments in a folder."""
    return typed(cwd, *arguments, stdin=(stdin or "").encode())


@pytest.fixture
def base(tmp_path: Path) -> str:
    """Write the vendored spec to `base.yaml`, and return that name."""
    written(tmp_path, TEXT, "base.yaml")
    return "base.yaml"


def test_the_published_page_has_no_findings(tmp_path: Path) -> None:
    """Without --base, the page is compared with the vendored spec."""
    written(tmp_path, page())
    done = bctrl("drift", "page.md", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no findings" in done.stdout


def test_a_breaking_change_exits_with_1(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    done = bctrl("drift", "page.md", "--base", base, cwd=tmp_path)
    assert done.returncode == 1
    assert "response-property-enum-value-added" in done.stdout
    assert "runtimes[*].status" in done.stdout


def test_findings_have_the_line_numbers_of_the_files(tmp_path: Path, base: str) -> None:
    """They are those of the enum. In a page, lines are counted from its start."""
    written(tmp_path, page(PAUSED))
    done = bctrl("drift", "page.md", "--base", base, "--format", "json", cwd=tmp_path)
    (finding,) = json.loads(done.stdout)["findings"]
    old, new = (tmp_path / base).read_text().splitlines(), (tmp_path / "page.md").read_text().splitlines()
    assert old[finding["base"]["line"] - 1].strip() == new[finding["revision"]["line"] - 1].strip() == "enum:"


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("info", 1), ("never", 0)])
def test_fail_on_sets_the_level_that_fails(fail_on: str, code: int, tmp_path: Path, base: str) -> None:
    """The change is a warning: an optional property was removed."""
    written(tmp_path, WITHOUT_SUMMARY, "new.yaml")
    assert bctrl("drift", "new.yaml", "--base", base, "--fail-on", fail_on, cwd=tmp_path).returncode == code


@pytest.mark.parametrize(
    ("base", "code"), [((), 2), (("--base", "contracts/runtimes.openapi.yaml"), 2), (("--base", "x"), 1)]
)
def test_a_document_that_the_contract_suite_could_not_check_is_rejected(
    tmp_path: Path, base: tuple[str, ...], code: int
) -> None:
    """Only if it may become the spec of the contract in force; other documents are compared."""
    shutil.copytree(packaged().folder, tmp_path / "contracts")
    written(tmp_path, TEXT, "x")
    document = yaml.safe_load(TEXT)
    schemas = document["components"]["schemas"]
    for level in range(40):
        schemas[f"S{level}"] = {"allOf": [{"$ref": f"#/components/schemas/S{level + 1}"}] * 2}
    schemas["S40"] = {"type": "object"}
    media = get(document)["responses"]["200"]["content"]["application/json"]
    media["schema"] = {"allOf": [media["schema"], {"$ref": "#/components/schemas/S0"}]}
    get(document)["parameters"].append({"name": "q", "in": "query", "required": True, "schema": {"type": "string"}})
    written(tmp_path, yaml.safe_dump(document), "new.yaml")

    done = bctrl("drift", "new.yaml", *base, cwd=tmp_path)

    assert done.returncode == code
    assert ("new-required-request-parameter" in done.stdout) == (code == 1)
    assert ("which takes too long to validate" in done.stderr) == (code == 2)


def test_standard_input_is_read(tmp_path: Path, base: str) -> None:
    """`drift -` compares it and exits with 1 for a breaking change, which is annotated in the old document."""
    done = bctrl("drift", "-", "--base", base, "--format", "github", cwd=tmp_path, stdin=page(PAUSED))
    assert done.returncode == 1
    assert f"::error file={base}," in done.stdout
    assert "file=standard input" not in done.stdout


@pytest.mark.parametrize("upstream", ["missing.yaml", "http://example.invalid/", "ftp://example.invalid/", "."])
def test_an_upstream_that_cannot_be_opened_exits_with_2_and_one_line(upstream: str, tmp_path: Path, base: str) -> None:
    """A missing file, a folder, and URLs that are not https."""
    done = bctrl("drift", upstream, "--base", base, "--format", "json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_fail_on_never_still_exits_with_2_for_a_missing_upstream(tmp_path: Path, base: str) -> None:
    assert bctrl("drift", "missing.yaml", "--base", base, "--fail-on", "never", cwd=tmp_path).returncode == 2


def test_several_formats_are_written_to_their_output_files(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    done = bctrl(
        "drift", "page.md", "--base", base, "--format", "sarif", "--output", "drift.sarif", "--format", "json",
        "--output",
        "drift.json", "--format", "markdown", cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.startswith("## drift: 1 error")
    assert json.loads((tmp_path / "drift.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((tmp_path / "drift.json").read_text())["summary"]["error"] == 1


def test_two_formats_on_standard_output_exit_with_2(tmp_path: Path, base: str) -> None:
    done = bctrl("drift", base, "--base", base, "--format", "json", "--format", "text", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


def test_an_unwritable_report_exits_with_2(tmp_path: Path, base: str) -> None:
    done = bctrl("drift", base, "--base", base, "--format", "json", "--output", "no/such/folder.json", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_changed_descriptions_are_reported_only_with_the_option(tmp_path: Path, base: str) -> None:
    """A changed `summary` is not a finding; with `--descriptions` it is one."""
    written(tmp_path, TEXT.replace("summary: List", "summary: Show"), "new.yaml")
    assert "no findings" in bctrl("drift", "new.yaml", "--base", base, cwd=tmp_path).stdout
    assert "description-changed" in bctrl("drift", "new.yaml", "--base", base, "--descriptions", cwd=tmp_path).stdout


def test_an_accepted_change_exits_with_0(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    until = (date.today() + timedelta(days=30)).isoformat()
    accepted = bctrl(
        "drift", "page.md", "--base", base, "--accept", "we cope: 'all' of it", "--until", until, cwd=tmp_path
    )
    assert accepted.returncode == 0
    assert f"until: {until}" in (tmp_path / "bctrl-baseline.yaml").read_text()
    again = bctrl("drift", "page.md", "--base", base, cwd=tmp_path)
    assert again.returncode == 0
    assert "no new findings, 1 accepted" in again.stdout
    assert ("1 of 1 findings are accepted" in again.stdout, again.stderr) == (True, "")


def test_accepting_further_findings_keeps_existing_entries(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    bctrl("drift", "page.md", "--base", base, "--accept", "first", cwd=tmp_path)
    written(tmp_path, page(PAUSED.replace("- stopped", "- stopped\n        - lost")))
    bctrl("drift", "page.md", "--base", base, "--accept", "second", cwd=tmp_path)
    text = (tmp_path / "bctrl-baseline.yaml").read_text()
    assert text.count("fingerprint:") == 2
    assert bctrl("drift", "page.md", "--base", base, cwd=tmp_path).returncode == 0


def test_a_change_that_is_not_accepted_exits_with_1(tmp_path: Path, base: str) -> None:
    """The entry of the baseline for another value is reported as stale."""
    written(tmp_path, page(PAUSED))
    bctrl("drift", "page.md", "--base", base, "--accept", "first", cwd=tmp_path)
    written(tmp_path, page(PAUSED.replace("- paused", "- exploded")))
    done = bctrl("drift", "page.md", "--base", base, cwd=tmp_path)
    assert done.returncode == 1
    assert "stale" in done.stdout


def test_an_expired_entry_is_reported_and_exits_with_1(tmp_path: Path, base: str) -> None:
    """With a report in JSON on standard output, the note is on standard error."""
    written(tmp_path, page(PAUSED))
    written(
        tmp_path,
        "allow:\n- rule: response-property-enum-value-added\n  location: runtimes[*].status\n  reason: r\n  until: "
        "2020-01-01\n",
        "bctrl-baseline.yaml",
    )
    done = bctrl("drift", "page.md", "--base", base, cwd=tmp_path)
    assert done.returncode == 1
    assert "expired on 2020-01-01" in done.stdout
    assert "expired" not in done.stderr
    machine = bctrl("drift", "page.md", "--base", base, "--format", "json", cwd=tmp_path)
    assert "expired on 2020-01-01" in machine.stderr


@pytest.mark.parametrize("until", ["2020-01-01", "soon"])
def test_an_invalid_or_past_until_date_exits_with_2(until: str, tmp_path: Path, base: str) -> None:
    done = bctrl("drift", base, "--base", base, "--accept", "r", "--until", until, cwd=tmp_path)
    assert done.returncode == 2


def test_levels_are_set_per_rule(tmp_path: Path, base: str) -> None:
    """A breaking change exits with 0 if `bctrl-drift.yaml` sets the level of its rule to warning."""
    written(tmp_path, page(PAUSED))
    written(tmp_path, "levels:\n  response-property-enum-value-added: warning\n", "bctrl-drift.yaml")
    assert bctrl("drift", "page.md", "--base", base, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--baseline", "pytest-bctrl: --baseline: 'gone.yaml' is not a file ("),
        ("--levels", "pytest-bctrl: gone.yaml: the file does not exist ("),
    ],
)
def test_a_missing_file_given_by_an_option_exits_with_2(tmp_path: Path, base: str, option: str, message: str) -> None:
    done = bctrl("drift", base, "--base", base, option, "gone.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)


def test_levels_are_read_from_the_file_of_the_option(tmp_path: Path, base: str) -> None:
    """A breaking change exits with 0 if the file of `--levels` sets its level to info."""
    written(tmp_path, page(PAUSED))
    written(tmp_path, "levels:\n  response-property-enum-value-added: info\n", "lenient.yaml")
    assert bctrl("drift", "page.md", "--base", base, "--levels", "lenient.yaml", cwd=tmp_path).returncode == 0


def test_allow_in_the_settings_exits_with_2_and_names_the_baseline(tmp_path: Path, base: str) -> None:
    """`bctrl-drift.yaml` with a list of accepted findings."""
    written(tmp_path, "allow: []\n", "bctrl-drift.yaml")
    done = bctrl("drift", base, "--base", base, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "bctrl-drift.yaml:1: accepted findings belong in bctrl-baseline.yaml" in done.stderr


def test_baseline_entries_of_the_suite_are_not_stale_in_the_gate(tmp_path: Path, base: str) -> None:
    """An entry of a check rule that matches no finding is not mentioned."""
    entry = "{rule: unique_ids, location: 'runtimes[*].id', reason: r, until: 2099-01-01}"
    written(tmp_path, f"allow:\n- {entry}\n", "bctrl-baseline.yaml")
    done = bctrl("drift", base, "--base", base, cwd=tmp_path)
    assert (done.returncode, "stale" in done.stdout) == (0, False)


def test_the_version_option_prints_the_name_and_version_of_the_package(tmp_path: Path) -> None:
    """Of the command `pytest-bctrl`, without a subcommand."""
    from pytest_bctrl import __version__

    assert bctrl("--version", cwd=tmp_path).stdout == f"pytest-bctrl {__version__}\n"


def test_the_gate_does_not_import_pytest_httpx_or_validators(tmp_path: Path, base: str) -> None:
    """A comparison of two files needs none of them."""
    code = (
        "import sys; before = set(sys.modules); from pytest_bctrl.cli import main;"
        "main(['drift', 'base.yaml', '--base', 'base.yaml']); new = set(sys.modules) - before;"
        "print(sorted({'pytest', 'httpx', 'jsonschema', 'dataclasses', 'urllib.request'} & new))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_suggested_accept_command_accepts_the_findings(tmp_path: Path, base: str) -> None:
    """The command that a failing run prints is run with a date in place of `DATE`."""
    written(tmp_path, PAUSED, "new.yaml")
    failed = bctrl("drift", "new.yaml", "--base", base, cwd=tmp_path)
    next_ = failed.stderr.partition("to accept the findings until a date: pytest-bctrl ")[2].replace(
        "DATE", "2099-01-01"
    )
    assert failed.returncode == 1
    assert bctrl(*shlex.split(next_), cwd=tmp_path).returncode == 0
    assert bctrl("drift", "new.yaml", "--base", base, cwd=tmp_path).returncode == 0


def test_the_suggested_update_command_makes_the_gate_pass(tmp_path: Path) -> None:
    """`contract update` as printed creates or updates the copy; the output says why that contract was compared."""
    written(tmp_path, PAUSED, "new.yaml")
    red = bctrl("drift", "new.yaml", cwd=tmp_path)
    advice = red.stderr.partition("update your copy of the spec: pytest-bctrl ")[2].partition("\n")[0]
    assert (red.returncode, advice) == (1, "contract update new.yaml --contracts contracts")
    assert ": the packaged one, because there is no contracts folder and bctrl_contract is not set" in red.stdout
    assert bctrl(*shlex.split(advice), cwd=tmp_path).returncode == 0
    green = bctrl("drift", "new.yaml", cwd=tmp_path)
    assert (green.returncode, green.stderr) == (0, "")
    compared = "compared with contracts/runtimes.openapi.yaml: the project has a contracts folder, vendored "
    assert compared in green.stdout
    (tmp_path / "contracts").rename(tmp_path / "kept")
    written(tmp_path, "[pytest]\nbctrl_contract = kept/runtimes.contract.json\n", "pytest.ini")
    assert "bctrl_contract (ini) sets kept/runtimes.contract.json" in bctrl("drift", "new.yaml", cwd=tmp_path).stdout
    written(tmp_path, PAUSED.replace("- paused", "- paused\n        - resumed"), "new.yaml")
    again = bctrl("drift", "new.yaml", cwd=tmp_path)
    assert "contract update new.yaml --contracts kept\n" in again.stderr
    written(tmp_path, "[pytest]\nbctrl_contract = new.yaml\n", "pytest.ini")
    assert "compared with new.yaml: bctrl_contract (ini) sets it" in bctrl("drift", "new.yaml", cwd=tmp_path).stdout


def test_a_git_revision_can_be_base_or_upstream(tmp_path: Path, base: str) -> None:
    """`git:HEAD:FILE`: a change in the working tree is annotated in the file, and the revision equals itself."""
    for command in ("init -q", "add .", "-c user.name=n -c user.email=e commit -qm m"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    written(tmp_path, PAUSED, base)
    annotated = bctrl("drift", base, "--base", f"git:HEAD:{base}", "--format", "github", cwd=tmp_path)
    assert annotated.returncode == 1
    assert f"::error file={base},line=" in annotated.stdout
    assert bctrl("drift", f"git:HEAD:{base}", "--base", f"git:HEAD:{base}", cwd=tmp_path).returncode == 0


def test_accepting_again_renews_the_entry(tmp_path: Path, base: str) -> None:
    """An expired entry gets the new reason and date, and the rest of the file stays."""
    written(tmp_path, PAUSED, "new.yaml")
    accepting = ("drift", "new.yaml", "--base", base, "--accept")
    assert bctrl(*accepting, "first", cwd=tmp_path).returncode == 0
    file = tmp_path / "bctrl-baseline.yaml"
    expired = "# known changes\n" + re.sub(r"until: .*", "until: 2020-01-01", file.read_text())
    file.write_text(expired.replace('reason: "first"', "reason: >-\n      first\n      of all"))
    assert "extend its date" in bctrl("drift", "new.yaml", "--base", base, cwd=tmp_path).stdout
    assert bctrl(*accepting, "second", "--until", "2099-01-01", cwd=tmp_path).returncode == 0
    assert file.read_text() == re.sub(r"until: .*", "until: 2099-01-01", expired).replace("first", "second")
    assert bctrl("drift", "new.yaml", "--base", base, cwd=tmp_path).returncode == 0


def test_findings_that_the_impact_report_does_not_list_have_no_impact(tmp_path: Path, base: str) -> None:
    written(tmp_path, page(PAUSED))
    written(tmp_path, json.dumps({"findings": [{"fingerprint": "another", "impact": {}}]}), "impact.json")
    done = bctrl("drift", "page.md", "--base", base, "--impact", "impact.json", "--format", "json", cwd=tmp_path)
    (finding,) = json.loads(done.stdout)["findings"]
    assert (done.returncode, "impact" in finding) == (1, False)


def test_an_error_in_the_contract_in_force_names_its_file(tmp_path: Path, base: str) -> None:
    """Not `--base`, which is not given."""
    written(tmp_path, '{"openapi":', "api.json")
    written(tmp_path, "[pytest]\nbctrl_contract = api.json\n", "pytest.ini")
    done = bctrl("drift", base, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("pytest-bctrl: api.json: not JSON: ")


def test_an_entry_of_a_rule_that_does_not_exist_exits_with_2_and_names_its_line(tmp_path: Path, base: str) -> None:
    """No rule of a check, of the contract in force, or of the gate has that name."""
    entry = "{rule: no-such-rule, location: x, reason: r, until: 2099-01-01}"
    written(tmp_path, f"allow:\n- {entry}\n", "bctrl-baseline.yaml")
    done = bctrl("drift", base, "--base", base, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("pytest-bctrl: bctrl-baseline.yaml:2: there is no rule 'no-such-rule' (")


@pytest.mark.skipif(os.name != "posix", reason="needs a named pipe")
def test_a_report_is_written_to_a_pipe(tmp_path: Path, base: str) -> None:
    """A pipe is not replaced by a file, and the process that reads it gets the report."""
    os.mkfifo(tmp_path / "pipe")
    with os.fdopen(os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK), encoding="utf-8") as reader:
        done = bctrl("drift", base, "--base", base, "--format", "json", "--output", "pipe", cwd=tmp_path)
        assert json.load(reader)["findings"] == []
    assert (done.returncode, (tmp_path / "pipe").is_fifo()) == (0, True)
