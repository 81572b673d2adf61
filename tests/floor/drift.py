"""Comparisons of two documents: the labelled pairs of the tests, the examples of the rules, and public revisions."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest_bctrl
from tests.drift.further_document_pairs import FURTHER_DOCUMENTS, WORDS
from tests.drift.further_schema_pairs import FURTHER_SCHEMAS
from tests.drift.labelled import cases
from tests.drift.peer_alternative_pairs import ALTERNATIVE_PAIRS
from tests.drift.peer_pairs import PEER_PAIRS
from tests.drift.peer_parameter_pairs import parameter_pairs
from tests.drift.published import SPEC
from tests.impact.truth.changes import CHANGES

from .documents import pairs
from .inputs import Input, Options
from .kit import Fact, FinishedRun, Kit, located

_HEAD = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}}
_EXAMPLES = Path(pytest_bctrl.__file__).parent / "drift" / "examples.json"


def labelled(_options: Options) -> Iterator[Input]:
    """Yield a comparison of each labelled pair, in both directions, with descriptions."""
    for name, base, revision in _labelled_pairs():
        yield _input(name, base, revision)
        yield _input(f"{name}, reversed", revision, base)


def public(options: Options) -> Iterator[Input]:
    """Yield a comparison of each pair of revisions of a public document, in both directions."""
    for name, base, revision in pairs(options.documents):
        for reversed_, before, after in (("", base, revision), (", reversed", revision, base)):

            def collect(kit: Kit, folder: Path, before: Path = before, after: Path = after) -> Iterator[Fact]:
                yield from _facts(kit.run(folder, *_command(before, after)))

            yield Input(f"{name}{reversed_}", collect)


def _command(base: Path, revision: Path) -> tuple[str, ...]:
    """Return the command that compares two documents."""
    return ("pytest_bctrl", "drift", str(revision), "--base", str(base), "--format=json", "--descriptions")


def _facts(result: FinishedRun) -> Iterator[Fact]:
    """Yield the facts of a comparison, the version that it requires, and for each finding its old and new value."""
    yield from result.report("stdout")
    data = result.data("stdout")
    if data is not None:
        bump = data["version_bump"] or {}
        yield "version bump", f"{bump.get('bump')} {bump.get('required')}", ""
        yield "parts not compared", str(len(data["not_checked"])), ""
        for finding in data["findings"]:
            old, new = (json.dumps(finding[key], sort_keys=True)[:60] for key in ("expected", "observed"))
            yield f"change {finding['rule']}", finding["level"], f"{located(finding)}: {old} -> {new}"


def _input(name: str, base: Any, revision: Any) -> Input:
    """Return the comparison of two documents, which are written to JSON files."""
    texts = json.dumps(base), json.dumps(revision)

    def collect(kit: Kit, folder: Path) -> Iterator[Fact]:
        for file, text in zip(("base.json", "revision.json"), texts, strict=True):
            (folder / file).write_text(text, "utf-8")
        yield from _facts(kit.run(folder, *_command(Path("base.json"), Path("revision.json"))))

    return Input(name, collect)


def _labelled_pairs() -> Iterator[tuple[str, Any, Any]]:
    """Yield name, base and revision of each labelled pair."""
    for case in cases:
        changed = copy.deepcopy(SPEC)
        case.change(changed)
        yield f"labelled {case.change.__name__}", SPEC, changed
    for change in CHANGES:
        changed = copy.deepcopy(SPEC)
        change.of_spec(changed)
        yield f"impact {change.name}", SPEC, changed
    for number, pair in enumerate([*ALTERNATIVE_PAIRS, *PEER_PAIRS, *parameter_pairs()]):
        yield f"peer {pair.source} {number}", pair.base, pair.revision
    examples = json.loads(_EXAMPLES.read_text("utf-8"))
    for name, (base, revision, *_) in {**FURTHER_DOCUMENTS, **WORDS}.items():
        yield f"further {name}", base, revision
    schemas = {name: tuple(row[:2]) for name, row in {**examples["schemas"], **FURTHER_SCHEMAS}.items()}
    for scope, text in ((scope, json.dumps(document)) for scope, document in examples["scopes"].items()):
        for name, (old, new) in schemas.items():
            documents = [json.loads(text.replace('"SCHEMA"', json.dumps(schema))) for schema in (old, new)]
            yield f"{scope} {name}", {**_HEAD, **documents[0]}, {**_HEAD, **documents[1]}
    for name, (base, revision, *_) in examples["documents"].items():
        yield f"example {name}", {**_HEAD, **base}, {**_HEAD, **revision}
