"""One side of a comparison: reads an OpenAPI document strictly, and follows `$ref` inside it only."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from pytest_bctrl.contract.document import FILES, Document, at, escaped
from pytest_bctrl.errors import DocumentError

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
        return _new(Part, (inner, f"{pointer}/{escaped(key)}"))


class Spec:
    """An OpenAPI document as the comparison reads it. Every accessor raises `DocumentError` on a wrong shape."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.root = Part(document.data, "")
        self.is_30 = document.version.startswith("3.0")
        self.seen: set[str] = set()
        self.parameters: dict[tuple[str, str], Any] = {}
        """The parameters of each operation, once they were read."""
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
            problem = f"a {kind(part.value)} is where {words} belongs"
            raise self.refuse(part, problem, "see the OpenAPI specification")
        return part.value

    def mapping(self, part: Part) -> dict[str, Any]:
        """The part as a mapping; empty where it is absent."""
        return self._typed(part, dict, "a mapping", {})

    def members(self, part: Part) -> list[tuple[str, Part]]:
        """The members of a map whose keys are anyone's choice: a header may well be called `x-request-id`."""
        at = part.pointer
        return [(key, _new(Part, (value, f"{at}/{escaped(key)}"))) for key, value in self.mapping(part).items()]

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

    def resolve(self, part: Part) -> Part:
        """Follow `$ref` until there is none. Siblings of a `$ref` are the caller's to read."""
        trail: list[str] = []
        while isinstance(part.value, dict) and refers(part.value):
            if part.pointer in trail:
                raise self.refuse(part, "a $ref leads back to itself", "let it name a definition")
            trail.append(part.pointer)
            part = self.target(part)
        return part

    def target(self, part: Part) -> Part:
        """What the `$ref` of this part names. Raises `DocumentError` where that is not in the document."""
        ref = part.value["$ref" if "$ref" in part.value else "$dynamicRef"]
        if isinstance(ref, str) and ref in self._targets:
            return self._targets[ref]
        if not isinstance(ref, str):
            raise self.refuse(part, "a $ref is not text", "it should read #/components/...")
        if not ref.startswith("#"):
            raise self.refuse(
                part,
                f"the $ref {ref[:200]!r} leads outside the document",
                "bundle it into one document: nothing is fetched",
            )
        fragment = ref[1:]
        if "%" in fragment:
            from urllib.parse import unquote

            fragment = unquote(fragment)
        pointer = fragment if fragment.startswith("/") or not fragment else self.anchors.get(fragment)
        try:
            value = None if pointer is None else at(self.document.data, pointer)
        except (KeyError, IndexError, TypeError, ValueError):
            value = None
        if pointer is None or value is None:
            raise self.refuse(part, f"the $ref {ref[:200]!r} names nothing", "define it, or fix the $ref")
        self._targets[ref] = Part(value, pointer)
        return self._targets[ref]

    @cached_property
    def anchors(self) -> dict[str, str]:
        """The pointers of `$anchor` and `$dynamicAnchor`; of two that are alike, the one in a component counts."""
        found: dict[str, str] = {}
        waiting = [self.root / "components", self.root / "paths"]
        while waiting:
            part = waiting.pop()
            if isinstance(part.value, dict):
                names = [part.value.get(keyword) for keyword in ("$anchor", "$dynamicAnchor")]
                found |= {name: part.pointer for name in names if isinstance(name, str)}
                waiting += [Part(value, f"{part.pointer}/{escaped(key)}") for key, value in part.value.items()]
            elif isinstance(part.value, list):
                waiting += [Part(value, f"{part.pointer}/{index}") for index, value in enumerate(part.value)]
        return found


def word(required: bool) -> str:
    """How a rule's id says whether something must be there."""
    return "required" if required else "optional"


def refers(schema: dict[str, Any]) -> bool:
    """Tell a reference. A `$dynamicRef` in a document that stands alone leads where a `$ref` would."""
    return "$ref" in schema or "$dynamicRef" in schema


def kind(value: Any) -> str:
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


def is_json(name: str) -> bool:
    """Tell whether a value in this media type is JSON, so that it shows what type it is of."""
    return name.split(";")[0].endswith(("/json", "+json"))
