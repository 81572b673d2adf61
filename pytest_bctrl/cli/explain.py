"""`pytest-bctrl explain`: what a rule checks, its source, an example that breaks it, and how to accept a finding."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import date, timedelta
from difflib import get_close_matches
from shlex import quote
from textwrap import indent
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.baseline.baseline_file import DAYS, FILE
from pytest_bctrl.checks.rules import rules
from pytest_bctrl.cli.project import add_contract_argument, load_contract
from pytest_bctrl.contract.files import built_from
from pytest_bctrl.drift.examples import example as drift_example
from pytest_bctrl.drift.rules import rules as drift_rules
from pytest_bctrl.drift.rules import why
from pytest_bctrl.drift.settings import FILE as DRIFT_FILE
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_line, escape_lines
from pytest_bctrl.reports.wording import sentence
from pytest_bctrl.request_checks.violation import request_rules

if TYPE_CHECKING:
    from pytest_bctrl.checks.rules import Rule
    from pytest_bctrl.contract.model import Contract
    from pytest_bctrl.drift.rules import Rule as DriftRule

EXAMPLES = ("pytest-bctrl explain strict_json", "pytest-bctrl explain response-property-enum-value-added")
_DRIFT_SOURCE = "the rules of the drift gate; their ids are those of oasdiff if it has the rule"


class Explanation(NamedTuple):
    """The explanation of one rule. `kind` is check, invariant, request or drift; `example` may have several lines."""

    name: str
    level: str
    kind: str
    checks: str
    source: str
    example: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "rule", nargs="?", metavar="RULE", help="name of a rule, as in findings; default: list the names of all rules"
    )
    add_contract_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation of a rule, or the names of all rules. Raises `SettingError` for an unknown rule."""
    contract = load_contract(arguments.contract)
    name = arguments.rule
    by_name = {explanation.name: explanation for explanation in explanations(contract, arguments.contract)}
    if name is None:
        print("\n".join(map(escape_line, by_name)))
        return 0
    if name not in by_name:
        similar_names = get_close_matches(name, by_name, n=3) or [rule for rule in by_name if name in rule][:3]
        hint = "pytest-bctrl explain lists the rules"
        if similar_names:
            hint = f"did you mean {' or '.join(similar_names)}?"
        raise SettingError(f"there is no rule {name!r}", where="explain", hint=hint)
    print(escape_lines(_explanation_text(by_name[name], date.today() + timedelta(days=DAYS))))
    return 0


def explanations(contract: Contract, document: str | None = None) -> Iterator[Explanation]:
    """Yield the explanation of each rule: of checks, the contract's invariants, requests and the drift gate.

    `document` is the value of `--contract`, for the commands in the examples.
    """
    for name, rule in rules().items():
        yield Explanation(name, rule.level, "check", sentence([rule.checks]), rule.said_in, _check_example(rule))
    yield from _invariant_explanations(contract, document)
    for name, request_rule in request_rules().items():
        example = f"this request:\n\n{indent(request_rule.request.strip(), '  ')}"
        yield Explanation(
            name, request_rule.level, "request", sentence([request_rule.checks]), request_rule.said_in, example
        )
    for drift_rule in drift_rules().values():
        yield _drift_explanation(drift_rule)


def _check_example(rule: Rule) -> str:
    """Return an example that breaks a rule of checks: a server with an invalid response."""
    requests = "to every request"
    if rule.to:
        requests = f"to every request with {rule.to}"
    example = f"a server that sends this response {requests}:\n\n{indent(rule.http.rstrip(), '  ')}"
    if rule.documented == "{}":
        return example
    return f"an operation with {rule.documented}, and {example}"


def _invariant_explanations(contract: Contract, document: str | None) -> Iterator[Explanation]:
    """Yield an explanation of each invariant of the contract."""
    option = ""
    if document is not None:
        option = f" --contract={quote(document)}"
    invariants = [invariant for operation in contract.operations for invariant in operation.invariants]
    for invariant in {invariant["rule"]: invariant for invariant in invariants}.values():
        parts = dict(invariant)
        name, level, because = (parts.pop(key) for key in ("rule", "level", "because"))
        entry = ", ".join(f"{key}: {value}" for key, value in parts.items()).replace("'", "")
        source = f"x-bctrl-invariants of {_origin_of_invariant(contract, name)}"
        example = f"a response of: pytest-bctrl mock{option} --fault \"break_rule('{name}')\""
        yield Explanation(name, level, "invariant", sentence([f"{because} ({entry})"]), source, example)


def _drift_explanation(rule: DriftRule) -> Explanation:
    """Return the explanation of a drift rule, with its smallest example."""
    before, after = (json.dumps(side, ensure_ascii=False) for side in drift_example(rule.id).shown)
    example = f"this change of the spec:\n\n  before  {before}\n  after   {after}"
    checks = f"{rule.meaning} {why(rule, rule.level)}"
    return Explanation(rule.id, rule.level, "drift", checks, _DRIFT_SOURCE, example)


def _origin_of_invariant(contract: Contract, rule: str) -> str:
    """Return the overlay's name and the description of the action that adds an invariant; else the contract's name."""
    from pytest_bctrl.contract.yaml_source import read_yaml
    from pytest_bctrl.files.limits import read_text

    files = built_from(contract.name)
    if files is None:
        return contract.name
    actions = read_yaml(read_text(files.overlay), str(files.overlay))["actions"]
    action: dict[str, Any] = next((action for action in actions if rule in str(action.get("update"))), {})
    return f"{files.overlay.name}: {action.get('description', '')}"


def _explanation_text(explanation: Explanation, until: date) -> str:
    """Return an explanation as text, with the baseline entry that accepts a finding of the rule."""
    name = explanation.name
    head = f"""\
{name}  {explanation.level}  ({explanation.kind})

{explanation.checks}

source    {explanation.source}
broken by {explanation.example}
"""
    if explanation.kind == "request":
        return f"""\
{head}
reported by pytest_bctrl.check_request(request), and by bctrl_mock.requests.assert_conforming()"""
    if explanation.kind == "drift":
        accept = "pytest-bctrl drift --accept REASON"
        set_level = f"levels: {{{name}: LEVEL}} in {DRIFT_FILE}"
    else:
        accept = "pytest --bctrl-live bctrl --bctrl-accept=REASON"
        set_level = f"bctrl_levels = {name} = LEVEL"
    return f"""\
{head}
accept findings until a date, in {FILE}:

  allow:
    - rule: {name}
      location: LOCATION, as in the finding
      reason: REASON
      until: {until}

{accept} writes an entry for each current finding.
Or change its level: {set_level}"""
