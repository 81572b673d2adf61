"""An independent comparison: walks the responses of both documents, references followed, and compares plain facts.

It knows objects, lists and `allOf`, and stops at alternatives, which have no plain facts. A fact stands where it is
written, in the old document or, where there is nothing, in the new one; `walked` is a schema compared whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from pytest_bctrl.contract.document import value_at
from pytest_bctrl.findings.finding import Finding

Doc = dict[str, Any]
Fact = tuple[str, str, str]
"""Operation and status, what kind of change, and the pointer it is found at."""
Parts = list[tuple[Doc, str]]
_MOST = 12
"""Schemas deep that are walked into each other."""
KINDS = {
    "property-removed": "removed", "property-added": "added", "property-added-to-closed-object": "added",
    "became-required": "required", "became-optional": "required", "became-nullable": "null",
    "became-not-nullable": "null", "enum-value-added": "enum", "enum-value-removed": "enum",
    "type-changed": "type", "type-generalized": "type", "type-specialized": "type",
}  # fmt: skip


def _resolved(document: Doc, value: Any, pointer: str) -> tuple[Any, str]:
    """Return the target of a reference and its pointer, and any other value as it is."""
    while isinstance(value, dict) and isinstance(value.get("$ref"), str):
        pointer = unquote(value["$ref"][1:])
        value = value_at(document, pointer)
    return value, pointer


def parts(document: Doc, value: Any, pointer: str) -> Parts | None:
    """Return the schema and those of its `allOf`, with pointers; None if one of them is more than plain facts."""
    if isinstance(value, dict) and "$ref" in value and value.keys() - {"$ref", "description", "title", "example"}:
        return None
    value, pointer = _resolved(document, value, pointer)
    odd = ("oneOf", "anyOf", "not", "if", "$ref", "const", "patternProperties", "prefixItems")
    if not isinstance(value, dict) or any(keyword in value for keyword in odd) or isinstance(value.get("type"), list):
        return None
    if value.get("additionalProperties", True) is not True:
        return None
    collected: Parts = [(value, pointer)]
    for index, inner in enumerate(value.get("allOf", ())):
        inner_parts = parts(document, inner, f"{pointer}/allOf/{index}")
        if inner_parts is None or value.get("nullable") or inner.get("nullable"):
            return None
        collected += inner_parts
    return collected


def _facts(schemas: Parts) -> dict[str, Any]:
    """Return types, null, enum values and required properties; the members of an object or a list."""
    facts: dict[str, Any] = {
        "required": set(),
        "properties": {},
        "type": None,
        "enum": None,
        "items": None,
        "null": False,
    }
    for schema, pointer in schemas:
        facts["required"] |= set(schema.get("required") or ()) if schema.get("required") is not True else set()
        for name, inner in (schema.get("properties") or {}).items():
            facts["properties"].setdefault(name, []).append((inner, f"{pointer}/properties/{_token(name)}"))
        for keyword in ("type", "enum", "items"):
            if keyword in schema and facts[keyword] is None:
                facts[keyword] = (schema[keyword], f"{pointer}/{keyword}")
        facts["null"] |= schema.get("nullable") is True
    return facts


def _token(name: str) -> str:
    """Return a name as a token of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _inner(old: Doc, new: Doc, before: Any, after: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the kind and pointer of each change between two schemas, and `walked` for each schema compared whole."""
    old_parts, new_parts = parts(old, *before), parts(new, *after)
    if old_parts is None or new_parts is None or len(path) > _MOST or old_parts[0][1] in path:
        return
    was, now = _facts(old_parts), _facts(new_parts)
    if was["type"] and now["type"] and was["type"][0] != now["type"][0]:
        yield "type", was["type"][1]
        return
    if was["null"] != now["null"] and was["type"] and now["type"]:
        yield "null", was["type"][1]
    if was["enum"] and now["enum"]:
        listed = [{repr(value) for value in side["enum"][0] if value is not None} for side in (was, now)]
        if listed[0] != listed[1] and len(old_parts) == len(new_parts) == 1:
            yield "enum", was["enum"][1]
    if was["type"] and now["type"] and len(old_parts) == len(new_parts) == 1:
        yield "walked", old_parts[0][1]
    if all(side["type"] is None or side["type"][0] == "object" for side in (was, now)):
        yield from _properties(old, new, was, now, (*path, old_parts[0][1]))
    if was["items"] and now["items"]:
        yield from _inner(old, new, was["items"], now["items"], (*path, old_parts[0][1]))


def _properties(old: Doc, new: Doc, was: Any, now: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the kind and pointer of each change of the properties, and inside them."""
    before, after = was["properties"], now["properties"]
    for name in before.keys() | after.keys():
        if name not in after and name not in now["required"]:
            yield "removed", before[name][0][1]
        elif name not in before and name not in was["required"]:
            yield "added", after[name][0][1]
        elif name in before and name in after:
            if (name in was["required"]) != (name in now["required"]):
                yield "required", before[name][0][1]
            if len(before[name]) == len(after[name]) == 1:
                yield from _inner(old, new, before[name][0], after[name][0], path)


def facts(old: Doc, new: Doc) -> set[Fact]:
    """Return the changes in JSON responses that both documents have, and a `walked` fact per schema compared whole."""
    changes = set()
    for path, method, status, media in _responses(old):
        before = _schema(old, path, method, status, media)
        after = _schema(new, path, method, status, media)
        if before and after:
            where = f"{method.upper()} {path} {status}"
            changes |= {(where, kind, pointer) for kind, pointer in _inner(old, new, before, after, ())}
    return changes


def unconfirmed(plain: set[Fact], reported: set[Fact]) -> set[Fact]:
    """Return the reported facts about schemas compared whole that the independent comparison lacks."""
    walked = {(where, pointer) for where, kind, pointer in plain if kind == "walked"}
    return {fact for fact in reported - plain if (fact[0], _holder(*fact[1:])) in walked}


def _holder(kind: str, pointer: str) -> str:
    """Return the pointer of the schema that contains a change; empty if the pointer does not tell."""
    head, _, last = pointer.rpartition("/")
    if kind in ("removed", "required"):
        return head.removesuffix("/properties") if head.endswith("/properties") else ""
    return head if kind == last else ""


def _responses(document: Doc) -> Iterator[tuple[str, str, str, str]]:
    """Yield path, method, status and `application/json` for each response."""
    for path, item in document["paths"].items():
        for method in ("get", "put", "post", "delete", "patch") if isinstance(item, dict) else ():
            for status in (item.get(method) or {}).get("responses") or {}:
                yield path, method, status, "application/json"


def _schema(document: Doc, path: str, method: str, status: str, media: str) -> tuple[Any, str] | None:
    """Return the schema of a response and its pointer; None if there is none."""
    response = ((document["paths"].get(path) or {}).get(method) or {}).get("responses", {}).get(status)
    at = f"/paths/{_token(path)}/{method}/responses/{status}"
    response, at = _resolved(document, response, at)
    content = ((response or {}).get("content") or {}).get(media) or {}
    return (content["schema"], f"{at}/content/{_token(media)}/schema") if "schema" in content else None


def reported_facts(findings: list[Finding], old: Doc) -> set[Fact]:
    """Return findings about response bodies as facts, one per location; rules of no kind in `KINDS` are left out."""
    facts = set()
    for finding in findings:
        kinds = [kind for words, kind in KINDS.items() if finding.rule.endswith(words)]
        pointer = finding.extra["base"]["pointer"]
        name = finding.location.rpartition(".")[2]
        if finding.rule.endswith(("property-added", "property-added-to-closed-object")):
            pointer = finding.extra["revision"]["pointer"]
        elif finding.rule.endswith("became-optional") and pointer.endswith("/required"):
            schema = pointer.removesuffix("/required")
            if name in value_at(old, schema).get("properties", {}):
                pointer = f"{schema}/properties/{_token(name)}"
        for place in finding.extra["places"]:
            if kinds and "media_type" in place:
                facts.add((f"{place['operation']} {place['status']}", kinds[0], pointer))
    return facts
