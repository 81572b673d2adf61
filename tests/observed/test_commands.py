"""`drift --observed`, `contract suggest` and `contract build --overlay`, as they are typed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_bctrl.observed.attribution import BROKEN, STALE
from pytest_bctrl.observed.facts import as_data
from tests.typed import typed
from tests.variants.runtimes import edited, on_all, put, sample

from .bodies import LABEL, observation_of
from .three_sources import CASES, published, sent_body

Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]
ROOT = Path(__file__).parents[2]
STRAY = edited(on_all(tenant="t"))()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a command in a temporary folder."""
    return lambda *arguments, given="": typed(tmp_path, *arguments, stdin=given.encode())


def har(url: str = "https://api.bctrl.ai/v1/spaces/1/runtimes", text: str = json.dumps(STRAY)) -> str:
    """Return a HAR file as a browser saves it."""
    content = {"size": len(text), "mimeType": "application/json", "text": text}
    response = {"status": 200, "statusText": "", "httpVersion": "HTTP/1.1", "headers": [], "content": content}
    request = {"method": "GET", "url": url, "httpVersion": "HTTP/1.1", "headers": [], "queryString": []}
    entry = {"startedDateTime": "2026-01-01T00:00:00Z", "time": 1, "request": request, "response": response}
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "b", "version": "1"}, "entries": [entry]}})


OBSERVATION = as_data(observation_of(STRAY))
REPORT = {"version": 1, "tool": {}, "findings": [], "observation": OBSERVATION}


@pytest.mark.parametrize(
    "text",
    [json.dumps(STRAY), har(), json.dumps(OBSERVATION), json.dumps(REPORT)],
    ids=["body", "HAR", "observation", "report"],
)
def test_suggest_reads_every_format_of_traffic(run: Run, tmp_path: Path, text: str) -> None:
    """From a file or from standard input, with the same result."""
    (tmp_path / "seen.json").write_text(text)
    by_name, by_stdin = run("contract", "suggest", "seen.json"), run("contract", "suggest", given=text)
    assert (by_name.returncode, by_name.stdout) == (0, by_stdin.stdout)
    (action,) = yaml.safe_load(by_name.stdout)["actions"]
    assert action["update"] == {"tenant": {"type": "string"}}


def test_suggest_combines_several_files(run: Run, tmp_path: Path) -> None:
    """The description counts the items of both: 10 of 20."""
    (tmp_path / "one.json").write_text(json.dumps(STRAY))
    (tmp_path / "two.json").write_text(json.dumps(sample()))
    done = run("contract", "suggest", "one.json", "two.json")
    assert "10 of 20" in yaml.safe_load(done.stdout)["actions"][0]["description"]


HOSTILE = {
    "missing": (None, "seen.json: it cannot be read: No such file"),
    "empty": ("", "seen.json: it is empty"),
    "page": ("<!doctype html><title>x</title>", "seen.json: the body is not JSON"),
    "cut off": (json.dumps(STRAY)[:100], "seen.json: the body is not JSON"),
    "deep": ("[" * 100_000, "seen.json: the body is"),
    "spec": (json.dumps(published(CASES["another type"])), "seen.json: it is a spec, not traffic"),
    "report without": (json.dumps({**REPORT, "observation": None}), "seen.json: the report has no observation"),
    "mock's report": (json.dumps({**REPORT, "target": "mock"}), "seen.json: the report is of a run against the mock"),
    "newer observation": (
        json.dumps({**OBSERVATION, "version": 99}),
        "seen.json: it is not an observation of this version",
    ),
    "broken observation": (json.dumps({**OBSERVATION, "places": [[1, 2]]}), "seen.json: it is not an observation"),
    **{
        f"broken {what}": (json.dumps(OBSERVATION).replace(old, new), "seen.json: it is not an observation")
        for what, old, new in (
            ("place", '"runtimes[*].name"', '"runtimes[["'),
            ("status", '"200"', '"soon"'),
            ("value", '"\\"active\\""', '"active"'),
            ("count", '"seen": 10', '"seen": "many"'),
            ("type", '{"string": 10}', '{"string": "many"}'),
            ("sample", '"samples": {"string": {', '"samples": {"string": 5, "other": {'),
            ("object", '"samples": {"object": {', '"samples": {"object": {"location": "$", "value": "x"}, "other": {'),
        )
    },
    "another API's HAR": (har("https://example.test/else"), "seen.json: no response of an operation"),
    "another API's observation": (
        json.dumps(as_data(observation_of(STRAY))).replace("/v1/spaces/{id}/runtimes", "/else"),
        "seen.json: no response of an operation",
    ),
    "broken HAR": ('{"log": {"entries": 5}}', "seen.json: "),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("command", ["contract suggest", "drift up.yaml --observed"])
def test_a_file_that_is_not_traffic_is_a_one_line_error(run: Run, tmp_path: Path, kind: str, command: str) -> None:
    text, says = HOSTILE[kind]
    (tmp_path / "up.yaml").write_text(yaml.safe_dump(published(CASES["another type"])))
    if text is not None:
        (tmp_path / "seen.json").write_text(text)
    done = run(*command.split(), "seen.json")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr


def test_a_folder_given_as_traffic_is_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "seen.json").mkdir()
    assert "seen.json: it cannot be read: Is a directory" in run("contract", "suggest", "seen.json").stderr


