"""What every check tells, in full: answers by name, and their findings as lines of `told.txt`.

`python -m tests.checks.told` writes the file anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.credentials import check_head_refused, check_refused
from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.checks.violation import Violation, findings, merge
from pytest_bctrl.finding import Finding
from tests.contract.documents import contract_of

from .answers import SPACE, answer, runtime, sample

TOLD = Path(__file__).with_name("told.txt")
HTML = ("Content-Type", "text/html")
KEPT = (
    ("Content-Type", "application/json"),
    ("X-Request-Id", "req-1"),
    ("Retry-After", "5"),
    ("Set-Cookie", "session=not-shown"),
    ("WWW-Authenticate", "Bearer"),
)


def _first(**changes: Any) -> Any:
    """The sample, with the first of its runtimes changed."""
    body = sample()
    body["runtimes"][0] |= changes
    return body


def _each(**changes: Any) -> Any:
    """The sample, with all of its runtimes changed."""
    return {"runtimes": [{**one, **changes} for one in sample()["runtimes"]]}


def _without(name: str) -> Any:
    body = sample()
    del body["runtimes"][0][name]
    return body


def _answers() -> Iterator[tuple[str, Answer]]:
    """Answers of the packaged contract's operation."""
    for status in (200, 204, 299, 300, 302, 399, 418, 499, 500, 599):
        yield f"status {status}", answer({}, status)
    yield "redirect", answer({}, 302, (("Location", "https://elsewhere"),))
    yield "redirect of the first kind", answer({}, 300, (("Location", "/elsewhere"),))
    yield "location of no redirect", answer({}, 201, (("Location", "https://elsewhere"),))
    yield "not JSON", answer(b"{,}")
    yield "not UTF-8", answer(b'{"a": "\xff"}')
    yield "a word JSON has not", answer(b'{"runtimes": NaN}')
    yield "byte order mark", answer(b"\xef\xbb\xbf{}")
    yield "keys twice", answer(b'{"runtimes": [], "runtimes": [], "a": 1, "b": 2, "b": 3, "a": 4}')
    yield "deep", answer(b"[" * 100_000 + b"]" * 100_000)
    yield "many digits", answer(b"[" + b"1" * 30000 + b"]")
    yield "empty", answer(b" \r\n")
    yield "long text", answer(b"word " * 99, headers=(HTML,))
    yield "text to the edge", answer(b"x" * 200, headers=(HTML,))
    yield "text over the edge", answer(b"x" * 150 + b" " + b"y" * 60, headers=(HTML,))
    yield "no content type", answer(sample(), headers=())
    yield "refusal with headers", answer({"error": {"code": 7, "message": "text for people"}}, 401, KEPT)
    yield "text of a refusal", answer({"error": {"code": "a", "message": ["no", "text"]}}, 400)
    yield "wrong type", answer(_first(name=7))
    yield "null", answer(_first(name=None))
    yield "format", answer(_first(id="no-uuid"))
    yield "unlisted value", answer(_first(status="paused"))
    yield "the same unlisted value", answer(_each(status="paused"))
    yield "missing", answer(_without("name"))
    yield "missing at the top", answer({})
    yield "no object", answer([])
    yield "undocumented", answer(_each(tenant="acme"))
    yield "undocumented at the top", answer({**sample(), "total": 3})
    yield "ids twice", answer({"runtimes": [*sample()["runtimes"], sample()["runtimes"][0]]})
    yield "another space", answer(runtime(), id="another")
    yield "its own space in capitals", answer(runtime(), id=SPACE.upper())
    yield "type is not kind", answer(_first(type="desktop"))
    yield "no time", answer(_first(createdAt="yesterday", updatedAt="soon"))
    yield "updated too early", answer(_first(createdAt="2026-03-02T00:00:00Z", updatedAt="2026-03-01T00:00:00Z"))
    yield (
        "ordered after one that is no object",
        answer(
            {"runtimes": [7, *runtime(createdAt="2026-03-02T00:00:00Z", updatedAt="2026-03-01T00:00:00Z")["runtimes"]]}
        ),
    )
    yield "many members", answer(runtime(**{f"field{number}": number for number in range(30)}))
    yield "of another method", Answer(**{**_fields(answer(b"{")), "method": "HEAD", "reproduce": "curl …"})


def _fields(made: Answer) -> dict[str, Any]:
    return {name: getattr(made, name) for name in Answer.__dataclass_fields__}


