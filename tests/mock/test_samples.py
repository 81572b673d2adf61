"""Samples: generated from the contract, consistent, and covering its schema."""

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
from pytest_bctrl.errors import DocumentError, SettingError
from pytest_bctrl.samples import SPACE_ID, Samples, text
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.text import RoundRobin

from ..contract.documents import contract_of, document
from .conforming import violations_in
from .coverage import alternatives_in, alternatives_of


@pytest.fixture(scope="module")
def generator(contract: Contract) -> Samples:
    """Return the samples of the packaged contract."""
    return Samples(contract, contract.operations[0])


def test_the_packaged_sample_is_up_to_date(contract: Contract) -> None:
    """The file equals `samples.response()`, which conforms to the contract."""
    assert json.loads(packaged().sample.read_text("utf-8")) == samples.response()
    assert violations_in(contract, samples.response()) == []


def test_the_sample_covers_every_alternative_of_the_schema(contract: Contract, generator: Samples) -> None:
    """Every enum value, branch, null, boolean, omitted and present optional; only the empty list is missing."""
    expected = alternatives_of(contract, generator.schema) - {".runtimes is empty"}
    assert len(expected) > 40
    assert expected - alternatives_in(contract, generator.schema, samples.response()) == set()


@pytest.mark.parametrize("seed", range(25))
def test_twelve_generated_bodies_cover_every_alternative_of_the_schema(
    contract: Contract, generator: Samples, seed: int
) -> None:
    """For any seed; each body conforms to the contract."""
    bodies = generator.run(seed, 12)
    shown = set().union(*(alternatives_in(contract, generator.schema, body) for body in bodies))
    assert alternatives_of(contract, generator.schema) - shown == set()
    assert [violations_in(contract, body) for body in bodies] == [[]] * 12


def test_a_seed_generates_a_reproducible_run_of_different_bodies(generator: Samples) -> None:
    """A longer run begins like a shorter one, and another seed generates another run."""
    assert generator.run(7, 12)[:5] == generator.run(7, 5)
    assert generator.run(7, 3) != generator.run(8, 3)
    assert len({json.dumps(body) for body in generator.run(1, 12)}) >= 11


@pytest.mark.parametrize("count", [0, 1, 300])
def test_runtimes_returns_the_requested_number(contract: Contract, count: int) -> None:
    items = samples.runtimes(count, seed=3)
    assert len(items) == count
    assert violations_in(contract, samples.response(items)) == []


def test_a_runtime_has_the_given_properties_and_space(contract: Contract) -> None:
    space = "11111111-1111-4111-8111-111111111111"
    assert {item["spaceId"] for item in samples.runtimes(5, space_id=space)} == {space}
    overridden = samples.runtime(status="failed", name="mine")
    assert (overridden["status"], overridden["name"]) == ("failed", "mine")
    assert violations_in(contract, samples.response([overridden])) == []


def test_a_given_time_keeps_a_later_updated_at() -> None:
    """`runtime(createdAt=…)` keeps `updatedAt` if that is later."""
    later = samples.runtime()["updatedAt"]
    item = samples.runtime(createdAt="2020-01-01T00:00:00Z")
    assert ("2020-01-01T00:00:00Z", later) == (item["createdAt"], item["updatedAt"])


def test_changing_a_sample_does_not_affect_later_samples() -> None:
    for runtime in samples.response()["runtimes"]:
        runtime["capabilities"].append("changed")
        runtime["connections"]["changed"] = True
        if runtime["metadata"]:
            runtime["metadata"]["changed"] = True
    assert "changed" not in json.dumps(samples.response())


def test_a_sample_equals_that_of_new_samples_for_the_same_space(contract: Contract, generator: Samples) -> None:
    """Although the body is built once: an earlier space, or an edit of an earlier sample, has no effect."""
    for name in ("sample", "exemplary"):
        for space_id in (SPACE_ID, "another-space", SPACE_ID):
            copied = getattr(generator, name)(space_id)
            assert getattr(Samples(contract, contract.operations[0]), name)(space_id) == copied
            copied["runtimes"][0]["capabilities"].append("changed")
            copied["runtimes"].clear()


