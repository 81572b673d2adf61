"""Mutants: each breaks the contract in one way, which an independent validator finds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import SettingError
from pytest_bctrl.samples import Samples
from pytest_bctrl.samples.mutants import (
    SCHEMA_CHECK,
    UNDOCUMENTED,
    Mutant,
    broken,
    mutants,
    rules,
)

from ..contract.documents import contract_of, rooted
from .conforming import violations_in


@pytest.fixture(scope="module")
def samples(contract: Contract) -> Samples:
    """Return the samples of the packaged contract."""
    return Samples(contract, contract.operations[0])


@pytest.fixture(scope="module")
def validator(contract: Contract, samples: Samples) -> Draft202012Validator:
    """Return the validator of jsonschema for the success body, with formats."""
    return Draft202012Validator(rooted(contract, samples.schema), format_checker=Draft202012Validator.FORMAT_CHECKER)


def of_schema(samples: Samples) -> list[Mutant]:
    """Return the mutants that break the schema."""
    return [mutant for mutant in mutants(samples) if mutant.check == SCHEMA_CHECK]


def test_every_schema_mutant_is_invalid(samples: Samples, validator: Draft202012Validator) -> None:
    derived = of_schema(samples)
    assert len(derived) > 200
    assert [mutant.name for mutant in derived if validator.is_valid(mutant.body)] == []


def test_a_mutant_is_invalid_only_at_its_location(samples: Samples, validator: Draft202012Validator) -> None:
    """Each error that jsonschema finds is at the location of the mutant, or at a value that contains it."""
    for mutant in of_schema(samples):
        for error in validator.iter_errors(mutant.body):
            location = "".join("[*]" if isinstance(key, int) else f".{key}" for key in error.absolute_path)
            assert mutant.location.startswith(location.removeprefix(".")), mutant.name


def test_every_keyword_at_every_location_has_a_mutant(contract: Contract, samples: Samples) -> None:
    """At least one per `type`, `enum`, `format`, `oneOf` and `required` that the schema reaches."""
    expected: Counter[tuple[str, str]] = Counter()

    def visit(schema: object, at: str) -> None:
        """Count the keywords of a schema at a location, and of the schemas in it."""
        resolved: Any = contract.resolve(schema)  # type: ignore[arg-type]
        for keyword in ("type", "enum", "format", "oneOf", "required"):
            if keyword in resolved:
                expected[at.removeprefix("."), keyword] += 1
        for branch in resolved.get("oneOf", ()):
            visit(branch, at)
        for name, inner in resolved.get("properties", {}).items():
            visit(inner, f"{at}.{name}")
        if "items" in resolved:
            visit(resolved["items"], f"{at}[*]")

    visit(samples.schema, "")
    derived = Counter((mutant.location, mutant.keyword) for mutant in mutants(samples))
    assert {rule for rule in expected if derived[rule] < expected[rule]} == set()


def test_names_of_mutants_are_unique(samples: Samples) -> None:
    """A surviving mutant can be identified by its name."""
    names = [mutant.name for mutant in mutants(samples)]
    assert len(names) == len(set(names))


def test_an_item_has_13_mutants_of_required(samples: Samples) -> None:
    """Without one of its required properties each."""
    left_out = [
        mutant.how for mutant in mutants(samples) if (mutant.location, mutant.keyword) == ("runtimes[*]", "required")
    ]
    assert len(left_out) == 13


def test_invariant_mutants_are_valid_but_violate_an_invariant(
    contract: Contract, samples: Samples, validator: Draft202012Validator
) -> None:
    """They pass schema validation; unusual times apart, each is in conflict with an invariant."""
    derived = [mutant for mutant in mutants(samples) if mutant.check not in (SCHEMA_CHECK, UNDOCUMENTED)]
    assert {mutant.check for mutant in derived} == {rule["rule"] for rule in samples.operation.invariants}
    for mutant in derived:
        assert validator.is_valid(mutant.body), mutant.name
        if mutant.keyword != "iso_8601_times":
            assert violations_in(contract, mutant.body), mutant.name


def test_undocumented_property_mutants_are_valid(samples: Samples, validator: Draft202012Validator) -> None:
    """Two are below `backing`, one per branch, and none in the free-form metadata."""
    derived = [mutant for mutant in mutants(samples) if mutant.check == UNDOCUMENTED]
    assert [mutant.name for mutant in derived if not validator.is_valid(mutant.body)] == []
    assert not any(mutant.location.startswith("runtimes[*].metadata") for mutant in derived)
    assert sum(mutant.location.startswith("runtimes[*].backing.") for mutant in derived) == 2


def test_a_rule_is_violated_in_the_last_item(samples: Samples, validator: Draft202012Validator) -> None:
    """Of 300 items, only the last one is invalid."""
    body = samples.generated(300, 1)
    wrong = broken(samples, body, "runtimes[*].status").body
    assert [list(error.absolute_path) for error in validator.iter_errors(wrong)] == [["runtimes", 299, "status"]]


def test_every_rule_name_yields_a_mutant_of_that_rule(samples: Samples) -> None:
    """For each name that `rules` returns."""
    for rule in rules(samples):
        mutant = broken(samples, samples.sample(), rule)
        assert rule in (f"{mutant.location}: {mutant.keyword}", mutant.keyword, mutant.check)


def test_the_sample_is_mutated_if_the_body_lacks_the_location(samples: Samples) -> None:
    """An empty list has no status to change."""
    assert broken(samples, {"runtimes": []}, "runtimes[*].status").body["runtimes"]


def test_unique_ids_is_violated_in_the_sample_if_the_body_has_one_item(samples: Samples) -> None:
    """A duplicate needs two items, so the sample's list gets one."""
    body = {**samples.sample(), samples.list_name: samples.sample()[samples.list_name][:1]}
    ids = [item["id"] for item in broken(samples, body, "unique_ids").body[samples.list_name]]
    assert len(ids) == len(set(ids)) + 1


