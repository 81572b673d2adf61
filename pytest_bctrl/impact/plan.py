"""The changes of an impact run, and the tests that it leaves out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest

from pytest_bctrl.contract.in_force import contract_of_config, load_cached, upstream_of
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.drift.contract_change import apply_overlay, compare_contracts, read_overlay
from pytest_bctrl.drift.options import Options
from pytest_bctrl.drift.sources import read_source
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.impact.change import Change, combine
from pytest_bctrl.impact.derived_changes import derive_changes
from pytest_bctrl.impact.response_changes import changes_from_drift
from pytest_bctrl.impact.run import worst_first
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.traffic.mock.server import MOCK_KEY

MUTANTS, PUBLISHED = "mutants", "published"


class ImpactPlan:
    """The changes to run, and where they come from."""

    def __init__(self, config: pytest.Config) -> None:
        self.base = contract_of_config(config)
        self.contract = load_cached(self.base)
        source = settings.impact(config, os.environ)
        if source == PUBLISHED:
            source = upstream_of(self.base, settings.upstream(config, os.environ))
        self.source = "" if source == MUTANTS else source
        self.notes: tuple[str, ...] = ()
        drift = self._changes_from_drift() if self.source else []
        self.is_source_unchanged = bool(self.source) and not drift
        self.changes = worst_first(drift or derive_changes(self.contract))

    def _changes_from_drift(self) -> list[Change]:
        """Return the changes that the drift gate finds, and one more with all at once; sets `notes`."""
        old, new = read_source(str(self.base.spec)), read_source(self.source)
        overlay = self.base.overlay
        comparison = compare_contracts(old, new, overlay, Options())
        self.notes = (*comparison.notes, *comparison.not_compared)
        if overlay is not None:
            new = apply_overlay(new, overlay, read_overlay(overlay), [])
        new_contract = from_document(new.data, new.name)
        changes = changes_from_drift(comparison.findings, self.contract, new_contract, MOCK_KEY, SPACE_ID)
        return [*changes, *_combined_change(changes)]


def _combined_change(changes: list[Change]) -> list[Change]:
    """Return a list with one change that applies all that can be run; empty if fewer than two can be run."""
    runnable = [change for change in changes if change.transform is not None]
    if len(runnable) < 2:
        return []
    message = f"{len(runnable)} changes at once"
    finding = Finding("impact-together", "error", "", message, fingerprint="impact-together")
    transform = combine([change.transform for change in runnable if change.transform is not None])
    locations: tuple[str, ...] = ()
    if all(change.locations for change in runnable):
        locations = tuple({location for change in runnable for location in change.locations})
    return [Change(finding, "together", transform, locations=locations)]


def is_excluded(item: pytest.Item, patterns: Iterable[str]) -> bool:
    """Return whether a test is excluded from impact runs, by its marker or by a pattern of its node id.

    A pattern also excludes the tests of the folder, file or class whose node id it matches.
    """
    marker = item.get_closest_marker("bctrl_impact")
    if marker is not None and marker.kwargs.get("skip"):
        return True
    node_ids = [item.nodeid, item.nodeid.partition("[")[0]]
    node_ids += [node.nodeid for node in item.listchain() if node.nodeid]
    return any(fnmatchcase(node_id, pattern) or node_id == pattern for node_id in node_ids for pattern in patterns)


def breaks_contract(item: pytest.Item) -> bool:
    """Return whether a test is marked to break the contract on purpose, so that no change applies to it."""
    marker = item.get_closest_marker("bctrl_watch")
    return marker is not None and marker.kwargs.get("conforming") is False


def excluded_patterns(config: pytest.Config) -> list[str]:
    """Return the node id patterns of `bctrl_impact_skip`; a slash at the end of a folder makes no difference."""
    return [value.value.rstrip("/") for value in lookup.file_values(table.IMPACT_SKIP, config)]
