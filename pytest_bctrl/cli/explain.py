"""`pytest-bctrl explain`: what a rule checks, where that is said, an example that breaks it, how to ignore it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from difflib import get_close_matches
from textwrap import indent
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.baseline.allowlist import DAYS, FILE
from pytest_bctrl.checks.rules import Rule, rules
from pytest_bctrl.contract.files import built_from
from pytest_bctrl.drift.gate_file import FILE as GATE_FILE
from pytest_bctrl.drift.rules import rules as drift_rules
from pytest_bctrl.errors import SettingError

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Contract

EXAMPLES = ("pytest-bctrl explain strict_json", "pytest-bctrl explain response-property-enum-value-added")


class Explanation(NamedTuple):
    """What there is to say of a rule; `example` and `said_in` may have several lines."""

    name: str
    level: str
    kind: str
    checks: str
    said_in: str
    example: str
    file: str
    set_level: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "rule", nargs="?", metavar="RULE", help="name of a rule, as findings have it; default: list all"
    )
    parser.add_argument("--contract", metavar="PATH", help="an OpenAPI document; default: the packaged contract")


def run(arguments: argparse.Namespace) -> int:
    """Print one explanation, or the list of all rules. Raises `SettingError` for a rule that is not known."""
    from pytest_bctrl.contract.read import load

    known = {one.name: one for one in explanations(load(arguments.contract))}
    if arguments.rule is None:
        print("\n".join(f"{one.name}  {one.level}  {one.checks}" for one in known.values()))
        print("\npytest-bctrl explain RULE tells more of one")
    elif arguments.rule in known:
        print(told(known[arguments.rule], date.today() + timedelta(days=DAYS)))
    else:
        raise SettingError(
            f"there is no rule {arguments.rule!r}", where="explain", hint=_nearest(arguments.rule, known)
        )
    return 0


def _nearest(name: str, known: dict[str, Any]) -> str:
    found = get_close_matches(name, known, n=3) or [one for one in known if name in one][:3]
    return f"did you mean {' or '.join(found)}?" if found else "pytest-bctrl explain lists the rules"


def explanations(contract: Contract) -> Iterator[Explanation]:
    """Yield an explanation of each rule of the checks, of the contract's invariants and of the drift gate."""
    for name, rule in rules().items():
        yield _of_check(name, rule)
    for invariant in {one["rule"]: one for operation in contract.operations for one in operation.invariants}.values():
        yield _of_invariant(contract, invariant)
    yield from map(_of_drift, drift_rules())


def _of_check(name: str, rule: Rule) -> Explanation:
    where = f"where the operation has {rule.documented}, " if rule.documented != "{}" else ""
    to = f"to every request with {rule.to}" if rule.to else "to every request"
    example = f"{where}a server that gives this answer {to}:\n\n{indent(rule.http.rstrip(), '  ')}"
    return Explanation(name, rule.level, "check", _sentence(rule.checks), rule.said_in, example, FILE, _LEVELS)


def _of_invariant(contract: Contract, said: Mapping[str, Any]) -> Explanation:
    name, level, because = said["rule"], said["level"], said["because"]
    entry = ", ".join(f"{key}: {value}" for key, value in said.items() if value not in (name, level, because))
    example = f"an answer of: pytest-bctrl mock --fault \"break_rule('{name}')\""
    where = f"x-bctrl-invariants of {_action(contract, name)}"
    return Explanation(
        name, level, "invariant", f"{because} ({entry}).".replace("'", ""), where, example, FILE, _LEVELS
    )


def _action(contract: Contract, rule: str) -> str:
    """The overlay's action that adds an invariant, or the contract where it has no overlay."""
    from pytest_bctrl.contract.yaml_source import read_yaml
    from pytest_bctrl.incoming import read_text

    files = built_from(contract.name)
    if files is None:
        return contract.name
    actions = read_yaml(read_text(files.overlay), str(files.overlay))["actions"]
    action: dict[str, Any] = next((one for one in actions if rule in str(one.get("update"))), {})
    return f"{files.overlay.name}: {action.get('description', '')}"


def _of_drift(name: str) -> Explanation:
    from pytest_bctrl.drift.examples import example
    from pytest_bctrl.drift.rules import why

    rule = drift_rules()[name]
    before, after = (json.dumps(side, ensure_ascii=False) for side in example(name).shown)
    of = {"-": "oasdiff has no such rule", rule.level: "the rule and its level are oasdiff's"}
    said = of.get(
        rule.oasdiff, f"the rule is oasdiff's, with the level {rule.oasdiff}: a consumer that validates breaks"
    )
    checks = f"{rule.meaning} {why(rule, rule.level)}"
    change = f"this change of the spec:\n\n  before  {before}\n  after   {after}"
    return Explanation(
        name, rule.level, "drift", checks, said, change, GATE_FILE, f"levels: {{RULE: LEVEL}} in {GATE_FILE}"
    )


_LEVELS = "bctrl_levels = RULE = LEVEL, in pytest.ini"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def told(one: Explanation, until: date) -> str:
    """Return an explanation as text."""
    entry = ["allow:", f"  - rule: {one.name}", "    location: LOCATION, as the finding has it"]
    entry += ["    reason: REASON", f"    until: {until}"]
    accept = (
        "pytest-bctrl drift --accept REASON"
        if one.kind == "drift"
        else "pytest --bctrl-live bctrl --bctrl-accept=REASON"
    )
    return "\n".join(
        [
            f"{one.name}  {one.level}  ({one.kind})\n\n{one.checks}\n",
            f"said in   {one.said_in}",
            f"broken by {one.example}\n",
            f"ignore it until a date, in {one.file}:\n",
            *(f"  {line}" for line in entry),
            f"\n{accept} writes such entries for all that fails now.",
            f"Or change its level: {one.set_level.replace('RULE', one.name)}",
        ]
    )
