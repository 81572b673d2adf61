"""Variants that conform to the schema and violate an invariant."""

from .runtimes import OTHER_SPACE_ID, SPACE_ID, Edit, full_runtime, on_all, put
from .service import Service, serving
from .variant import Variant, variants


def _same_id(first: int, second: int, upper: bool = False) -> Edit:
    """Return the edit that gives the second runtime the id of the first one, in upper case if `upper`."""

    def edit(runtimes: list[dict[str, str]]) -> None:
        same = runtimes[first]["id"]
        runtimes[second]["id"] = same.upper() if upper else same

    return edit


def _kinds(number: int, kind: str, type_: str, count: int = 10) -> Service:
    """Return the service that lists `count` runtimes, one of them with this kind and type."""
    return serving(put(number, "kind", kind), put(number, "type", type_), count=count)


def _times(created: str, updated: str, number: int = 3, count: int = 10) -> Service:
    """Return the service that lists `count` runtimes, one of them with these times."""
    return serving(put(number, "createdAt", created), put(number, "updatedAt", updated), count=count)


_NOT_TIMES = {
    "epoch-seconds": "1772352000",
    "epoch-milliseconds": "1772352000123",
    "slashes": "01/03/2026",
    "words": "yesterday",
    "empty": "",
    "http-date": "Sun, 01 Mar 2026 08:00:00 GMT",
    "month-13": "2026-13-01T08:00:00Z",
    "february-30": "2026-02-30T08:00:00Z",
    "hour-25": "2026-03-01T25:00:00Z",
    "time-only": "08:00:00Z",
    "trailing-text": "2026-03-01T08:00:00Z (about)",
    "date-only": "2026-03-01",
    "space-for-t": "2026-03-01 08:00:00Z",
    "zone-name": "2026-03-01T08:00:00 Europe/Paris",
    "basic-format": "20260301T080000Z",
    "week-date": "2026-W09-7T08:00:00Z",
    "trailing-newline": "2026-03-01T08:00:00Z\n",
}
_DOUBTS = {
    "same-id-in-other-case": "uuids are case-insensitive",
    "created-at-date-only": "an ISO 8601 date, but no time",
    "created-at-space-for-t": "RFC 3339 allows the space, ISO 8601 does not",
    "created-at-basic-format": "ISO 8601 allows it, RFC 3339 does not",
    "created-at-week-date": "ISO 8601 allows it, RFC 3339 does not",
    "created-at-zone-name": "no ISO 8601, though RFC 9557 comes near",
    "created-at-trailing-newline": "a lenient reader strips it",
}
_ERRORS = {
    "unique ids": {
        "same-id-in-neighbours": serving(_same_id(0, 1)),
        "same-id-first-and-last-of-300": serving(_same_id(0, 299), count=300),
        "same-id-in-all": serving(on_all(id=full_runtime(0)["id"])),
        "same-runtime-listed-twice": serving(lambda runtimes: runtimes.append(dict(runtimes[3]))),
        "same-id-in-other-case": serving(_same_id(0, 1, upper=True)),
    },
    "spaceId": {
        "space-id-of-another": serving(put(3, "spaceId", OTHER_SPACE_ID)),
        "space-id-of-another-in-all": serving(on_all(spaceId=OTHER_SPACE_ID)),
        "space-id-of-another-in-last-of-300": serving(put(299, "spaceId", OTHER_SPACE_ID), count=300),
        "space-id-one-digit-off": serving(put(3, "spaceId", SPACE_ID[:-1] + "b")),
        "space-id-nil": serving(put(3, "spaceId", "00000000-0000-0000-0000-000000000000")),
    },
}
_WARNINGS = {
    "kind equals type": {
        "kind-not-type": _kinds(3, "browser", "desktop"),
        "kind-not-type-in-last-of-300": _kinds(299, "browser", "spreadsheet", 300),
    },
    "ISO 8601": {
        **{f"created-at-{label}": serving(put(3, "createdAt", text)) for label, text in _NOT_TIMES.items()},
        **{f"updated-at-{label}": serving(put(3, "updatedAt", text)) for label, text in list(_NOT_TIMES.items())[:5]},
        "updated-at-words-in-last-of-300": serving(put(299, "updatedAt", "just now"), count=300),
    },
    "time order": {
        "updated-before-created": serving(on_all(createdAt="2026-03-02T08:00:00Z", updatedAt="2026-03-01T08:00:00Z")),
        "updated-before-created-by-a-fraction": _times("2026-03-01T08:00:00.5Z", "2026-03-01T08:00:00.25Z"),
        "updated-before-created-by-a-nanosecond": _times(
            "2026-03-01T08:00:00.123456789Z", "2026-03-01T08:00:00.123456788Z"
        ),
        "updated-days-before-created-without-zone": _times("2026-03-05T08:00:00Z", "2026-03-01T08:00:00"),
        "updated-before-created-by-offset": _times("2026-03-01T08:00:00Z", "2026-03-01T09:00:00+02:00"),
        "updated-before-created-by-two-offsets": _times("2026-02-28T23:00:00-05:00", "2026-03-01T05:00:00+05:00"),
        "updated-before-created-in-last-of-300": _times("2026-03-02T08:00:00Z", "2026-03-02T07:59:59Z", 299, 300),
    },
}
VARIANTS: tuple[Variant, ...] = (
    *variants("invariants", "error", _ERRORS, _DOUBTS),
    *variants("invariants", "warning", _WARNINGS, _DOUBTS),
)