CAT = {"type": "object", "required": ["sort"], "properties": {"sort": {"const": "cat"}, "lives": {"type": "integer"}}}
DOG = {"type": "object", "required": ["sort"], "properties": {"sort": {"const": "dog"}, "tail": {"type": "boolean"}}}
LONG = list(range(9))
SCHEMAS: dict[str, tuple[Any, Any]] = {
    "nothing is allowed": (False, 1),
    "long object with words of every kind": (
        {
            "$ref": "#/components/schemas/O",
            "properties": {"a": {"items": {"type": "integer"}}, "n": {"type": "null"}},
            "required": ["x", "y"],
            "maxProperties": 2,
            "propertyNames": {"maxLength": 1},
        },
        {"a": [*range(9), "x"], "n": 1, "long": 1},
    ),
    "minimum": ({"minimum": 3}, 1),
    "one of several types": ({"type": ["string", "null"]}, 1),
    "const": ({"const": "a"}, "b"),
    "const of another type": ({"type": "string", "const": "a"}, 1),
    "enum of another type": ({"type": "string", "enum": ["a"]}, None),
    "no alternative": ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, 1.5),
    "two alternatives": ({"oneOf": [{"type": "string"}, {"minLength": 1}]}, "a"),
    "fault in the alternative meant": ({"oneOf": [CAT, DOG]}, {"sort": "cat", "lives": "nine"}),
    "unknown alternative": ({"oneOf": [CAT, DOG]}, {"sort": "cow"}),
    "alternative not named": ({"oneOf": [CAT, DOG]}, {"lives": 9}),
    "alternative of no object": ({"oneOf": [CAT, DOG]}, "cat"),
    "long list": ({"items": {"type": "string"}}, LONG),
    "long list of what is forbidden": ({"prefixItems": [True, True], "items": False}, LONG),
    "long list with words beside": ({"items": {"$ref": "#/components/schemas/N"}, "maxItems": 8}, [*LONG, "a"]),
    "long list within": (
        {"properties": {"a": {"items": {"type": "integer"}}, "b": {"type": "null"}}, "required": ["c"]},
        {"a": [*LONG, "x"], "b": 1},
    ),
    "long list with its first items apart": (
        {"prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
        [1, "x", *LONG],
    ),
    "referred with words beside": ({"$ref": "#/components/schemas/L", "maxItems": 9}, [*LONG, "a"]),
    "closed with a long list": ({"properties": {"a": True}, "additionalProperties": False}, {"a": LONG, "b": 1}),
    "unevaluated": ({"properties": {"a": True}, "unevaluatedProperties": False}, {"a": LONG, "b": 1}),
    "many unlisted values": ({"items": {"enum": [0]}}, [*range(1, 70)]),
}
COMPONENTS = {
    "O": {"required": ["z"], "additionalProperties": {"type": "integer"}},
    "N": {"type": "integer"},
    "L": {"items": {"type": "integer"}, "minItems": 11},
}


def _cases() -> Iterator[tuple[str, Callable[[], list[Finding]]]]:
    for name, made in _answers():
        yield name, partial(check_answer, made)
    yield "expected another", partial(check_answer, answer(sample()), (403, 401))
    yield (
        "refused where an answer was due",
        partial(check_answer, answer({}, 400, (("Location", "/elsewhere"),)), (200,)),
    )
    yield "failed where a refusal was due", partial(check_answer, answer({}, 503), (401, 403))
    for status in (200, 299, 300, 400, 499, 500):
        yield f"wrong key, {status}", partial(_of, check_refused, answer({}, status), "empty bearer")
        yield f"HEAD without a key, {status}", partial(_of, check_head_refused, answer({}, status))
    for name, (schema, value) in SCHEMAS.items():
        yield name, partial(check_answer, answer(value, contract=contract_of(schema, COMPONENTS), id="a"))
    yield "many answers", partial(_merged, ["wrong type", "the same unlisted value", "wrong type", "missing"])
    yield "many answers with many values", partial(_merged, ["many unlisted values"] * 2)


def _of(check: Callable[..., Iterable[Violation]], made: Answer, *arguments: str) -> list[Finding]:
    return findings(made, check(made, *arguments))


def _merged(names: list[str]) -> list[Finding]:
    return merge(finding for name in names for finding in CASES[name]())


CASES = dict(_cases())
"""The findings of each case, worked out when they are asked for."""


def line(name: str) -> str:
    """Return the findings of a case as one line."""
    found = [finding.as_dict() for finding in CASES[name]()]
    return json.dumps(found, ensure_ascii=False, sort_keys=True)


if __name__ == "__main__":
    TOLD.write_text("".join(f"{name} => {line(name)}\n" for name in CASES), "utf-8")
