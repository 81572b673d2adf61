"""The example: the careless consumer fails with the changes, and the careful one passes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from pytest_bctrl.reports.findings_json import findings_schema
from tests.impact.drifts import DRIFTS, changed_spec

_EXAMPLE = Path(__file__).parents[2] / "examples" / "with_impact"


def test_the_careless_example_fails_and_the_careful_one_passes(pytester: pytest.Pytester) -> None:
    shutil.copytree(_EXAMPLE, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (pytester.path / "changed.json").write_text(changed_spec(DRIFTS[:3]), "utf-8")

    pytester.runpytest("--bctrl-impact=changed.json", "--bctrl-report=impact.json", "-p", "no:randomly")

    report = json.loads((pytester.path / "impact.json").read_text("utf-8"))
    jsonschema.validate(report, findings_schema(), jsonschema.Draft202012Validator)
    failing = {
        finding["location"]: [test["test"] for test in finding["impact"]["tests"]] for finding in report["findings"]
    }
    careless = ["test_careless.py::test_each_runtime_has_a_line"]
    assert failing == dict.fromkeys(("runtimes[*].status", "runtimes[*].region", "runtimes[*].name", ""), careless)
