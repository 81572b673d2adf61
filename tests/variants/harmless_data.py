"""Conforming variants that differ in what is listed."""

from typing import Any

from .runtimes import SPACE_ID, bare_runtime, full_runtime, identifier, listing, mixed_runtime, on_all, put, sample
from .service import Service, serving, with_metadata
from .variant import Families, variants

_ASTONISHING = {
    "emoji": "👩🏽\u200d🚀 👍",
    "right to left": "\u202e\u0645\u0631\u062d\u0628\u0627 שלום\u202c",
    "combining": "e\u0301 Z\u0351\u036b\u0343 ﬁ",
    "nul": "before\x00after",
    "separators": "\u2028\u2029\x85\ufeff",
    "newlines": "a\r\nb\tc",
    "markup": "<script>alert(1)</script> [bold]&amp;[/bold] \x1b[31mred",
    "format": "%s {0} $HOME `id` '\"\\",
}
_LIKE_A_RUNTIME = {"id": "not-a-uuid", "status": "archived", "runtimes": [None], "backing": {"kind": "?"}, "spaceId": 5}
_TYPES: Any = {"null": None, "yes": True, "zero": -0.0, "tiny": 5e-324, "int": 10**300, "list": [[], {}], "text": ""}
_ODD_NAMES = {text: label for label, text in _ASTONISHING.items()} | {"": "empty", "__proto__": {}, "$ref": "#/"}
_NO_SUMMARY = dict.fromkeys(("currentDriver", "defaultContextId", "defaultPageId", "storageSpace"))


def _named(text: str) -> Service:
    """Return the service that lists runtimes with a text as a name, region, capability and profile."""
    return serving(
        put(2, "name", text),
        put(3, "region", text),
        put(4, "capabilities", 0, text),
        put(5, "backing", "profile", text),
    )


def _metadata(value: Any) -> Service:
    """Return the service that lists runtimes with the same metadata."""
    return serving(on_all(metadata=value))


def _nested(levels: int) -> dict[str, Any]:
    """Return an object with `levels` further objects inside each other, every second one in a list."""
    inner: Any = "bottom"
    for level in range(levels):
        inner = {"down": inner} if level % 2 else {"down": [inner]}
    return {"top": inner}


def _upper_case(runtimes: list[Any]) -> None:
    """Change the ids of runtimes to upper case."""
    for runtime in runtimes:
        for name in ("id", "spaceId", "activeRunId"):
            runtime[name] = runtime[name].upper()


def _backwards(value: Any) -> Any:
    """Return a value with the members of all objects in reverse order."""
    if isinstance(value, dict):
        return {key: _backwards(value[key]) for key in reversed(value)}
    return [_backwards(item) for item in value] if isinstance(value, list) else value


def _times(created: str, updated: str) -> Service:
    """Return the service that lists runtimes with these times."""
    return serving(on_all(createdAt=created, updatedAt=updated))