def write_sources(tmp_path: Path, name: str) -> None:
    """Write the upstream spec of a case to `up.yaml`, and the body that the API sends to `seen.json`."""
    (tmp_path / "up.yaml").write_text(yaml.safe_dump(published(CASES[name])))
    (tmp_path / "seen.json").write_text(json.dumps(sent_body(CASES[name])))


@pytest.mark.parametrize(
    ("name", "fail_on", "code"),
    [
        ("a value that upstream lists", "error", 1),
        ("a value that upstream lists", "never", 0),
        ("a property that nobody documents", "error", 0),
        ("a property that nobody documents", "warning", 1),
        ("a null where none is allowed", "error", 1),
        ("", "info", 0),
    ],
)
def test_drift_observed_exits_by_level(run: Run, tmp_path: Path, name: str, fail_on: str, code: int) -> None:
    """The output names the cause of the difference, or says that there are no findings."""
    write_sources(tmp_path, name or "another type")
    if not name:
        (tmp_path / "seen.json").write_text(json.dumps(sample()))
    done = run("drift", "up.yaml", "--observed", "seen.json", "--fail-on", fail_on)
    assert (done.returncode, (CASES[name].cause.upper() if name else "no findings") in done.stdout) == (code, True)


@pytest.mark.parametrize("form", ["json", "markdown", "junit", "sarif", "github"])
def test_drift_observed_reports_in_every_format(run: Run, tmp_path: Path, form: str) -> None:
    """Each has the rule of the finding."""
    write_sources(tmp_path, "a null where none is allowed")
    done = run("drift", "up.yaml", "--observed", "seen.json", "--format", form)
    assert done.returncode == 1
    assert "response_schema_conformance" in done.stdout


def test_the_json_report_has_the_cause_and_the_three_sources(run: Run, tmp_path: Path) -> None:
    write_sources(tmp_path, "a null where none is allowed")
    done = run("drift", "up.yaml", "--observed", "seen.json", "--format", "json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["moved"], finding["next"]) == (BROKEN, "pytest-bctrl check seen.json")
    assert finding["witnesses"]["vendored"] == "says string"
    assert finding["witnesses"]["observed"] == "the value has the wrong type, null: 1 of 10, as at runtimes[3].name"


def test_the_baseline_accepts_observed_findings_and_changes(run: Run, tmp_path: Path) -> None:
    """Entries written by `check` accept observed findings, entries written by `drift` accept changes."""
    write_sources(tmp_path, "another value than upstream's")
    results = [
        run("check", "seen.json", "--accept", "we cope"),
        run("drift", "up.yaml", "--accept", "we cope"),
        run("drift", "up.yaml", "--observed", "seen.json"),
    ]
    assert [0, 0, 0] == [done.returncode for done in results]
    assert "    accepted  until " in results[2].stdout
    assert "1 of 1 findings are accepted by bctrl-baseline.yaml" in results[2].stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("up.yaml", "--observed", "seen.json", "--accept", "why"), "it accepts only changes of the documents"),
        (("-", "--observed", "-"), "only one of them can be standard input"),
    ],
)
def test_conflicting_arguments_are_an_error(run: Run, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    write_sources(tmp_path, "a null where none is allowed")
    done = run("drift", *arguments, given=(tmp_path / "up.yaml").read_text())
    assert (done.returncode, says in done.stderr) == (2, True)


def test_drift_observed_compares_with_a_custom_base(run: Run, tmp_path: Path) -> None:
    """The finding is that the copy is stale; the printed command has both documents."""
    write_sources(tmp_path, "a value that upstream lists")
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(published(CASES["another type"])))
    done = run("drift", "up.yaml", "--base", "base.yaml", "--observed", "seen.json")
    assert f"{STALE.upper()}: 1" in done.stdout
    assert "  next      pytest-bctrl drift up.yaml --base base.yaml\n" in done.stdout


