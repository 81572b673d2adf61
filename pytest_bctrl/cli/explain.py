"""`pytest-bctrl explain`: what a rule checks, where that is said, an example that breaks it, how to ignore it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import date, timedelta
from difflib import get_close_matches
from shlex import quote
from textwrap import indent
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.baseline.allowlist import DAYS, FILE
from pytest_bctrl.checks.rules import rules
from pytest_bctrl.cli.project import add_contract_argument, load_contract
from pytest_bctrl.contract.files import built_from
from pytest_bctrl.drift.examples import example as example_of
from pytest_bctrl.drift.gate_file import FILE as GATE_FILE
from pytest_bctrl.drift.rules import rules as drift_rules
from pytest_bctrl.drift.rules import why
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_line, escape_lines
from pytest_bctrl.reports.wording import sentence

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Contract

EXAMPLES = ("pytest-bctrl explain strict_json", "pytest-bctrl explain response-property-enum-value-added")


class Explanation(NamedTuple):
    """What there is to say of a rule; its `kind` is check, invariant or drift, its example may have several lines."""

    name: str
    level: str
    kind: str
    checks: str
    said_in: str
    example: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "rule", nargs="?", metavar="RULE", help="name of a rule, as findings have it; default: list all"
    )
    add_contract_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print one explanation, or the list of all rules. Raises `SettingError` for a rule that is not known."""
    contract = load_contract(arguments.contract)
    name, known = arguments.rule, {one.name: one for one in explanations(contract, arguments.contract)}
    if name is None:
        print("\n".join(escape_line(f"{one.name}  {one.level}  {one.checks}") for one in known.values()))
        print("\npytest-bctrl explain RULE says more of one")
    elif name in known:
        print(escape_lines(_text(known[name], date.today() + timedelta(days=DAYS))))
    else:
        near = get_close_matches(name, known, n=3) or [one for one in known if name in one][:3]
        hint = f"did you mean {' or '.join(near)}?" if near else "pytest-bctrl explain lists the rules"
        raise SettingError(f"there is no rule {name!r}", where="explain", hint=hint)
    return 0


def explanations(contract: Contract, document: str | None = None) -> Iterator[Explanation]:
    """Yield an explanation of each rule of the checks, of the contract's invariants and of the drift gate.

    `document` is what `--contract` names, for the commands in them.
    """
    for name, rule in rules().items():
        given = f"where the operation has {rule.documented}, " if rule.documented != "{}" else ""
        to = f"to every request with {rule.to}" if rule.to else "to every request"
        example = f"{given}a server that gives this answer {to}:\n\n{indent(rule.http.rstrip(), '  ')}"
        yield Explanation(name, rule.level, "check", sentence([rule.checks]), rule.said_in, example)
    option = "" if document is None else f" --contract={quote(document)}"
    for invariant in {one["rule"]: one for operation in contract.operations for one in operation.invariants}.values():
        parts = dict(invariant)
        name, level, because = (parts.pop(key) for key in ("rule", "level", "because"))
        entry = ", ".join(f"{key}: {value}" for key, value in parts.items()).replace("'", "")
        said_in = f"x-bctrl-invariants of {_action(contract, name)}"
        example = f"an answer of: pytest-bctrl mock{option} --fault \"break_rule('{name}')\""
        yield Explanation(name, level, "invariant", sentence([f"{because} ({entry})"]), said_in, example)
    for drift_rule in drift_rules().values():
        name, level, oasdiff = drift_rule.id, drift_rule.level, drift_rule.oasdiff
        before, after = (json.dumps(side, ensure_ascii=False) for side in example_of(name).shown)
        known = {"-": "pytest-bctrl; oasdiff has no such rule", level: "oasdiff, with the same level"}
        stricter = f"oasdiff, with the level {oasdiff}; stricter here, since a consumer that validates breaks"
        change = f"this change of the spec:\n\n  before  {before}\n  after   {after}"
        checks = f"{drift_rule.meaning} {why(drift_rule, level)}"
        yield Explanation(name, level, "drift", checks, known.get(oasdiff, stricter), change)


def _action(contract: Contract, rule: str) -> str:
    """The overlay's action that adds an invariant, or the contract where it has no overlay."""
    from pytest_bctrl.contract.yaml_source import read_yaml
    from pytest_bctrl.files.limits import read_text

    files = built_from(contract.name)
    if files is None:
        return contract.name
    actions = read_yaml(read_text(files.overlay), str(files.overlay))["actions"]
    action: dict[str, Any] = next((one for one in actions if rule in str(one.get("update"))), {})
    return f"{files.overlay.name}: {action.get('description', '')}"


def _text(one: Explanation, until: date) -> str:
    is_drift = one.kind == "drift"
    accept = "pytest-bctrl drift --accept REASON" if is_drift else "pytest --bctrl-live bctrl --bctrl-accept=REASON"
    levels = f"levels: {{{one.name}: LEVEL}} in {GATE_FILE}" if is_drift else f"bctrl_levels = {one.name} = LEVEL"
    return f"""\
{one.name}  {one.level}  ({one.kind})

{one.checks}

said in   {one.said_in}
broken by {one.example}

ignore it until a date, in {GATE_FILE if is_drift else FILE}:

  allow:
    - rule: {one.name}
      location: LOCATION, as the finding has it
      reason: REASON
      until: {until}

{accept} writes such entries for all that fails now.
Or change its level: {levels}"""