_FAMILIES: Families = {
    "nothing differs": {"plain": Service()},
    "no runtimes at all": {"empty-list": Service(document=lambda: listing([]))},
    "a single runtime": {"one-item": serving(count=1)},
    "length": {
        "three-hundred-items": Service(document=lambda: listing(map(mixed_runtime, range(300)))),
        "two-thousand-items": Service(document=lambda: listing(map(full_runtime, range(2000)))),
    },
    "omitted optionals": {"no-optional-fields": Service(document=lambda: listing(map(bare_runtime, range(9))))},
    "present optionals": {"all-optional-fields": serving()},
    "summary {} and connections {}": {
        "empty-optional-objects": serving(on_all(summary={}, connections={}, metadata={}, capabilities=[])),
    },
    "no string has a minimal length": {
        "empty-strings": serving(
            on_all(name="", region="", capabilities=[""], backing={"kind": "profile", "profile": ""})
        ),
    },
    "only ids are unique": {"same-name-twice": serving(on_all(name="twin"))},
    "no uniqueItems": {"repeated-capabilities": serving(on_all(capabilities=["a", "a"]))},
    "nullable properties": {"all-summary-nulls": serving(on_all(summary=_NO_SUMMARY))},
    "strings are free": {
        **{f"name-with-{label.replace(' ', '-')}": _named(text) for label, text in _ASTONISHING.items()},
    },
    "nullable metadata": {"metadata-null": _metadata(None)},
    "metadata is free-form": {
        "unicode-metadata-keys": _metadata(_ODD_NAMES),
        "metadata-60-levels": _metadata(_nested(60)),
        "metadata-300-levels": serving(put(6, "metadata", _nested(300))),
        "metadata-huge": serving(put(1, "metadata", {f"key {n}": "x" * 200 for n in range(5000)})),
        "metadata-like-a-runtime": _metadata(_LIKE_A_RUNTIME),
        "metadata-all-json-types": _metadata(_TYPES),
    },
    "RFC 9562: uuids are case-insensitive": {"upper-case-uuids": serving(_upper_case)},
    "uuids are case-insensitive": {
        "mixed-case-space-id": serving(on_all(spaceId=SPACE_ID.replace("c0ffee", "C0fFeE"))),
    },
    "the setting is upper case, the list lower": {"space-id-in-upper-case": Service(space_id=SPACE_ID.upper())},
    "any version of uuid": {
        "nil-and-max-uuids": serving(
            put(0, "id", "00000000-0000-0000-0000-000000000000"),
            put(1, "id", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            put(2, "id", "019f4c1e-7d2a-7c3b-b1aa-000000000001"),
        ),
    },
    "activeRunId is not said to be unique": {
        "same-run-in-two-runtimes": serving(on_all(activeRunId=identifier("the run"))),
    },
    "no order is promised": {"newest-first": serving(list.reverse)},
    "objects have no order": {"keys-in-another-order": Service(document=lambda: _backwards(sample()))},
    "ISO 8601": {
        "times-with-fractions": _times("2026-03-01T08:00:00.123Z", "2026-03-01T08:00:00.123456Z"),
        "times-with-nanoseconds": _times("2026-03-01T08:00:00.123456788Z", "2026-03-01T08:00:00.123456789Z"),
        "times-with-offsets": _times("2026-03-01T08:00:00+05:30", "2026-03-01T08:00:00-03:00"),
        "times-with-zero-offset": _times("2026-03-01T08:00:00+00:00", "2026-03-02T08:00:00.5+00:00"),
        "times-with-comma": _times("2026-03-01T08:00:00,5Z", "2026-03-01T08:00:00,6Z"),
        "times-at-leap-second": _times("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
    },
    "RFC 3339": {"times-in-lower-case": _times("2026-03-01t08:00:00z", "2026-03-01t09:00:00z")},
    "not before is not after": {"times-equal": _times("2026-03-01T08:00:00Z", "2026-03-01T08:00:00Z")},
    "instants are compared": {
        "times-equal-in-two-zones": _times("2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z"),
        "times-out-of-order-as-text": _times("2026-03-01T13:00:00+05:00", "2026-03-01T09:00:00Z"),
        "times-fraction-after-whole": _times("2026-03-01T08:00:00Z", "2026-03-01T08:00:00.1Z"),
    },
    "any year": {"times-in-2000-and-2199": _times("2000-02-29T00:00:00Z", "2199-12-31T23:59:59Z")},
}
_DOUBTS = {
    "metadata-number-beyond-double": "valid JSON, but not interoperable (I-JSON): it reads as infinity",
    "lone-surrogate-escaped": "RFC 8259 allows it and calls the outcome unpredictable (section 8.2)",
    "times-without-zone": "ISO 8601 has local times; RFC 3339 has not",
    "times-zone-on-one-only": "ISO 8601, but the two cannot be compared exactly",
    "times-with-comma": "ISO 8601 prefers the comma; RFC 3339 has only the point",
    "times-at-leap-second": "valid in ISO 8601 and RFC 3339, unreadable to Python's datetime",
    "times-in-lower-case": "RFC 3339 allows lower case, ISO 8601 does not speak of it",
}
_ODD_JSON: Families = {
    "I-JSON": {
        "lone-surrogate-escaped": with_metadata(rb'"\ud83d"'),
        "lone-surrogate-in-a-name": with_metadata(rb'{"\ud83d":1}'),
        "metadata-number-beyond-double": with_metadata(b"1e999"),
    },
}
_NO_ZONE: Families = {
    "ISO 8601 with a zone": {
        "times-without-zone": _times("2026-03-01T08:00:00", "2026-03-01T08:00:01"),
        "times-zone-on-one-only": _times("2026-03-01T08:00:00", "2026-03-02T08:00:00Z"),
    },
}
VARIANTS = (
    *variants("harmless", "pass", _FAMILIES, _DOUBTS),
    *variants("protocol", "warning", _ODD_JSON, _DOUBTS),
    *variants("invariants", "warning", _NO_ZONE, _DOUBTS),
)
