"""Which components extend which schemas by `allOf`."""

from __future__ import annotations

import pytest

from pytest_bctrl.contract.extensions import Extensions

A, B, C, D = (f"/components/schemas/{name}" for name in "ABCD")


def extending(**bases: str) -> Extensions:
    """Return the extensions of a document whose component of each name extends those with these names."""
    schemas = {
        name: {"allOf": [{"$ref": f"#/components/schemas/{base}"} for base in names]} for name, names in bases.items()
    }
    return Extensions({"components": {"schemas": schemas}})


def test_a_schema_that_is_extended_in_two_ways_is_listed_once() -> None:
    extensions = extending(B="A", C="A", D="BC")
    assert {B, C, D} == extensions.extending(A)
    assert {A, B, C} == extensions.extended(D)


def test_a_schema_that_extends_itself_is_listed() -> None:
    assert {A, B} == extending(A="B", B="A").extending(A) == extending(A="B", B="A").extended(A)


@pytest.mark.parametrize(
    "document",
    [{}, {"components": 1}, {"components": {"schemas": []}}, {"components": {"schemas": {"A": {"allOf": {}}}}}],
    ids=str,
)
def test_an_invalid_document_has_no_extensions(document: object) -> None:
    assert frozenset() == Extensions(document).extending(A) == Extensions(document).extended(A)  # type: ignore[arg-type]
