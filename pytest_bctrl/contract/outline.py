"""An OpenAPI document as its paths, operations, parameters, answers and credentials, read strictly.

The contract and the drift gate read both by it: `$ref` is followed inside the document only, what a path item says
holds for its operations, and what is of a wrong shape is refused with its line and pointer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pytest_bctrl.contract.document import FILES, Document, escape_token, value_at
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from pytest_bctrl.contract.references import Addresses

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""The methods that a path item may have (OpenAPI 3.1, 4.8.9), as it names them."""

STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
"""Where a parameter may be, and the style of its value where it names none (OpenAPI 3.1, 4.8.12.2)."""

NAME = re.compile(r"\{([^{}/]+)\}")
"""A parameter in a path's template."""

Key = tuple[str, str]
T = TypeVar("T")
_new = tuple.__new__


class Part(NamedTuple):
    """A value of the document and the JSON pointer it stands at."""

    value: Any
    pointer: str

    def __truediv__(self, key: str) -> Part:
        """The member under `key`, or None in its place where there is none."""
        value, pointer = self
        inner = value.get(key) if isinstance(value, dict) else None
        # Twice as fast as to call the class, which is done for nearly all that a document holds.
        return _new(Part, (inner, f"{pointer}/{escape_token(key)}"))


class Spec:
    """An OpenAPI document. Every accessor raises `DocumentError` on a wrong shape.

    `require` raises for what a reference leads to and is not of its kind, where more of that is read than here.
    """

    def __init__(self, document: Document, require: Callable[[str, Any, str], None] | None = None) -> None:
        self.document = document
        self._require = require
        self.root = Part(document.data, "")
        self.is_30 = document.version.startswith("3.0")
        self.seen: set[str] = set()
        self.parameters: dict[Key, dict[Key, RawParameter]] = {}
        """The parameters of the operations that were read, by their methods and paths."""
        self._targets: dict[str, Part] = {}

    @cached_property
    def components(self) -> dict[str, Any]:
        """Components, and parts of other files, by their pointers; what is no mapping is refused where it is used."""
        whole = self.root / "components"
        sections = [whole / name for name in whole.value] if isinstance(whole.value, dict) else []
        sections.append(self.root / FILES)
        return {
            (part := section / name).pointer: part.value
            for section in sections
            for name in (section.value if isinstance(section.value, dict) else ())
        }

    def refuse(self, part: Part, problem: str, hint: str) -> DocumentError:
        """An error that names the document, the line where it is known, and the pointer."""
        line = self.document.line(part.pointer)
        where = f"{self.document.name}:{line}" if line else self.document.name
        return DocumentError(f"{problem}, at #{part.pointer}", where=where, hint=hint)

    def _typed(self, part: Part, wanted: type[T], words: str, absent: T) -> T:
        if part.value is None:
            return absent
        if not isinstance(part.value, wanted):
            problem = f"a {json_kind(part.value)} is where {words} belongs"
            raise self.refuse(part, problem, "see the OpenAPI specification")
        return part.value

    def mapping(self, part: Part) -> dict[str, Any]:
        """The part as a mapping; empty where it is absent."""
        return self._typed(part, dict, "a mapping", {})

    def members(self, part: Part) -> list[tuple[str, Part]]:
        """The members of a map whose keys are anyone's choice: a header may well be called `x-request-id`."""
        at = part.pointer
        return [(key, _new(Part, (value, f"{at}/{escape_token(key)}"))) for key, value in self.mapping(part).items()]

    def fields(self, part: Part) -> list[tuple[str, Part]]:
        """The members of an object that OpenAPI lets extend, its extensions (`x-...`) left out."""
        return [(key, member) for key, member in self.members(part) if not key.startswith("x-")]

    def items(self, part: Part) -> list[Part]:
        """The elements of a list; none where it is absent."""
        items: list[Any] = self._typed(part, list, "a list", [])
        return [Part(value, f"{part.pointer}/{index}") for index, value in enumerate(items)]

    def text(self, part: Part, default: str = "") -> str:
        """The part as text; `default` where it is absent."""
        return self._typed(part, str, "text", default)

    def flag(self, part: Part) -> bool:
        """The part as a boolean; False where it is absent."""
        return self._typed(part, bool, "true or false", False)

    def resolve(self, part: Part, kind: str = "") -> Part:
        """Follow `$ref` until there is none. Siblings of a `$ref` are the caller's to read.

        What it leads to is of a kind that `components` has a folder for, where one is named.
        """
        trail: list[str] = []
        while isinstance(part.value, dict) and is_reference(part.value):
            if part.pointer in trail:
                raise self.refuse(part, "a $ref leads back to itself", "let it name a definition")
            trail.append(part.pointer)
            part = self.target(part)
        if kind:
            self.mapping(part)
            if trail and self._require and part.pointer.rpartition("/")[0] != f"/components/{kind}":
                self._require(kind, part.value, f"{self.document.name}: #{part.pointer}")
        return part

    def target(self, part: Part) -> Part:
        """What the `$ref` of this part names. Raises `DocumentError` where that is not in the document."""
        ref = part.value["$ref" if "$ref" in part.value else "$dynamicRef"]
        if not isinstance(ref, str):
            raise self.refuse(part, "a $ref is not text", "it should read #/components/...")
        if ref in self._targets:
            return self._targets[ref]
        if ref == "#" or ref.startswith("#/"):
            pointer: str | None = ref[1:]
            if "%" in ref:
                from urllib.parse import unquote

                pointer = unquote(ref[1:])
        else:
            pointer = self._addresses.pointer(ref, self._addresses.base(part.pointer))
        if pointer is None and not ref.startswith("#"):
            raise self.refuse(
                part,
                f"the $ref {ref[:200]!r} leads outside the document",
                "bundle it into one document: nothing is fetched",
            )
        try:
            value = None if pointer is None else value_at(self.document.data, pointer)
        except (KeyError, IndexError, TypeError, ValueError):
            value = None
        if pointer is None or value is None:
            raise self.refuse(part, f"the $ref {ref[:200]!r} names nothing", "define it, or fix the $ref")
        found = Part(value, pointer)
        if ref.startswith("#/"):
            self._targets[ref] = found
        return found

    @cached_property
    def _addresses(self) -> Addresses:
        """Where identifiers lead; few documents have any."""
        from pytest_bctrl.contract.references import Addresses

        return Addresses(self.document.data)