def test_samples_import_only_the_standard_library() -> None:
    """Importing and using them loads none of five packages, such as httpx and yaml."""
    code = (
        "import sys; from pytest_bctrl import samples; samples.response(); "
        "print([name for name in ('jsonschema', 'yaml', 'httpx', 'httptools', 'pytest') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_list_of_objects_without_a_schema_may_be_empty_in_a_sample() -> None:
    """Without optional properties, the list of a body stays empty and does not wait for items."""
    schema = {"type": "object", "properties": {"kids": {"type": "array", "items": {"type": "object"}}}}
    contract = contract_of(schema)
    assert Samples(contract, contract.operations[0]).sample_with_optionals(optional=False) == {"kids": []}


@pytest.mark.parametrize("maximum", [0, 1, 3])
def test_a_sample_list_respects_max_items(maximum: int) -> None:
    """However many alternatives its items have."""
    contract = contract_of({"type": "array", "maxItems": maximum, "items": {"enum": ["a", "b", "c", "d", "e"]}})
    generator = Samples(contract, contract.operations[0])
    assert (len(generator.sample()), generator.most_items) == (maximum, maximum)


def test_a_nullable_list_has_the_requested_length() -> None:
    listing = {"type": ["null", "array"], "items": {"type": "object"}}
    contract = contract_of({"type": "object", "properties": {"kids": listing}, "required": ["kids"]})
    assert len(Samples(contract, contract.operations[0]).generated(4, 1, SPACE_ID)["kids"]) == 4


def test_an_optional_list_has_the_requested_length_and_is_absent_from_some_bodies_without_a_requested_length() -> None:
    kids = {"type": "array", "items": {"type": "object"}}
    contract = contract_of({"type": "object", "properties": {"kids": kids, "total": {"type": "integer"}}})
    samples = Samples(contract, contract.operations[0])
    assert {4} == {len(samples.generated(4, seed, SPACE_ID)["kids"]) for seed in range(8)}
    assert {True, False} == {"kids" in body for body in samples.run(0, 8)}


def test_a_required_item_that_cannot_be_generated_is_an_error() -> None:
    contract = contract_of({"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^(?=a)b$"}})
    with pytest.raises(DocumentError, match=r"add 'examples'"):
        Samples(contract, contract.operations[0]).sample()


@pytest.mark.parametrize("pattern", ["^(?=a)rt_$", "^a{5000}b{6000}$", r"^(?:(?:a*)*)*\d{9}(?<!\d)$"])
def test_an_unsupported_pattern_without_an_example_is_an_error(pattern: str) -> None:
    """The error has the location and a hint."""
    contract = contract_of(
        {"type": "object", "properties": {"id": {"type": "string", "pattern": pattern}}, "required": ["id"]}
    )
    with pytest.raises(DocumentError, match=r"id: .*add 'examples'"):
        Samples(contract, contract.operations[0]).sample()


def test_generating_a_recursive_schema_ends() -> None:
    """The value for nodes that contain nodes is shorter than 100,000 characters."""
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


def test_invariants_hold_for_numbers_and_optional_properties() -> None:
    """`check` has no finding for bodies generated with invariants about ids, times and equal values."""
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
    contract = contract_of(listing, None, **{"x-bctrl-invariants": rules})

    samples = Samples(contract, contract.operations[0])
    bodies = [body for seed in range(9) for body in samples.run(seed, 12)]

    assert [] == [finding for body in bodies for finding in check(body, contract=contract)]


def test_limits_that_no_number_satisfies_are_an_error() -> None:
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
        (
            {
                "oneOf": [REFS[0], {"properties": {"kind": {"const": "inline"}}, "required": ["kind"]}],
                "discriminator": {"propertyName": "kind"},
            },
            lambda body: body["kind"] in ("A", "inline"),
        ),
        (
            {
                "type": "object",
                "properties": {"size": {"type": "integer"}},
                "required": ["size"],
                "not": {"properties": {"size": {"maximum": 10**9}}},
                "examples": [{"size": 1}, {"size": 7 * 10**9}],
            },
            lambda body: body == {"size": 7 * 10**9},
        ),
    ],
)
def test_a_sample_satisfies_combined_keywords(schema: dict[str, Any], holds: Any) -> None:
    """Intersected types, dependent properties, large alternatives, a discriminator, an example of a rare value."""
    contract = contract_of(schema, A_AND_B)
    bodies = Samples(contract, contract.operations[0]).bodies()
    levels = [finding.level for body in bodies for finding in check(text.encode(body), contract=contract)]
    assert ("error" not in levels, True) == (True, all(map(holds, bodies)))


