"""The invariants of the packaged contract, and every keyword of an invariant."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.checks.run import check_response, count_invariant_values
from pytest_bctrl.contract.schema.invariant import Invariant

from .responses import SPACE, response, runtime, sample

OTHER = "00000000-0000-4000-8000-000000000000"


def listed(*changes: dict[str, Any]) -> dict[str, Any]:
    """Return a body with a runtime per set of changes."""
    return {"runtimes": [item for change in changes for item in runtime(**change)["runtimes"]]}


def times(created: str, updated: str) -> dict[str, Any]:
    """Return a body with a runtime with these times."""
    return listed({"createdAt": created, "updatedAt": updated})


NO_LISTING: list[Any] = [b"", b"{", [], None, {}, {"runtimes": None}]


@pytest.mark.parametrize(
    ("body", "values", "status", "expected"),
    [
        # A UUID has no case (RFC 9562, 4).
        (listed(*({"id": OTHER.replace("0", letter)} for letter in "aA")), {"id": SPACE}, 200, {"unique_ids"}),
        (sample(), {"id": SPACE.upper()}, 200, set()),
        (listed({"spaceId": OTHER}), {}, 200, set()),
        (listed({"spaceId": OTHER}), {"id": SPACE}, 404, set()),
        (times("2026-01-01T00:00:00+02:00", "2025-12-31T22:00:00Z"), {}, 200, set()),
        (times("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"), {}, 200, set()),
        (times("2026-01-01T00:00:00", "2025-12-31T20:00:00Z"), {}, 200, {"iso_8601_times"}),
        # Values of another type are left to the schema.
        *((body, {"id": SPACE}, 200, set()) for body in NO_LISTING),
        ({"runtimes": [None, 1, [], {}]}, {"id": SPACE}, 200, set()),
        ({"runtimes": [{"id": []}] * 2}, {"id": SPACE}, 200, set()),
    ],
)
def test_invariants_of_the_packaged_contract_yield_the_expected_rules(
    body: Any, values: Any, status: int, expected: set[str]
) -> None:
    """Ids that differ only in case are duplicates; another case of the space id or another offset is not a finding.

    A time without an offset is a finding; values of another type are left to the schema.
    """
    checked = response(body, status, **values)
    assert expected == {finding.rule for finding in check_response(checked, aspects=["invariants"])}


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
def test_a_custom_invariant_finds_and_repairs_violations(rule: Any, body: Any, expected: Any) -> None:
    """`Invariant.check` yields their paths; `Invariant.repair` removes all, except one about the body itself."""
    checked, entry = response(body, id="mine"), {**RULE, **rule}
    findings = check_response(checked, aspects=["invariants"], invariants=[entry])
    assert (len(expected), {"r"} if expected else set()) == (
        sum(finding.count for finding in findings),
        {finding.rule for finding in findings},
    )
    (invariant,) = Invariant.of(entry)
    assert expected == [path for path, _, _ in invariant.check(body, {"id": "mine"})]
    invariant.repair(body, {"id": "mine"}, 0)
    # The body itself cannot be changed in place.
    assert [path for path in expected if not path] == [path for path, _, _ in invariant.check(body, {"id": "mine"})]


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [({"a": [1, 2]}, 200, 2), ({"a": []}, 200, 0), ({}, 200, 0), (b"{", 200, 0), ({"a": [1]}, 404, 0)],
)
def test_count_invariant_values_returns_the_number_of_compared_values(body: Any, status: int, expected: int) -> None:
    assert expected == count_invariant_values(response(body, status), {**RULE, "unique": "a[*]"})


@pytest.mark.parametrize(("rule", "places"), [({"each": "a[*]", "unique": "b"}, 2), ({"unique": "b"}, 1), ({}, 0)])
def test_count_invariant_values_counts_each_or_unique(rule: dict[str, str], places: int) -> None:
    assert places == count_invariant_values(response({"a": [1, 2], "b": 3}), rule)


def test_the_values_of_several_invariants_are_counted_separately() -> None:
    checked = response({"a": [1, 2], "b": 3})
    entries = [{**RULE, "unique": "a[*]"}, {**RULE, "unique": "b"}]
    assert [2, 1] == [count_invariant_values(checked, entry) for entry in entries]