def test_undocumented_property_needs_an_open_object() -> None:
    """For a body without objects, breaking this rule is an error."""
    numbers = contract_of({"type": "array", "items": {"type": "integer"}})
    with pytest.raises(SettingError, match=r"unknown rule"):
        broken(Samples(numbers, numbers.operations[0]), [1], "undocumented_property")


def test_a_required_property_is_removed_from_an_object_though_the_given_body_has_null_there() -> None:
    """Nothing can be removed from null, so the sample is broken instead of the given body."""
    item = {"type": ["object", "null"], "properties": {"id": {"type": "string"}}, "required": ["id"]}
    items = contract_of({"type": "array", "items": item, "minItems": 1})
    mutant = broken(Samples(items, items.operations[0]), [None], "[*]: required")
    assert "without id" == mutant.how
    assert {} in mutant.body


def test_an_unknown_rule_is_an_error_that_lists_the_rules(samples: Samples) -> None:
    with pytest.raises(SettingError, match=r"unknown rule.*runtimes\[\*\]\.status: enum"):
        broken(samples, samples.sample(), "runtimes[*].colour")


def test_a_time_that_is_never_text_has_no_mutant() -> None:
    """Of two members with times, one is always null."""
    item = {
        "type": "object",
        "properties": {"createdAt": {"type": "string"}, "deletedAt": {"type": "null"}},
        "required": ["createdAt", "deletedAt"],
    }
    rule: dict[str, Any] = {
        "rule": "iso_times",
        "level": "error",
        "because": "",
        "each": "[*]",
        "times": ["createdAt", "deletedAt"],
    }
    operation: dict[str, Any] = {"x-bctrl-invariants": [rule]}
    times = contract_of({"type": "array", "items": item}, **operation)
    derived = mutants(Samples(times, times.operations[0]))
    assert ["createdAt is not a time"] == [mutant.how for mutant in derived if mutant.check == "iso_times"]
