"""Schema drift: the changes between two OpenAPI documents, and which of them break a consumer.

The steps of a comparison: `contract.spec` and `contract.outline` read both documents, `normalize` converts schemas to a
normal form, `match` pairs operations and alternatives, the `compare` modules note changes with their direction, and
`report` converts them to findings with the levels of `rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from os import PathLike
    from pathlib import Path

    from pytest_bctrl.baseline.baseline_file import BaselineFile
    from pytest_bctrl.contract.document import Document
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.findings.finding import Finding

    Source = Document | dict[str, Any] | str | PathLike[str]


__all__ = ["check_upstream", "compare", "compare_with_upstream", "notes_on_adoption"]


class UpstreamComparison(NamedTuple):
    """Findings as `PartitionedFindings` has them, and a sentence per part that was not compared."""

    remaining: list[Finding]
    accepted: list[Finding]
    notes: tuple[str, ...]
    not_compared: tuple[str, ...]


def compare(base: Source, revision: Source, options: Options | None = None) -> list[Finding]:
    """Return the changes from `base` to `revision` as findings, worst first; an empty list if there are none.

    Each is an OpenAPI 3.0, 3.1 or 3.2 document as data, as a `Document`, or as the path of a YAML, JSON or Markdown
    file. In a finding `expected` is the old value and `observed` the new one. Raises `DocumentError` if a document
    cannot be read: an empty list always means that the documents were compared.
    """
    from pytest_bctrl.drift.compare_documents import compare_documents
    from pytest_bctrl.drift.options import Options

    return compare_documents(_document_of(base, "base"), _document_of(revision, "revision"), options or Options())


def _document_of(source: Any, name: str) -> Document:
    """Return a source as a document: itself, loaded data, or what is read from a path, a URL or `-`."""
    from pytest_bctrl.contract.document import Document, load_data

    if isinstance(source, Document):
        return source
    if isinstance(source, dict):
        return load_data(source, name)
    from pytest_bctrl.drift.sources import read_source

    return read_source(str(source))


def check_upstream(source: str, contract_base: Source) -> list[Finding]:
    """Return the changes from the base of the contract to the current document at `source` (path, URL or `-`).

    Raises `UnreachableError` if the source cannot be fetched and `DocumentError` if a document cannot be read: then
    nothing was checked.
    """
    from pytest_bctrl.drift.sources import read_source

    return compare(contract_base, read_source(source))


def compare_with_upstream(
    source: str | Document,
    contract_base: Source,
    settings_file: Path,
    baseline: BaselineFile,
    overlay: Path | None = None,
    other_rules: Callable[[], Collection[str]] = tuple,
) -> UpstreamComparison:
    """Return the findings of `check_upstream`, with the levels of the settings, partitioned by the baseline.

    The settings file may be missing. `overlay`, that of the contract, is applied to both documents. `other_rules`
    returns the rules of the checks, which the baseline may name too. Raises the exceptions of `check_upstream`, and
    `DocumentError` for invalid settings or a baseline entry with an unknown rule.
    """
    from datetime import date

    from pytest_bctrl.baseline.baseline_file import apply_baseline, baseline_notes
    from pytest_bctrl.drift.contract_change import compare_contracts
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.drift.rules import rules
    from pytest_bctrl.drift.settings import read_levels, require_known_rules
    from pytest_bctrl.drift.sources import read_text

    options = Options()
    if settings_file.is_file():
        options = Options(read_levels(read_text(str(settings_file)), str(settings_file)))
    require_known_rules(baseline, other_rules)
    today = date.today()
    revision = _document_of(source, "revision")
    comparison = compare_contracts(_document_of(contract_base, "base"), revision, overlay, options)
    partition = apply_baseline(comparison.findings, baseline, today)
    notes = (
        *comparison.notes,
        *notes_on_adoption(revision, comparison.findings),
        *baseline_notes(comparison.findings, baseline.of_rules(rules()), today),
        *partition.notes,
    )
    return UpstreamComparison(partition.remaining, partition.accepted, notes, comparison.not_compared)


def notes_on_adoption(revision: Document, findings: list[Finding]) -> list[str]:
    """Return a note per operation that the suite would exclude, if `revision` is too costly to validate; else none.

    Without findings there are none. Raises `DocumentError` if no operation is left.
    """
    if not findings:
        return []
    from pytest_bctrl.contract.soundness import require_affordable

    try:
        require_affordable(revision.data, revision.name)
    except DocumentError:
        from pytest_bctrl.contract.read import from_document

        return [f"{revision.name}: {text}" for text in from_document(revision.data, revision.name).exclusions]
    return []
