"""Conforming variants that differ in what is listed."""

from typing import Any

from .reply import written
from .runtimes import (
    SPACE_ID,
    bare_runtime,
    edited,
    full_runtime,
    identifier,
    listing,
    mixed_runtime,
    on_all,
    put,
    sample,
)
from .service import Service
from .variant import Variant, harmless

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


def _nested(levels: int) -> dict[str, Any]:
    inner: Any = "bottom"
    for level in range(levels):
        inner = {"down": inner} if level % 2 else {"down": [inner]}
    return {"top": inner}


def _upper_case(runtimes: list[Any]) -> None:
    for runtime in runtimes:
        for name in ("id", "spaceId", "activeRunId"):
            runtime[name] = runtime[name].upper()


def _backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _backwards(value[key]) for key in reversed(value)}
    return [_backwards(item) for item in value] if isinstance(value, list) else value


VARIANTS: tuple[Variant, ...] = (
    harmless("plain", "nothing differs", Service()),
    harmless("empty-list", "no runtimes at all", Service(document=lambda: listing([]))),
    harmless("one-item", "a single runtime", Service(document=edited(count=1))),
    harmless("three-hundred-items", "length", Service(document=lambda: listing(map(mixed_runtime, range(300))))),
    harmless("two-thousand-items", "length", Service(document=lambda: listing(map(full_runtime, range(2000))))),
    harmless(
        "no-optional-fields",
        "omitted optionals",
        Service(document=lambda: listing(map(bare_runtime, range(9)))),
    ),
    harmless("all-optional-fields", "present optionals", Service(document=edited())),
    harmless(
        "empty-optional-objects",
        "summary {} and connections {}",
        Service(document=edited(on_all(summary={}, connections={}, metadata={}, capabilities=[]))),
    ),
    harmless(
        "empty-strings",
        "no string has a minimal length",
        Service(
            document=edited(on_all(name="", region="", capabilities=[""], backing={"kind": "profile", "profile": ""}))
        ),
    ),
    harmless("same-name-twice", "only ids are unique", Service(document=edited(on_all(name="twin")))),
    harmless("repeated-capabilities", "no uniqueItems", Service(document=edited(on_all(capabilities=["a", "a"])))),
    harmless(
        "all-summary-nulls",
        "nullable properties",
        Service(
            document=edited(
                on_all(summary=dict.fromkeys(("currentDriver", "defaultContextId", "defaultPageId", "storageSpace")))
            )
        ),
    ),
    *(
        harmless(
            f"name-with-{label.replace(' ', '-')}",
            "strings are free",
            Service(
                document=edited(
                    put(2, "name", text),
                    put(3, "region", text),
                    put(4, "capabilities", 0, text),
                    put(5, "backing", "profile", text),
                )
            ),
        )
        for label, text in _ASTONISHING.items()
    ),
    harmless(
        "unicode-metadata-keys",
        "metadata is free-form",
        Service(
            document=edited(
                on_all(
                    metadata={text: label for label, text in _ASTONISHING.items()}
                    | {"": "empty", "__proto__": {}, "$ref": "#/"}
                )
            )
        ),
    ),
    harmless("metadata-null", "nullable metadata", Service(document=edited(on_all(metadata=None)))),
    harmless("metadata-60-levels", "metadata is free-form", Service(document=edited(on_all(metadata=_nested(60))))),
    harmless(
        "metadata-300-levels",
        "metadata is free-form",
        Service(document=edited(put(6, "metadata", _nested(300)))),
    ),
    harmless(
        "metadata-huge",
        "metadata is free-form",
        Service(document=edited(put(1, "metadata", {f"key {n}": "x" * 200 for n in range(5000)}))),
    ),
    harmless(
        "metadata-like-a-runtime",
        "metadata is free-form",
        Service(
            document=edited(
                on_all(
                    metadata={
                        "id": "not-a-uuid",
                        "status": "archived",
                        "runtimes": [None],
                        "backing": {"kind": "?"},
                        "spaceId": 5,
                    }
                )
            )
        ),
    ),
    harmless(
        "metadata-all-json-types",
        "metadata is free-form",
        Service(
            document=edited(
                on_all(
                    metadata={
                        "null": None,
                        "yes": True,
                        "zero": -0.0,
                        "tiny": 5e-324,
                        "int": 10**400,
                        "list": [[], {}],
                        "text": "",
                    }
                )
            )
        ),
    ),
    harmless(
        "metadata-integer-of-5000-digits",
        "metadata is free-form",
        Service(write=lambda document: b'{"runtimes":[%b]}' % _with_digits(5000)),
        doubt="valid JSON that Python's int() refuses by default; RFC 8259 lets a parser set limits",
    ),
    harmless(
        "metadata-number-beyond-double",
        "metadata is free-form",
        Service(write=lambda document: b'{"runtimes":[%b]}' % _with_number(b"1e999")),
        doubt="valid JSON, but not interoperable (I-JSON): it reads as infinity",
    ),
    harmless(
        "lone-surrogate-escaped",
        "strings are free",
        Service(write=lambda document: b'{"runtimes":[%b]}' % _with_number(rb'"\ud83d"')),
        doubt="RFC 8259 allows it and calls the outcome unpredictable (section 8.2)",
    ),
    harmless("upper-case-uuids", "RFC 9562: uuids are case-insensitive", Service(document=edited(_upper_case))),
    harmless(
        "mixed-case-space-id",
        "uuids are case-insensitive",
        Service(document=edited(on_all(spaceId=SPACE_ID.replace("c0ffee", "C0fFeE")))),
    ),
    harmless(
        "space-id-in-upper-case",
        "the setting is upper case, the list lower",
        Service(space_id=SPACE_ID.upper()),
    ),
    harmless(
        "nil-and-max-uuids",
        "any version of uuid",
        Service(
            document=edited(
                put(0, "id", "00000000-0000-0000-0000-000000000000"),
                put(1, "id", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
                put(2, "id", "019f4c1e-7d2a-7c3b-b1aa-000000000001"),
            )
        ),
    ),
    harmless(
        "same-run-in-two-runtimes",
        "activeRunId is not said to be unique",
        Service(document=edited(on_all(activeRunId=identifier("the run")))),
    ),
    harmless("newest-first", "no order is promised", Service(document=edited(list.reverse))),
    harmless("keys-in-another-order", "objects have no order", Service(document=lambda: _backwards(sample()))),
)


def _with_number(text: bytes) -> bytes:
    runtime = edited(put(0, "metadata", {"n": "PLACE"}), count=1)()["runtimes"][0]
    return written(runtime).replace(b'"PLACE"', text)


def _with_digits(count: int) -> bytes:
    return _with_number(b"7" * count)