def test_numeric_ids_of_copies_are_unique() -> None:
    """`renewed` adds a number to each id of copied items, so that a mock can serve more than it can generate."""
    thing = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    rule: dict[str, Any] = {"level": "error", "because": "it is so", **RULES[0]}
    listing = {"type": "object", "properties": {"things": {"type": "array", "items": thing}}, "required": ["things"]}
    contract = contract_of(listing, None, **{"x-bctrl-invariants": [rule]})
    body = {"things": [{"id": 7}, {"id": 20}]}

    renewed = Samples(contract, contract.operations[0]).renewed(body, SPACE_ID, 100)

    assert {"things": [{"id": 107}, {"id": 121}]} == renewed


def test_ids_that_the_schema_fixes_are_not_made_unique() -> None:
    """The list has pages, whose items have unique ids otherwise."""
    item = {"type": "object", "properties": {"id": {"const": "x"}}, "required": ["id"]}
    query = [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in ("limit", "page")]
    fixed = document({"type": "array", "items": item, "minItems": 2})
    fixed["paths"]["/v1/things/{id}"]["get"]["parameters"] += query
    contract = from_document(fixed, "x")
    body = Samples(contract, contract.operations[0]).sample()
    assert (True, {"x"}) == (len(body) >= 2, {thing["id"] for thing in body})


def test_a_long_reason_why_a_value_is_invalid_is_shortened() -> None:
    """The schema of the property has a long pattern."""
    item = {
        "type": "object",
        "properties": {"size": {"type": "string", "pattern": f"^({'|'.join('abcdefghij' * 20)})$"}},
    }
    contract = contract_of({"type": "array", "items": item})
    generator = Samples(contract, contract.operations[0])
    with pytest.raises(
        SettingError, match=r'^runtime\(size=…\): size: "huge" does not match .{35,50}….{60} \(give a value'
    ):
        generator.overridden(generator.item(), {"size": "huge"}, conforming=True)


def test_a_body_that_is_no_list_has_no_items() -> None:
    """Neither a text nor an object where a list is documented, nor a list where an object is."""
    of_list, of_object = (
        Samples(contract, contract.operations[0])
        for contract in map(
            contract_of, ({"type": "array"}, {"properties": {"a": {"type": "array"}}, "required": ["a"]})
        )
    )
    assert [[], [], []] == [of_list.items("x"), of_list.items({"a": [1]}), of_object.items([1])]
    assert [[1], [1]] == [of_list.items([1]), of_object.items({"a": [1]})]


def test_the_sample_is_the_first_successful_json_response() -> None:
    """Not the 103, and not the CSV of the 200."""
    csv, things = {"schema": {"type": "string"}}, {"schema": {"const": "here"}}
    success = {"description": "", "content": {"text/csv": csv, "application/json": things}}
    contract = contract_of(responses={"103": {"description": ""}, "200": success})

    samples = Samples(contract, contract.operations[0])

    assert (200, "application/json", "here") == (samples.status, samples.media_type, samples.sample())


def test_only_a_single_path_parameter_is_taken_for_the_space() -> None:
    """Whatever its name is; of two parameters, neither is."""
    box, lid = ({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("box", "lid"))
    get = {"responses": {"200": {"description": "", "content": {"application/json": {"schema": True}}}}}
    single, two = (
        from_document({**document(), "paths": {path: {"get": {**get, "parameters": parameters}}}}, "boxes.json")
        for path, parameters in (("/{box}", [box]), ("/{box}/{lid}", [box, {**lid, "example": "red"}]))
    )

    assert {"box": "mine"} == Samples(single, single.operations[0]).parameters("mine")
    assert {"lid": "red"} == Samples(two, two.operations[0]).parameters("mine")


@pytest.mark.parametrize("step", [0.01, 0.1, 0.5, 3, 1e-7])
def test_a_generated_number_is_an_exact_decimal_multiple(step: float) -> None:
    """Validators that parse JSON numbers exactly accept it."""
    source = Random(1)
    numbers = [text.number({"multipleOf": step, "minimum": -1}, "number", "x", source) for _ in range(50)]
    assert [] == [number for number in numbers if Decimal(repr(number)) % Decimal(repr(step))]
    assert min(numbers) >= -1


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
def test_a_generated_number_is_within_limits_that_are_not_multiples(schema: dict[str, Any], only: float) -> None:
    """The only number that fits, with any seed."""
    assert {only} == {text.number(schema, "number", "x", Random(seed)) for seed in range(9)}
