"""Strict access to the values of an OpenAPI document.

The contract and the drift comparison both read documents through this module. References are followed only inside the
document, and a value of a wrong type is rejected with its line and pointer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pytest_bctrl.contract.document import (
    EXCLUDED,
    FILES,
    Document,
    bundling_hint,
    escape_token,
    shown_pointer,
    unread_references,
    value_at,
)
from pytest_bctrl.contract.extensions import Extensions
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from pytest_bctrl.contract.references import Addresses

T = TypeVar("T")
_new = tuple.__new__


class Part(NamedTuple):
    """A value of the document and its JSON pointer."""

    value: Any
    pointer: str

    def __truediv__(self, key: str) -> Part:
        """Return the member under `key` with its pointer; its value is None if the member does not exist."""
        value, pointer = self
        member = None
        if isinstance(value, dict):
            member = value.get(key)
        # Twice as fast as calling the class, which matters because nearly every value of a document comes through here.
        return _new(Part, (member, f"{pointer}/{escape_token(key)}"))


class Spec:
    """An OpenAPI document. Every accessor raises `DocumentError` for a value of a wrong type.

    `require` validates the target of a reference as a component of a kind, and raises if it is not valid.
    """

    def __init__(self, document: Document, require: Callable[[str, Any, str], None] | None = None) -> None:
        self.document = document
        self._require = require
        self.root = Part(document.data, "")
        self.is_30 = document.version.startswith("3.0")
        self.seen: set[str] = set()
        self._targets: dict[str, Part] = {}
        self._indices: dict[str, dict[Any, int]] = {}

    @cached_property
    def components(self) -> dict[str, Any]:
        """All components and parts of other files, as values by pointer."""
        components = self.root / "components"
        sections = [self.root / FILES]
        if isinstance(components.value, dict):
            sections[:0] = [components / name for name in components.value]
        mappings = [section for section in sections if isinstance(section.value, dict)]
        parts = (section / name for section in mappings for name in section.value)
        return {part.pointer: part.value for part in parts}

    @cached_property
    def extensions(self) -> Extensions:
        """Which components extend which schemas by `allOf`."""
        return Extensions(self.document.data)

    def item_index(self, items: Part, item: Any) -> int | None:
        """Return the index of the first item of a list that equals a value; None if there is none.

        The list is read once, because each of thousands of items may be looked up.
        """
        if items.pointer not in self._indices:
            indexed = reversed(list(enumerate(items.value)))
            self._indices[items.pointer] = {value_key(member): index for index, member in indexed}
        return self._indices[items.pointer].get(value_key(item))

    def error_at(self, part: Part, problem: str, hint: str) -> DocumentError:
        """Return an error about a part that names the document, the pointer and, if possible, the line."""
        where = self.document.name
        line = self.document.line(part.pointer)
        if line:
            where += f":{line}"
        error = DocumentError(f"{problem}, at {shown_pointer(part.pointer)}", where=where, hint=hint).at(part.pointer)
        error.document = self.document
        return error

    def _require_type(self, part: Part, expected: type[T], description: str, default: T) -> T:
        """Return the value of a part, or `default` if it is absent; raises `DocumentError` for a wrong type."""
        if part.value is None:
            return default
        if not isinstance(part.value, expected):
            problem = f"a {json_kind(part.value)} is where {description} belongs"
            raise self.error_at(part, problem, "see the OpenAPI specification")
        return part.value

    def mapping(self, part: Part) -> dict[str, Any]:
        """Return the part as a mapping, empty if it is absent."""
        return self._require_type(part, dict, "a mapping", {})

    def members(self, part: Part) -> list[tuple[str, Part]]:
        """Return the members of a map with arbitrary keys; unlike in `fields`, `x-request-id` may be one of them."""
        pointer = part.pointer
        mapping = self.mapping(part)
        return [(key, _new(Part, (value, f"{pointer}/{escape_token(key)}"))) for key, value in mapping.items()]

    def fields(self, part: Part) -> list[tuple[str, Part]]:
        """Return the members of an extensible object without its extensions (`x-...`)."""
        return [(key, member) for key, member in self.members(part) if not key.startswith("x-")]

    def items(self, part: Part) -> list[Part]:
        """Return the elements of a list as parts; none if it is absent."""
        items: list[Any] = self._require_type(part, list, "a list", [])
        return [Part(value, f"{part.pointer}/{index}") for index, value in enumerate(items)]

    def text(self, part: Part, default: str = "") -> str:
        """Return the part as text, or `default` if it is absent."""
        return self._require_type(part, str, "text", default)

    def flag(self, part: Part) -> bool:
        """Return the part as a boolean, False if it is absent."""
        return self._require_type(part, bool, "true or false", False)

    def resolve(self, part: Part, kind: str = "") -> Part:
        """Return the part that `$ref` refers to, or the part itself if it has no `$ref`.

        Raises `DocumentError` if the target does not exist. The caller has to read the siblings of `$ref`. An excluded
        response or body is one with any content.
        `kind` is the section of `components` that the target belongs to, if any, and as which it is validated.
        """
        trail: list[str] = []
        while isinstance(part.value, dict) and is_reference(part.value):
            if part.pointer in trail:
                raise self.error_at(part, "a $ref leads back to itself", "let it name a definition")
            trail.append(part.pointer)
            part = self.target(part)
        if isinstance(part.value, dict) and EXCLUDED in part.value:
            return Part({"description": "", "content": {"*/*": {}}, EXCLUDED: part.value[EXCLUDED]}, part.pointer)
        if kind:
            self.mapping(part)
            if trail and self._require and part.pointer.rpartition("/")[0] != f"/components/{kind}":
                self._require(kind, part.value, f"{self.document.name}: #{part.pointer}")
        return part

    def target(self, part: Part) -> Part:
        """Return the part that the `$ref` of a part names; raises `DocumentError` if the document does not have it."""
        ref = part.value.get("$ref", part.value.get("$dynamicRef"))
        if not isinstance(ref, str):
            raise self.error_at(part, "a $ref is not text", "it should read #/components/...")
        if ref in self._targets:
            return self._targets[ref]
        pointer = self._pointer_of_reference(ref, part)
        if pointer is None and not ref.startswith("#"):
            unread = unread_references(self.document.data)
            if ref in unread:
                problem, hint = unread[ref]
                raise self.error_at(part, problem, hint)
            raise self.error_at(
                part, f"the $ref {ref[:200]!r} leads outside the document", bundling_hint(self.document.name)
            )
        value = None
        if pointer is not None:
            with suppress(KeyError, IndexError, TypeError, ValueError):
                value = value_at(self.document.data, pointer)
        if pointer is None or value is None:
            raise self.error_at(part, f"the $ref {ref[:200]!r} names nothing", "define it, or fix the $ref")
        target = Part(value, pointer)
        if ref.startswith("#/"):
            self._targets[ref] = target
        return target

    def _pointer_of_reference(self, ref: str, part: Part) -> str | None:
        """Return the pointer that a reference in a part leads to; None if the document lacks its identifier."""
        if ref != "#" and not ref.startswith("#/"):
            return self._addresses.pointer(ref, self._addresses.base(part.pointer))
        if "%" not in ref:
            return ref[1:]
        from urllib.parse import unquote

        return unquote(ref[1:])

    @cached_property
    def _addresses(self) -> Addresses:
        """The targets of identifiers; few documents have any."""
        from pytest_bctrl.contract.references import Addresses

        return Addresses(self.document.data)


def is_reference(schema: dict[str, Any]) -> bool:
    """Return whether a schema has `$ref` or `$dynamicRef`, which mean the same within one document."""
    return "$ref" in schema or "$dynamicRef" in schema


def json_kind(value: Any) -> str:
    """Return how messages name the JSON type of a value, such as `text` or `mapping`."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "text", list: "list", dict: "mapping", type(None): "null"}.get(type(value), type(value).__name__)


def value_key(value: Any) -> Any:
    """Return a hashable key that is the same for equal JSON values only: 1 equals 1.0, and neither equals true."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, dict):
        return ("mapping", frozenset((key, value_key(member)) for key, member in value.items()))
    if isinstance(value, list):
        return ("list", tuple(value_key(item) for item in value))
    return value
