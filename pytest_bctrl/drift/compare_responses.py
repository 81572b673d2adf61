"""Compares the responses of an operation: statuses, headers, and bodies."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_bctrl.contract.outline import RawParameter, headers
from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.compare_content import ContentPair, compare_content
from pytest_bctrl.drift.compare_headers import compare_headers
from pytest_bctrl.drift.compare_parameters import compare_parameters
from pytest_bctrl.drift.report import Report

Responses = dict[str, Part]


def compare_responses(
    report: Report, old: Responses, new: Responses, location: ChangeLocation, *, is_sent: bool = False
) -> None:
    """Note added, removed and changed statuses. A range may replace a status that it contains.

    `is_sent`: the consumer sends the responses, as those to a webhook.
    """
    added = [status for status in new if status not in old]
    matched: set[str] = set()
    for status, before in old.items():
        status_location = location._replace(context=(("status", status),))
        if status not in new:
            matched |= _compare_missing(report, status, old, new, status_location, is_sent)
        elif not report.sides.equality.unchanged(before.value, new[status].value):
            _compare_response(report, before, new[status], status_location, is_sent)
    for status in added:
        if status not in matched:
            at = location._replace(path=status, context=(("status", status),))
            report.add(f"response-{_status_kind(status, new)}-status-added", at, None, status, "", new[status].pointer)


def _compare_missing(
    report: Report, status: str, old: Responses, new: Responses, location: ChangeLocation, is_sent: bool
) -> set[str]:
    """Compare a status that is gone with the added ones that include it, or else that it includes; return these."""
    before, at = old[status], location._replace(path=status)
    added = [candidate for candidate in new if candidate not in old]
    wider = [candidate for candidate in added if _applies_to(candidate, status, new)]
    narrower = [candidate for candidate in added if _applies_to(status, candidate, old)]
    replacements = wider or narrower
    for replacement in replacements:
        _compare_response(report, before, new[replacement], location, is_sent)
    if not replacements:
        report.add(f"response-{_status_kind(status, old)}-status-removed", at, status, None, before.pointer)
    rule = "response-status-specialized"
    if wider:
        rule = "response-status-generalized"
    for replacement in replacements:
        report.add(rule, at, status, replacement, before.pointer, new[replacement].pointer)
    return {*replacements}


def _status_kind(status: str, among: dict[str, Part]) -> str:
    """Return `success` for a 2xx, and for `default` without a 2xx `among` the statuses; else `non-success`."""
    is_only_success = status == "default" and not any(sibling.startswith("2") for sibling in among)
    if status.startswith("2") or is_only_success:
        return "success"
    return "non-success"


def _includes_status(wide: str, narrow: str) -> bool:
    """Return whether the status or range `wide` includes the status or range `narrow`, which must differ from it."""
    return wide == "default" or (wide.endswith("XX") and narrow.startswith(wide[0]))


def _applies_to(wide: str, narrow: str, among: Responses) -> bool:
    """Return whether `wide` includes the status or range `narrow`, and no other response takes precedence over it.

    A range in `among` takes precedence over `default` (OpenAPI 3.1, 4.8.16).
    """
    ranges = [status for status in among if status != "default"]
    is_covered = wide == "default" and any(_includes_status(status, narrow) for status in ranges)
    return _includes_status(wide, narrow) and not is_covered


def _compare_response(report: Report, old: Part, new: Part, location: ChangeLocation, is_sent: bool) -> None:
    """Note the changes of headers, content and description of a response that both documents have."""
    before, after = headers(report.base, old), headers(report.revision, new)
    if is_sent:
        compare_parameters(report, _keyed_as_parameters(before), _keyed_as_parameters(after), location, frozenset())
    else:
        compare_headers(report, before, after, location, (old, new))
    status = location.context[0][1]
    compare_content(report, ContentPair(old, new, location, status, is_sent=is_sent))
    report.compare_words(location._replace(path=status), old, new, "description", (old.pointer, new.pointer))


def _keyed_as_parameters(headers_of: Mapping[str, RawParameter]) -> dict[tuple[str, str], RawParameter]:
    """Return headers under the keys of parameters."""
    return {("header", name): header for name, header in headers_of.items()}
