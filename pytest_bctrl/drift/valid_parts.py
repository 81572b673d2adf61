"""Compares the valid parts of two documents: an invalid part excludes the bodies and operations that consist of it.

A response, body or operation that is invalid in one document is not compared in either. If the other document does not
have it, it is still reported as removed or added.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.contract.document import unescape_token
from pytest_bctrl.drift.compare_documents import compare_documents
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.findings.fingerprint import shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_bctrl.contract.document import Document
    from pytest_bctrl.contract.extensions import Extensions
    from pytest_bctrl.contract.reach import Reach
    from pytest_bctrl.contract.valid_parts import DocumentProblem, Exclusion
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.findings.finding import Finding


class ValidParts(NamedTuple):
    """The findings of a comparison, the valid parts of both documents, and what was excluded from each."""

    findings: list[Finding]
    base: Document
    revision: Document
    excluded_base: tuple[Exclusion, ...] = ()
    excluded_revision: tuple[Exclusion, ...] = ()


def compare_valid_parts(base: Document, revision: Document, options: Options) -> ValidParts:
    """Return what changed from `base` to `revision`, worst first, in the valid parts of both.

    Raises `DocumentError` if a document is invalid as a whole, or if no operation of the revision is valid.
    """
    excluded: tuple[list[Exclusion], list[Exclusion]] = ([], [])
    documents = base, revision
    while True:
        try:
            findings = compare_documents(*documents, options)
        except DocumentError as error:
            if error.pointer is None or error.document not in documents:
                raise
            undefined = [_undefined_schemes(document) for document in documents]
            if _is_about_scheme(error.pointer) and any(undefined):
                for side in (0, 1):
                    excluded[side].extend(undefined[side])
                documents = _with_schemes(documents, undefined)
                continue
            is_first = not any(excluded)
            documents = _without_invalid(documents, error, excluded, reads_all=is_first)
            if _are_all_excluded(revision, excluded[1]):
                raise
        else:
            if any(excluded):
                findings = [*_without_used_schemas(findings, base, revision)]
            return ValidParts(findings, *documents, *map(tuple, excluded))


def _without_used_schemas(findings: list[Finding], base: Document, revision: Document) -> Iterator[Finding]:
    """Yield the findings except those that report a schema as unused although an excluded operation uses it."""
    from pytest_bctrl.contract.reach import Reach

    names = {finding.rule: set[str]() for finding in findings if finding.rule in _UNUSED}
    for rule in names:
        reach = Reach((base if rule == "api-schema-removed" else revision).data)
        for operation in reach.operations:
            for part in reach.parts(operation):
                section, _, tail = part.removeprefix("/components/").partition("/")
                if section == "schemas":
                    names[rule].add(unescape_token(tail.partition("/")[0]))
    for finding in findings:
        name = finding.expected or finding.observed
        if name not in names.get(finding.rule, ()):
            yield finding


_UNUSED = ("api-schema-added", "api-schema-removed")
"""The rules on component schemas that no operation uses."""


def _is_about_scheme(pointer: str) -> bool:
    """Return whether a pointer is that of a security scheme in a requirement."""
    return pointer.split("/")[-3:-2] == ["security"]


def _undefined_schemes(document: Document) -> list[Exclusion]:
    """Return the security requirements that name an undefined scheme; the rest of their operations is compared."""
    from pytest_bctrl.contract.outline import operations, security_requirements
    from pytest_bctrl.contract.spec import Spec
    from pytest_bctrl.contract.valid_parts import DocumentProblem, Exclusion
    from pytest_bctrl.drift.compare_webhooks import callbacks, webhooks

    # Without its text, because determining the lines of many errors would take long.
    spec = Spec(document._replace(text=""))
    parts = {"the document": spec.root / "security"}
    try:
        incoming = operations(spec)
    except DocumentError:
        return []
    all_operations = list(incoming)
    # Invalid webhooks and callbacks are excluded for another reason.
    with suppress(DocumentError):
        all_operations += webhooks(spec)
    for operation in incoming:
        with suppress(DocumentError):
            all_operations += callbacks(spec, operation)
    parts.update({operation.label: operation.part / "security" for operation in all_operations})
    undefined = []
    for label, part in parts.items():
        try:
            security_requirements(spec, part)
        except DocumentError as error:
            if error.pointer is not None and _is_about_scheme(error.pointer):
                undefined.append(Exclusion(f"the security of {label}", part.pointer, *DocumentProblem.of(error, "")))
    return undefined


def _with_schemes(
    documents: tuple[Document, Document], undefined: Sequence[Sequence[Exclusion]]
) -> tuple[Document, Document]:
    """Return both documents with a definition of each undefined scheme that the other document does not contradict."""
    names = {unescape_token(part.pointer.rpartition("/")[2]) for side in undefined for part in side}
    schemes = [document.data.get("components", {}).get("securitySchemes", {}) for document in documents]
    defined = {name: {"type": "mutualTLS"} for name in names} | schemes[1] | schemes[0]
    old, new = (
        document._replace(
            data={
                **document.data,
                "components": {
                    **document.data.get("components", {}),
                    "securitySchemes": {**{name: defined[name] for name in names}, **own_schemes},
                },
            }
        )
        for document, own_schemes in zip(documents, schemes, strict=True)
    )
    return old, new


def _without_invalid(
    documents: tuple[Document, Document],
    error: DocumentError,
    excluded: tuple[list[Exclusion], list[Exclusion]],
    *,
    reads_all: bool,
) -> tuple[Document, Document]:
    """Return both documents without what consists of invalid parts, and add that to `excluded`.

    With `reads_all`, every operation is read, so that a document with many invalid ones is not compared once for each.
    Raises the error if nothing can be excluded.
    """
    from pytest_bctrl.contract.extensions import Extensions
    from pytest_bctrl.contract.reach import Reach
    from pytest_bctrl.contract.valid_parts import DocumentProblem

    reaches = Reach(documents[0].data), Reach(documents[1].data)
    extensions = Extensions(documents[0].data), Extensions(documents[1].data)
    removals: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for side in (0, 1):
        problems = [*_invalid_operations(documents[side])] if reads_all else []
        if documents[side] is error.document:
            problems.append(DocumentProblem.of(error, ""))
        for removal in [
            removal
            for problem in dict.fromkeys(problems)
            for removal in _removals(reaches, side, problem, extensions[side])
        ]:
            if removal.exclusion not in excluded[side]:
                excluded[side].append(removal.exclusion)
            removals[side][removal.exclusion.part] = removal.value
            value = removal.value if removal.exclusion.is_body else None
            removals[1 - side].update(dict.fromkeys(removal.counterparts, value))
    if not any(removals):
        raise error
    old, new = (
        document._replace(data=reach.with_values_replaced(values)) if values else document
        for document, reach, values in zip(documents, reaches, removals, strict=True)
    )
    return old, new


def _are_all_excluded(document: Document, excluded: list[Exclusion]) -> bool:
    """Return whether a document has no operation besides those that are excluded, or whose responses all are."""
    from pytest_bctrl.contract.reach import Reach

    reach, parts = Reach(document.data), {exclusion.part for exclusion in excluded}
    return bool(parts) and not any(reach.can_be_used(operation, parts) for operation in reach.operations)


class _Removal(NamedTuple):
    """What to remove from a document, the value in its place, and the pointers to remove from the other document."""

    exclusion: Exclusion
    value: Any
    counterparts: list[str]


def _removals(
    reaches: tuple[Reach, Reach], side: int, problem: DocumentProblem, extensions: Extensions
) -> Iterator[_Removal]:
    """Yield the bodies and operations that a problem excludes; if there are none, its component or section."""
    from pytest_bctrl.contract.document import EXCLUDED, value_at
    from pytest_bctrl.contract.valid_parts import Exclusion, exclusions_of

    reach, counterpart = reaches[side], reaches[1 - side]
    extended = [*_extended_with_discriminator(reach.document, problem.pointer, extensions)]
    exclusions = [
        (operation, exclusion)
        for operation in reach.operations
        for exclusion in exclusions_of(reach, operation, problem, extended)
    ]
    for operation, exclusion in exclusions:
        labels = reach.operations[operation]
        same = [pointer for pointer, names in counterpart.operations.items() if _are_same_operation(labels, names)]
        value = None
        if exclusion.is_body:
            value = {EXCLUDED: problem.text}
        elif not same:
            value = _operation_outline(value_at(reach.document, operation))
        parts = [f"{pointer}{exclusion.part.removeprefix(operation)}" for pointer in same]
        yield _Removal(exclusion, value, [part for part in parts if counterpart.existing_pointer(part)])
    section, *tokens = problem.pointer.split("/")[1:]
    if exclusions or len(tokens) < _KEYS.get(section, 0):
        return
    part = "".join(f"/{token}" for token in (section, *tokens[: _KEYS.get(section, 0)]))
    used = [part for operation in counterpart.operations for part in counterpart.parts(operation)]
    is_used = any(pointer == part or pointer.startswith(f"{part}/") for pointer in used)
    yield _Removal(Exclusion(f"#{part}", part, *problem), None, [] if is_used else [part])


def _extended_with_discriminator(document: Mapping[str, Any], pointer: str, extensions: Extensions) -> Iterator[str]:
    """Yield the pointers of the schemas with a discriminator that the component at or around a pointer extends."""
    from pytest_bctrl.contract.document import value_at

    component = "/".join(pointer.split("/")[:4])
    for base in sorted(extensions.extended(component)):
        with suppress(LookupError):
            schema = value_at(document, base)
            if isinstance(schema, dict) and "discriminator" in schema:
                yield base


_KEYS = {"paths": 1, "webhooks": 1, "components": 2}
"""The number of keys that lead from a section of a document to its items."""


def _are_same_operation(labels: Iterable[str], others: Iterable[str]) -> bool:
    """Return whether two operations have a label in common, except for the names of path parameters.

    The label of a path, which has no method, is the same as those of all its operations.
    """
    shapes, other_shapes = {*map(shape, labels)}, {*map(shape, others)}
    paths = {text.partition(" ")[2] for text in other_shapes}
    other_paths = {text.partition(" ")[2] for text in shapes}
    return bool(shapes & (other_shapes | paths) or other_shapes & other_paths)


def _operation_outline(operation: Any) -> Any:
    """Return an operation without its parts, to be reported as removed or added; None if it has no parts."""
    if not isinstance(operation, dict):
        return None
    outline = {key: value for key, value in operation.items() if isinstance(value, str | bool)}
    if outline == operation:
        return None
    return outline


def _invalid_operations(document: Document) -> Iterator[DocumentProblem]:
    """Yield the first problem of each operation whose parameters or schemas cannot be read."""
    from pytest_bctrl.contract.outline import operations
    from pytest_bctrl.contract.spec import Spec
    from pytest_bctrl.contract.valid_parts import DocumentProblem
    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.unmatched import read_schemas, used_schemas

    without_lines = document._replace(text="")
    try:
        candidates = operations(Spec(without_lines))
    except DocumentError:
        return
    normal = Normalizer(Spec(without_lines))
    for operation in candidates:
        try:
            read_schemas(normal, used_schemas(normal.spec, [operation]), ())
        except DocumentError as error:
            yield DocumentProblem.of(error, operation.part.pointer)
            # The schemas that were being read are incomplete.
            normal = Normalizer(Spec(without_lines))