def test_a_contract_built_from_the_suggestion_accepts_the_traffic(run: Run, tmp_path: Path) -> None:
    """The command that `contract suggest` prints builds it; `check` rejects the traffic under the old contract."""
    (tmp_path / "seen.json").write_text(json.dumps(edited(put(3, "status", "paused"))()))
    suggested = run("contract", "suggest", "seen.json", "--output", "suggested.overlay.yaml")
    command = suggested.stdout.splitlines()[-1].removeprefix("next: pytest-bctrl ").split()
    assert run(*command).returncode == 0
    assert run("check", "seen.json").returncode == 1
    assert run("check", "seen.json", "--contract", "observed.contract.json").returncode == 0


def test_suggest_and_build_accept_a_custom_contract(run: Run, tmp_path: Path) -> None:
    """The built contract lists the observed value in its enum."""
    spec = published(CASES["a value that upstream lists"])
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(spec))
    (tmp_path / "seen.json").write_text(json.dumps(edited(put(3, "status", "lost"))()))
    suggested = run("contract", "suggest", "seen.json", "--contract", "own.yaml", "--output", "s.yaml")
    command = suggested.stdout.splitlines()[-1].removeprefix("next: pytest-bctrl ").split()
    assert run(*command).returncode == 0
    data = json.loads((tmp_path / "observed.contract.json").read_text())
    assert ["active", "stopped", "failed", "paused", "lost"] in [
        schema.get("enum") for schema in data["components"]["schemas"].values()
    ]


@pytest.mark.parametrize("output", ["own.yaml", "s.yaml"])
def test_build_does_not_overwrite_what_it_is_built_from(run: Run, tmp_path: Path, output: str) -> None:
    """`contract build --output` naming the contract or the overlay exits with 2."""
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(published(CASES["a value that upstream lists"])))
    (tmp_path / "s.yaml").write_text("overlay: 1.0.0\ninfo: {title: x, version: '1'}\nactions: []\n")
    before = (tmp_path / output).read_text()
    done = run("contract", "build", "--contract", "own.yaml", "--overlay", "s.yaml", "--output", output)
    assert (done.returncode, "it would overwrite what it is built from" in done.stderr) == (2, True)
    assert (tmp_path / output).read_text() == before


def test_conforming_traffic_suggests_nothing_and_writes_no_file(run: Run, tmp_path: Path) -> None:
    """The message also counts bodies that are not JSON."""
    (tmp_path / "seen.json").write_text(json.dumps(sample()))
    done = run("contract", "suggest", "seen.json", "--output", "s.yaml")
    assert (done.returncode, done.stderr) == (
        0,
        "pytest-bctrl: nothing to suggest: the contract already accepts the traffic\n",
    )
    assert not (tmp_path / "s.yaml").exists()
    (tmp_path / "seen.json").write_text(
        json.dumps({**as_data(observation_of(sample())), "unread": [[LABEL, "413", "text/html", 2]]})
    )
    lines = run("contract", "suggest", "seen.json").stderr.splitlines()
    assert lines == [
        "pytest-bctrl: 413 text/html: the bodies of 2 responses were skipped: only JSON is read",
        "pytest-bctrl: nothing to suggest: the contract already accepts the traffic",
    ]


def test_a_difference_that_no_overlay_can_express_exits_with_2(run: Run, tmp_path: Path) -> None:
    """A hundred different statuses; standard error names their location."""
    body: dict[str, Any] = sample()
    body["runtimes"] = [{**body["runtimes"][0], "status": f"s{number}"} for number in range(100)]
    (tmp_path / "seen.json").write_text(json.dumps(body))
    done = run("contract", "suggest", "seen.json")
    assert (done.returncode, "200 runtimes[*].status: " in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "arguments", ["--overlay s.yaml", "--output x.json", "--contract own.yaml", "--overlay gone.yaml --output x.json"]
)
def test_build_with_missing_arguments_exits_with_2(run: Run, tmp_path: Path, arguments: str) -> None:
    """It prints one line and writes no file."""
    (tmp_path / "s.yaml").write_text("overlay: 1.0.0\n")
    done = run("contract", "build", *arguments.split())
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "x.json").exists()


def test_the_command_to_run_next_names_no_upstream_that_the_project_sets(run: Run, tmp_path: Path) -> None:
    """`bctrl_upstream` is compared, and the suggested command compares it again."""
    write_sources(tmp_path, "a null that is never sent")
    (tmp_path / "pytest.ini").write_text("[pytest]\nbctrl_upstream = up.yaml\n", "utf-8")
    done = run("drift", "--observed", "seen.json", "--format", "json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["next"] == "pytest-bctrl drift --observed seen.json"
