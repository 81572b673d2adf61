"""Strict access to the operations, parameters, responses and security schemes of an OpenAPI document.

The contract and the drift comparison both read documents through this module. References are followed only inside the
document, operations inherit from their path item, and a value of a wrong type is rejected with its line and pointer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pytest_bctrl.contract.document import (
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

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
"""The methods that a path item may have (OpenAPI 3.2, 4.10), as it names them."""

ADDITIONAL = "additionalOperations"
"""The member of a path item with the operations of other methods, by their names (OpenAPI 3.2, 4.10)."""

STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple", "querystring": "form"}
"""The values of a parameter's `in`, and the default style of each (OpenAPI 3.2, 4.12.2)."""

EXCLUDED = "x-bctrl-excluded"
"""The key of an invalid operation that stays in a document because other operations refer to parts of it."""

NAME = re.compile(r"\{([^{}/]+)\}")
"""Matches a parameter in a path template."""

Key = tuple[str, str]
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
        self.parameters: dict[Key, dict[Key, RawParameter]] = {}
        """The parameters of the operations read so far, by method and path."""
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

        Raises `DocumentError` if the target does not exist. The caller has to read the siblings of `$ref`.
        `kind` is the section of `components` that the target belongs to, if any, and as which it is validated.
        """
        trail: list[str] = []
        while isinstance(part.value, dict) and is_reference(part.value):
            if part.pointer in trail:
                raise self.error_at(part, "a $ref leads back to itself", "let it name a definition")
            trail.append(part.pointer)
            part = self.target(part)
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


class RawOperation(NamedTuple):
    """An operation of the document: a method of a path. `shape` is the path without the names of its parameters."""

    method: str
    path: str
    shape: str
    item: Part
    part: Part

    @property
    def label(self) -> str:
        """The label shown to users, such as `GET /v1/spaces/{id}/runtimes`."""
        return f"{self.method.upper()} {self.path}"

    @property
    def contents(self) -> list[Any]:
        """The parts of the document that define the operation, for comparison: its own, and those of its path item."""
        return [self.part.value, self.item.value.get("parameters"), self.item.value.get("servers")]

    @property
    def path_parameters(self) -> list[str]:
        """The names in the path template, in order."""
        return NAME.findall(self.path)


def operations(spec: Spec) -> list[RawOperation]:
    """Return the operations that are not excluded, in order. Raises `DocumentError` for a path without a slash."""
    operations = []
    for path, item in spec.fields(spec.root / "paths"):
        if not path.startswith("/"):
            raise spec.error_at(
                item, f"the path {path[:80]!r} does not begin with a slash", "see OpenAPI 3.1, section 4.8.8.1"
            )
        item = spec.resolve(item, "pathItems")
        shape = NAME.sub("{}", path)
        for method, part in operations_of(spec, item):
            operations.append(RawOperation(method, path, shape, item, part))
    return operations


def operations_of(spec: Spec, item: Part) -> Iterator[tuple[str, Part]]:
    """Yield method and part of the operations of a path item that are not marked as excluded."""
    members = [(method, item / method) for method in METHODS]
    for method, part in [*members, *spec.members(item / ADDITIONAL)]:
        if part.value is None or EXCLUDED in spec.mapping(part):
            continue
        # Most references to operations were replaced before; one without a target is an error.
        yield method, spec.resolve(part)


def operation_keys(method: str) -> tuple[str, ...]:
    """Return the keys that lead from a path item to the operation of a method."""
    if method.lower() in METHODS:
        return (method.lower(),)
    return ADDITIONAL, method


class RawParameter(NamedTuple):
    """A parameter, or a header of a response. `holder` is the part with the `schema`.

    `style` defines how the value is serialised: a style of OpenAPI, or the media type of its `content`.
    """

    in_: str
    name: str
    part: Part
    holder: Part
    required: bool
    style: str
    explode: bool

    @property
    def schema(self) -> tuple[Part, ...]:
        """The schema of the value, if there is one."""
        return schema_parts(self.holder)


def parameters(spec: Spec, operation: RawOperation) -> dict[Key, RawParameter]:
    """Return the parameters of an operation by key, including those of its path item that it does not override.

    They are keyed by `in` and by an identity: the name in lower case for a header, the position for a path parameter.
    Raises `DocumentError` for an invalid parameter.
    """
    # The method and path, because two paths may share a path item and name its parameters in another order.
    operation_key = operation.method, operation.path
    if operation_key in spec.parameters:
        return spec.parameters[operation_key]
    parameters: dict[Key, RawParameter] = {}
    for holder in (operation.item / "parameters", operation.part / "parameters"):
        for part in spec.items(holder):
            part = spec.resolve(part, "parameters")
            in_, name = spec.text(part / "in"), spec.text(part / "name")
            if in_ not in STYLES or not name:
                problem = "a parameter has no name, or is in none of path, query, querystring, header, cookie"
                raise spec.error_at(part, problem, "name it and say where")
            key = _parameter_key(operation, in_, name)
            if in_ != "header" or key not in IGNORED_FIELDS:
                parameters[in_, key] = _raw_parameter(spec, in_, name, part)
    spec.parameters[operation_key] = parameters
    return parameters


def _parameter_key(operation: RawOperation, in_: str, name: str) -> str:
    """Return the key of a parameter within `in_`: its position in the path, its name, or its name in lower case."""
    if in_ == "header":
        return name.lower()
    names = operation.path_parameters
    if in_ == "path" and name in names:
        return f"#{names.index(name)}"
    return name


IGNORED_FIELDS = frozenset({"accept", "content-type"})
"""Headers whose parameter definitions "shall be ignored" (OpenAPI 3.1, 4.8.12.1)."""


def _raw_parameter(spec: Spec, in_: str, name: str, part: Part) -> RawParameter:
    """Return a parameter or header with its defaults filled in."""
    media, holder = "", part
    if (part / "schema").value is None:
        media, holder = next(iter(media_types(spec, part).items()), ("", part))
    style = media or spec.text(part / "style", STYLES[in_])
    explode = part / "explode"
    is_exploded = style == "form"
    if explode.value is not None:
        is_exploded = spec.flag(explode)
    return RawParameter(in_, name, part, holder, in_ == "path" or spec.flag(part / "required"), style, is_exploded)


def headers(spec: Spec, response: Part) -> dict[str, RawParameter]:
    """Return a response's headers by name in lower case, without `Content-Type` (OpenAPI 3.1, 4.8.17.1)."""
    resolved = [(name, spec.resolve(part, "headers")) for name, part in spec.members(response / "headers")]
    return {
        name.lower(): _raw_parameter(spec, "header", name, part)
        for name, part in resolved
        if name.lower() != "content-type"
    }


