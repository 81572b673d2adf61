"""`pytest-bctrl check` on bodies, recordings and folders: findings, exit codes, and what was not checked."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pytest_bctrl.cli import main
from pytest_bctrl.samples import response, runtime
from pytest_bctrl.traffic.recordings.har_write import Recording, encode
from tests.recordings.recorded_exchange import recorded_exchange
from tests.recordings.test_trust import broken, listed
from tests.reports.agreement import CHECK_FORMATS, disagreements
from tests.typed import typed


def check(*arguments: str, stdin: bytes = b"", folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Return the result of `pytest-bctrl check` in a folder, by default the current one."""
    return typed(folder or Path(), "check", *arguments, stdin=stdin)


GOOD = json.dumps(response()).encode()
BAD = json.dumps(broken()).encode()


@pytest.mark.parametrize(
    ("stdin", "code", "message"),
    [
        (GOOD, 0, "no findings"),
        (BAD, 1, "runtimes[*].status"),
        (b'{"runtimes": ', 1, "strict_json"),
        (b"", 2, "it is empty"),
        (encode(Recording((listed(),))), 0, "no findings"),
        (encode(Recording((listed(), listed(broken())))), 1, "found in  standard input: entry 2\n"),
        (encode(Recording((listed(),)))[:-5], 2, "it is not JSON, or was cut"),
        (encode(Recording(())), 2, "none of its entries is an exchange"),
        (
            encode(Recording((recorded_exchange("GET", "http://a.test/other", 200),))),
            2,
            "none of its entries is an exchange",
        ),
        (
            encode(Recording((recorded_exchange("DELETE", "http://a.test/v1/spaces/1/runtimes", 204),))),
            2,
            "none of its entries is an exchange",
        ),
    ],
    ids=[
        "body",
        "bad body",
        "no JSON",
        "empty",
        "har",
        "bad har",
        "truncated har",
        "empty har",
        "foreign har",
        "foreign method",
    ],
)
def test_check_reads_standard_input(stdin: bytes, code: int, message: str) -> None:
    result = check("-", stdin=stdin)

    assert code == result.returncode
    assert message in result.stdout + result.stderr


def test_coverage_lists_ten_parts_in_text_and_all_in_json() -> None:
    one_runtime = json.dumps(response([runtime()])).encode()
    result = check("-", stdin=one_runtime)
    _, _, missing = result.stdout.partition("\nnot covered  ")
    assert 11 == len(missing.splitlines())
    assert re.fullmatch(r" +and [1-9][0-9]* more: the JSON report has all", missing.splitlines()[-1])

    coverage = json.loads(check("-", "--format", "json", stdin=one_runtime).stdout)["coverage"]
    assert f" {coverage['seen']} of {coverage['total']} points exercised, in 1 response\n" in result.stdout
    assert coverage["total"] == len(coverage["points"])


def test_check_reports_files_and_folders_in_every_format(tmp_path: Path) -> None:
    """It names a nonconforming recording in a folder, and a body, with the same numbers in each format."""
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "a.har").write_bytes(encode(Recording((listed(),))))
    (tmp_path / "recordings" / "b.har").write_bytes(encode(Recording((listed(broken()),))))
    (tmp_path / "body.json").write_bytes(BAD)
    reports = tmp_path / "reports"
    reports.mkdir()
    outputs = {}
    for name, file in {**CHECK_FORMATS, "github": "annotations"}.items():
        result = check("recordings", "body.json", "--format", name, folder=tmp_path)
        assert (1, "") == (result.returncode, result.stderr)
        outputs[name] = result.stdout
        (reports / file).write_text(result.stdout, "utf-8")

    assert [] == disagreements(reports, 1)
    report = json.loads(outputs["json"])
    assert ["recordings/b.har", "body.json"] == [finding["file"] for finding in report["findings"]]
    assert 2 == len(ElementTree.fromstring(outputs["junit"]).findall(".//failure"))
    assert "::error file=recordings/b.har,title=response_schema_conformance::" in outputs["github"]
    assert "found in  2 exchanges: recordings/b.har: entry 1, body.json\n" in outputs["text"]


def test_a_file_name_cannot_inject_a_workflow_command(tmp_path: Path) -> None:
    """The annotation of a file whose name has a line end and `::error` is one line, with the name escaped."""
    (tmp_path / "n\r\n::error::a,b%.json").write_bytes(BAD)

    result = check("n\r\n::error::a,b%.json", "--format", "github", folder=tmp_path)

    (row,) = result.stdout.splitlines()
    assert row.startswith("::error file=n%0D%0A%3A%3Aerror%3A%3Aa%2Cb%25.json,title=response_schema_conformance::")


