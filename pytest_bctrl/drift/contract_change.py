"""Compares two published specs as the contract uses them: with the overlay of the contract applied to both.

The overlay adds parts that a spec lacks, such as the security requirements of an operation. A change of a part that the
overlay refers to breaks consumers too, and is visible only with the overlay applied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.contract.document import FILES, INLINED
from pytest_bctrl.contract.outline import operations
from pytest_bctrl.contract.spec import Spec
from pytest_bctrl.drift.pair import RANK
from pytest_bctrl.drift.valid_parts import compare_valid_parts
from pytest_bctrl.drift.verification import BUDGET_USED_UP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_bctrl.contract.document import Document
    from pytest_bctrl.contract.valid_parts import Exclusion
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.errors import DocumentError
    from pytest_bctrl.findings.finding import Finding


class Comparison(NamedTuple):
    """The findings of a comparison, worst first, notes on it, and the parts that were not compared.

    `not_compared` has a sentence per invalid part of the revision, except for unused components; the sentences about
    those and about the base are notes. `excluded` has the data of both: `side` (`base` or `revision`), `operation`,
    `document`, `line`, `pointer`, `problem` and `hint`.
    """

    findings: list[Finding]
    notes: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    excluded: tuple[dict[str, Any], ...] = ()


def compare_contracts(base: Document, revision: Document, overlay: Path | None, options: Options) -> Comparison:
    """Return what changed from `base` to `revision`, both as they are published and with the overlay applied.

    An action of the overlay that no longer applies to the revision is omitted there, so the parts that it added are
    reported as removed; a note names it. Raises `DocumentError` if a document cannot be read.
    """
    published = compare_valid_parts(base, revision, options)
    findings = published.findings
    excluded_base, excluded = [*published.excluded_base], [*published.excluded_revision]
    new_notes: list[str] = []
    if _may_have_uncompared_parts(base) or _may_have_uncompared_parts(revision):
        from pytest_bctrl.drift.uncompared_parts import uncompared_parts

        uncompared, new_notes = uncompared_parts(base, revision)
        excluded += uncompared
    refused: list[DocumentError] = []
    if overlay is not None and findings:
        actions = read_overlay(overlay)
        before = apply_overlay(published.base, overlay, actions, refused)
        after = apply_overlay(published.revision, overlay, actions, refused)
        # The findings of the specs have their counterexamples already.
        applied = compare_valid_parts(before, after, options._replace(steps=0, ignores_undefined_schemes=True))
        reported = {finding.fingerprint for finding in findings} | {_change_key(finding) for finding in findings}
        added = [finding for finding in applied.findings if not {finding.fingerprint, _change_key(finding)} & reported]
        findings = sorted([*findings, *added], key=lambda finding: RANK[finding.level])
        excluded_base += applied.excluded_base
        excluded += applied.excluded_revision
    notes = [f"the overlay no longer applies: {error.where}: {error.problem}" for error in refused]
    notes += [*new_notes, *_repeated_id_sentences(published.revision), *_budget_sentences(findings)]
    unused = [exclusion for exclusion in excluded if exclusion.operation.startswith("#/components/")]
    notes += [*_exclusion_sentences(base, excluded_base), *_exclusion_sentences(revision, unused)]
    not_compared = _exclusion_sentences(revision, [exclusion for exclusion in excluded if exclusion not in unused])
    data = [*_exclusion_data("base", base, excluded_base), *_exclusion_data("revision", revision, excluded)]
    return Comparison(findings, tuple(dict.fromkeys(notes)), not_compared, tuple(data))


def _budget_sentences(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a sentence about the findings for which the budget did not suffice, if there are any."""
    reasons = [finding.extra.get("shown", {}).get("reason") for finding in findings]
    count = reasons.count(BUDGET_USED_UP)
    if count:
        yield f"{BUDGET_USED_UP}: {count:,} of {len(findings):,} findings have neither a counterexample nor a proof"


def _may_have_uncompared_parts(document: Document) -> bool:
    """Return whether a document may have parts that are not compared; searching for them takes a while."""
    is_read_whole = bool(document.text) and {FILES, INLINED}.isdisjoint(document.data)
    return document.version.startswith("3.2") or not is_read_whole or "xml" in document.text


def _exclusion_sentences(document: Document, excluded: Sequence[Exclusion]) -> tuple[str, ...]:
    """Return a sentence per invalid part of a document."""
    if not excluded:
        return ()
    from pytest_bctrl.contract.valid_parts import exclusion_texts

    return tuple(f"{document.name}: {text}" for text in exclusion_texts(excluded, "compared"))


def _repeated_id_sentences(document: Document) -> tuple[str, ...]:
    """Return a sentence per `operationId` that two operations of a document have."""
    spec = Spec(document)
    operations_of = operations(spec)
    # An operation that is the same in both documents was not read, so its id may be of any type.
    ids = [str((operation.part / "operationId").value or "") for operation in operations_of]
    named = [operation_id for operation_id in ids if operation_id]
    if len({*named}) == len(named):
        return ()
    from pytest_bctrl.contract.unused_parts import repeated_ids
    from pytest_bctrl.contract.valid_parts import exclusion_texts

    labels = [(operation.label, operation.part.pointer) for operation in operations_of]
    repeated = repeated_ids((label, id_, pointer) for (label, pointer), id_ in zip(labels, ids, strict=True))
    return tuple(f"{document.name}: {text}" for text in exclusion_texts(repeated, "used"))


def _exclusion_data(side: str, document: Document, excluded: Sequence[Exclusion]) -> Iterator[dict[str, Any]]:
    """Yield the excluded parts of a document as data for reports."""
    document.find_lines({exclusion.pointer for exclusion in excluded})
    for exclusion in excluded:
        name, pointer = document.source_location(exclusion.pointer)
        yield {
            "side": side,
            "operation": exclusion.operation,
            "document": name,
            "pointer": pointer,
            "line": document.line(exclusion.pointer),
            "problem": exclusion.problem,
            "hint": exclusion.hint,
        }


def read_overlay(overlay: Path) -> Any:
    """Return the data of an overlay. Raises `DocumentError` if the file cannot be read."""
    from pytest_bctrl.contract.document import read_file
    from pytest_bctrl.contract.yaml_source import read_yaml

    return read_yaml(read_file(overlay, "restore it from the project", "the overlay"), str(overlay))


def apply_overlay(document: Document, overlay: Path, actions: Any, refused: list[DocumentError]) -> Document:
    """Return a document with an overlay applied; adds to `refused` the error of each action that does not apply.

    `actions` is the data of the overlay. An action that does not apply is omitted, and its error added to `refused`.
    """
    from pytest_bctrl.contract.overlay import apply_overlay

    return document._replace(data=apply_overlay(actions, document.data, str(overlay), refused))


def _change_key(finding: Finding) -> tuple[object, ...]:
    """Return a key of the change that a finding reports, regardless of the documents."""
    return finding.rule, finding.operation, finding.location, repr(finding.expected), repr(finding.observed)
