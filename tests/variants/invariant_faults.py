"""Variants that keep the schema and break what it cannot say."""

from .runtimes import OTHER_SPACE_ID, SPACE_ID, Edit, edited, full_runtime, on_all, put
from .service import Service
from .variant import Variant, dubious, faulty


def _same_id(first: int, second: int, upper: bool = False) -> Edit:
    def edit(runtimes: list[dict[str, str]]) -> None:
        same = runtimes[first]["id"]
        runtimes[second]["id"] = same.upper() if upper else same

    return edit


def _error(name: str, hint: str, edit: Edit, count: int = 10, doubt: str = "") -> Variant:
    return faulty("invariants", name, hint, Service(document=edited(edit, count=count)), doubt)


def _warning(name: str, hint: str, *edits: Edit, count: int = 10, doubt: str = "") -> Variant:
    return dubious("invariants", name, hint, Service(document=edited(*edits, count=count)), doubt)


_NOT_TIMES = (
    ("epoch-seconds", "1772352000"),
    ("epoch-milliseconds", "1772352000123"),
    ("slashes", "01/03/2026"),
    ("words", "yesterday"),
    ("empty", ""),
    ("http-date", "Sun, 01 Mar 2026 08:00:00 GMT"),
    ("month-13", "2026-13-01T08:00:00Z"),
    ("february-30", "2026-02-30T08:00:00Z"),
    ("hour-25", "2026-03-01T25:00:00Z"),
    ("time-only", "08:00:00Z"),
    ("trailing-text", "2026-03-01T08:00:00Z (about)"),
)
_NOT_TIMES_PERHAPS = (
    ("date-only", "2026-03-01", "an ISO 8601 date, but no time"),
    ("space-for-t", "2026-03-01 08:00:00Z", "RFC 3339 allows the space, ISO 8601 does not"),
    ("zone-name", "2026-03-01T08:00:00 Europe/Paris", "no ISO 8601, though RFC 9557 comes near"),
    ("trailing-newline", "2026-03-01T08:00:00Z\n", "a lenient reader strips it"),
)

VARIANTS: tuple[Variant, ...] = (
    _error("same-id-in-neighbours", "unique ids", _same_id(0, 1)),
    _error("same-id-first-and-last-of-300", "unique ids", _same_id(0, 299), 300),
    _error("same-id-in-all", "unique ids", on_all(id=full_runtime(0)["id"])),
    _error("same-runtime-listed-twice", "unique ids", lambda runtimes: runtimes.append(dict(runtimes[3]))),
    _error("same-id-in-other-case", "unique ids", _same_id(0, 1, upper=True), doubt="uuids are case-insensitive"),
    _error("space-id-of-another", "spaceId", put(3, "spaceId", OTHER_SPACE_ID)),
    _error("space-id-of-another-in-all", "spaceId", on_all(spaceId=OTHER_SPACE_ID)),
    _error("space-id-of-another-in-last-of-300", "spaceId", put(299, "spaceId", OTHER_SPACE_ID), 300),
    _error("space-id-one-digit-off", "spaceId", put(3, "spaceId", SPACE_ID[:-1] + "b")),
    _error("space-id-nil", "spaceId", put(3, "spaceId", "00000000-0000-0000-0000-000000000000")),
    _warning("kind-not-type", "kind equals type", put(3, "kind", "browser"), put(3, "type", "desktop")),
    _warning(
        "kind-not-type-in-last-of-300",
        "kind equals type",
        put(299, "kind", "browser"),
        put(299, "type", "spreadsheet"),
        count=300,
    ),
    *(_warning(f"created-at-{label}", "ISO 8601", put(3, "createdAt", text)) for label, text in _NOT_TIMES),
    *(_warning(f"updated-at-{label}", "ISO 8601", put(3, "updatedAt", text)) for label, text in _NOT_TIMES[:5]),
    *(
        _warning(f"created-at-{label}", "ISO 8601", put(3, "createdAt", text), doubt=doubt)
        for label, text, doubt in _NOT_TIMES_PERHAPS
    ),
    _warning("updated-at-words-in-last-of-300", "ISO 8601", put(299, "updatedAt", "just now"), count=300),
    _warning(
        "updated-before-created",
        "time order",
        on_all(createdAt="2026-03-02T08:00:00Z", updatedAt="2026-03-01T08:00:00Z"),
    ),
    _warning(
        "updated-before-created-by-a-fraction",
        "time order",
        put(3, "createdAt", "2026-03-01T08:00:00.5Z"),
        put(3, "updatedAt", "2026-03-01T08:00:00.25Z"),
    ),
    _warning(
        "updated-before-created-by-a-nanosecond",
        "time order",
        put(3, "createdAt", "2026-03-01T08:00:00.123456789Z"),
        put(3, "updatedAt", "2026-03-01T08:00:00.123456788Z"),
    ),
    _warning(
        "updated-days-before-created-without-zone",
        "time order",
        put(3, "createdAt", "2026-03-05T08:00:00Z"),
        put(3, "updatedAt", "2026-03-01T08:00:00"),
    ),
    _warning(
        "updated-before-created-by-offset",
        "time order",
        put(3, "createdAt", "2026-03-01T08:00:00Z"),
        put(3, "updatedAt", "2026-03-01T09:00:00+02:00"),
    ),
    _warning(
        "updated-before-created-by-two-offsets",
        "time order",
        put(3, "createdAt", "2026-02-28T23:00:00-05:00"),
        put(3, "updatedAt", "2026-03-01T05:00:00+05:00"),
    ),
    _warning(
        "updated-before-created-in-last-of-300",
        "time order",
        put(299, "createdAt", "2026-03-02T08:00:00Z"),
        put(299, "updatedAt", "2026-03-02T07:59:59Z"),
        count=300,
    ),
)
