"""Conforming variants that write their times in other ways."""

from .runtimes import edited, on_all
from .service import Service
from .variant import Variant, harmless


def _times(created: str, updated: str) -> Service:
    return Service(document=edited(on_all(createdAt=created, updatedAt=updated)))


VARIANTS: tuple[Variant, ...] = (
    harmless("times-with-fractions", "ISO 8601", _times("2026-03-01T08:00:00.123Z", "2026-03-01T08:00:00.123456Z")),
    harmless(
        "times-with-nanoseconds",
        "ISO 8601",
        _times("2026-03-01T08:00:00.123456788Z", "2026-03-01T08:00:00.123456789Z"),
    ),
    harmless("times-with-offsets", "ISO 8601", _times("2026-03-01T08:00:00+05:30", "2026-03-01T08:00:00-03:00")),
    harmless(
        "times-with-zero-offset",
        "ISO 8601",
        _times("2026-03-01T08:00:00+00:00", "2026-03-02T08:00:00.5+00:00"),
    ),
    harmless("times-equal", "not before is not after", _times("2026-03-01T08:00:00Z", "2026-03-01T08:00:00Z")),
    harmless(
        "times-equal-in-two-zones",
        "instants are compared",
        _times("2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z"),
    ),
    harmless(
        "times-out-of-order-as-text",
        "instants are compared",
        _times("2026-03-01T13:00:00+05:00", "2026-03-01T09:00:00Z"),
    ),
    harmless(
        "times-fraction-after-whole",
        "instants are compared",
        _times("2026-03-01T08:00:00Z", "2026-03-01T08:00:00.1Z"),
    ),
    harmless("times-in-2000-and-2199", "any year", _times("2000-02-29T00:00:00Z", "2199-12-31T23:59:59Z")),
    harmless(
        "times-without-zone",
        "ISO 8601",
        _times("2026-03-01T08:00:00", "2026-03-01T08:00:01"),
        doubt="ISO 8601 has local times; RFC 3339 has not",
    ),
    harmless(
        "times-zone-on-one-only",
        "ISO 8601",
        _times("2026-03-01T08:00:00", "2026-03-02T08:00:00Z"),
        doubt="ISO 8601, but the two cannot be compared exactly",
    ),
    harmless(
        "times-in-basic-format",
        "ISO 8601",
        _times("20260301T080000Z", "20260301T090000Z"),
        doubt="ISO 8601 basic format; RFC 3339 has only the extended one",
    ),
    harmless(
        "times-with-comma",
        "ISO 8601",
        _times("2026-03-01T08:00:00,5Z", "2026-03-01T08:00:00,6Z"),
        doubt="ISO 8601 prefers the comma; RFC 3339 has only the point",
    ),
    harmless(
        "times-at-leap-second",
        "ISO 8601",
        _times("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        doubt="valid in ISO 8601 and RFC 3339, unreadable to Python's datetime",
    ),
    harmless(
        "times-in-lower-case",
        "RFC 3339",
        _times("2026-03-01t08:00:00z", "2026-03-01t09:00:00z"),
        doubt="RFC 3339 allows lower case, ISO 8601 does not speak of it",
    ),
)
