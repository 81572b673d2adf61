"""Hypothesis strategies: valid runtimes and responses, and bodies that break exactly one rule (extra `contract`).

Everything is read from the contract; small examples come first, so that a failing one shrinks to what matters.
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
from pytest_bctrl.samples.sample import SPACE_ID, Samples
from pytest_bctrl.samples.text import encode

__all__ = ["Nonconforming", "nonconforming", "responses", "runtimes"]


class Nonconforming(NamedTuple):
    """A body that breaks one rule: `rule` as a report names it, `place` where, `body` as a JSON object or list."""

    rule: str
    place: str
    body: Any


def runtimes(
    *, contract: Contract | None = None, operation: str | None = None, **overrides: Any
) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy of single runtimes that the contract allows.

    An override is a value, or a strategy to draw it from; what the contract ties to it follows. The draw raises
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
    """Return a strategy of whole response bodies of one space: ids are unique, and each `spaceId` is `space_id`.

    `overrides` are those of each runtime, as `runtimes` takes them. With a contract of one's own, `operation` is the
    id of the one that lists something, where it is not the first.
    """
    return _response(_samples(contract, operation), min_size, max_size, space_id, overrides)


def nonconforming(
    *, space_id: str = SPACE_ID, contract: Contract | None = None, operation: str | None = None
) -> st.SearchStrategy[Nonconforming]:
    """Return a strategy of bodies that each break exactly one rule of the contract, once, and name it."""
    samples = _samples(contract, operation)
    names, sample = _rules(samples), samples.sample(space_id)
    # As in `_samples`: the first finding of all reads the overlay, to say whose rule it is.
    _found(samples, broken(samples, sample, names[0]).body)
    return _nonconforming(samples, samples.items(sample)[:1] if samples.most_items > 1 else [], space_id, names)


def _found(samples: Samples, body: Any) -> list[Finding]:
    return check(encode(body), contract=samples.contract, operation=samples.operation.label)


@st.composite
def _runtime(draw: st.DrawFn, samples: Samples, overrides: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        name: draw(value) if isinstance(value, st.SearchStrategy) else copy.deepcopy(value)
        for name, value in overrides.items()
    }
    builder = Builder(samples.contract, drawn(draw), _places(samples))
    body = samples.with_items([copy.deepcopy(builder.value(samples.item_schema))])
    for rule in samples.invariants:
        rule.repair(body, {}, draw(st.integers(0, 30_000)) if rule.keyword == "times" else 0)
    item: dict[str, Any] = samples.overridden(samples.items(body)[0], given, conforming=True)
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
    has_space = any(one.keyword == "equals" and one.location.endswith(".spaceId") for one in samples.invariants)
    one = _runtime(samples, {"spaceId": space_id, **overrides} if has_space else overrides)
    items: list[Any] = []
    for item in draw(st.lists(one, min_size=min_size, max_size=max_size)):
        body = samples.with_items([*items, item])
        if not any(list(rule.check(body, {})) for rule in samples.invariants if rule.keyword == "unique"):
            items.append(item)
    assume(len(items) >= min_size)
    return samples.with_items(items)


@st.composite
def _nonconforming(
    draw: st.DrawFn, samples: Samples, beside: list[Any], space_id: str, names: list[str]
) -> Nonconforming:
    rule = draw(st.sampled_from(names))
    # One item is drawn, beside one that is the same each time: Hypothesis takes draws that take long for a mistake.
    items = [*beside, *samples.items(draw(_response(samples, 1, 1, space_id, {})))]
    mutant = broken(samples, samples.with_items(items), rule)
    # What `check` takes as data: a string at the root would be read as the text of a body, and null as no response.
    assume(isinstance(mutant.body, dict | list))
    found = _found(samples, mutant.body)
    assume([mutant.check] == [finding.rule for finding in found] and found[0].count == 1)
    return Nonconforming(mutant.check, rule, mutant.body)


def _samples(contract: Contract | None, operation: str | None) -> Samples:
    samples = samples_of(contract or current_contract(), operation)
    if not samples.lists:
        raise SettingError(
            "its answer holds no list", where=samples.operation.label, hint="name another operation: operation=…"
        )
    # Here and not in the first draw, which Hypothesis would take for a strategy that is slow.
    samples.refuse_broken(samples.item(), "sample")
    _found(samples, samples.sample())
    _prepare()
    return samples


@lru_cache(maxsize=1)
def _prepare() -> None:
    """Have Hypothesis make its tables of characters and read the constants of all modules, as its first draws do."""
    text({}).validate()
    if not currently_in_test_context():
        once = settings(database=None, deadline=None, phases=[Phase.generate], verbosity=Verbosity.quiet)
        # It looks at constants in one draw of twenty, and begins with lists of which most is 0.
        many = st.lists(st.integers(), min_size=99, max_size=99)
        find(many, lambda found: len({*found}) > 50, settings=once, random=Random(0))  # noqa: S311


@lru_cache(maxsize=8)
def _places(_samples: Samples) -> dict[str, Any]:
    """What is known of each place of an item, found out once."""
    return {}


@lru_cache(maxsize=8)
def _rules(samples: Samples) -> list[str]:
    # What ties a body to its request cannot be broken where there is no request.
    tied = {rule.name for rule in samples.invariants if rule.keyword == "equals"}
    return [rule for rule in rules(samples) if rule not in tied]
