"""Laws that hold for any spec: what means the same is not drift, and a change taken back is found again."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.drift import compare
from pytest_bctrl.errors import DocumentError

from .meaning import SAME, Doc, document_of, documents, repeats_alternatives, schemas, split_out
from .published import SPEC, TEXT

BY_THE_ENGINE = frozenset(
    f"response-{scope}-{word}" for scope in ("body", "property") for word in ("widened", "may-be-widened")
)
"""The rules of findings that the engine reports, about values, where no rule reports an error."""

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(documents())
def test_a_document_compared_with_itself_has_no_findings(document: Doc) -> None:
    assert compare(document, copy.deepcopy(document)) == []


@pytest.mark.parametrize("change", SAME, ids=lambda change: change.__name__)
@relaxed
@given(document=documents(), seed=st.integers(0, 10**6))
def test_an_equivalent_document_has_no_findings(change: Callable[..., Doc], document: Doc, seed: int) -> None:
    changed = change(copy.deepcopy(document), random.Random(seed))
    assert compare(document, changed) == []
    assert compare(changed, document) == []


@pytest.mark.parametrize("change", SAME, ids=lambda change: change.__name__)
@pytest.mark.parametrize("seed", range(5))
def test_an_equivalent_published_spec_has_no_findings(change: Callable[..., Doc], seed: int) -> None:
    assert compare(SPEC, change(copy.deepcopy(SPEC), random.Random(seed))) == []


@relaxed
@given(
    document=documents(), seed=st.integers(0, 10**6), several=st.lists(st.sampled_from(SAME), min_size=2, max_size=4)
)
def test_several_equivalent_rewrites_at_once_have_no_findings(document: Doc, seed: int, several: list[Any]) -> None:
    assume(not repeats_alternatives(document))
    changed = copy.deepcopy(document)
    # A schema moved to the components and then inlined would remain there unused.
    for change in sorted(several, key=lambda change: change is split_out):
        changed = change(changed, random.Random(seed))
    assert compare(document, changed) == []


@relaxed
@given(documents(), schemas(), schemas())
# Rules report the removal of a pattern as info, and the engine reports the texts that the old pattern ruled out.
@example(document_of({}, {}, {}, False), {"type": "string"}, {"type": "string", "pattern": "^a"})
def test_a_change_and_its_inverse_yield_mirrored_findings(document: Doc, before: Any, after: Any) -> None:
    """A rule's finding in one direction is one in the other, at the same location, with old and new exchanged.

    A value that breaks consumers in one direction does not in the other, so the engine's findings have no mirror.
    """
    old, new = copy.deepcopy(document), copy.deepcopy(document)
    for side, schema in ((old, before), (new, after)):
        side["components"]["schemas"]["First"]["properties"]["value"] = schema
    all_findings = compare(old, new), compare(new, old)
    forward, back = ([finding for finding in side if finding.rule not in BY_THE_ENGINE] for side in all_findings)
    assert bool(forward) == bool(back)
    assert {finding.operation for finding in forward} == {finding.operation for finding in back}
    assert sorted((finding.location, str(finding.expected), str(finding.observed)) for finding in forward) == sorted(
        (finding.location, str(finding.observed), str(finding.expected)) for finding in back
    )
    for finding in (*all_findings[0], *all_findings[1]):
        assert any(changed.location.startswith(finding.location) for changed in forward)


@relaxed
@given(documents(), st.sampled_from(("value", "items")))
def test_removing_a_required_property_is_always_reported(document: Doc, name: str) -> None:
    schema = document["components"]["schemas"]["First"]
    schema["required"] = [name]
    changed = copy.deepcopy(document)
    del changed["components"]["schemas"]["First"]["properties"][name]
    changed["components"]["schemas"]["First"]["required"] = []
    assert "response-required-property-removed" in {finding.rule for finding in compare(document, changed)}


def test_removing_any_line_of_the_published_spec_is_noticed() -> None:
    """By a finding or an error, except lines of titles and descriptions and what another line states."""
    lines = TEXT.splitlines(keepends=True)
    silent = []
    for index, line in enumerate(lines):
        try:
            if not compare(SPEC, load_document("".join(lines[:index] + lines[index + 1 :]), "spec.yaml")):
                silent.append(line.strip())
        except DocumentError:
            continue
    words = ("title:", "V1Spaces", "description:", "summary:", "version:", "List live", "browser and future", "Use ")
    said_twice = ["required: true", *["type: string"] * 5]  # of a path parameter; beside an enum
    assert [line for line in silent if not line.startswith(words)] == said_twice
