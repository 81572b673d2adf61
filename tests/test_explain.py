"""`pytest-bctrl explain`: every rule has an explanation, and the kit detects the example that breaks the rule."""

from __future__ import annotations

import json
import shlex
import socket
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from pytest_bctrl import check
from pytest_bctrl.baseline.baseline_file import load_baseline
from pytest_bctrl.checks.rules import rules
from pytest_bctrl.cli import main
from pytest_bctrl.cli.explain import explanations
from pytest_bctrl.contract.overlay import merge_update
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.drift.rules import rules as drift_rules
from pytest_bctrl.request_checks.violation import request_rules
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.plan.catalogue import docstrings_by_test
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.retry import RetryPolicy
from tests.run_probes import run_probes
from tests.traffic.servers import CLOSE, serve
from tests.traffic.servers import response as response_of

CONTRACT = load()
EXPLANATIONS = {explanation.name: explanation for explanation in explanations(CONTRACT)}
IMPATIENT = RetryPolicy(statuses=frozenset({429}), budget=2.0, attempts=2, first_wait=0.01)
INVARIANTS = [rule["rule"] for rule in CONTRACT.operations[0].invariants]
RUN = ContractRun("live", CONTRACT, "", Secret("key_0123456789abcdef"), {"space_id": "s"}, "error", 5)


def is_found(rule: str, run: ContractRun, *tests: str) -> bool:
    """Return whether one of the tests of the contract suite, or of all tests if none is given, finds the rule."""
    target = Target(run, IMPATIENT, timeout=10)
    try:
        return any(
            finding.rule == rule for test in tests or docstrings_by_test() for finding in run_probes(target, test)
        )
    finally:
        target.close()


@pytest.mark.parametrize("name", rules())
def test_the_example_response_of_each_rule_triggers_the_rule(name: str) -> None:
    """The suite reports the rule for a server that sends the example response to the requests that it is for.

    Of a body that is not validated, `check` reports it.
    """
    rule = rules()[name]
    document = deepcopy(CONTRACT.document)
    merge_update(document["paths"]["/v1/spaces/{id}/runtimes"]["get"], json.loads(rule.documented))
    head, _, body = rule.http.partition("\n\n")
    length = "" if "Content-Length" in head or " 204 " in head else f"\nContent-Length: {len(body)}"
    response = f"{head}{length}\n\n".replace("\n", "\r\n").encode() + body.encode()

    def respond(connection: socket.socket, _number: int) -> object:
        """Send the example to the requests that it is for, an empty list to others, and 404 for an unknown path."""
        if "/runtimes" not in server.requests[-1]:
            connection.sendall(response_of(404))
            return CLOSE
        is_meant = rule.to.lower() in server.requests[-1].lower()
        connection.sendall(response if is_meant else response_of(body=b'{"runtimes": []}'))
        return CLOSE

    assert rule.http.rstrip() in EXPLANATIONS[name].example.replace("\n  ", "\n")
    if name == "response_not_checked":
        media_type = {"Content-Type": head.partition("Content-Type: ")[2]}
        request = httpx.Request("GET", "http://127.0.0.1/v1/spaces/a/runtimes")
        received = httpx.Response(200, headers=media_type, text=body, request=request)
        assert [name] == [finding.rule for finding in check(received, contract=from_document(document, "c.json"))]
        return
    with serve(respond) as server:
        assert is_found(name, replace(RUN, contract=from_document(document, "c.json"), base_url=server.url))


@pytest.mark.parametrize("name", INVARIANTS)
def test_the_example_fault_of_each_invariant_triggers_its_rule(name: str) -> None:
    fault = shlex.split(EXPLANATIONS[name].example)[-1]
    with MockServer(CONTRACT) as mock:
        mock.fault(fault)
        run = replace(RUN, base_url=mock.url, key=Secret(mock.api_key), values={"space_id": mock.space_id})
        assert is_found(name, run, "test_invariant")


def test_every_rule_has_an_explanation() -> None:
    """They are those of checks, invariants, requests and drift, in this order, and no part of one is empty."""
    assert [*rules(), *INVARIANTS, *request_rules(), *drift_rules()] == [*EXPLANATIONS]
    assert [] == [explanation for explanation in EXPLANATIONS.values() if "" in explanation]


@pytest.mark.parametrize("name", ["strict_json", "unique_ids", "api-server-removed"])
def test_the_printed_baseline_entry_can_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    """`explain RULE` prints an `allow:` entry that `load_baseline` reads as an entry of that rule."""
    assert 0 == main(["explain", name])
    text = capsys.readouterr().out
    file = tmp_path / "list.yaml"
    file.write_text(dedent(text[text.index("  allow:") :].partition("\n\n")[0]))
    assert [name] == [entry.rule for entry in load_baseline(file, "list.yaml").entries]


def test_without_an_argument_it_lists_the_names_of_all_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["explain"])
    lines = capsys.readouterr().out.splitlines()
    assert [*EXPLANATIONS] == lines


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("strict_jason", "did you mean strict_json?"),
        ("nullable", "did you mean request-body-became-not-nullable or "),
        ("zzzz", "pytest-bctrl explain lists the rules"),
    ],
)
def test_an_unknown_rule_is_a_one_line_error(capsys: pytest.CaptureFixture[str], name: str, hint: str) -> None:
    assert 2 == main(["explain", name])
    error = capsys.readouterr().err
    assert error.startswith(f"pytest-bctrl: explain: there is no rule '{name}' ({hint}")
    assert 1 == len(error.splitlines())


def test_invariants_without_an_overlay_refer_to_the_contract() -> None:
    """Their explanation names the contract and the mock command for it."""
    bare = from_document(CONTRACT.document, "own.json")
    shown = {
        (explanation.source, explanation.example.partition(" --fault")[0])
        for explanation in explanations(bare, "own.json")
        if explanation.kind == "invariant"
    }
    assert {("x-bctrl-invariants of own.json", "a response of: pytest-bctrl mock --contract=own.json")} == shown


def test_an_invariant_is_described_by_the_contract() -> None:
    """The explanation of an invariant is its `because`, with its remaining parts."""
    rule = {"rule": "one", "level": "error", "because": "a runtime's id is its own", "unique": "error"}
    operation = replace(CONTRACT.operations[0], invariants=(rule,))
    (shown,) = (
        explanation.checks
        for explanation in explanations(replace(CONTRACT, operations=(operation,)))
        if explanation.name == "one"
    )
    assert "A runtime's id is its own (unique: error)." == shown
