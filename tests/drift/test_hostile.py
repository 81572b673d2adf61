"""Documents that are broken, cut off or meant to harm: one clear line and exit 2, or a right answer; never more."""

from __future__ import annotations

import copy
import inspect
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_bctrl.cli import main
from pytest_bctrl.drift import compare
from pytest_bctrl.errors import DocumentError

from .pairs import Doc, body
from .published import SPEC, TEXT, page, written

WRONG: tuple[Any, ...] = (
    None,
    True,
    7,
    -1.5,
    "text",
    "",
    [],
    {},
    [[]],
    {"$ref": 5},
    {"$ref": "#/nowhere"},
    [None],
    {"a": None},
)

_BACKING = "V1SpacesIdRuntimesGetResponsesContentApplicationJsonSchemaRuntimesItemsBacking0"


def drift_result(path: str, capsys: pytest.CaptureFixture[str], base: str) -> tuple[int, str, str]:
    """Return the exit code, standard output and standard error of a comparison."""
    code = main(["drift", path, "--base", base, "--format", "json"])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def require_clear_result(code: int, out: str, err: str) -> None:
    """Check that the result is one line and exit code 2, or a report; with 2, one that lists what was not compared."""
    assert code in (0, 1, 2)
    if code == 2 and out:
        assert json.loads(out)["excluded"]
    elif code == 2:
        assert out == ""
        assert err.count("\n") == 1
        assert err.startswith("pytest-bctrl: ")
    else:
        assert json.loads(out)["summary"]["error"] == 0 if code == 0 else json.loads(out)["summary"]["error"] > 0


def _paths(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to a value and to every value inside it."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [trail, *(path for key, member in members for path in _paths(member, (*trail, key)))]


def _spec_with(trail: tuple[Any, ...], value: Any) -> Any:
    """Return the published spec with another value at a path; the value itself for the empty path."""
    document = copy.deepcopy(SPEC)
    if not trail:
        return value
    place: Any = document
    for key in trail[:-1]:
        place = place[key]
    place[trail[-1]] = value
    return document


@given(trail=st.sampled_from(_paths(SPEC)), value=st.sampled_from(WRONG))
@example(trail=("components", "schemas", _BACKING, "required"), value=[None])
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values_of_the_wrong_type_are_reported_or_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], trail: tuple[Any, ...], value: Any
) -> None:
    """One value of the new document has another type: a report, or exit code 2 with one line on standard error."""
    path = written(tmp_path, json.dumps(_spec_with(trail, value)), "mutated.json")
    require_clear_result(*drift_result(path, capsys, written(tmp_path, TEXT, "base.yaml")))


@given(number=st.integers(0, 3), seed=st.integers(0, 10**6))
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_truncated_and_scrambled_documents_are_reported_or_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int, seed: int
) -> None:
    """Texts that are truncated, or have a slice removed, repeated or overwritten, as YAML and as a page."""
    chance = random.Random(seed)
    text = page() if number % 2 else TEXT
    start, end = sorted(chance.sample(range(len(text)), 2))
    noise = "".join(chance.choice("{}[]&*!|>'\"%@`:,-#\t\n\x00é ") for _ in range(8))
    mutated = (
        text[:start],
        text[:start] + text[end:],
        text[:end] + text[start:],
        text[:start] + noise + text[start + 8 :],
    )[number]
    path = written(tmp_path, mutated, "mutated.md" if number % 2 else "mutated.yaml")
    require_clear_result(*drift_result(path, capsys, written(tmp_path, TEXT, "base.yaml")))


def _chain(length: int, last: Any) -> dict[str, Any]:
    """Return component schemas that each refer to the next one; `last` is at the end."""
    schemas: dict[str, Any] = {
        f"S{index}": {"type": "object", "properties": {"a": {"$ref": f"#/components/schemas/S{index + 1}"}}}
        for index in range(length)
    }
    return {**schemas, f"S{length}": last}


def _doubling(length: int, last: Any) -> dict[str, Any]:
    """Return component schemas that each refer twice to the next one; `last` is at the end."""
    schemas: dict[str, Any] = {}
    for index in range(length):
        ref = {"$ref": f"#/components/schemas/S{index + 1}"}
        schemas[f"S{index}"] = {"type": "object", "properties": {"a": ref, "b": ref}}
    return {**schemas, f"S{length}": last}


def _with_schemas(schemas: dict[str, Any]) -> str:
    """Return the JSON of a document with component schemas, whose response is `S0`."""
    response = {
        "200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}
    }
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {},
            "paths": {"/a": {"get": {"responses": response}}},
            "components": {"schemas": schemas},
        }
    )


