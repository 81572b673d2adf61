"""Contracts that may hang, crash or fill the memory: each is rejected in one line, or used in limited time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl import check
from pytest_bctrl.baseline.baseline_file import BaselineFile
from pytest_bctrl.contract.document import load_data
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load
from pytest_bctrl.contract.show import contract_lines
from pytest_bctrl.drift import compare_with_upstream
from pytest_bctrl.errors import BctrlError, DocumentError
from pytest_bctrl.samples.mutants import mutants
from pytest_bctrl.samples.sample import Samples
from tests.contract.documents import contract_of, document

PATTERNS = [
    "^(a+)+$", "^(a|a)*$", "^(a*)*b", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", "^(.*)*(.*)*(.*)*$", "(a?){30}a{30}",
    "(a{1000}){1000}", "a{2000000000}", "(.{0,1000}x){0,20}", "(?:){1000000000}", "^(?:(?:a*){9999}){9999}$",
    "(?=(a+)+$)(?=(b+)+$)x", r"^(?:(?=(a+))\1)+$", r"^((a|aa)+)(?!c)\1?b$", "(" * 500 + ")" * 500, "[", "(", "*", r"\1",
    r"\p{Nope}", r"(?<n>a)\k<n>", "(?i)a", r"^\p{L}{1,999}$", "\ud800", "a" * 2_000, "a|" * 2_000,
]  # fmt: skip
IN_PLACE = ("allOf", "anyOf", "oneOf")


def _in_place(word: str, schemas: list[Any]) -> Any:
    """Return a schema that applies schemas by a keyword; only the first if the keyword takes a single schema."""
    return {word: schemas if word in IN_PLACE else schemas[0]}


def _below(keyword: str, schema: Any) -> Any:
    """Return a schema that applies `schema` by a keyword; `schema` itself if the keyword is empty."""
    return {"": schema, "properties": {"properties": {"x": schema}}}.get(keyword, {keyword: schema})


def _ref(number: int) -> dict[str, str]:
    """Return a reference to a component schema by its number."""
    return {"$ref": f"#/components/schemas/S{number}"}


def _doubling() -> Iterator[tuple[str, Any, Any]]:
    """Yield id, schema and component schemas of chains in which each schema applies the next one several times."""
    for word in IN_PLACE:
        for keyword in ("", "properties", "items", "additionalProperties", "not", "unevaluatedProperties"):
            for levels, copies in ((40, 2), (6, 30), (3, 3)):
                chain = {f"S{n}": {word: [_below(keyword, _ref(n + 1))] * copies} for n in range(levels)}
                end = {f"S{levels}": {"type": "integer"}}
                yield f"{copies}^{levels} {word} {keyword}", _ref(0), chain | end
                yield (
                    f"{copies}^{levels} {word} {keyword} and back",
                    _ref(0),
                    chain | {f"S{levels}": {"items": _ref(0)}},
                )


def _circles() -> Iterator[tuple[str, Any, Any]]:
    """Yield id, schema and component schemas of circular and of long references."""
    for word in (*IN_PLACE, "not", "if", "then", "else"):
        for length in (1, 2, 30):
            ring = {f"S{n}": _in_place(word, [_ref((n + 1) % length)]) for n in range(length)}
            yield f"circle of {length} {word}", _ref(0), ring
    yield "circle dependentSchemas", _ref(0), {"S0": {"dependentSchemas": {"x": _ref(0)}}}
    yield "circle of references", _ref(0), {"S0": _ref(1), "S1": _ref(0)}
    yield "chain of references", _ref(0), {f"S{n}": _ref(n + 1) for n in range(3_000)} | {"S3000": True}
    yield "long way down", _ref(0), {f"S{n}": {"items": _ref(n + 1)} for n in range(3_000)} | {"S3000": True}


def _identifiers() -> Iterator[tuple[str, Any, Any]]:
    """Yield id, schema and component schemas with unusual identifiers, anchors, references and dialects."""
    for schema in (
        {"$dynamicAnchor": "n", "allOf": [{"$dynamicRef": "#n"}]},
        {"$dynamicAnchor": "n", "not": {"$dynamicRef": "#n"}},
        {"$dynamicAnchor": "n", "oneOf": [{"items": {"$dynamicRef": "#n"}}] * 3},
        {"$dynamicRef": "#nowhere"},
        {"$ref": "#nowhere"},
        {"$ref": "http://[::1"},
        {"$id": "http://[::1", "$ref": "#/x"},
        {"$id": ":", "items": {"$ref": "#/$defs/a"}, "$defs": {"a": True}},
        {"$id": "urn:a", "$defs": {"b": {"$id": "urn:a", "$anchor": "c"}}, "$ref": "#c"},
        {"$anchor": "a", "$defs": {"b": {"$anchor": "a"}}, "$ref": "#a"},
        {"$ref": "#/components/schemas/%zz"},
        {"$ref": "file:///etc/passwd"},
        {"$schema": "http://127.0.0.1:1/dialect", "type": "string"},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "string"},
        {"$vocabulary": {"urn:x": True}},
    ):
        yield f"identifiers {json.dumps(schema)}", schema, {}


def _sizes() -> Iterator[tuple[str, Any, Any]]:
    """Yield id, schema and component schemas with large numbers, sizes, enums and depths."""
    for word, kind in (("minItems", "array"), ("minLength", "string"), ("minProperties", "object")):
        maximum = word.replace("min", "max")
        for number in (10**9, 10**400, 1e300):
            for schema in ({"type": kind, word: number}, {"type": kind, maximum: number}, {word: number, maximum: 1}):
                yield f"{json.dumps(schema)[:60]}", schema, {}
    many = {"type": "array", "minItems": 1_000, "uniqueItems": True}
    yield "many of many", {**many, "items": {**many, "items": {**many, "items": {"type": "string"}}}}, {}
    yield "many that differ", {**many, "items": {"enum": [1, 2]}}, {}
    yield "many that contain", {"type": "array", "contains": {"type": "null"}, "minContains": 10**9}, {}
    for number in (1e-300, 5e-324, 10**400):
        yield (
            f"steps of {number:.0e}"[:30] if number < 1 else "huge steps",
            {"type": "number", "multipleOf": number},
            {},
        )
    yield "steps too small", {"type": "number", "minimum": 1e300, "multipleOf": 1e-300}, {}
    yield "numbers far apart", {"type": "number", "minimum": -(10**400), "maximum": 10**400}, {}
    yield "a huge enum", {"enum": [*range(30_000)]}, {}
    yield (
        "many names",
        {"required": [f"n{n}" for n in range(20_000)], "properties": {f"n{n}": {} for n in range(20_000)}},
        {},
    )
    yield "many branches", {"oneOf": [{"properties": {"k": {"const": n}}, "required": ["k"]} for n in range(1_000)]}, {}
    tree = {"type": "object", "properties": {f"p{n}": _ref(0) for n in range(8)}}
    yield "a broad tree", _ref(0), {"S0": {**tree, "required": [*tree["properties"]]}}
    yield "a broad tree that may end", _ref(0), {"S0": tree}
    yield "rules of rules", _ref(0), {"S0": {"oneOf": [{"properties": {"x": _ref(0)}, "required": [k]} for k in "xyz"]}}
    for word in ("items", "not", "allOf", "additionalProperties"):
        for depth in (90, 400, 5_000):
            deep: Any = {"type": "array"}
            for _ in range(depth):
                deep = _in_place(word, [deep])
            yield f"{depth} levels of {word}", deep, {}


def _patterns() -> Iterator[tuple[str, Any, Any]]:
    """Yield id, schema and component schemas with each pattern of `PATTERNS`."""
    for number, pattern in enumerate(PATTERNS):
        for schema in (
            {"type": "string", "pattern": pattern},
            {"type": "object", "patternProperties": {pattern: {"type": "null"}}},
            {"type": "object", "propertyNames": {"pattern": pattern}, "minProperties": 3},
        ):
            yield f"pattern {number} {pattern[:30]!a} {[*schema][1]}", schema, {}


HOSTILE = [*_doubling(), *_circles(), *_identifiers(), *_sizes(), *_patterns()]
DEEP = [f"{'[' * 249}{']' * 249}", f"{json.dumps({'x': 0})[:-2] * 240}0{'}' * 240}", f"{'[' * 60}1{']' * 60}"]
BODIES = [
    *DEEP,
    json.dumps("a" * 20_000 + "!"),
    json.dumps({"a" * 30 + "!": 1, "x": {"x": {}}}),
    "1",
    "[[1, 2], {}]",
    "{}",
]


def rejection_message(schema: Any, schemas: Any) -> str:
    """Load a contract and use it; return the message if it is rejected, else an empty string."""
    try:
        contract = contract_of(schema, schemas)
    except DocumentError as error:
        return str(error)
    use_contract(contract)
    return ""


def use_contract(contract: Contract) -> None:
    """Format the contract, check each body against it, and generate its samples and mutants."""
    assert all(isinstance(line, str) for line in contract_lines(contract))
    for body in BODIES:
        check(body, contract=contract)
    with suppress(BctrlError):
        samples = Samples(contract, contract.operations[0])
        check(json.dumps(samples.sample()), contract=contract)
        mutants(samples)


@lru_cache(maxsize=1)
def time_limit() -> float:
    """Return the allowed processor time: 30 times that for a contract with 2,000 plain properties."""
    started = time.process_time()
    rejection_message({"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(2_000)}}, {})
    return 30 * (time.process_time() - started)


@pytest.mark.parametrize(("schema", "schemas"), [text[1:] for text in HOSTILE], ids=[text[0] for text in HOSTILE])
def test_a_hostile_schema_is_rejected_or_handled_quickly(schema: Any, schemas: Any) -> None:
    """Reading, samples and a check take limited time, and an error is one short line."""
    limit, started = time_limit(), time.process_time()
    rejection = rejection_message(schema, schemas)
    assert (len(rejection.splitlines()) < 2, len(rejection) < 500) == (True, True), rejection[:600]
    assert limit > time.process_time() - started


SOUND = json.dumps(document())
TEXTS = {
    "aliases of aliases": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)),
    "merges of merges": "a0: &a0 {x: 1}\n"
    + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60)),
    "an alias of itself": "a: &a [*a]",
    "deep flow": "a: " + "[" * 100_000,
    "deep blocks": "".join(f"{' ' * n}a:\n" for n in range(2_000)),
    "a tag": "a: !!python/object/apply:os.system [id]",
    "deep json": '{"a":' * 100_000,
    "two keys": SOUND.replace('"info"', '"openapi": "3.1.0", "info"'),
    "a long number": f'{{"openapi": {"1" * 100_000}}}',
    "nothing": "",
    "not text": "\x00",
    "no path": json.dumps({**document(), "paths": {}}),
    "webhooks alone": json.dumps({"openapi": "3.1.0", "info": {}, "webhooks": {"a": {"post": {}}}}),
    "paths without methods": json.dumps({**document(), "paths": {"/a": {}}}),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_document_is_rejected_with_one_line(name: str, tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text(TEXTS[name], "utf-8")
    limit, started = time_limit(), time.process_time()
    with pytest.raises(DocumentError) as rejection:
        load(file)
    assert 1 == len(str(rejection.value).splitlines())
    assert limit > time.process_time() - started


def test_the_gate_rejects_a_spec_too_expensive_to_validate(tmp_path: Path) -> None:
    """The cost of validation doubles per level: `compare_with_upstream` raises before it compares anything."""
    _, schema, schemas = next(_doubling())
    costly = document(schema)
    costly["components"]["schemas"] = schemas
    base, settings = load_data(document(), "base"), tmp_path / "none.yaml"
    with pytest.raises(DocumentError, match="takes too long to validate"):
        compare_with_upstream(load_data(costly, "page"), base, settings, BaselineFile("none.yaml"))