def schema_parts(holder: Part) -> tuple[Part, ...]:
    """Return the schema of a parameter, header or media type, as a tuple that is empty if any value is allowed."""
    part = holder / "schema"
    if part.value is None:
        return ()
    return (part,)


def responses(spec: Spec, operation: RawOperation) -> dict[str, Part]:
    """Return an operation's responses by status: a code, `2XX` or `default`."""
    responses = {}
    for key, part in spec.fields(operation.part / "responses"):
        status = key.upper()
        if status == "DEFAULT":
            status = "default"
        responses[status] = spec.resolve(part, "responses")
    return responses


def media_types(spec: Spec, holder: Part) -> dict[str, Part]:
    """Return the media types of a part's `content` by normalised name, references followed.

    Raises `DocumentError` if a media type is not a mapping.
    """
    media_types = {}
    for name, part in spec.members(holder / "content"):
        part = spec.resolve(part, "mediaTypes")
        # In lower case, with sorted parameters and no blanks around them.
        essence, *parameters = [piece.strip().lower() for piece in name.split(";")]
        media_types["; ".join([essence, *sorted(filter(None, parameters))])] = part
    return media_types


def security_schemes(spec: Spec) -> dict[str, Part]:
    """Return the security schemes of a document by name."""
    named = spec.members(spec.root / "components" / "securitySchemes")
    return {name: spec.resolve(part, "securitySchemes") for name, part in named}


def security_requirements(spec: Spec, part: Part, among: Collection[str] | None = None) -> list[dict[str, Part]]:
    """Return the alternative requirements in a part, as scopes by scheme; with `among`, those of only these schemes.

    Without it, an undefined scheme raises `DocumentError`.
    """
    defined = spec.mapping(spec.root / "components" / "securitySchemes")
    requirements = [dict(spec.members(requirement)) for requirement in spec.items(part)]
    if among is not None:
        return [requirement for requirement in requirements if requirement.keys() <= {*among}]
    for requirement in requirements:
        for name, scopes in requirement.items():
            if name not in defined:
                raise spec.error_at(
                    scopes,
                    f"security names the scheme {name[:80]!r}, which is not defined",
                    f"define it under components/securitySchemes, which has: {', '.join(defined) or 'none'}",
                )
    return requirements


def security_part(spec: Spec, operation: RawOperation) -> Part:
    """Return the `security` of an operation, which overrides that of the document (OpenAPI 3.1, 4.8.10)."""
    part = operation.part / "security"
    if part.value is None:
        return spec.root / "security"
    return part


def is_json(media: str) -> bool:
    """Return whether a media type is JSON: `application/json`, `…/json` or `…+json`."""
    return media.partition(";")[0].strip().lower().endswith(("/json", "+json"))
