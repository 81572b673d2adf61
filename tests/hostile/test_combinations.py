"""Documents below 2 KB whose schemas multiply: each command finishes, or rejects the document in one line."""

from __future__ import annotations

from pathlib import Path

from .combinations import outcomes, report
from .nested_schemas import KNOWN_DOCUMENTS, SIZE, nested_document

SEEDS = range(len(KNOWN_DOCUMENTS) + 7)
"""The documents that once failed, and one of each family."""


def test_generated_documents_are_small_and_reproducible() -> None:
    """100 documents of at most `SIZE` characters, nearly all different, the same on a second call."""
    texts = [nested_document(seed) for seed in range(100)]
    assert texts == [nested_document(seed) for seed in range(100)]
    assert SIZE >= max(map(len, texts))
    assert 95 < len(set(texts))
    assert 40 == KNOWN_DOCUMENTS[0].count("allOf")


def test_every_command_finishes_or_rejects_the_document_in_one_line(tmp_path: Path, python: list[str]) -> None:
    """For generated documents whose schemas multiply. `tox -e combinations` runs 500 of them."""
    results = list(outcomes(SEEDS, tmp_path, python))
    # `record_property` would warn under `--junitxml`, because the format xunit2 has no properties of tests.
    print(*report(results), sep="\n")
    assert {} == {(result.seed, result.command): result.problem for result in results if result.problem}
