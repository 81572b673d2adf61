"""Where the budget does not suffice for all changes, it is spent on those in the shortest schemas."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from pytest_bctrl.cli import main
from pytest_bctrl.contract.document import load_data
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.contract_change import compare_contracts
from pytest_bctrl.drift.counterexample import SEARCH
from pytest_bctrl.drift.options import STEPS, Options
from pytest_bctrl.findings.finding import Finding

from .pairs import Doc

USED_UP = "the budget for counterexamples is used up"


def sized(size: int, kind: str) -> Doc:
    """Return the schema of an object with a property of a type, and of parents, beside this number of properties."""
    properties: Doc = {f"p{index}": {"type": "string"} for index in range(size)}
    properties |= {"changed": {"type": kind}, "parent": {"$ref": f"#/components/schemas/Size{size}"}}
    return {"type": "object", "properties": properties}


def returning(sizes: list[int], kind: str) -> Doc:
    """Return a document with an operation per size, which returns a schema of this size, and has a tag."""
    schemas = {f"Size{size}": sized(size, kind) for size in sizes}
    paths: Doc = {}
    for size in sizes:
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/Size{size}"}}}
        responses = {"200": {"description": "ok", "content": content}}
        paths[f"/size/{size}"] = {"get": {"tags": [kind], "responses": responses}}
    head = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}}
    return {**head, "paths": paths, "components": {"schemas": schemas}}


def size_of(finding: Finding) -> int:
    """Return the size of the schema that an operation returns."""
    return int(finding.operation.rpartition("/")[2])


@pytest.mark.parametrize("seed", range(5))
def test_the_changes_in_the_shortest_schemas_have_counterexamples(seed: int) -> None:
    """The order of the findings is that of the document, whatever the budget is."""
    sizes = Random(seed).sample(range(20), 10)
    old, new = returning(sizes, "string"), returning(sizes, "integer")
    findings = [finding for finding in compare(old, new, Options(steps=4 * SEARCH)) if finding.level == "error"]
    shown = [size_of(finding) for finding in findings if finding.extra["shown"]["by"] == "counterexample"]
    assert sorted(shown) == sorted(sizes)[: len(shown)]
    assert 0 < len(shown) < len(sizes)
    others = [finding.extra["shown"] for finding in findings if size_of(finding) not in shown]
    assert others == [{"by": "rule", "reason": USED_UP}] * (len(sizes) - len(shown))
    with_all = [finding for finding in compare(old, new) if finding.level == "error"]
    assert [finding.fingerprint for finding in findings] == [finding.fingerprint for finding in with_all]


def test_a_change_that_takes_more_steps_than_a_search_comes_after_the_short_ones() -> None:
    """The first schemas of the document have a pattern of which no text is found; the others are integers."""

    def document(limit: int) -> Doc:
        """Return a document with 40 bodies that few values satisfy, and then 5 integers."""
        pattern = f"^(?=.*[a-z]{{3}}x)(?=.*[0-9]{{4}}).{{40,{70 + limit}}}$"
        long: Doc = {"type": "object", "required": ["p"], "properties": {"p": {"type": "string", "pattern": pattern}}}
        schemas = [*[long] * 40, *[{"type": "integer", "maximum": limit}] * 5]
        paths: Doc = {}
        for index, schema in enumerate(schemas):
            content = {"application/json": {"schema": schema}}
            paths[f"/size/{index}"] = {"post": {"requestBody": {"content": content}, "responses": {}}}
        return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}

    findings = compare(document(9), document(8), Options(steps=45 * SEARCH))
    shown = [finding.extra["shown"] for finding in findings]
    assert [evidence["by"] for evidence in shown[-5:]] == ["counterexample"] * 5
    assert USED_UP in [evidence.get("reason") for evidence in shown[:40]]


def test_a_note_has_the_number_of_changes_beyond_the_budget() -> None:
    documents = [load_data(returning([1, 2, 3], kind), kind) for kind in ("string", "integer")]
    used_up = compare_contracts(documents[0], documents[1], None, Options(steps=SEARCH + 500))
    undecided = [finding for finding in used_up.findings if finding.extra.get("shown", {}).get("reason") == USED_UP]
    text = f"{USED_UP}: {len(undecided)} of {len(used_up.findings)} findings have neither a counterexample nor a proof"
    assert used_up.notes == (text,)
    assert compare_contracts(documents[0], documents[1], None, Options()).notes == ()


def test_the_reports_have_the_note_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    count = STEPS // SEARCH + 20
    for kind in ("string", "integer"):
        Path(f"{kind}.json").write_text(json.dumps(returning([*range(count)], kind)), "utf-8")
    for name in ("text", "markdown", "json"):
        options = ["--base", "string.json", "--format", name, "--output", name]
        assert main(["drift", "integer.json", *options]) == 1
    assert Path("text").read_text("utf-8").count(USED_UP) == 1
    assert Path("markdown").read_text("utf-8").count(USED_UP) == 1
    assert [USED_UP in note for note in json.loads(Path("json").read_text("utf-8"))["notes"]] == [True]
