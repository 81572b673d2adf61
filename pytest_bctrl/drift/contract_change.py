"""Compares two published specs as the contract in force reads them: with its overlay on both sides.

A spec leaves out what the overlay adds, such as the security that an operation demands. A change of what the overlay
refers to breaks consumers too, and shows only where the overlay is applied.
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
    """What changed, worst first, and remarks on the comparison."""

    findings: list[Finding]
    notes: tuple[str, ...] = ()


def compare_contracts(base: Document, revision: Document, overlay: Path | None, options: Options) -> Comparison:
    """Return what changed from `base` to `revision`, both as they are published and with the overlay applied.

    An action of the overlay that no longer applies to the revision is left out there, so that what it added shows as a
    change; a note names it. Raises `DocumentError` where a document cannot be read.
    """
    findings = compare_documents(base, revision, options)
    if overlay is None or not findings:
        return Comparison(findings)
    refused: list[DocumentError] = []
    before = apply_overlay(base, overlay, refused)
    after = apply_overlay(revision, overlay, refused)
    # What the specs themselves show has its counterexamples already.
    more = compare_documents(before, after, options._replace(seconds=0, ignores_undefined_schemes=True))
    known = {finding.fingerprint for finding in findings} | {_change(finding) for finding in findings}
    added = [finding for finding in more if not {finding.fingerprint, _change(finding)} & known]
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
    """What a finding is about, whichever document it was found in."""
    return finding.rule, finding.operation, finding.location, repr(finding.expected), repr(finding.observed)
