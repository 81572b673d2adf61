"""Separates the valid parts of a document from those that are not.

An invalid value excludes the responses and request bodies that consist of it. If more of an operation does, such as a
parameter, the operation is excluded.
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
    """An operation that cannot be used, one of its bodies, or another part of the document, and a reason.

    `operation` is its label, or begins with "the" unless it is an operation. `part` is its pointer, and `pointer` that
    of the invalid value.
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
    def is_body(self) -> bool:
        """Whether this excludes a response or the body of a request."""
        return self.operation.startswith(("the response ", "the request body "))

    @property
    def shown_pointer(self) -> str:
        """The pointer of the invalid value as messages show it."""
        return shown_pointer(self.pointer)

    @property
    def reason(self) -> str:
        """The problem, with the pointer of the invalid value."""
        pointer = f", at {self.shown_pointer}"
        return self.problem.removesuffix(pointer) + pointer


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


def exclusions_of(
    reach: Reach, operation: str, problem: DocumentProblem, pointers: Iterable[str] = ()
) -> Iterator[Exclusion]:
    """Yield an exclusion for each part of an operation that a problem affects, and for each label of the operation.

    `pointers` are further values that the problem affects.
    """
    parts = [part for pointer in (problem.pointer, *pointers) for part in reach.dependents(operation, pointer)]
    for part in [operation] if operation in parts else dict.fromkeys(parts):
        for label in reach.labels(operation, part):
            yield Exclusion(label, part, *problem)


def valid_parts(
    document: Mapping[str, Any], problems: Iterable[DocumentProblem], check: Check, original: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Exclusion]]:
    """Return a document with only its valid operations and their valid parts, and an exclusion per problem of others.

    `problems` are the problems that are known. `check` raises `DocumentError` for a document with others. Reasons have
    the pointers of the `original` document, of which `document` may be an upgrade.
    An invalid `info` or `servers` is replaced by an empty one. If no operation has a valid response, none is valid.
    """
    reach = Reach(document)
    excluded: dict[str, list[Exclusion]] = {operation: [] for operation in reach.operations}
    document_parts: dict[str, DocumentProblem] = {}
    for problem in problems:
        for operation, exclusions in excluded.items():
            exclusions += exclusions_of(reach, operation, problem)
        key = problem.pointer.split("/")[1:2]
        if key and key[0] in _REPLACEMENTS:
            document_parts.setdefault(key[0], problem)
    if document_parts:
        reach = Reach({**document, **{key: _REPLACEMENTS[key] for key in document_parts}})
    for operation, exclusions in excluded.items():
        for exclusion in exclusions:
            reach.exclude(operation, exclusion.part, with_original_pointers(original, exclusion).reason)
    for operation, exclusion in _find_invalid(reach, check, original):
        excluded[operation].append(exclusion)
    of_document = [Exclusion(_PARTS[key], f"/{key}", *problem) for key, problem in document_parts.items()]
    of_operations = [
        exclusion
        for operation, exclusions in excluded.items()
        for exclusion in dict.fromkeys(exclusions)
        if operation not in reach.excluded or exclusion.part == operation
    ]
    valid_operations = [operation for operation in excluded if operation not in reach.excluded]
    if not any(reach.can_be_used(operation, reach.excluded) for operation in valid_operations):
        valid_operations = []
    return reach.only(valid_operations), [*of_document, *of_operations]


def with_original_pointers(document: Mapping[str, Any], exclusion: Exclusion) -> Exclusion:
    """Return an exclusion of an upgraded document of OpenAPI 3.0 with the pointers of the original document."""
    part, pointer = (_original_pointer(document, pointer) for pointer in (exclusion.part, exclusion.pointer))
    return exclusion._replace(part=part, pointer=pointer)


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


def _find_invalid(reach: Reach, check: Check, original: Mapping[str, Any]) -> Iterator[tuple[str, Exclusion]]:
    """Exclude each invalid part and yield it with its operation, found by checking halves, quarters, and so on."""
    pending = [list(reach.operations)]
    while pending:
        batch = [operation for operation in pending.pop() if operation not in reach.excluded]
        if not batch:
            continue
        try:
            check(reach.only(batch))
            continue
        except DocumentError as error:
            problem = DocumentProblem.of(error, batch[0])
        middle = len(batch) // 2
        pending += [batch[middle:], batch[:middle]]
        if middle:
            continue
        # The problem may be elsewhere, or in a part that is excluded.
        further = [] if reach.dependents(batch[0], problem.pointer) else batch
        for operation in [operation for batch in pending for operation in batch]:
            for exclusion in exclusions_of(reach, operation, problem, further):
                reach.exclude(operation, exclusion.part, with_original_pointers(original, exclusion).reason)
                yield operation, exclusion
