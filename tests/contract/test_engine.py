"""The engine validates keywords, formats, patterns and identifiers as specified, in any thread."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_bctrl import check
from pytest_bctrl.checks.schema import violations
from pytest_bctrl.contract.engine import (
    accepts,
    conforms_to_format,
    count_conforming,
    is_known_format,
    iter_errors,
    matches,
)
from pytest_bctrl.contract.model import Contract
from tests.observed.bodies import BODIES, CONTRACT, VALUES

from .documents import contract_of, rooted

SCHEMA: Any = CONTRACT.operations[0].responses["200"].content["application/json"]


def agree(contract: Contract, schema: Any, value: Any) -> None:
    """Assert that the engine accepts a value if and only if jsonschema does, and has violations of one it rejects."""
    valid = Draft202012Validator(rooted(contract, schema)).is_valid(value)
    assert valid is accepts(contract, schema, value)
    assert valid or violations(contract, schema, value)


@given(BODIES)
def test_the_engine_agrees_with_jsonschema_on_bodies(body: Any) -> None:
    # jsonschema asserts no format here.
    assume(not any(violation.kind == "format" for violation in violations(CONTRACT, SCHEMA, body)))
    agree(CONTRACT, SCHEMA, body)


KEYWORDS: list[Any] = [
    True,
    False,
    {"type": ["integer", "null"]},
    {"type": "number"},
    {"enum": [1, True, "a", None, 0]},
    {"const": 1.0},
    {"const": {"format": "uuid"}},
    {"type": "string", "minLength": 2, "maxLength": 3},
    {"type": "array", "items": {"type": "string"}, "minItems": 1},
    {"prefixItems": [{"type": "null"}], "items": False},
    {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["kind"], "additionalProperties": False},
    {"additionalProperties": False},
    {"properties": {"a.b": False, "additionalProperties": False}, "patternProperties": {"^é": {"type": "null"}}},
    {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    {"anyOf": [{"required": ["x"]}, {"type": "null"}]},
    {"anyOf": [False, {"properties": {"kind": {"const": "x"}}, "required": ["kind"]}]},
    {"not": {"type": "string"}},
    {"if": {"type": "object"}, "then": {"minProperties": 1}, "else": {"type": "string"}},
    {"dependentRequired": {"x": ["kind"]}},
    {"dependentSchemas": {"x": {"properties": {"x": {"type": "null"}}}}},
    {"propertyNames": {"maxLength": 4}},
    {"contains": {"type": "null"}, "maxContains": 1},
    {"type": "object", "properties": {"x": True}, "unevaluatedProperties": False},
    {"pattern": "^a$"},
    {"uniqueItems": True},
    {"multipleOf": 2},
]


@pytest.mark.parametrize(("schema", "contract"), [(schema, contract_of(schema)) for schema in KEYWORDS])
@settings(max_examples=50)
@given(value=VALUES)
def test_the_engine_agrees_with_jsonschema_on_every_keyword(schema: Any, contract: Contract, value: Any) -> None:
    # To jsonschema what is beyond a double is not an integer, whatever is written.
    assume("inf" not in repr(value))
    agree(contract, schema, value)


ID = "5b1e0c8e-0000-4000-8000-00000000bc71"


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("uuid", [ID, ID.upper(), "f" * 8 + ID[8:]], ["", ID[:-1], f"{{{ID}}}", ID + "\n", ID.replace("5", "\u0665")]),
        (
            "date-time",
            ["2026-03-01t08:00:05.5z", "2026-12-31T23:59:60Z"],
            ["2026-03-01T08:00:05", "2026-03-01 08:00:05Z"],
        ),
        ("time", ["08:30:06Z", "08:30:06.5+02:00"], ["08:30:06", "25:00:00Z"]),
        ("hostname", ["api.example.org", "a-1"], ["", "-a", "a_b", "a..b", "a" * 64, "xn--X"]),
        ("uri", ["urn:a:b", "https://e.org/?a#b"], ["/a", "http://a b", "http://[::1", "://x"]),
        ("uri-template", ["/a/{b}", "{?x,y}"], ["/a/{b", "{}"]),
        ("relative-json-pointer", ["0", "1/a", "2#"], ["", "/a", "-1", "01"]),
        ("json-pointer", ["", "/a~1b/0"], ["a", "/~2"]),
        ("email", ["a@b.test", '"a b"@c.test'], ["a", "a@b@c.test", "a..b@c.test", ".a@b.test"]),
        ("duration", ["P1Y2M3DT4H5M6S", "P3W"], ["P", "PT", "P1YT", "P1S", "1D"]),
        ("ipv4", ["192.0.2.1"], ["192.0.2.256", "192.0.2.01"]),
        ("regex", [r"^\p{L}+$"], ["["]),
        ("int32", ["anything"], []),
    ],
)
def test_formats_accept_only_valid_values(name: str, right: list[str], wrong: list[str]) -> None:
    assert (right, []) == (
        [text for text in right if conforms_to_format(text, name)],
        [text for text in wrong if conforms_to_format(text, name)],
    )
    assert len(right) == count_conforming([*right, *wrong], name)
    assert bool(wrong) is is_known_format(name)
    assert all(conforms_to_format(value, name) for value in (None, 1, True, [1], {"a": 1}))


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        (r"^\p{L}+$", ["é", "ж"], ["1", ""]),
        ("^a$", ["a"], ["a\n"]),
        (r"^\d$", ["1"], ["\u0665"]),
        (r"^\S$", ["\U0001f600"], ["\ufeff"]),
        ("^(a+)+$", ["a" * 50_000], ["a" * 50_000 + "!"]),
        (r"^(?=.*\d)\w+$", ["a1"], ["a"]),
        (r"^(\w)\1$", ["aa", "\ud800\ud800"][:1], ["ab"]),
        ("[", [], ["[", ""]),
    ],
)
def test_patterns_follow_ecma_262(pattern: str, right: list[str], wrong: list[str]) -> None:
    assert (right, []) == ([x for x in right if matches(pattern, x)], [x for x in wrong if matches(pattern, x)])


def test_catastrophic_backtracking_is_a_finding() -> None:
    """Matching a long text with a pattern that needs too many steps ends with a message that says so."""
    (finding,) = check(
        '"' + "ab" * 5_000 + '!"', contract=contract_of({"pattern": r"^(?=((a|b|ab)+)+$)(\2|c)+(?<!z)$"})
    )
    assert "the text takes more steps than a pattern may" == finding.message


@pytest.mark.parametrize(
    ("schema", "value", "valid"),
    [
        ({"type": "number"}, "1e999", True),
        ({"maximum": 5}, "1e999", False),
        ({"multipleOf": 0.01}, "0.58", True),
        ({"multipleOf": 3}, "1e400", False),
        ({"const": "x"}, '"\\ud800"', False),
        ({"maxLength": 1}, '"\\ud800"', True),
        ({"uniqueItems": True}, '["\\ud800", "\\ud801"]', True),
        ({"properties": {"a": {"type": "object"}}}, '{"a": {"\\ud800": "\\udfff"}}', True),
        ({"additionalProperties": {"type": "null"}}, '{"\\ud800": 1}', False),
        ({"additionalProperties": {"type": "null"}}, '{"05": 1, "5": null}', False),
        ({"additionalProperties": {"type": "null"}}, '{"": 1}', False),
        ({"unevaluatedProperties": {"type": "null"}}, '{"": null, "a": {"0": 1, "+0": null}}', False),
    ],
)
def test_json_that_the_engine_cannot_read_is_validated_too(schema: Any, value: str, valid: bool) -> None:
    """A value beyond a double or with lone surrogates is valid, or has findings with a sample, as the schema says."""
    findings = [
        finding for finding in check(value, contract=contract_of(schema)) if finding.rule != "interoperable_json"
    ]
    assert valid is (not findings)
    assert valid or all(finding.rule == "response_schema_conformance" and finding.sample for finding in findings)


_NAMES = ("", "a", "0", "00", "+0", "7", "a/b", "~", '"', '"]["a', "a\nb", "\ue000", ":\n", "On instance")
_TEXTS_FORBIDDEN = {
    "not": {"type": "string"},
    "additionalProperties": {"$ref": "#/components/schemas/NoText"},
    "items": {"$ref": "#/components/schemas/NoText"},
}
_WITHOUT_TEXTS = contract_of({"$ref": "#/components/schemas/NoText"}, {"NoText": _TEXTS_FORBIDDEN})


def paths_of_texts(value: Any, *path: str | int) -> set[tuple[str | int, ...]]:
    """Return the paths of all strings in a value."""
    if isinstance(value, str):
        return {path}
    members: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        members += value.items()
    elif isinstance(value, list):
        members += enumerate(value)
    return set().union(*(paths_of_texts(member, *path, key) for key, member in members))


@settings(deadline=None, max_examples=200)
@example({"": {"a": "x"}, "a": "x"})
@example({"": {"": ["x"]}, "0": {"00": "x"}})
@example([{"0": "x", "00": "x", "+0": "x"}])
@given(
    st.recursive(
        st.sampled_from(("x", "", 1, None)),
        lambda inner: st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4) | st.lists(inner, max_size=3),
        max_leaves=8,
    )
)
def test_the_path_of_an_error_leads_to_the_rejected_value(value: Any) -> None:
    """To the object around it below an empty name, which the engine omits, and below names that it reads as one number.

    Each rejected value has an error, at its path or above it.
    """
    errors = [*iter_errors(_WITHOUT_TEXTS, _TEXTS_FORBIDDEN, value)]
    exact = {error.path for error in errors if error.keyword != "AmbiguousName"}
    above = {error.path for error in errors if error.keyword == "AmbiguousName"}
    for path in paths_of_texts(value):
        assert path in exact or any(path[: len(prefix)] == prefix for prefix in above)
    assert paths_of_texts(value) >= exact


@pytest.mark.parametrize("name", ["7", "007", "+5", "-0", "0", "00", "+", "1e3", "18446744073709551616", "05\ud800"])
def test_the_location_of_a_member_has_its_name_even_if_it_looks_like_an_index(name: str) -> None:
    """The member has the wrong type, and the engine reads digits in a path as a number."""
    contract = contract_of({"type": "object", "additionalProperties": {"type": "integer"}})
    (violation,) = violations(contract, contract.operations[0].responses["200"].content["application/json"], {name: ""})
    assert ((name,), "") == (violation.path, violation.observed)


NODE = {"$dynamicAnchor": "node", "type": "object", "properties": {"of": {"items": {"$dynamicRef": "#node"}}}}


@pytest.mark.parametrize(
    ("schema", "schemas", "wrong", "location"),
    [
        ({"$anchor": "a", "items": {"$ref": "#b"}}, {"B": {"$anchor": "b", "type": "null"}}, [1], "[*]"),
        ({"$ref": "https://e.test/b#/$defs/c"}, {"B": {"$id": "https://e.test/b", "$defs": {"c": False}}}, 1, "$"),
        (
            {"$id": "https://e.test/a/", "items": {"$ref": "b"}},
            {"B": {"$id": "https://e.test/a/b", "not": {}}},
            [1],
            "[*]",
        ),
        ({"$id": "urn:a", "items": {"$ref": "#/$defs/b"}, "$defs": {"b": {"type": "null"}}}, {}, [1], "[*]"),
        ({"$ref": "#/components/schemas/A{b}/c/0"}, {"A{b}": {"c": [{"type": "null"}]}}, 1, "$"),
        ({"$ref": "#/components/schemas/a%2525~0b"}, {"a%25~b": {"type": "null"}}, 1, "$"),
        (
            {"$id": "https://e.test/strict", "$dynamicAnchor": "node", "$ref": "node", "unevaluatedProperties": False},
            {"Node": {"$id": "https://e.test/node", **NODE}},
            {"of": [{"off": 1}]},
            "of[*].off",
        ),
    ],
)
def test_a_reference_by_id_is_resolved(schema: Any, schemas: Any, wrong: Any, location: str) -> None:
    """Also by `$id`, `$anchor` or an encoded pointer: an invalid value has a finding at its location."""
    contract = contract_of(schema, schemas)
    assert location in {finding.location for finding in check(json.dumps(wrong), contract=contract)}
    assert [] == [finding for finding in check("{}", contract=contract) if location != "$"]


def test_parsing_in_threads_does_not_change_interpreter_limits() -> None:
    """The recursion limit and the limit on digits stay, although bodies are deep and numbers long."""
    before = sys.getrecursionlimit(), sys.get_int_max_str_digits()
    bodies = ["[" * 240 + "]" * 240, "[" * 5_000 + "]" * 5_000, "1" * 4_000, "1" * 5_000, '"a"', "[]"] * 20
    with ThreadPoolExecutor(6) as pool:
        seen = set(
            pool.map(lambda body: (check(body) and sys.getrecursionlimit(), sys.get_int_max_str_digits()), bodies)
        )
    assert ({before}, before) == (seen, (sys.getrecursionlimit(), sys.get_int_max_str_digits()))


AND_OR = [
    {"properties": {"is": {"const": word}, "of": {"items": {"$ref": "#/components/schemas/Rule"}}}, "required": ["is"]}
    for word in ("and", "or")
]


@pytest.mark.parametrize(("depth", "location"), [(2, "of[*].of[*].is"), (40, "$")])
def test_an_invalid_body_has_a_finding_even_if_locating_it_takes_too_long(depth: int, location: str) -> None:
    """If alternatives nest too deeply, the finding is at the body, else at the wrong property."""
    contract = contract_of({"$ref": "#/components/schemas/Rule"}, {"Rule": {"oneOf": AND_OR}})
    body: Any = {"is": "xor"}
    for _ in range(depth):
        body = {"is": "and", "of": [body]}
    assert [location] == [
        finding.location for finding in check(json.dumps(body), contract=contract) if finding.level == "error"
    ]
