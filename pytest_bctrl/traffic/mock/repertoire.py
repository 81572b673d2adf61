"""All that a contract suite can be proven with: scenarios that it has to pass, and faults that it has to find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_bctrl.contract.key_fields import guarded_by
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.schema.shapes import LocatedValue, located
from pytest_bctrl.samples.inputs import known_values
from pytest_bctrl.samples.mutants import rules
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock.fault import Fault
from pytest_bctrl.traffic.mock.faults import (
    FAULTS,
    any_key,
    any_space,
    break_rule,
    delay,
    duplicate_key,
    fault,
    for_contract,
    plain_errors,
    sequence,
    status,
)
from pytest_bctrl.traffic.mock.scenarios import SCENARIOS, empty, many

CONFORMING: tuple[str, ...] = tuple(SCENARIOS)
"""The names of the scenarios: under each of them the mock keeps its contract, at every level."""

OF_LISTS = frozenset({empty.__name__, many.__name__})
"""The names of those that need an answer which lists something."""

_WITH_ARGUMENTS = {status.__name__, delay.__name__, sequence.__name__, break_rule.__name__}


def _pointless(samples: Samples) -> Iterator[str]:
    """The faults that change nothing here: who asks no credential cannot let everyone in."""
    operation = samples.operation
    is_guarded = guarded_by(samples.contract, operation) is not None
    has_places = any(known_values(samples.contract, one, {"space_id": ""}) for one in operation.path_parameters)
    if not is_guarded:
        yield any_key.__name__
    if not has_places:
        yield any_space.__name__
    refusals = {401: is_guarded, 404: has_places, 400: operation.other_parameters, 422: operation.other_parameters}
    if not any(gives and _has_body(operation, status) for status, gives in refusals.items()):
        yield plain_errors.__name__
    if not any(
        isinstance(spot.value, dict) and spot.value for body in samples.bodies() for spot in _spots(samples, body)
    ):
        yield duplicate_key.__name__


def _has_body(operation: Operation, status: int) -> bool:
    documented = operation.response_for(status)
    return documented is not None and bool(documented.content)


def _spots(samples: Samples, body: Any) -> Iterator[LocatedValue]:
    return located(samples.contract, samples.schema, body)


def faults_to_find(samples: Samples) -> list[Fault]:
    """Return every fault that breaks the contract, each once, with the `check` and `level` it has to be found by.

    For `break_rule` that is one fault for every rule of the contract.
    """
    names = FAULTS.keys() - _WITH_ARGUMENTS - set(_pointless(samples))
    plain = [fault(name) for name in FAULTS if name in names]
    made = [status(500), sequence(None, 500), *plain, *(break_rule(rule) for rule in rules(samples))]
    return [for_contract(one, [samples]) for one in made]
