"""Compares two OpenAPI documents: normalises and matches them, compares them by direction, and returns findings."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from pytest_bctrl.contract.document import SAMPLES, escape_token
from pytest_bctrl.contract.outline import RawOperation, operations, parameters
from pytest_bctrl.contract.spec import Part, Spec
from pytest_bctrl.drift.change_location import ChangeLocation, operation_location
from pytest_bctrl.drift.compare_security import compare_schemes, compare_security, demands_of, required_parameters
from pytest_bctrl.drift.compare_servers import bases, compare_servers, own_servers
from pytest_bctrl.drift.compare_webhooks import callbacks, compare_webhooks, webhooks
from pytest_bctrl.drift.equality import Equality
from pytest_bctrl.drift.match_operations import Operations, match_operations
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.pair import Sides
from pytest_bctrl.drift.report import Report
from pytest_bctrl.drift.unmatched import note_unused_schemas, read_schemas, used_schemas
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_bctrl.contract.document import Document
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.findings.finding import Finding


_SCHEMAS = "#/components/schemas/"


def compare_documents(base: Document, revision: Document, options: Options) -> list[Finding]:
    """Return what changed from `base` to `revision`, worst first.

    Raises `DocumentError` if a relevant part of either cannot be read: a wrong type, a `$ref` without a target.
    """
    try:
        return _compare_all(base, revision, options)
    except RecursionError:
        raise DocumentError(
            "schemas nest too deeply to be compared", where=f"{base.name} or {revision.name}", hint="flatten them"
        ) from None


def _compare_all(base: Document, revision: Document, options: Options) -> list[Finding]:
    """Compare operations, webhooks, servers, schemes, version, samples and unused schemas; return the findings."""
    before, after = Normalizer(Spec(base)), Normalizer(Spec(revision))
    equality = Equality(before, after, options.descriptions)
    report = Report(Sides(before, after, options, equality))
    old, new = operations(report.base), operations(report.revision)
    matched = match_operations((report.base, report.revision), old, new)
    shapes = {operation.shape for operation in new}
    for operation in matched.removed:
        _note_removed_operation(report, operation, shapes)
    changed, references = _compare_matched_operations(report, matched)
    for operation in matched.added:
        report.add("endpoint-added", operation_location(operation), None, operation.label, "", operation.part.pointer)
    compare_webhooks(report)
    # Every schema is read, so that an invalid document never counts as unchanged; identical schemas are read once.
    read_schemas(before, used_schemas(report.base, _with_outgoing(report.base, old)), ())
    referenced = ((Part({"$ref": reference}, reference[1:]),) for reference in references)
    used = used_schemas(report.revision, _with_outgoing(report.revision, [*matched.added, *changed]))
    read_schemas(after, chain(used, referenced), equality.components)
    # The servers of any other operation are compared with that operation.
    moved = {bases(*pair) for pair in matched.both if own_servers(pair[0]) is own_servers(pair[1]) is None}
    if not matched.both:
        moved = {("", "")}
    for pair_of_bases in sorted(moved):
        roots = report.base.root / "servers", report.revision.root / "servers"
        compare_servers(report, *roots, ChangeLocation(), pair_of_bases)
    compare_schemes(report)
    _compare_version(report)
    _compare_samples(report, base.samples, revision.samples)
    note_unused_schemas(report)
    if options.steps and report:
        from pytest_bctrl.drift.counterexample import Examples

        report.examples = Examples(before, after, report.schemas.verifier, options.steps)
    return report.findings()


def _with_outgoing(spec: Spec, operations_of: list[RawOperation]) -> list[RawOperation]:
    """Return operations, their callbacks, and the webhooks of the document."""
    outgoing = webhooks(spec)
    for operation in operations_of:
        outgoing += callbacks(spec, operation)
    return [*operations_of, *outgoing]


def _compare_matched_operations(report: Report, matched: Operations) -> tuple[list[RawOperation], set[str]]:
    """Compare the matched operations; return the new ones whose schemas must be read, and more references to read.

    The references are those of operations that are written alike, but refer to components that changed.
    """
    equality = report.sides.equality
    old_demands, new_demands = demands_of(report)
    changed: list[RawOperation] = []
    referenced: set[str] = set()
    for old, new in matched.both:
        security = old_demands.of(old), new_demands.of(new)
        references = equality.references(old.contents, new.contents)
        is_alike = references is not None and old.path == new.path
        if references is None or not is_alike or not equality.are_unchanged(references):
            # Imported here, because most runs find no change.
            from pytest_bctrl.drift.compare_operation import compare_operation

            compare_operation(report, old, new, security, is_alike=is_alike)
            # Of an operation that is written alike, only the targets of references have to be read.
            is_short = references is not None and all(ref.startswith(_SCHEMAS) for ref in references)
            if references is not None and is_short and report.base.is_30 == report.revision.is_30:
                referenced |= references
            else:
                changed.append(new)
        elif security[0] != security[1]:
            required = required_parameters(parameters(report.base, old))
            compare_security(report, *security, required, operation_location(old))
    return changed, referenced


def _compare_version(report: Report) -> None:
    """Note a changed `info.version`."""
    was, now = ((spec.root / "info" / "version").value for spec in (report.base, report.revision))
    if was != now:
        at = "/info/version"
        report.add("api-version-changed", ChangeLocation(path="info.version"), str(was), str(now), at, at)


def _compare_samples(report: Report, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Note changed code samples of a page, if both documents are pages with samples."""
    if not old or not new:
        return
    for name in dict.fromkeys([*old, *new]):
        was, now = _short_sample_digest(old, name), _short_sample_digest(new, name)
        if was != now:
            at = f"/{SAMPLES}/{escape_token(name)}"
            report.add("page-sample-changed", ChangeLocation(path=f"sample {name}"), was, now, at, at)


def _short_sample_digest(samples: Mapping[str, str], name: str) -> str | None:
    """Return the start of a code sample's digest; None if the page lacks the sample."""
    digest = samples.get(name)
    if digest is None:
        return None
    return str(digest)[:12]


def _note_removed_operation(report: Report, operation: RawOperation, shapes: set[str]) -> None:
    """Note a removed operation, under a rule that depends on whether it was deprecated."""
    subject = "api-path-removed"
    if operation.shape in shapes:
        subject = "api-removed"
    suffix = "without-deprecation"
    if operation.part.value.get("deprecated") is True:
        suffix = "with-deprecation"
    report.add(f"{subject}-{suffix}", operation_location(operation), operation.label, None, operation.part.pointer)
