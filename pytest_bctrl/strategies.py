"""Hypothesis strategies: valid runtimes and responses, and bodies that break exactly one rule.

The strategies are derived from the contract. Simple values come first, so that a failing example shrinks well.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from hypothesis import Phase, Verbosity, assume, currently_in_test_context, find, settings
from hypothesis import strategies as st

from pytest_bctrl.conformance import check
from pytest_bctrl.contract.in_force import current_contract
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.samples import samples_of
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.drawn import drawn, text
from pytest_bctrl.samples.mutants import broken, rules
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.samples.text import encode

__all__ = ["Nonconforming", "nonconforming", "responses", "runtimes"]


class Nonconforming(NamedTuple):
    """A body that breaks one rule: the `rule` as named in reports, its `place` in the contract, and the JSON `body`."""

    rule: str
    place: str
    body: Any


def runtimes(
    *, contract: Contract | None = None, operation: str | None = None, **overrides: Any
) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy of single list items, by default runtimes, that schema and invariants of the contract allow.

    An override is a value, or a strategy to draw it from; values that depend on it are adjusted. The draw raises
    `SettingError` for an override that breaks the contract.
    """
    return _runtime(_samples(contract, operation), overrides)


def responses(
    *,
    min_size: int = 0,
    max_size: int | None = 3,
    space_id: str = SPACE_ID,
    contract: Contract | None = None,
    operation: str | None = None,
    **overrides: Any,
) -> st.SearchStrategy[Any]:
    """Return a strategy of complete response bodies of one space: ids are unique, and each `spaceId` is `space_id`.

    The `overrides` apply to each runtime, as in `runtimes`. With a custom contract, `operation` is the id of the
    operation whose response contains the list, unless it is the first one.
    """
    return _response(_samples(contract, operation), min_size, max_size, space_id, overrides)


def nonconforming(
    *, space_id: str = SPACE_ID, contract: Contract | None = None, operation: str | None = None
) -> st.SearchStrategy[Nonconforming]:
    """Return a strategy of bodies that each break exactly one rule of the contract, once, and name it."""
    samples = _samples(contract, operation)
    names, sample = _rules(samples), samples.sample(space_id)
    # As in `_samples`: the first finding reads the overlay, to name the source of its rule.
    _findings(samples, broken(samples, sample, names[0]).body)
    fixed_items = samples.items(sample)[:1]
    if samples.most_items <= 1:
        fixed_items = []
    return _nonconforming(samples, fixed_items, space_id, names)


def _findings(samples: Samples, body: Any) -> list[Finding]:
    """Return the findings of a body under the contract of the samples."""
    return check(encode(body), contract=samples.contract, operation=samples.operation.label)


@st.composite
def _runtime(draw: st.DrawFn, samples: Samples, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Draw an item that the contract allows; each override is the value of a member, or a strategy for it."""
    values = {
        name: draw(value) if isinstance(value, st.SearchStrategy) else copy.deepcopy(value)
        for name, value in overrides.items()
    }
    builder = Builder(samples.contract, drawn(draw), _locations(samples))
    body = samples.with_items([copy.deepcopy(builder.value(samples.item_schema))])
    for rule in samples.invariants:
        rule.repair(body, {}, draw(st.integers(0, 30_000)) if rule.keyword == "times" else 0)
    item: dict[str, Any] = samples.overridden(samples.items(body)[0], values, conforming=True)
    return item


@st.composite
def _response(
    draw: st.DrawFn,
    samples: Samples,
    min_size: int,
    max_size: int | None,
    space_id: str,
    overrides: Mapping[str, Any],
) -> Any:
    """Draw a response body whose items are unique and, if the contract requires it, all in one space."""
    has_space = any(rule.keyword == "equals" and rule.location.endswith(".spaceId") for rule in samples.invariants)
    if has_space:
        overrides = {"spaceId": space_id, **overrides}
    items: list[Any] = []
    for item in draw(st.lists(_runtime(samples, overrides), min_size=min_size, max_size=max_size)):
        body = samples.with_items([*items, item])
        if not any(list(rule.check(body, {})) for rule in samples.invariants if rule.keyword == "unique"):
            items.append(item)
    assume(len(items) >= min_size)
    return samples.with_items(items)


@st.composite
def _nonconforming(
    draw: st.DrawFn, samples: Samples, fixed_items: list[Any], space_id: str, names: list[str]
) -> Nonconforming:
    """Draw a body that breaks exactly one rule of the contract."""
    rule = draw(st.sampled_from(names))
    # Only one of the items is drawn, because Hypothesis reports slow draws as an error.
    items = [*fixed_items, *samples.items(draw(_response(samples, 1, 1, space_id, {})))]
    mutant = broken(samples, samples.with_items(items), rule)
    # `check` would read a string at the root as the text of a body, and null as a missing response.
    assume(isinstance(mutant.body, dict | list))
    findings = _findings(samples, mutant.body)
    assume([mutant.check] == [finding.rule for finding in findings] and findings[0].count == 1)
    return Nonconforming(mutant.check, rule, mutant.body)


def _samples(contract: Contract | None, operation: str | None) -> Samples:
    """Return the samples of an operation after slow first steps; raises `SettingError` if its response has no list."""
    samples = samples_of(contract or current_contract(), operation)
    if not samples.lists:
        raise SettingError(
            "its response has no list", where=samples.operation.label, hint="name another operation: operation=…"
        )
    # Here and not in the first draw, because Hypothesis would report a slow strategy.
    samples.require_valid_item(samples.item(), "sample")
    _findings(samples, samples.sample())
    _prepare()
    return samples


@lru_cache(maxsize=1)
def _prepare() -> None:
    """Let Hypothesis do the work of its first draws now: character tables and the constants of all modules."""
    text({}).validate()
    if not currently_in_test_context():
        once = settings(database=None, deadline=None, phases=[Phase.generate], verbosity=Verbosity.quiet)
        # It uses the constants in one draw of twenty, and begins with lists that are mostly 0.
        numbers = st.lists(st.integers(), min_size=99, max_size=99)
        find(numbers, lambda values: len({*values}) > 50, settings=once, random=Random(0))  # noqa: S311


@lru_cache(maxsize=8)
def _locations(_samples: Samples) -> dict[str, Any]:
    """Return the cache of an item's schemas by location, the same one for all draws from these samples."""
    return {}


@lru_cache(maxsize=8)
def _rules(samples: Samples) -> list[str]:
    """Return the names of the rules that a body can break, except those that depend on the request."""
    # A rule about the request cannot be broken, because the body has no request.
    request_rules = {rule.name for rule in samples.invariants if rule.keyword == "equals"}
    return [rule for rule in rules(samples) if rule not in request_rules]