def is_reference(schema: dict[str, Any]) -> bool:
    """Tell a reference. A `$dynamicRef` in a document that stands alone leads where a `$ref` would."""
    return "$ref" in schema or "$dynamicRef" in schema


def json_kind(value: Any) -> str:
    """What a value is, in the words of JSON."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "text", list: "list", dict: "mapping", type(None): "null"}.get(type(value), type(value).__name__)


def value_key(value: Any) -> Any:
    """A hashable key under which equal JSON values, and no others, meet: 1 is 1.0, and neither is true."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, dict):
        return ("mapping", frozenset((key, value_key(member)) for key, member in value.items()))
    if isinstance(value, list):
        return ("list", tuple(value_key(item) for item in value))
    return value


class RawOperation(NamedTuple):
    """One method on one path; `shape` is the path with its parameters nameless."""

    method: str
    path: str
    shape: str
    item: Part
    part: Part

    @property
    def label(self) -> str:
        """As a reader writes it."""
        return f"{self.method.upper()} {self.path}"

    @property
    def contents(self) -> list[Any]:
        """All that it says, and its path item for it."""
        return [self.part.value, self.item.value.get("parameters"), self.item.value.get("servers")]

    @property
    def path_parameters(self) -> list[str]:
        """The names in the path's template, in order."""
        return NAME.findall(self.path)


def operations(spec: Spec) -> list[RawOperation]:
    """Return the operations of a document, in its order. Raises `DocumentError` where a path item is none."""
    found = []
    for path, item in spec.fields(spec.root / "paths"):
        if not path.startswith("/"):
            raise spec.refuse(
                item, f"the path {path[:80]!r} does not begin with a slash", "see OpenAPI 3.1, section 4.8.8.1"
            )
        item = spec.resolve(item, "pathItems")
        shape = NAME.sub("{}", path)
        for method in METHODS:
            part = item / method
            if part.value is not None:
                spec.mapping(part)
                found.append(RawOperation(method, path, shape, item, part))
    return found


