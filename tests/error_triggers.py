"""Mistakes of users that other tests do not cover, by name: functions that make the package raise an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest_bctrl
from pytest_bctrl import mock_fault, mock_scenario, strategies
from pytest_bctrl.cli import contract, drift, mock, options
from pytest_bctrl.cli.options import ReportFile, write_reports
from pytest_bctrl.cli.traffic import open_traffic
from pytest_bctrl.contract.document import load_data, load_document
from pytest_bctrl.contract.files import ContractFiles, packaged
from pytest_bctrl.contract.in_force import ContractInForce
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.report import MAX_CHANGES
from pytest_bctrl.files.limits import DOCUMENT
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.reports.verdict import Title
from pytest_bctrl.samples import Samples, runtime
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings import secret_settings
from pytest_bctrl.traffic.origin import connection, values
from pytest_bctrl.traffic.recordings.har_file import load as load_recording

from . import error_makers as make

Trigger = Callable[[Path], object]
FINDING = Finding("x", "error", "y", "z", fingerprint="f")
TITLED = "{overlay: 1.0.0, actions: [{target: $.info, update: {title: Mine}}]}"


TRIGGERS: Mapping[str, Trigger] = {
    # settings
    "both targets": lambda _: settings.target(make.Given(bctrl_live=True, bctrl_mock=True)),
    "upstream": lambda _: settings.upstream(make.Given(bctrl_upstream="nowhere.md"), {}),
    "secret short": lambda _: secret_settings.require_secrets(
        make.Given({"bctrl_record_mode": "once"}), {"BCTRL_API_KEY": "ab12"}
    ),
    "contract made circular": lambda _: make.circular(),
    "header none": lambda _: connection(make.Given({"bctrl_headers": ["X-Mine"]}), {}),
    "header ours": lambda _: connection(make.Given(bctrl_headers=["Content-Length: $MINE"]), {"MINE": make.KEY}),
    "header unset": lambda _: connection(make.Given(bctrl_headers=["X-Mine: $NOT_SET_HERE"]), {}),
    "header odd": lambda _: connection(make.Given(bctrl_headers=["X-Mine: ${MINE}"]), {"MINE": f"{make.KEY}\n"}),
    "rate": lambda _: connection(make.Given(bctrl_rate="30 per minute"), {}),
    "values": lambda _: values(make.Given({"bctrl_values": ["cursor"]}), {}),
    "client certificate": lambda folder: make.https(folder / "none.pem"),
    "CA file": lambda folder: make.https(SSL_CERT_FILE=str(folder / "none.pem")),
    "CA folder": lambda folder: make.https(SSL_CERT_DIR=str(folder / "none")),
    "proxy socks": lambda _: make.https(ALL_PROXY="socks5://proxy.test"),
    # own checks, scenarios and faults
    "fault level": lambda _: mock_fault("mine", level="fatal"),  # type: ignore[arg-type]
    "fault name": lambda _: mock_fault("My Fault"),
    "scenario taken": lambda _: mock_scenario("many"),
    "fault returns": lambda _: make.with_fault(make.unchanged),
    "plugin missing": lambda _: options.load_custom_parts(["no_such_module"], {"pytest_bctrl_checks": object}),
    "plugin without": lambda _: options.load_custom_parts(["json"], {"pytest_bctrl_checks": object}),
    # mock
    "mock changes": lambda _: make.server().sequence({runtime()["id"]: 3}),
    "mock step": lambda _: make.server().sequence(1.5),
    "mock port": lambda _: make.server(port=70000).start(),
    "mock file": lambda folder: make.server().serve_file(folder / "none.json"),
    "mock recording": lambda folder: make.run(mock, "--quiet", "--recording", str(folder / "none.har")),
    "mock key": lambda _: make.run(mock, "--quiet", "--api-key-env", "NOT_SET_HERE"),
    # samples
    "sample rules": lambda _: make.contradicted().sample(),
    "sample item": lambda _: make.listing(False).item(),
    "sample bodiless": lambda _: make.bodiless(),
    # contract files
    "build packaged": lambda folder: make.run(
        contract, "build", "--overlay", make.written(folder, TITLED), "--output", str(packaged().merged)
    ),
    "build inputs": lambda folder: make.run(
        contract,
        "build",
        "--overlay",
        make.written(folder, TITLED),
        "--output",
        make.written(folder, TITLED),
    ),
    # documents
    "document html": lambda _: load_document("<!doctype html>", "x"),
    # drift
    "drift base": lambda _: make.run(drift, "page.md", "--base", "none.yaml"),
    "drift stdin twice": lambda _: make.run(drift, "-", "--base", "-"),
    "drift until": lambda _: make.run(drift, "--until", "2030-01-01"),
    "drift date": lambda _: make.run(drift, "--accept", "x", "--until", "soon"),
    "drift past": lambda _: make.run(drift, "--accept", "x", "--until", "2020-01-01"),
    "drift formats": lambda _: make.run(drift, "--format", "json", "--format", "sarif"),
    "drift output": lambda _: write_reports([ReportFile("json", "none/x.json")], [], Title("drift", "a", "b")),
    "drift changes": lambda _: compare(make.scopes_of(1), make.scopes_of(MAX_CHANGES + 2)),
    "document large": lambda _: load_document(" " * (DOCUMENT + 1), "x.yaml"),
    "document nested": lambda _: load_data({"openapi": "3.1.0", "paths": make.nested(300)}, "x.yaml"),
    "document number": lambda _: load_document('{"openapi": NaN}', "x.json"),
    "document digits": lambda _: load_document('{"openapi": ' + "1" * 5000 + "}", "x.json"),
    "document infinite": lambda _: load_document('{"openapi": 1e999}', "x.json"),
    "sample values": lambda _: make.sampled(
        {"required": ["a"], "properties": {"a": {"type": "object", "minProperties": 10**9}}}
    ),
    "sample text": lambda _: make.sampled({"type": "string", "minLength": 10**9}),
    "installed contract": lambda _: contract._reject_installed(
        ContractInForce(Path(), "packaged", ContractFiles(Path(pytest_bctrl.__file__).parent / "contracts")), "update"
    ),
    "list item": lambda _: Samples(make.listless(), make.listless().operations[0]).item_schema,
    "list strategy": lambda _: strategies.responses(contract=make.listless()),
    "recording folder": lambda folder: load_recording(folder),
    "traffic bare": lambda folder: make.traffic_of_two(folder),
    # check
    "check recording": lambda _: open_traffic("none.har"),
}
