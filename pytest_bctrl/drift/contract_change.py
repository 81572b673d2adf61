"""Compares two published specs as the contract uses them: with the overlay of the contract applied to both.

The overlay adds parts that a spec lacks, such as the security requirements of an operation. A change of a part that the
overlay refers to breaks consumers too, and is visible only with the overlay applied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_bctrl.drift.compare_documents import compare_documents
from pytest_bctrl.drift.pair import RANK

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_bctrl.contract.document import Document
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.errors import DocumentError
    from pytest_bctrl.findings.finding import Finding


class Comparison(NamedTuple):
    """The findings of a comparison, worst first, and notes on it."""

    findings: list[Finding]
    notes: tuple[str, ...] = ()


def compare_contracts(base: Document, revision: Document, overlay: Path | None, options: Options) -> Comparison:
    """Return what changed from `base` to `revision`, both as they are published and with the overlay applied.

    An action of the overlay that no longer applies to the revision is omitted there, so the parts that it added are
    reported as removed; a note names it. Raises `DocumentError` if a document cannot be read.
    """
    findings = compare_documents(base, revision, options)
    if overlay is None or not findings:
        return Comparison(findings)
    refused: list[DocumentError] = []
    before = apply_overlay(base, overlay, refused)
    after = apply_overlay(revision, overlay, refused)
    # The findings of the specs have their counterexamples already.
    with_overlay = compare_documents(before, after, options._replace(seconds=0, ignores_undefined_schemes=True))
    reported = {finding.fingerprint for finding in findings} | {_change(finding) for finding in findings}
    added = [finding for finding in with_overlay if not {finding.fingerprint, _change(finding)} & reported]
    notes = dict.fromkeys(f"the overlay no longer applies: {error.where}: {error.problem}" for error in refused)
    return Comparison(sorted([*findings, *added], key=lambda finding: RANK[finding.level]), tuple(notes))


def apply_overlay(document: Document, overlay: Path, refused: list[DocumentError]) -> Document:
    """Return the document with the actions of the overlay applied.

    An action that does not apply to the document is omitted, and its error added to `refused`.
    """
    from pytest_bctrl.contract.document import read_file
    from pytest_bctrl.contract.overlay import apply
    from pytest_bctrl.contract.yaml_source import read_yaml

    actions = read_yaml(read_file(overlay, "restore it from the project", "the overlay"), str(overlay))
    return document._replace(data=apply(actions, document.data, str(overlay), refused))


def _change(finding: Finding) -> tuple[object, ...]:
    """Return the change that a finding reports, regardless of the documents."""
    return finding.rule, finding.operation, finding.location, repr(finding.expected), repr(finding.observed)