class RawParameter(NamedTuple):
    """A parameter, or a header field of an answer; `holder` is what has its schema.

    `style` is how its value is written: one of OpenAPI's styles, or the media type of its `content`.
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
        """What its value may be."""
        return schema_parts(self.holder)


def parameters(spec: Spec, operation: RawOperation) -> dict[Key, RawParameter]:
    """Return an operation's parameters; its own override those of its path item.

    They are keyed by where they are sent and by what stays where they are written otherwise: of a header its name in
    lower case, of the path its position. Raises `DocumentError` where one has no name, place or shape.
    """
    # Two paths may share a path item, and name its parameters in another order.
    at = operation.method, operation.path
    if at in spec.parameters:
        return spec.parameters[at]
    found: dict[Key, RawParameter] = {}
    names = operation.path_parameters
    for whole in (operation.item / "parameters", operation.part / "parameters"):
        for part in spec.items(whole):
            part = spec.resolve(part, "parameters")
            where, name = spec.text(part / "in"), spec.text(part / "name")
            if where not in STYLES or not name:
                problem = "a parameter has no name, or is in none of path, query, header, cookie"
                raise spec.refuse(part, problem, "name it and say where")
            key = name.lower() if where == "header" else name
            key = f"#{names.index(name)}" if where == "path" and name in names else key
            if where != "header" or key not in _IGNORED:
                found[where, key] = _parameter(spec, where, name, part)
    spec.parameters[at] = found
    return found


_IGNORED = ("accept", "content-type")
"""Header fields of which a parameter "shall be ignored" (OpenAPI 3.1, 4.8.12.1)."""


def _parameter(spec: Spec, where: str, name: str, part: Part) -> RawParameter:
    media, holder = "", part
    if (part / "schema").value is None:
        media, holder = next(iter(media_types(spec, part).items()), ("", part))
    style, explode = media or spec.text(part / "style", STYLES[where]), part / "explode"
    is_exploded = style == "form" if explode.value is None else spec.flag(explode)
    return RawParameter(where, name, part, holder, where == "path" or spec.flag(part / "required"), style, is_exploded)


def headers(spec: Spec, response: Part) -> dict[str, RawParameter]:
    """Return a response's header fields by their names in lower case, without its media type's (3.1, 4.8.17.1)."""
    found = [(name, spec.resolve(part, "headers")) for name, part in spec.members(response / "headers")]
    kept = ((name, part) for name, part in found if name.lower() != "content-type")
    return {name.lower(): _parameter(spec, "header", name, part) for name, part in kept}


def schema_parts(holder: Part) -> tuple[Part, ...]:
    """The schema that a parameter, header or media type has; none where it takes anything."""
    part = holder / "schema"
    return (part,) if part.value is not None else ()


def responses(spec: Spec, operation: RawOperation) -> dict[str, Part]:
    """Return an operation's responses by status, `2XX` or `default`."""
    return {
        status.upper() if status.lower() != "default" else "default": spec.resolve(part, "responses")
        for status, part in spec.fields(operation.part / "responses")
    }


def media_types(spec: Spec, holder: Part) -> dict[str, Part]:
    """Return the media types of the `content` of a body, response, parameter or header by their names in one form.

    Raises `DocumentError` where one is no mapping.
    """
    found = {}
    for name, part in spec.members(holder / "content"):
        spec.mapping(part)
        # Lower case, no blanks around the parameters, which are sorted.
        essence, *parameters = [piece.strip().lower() for piece in name.split(";")]
        found["; ".join([essence, *sorted(filter(None, parameters))])] = part
    return found


def security_schemes(spec: Spec) -> dict[str, Part]:
    """Return the security schemes of a document by their names."""
    named = spec.members(spec.root / "components" / "securitySchemes")
    return {name: spec.resolve(part, "securitySchemes") for name, part in named}


def security_requirements(spec: Spec, whole: Part, among: Collection[str] | None = None) -> list[dict[str, Part]]:
    """Return the alternatives of which a caller must meet one: the scopes that are asked for by each scheme's name.

    Those that name a scheme which is not `among` some are left out; without them, it raises `DocumentError` where a
    scheme is not defined.
    """
    known = spec.mapping(spec.root / "components" / "securitySchemes")
    alternatives = [dict(spec.members(requirement)) for requirement in spec.items(whole)]
    if among is not None:
        return [alternative for alternative in alternatives if alternative.keys() <= {*among}]
    for name, scopes in (pair for alternative in alternatives for pair in alternative.items()):
        if name not in known:
            raise spec.refuse(
                scopes,
                f"security names the scheme {name[:80]!r}, which is not defined",
                f"define it under components/securitySchemes, which has: {', '.join(known) or 'none'}",
            )
    return alternatives


def security_part(spec: Spec, operation: RawOperation) -> Part:
    """Return the list of what an operation demands; its own stands instead of the document's (OpenAPI 3.1, 4.8.10)."""
    own = operation.part / "security"
    return own if own.value is not None else spec.root / "security"


def is_json(media: str) -> bool:
    """Whether a media type names JSON, so that a value in it shows what type it is of."""
    return media.partition(";")[0].strip().lower().endswith(("/json", "+json"))
