"""What a schema cannot say: the contract's own invariants, and every keyword of one."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.checks.run import check_invariant, check_invariants, places_of
from pytest_bctrl.contract.schema.invariant import Invariant

from .answers import SPACE, answer, runtime, sample

OTHER = "00000000-0000-4000-8000-000000000000"


def broken(body: Any, space: str = SPACE) -> list[tuple[str, str, Any]]:
    return [(one.rule, one.level, one.path) for one in check_invariants(answer(body, id=space))]


def test_ids_are_the_same_in_the_other_case() -> None:
    """A UUID has no case (RFC 9562, 4)."""
    first = runtime(id=OTHER.replace("0", "a"))["runtimes"]
    second = runtime(id=OTHER.replace("0", "A"))["runtimes"]
    assert ["unique_ids"] == [rule for rule, _, _ in broken({"runtimes": first + second})]


def test_a_space_is_the_same_in_the_other_case() -> None:
    assert [] == broken(sample(), SPACE.upper())


def test_a_space_that_is_not_known_is_not_compared() -> None:
    assert [] == list(check_invariants(answer(runtime(spaceId=OTHER))))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", [], None, {}, {"runtimes": None}, {"runtimes": [None, 1, [], {}]}, {"runtimes": [{"id": []}] * 2}],
)
def test_values_of_another_type_are_left_to_the_schema(body: Any) -> None:
    assert [] == broken(body)


def test_an_error_has_no_invariants() -> None:
    assert [] == list(check_invariants(answer(runtime(spaceId=OTHER), 404, id=SPACE)))


@pytest.mark.parametrize(
    "changes",
    [
        {"createdAt": "2026-01-01T00:00:00+02:00", "updatedAt": "2025-12-31T22:00:00Z"},
        {"createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00.000Z"},
        {"createdAt": "2026-01-01T00:00:00", "updatedAt": "2025-12-31T20:00:00Z"},
    ],
    ids=["offsets", "same moment", "not comparable"],
)
def test_moments_are_compared_and_not_texts(changes: Any) -> None:
    assert [] == [one for one in broken(runtime(**changes)) if one[0] != "iso_8601_times"]


RULE = {"rule": "r", "level": "info", "because": "so"}


@pytest.mark.parametrize(
    ("rule", "body", "expected"),
    [
        ({"unique": "a[*]"}, {"a": ["x", "y", "x"]}, [("a", 2)]),
        ({"unique": "a[*].b[*]"}, {"a": [{"b": ["x"]}, {"b": ["x"]}]}, [("a", 1, "b", 0)]),
        ({"each": "a", "equals": "path.id"}, {"a": "other"}, [("a",)]),
        ({"each": "$", "equals": "path.id"}, "other", [()]),
        ({"each": "a", "equals": "path.gone"}, {"a": "other"}, []),
        ({"each": "a", "equals": "path.id"}, {"a": True}, []),
        ({"each": "a", "equals": "path.id"}, {"a": ["other"]}, []),
        ({"each": "", "same": ["a", "b"]}, {"a": 1, "b": 2}, [("a",)]),
        ({"each": "", "same": ["a", "b"]}, {"a": 1}, []),
        ({"each": "[*]", "times": ["at"]}, [{"at": "x"}, {"at": 1}, {}], [(0, "at")]),
        ({"each": "[*]", "ordered": ["a", "b"]}, [{"a": "2026-01-02T00:00Z", "b": "2026-01-01T00:00Z"}], [(0, "b")]),
    ],
)
def test_a_rule_of_ones_own_is_kept_or_broken_and_then_repaired(rule: Any, body: Any, expected: Any) -> None:
    violations = check_invariant(answer(body, id="mine"), {**RULE, **rule})
    assert expected == [violation.path for violation in violations]
    (invariant,) = Invariant.of({**RULE, **rule})
    invariant.repair(body, {"id": "mine"}, 0)
    # The body itself cannot be changed in place.
    assert [one for one in expected if not one] == [path for path, _, _ in invariant.check(body, {"id": "mine"})]


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [({"a": [1, 2]}, 200, 2), ({"a": []}, 200, 0), ({}, 200, 0), (b"{", 200, 0), ({"a": [1]}, 404, 0)],
)
def test_a_rule_tells_how_many_places_it_looked_at(body: Any, status: int, expected: int) -> None:
    assert expected == places_of(answer(body, status), {**RULE, "unique": "a[*]"})


@pytest.mark.parametrize(("rule", "places"), [({"each": "a[*]", "unique": "b"}, 2), ({"unique": "b"}, 1), ({}, 0)])
def test_the_places_of_a_rule_are_those_of_each_or_else_of_unique(rule: dict[str, str], places: int) -> None:
    assert places == places_of(answer({"a": [1, 2], "b": 3}), rule)