def test_accepting_a_value_does_not_accept_other_values(tmp_path: Path) -> None:
    """After `--accept` for one file, `check` exits with 1 for another value at the same location."""
    for value in ("archived", "paused"):
        body = response()
        body["runtimes"][0]["status"] = value
        (tmp_path / f"{value}.json").write_text(json.dumps(body))

    assert 0 == check("archived.json", "--accept", "we cope", folder=tmp_path).returncode
    assert [0, 1] == [check(f"{value}.json", folder=tmp_path).returncode for value in ("archived", "paused")]
    assert "1 exchange: 1 checked; 1 error, 1 of them accepted under" in check("archived.json", folder=tmp_path).stdout


@pytest.mark.parametrize(("options", "code"), [((), 1), (("--fail-on=never",), 2), (("--accept=why",), 2)])
def test_other_files_are_checked_if_one_is_missing(options: tuple[str, ...], code: int, tmp_path: Path) -> None:
    """The exit code is 1 if one of them has a finding that fails, else 2; with a missing file, nothing is accepted."""
    (tmp_path / "body.json").write_bytes(BAD)

    result = check("none.json", "body.json", *options, folder=tmp_path)

    assert code == result.returncode
    assert not (tmp_path / "bctrl-baseline.yaml").exists()
    assert "none.json: it cannot be read" in result.stderr
    assert "runtimes[*].status" in result.stdout


def test_a_folder_without_recordings_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["check", str(tmp_path)])
    assert (
        f"{tmp_path}: there is no .har file in this folder (name files, or another folder)" in capsys.readouterr().err
    )


def test_fail_on_sets_the_level_that_fails(tmp_path: Path) -> None:
    body = response()
    body["runtimes"][0]["brandNew"] = 1
    (tmp_path / "body.json").write_text(json.dumps(body))

    assert [0, 1, 0] == [
        check("body.json", "--fail-on", level, folder=tmp_path).returncode for level in ("error", "warning", "never")
    ]


def test_a_circular_symlink_in_a_folder_is_skipped(tmp_path: Path) -> None:
    """`check .` exits with 0 and prints no error."""
    (tmp_path / "a.har").write_bytes(encode(Recording((listed(),))))
    (tmp_path / "loop").symlink_to("loop")
    result = check(".", folder=tmp_path)
    assert (0, "") == (result.returncode, result.stderr)


def test_check_uses_the_baseline_of_the_project(tmp_path: Path) -> None:
    """`bctrl_baseline` in pytest.ini: `--accept` writes that file, and a further check exits with 0."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_baseline = known.yaml\n", "utf-8")
    (tmp_path / "body.json").write_bytes(BAD)
    assert "bctrl_baseline (ini): " in check("body.json", folder=tmp_path).stderr
    check("body.json", "--accept", "known", folder=tmp_path)
    assert ["body.json", "known.yaml", "pytest.ini"] == sorted(path.name for path in tmp_path.iterdir())
    assert 0 == check("body.json", folder=tmp_path).returncode


def test_recordings_are_found_by_suffix_in_any_case_and_skipped_bodies_are_reported(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.HAR").write_bytes(encode(Recording((listed(broken()),))))
    (tmp_path / "c.json").write_bytes(GOOD)

    result = check(".", folder=tmp_path)

    assert 1 == result.returncode
    assert "found in  deep/a.HAR: entry 1\n" in result.stdout
    assert [
        "pytest-bctrl: .: 1 .json file was skipped; name bodies on the command line",
    ] == result.stderr.splitlines()


def test_a_folder_that_has_only_bodies_is_not_checked(tmp_path: Path) -> None:
    """The exit code is 2; the output says that no response was checked and how many bodies were skipped."""
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_bytes(BAD)
    result = check(".", folder=tmp_path)
    assert (2, True) == (result.returncode, result.stdout.startswith("0 exchanges under "))
    assert [
        "pytest-bctrl: .: there is no .har file in this folder (name files, or another folder)",
        "pytest-bctrl: .: 2 .json files were skipped; name bodies on the command line",
    ] == result.stderr.splitlines()


def test_a_commented_baseline_of_the_project_is_not_used(tmp_path: Path) -> None:
    """`--accept` then writes the default file."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n# bctrl_baseline = known.yaml\n", "utf-8")
    (tmp_path / "body.json").write_bytes(BAD)
    assert 0 == check("body.json", "--accept", "known", folder=tmp_path).returncode
    assert ["bctrl-baseline.yaml", "body.json", "pytest.ini"] == sorted(path.name for path in tmp_path.iterdir())


def test_an_error_that_a_plugin_raises_on_import_is_printed_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one of the package's own errors, which says where and what to do."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "checks_without_setting.py").write_text(
        "from pytest_bctrl.errors import SettingError\n"
        "raise SettingError('it is not set', where='MY_CHECKS', hint='export MY_CHECKS=1')\n",
        "utf-8",
    )
    result = check("-", "--plugin", "checks_without_setting", stdin=GOOD, folder=tmp_path)
    assert (2, "pytest-bctrl: MY_CHECKS: it is not set (export MY_CHECKS=1)\n") == (result.returncode, result.stderr)
