"""The drift gate and `check` write JSON of one shape, which the run's report has too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_bctrl.cli import main
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.reports.findings_json import findings_schema
from pytest_bctrl.samples import response, runtime
from tests.drift.published import TEXT


@pytest.mark.parametrize(
    ("command", "code", "status"),
    [
        (("check", "body.json"), 1, "failed"),
        (("drift", "new.yaml", "--base", "old.yaml"), 1, "failed"),
        # What could not be read in whole is not called passed.
        (("check", "good.json", "empty.json"), 2, "not checked"),
    ],
)
def test_drift_and_check_write_json_of_the_same_schema(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
    code: int,
    status: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    good = response([runtime()])
    bad = {"runtimes": [{**good["runtimes"][0], "status": "archived"}]}
    changed = TEXT.replace("- failed", "- failed\n        - paused")
    texts = {"body.json": json.dumps(bad), "good.json": json.dumps(good), "empty.json": "", "old.yaml": TEXT}
    for name, text in {**texts, "new.yaml": changed}.items():
        Path(name).write_text(text, "utf-8")

    assert code == main([*command, "--format", "json"])
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(report, findings_schema(), jsonschema.Draft202012Validator)
    assert (command[0], status) == (report["report"], report["verdict"]["status"])
    assert all(
        {name for name in Finding.__slots__ if name != "extra"} <= finding.keys() for finding in report["findings"]
    )
