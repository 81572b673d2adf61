"""Separates the operations of a document that are valid from those that are not.

An operation is invalid if its own definition is, or any part that it refers to. The others can be used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from pytest_bctrl.contract.document import shown_pointer, value_at
from pytest_bctrl.contract.keywords import becomes_any_of
from pytest_bctrl.contract.reach import Reach
from pytest_bctrl.errors import DocumentError

Check = Callable[[dict[str, Any]], object]


class DocumentProblem(NamedTuple):
    """An invalid part of a document: its pointer, what is wrong with it, and what is expected."""

    pointer: str
    text: str
    hint: str

    @classmethod
    def of(cls, error: DocumentError, pointer: str) -> DocumentProblem:
        """Return an error as a problem at its location, or at `pointer` if it has none."""
        return cls(pointer if error.pointer is None else error.pointer, error.problem, error.hint)


class Exclusion(NamedTuple):
    """An operation that cannot be used, or another part of the document, and a reason.

    `operation` is its label, or begins with "the" for another part. `part` is its pointer, and `pointer` that of the
    invalid value.
    """

    operation: str
    part: str
    pointer: str
    problem: str
    hint: str

    @property
    def is_operation(self) -> bool:
        """Whether this excludes an operation or a path, and not another part of the document."""
        return not self.operation.startswith("the ")

    @property
    def shown_pointer(self) -> str:
        """The pointer of the invalid value as messages show it."""
        return shown_pointer(self.pointer)


def exclusion_texts(excluded: Iterable[Exclusion], verb: str) -> list[str]:
    """Return a sentence per problem, with the operations that are excluded because of it.

    `verb` says what is not done with them: `GET /a, GET /b are not checked: …, at #/components/schemas/A (…)`.
    """
    groups: dict[tuple[str, str], list[Exclusion]] = defaultdict(list)
    for exclusion in excluded:
        problem = exclusion.problem.removesuffix(f", at {exclusion.shown_pointer}")
        groups[problem, exclusion.hint].append(exclusion)
    return [_exclusion_text(group, *reason, verb) for reason, group in groups.items()]


def _exclusion_text(excluded: Sequence[Exclusion], problem: str, hint: str, verb: str) -> str:
    """Return the sentence for one problem, which may be at several pointers."""
    pointers = {exclusion.pointer for exclusion in excluded}
    names = list(dict.fromkeys(exclusion.operation for exclusion in excluded))
    if len(pointers) == 1:
        problem = f"{problem}, at {excluded[0].shown_pointer}"
    else:
        names = list(dict.fromkeys(f"{exclusion.operation} ({exclusion.shown_pointer})" for exclusion in excluded))
    text = ", ".join(names[:_FEW])
    if len(names) > _FEW:
        text += f" and {len(names) - _FEW} more"
    is_or_are = "is" if len(names) == 1 else "are"
    return f"{text} {is_or_are} not {verb}: {problem} ({hint})"


_FEW = 5
"""Maximum number of operations in a sentence."""


def valid_parts(
    document: Mapping[str, Any], problems: Iterable[DocumentProblem], check: Check
) -> tuple[dict[str, Any], list[Exclusion]]:
    """Return a document with only its valid operations and their parts, and an exclusion per problem of the others.

    `problems` are the problems that are known. `check` raises `DocumentError` for a document with others.
    An invalid `info` or `servers` is replaced by an empty one.
    """
    reach = Reach(document)
    reasons: dict[str, list[DocumentProblem]] = defaultdict(list)
    document_parts: dict[str, DocumentProblem] = {}
    for problem in problems:
        hit = [operation for operation in reach.operations if reach.affects(operation, problem.pointer)]
        for operation in hit:
            reasons[operation].append(problem)
        key = problem.pointer.split("/")[1:2]
        if key and key[0] in _REPLACEMENTS:
            document_parts.setdefault(key[0], problem)
    usable = {**document, **{key: _REPLACEMENTS[key] for key in document_parts}}
    reach = Reach(usable) if document_parts else reach
    remaining = [operation for operation in reach.operations if operation not in reasons]
    for operation, problem in _find_invalid(reach, remaining, check):
        reasons[operation].append(problem)
    excluded = [
        Exclusion(_PARTS[key], f"/{key}", problem.pointer, problem.text, problem.hint)
        for key, problem in document_parts.items()
    ]
    excluded += [
        Exclusion(label, operation, problem.pointer, problem.text, problem.hint)
        for operation, labels in reach.operations.items()
        for label in labels
        for problem in dict.fromkeys(reasons.get(operation, ()))
    ]
    return reach.only([operation for operation in remaining if operation not in reasons]), excluded


def original_pointers(document: Mapping[str, Any], excluded: Iterable[Exclusion]) -> Iterator[Exclusion]:
    """Yield exclusions of an upgraded document of OpenAPI 3.0 with the pointers of the original document."""
    for exclusion in excluded:
        pointers = (_original_pointer(document, pointer) for pointer in (exclusion.part, exclusion.pointer))
        part, pointer = pointers
        yield exclusion._replace(part=part, pointer=pointer)


def _original_pointer(document: Any, pointer: str) -> str:
    """Return a pointer without the steps into an `anyOf` that the upgrade from OpenAPI 3.0 adds."""
    tokens = pointer.split("/")[1:]
    original: list[str] = []
    # The original document may lack the last value.
    with suppress(LookupError, ValueError):
        while tokens:
            is_added = isinstance(document, Mapping) and becomes_any_of(document) and "anyOf" not in document
            if is_added and tokens[:2] == ["anyOf", "0"]:
                tokens = tokens[2:]
                continue
            if not isinstance(document, Mapping | list):
                # The upgrade made a list of a single type.
                break
            token = tokens.pop(0)
            original.append(token)
            document = value_at(document, f"/{token}")
    return "".join(f"/{token}" for token in original)


_REPLACEMENTS: Mapping[str, Any] = {"info": {}, "servers": []}
"""Parts of a document that no operation consists of, and a valid value of each."""

_PARTS = {"info": "the info object", "servers": "the list of servers"}


def _find_invalid(reach: Reach, operations: Sequence[str], check: Check) -> Iterable[tuple[str, DocumentProblem]]:
    """Yield each invalid operation with its problem, found by checking halves, quarters, and so on."""
    pending = [list(operations)]
    while pending:
        batch = pending.pop()
        if not batch:
            continue
        try:
            check(reach.only(batch))
            continue
        except DocumentError as error:
            problem = DocumentProblem.of(error, batch[0])
        if len(batch) == 1:
            yield batch[0], problem
            hit = [operation for batch in pending for operation in batch if reach.affects(operation, problem.pointer)]
            yield from ((operation, problem) for operation in hit)
            pending = [[operation for operation in batch if operation not in hit] for batch in pending]
        else:
            middle = len(batch) // 2
            pending += [batch[middle:], batch[:middle]]
