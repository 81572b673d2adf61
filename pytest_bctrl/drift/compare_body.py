"""Compares request bodies, as one finding: a kit that only reads has no use for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.drift.compare_schema import value
from pytest_bctrl.drift.media_types import is_json, media_types
from pytest_bctrl.drift.pair import RANK, View
from pytest_bctrl.drift.spec import word

if TYPE_CHECKING:
    from pytest_bctrl.drift.compare_schema import SchemaComparison
    from pytest_bctrl.drift.match import Operation
    from pytest_bctrl.drift.pair import Located
    from pytest_bctrl.drift.report import Place, Report
    from pytest_bctrl.drift.spec import Part


_SHOWN = 20
_RULES = ("request-body-narrowed", "request-body-may-be-narrowed", "request-body-widened")


def compare_request_bodies(
    walk: SchemaComparison, report: Report, old: Operation, new: Operation, place: Place
) -> None:
    """Note a request body that came, went, or takes less or more than it did."""
    before, after = report.base.resolve(old.part / "requestBody"), report.revision.resolve(new.part / "requestBody")
    here = place._replace(location="requestBody")
    was, now = report.base.mapping(before), report.revision.mapping(after)
    demanded, demands = report.base.flag(before / "required"), report.revision.flag(after / "required")
    at = before.pointer, after.pointer
    if not was and not now:
        return
    if not was or not now:
        rule = "request-body-removed" if was else f"request-body-added-{'required' if demands else 'optional'}"
        report.add(rule, here, None, None, *at)
        return
    if demanded != demands:
        report.add(f"request-body-became-{word(demands)}", here, word(demanded), word(demands), *at)
    ranks, worst = _compare_media_types(walk, report, before, after)
    if ranks:
        report.add(_RULES[min(ranks)], here, None, None, *at, trails=[trail for one in worst for trail in one.trails])


def _compare_media_types(
    walk: SchemaComparison, report: Report, old: Part, new: Part
) -> tuple[set[int], list[Located]]:
    """How bad what changed in the media types of a body is, and the worst of what changed in a schema."""
    before, after = media_types(report.base, old), media_types(report.revision, new)
    ranks = {RANK["error"]} if before.keys() - after.keys() else set()
    ranks |= {RANK["info"]} if after.keys() - before.keys() else set()
    found: list[Located] = []
    for name in before:
        if name in after:
            view = View("request-parameter", strongly_typed=is_json(name))
            found += walk.changes(value(before[name] / "schema"), value(after[name] / "schema"), view)
    ranks |= {_rank(one) for one in found}
    return ranks, [one for one in found if _rank(one) == min(ranks)][:_SHOWN]


def _rank(found: Located) -> int:
    """How bad a change is in a body: what refuses a value narrows it; that a property is no longer named, perhaps."""
    is_bad = found.rank < RANK["info"] and found.change.rule != "request-parameter-property-removed"
    return RANK["error"] if is_bad else found.rank
