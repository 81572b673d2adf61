"""What of the contract was never seen, in as few words as say it."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_bctrl.observed.coverage import Coverage, Point
from pytest_bctrl.observed.location import shown


def never_seen(coverage: Coverage) -> list[str]:
    """Return a line for each place of which something was never seen; of what was never there, nothing below it."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    gone: list[Point] = []
    for point in coverage.points:
        if point.seen or any(_is_below(point, above) for above in gone):
            continue
        if point.kind in ("status", "property", "branch", "items"):
            gone.append(point)
        operation = point.operation if len({one.operation for one in coverage.points}) > 1 else ""
        groups.setdefault((operation, point.status, _where(point)), []).append(_label(point))
    return list(_lines(groups))


def _is_below(point: Point, above: Point) -> bool:
    if (point.operation, point.status) != (above.operation, above.status):
        return False
    if above.kind == "status":
        return True
    start = {"branch": f"{above.location}<{above.label}>", "items": f"{above.location}[*]"}.get(
        above.kind, above.location
    )
    rest = point.location[len(start) :]
    return point.location.startswith(start) and (not rest or rest[0] in ".[<") and point is not above


def _where(point: Point) -> str:
    if point.kind == "status":
        return "status"
    return f"{point.location} parameter" if point.kind == "parameter" else shown(point.location)


def _label(point: Point) -> str:
    if point.kind == "property":
        return "never there"
    if point.kind == "branch" and point.label[:6] in ("oneOf:", "anyOf:"):
        return f"{point.label[:5]} branch {point.label[6:]}"
    if point.kind in ("status", "parameter", "enum", "branch", "null"):
        return point.label
    return {"type": f"as {point.label}", "format": f"in the format {point.label}"}.get(point.kind, point.label)


def _lines(groups: dict[tuple[str, str, str], list[str]]) -> Iterator[str]:
    statuses: dict[str, list[str]] = {}
    for (operation, _, where), labels in groups.items():
        if where == "status":
            statuses.setdefault(operation, []).extend(labels)
    for operation, labels in statuses.items():
        yield f"{operation} ".lstrip() + f"status {', '.join(labels)}"
    for (operation, status, where), labels in groups.items():
        if where != "status":
            yield f"{operation} {status} ".lstrip() + f"{where}: {', '.join(dict.fromkeys(labels))}"
