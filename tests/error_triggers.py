"""Mistakes of users, by name: each calls the package so that it raises an error."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest_bctrl
from pytest_bctrl import contract_check, mock_fault, mock_scenario, strategies
from pytest_bctrl.baseline.baseline_file import add_entries, load_baseline
from pytest_bctrl.checks.response import response_from
from pytest_bctrl.checks.run import flattened, run_check
from pytest_bctrl.cli import check, contract, drift, mock, options
from pytest_bctrl.cli.options import ReportFile, write_reports
from pytest_bctrl.cli.traffic import opened
from pytest_bctrl.contract import build, overlay
from pytest_bctrl.contract.budget import Budget
from pytest_bctrl.contract.build import prepare_update
from pytest_bctrl.contract.document import load_data, load_document, openapi_block
from pytest_bctrl.contract.files import ContractFiles, packaged
from pytest_bctrl.contract.read import from_document, from_validated, load
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.report import MAX_CHANGES
from pytest_bctrl.drift.settings import read_drift_settings
from pytest_bctrl.drift.sources import read_text
from pytest_bctrl.files.limits import DOCUMENT
from pytest_bctrl.findings.finding import Finding, parse_levels
from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.reports.verdict import Title
from pytest_bctrl.samples import Samples, response, runtime, runtimes
from pytest_bctrl.samples.mutants import broken
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings import secret_settings, table
from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.origin import base_url, connection, values
from pytest_bctrl.traffic.recordings.har_file import load as load_recording
from pytest_bctrl.traffic.recordings.har_read import decode
from tests.contract.documents import contract_of, document

from . import error_makers as make

Trigger = Callable[[Path], object]
FINDING = Finding("x", "error", "y", "z", fingerprint="f")
TITLED = "{overlay: 1.0.0, actions: [{target: $.info, update: {title: Mine}}]}"


TRIGGERS: Mapping[str, Trigger] = {
    # settings
    "both targets": lambda _: settings.target(make.Given(bctrl_live=True, bctrl_mock=True)),
    "fail on": lambda _: settings.fail_on(make.Given(bctrl_fail_on="fatal"), {}),
    "record mode": lambda _: settings.record_mode(make.Given({"bctrl_record_mode": "all"}), {}),
    "max examples": lambda _: settings.max_examples(make.Given(bctrl_max_examples="many"), {}),
    "upstream": lambda _: settings.upstream(make.Given(bctrl_upstream="nowhere.md"), {}),
    "scrub": lambda _: settings.scrubs_ids(make.Given({"bctrl_scrub": "names"})),
    "setting type": lambda _: settings.file_values(table.LEVELS, make.Given({"bctrl_levels": "x"})),
    "secret unset": lambda _: secret_settings.require_secrets(
        make.Given({"bctrl_secrets": ["$NOT_SET_HERE"], "bctrl_record_mode": "once"}), {}
    ),
    "secret short": lambda _: secret_settings.require_secrets(
        make.Given({"bctrl_record_mode": "once"}), {"BCTRL_API_KEY": "ab12"}
    ),
    "contract made circular": lambda _: make.circular(),
    "space missing": lambda _: settings.space_id(make.Given(), {}),
    "space odd": lambda _: settings.space_id(make.Given(bctrl_space_id=" x"), {}),
    "key missing": lambda _: secret_settings.api_key({}),
    "key odd": lambda _: secret_settings.api_key({"BCTRL_API_KEY": f"{make.KEY} x"}),
    "key given odd": lambda _: client("https://api.test", f"{make.KEY} ", live=True),
    "url none": lambda _: base_url("api.test", where="--bctrl-base-url"),
    "url user": lambda _: base_url("https://me:hidden@api.test", where="BCTRL_BASE_URL"),
    "url query": lambda _: base_url("https://api.test?key=hidden", where="BCTRL_BASE_URL"),
    "url plain": lambda _: base_url("http://api.test", where="BCTRL_BASE_URL"),
    "header none": lambda _: connection(make.Given({"bctrl_headers": ["X-Mine"]}), {}),
    "header ours": lambda _: connection(make.Given(bctrl_headers=["Authorization: Bearer $MINE"]), {"MINE": make.KEY}),
    "header unset": lambda _: connection(make.Given(bctrl_headers=["X-Mine: $NOT_SET_HERE"]), {}),
    "header odd": lambda _: connection(make.Given(bctrl_headers=["X-Mine: ${MINE}"]), {"MINE": f"{make.KEY}\n"}),
    "rate": lambda _: connection(make.Given(bctrl_rate="30 per minute"), {}),
    "rate none": lambda _: connection(make.Given({"bctrl_rate": "0/m"}), {}),
    "values": lambda _: values(make.Given({"bctrl_values": ["cursor"]}), {}),
    "client certificate": lambda folder: make.https(folder / "none.pem"),
    "CA file": lambda folder: make.https(SSL_CERT_FILE=str(folder / "none.pem")),
    "CA folder": lambda folder: make.https(SSL_CERT_DIR=str(folder / "none")),
    "proxy socks": lambda _: make.https(ALL_PROXY="socks5://proxy.test"),
    "proxy": lambda _: make.https(ALL_PROXY="ftp://proxy.test"),
    "level none": lambda _: parse_levels(["strict_json"], "bctrl_levels (ini)"),
    "level unknown": lambda _: parse_levels(["strict_json = fatal"], "bctrl_levels (ini)"),
    "level rule": lambda _: parse_levels(["nope = error"], "--level").require_known(["strict_json"]),
    # requests
    "unsafe": lambda _: make.ask_live("POST", "/v1/spaces/x/runtimes"),
    "unsafe override": lambda _: make.ask_live("GET", "/v1/spaces/x/runtimes?_method=DELETE"),
    "plain http": lambda _: make.ask_live("GET", "http://other.test/"),
    "secret copied": lambda _: copy.deepcopy(pickle.loads(pickle.dumps(Secret(make.KEY)))).reveal(),
    # own checks, scenarios and faults
    "check name": lambda _: contract_check("My Check"),
    "check taken": lambda _: contract_check("strict_json"),
    "check level": lambda _: contract_check("mine", level="fatal"),  # type: ignore[arg-type]
    "check raises": lambda _: run_check(contract_check("clumsy")(make.clumsy), object()),  # type: ignore[arg-type]
    "check none": lambda _: flattened([["x"]], int, "pytest_bctrl_checks"),
    "check twice": lambda _: flattened([[contract_check("a")(make.clumsy)] * 2], object, "pytest_bctrl_checks"),
    "fault level": lambda _: mock_fault("mine", level="fatal"),  # type: ignore[arg-type]
    "fault name": lambda _: mock_fault("My Fault"),
    "scenario taken": lambda _: mock_scenario("many"),
    "fault raises": lambda _: make.with_fault(make.fails),
    "fault returns": lambda _: make.with_fault(make.own),
    "fault unsendable": lambda _: make.with_fault(lambda _context: MockResponse("200")),  # type: ignore[arg-type]
    "scenario raises": lambda _: make.server().extend([mock_scenario("mine")(make.fails)]).scenario("mine"),
    "scenario arguments": lambda _: make.server().extend([mock_scenario("mine")(make.own)]).scenario("mine", count=3),
    "plugin wrong": lambda folder: make.plugin(folder, "contract_check('My Check')"),
    "plugin missing": lambda _: options.gathered(["no_such_module"], {"pytest_bctrl_checks": object}),
    "plugin without": lambda _: options.gathered(["json"], {"pytest_bctrl_checks": object}),
    # mock
    "mock scenario": lambda _: make.server().scenario("day"),
    "mock runtimes": lambda _: setattr(make.server(), "runtimes", [{"id": 1j}]),
    "mock edited": lambda _: make.server().runtimes.clear(),
    "mock update": lambda _: make.server().scenario("empty").update("x", name="y"),
    "mock changes": lambda _: make.server().sequence({runtime()["id"]: 3}),
    "mock step": lambda _: make.server().sequence(1.5),
    "mock count": lambda _: make.server().scenario("many", count=-1),
    "mock scenario arguments": lambda _: make.server().scenario("empty", count=3),
    "mock fault": lambda _: make.server().fault("explode"),
    "mock fault arguments": lambda _: make.server().fault("hang", 3),
    "mock fault status": lambda _: make.server().fault("status", 42),
    "mock fault delay": lambda _: make.server().fault("delay", -1),
    "mock fault times": lambda _: make.server().fault("hang", times=0),
    "mock fault header": lambda _: make.server().fault("redirect", "x\ny"),
    "mock spelling": lambda _: make.server().fault("status(503"),
    "mock rule": lambda _: broken(Samples(load(), load().operations[0]), {}, "nope"),
    "mock port": lambda _: make.server(port=70000).start(),
    "mock host": lambda _: make.server(host="192.0.2.1").start(),
    "mock file": lambda folder: make.server().serve_file(folder / "none.json"),
    "mock recording": lambda folder: make.run(mock, "--quiet", "--recording", str(folder / "none.har")),
    "mock key": lambda _: make.run(mock, "--quiet", "--api-key-env", "NOT_SET_HERE"),
    "mock contract": lambda _: make.run(mock, "--contract", "nope.yaml"),
    # samples
    "sample override": lambda _: runtime(status="archived"),
    "sample twice": lambda _: response([runtime(), runtime()]),
    "sample data": lambda _: runtime(metadata={"x": float("nan")}),
    "sample count": lambda _: runtimes(-1),
    "sample pattern": lambda _: make.sample({"type": "string", "pattern": "^(?=a)b$"}),
    "sample format": lambda _: make.sample({"type": "string", "format": "uuid", "maxLength": 3}),
    "sample limits": lambda _: make.sample({"type": "integer", "minimum": 3, "maximum": 2}),
    "sample rules": lambda _: make.contradicted().sample(),
    "invariant place": lambda _: make.contradicted("runtimes[*"),
    "sample nothing": lambda _: make.sample({"not": {}}),
    "sample item": lambda _: make.listing(False).item(),
    "sample bodiless": lambda _: make.bodiless(),
    "sample list": lambda _: Samples(contract_of({"type": "object"}), contract_of().operations[0]).with_items([]),
    # responses
    "answer none": lambda _: response_from(42, load()),
    "answer unread": lambda _: response_from(make.unread(), load()),
    "answer data": lambda _: response_from({"x": object()}, load()),
    "answer operation": lambda _: response_from(b"{}", make.two()),
    "operation unknown": lambda _: load().operation("nope"),
    # contract files
    "show": lambda _: make.run(contract, "show", "nope.yaml"),
    "contract json": lambda folder: load(make.written(folder, "{")),
    "contract other": lambda folder: load(make.written(folder, "swagger: '2.0'")),
    "contract shape": lambda _: from_document({**document(), "paths": {"/x": {"get": 1}}}, "x.yaml"),
    "contract nowhere": lambda _: contract_of({"$ref": "#/components/schemas/None"}),
    "contract outside": lambda _: contract_of({"$ref": "other.yaml#/x"}),
    "contract circle": lambda _: contract_of(
        {"$ref": "#/components/schemas/A"}, {"A": {"$ref": "#/components/schemas/A"}}
    ),
    "contract response circle": lambda _: from_validated(make.response_circle(), "x.yaml"),
    "contract scheme": lambda _: contract_of(security=[{"nope": []}]),
    "build changed": lambda folder: build.build(make.files(folder, spec="openapi: 3.1.0")),
    "build lock": lambda folder: build.build(make.files(folder, lock="[]")),
    "build missing": lambda folder: build.build(ContractFiles(folder)),
    "build other": lambda folder: build.merge_contract(make.files(folder, spec="- 1")),
    "build alone": lambda folder: make.run(contract, "build", "--overlay", str(folder)),
    "build packaged": lambda folder: make.run(
        contract, "build", "--overlay", make.written(folder, TITLED), "--output", str(packaged().merged)
    ),
    "build folder": lambda folder: build.write_files({folder: ""}),
    "build unwritable": lambda folder: build.write_files({folder / "none" / "file": ""}),
    "contract lacks": lambda folder: make.lacking(folder / "contracts"),
    "lock without url": lambda folder: build.published_url(
        make.files(folder, lock=build.lock_text("page.md", "2026-11-28", ""))
    ),
    "update lock": lambda folder: contract.update(make.files(folder, lock="{}"), None, True),
    "update missing": lambda folder: prepare_update("openapi: 3.1.0\npaths: {}", "x", ContractFiles(folder), None),  # type: ignore[arg-type]
    "overlay missing": lambda folder: build.contract_with_overlay(load_data(document(), "x"), folder / "none.yaml"),
    "overlay outdated": lambda folder: build.contract_with_overlay(
        load_data(document(), "x.yaml"), Path(make.written(folder, TITLED.replace("info", "nope"), "overlay.yaml"))
    ),
    "overlay version": lambda _: overlay.apply({}, {}, "overlay.yaml"),
    "overlay empty": lambda _: overlay.apply({"overlay": "1.0.0"}, {}, "overlay.yaml"),
    "overlay target": lambda _: make.applied({"remove": True}),
    "overlay nothing": lambda _: make.applied({"target": "$.nope", "remove": True}),
    "overlay neither": lambda _: make.applied({"target": "$.info"}),
    "overlay whole": lambda _: make.applied({"target": "$", "remove": True}),
    "overlay mix": lambda _: make.applied({"target": "$.info", "update": [1]}),
    "overlay kinds": lambda _: make.applied({"target": "$..*", "update": 1}, "1.1.0"),
    "overlay copy": lambda _: make.applied({"target": "$.info", "copy": "$.nope"}, "1.1.0"),
    "jsonpath": lambda _: make.applied({"target": "$.a[?broken", "remove": True}),
    "page none": lambda _: openapi_block("# Title", "page.md"),
    "page two": lambda _: openapi_block("```yaml\nopenapi: 3.1.0\n```\n" * 2, "page.md"),
    # documents
    "document empty": lambda _: load_document("", "x.yaml"),
    "document html": lambda _: load_document("<!doctype html>", "x"),
    "document swagger": lambda _: load_document("swagger: '2.0'", "x.yaml"),
    "document other": lambda _: load_document("a: 1", "x.yaml"),
    "document list": lambda _: load_data([], "x.yaml"),
    "document version": lambda _: load_document("openapi: 4.0.0", "x.yaml"),
    "document paths": lambda _: load_document("openapi: 3.1.0\npaths: 1", "x.yaml"),
    "document cut": lambda _: load_document("openapi: 3.1.0", "x.yaml"),
    "document json": lambda _: load_document("{", "x.json"),
    "document key twice": lambda _: load_document('{"openapi": "3.1.0", "openapi": "3.1.0"}', "x.json"),
    "document yaml": lambda _: read_yaml("a: [", "x.yaml"),
    "document yaml twice": lambda _: read_yaml("a: 1\na: 2", "x.yaml"),
    # drift
    "drift base": lambda _: make.run(drift, "page.md", "--base", "none.yaml"),
    "drift upstream": lambda folder: make.run(drift, "none.md"),
    "drift stdin twice": lambda _: make.run(drift, "-", "--base", "-"),
    "drift until": lambda _: make.run(drift, "--until", "2030-01-01"),
    "drift date": lambda _: make.run(drift, "--accept", "x", "--until", "soon"),
    "drift past": lambda _: make.run(drift, "--accept", "x", "--until", "2020-01-01"),
    "drift formats": lambda _: make.run(drift, "--format", "json", "--format", "sarif"),
    "drift list": lambda _: make.run(drift, "--baseline", "none.yaml"),
    "drift output": lambda _: write_reports([ReportFile("json", "none/x.json")], [], Title("drift", "a", "b")),
    "drift changes": lambda _: compare(make.paths_of(1), make.paths_of(MAX_CHANGES + 2)),
    "source http": lambda _: read_text("http://docs.test/page.md"),
    "source key": lambda _: read_text("https://me:hidden@docs.test/page.md"),
    "source missing": lambda _: read_text("none.md"),
    "source revision": lambda _: read_text("git:HEAD"),
    "source gone": lambda _: make.fetched(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    "source cut": lambda _: make.fetched(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
    "source coding": lambda _: make.fetched(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx"),
    "source broken": lambda _: make.fetched(b"nonsense\r\n\r\n"),
    "source refused": lambda _: make.fetched(b""),
    "source bytes": lambda folder: read_text(make.written(folder, b"\xff", "file")),
    "source large": lambda folder: read_text(make.written(folder, b" " * (DOCUMENT + 1), "file")),
    "source folder": lambda folder: read_text(str(folder)),
    "source url": lambda _: read_text("https://[docs.test/page.md"),
    "document large": lambda _: load_document(" " * (DOCUMENT + 1), "x.yaml"),
    "document bytes": lambda _: read_yaml("a: \x00", "x.yaml"),
    "document deep": lambda _: load_document("[" * 100_000, "x.json"),
    "document nested": lambda _: load_data({"openapi": "3.1.0", "paths": make.nested(300)}, "x.yaml"),
    "document number": lambda _: load_document('{"openapi": NaN}', "x.json"),
    "document digits": lambda _: load_document('{"openapi": ' + "1" * 5000 + "}", "x.json"),
    "document infinite": lambda _: load_document('{"openapi": 1e999}', "x.json"),
    "document yaml number": lambda _: read_yaml("a: 1e999", "x.yaml"),
    "document yaml digits": lambda _: read_yaml("a: " + "1" * 5000, "x.yaml"),
    "document yaml nan": lambda _: read_yaml("a: .nan", "x.yaml"),
    "document yaml key": lambda _: read_yaml("a: &x [1]\n*x : 2", "x.yaml"),
    "document yaml merge": lambda _: read_yaml("a: {<<: 1}", "x.yaml"),
    "contract deep": lambda folder: load(make.written(folder, '{"a":' * 200_000)),
    "contract costly": lambda _: contract_of({"allOf": [make.schema_ref()] * 200}, {"S": {"allOf": [{}] * 200}}),
    "contract row": lambda _: contract_of(make.schema_ref(200), make.schemas_in_a_row(200)),
    "contract combinations": lambda _: Budget(20_000).spend("x.json: #/components/schemas/S", 20_001),
    "contract combinations inside": lambda _: make.spent("x.json: #/components/schemas/S", 20_000),
    "contract no anchor": lambda _: contract_of({"$dynamicRef": "#nobody"}),
    "contract no operation": lambda _: from_document({**document(), "paths": {}}, "x.yaml"),
    "contract dialect": lambda _: contract_of({"$schema": "https://example.org/dialect"}),
    "contract pattern": lambda _: contract_of({"pattern": "[a-"}),
    "sample values": lambda _: make.sampled(
        {"required": ["a"], "properties": {"a": {"type": "object", "minProperties": 10**9}}}
    ),
    "sample text": lambda _: make.sampled({"type": "string", "minLength": 10**9}),
    "contract leads to text": lambda _: from_document(
        {**document(), "paths": {"/x": {"$ref": "#/info/title"}}}, "x.yaml"
    ),
    "baseline flow": lambda _: add_entries(
        "allow: [{fingerprint: f, reason: r, until: 2030-01-01}]", "gate.yaml", [FINDING], "why", date(2030, 1, 1)
    ),
    "baseline bytes": lambda folder: load_baseline(Path(make.written(folder, b"\xff", "file")), "gate.yaml"),
    "baseline folder": lambda folder: load_baseline(folder, "gate.yaml"),
    "drift settings unknown": lambda _: read_drift_settings("level: []", "gate.yaml"),
    "installed contract": lambda _: contract._reject_installed(
        ContractFiles(Path(pytest_bctrl.__file__).parent / "contracts"), "update"
    ),
    "list item": lambda _: Samples(make.listless(), make.listless().operations[0]).item_schema,
    "list strategy": lambda _: strategies.responses(contract=make.listless()),
    "recording cut": lambda _: decode(b"", "x.har"),
    "recording folder": lambda folder: load_recording(folder),
    "traffic none": lambda folder: make.traffic(folder, "{"),
    "traffic other": lambda folder: make.traffic(folder, '{"log": {"version": "1.2", "creator": {}, "entries": []}}'),
    "traffic cut": lambda folder: make.traffic(folder, "{", "file.har"),
    "traffic mock": lambda folder: make.traffic(folder, '{"version": 1, "tool": {}, "findings": [], "target": "mock"}'),
    "traffic version": lambda folder: make.traffic(folder, '{"version": 99, "places": {}, "statuses": {}}'),
    "traffic bare": lambda folder: make.traffic_of_two(folder),
    # check
    "check nothing": lambda _: make.no_entries(),
    "check list": lambda _: make.run(check, "x.har", "--baseline", "none.yaml"),
    "check until": lambda _: make.run(check, "x.har", "--until", "2030-01-01"),
    "check recording": lambda _: opened("none.har"),
    "check contract": lambda _: make.run(check, "x.har", "--contract", "nope.yaml"),
}
