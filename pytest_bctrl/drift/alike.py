"""Compares schemas as they are written, without annotations: what validators ignore."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.keywords import APPLICATORS, subschemas
from pytest_bctrl.contract.spec import Part, Spec, is_reference, value_key
from pytest_bctrl.drift.constraints import ASSERTED

if TYPE_CHECKING:
    from pytest_bctrl.drift.node import Schema

_ANNOTATIONS = frozenset(
    ("title", "description", "example", "examples", "externalDocs", "xml", "deprecated", "default", "discriminator",
     "summary", "$comment", "$id", "$schema", "$anchor", "$dynamicAnchor", "$defs", "definitions")
)  # fmt: skip
_MOST = 5_000
"""Maximum number of pairs that one comparison follows; beyond it, the schemas count as different."""


class Spellings:
    """Compares the schemas of two documents as they are written, without annotations; references are followed.

    `but_access`: `readOnly` and `writeOnly` do not count either.
    """

    def __init__(self, old: Spec, new: Spec, *, but_access: bool = False) -> None:
        self._old, self._new = old, new
        self._ignored = _ANNOTATIONS
        if but_access:
            self._ignored |= {"readOnly", "writeOnly"}
        self._same: set[tuple[str, str]] = set()

    def are_alike(self, old: Schema, new: Schema) -> bool:
        """Return whether two schemas are written alike, apart from annotations; False beyond the limit of pairs too.

        A schema of OpenAPI 3.0 is never alike one of a later version.
        """
        if len(old) != len(new) or self._old.is_30 != self._new.is_30:
            return False
        assumed: set[tuple[str, str]] = set()
        waiting = list(zip(old, new, strict=True))
        while waiting:
            before, after = (
                self._reference_target(self._old, waiting[-1][0]),
                self._reference_target(self._new, waiting.pop()[1]),
            )
            pair = before.pointer, after.pointer
            if pair in self._same or pair in assumed:
                continue
            assumed.add(pair)
            if len(assumed) > _MOST or not _are_written_alike(before, after, self._ignored):
                return False
            inside = list(zip(_inside(before), _inside(after), strict=True))
            if any(was[0] != now[0] for was, now in inside):
                return False
            waiting += [(was[1], now[1]) for was, now in inside]
        self._same |= assumed
        return True

    def _reference_target(self, spec: Spec, part: Part) -> Part:
        """Return what a chain of references leads to; a reference with meaningful keywords beside it ends it."""
        seen: set[str] = set()
        while isinstance(part.value, dict) and is_reference(part.value) and part.pointer not in seen:
            if len(part.value) > 1 and not spec.is_30 and not self._ignored >= part.value.keys() - {"$ref"}:
                break
            seen.add(part.pointer)
            part = spec.target(part)
        return part


def _are_written_alike(old: Part, new: Part, ignored: frozenset[str]) -> bool:
    """Return whether two parts have the same keywords, without regard to the schemas inside them."""
    if not isinstance(old.value, dict) or not isinstance(new.value, dict):
        return type(old.value) is type(new.value) and bool(old.value == new.value)
    same_keywords = _compared_keywords(old.value, ignored) == _compared_keywords(new.value, ignored)
    return same_keywords and len(_inside(old)) == len(_inside(new))


def _compared_keywords(schema: dict[str, Any], ignored: frozenset[str]) -> Any:
    """Return a key of the keywords that validators read and that contain no schemas; never equal for references."""
    keywords = {word: value for word, value in schema.items() if word not in ignored and word not in APPLICATORS}
    keywords = {word: value for word, value in keywords.items() if not word.startswith("x-")}
    if keywords.get("format") not in ASSERTED:
        keywords.pop("format", None)
    if isinstance(keywords.get("required"), list):
        keywords["required"] = sorted(set(map(str, keywords["required"])))
    # The same reference may lead to different schemas.
    if is_reference(schema):
        keywords["$ref"] = object()
    return value_key(keywords)


def _inside(part: Part) -> list[tuple[tuple[str, str], Part]]:
    """Return the schemas directly inside a schema, each with its keyword and key, sorted by these."""
    if not isinstance(part.value, dict):
        return []
    inside = []
    for word, key, inner in subschemas(part.value, APPLICATORS):
        pointer = f"{part.pointer}/{word}"
        if key is not None:
            pointer = f"{pointer}/{escape_token(str(key))}"
        inside.append(((word, str(key)), Part(inner, pointer)))
    return sorted(inside, key=_keyword_of)


def _keyword_of(entry: tuple[tuple[str, str], Part]) -> tuple[str, str]:
    """Return the keyword and key of an entry, for sorting."""
    return entry[0]


_DEEPEST = 50
"""Depth below which the content of a schema no longer counts."""


class Contents:
    """Digests of what the schemas of a document say, without annotations; references are followed."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._digests: dict[str, str] = {}

    def digest(self, schema: Schema) -> str:
        """Return a digest that is equal for schemas that are written alike, apart from annotations."""
        return _hash([self._digest(part, 0) for part in schema])

    def _digest(self, part: Part, depth: int) -> str:
        """Return the digest of a part, references followed; a part inside itself or too deep is `recursive`."""
        if is_reference_alone(part.value):
            part = self._spec.target(part)
        if part.pointer not in self._digests:
            # What a recursive reference leads to.
            self._digests[part.pointer] = "recursive"
            if depth < _DEEPEST:
                self._digests[part.pointer] = self._content_digest(part, depth)
        return self._digests[part.pointer]

    def _content_digest(self, part: Part, depth: int) -> str:
        """Return the digest of the keywords of a part, and of the schemas inside."""
        if not isinstance(part.value, dict):
            return repr(part.value)
        inside = [(keyword, self._digest(inner, depth + 1)) for keyword, inner in _inside(part)]
        keywords = {word: value for word, value in part.value.items() if word not in _ANNOTATIONS | APPLICATORS}
        if is_reference(part.value):
            inside.append((("$ref", ""), self._digest(self._spec.target(part), depth + 1)))
            keywords.pop("$ref", None)
        return _hash([keywords, inside])


def is_reference_alone(value: Any) -> bool:
    """Return whether a schema is a reference without keywords beside it."""
    return isinstance(value, dict) and len(value) == 1 and is_reference(value)


def _hash(value: Any) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of a value as JSON."""
    import json

    return sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
