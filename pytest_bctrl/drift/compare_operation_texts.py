"""Compares what names and describes an operation, a webhook or a callback."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.outline import RawOperation
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.report import Report


def compare_operation_texts(report: Report, old: RawOperation, new: RawOperation, location: ChangeLocation) -> None:
    """Note changes of an operation's `operationId`, tags, summary and description.

    They affect no request or response, so one of another type than the specification demands is read as text.
    """
    at = (old.part / "operationId").pointer, (new.part / "operationId").pointer
    before, after = ("".join(_texts(operation.part.value.get("operationId"))) for operation in (old, new))
    id_location = location._replace(path="operationId")
    if before and before != after:
        report.add("api-operation-id-removed", id_location, before, after or None, *at)
    elif after and not before:
        report.add("api-operation-id-added", id_location, None, after, *at)
    tags = [dict.fromkeys(_texts(operation.part.value.get("tags")), "") for operation in (old, new)]
    at = (old.part / "tags").pointer, (new.part / "tags").pointer
    report.add_each("api-tag", location._replace(path="tags"), tags, at)
    for keyword in ("summary", "description"):
        at = (old.part / keyword).pointer, (new.part / keyword).pointer
        report.compare_words(location._replace(path=keyword), old.part, new.part, keyword, at)


def _texts(value: Any) -> list[str]:
    """Return a text, or the items of a list, as texts; none for other data."""
    items = [value]
    if isinstance(value, list):
        items = value
    return [str(item) for item in items if isinstance(item, str | int | float)]
