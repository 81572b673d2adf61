"""A strategy of contracts: schemas of every keyword, that overlap, refer to each other and to themselves."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import DocumentError
from tests.contract.documents import contract_of

NAMES = st.sampled_from(["a", "b", "kind", "odd.name", "x-y", "é'\"", "[*]", "<b>"])
_FORMATS = ["uuid", "date-time", "date", "time", "email", "uri", "duration", "ipv4", "hostname", "int32", "one's own"]
_PATTERNS = ["^a", "^x-", "^[a-c]{1,3}$", r"^\p{L}+$", r"^\d{2}:\d{2}$", "b$", "."]
_SCALARS = st.sampled_from([None, True, False, 0, 1, 1.5, "a", "B", ""])
_COUNT = st.integers(0, 3)


def _some(keywords: dict[str, st.SearchStrategy[Any]], **fixed: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for schemas with all fixed keywords and some of the others."""
    return st.fixed_dictionaries({word: st.just(value) for word, value in fixed.items()}, optional=keywords)


_TYPES = st.lists(
    st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"]), min_size=1, unique=True
)
_LEAVES = st.one_of(
    st.booleans(),
    st.just({}),
    st.builds(lambda names: {"type": names}, _TYPES),
    st.builds(lambda values: {"enum": values}, st.lists(_SCALARS, min_size=1, max_size=4, unique_by=repr)),
    st.builds(lambda value: {"const": value}, _SCALARS | st.just({"a": 1}) | st.just([1])),
    _some(
        {
            "minLength": _COUNT,
            "maxLength": st.integers(1, 40),
            "pattern": st.sampled_from(_PATTERNS),
            "format": st.sampled_from(_FORMATS),
        },
        type="string",
    ),
    st.sampled_from(["integer", "number"]).flatmap(
        lambda name: _some(
            {
                "minimum": st.integers(-5, 5),
                "maximum": st.integers(3, 20),
                "exclusiveMinimum": st.integers(-5, 5),
                "exclusiveMaximum": st.sampled_from([6, 7.5]),
                "multipleOf": st.sampled_from([1, 2, 3, 0.5, 0.01]),
            },
            type=name,
        )
    ),
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for schemas whose subschemas `inner` generates."""
    several = st.lists(inner, min_size=1, max_size=3)
    members = st.dictionaries(NAMES, inner, max_size=3)
    of_objects = {
        "properties": members,
        "required": st.lists(NAMES, max_size=2, unique=True),
        "additionalProperties": inner,
        "patternProperties": st.dictionaries(st.sampled_from(_PATTERNS), inner, max_size=2),
        "propertyNames": st.builds(lambda pattern: {"pattern": pattern}, st.sampled_from(_PATTERNS)),
        "minProperties": _COUNT,
        "maxProperties": st.integers(1, 4),
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
        "dependentSchemas": st.dictionaries(NAMES, inner, max_size=2),
        "unevaluatedProperties": inner,
    }
    of_lists = {
        "items": inner,
        "prefixItems": several,
        "contains": inner,
        "minContains": _COUNT,
        "maxContains": st.integers(1, 3),
        "minItems": _COUNT,
        "maxItems": st.integers(1, 4),
        "uniqueItems": st.booleans(),
        "unevaluatedItems": inner,
    }
    of_any = {
        "allOf": several,
        "anyOf": several,
        "oneOf": several,
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
        "$ref": st.sampled_from(["#/components/schemas/A", "#/components/schemas/B"]),
    }
    return st.one_of(
        _some(of_objects, type="object"),
        _some(of_lists, type="array"),
        _some(of_any),
        st.builds(lambda first, second: {**first, **second}, _some(of_objects), _some(of_any)),
    )


SCHEMAS: st.SearchStrategy[Any] = st.recursive(_LEAVES, _nested, max_leaves=8)


@st.composite
def contracts(draw: st.DrawFn, /, schemas: st.SearchStrategy[Any] = SCHEMAS, **operation: Any) -> Contract:
    """Draw a contract with one body of any schema; Hypothesis discards the example if loading rejects the schema."""
    components = {name: draw(SCHEMAS) for name in ("A", "B")}
    try:
        return contract_of(draw(schemas), components, **operation)
    except DocumentError:
        return draw(st.nothing())
