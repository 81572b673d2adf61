"""The fault that breaks one rule of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_bctrl.errors import SettingError
from pytest_bctrl.samples.mutants import SCHEMA_CHECK, Mutant, broken
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.mock import change
from pytest_bctrl.traffic.mock.change import Scene
from pytest_bctrl.traffic.mock.fault import Fault
from pytest_bctrl.traffic.mock.message import Answer


def break_rule(rule: str) -> Fault:
    """Break one rule of the contract in the last place that has it.

    `rule` is a place (`"runtimes[*].status"`), a place and a keyword (`"runtimes[*].status: type"`), the name of an
    invariant (`"unique_ids"`), or `"undocumented_property"`.
    """
    # Whether it is an invariant is for the contract to say, and no contract is here yet: see `for_contract`.
    return Fault(f"break_rule({rule!r})", _Broken(str(rule)), SCHEMA_CHECK, meets=lambda scene: scene.is_success)


class _Broken:
    """The change behind `break_rule`."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self._change = change.body(lambda scene: encode(broken(scene.samples, scene.json(), rule).body))

    def __call__(self, scene: Scene) -> Answer:
        return self._change(scene)


def for_contract(made: Fault, operations: Sequence[Samples]) -> Fault:
    """Return the fault with the check and level that the contract gives the rule it breaks.

    It meets the answers of the first of `operations` that has the rule, and those of all others that have it.
    Raises `SettingError` for a rule that the contract does not have, before any request meets it.
    """
    if not isinstance(made.change, _Broken):
        return made
    rule = made.change.rule
    having: dict[str, Mutant] = {}
    problem: SettingError | None = None
    for samples in operations:
        try:
            having[samples.operation.label] = broken(samples, samples.sample(), rule)
        except SettingError as error:
            problem = problem or error
    if problem is not None and not having:
        raise problem
    mutant = next(iter(having.values()))
    return replace(
        made,
        check=mutant.check,
        level=mutant.level,
        meets=lambda scene: scene.is_success and scene.samples.operation.label in having,
    )
