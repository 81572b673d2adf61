"""Samples: built from the contract, coherent, and covering it by construction."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from pytest_bctrl import check, samples
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples import SPACE_ID, Samples, text
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.text import RoundRobin

from ..contract.documents import contract_of, document
from .conforming import troubles
from .coverage import seen, to_see


@pytest.fixture(scope="module")
def made(contract: Contract) -> Samples:
    return Samples(contract, contract.operations[0])


def test_the_packaged_sample_is_what_the_contract_gives(contract: Contract) -> None:
    """The file in `contracts/` is up to date."""
    assert json.loads(packaged().sample.read_text("utf-8")) == samples.response()
    assert troubles(contract, samples.response()) == []


def test_the_sample_shows_all_there_is_to_see(contract: Contract, made: Samples) -> None:
    """Every enum value, branch, null, boolean, omitted and present optional; the list itself cannot be empty too."""
    expected = to_see(contract, made.schema) - {".runtimes is empty"}
    assert len(expected) > 40
    assert expected - seen(contract, made.schema, samples.response()) == set()


@pytest.mark.parametrize("seed", range(25))
def test_the_first_dozen_of_a_run_show_all_there_is_to_see(contract: Contract, made: Samples, seed: int) -> None:
    """By construction, whatever the seed; and each of them keeps the contract."""
    bodies = made.run(seed, 12)
    shown = set().union(*(seen(contract, made.schema, body) for body in bodies))
    assert to_see(contract, made.schema) - shown == set()
    assert [troubles(contract, body) for body in bodies] == [[]] * 12


def test_a_seed_gives_the_same_run_of_bodies_that_differ(made: Samples) -> None:
    """Reproducible, and a longer run begins like a shorter one."""
    assert made.run(7, 12)[:5] == made.run(7, 5)
    assert made.run(7, 3) != made.run(8, 3)
    assert len({json.dumps(body) for body in made.run(1, 12)}) >= 11


@pytest.mark.parametrize("count", [0, 1, 300])
def test_as_many_runtimes_as_asked(contract: Contract, count: int) -> None:
    items = samples.runtimes(count, seed=3)
    assert len(items) == count
    assert troubles(contract, samples.response(items)) == []


def test_a_runtime_takes_overrides_and_is_in_the_space_asked_for(contract: Contract) -> None:
    space = "11111111-1111-4111-8111-111111111111"
    assert {item["spaceId"] for item in samples.runtimes(5, space_id=space)} == {space}
    made = samples.runtime(status="failed", name="mine")
    assert (made["status"], made["name"]) == ("failed", "mine")
    assert troubles(contract, samples.response([made])) == []


def test_a_time_that_was_given_moves_no_other_that_fits_it() -> None:
    later = samples.runtime()["updatedAt"]
    made = samples.runtime(createdAt="2020-01-01T00:00:00Z")
    assert ("2020-01-01T00:00:00Z", later) == (made["createdAt"], made["updatedAt"])


def test_a_changed_sample_changes_no_other() -> None:
    """Nothing that is handed out is shared."""
    for runtime in samples.response()["runtimes"]:
        runtime["capabilities"].append("changed")
        runtime["connections"]["changed"] = True
        if runtime["metadata"]:
            runtime["metadata"]["changed"] = True
    assert "changed" not in json.dumps(samples.response())


def test_samples_need_nothing_but_the_standard_library() -> None:
    """No jsonschema, yaml, httpx or httptools is imported on their account."""
    code = (
        "import sys; from pytest_bctrl import samples; samples.response(); "
        "print([name for name in ('jsonschema', 'yaml', 'httpx', 'httptools', 'pytest') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_list_that_may_be_left_out_can_be_left_out() -> None:
    """A body without its list is made at once, and does not wait for the items that never come."""
    schema = {"type": "object", "properties": {"kids": {"type": "array", "items": {"type": "object"}}}}
    contract = contract_of(schema)
    assert Samples(contract, contract.operations[0]).sample_with_optionals(optional=False) == {"kids": []}


@pytest.mark.parametrize("most", [0, 1, 3])
def test_a_list_is_no_longer_than_it_may_be(most: int) -> None:
    """However many alternatives its items have."""
    contract = contract_of({"type": "array", "maxItems": most, "items": {"enum": ["a", "b", "c", "d", "e"]}})
    made = Samples(contract, contract.operations[0])
    assert (len(made.sample()), made.most_items) == (most, most)


def test_a_list_that_may_be_null_is_as_long_as_asked_for() -> None:
    listing = {"type": ["null", "array"], "items": {"type": "object"}}
    contract = contract_of({"type": "object", "properties": {"kids": listing}, "required": ["kids"]})
    assert len(Samples(contract, contract.operations[0]).generated(4, 1, SPACE_ID)["kids"]) == 4


def test_a_list_that_must_hold_what_cannot_be_made_is_said() -> None:
    contract = contract_of({"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^(?=a)b$"}})
    with pytest.raises(DocumentError, match=r"add 'examples'"):
        Samples(contract, contract.operations[0]).sample()


@pytest.mark.parametrize("pattern", ["^(?=a)rt_$", "^a{5000}b{6000}$", r"^(?:(?:a*)*)*\d{9}(?<!\d)$"])
def test_a_pattern_without_an_example_is_said(pattern: str) -> None:
    """An error that names the place and the hint, not a wrong sample."""
    contract = contract_of(
        {"type": "object", "properties": {"id": {"type": "string", "pattern": pattern}}, "required": ["id"]}
    )
    with pytest.raises(DocumentError, match=r"id: .*add 'examples'"):
        Samples(contract, contract.operations[0]).sample()


def test_a_schema_that_refers_to_itself_ends() -> None:
    """Recursion is cut where the schema lets it be."""
    schema = {"$ref": "#/components/schemas/Node"}
    node = {"type": "object", "properties": {"next": schema, "all": {"type": "array", "items": schema}}}
    contract = contract_of(schema, {"Node": node})
    assert len(json.dumps(Builder(contract, RoundRobin(1)).value(schema))) < 100_000


RULES: list[dict[str, Any]] = [
    {"rule": "own_ids", "unique": "things[*].id"},
    {"rule": "own_tags", "unique": "things[*].tag.number"},
    {"rule": "same_kind", "each": "things[*]", "same": ["kind", "type"]},
    {"rule": "real_times", "each": "things[*]", "times": ["made", "sold"]},
]


def test_invariants_hold_of_numbers_and_of_what_may_be_left_out() -> None:
    time = {"type": ["string", "null"]}
    thing = {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "minimum": 1, "maximum": 40},
            "tag": {"type": "object", "properties": {"number": {"type": "integer"}}},
            "kind": {"enum": ["a", "b"]},
            "type": {"enum": ["a", "b"]},
            "made": time,
            "sold": time,
        },
        "required": ["id"],
    }
    rules: list[dict[str, Any]] = [{"level": "error", "because": "it is so", **rule} for rule in RULES]
    listing = {"type": "object", "properties": {"things": {"type": "array", "items": thing}}, "required": ["things"]}
    made = contract_of(listing, None, **{"x-bctrl-invariants": rules})

    samples = Samples(made, made.operations[0])
    bodies = [body for seed in range(9) for body in samples.run(seed, 12)]

    assert [] == [finding for body in bodies for finding in check(body, contract=made)]


def test_limits_that_no_decimal_holds_leave_no_number() -> None:
    with pytest.raises(DocumentError, match="no number fits"):
        text.number({"multipleOf": 1e-300, "exclusiveMinimum": 1e300}, "number", "x", Random(1))


A_AND_B: dict[str, Any] = {
    name: {
        "type": "object",
        "properties": {"kind": {"type": "string"}, name: {"type": "integer"}},
        "required": ["kind"],
    }
    for name in "AB"
}
REFS = [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}]


@pytest.mark.parametrize(
    ("schema", "holds"),
    [
        (
            {"allOf": [{"type": ["number", "null"]}, {"type": ["integer", "null"]}]},
            lambda body: type(body) in (int, type(None)),
        ),
        (
            {"type": "object", "required": ["a", "c"], "dependentRequired": {"a": ["b"], "c": ["a", "b"]}},
            lambda body: {"a", "b", "c"} <= body.keys(),
        ),
        (
            {"oneOf": [{"properties": {f"{name}{n}": {"type": "null"} for n in range(40)}} for name in "abc"]},
            lambda body: len({name[0] for name in body}) > 1,
        ),
        *(
            (
                {
                    "type": "object",
                    "required": ["a", "b"],
                    "properties": {
                        "a": {"type": "array", "uniqueItems": True, "items": {"enum": ["x", "y", "z"][:number]}},
                        "b": {"enum": [1, 2, 3, 4, 5]},
                    },
                },
                lambda body, number=number: len(body["a"]) == number,
            )
            for number in (1, 3)
        ),
        ({"oneOf": REFS, "discriminator": {"propertyName": "kind"}}, lambda body: body["kind"] in ("A", "B")),
        (
            {"anyOf": REFS, "discriminator": {"propertyName": "kind", "mapping": {"one": "#/components/schemas/A"}}},
            lambda body: body["kind"] in ("one", "B"),
        ),
    ],
)
def test_a_sample_keeps_what_words_say_together(schema: dict[str, Any], holds: Any) -> None:
    """Types intersected, names that others require, one of large alternatives, the kind that a discriminator names."""
    made = contract_of(schema, A_AND_B)
    bodies = Samples(made, made.operations[0]).bodies()
    found = [finding.level for body in bodies for finding in check(text.encode(body), contract=made)]
    assert ("error" not in found, True) == (True, all(map(holds, bodies)))


def test_numbers_of_copies_are_renewed() -> None:
    """As a mock does that serves more than there are different ones."""
    thing = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    rule: dict[str, Any] = {"level": "error", "because": "it is so", **RULES[0]}
    listing = {"type": "object", "properties": {"things": {"type": "array", "items": thing}}, "required": ["things"]}
    made = contract_of(listing, None, **{"x-bctrl-invariants": [rule]})
    body = {"things": [{"id": 7}, {"id": 20}]}

    renewed = Samples(made, made.operations[0]).renewed(body, SPACE_ID, 100)

    assert {"things": [{"id": 107}, {"id": 121}]} == renewed


def test_the_sample_is_the_first_success_in_json() -> None:
    csv, things = {"schema": {"type": "string"}}, {"schema": {"const": "here"}}
    success = {"description": "", "content": {"text/csv": csv, "application/json": things}}
    made = contract_of(responses={"103": {"description": ""}, "200": success})

    samples = Samples(made, made.operations[0])

    assert (200, "application/json", "here") == (samples.status, samples.media_type, samples.sample())


def test_of_more_parameters_none_is_taken_for_the_space() -> None:
    """One alone is: whatever the path calls it."""
    box, lid = ({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("box", "lid"))
    get = {"responses": {"200": {"description": "", "content": {"application/json": {"schema": True}}}}}
    one, two = (
        from_document({**document(), "paths": {path: {"get": {**get, "parameters": parameters}}}}, "boxes.json")
        for path, parameters in (("/{box}", [box]), ("/{box}/{lid}", [box, {**lid, "example": "red"}]))
    )

    assert {"box": "mine"} == Samples(one, one.operations[0]).parameters("mine")
    assert {"lid": "red"} == Samples(two, two.operations[0]).parameters("mine")


@pytest.mark.parametrize("step", [0.01, 0.1, 0.5, 3, 1e-7])
def test_a_number_is_a_multiple_in_decimals(step: float) -> None:
    """As validators that read JSON exactly have it."""
    source = Random(1)
    made = [text.number({"multipleOf": step, "minimum": -1}, "number", "x", source) for _ in range(50)]
    assert [] == [one for one in made if Decimal(repr(one)) % Decimal(repr(step))]
    assert min(made) >= -1


@pytest.mark.parametrize(
    ("schema", "only"),
    [
        ({"minimum": 0.75, "maximum": 1.25}, 1.0),
        ({"minimum": -1.25, "maximum": -0.75}, -1.0),
        ({"exclusiveMinimum": 1, "exclusiveMaximum": 2}, 1.5),
        ({"exclusiveMinimum": -2, "exclusiveMaximum": -1}, -1.5),
        ({"minimum": 0.12, "exclusiveMaximum": 0.2}, 0.15),
    ],
)
def test_a_number_keeps_limits_that_are_no_multiples(schema: dict[str, Any], only: float) -> None:
    assert {only} == {text.number(schema, "number", "x", Random(seed)) for seed in range(9)}
