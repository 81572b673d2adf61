"""Compares the headers that a consumer receives: of a response, of a part of one, and of a webhook."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_bctrl.contract.outline import RawParameter, is_json
from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.compare_parameters import is_written_in_parts
from pytest_bctrl.drift.pair import View
from pytest_bctrl.drift.report import Report
from pytest_bctrl.drift.rules import requirement_word


def compare_headers(
    report: Report,
    before: Mapping[str, RawParameter],
    after: Mapping[str, RawParameter],
    location: ChangeLocation,
    holders: tuple[Part, Part],
) -> None:
    """Note added, removed and changed headers, or parameters, that the consumer receives.

    The path of the location, if any, comes before the header.
    """
    old, new = holders
    for key, old_header in before.items():
        header_location, new_header = _location_of(old_header, key, location), after.get(key)
        if new_header is None:
            rule = f"{requirement_word(old_header.required)}-response-header-removed"
            report.add(rule, header_location, old_header.name, None, old_header.part.pointer, new.pointer)
        else:
            _compare_header(report, old_header, new_header, header_location)
    for key, new_header in after.items():
        if key not in before:
            header_location = _location_of(new_header, key, location)
            at = old.pointer, new_header.part.pointer
            content = report.sides.content(None, new_header.schema)
            report.add("response-header-added", header_location, None, new_header.name, *at, content=content)


def _location_of(header: RawParameter, key: str, location: ChangeLocation) -> ChangeLocation:
    """Return the location of a header, or parameter, whose name is `key`: `header x-name`."""
    return location._replace(path=f"{location.path} {header.in_} {key}".lstrip())


def _compare_header(report: Report, old: RawParameter, new: RawParameter, location: ChangeLocation) -> None:
    """Note the changes of a header that both documents have: deprecation, required, style, `explode` and schema."""
    at = old.part.pointer, new.part.pointer
    report.compare_deprecation("response-header", old.part, new.part, location)
    if old.required != new.required:
        was, now = requirement_word(old.required), requirement_word(new.required)
        report.add(f"response-header-became-{now}", location, was, now, *at, keys=("required",))
    if old.style != new.style:
        report.add("response-header-type-changed", location, old.style, new.style, *at, keys=("style",))
        return
    if old.explode != new.explode and is_written_in_parts(report, old, new):
        report.add("response-header-explode-changed", location, old.explode, new.explode, *at, keys=("explode",))
    report.compare(old.schema, new.schema, View("response-header", is_json(old.style)), location)