HOSTILE = {
    "alias bomb": "\n".join(
        ["openapi: 3.1.0", "a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60))]
    ),
    "alias inside itself": "openapi: 3.1.0\npaths: &a\n  /a: *a\n",
    "deep flow": "openapi: 3.1.0\npaths: " + "[" * 50_000,
    "deep blocks": "openapi: 3.1.0\n" + "".join(" " * i + "a:\n" for i in range(300)),
    "deep json": '{"openapi": "3.1.0", "paths": ' + '{"a":' * 50_000,
    "json as deep as it closes": '{"openapi": "3.1.0", "paths": ' + '{"/a":' * 500 + "1" + "}" * 501,
    "a python object": "openapi: 3.1.0\npaths: !!python/object/apply:os.system [echo harm]\n",
    "a custom tag": "openapi: 3.1.0\npaths: !include /etc/passwd\n",
    "two keys": "openapi: 3.1.0\npaths: {}\npaths: {}\n",
    "two keys in json": '{"openapi": "3.1.0", "paths": {}, "paths": {}}',
    "two documents": "openapi: 3.1.0\npaths: {}\n---\nopenapi: 3.1.0\npaths: {}\n",
    "not a number": '{"openapi": "3.1.0", "paths": NaN}',
    "a huge number": "openapi: 3.1.0\npaths: " + "9" * 9000,
    "a key that is a list": "openapi: 3.1.0\n? [a]\n: b\n",
    "binary": "\x7fELF\x01\x02",
    "nothing": "",
    "blank": " \n\n",
    "html": "<!DOCTYPE html><title>Not found</title>",
    "swagger": 'swagger: "2.0"\npaths: {}\n',
    "a later version": "openapi: 4.0.0\npaths: {}\n",
    "no paths": "openapi: 3.1.0\n",
    "a list": "- openapi: 3.1.0\n",
    "a ref to another host": _with_schemas({"S0": {"$ref": "https://example.invalid/schema.json"}}),
    "a ref to a file": _with_schemas({"S0": {"$ref": "/etc/passwd#/a"}}),
    "a ref to nothing": _with_schemas({"S0": {"$ref": "#/components/schemas/Gone"}}),
    "a ref to itself": _with_schemas({"S0": {"$ref": "#/components/schemas/S0"}}),
    "refs in a ring": _with_schemas(
        {"S0": {"$ref": "#/components/schemas/S1"}, "S1": {"$ref": "#/components/schemas/S0"}}
    ),
    "a long chain of refs": _with_schemas(_chain(5_000, {"type": "string"})),
    "a long chain of alternatives": _with_schemas(
        {
            f"S{i}": {"oneOf": [{"$ref": f"#/components/schemas/S{i + 1}"}, {"type": "object", "minProperties": i}]}
            for i in range(5_000)
        }
        | {"S5000": {"type": "string"}}
    ),
    "allOf in allOf": _with_schemas(
        {f"S{i}": {"allOf": [{"$ref": f"#/components/schemas/S{i + 1}"}]} for i in range(5_000)} | {"S5000": {}}
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_rejected_with_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of them are compared, as far as that is necessary."""
    code, out, err = drift_result(
        written(tmp_path, HOSTILE[name], "hostile"), capsys, written(tmp_path, TEXT, "base.yaml")
    )
    if code != 2:  # the hostile schema of a new operation is read only as deep as necessary
        assert name in ("a long chain of refs", "allOf in allOf")
    require_clear_result(code, out, err)


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "binary"])
def test_a_hostile_document_is_rejected_when_compared_with_itself(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 2, not "unchanged"; only a long chain of references can be read and gives 0."""
    path = written(tmp_path, HOSTILE[name], "hostile")
    code, out, err = drift_result(path, capsys, path)
    assert code == (0 if name == "a long chain of refs" else 2)  # which can be read
    require_clear_result(code, out, err)


def test_schemas_that_double_at_every_level_are_compared_quickly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """2 to the power of 60 paths lead to the difference, which is reported a limited number of times."""
    base = written(tmp_path, _with_schemas(_doubling(60, {"type": "string"})), "base.json")
    path = written(tmp_path, _with_schemas(_doubling(60, {"type": "integer"})), "new.json")
    code, out, _ = drift_result(path, capsys, base)
    assert code == 1
    assert 0 < len(json.loads(out)["findings"]) < 100


def test_alternatives_that_double_at_every_level_are_compared_quickly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """2 to the power of 20 paths lead to null, which the new document no longer allows in the response."""

    def document(last: Any) -> str:
        """Return the JSON of a document whose alternatives double at every level."""
        schemas: dict[str, Any] = {"S0": {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/S1"}}}}
        for index in range(1, 21):
            ref = {"$ref": f"#/components/schemas/S{index + 1}"}
            schemas[f"S{index}"] = {"anyOf": [ref, {"allOf": [ref]}]}
        return _with_schemas({**schemas, "S21": last})

    base = written(tmp_path, document({"type": ["string", "null"]}), "base.json")
    code, out, _ = drift_result(written(tmp_path, document({"type": "string"}), "new.json"), capsys, base)
    (finding,) = json.loads(out)["findings"]
    assert (0, "response-property-became-not-nullable", "info") == (code, finding["rule"], finding["level"])


@pytest.mark.parametrize("kind", ["oneOf", "anyOf"])
def test_alternatives_that_all_refer_to_each_other_are_rejected_quickly(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No value validates against such alternatives, and the number of cycles exceeds any budget."""
    names = [f"S{number}" for number in range(30)]
    web = {name: {kind: [{"$ref": f"#/components/schemas/{name}"} for name in names]} for name in names}
    base = written(tmp_path, _with_schemas({"S0": {"type": "object", "required": ["a"]}}), "base.json")
    code, out, err = drift_result(written(tmp_path, _with_schemas(web), "web.json"), capsys, base)
    assert (2, True) == (code, "alternatives lead back to themselves" in err)
    require_clear_result(code, out, err)


@pytest.mark.parametrize(
    "broken", [{"$ref": "#/components/schemas/Gone"}, {"$ref": "https://a.example/x"}, {"type": 5}]
)
def test_a_broken_schema_in_an_added_property_is_an_error(
    broken: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 2 for the new document; in the old one, the response is excluded and it is 0."""
    plain = written(tmp_path, _with_schemas({"S0": {"type": "object"}}), "plain.json")
    inside = {"type": "object", "properties": {"b": {"type": "array", "items": broken}}}
    path = written(tmp_path, _with_schemas({"S0": {"type": "object", "properties": {"a": inside}}}), "broken.json")
    code, out, err = drift_result(path, capsys, plain)
    assert code == 2
    require_clear_result(code, out, err)
    code, out, err = drift_result(plain, capsys, path)
    assert code == 0
    assert ["the response 200 of GET /a"] == [part["operation"] for part in json.loads(out)["excluded"]]
    assert "GET /a is not compared" in err


def test_the_error_for_deep_nesting_names_the_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It also has the limit of 100 levels and the pointer of the schema, on either side."""
    chain = {f"S{i}": {"items": {"$ref": f"#/components/schemas/S{i + 1}"}} for i in range(500)}
    deep = written(tmp_path, _with_schemas({**chain, "S500": {"type": "string"}}), "deep.json")
    base = written(tmp_path, _with_schemas({"S0": {}}), "base.json")
    for first, second in ((deep, base), (base, deep)):
        error = drift_result(first, capsys, second)[2]
        assert "deep.json" in error
        assert "schemas nest deeper than 100 levels, at #/components/schemas/S100 (flatten them)" in error


def test_recursive_schemas_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A change inside one is a single finding, and the unchanged document has none."""

    def ring(kind: str) -> str:
        """Return the JSON of a document whose response refers to itself and has a property of this type."""
        return _with_schemas(
            {"S0": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/S0"}, "v": {"type": kind}}}}
        )

    base, path = written(tmp_path, ring("string"), "base.json"), written(tmp_path, ring("integer"), "new.json")
    code, out, _ = drift_result(path, capsys, base)
    assert code == 1
    assert [finding["location"] for finding in json.loads(out)["findings"]] == ["v"]
    assert drift_result(base, capsys, base)[0] == 0


def test_a_document_larger_than_10_mb_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "openapi: 3.1.0\npaths: {}\n#" + "x" * 10_000_000
    code, out, err = drift_result(written(tmp_path, text, "big.yaml"), capsys, written(tmp_path, TEXT, "base.yaml"))
    assert code == 2
    assert "10 MB" in err
    require_clear_result(code, out, err)


def test_a_document_with_millions_of_values_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "openapi: 3.1.0\npaths: {}\nx:\n" + "- a\n" * 2_400_000
    code, out, err = drift_result(written(tmp_path, text, "big.yaml"), capsys, written(tmp_path, TEXT, "base.yaml"))
    assert code == 2
    require_clear_result(code, out, err)


def test_control_characters_of_an_upstream_are_escaped_in_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TEXT.replace("- failed", '- "failed\\e[2J\\u202e"')
    main(["drift", written(tmp_path, text, "spec.yaml"), "--base", written(tmp_path, TEXT, "base.yaml")])
    captured = capsys.readouterr()
    assert r"failed\x1b[2J\u202e" in captured.out
    assert "\x1b" not in captured.out + captured.err
    assert "\u202e" not in captured.out + captured.err


def test_a_hostile_document_causes_no_traceback_in_a_subprocess(tmp_path: Path) -> None:
    path = written(tmp_path, HOSTILE["a long chain of alternatives"], "hostile.json")
    done = subprocess.run(
        [sys.executable, "-m", "pytest_bctrl", "drift", path, "--base", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_comparison_that_reaches_the_recursion_limit_is_an_error() -> None:
    """Python's own limit, which is lowered here. With the usual limit, the change is reported."""
    holding = {f"S{i}": {"oneOf": [{"$ref": f"#/components/schemas/S{i + 1}"}, {"minimum": i}]} for i in range(45)}
    schemas = {**holding, "S45": {"type": "string"}}
    deep: Doc = {**body({"$ref": "#/components/schemas/S0"}), "components": {"schemas": schemas}}
    changed: Doc = {**deep, "components": {"schemas": {**schemas, "S45": {"type": "integer"}}}}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        with pytest.raises(DocumentError, match=r"^base or revision: schemas nest too deeply .* \(flatten them\)$"):
            compare(deep, changed)
    finally:
        sys.setrecursionlimit(limit)
    assert compare(deep, changed)
