"""Fine points: pairs that differ in one small way, or only in how they say the same.

`python -m tests.drift.fine_points` writes anew what is told of each, as `data/fine_points.tsv`; read the difference
before you commit it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_bctrl.drift import compare
from pytest_bctrl.drift.options import Options
from pytest_bctrl.finding import Finding

from .pairs import Doc, answer, body, document, parameter

TOLD = Path(__file__).with_name("data") / "fine_points.tsv"
NONE, WORDS = Options(), Options(descriptions=True)
T: Doc = {"type": "string"}
I: Doc = {"type": "integer"}  # noqa: E741 - as short as its sisters
N: Doc = {"type": "number"}


def prop(schema: Any) -> Doc:
    return body({"type": "object", "properties": {"p": schema}})


def param(schema: Any, **more: Any) -> Doc:
    return parameter(schema=schema, **more)


def arr(**more: Any) -> Doc:
    return body({"type": "array", **more})


def keyed(name: str, scheme: Doc) -> Doc:
    return document({"security": [{name: []}]}, components={"securitySchemes": {name: scheme}})


def statuses(*names: str) -> Doc:
    return document({"responses": {name: {"description": "d"} for name in names}})


def mutual(one: str, other: str, last: Doc) -> Doc:
    """Two schemas that hold each other, and a third thing beside."""
    refs = {name: {"$ref": f"#/components/schemas/{name}"} for name in (one, other)}
    schemas = {
        one: {"type": "object", "properties": {"next": refs[other], "last": last}},
        other: {"type": "object", "properties": {"back": refs[one]}},
    }
    return {**body(refs[one]), "components": {"schemas": schemas}}


def anchored(schema: Doc) -> Doc:
    """Two properties that name one anchor."""
    inside = {"type": "object", "properties": {"a": {"$ref": "#kept"}, "b": {"$ref": "#kept"}}}
    return {**body(inside), "components": {"schemas": {"Kept": {"$anchor": "kept", **schema}}}}


def wrapped(schema: Doc, times: int) -> Doc:
    for _ in range(times):
        schema = {"allOf": [schema]}
    return schema


def secured(*alternatives: Doc) -> Doc:
    schemes = {"k": {"type": "http", "scheme": "bearer"}}
    return document({"security": list(alternatives)}, components={"securitySchemes": schemes})


FINE_POINTS: dict[str, tuple[Doc, Doc, Options]] = {
    "title": (body({**T, "title": "a"}), body({**T, "title": "b"}), WORDS),
    "description": (body({**T, "description": "a"}), body({**T, "description": "b"}), WORDS),
    "title gone": (prop({**T, "title": "a"}), prop(T), WORDS),
    "excl30 tightened": (prop({**N, "minimum": 1}), prop({**N, "minimum": 1, "exclusiveMinimum": True}), NONE),
    "two bounds": (prop({**N, "minimum": 1, "exclusiveMinimum": 0}), prop({**N, "minimum": 1}), NONE),
    "two bounds max": (prop({**N, "maximum": 5, "exclusiveMaximum": 6}), prop({**N, "exclusiveMaximum": 5}), NONE),
    "two equal bounds": (prop({**N, "minimum": 1, "exclusiveMinimum": 1}), prop({**N, "exclusiveMinimum": 1}), NONE),
    "allOf meets": (
        prop({"allOf": [{**I, "minimum": 1, "maximum": 9}, {"minimum": 3, "maximum": 20}]}),
        prop({**I, "minimum": 3, "maximum": 9}),
        NONE,
    ),
    "allOf meets excl": (
        prop(
            {
                "allOf": [
                    {**N, "exclusiveMinimum": 1, "exclusiveMaximum": 9},
                    {"exclusiveMinimum": 3, "exclusiveMaximum": 20},
                ]
            }
        ),
        prop({**N, "exclusiveMinimum": 3, "exclusiveMaximum": 9}),
        NONE,
    ),
    "allOf patterns": (
        prop({"allOf": [{**T, "pattern": "a"}, {"pattern": "b"}]}),
        prop({"allOf": [{**T, "pattern": "b"}, {"pattern": "a"}]}),
        NONE,
    ),
    "allOf patterns one gone": (
        prop({"allOf": [{**T, "pattern": "a"}, {"pattern": "b"}]}),
        prop({**T, "pattern": "a"}),
        NONE,
    ),
    "allOf dependentRequired": (
        prop(
            {
                "allOf": [
                    {"type": "object", "dependentRequired": {"a": ["b"]}},
                    {"dependentRequired": {"a": ["c"], "d": ["e"]}},
                ]
            }
        ),
        prop({"type": "object", "dependentRequired": {"a": ["b", "c"], "d": ["e"]}}),
        NONE,
    ),
    "const true": (prop({"const": True}), prop({"type": "boolean", "enum": [True]}), NONE),
    "const list": (prop({"const": [1]}), prop({"type": "array", "enum": [[1]]}), NONE),
    "const object": (prop({"const": {"a": 1}}), prop({"type": "object", "enum": [{"a": 1}]}), NONE),
    "const null": (prop({"const": None}), prop({"type": "null"}), NONE),
    "const half": (prop({"const": 1.5}), prop({"type": "number", "enum": [1.5]}), NONE),
    "const whole to integer": (prop({"type": "number", "enum": [1.0]}), prop({"type": "integer", "enum": [1]}), NONE),
    "prefix items inside": (arr(prefixItems=[T, I]), arr(prefixItems=[T, N]), NONE),
    "prefix items more": (arr(prefixItems=[T]), arr(prefixItems=[T, I]), NONE),
    "prefix items fewer, items same": (arr(prefixItems=[T, I], items=I), arr(prefixItems=[T], items=I), NONE),
    "prefix added equals items": (arr(items=I), arr(prefixItems=[I], items=I), NONE),
    "not same": (body({"not": {"enum": ["a"]}}), body({"not": {"enum": ["a"], "title": "x"}}), NONE),
    "not widened": (body({"not": {"enum": ["a"]}}), body({"not": {"enum": ["a", "b"]}}), NONE),
    "not narrowed": (body({"not": {"enum": ["a", "b"]}}), body({"not": {"enum": ["a"]}}), NONE),
    "not other": (body({"not": {"enum": ["a"]}}), body({"not": {"enum": ["b"]}}), NONE),
    "if changed": (
        body({"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
        body({"if": {"required": ["c"]}, "then": {"required": ["b"]}}),
        NONE,
    ),
    "if same": (
        body({"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
        body({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "title": "t"}),
        NONE,
    ),
    "contains true": (arr(contains=True), arr(), NONE),
    "contains added": (arr(), arr(contains=T), NONE),
    "propertyNames": (
        body({"type": "object", "propertyNames": {"maxLength": 3}}),
        body({"type": "object", "propertyNames": {"maxLength": 4}}),
        NONE,
    ),
    "oneOf to anyOf apart": (prop({"oneOf": [T, I]}), prop({"anyOf": [T, I]}), NONE),
    "oneOf to anyOf by const": (
        prop(
            {
                "oneOf": [
                    {"type": "object", "required": ["k"], "properties": {"k": {"const": "a"}}},
                    {"type": "object", "required": ["k"], "properties": {"k": {"const": "b"}}},
                ]
            }
        ),
        prop(
            {
                "anyOf": [
                    {"type": "object", "required": ["k"], "properties": {"k": {"const": "a"}}},
                    {"type": "object", "required": ["k"], "properties": {"k": {"const": "b"}}},
                ]
            }
        ),
        NONE,
    ),
    "oneOf to anyOf same const": (
        prop(
            {
                "oneOf": [
                    {"type": "object", "required": ["k"], "properties": {"k": {"const": "a"}}},
                    {"type": "object", "properties": {"k": {"const": "b"}}},
                ]
            }
        ),
        prop(
            {
                "anyOf": [
                    {"type": "object", "required": ["k"], "properties": {"k": {"const": "a"}}},
                    {"type": "object", "properties": {"k": {"const": "b"}}},
                ]
            }
        ),
        NONE,
    ),
    "oneOf to anyOf by type": (
        prop({"oneOf": [{**T, "minLength": 1}, {**I, "minimum": 1}]}),
        prop({"anyOf": [{**T, "minLength": 1}, {**I, "minimum": 1}]}),
        NONE,
    ),
    "oneOf to anyOf of numbers": (
        prop({"oneOf": [{**N, "maximum": 1}, {**I, "minimum": 1}]}),
        prop({"anyOf": [{**N, "maximum": 1}, {**I, "minimum": 1}]}),
        NONE,
    ),
    "alternatives in a few wrappings": (prop({"oneOf": [wrapped(T, 7), I]}), prop({"oneOf": [T, I]}), NONE),
    "alternatives in many wrappings": (prop({"oneOf": [wrapped(T, 12), I]}), prop({"oneOf": [T, N]}), NONE),
    "uniqueItems twice": (
        prop({"allOf": [{"type": "array", "uniqueItems": True}, {"uniqueItems": True}]}),
        prop({"type": "array", "uniqueItems": True}),
        NONE,
    ),
    "all may be unevaluated": (body({"type": "object", "unevaluatedProperties": True}), body({"type": "object"}), NONE),
    "a property that may not be, in a closed object": (
        body({"type": "object", "properties": {"a": T}, "additionalProperties": False}),
        body({"type": "object", "properties": {"a": T, "b": False}, "additionalProperties": False}),
        NONE,
    ),
    "schemas that hold each other, of other names": (mutual("A", "B", T), mutual("X", "Y", T), NONE),
    "schemas that hold each other, and a change": (mutual("A", "B", T), mutual("X", "Y", I), NONE),
    "an anchor that two name": (anchored(T), anchored(I), NONE),
    "an optional credential is needed": (secured({}, {"k": []}), secured({"k": []}), NONE),
    "a credential becomes optional": (secured({"k": []}), secured({}, {"k": []}), NONE),
    "status default split": (statuses("200", "default"), statuses("200", "404"), NONE),
    "status default for all": (statuses("200", "404", "500"), statuses("200", "default"), NONE),
    "status for a range": (statuses("200", "404"), statuses("200", "4XX"), NONE),
    "headers that come and go": (
        answer(headers={"X-A": {"schema": T}, "X-B": {"schema": T}, "X-R": {"schema": T, "required": True}}),
        answer(headers={"X-C": {"schema": T}, "X-B": {"schema": T, "required": True}}),
        NONE,
    ),
    "status range default": (
        document({"responses": {"default": {"description": "d"}}}),
        document({"responses": {"200": {"description": "d"}, "default": {"description": "d"}}}),
        NONE,
    ),
    "status range 4XX": (
        document({"responses": {"200": {"description": "d"}, "4XX": {"description": "d"}}}),
        document(
            {"responses": {"200": {"description": "d"}, "404": {"description": "d"}, "4XX": {"description": "d"}}}
        ),
        NONE,
    ),
    "response description": (answer(description="a"), answer(description="b"), WORDS),
    "param description": (param(T, description="a"), param(T, description="b"), WORDS),
    "param style": (
        param({"type": "array", "items": T}, style="form"),
        param({"type": "array", "items": T}, style="pipeDelimited"),
        NONE,
    ),
    "param explode text": (param(T, explode=True), param(T, explode=False), NONE),
    "param explode": (param({"type": "array", "items": T}), param({"type": "array", "items": T}, explode=False), NONE),
    "param header accept": (
        document({"parameters": [{"name": "Accept", "in": "header", "required": True, "schema": T}]}),
        document(),
        NONE,
    ),
    "header content-type": (answer(headers={"Content-Type": {"schema": T}}), answer(), NONE),
    "header required": (
        answer(headers={"X-A": {"schema": T, "required": True}}),
        answer(headers={"x-a": {"schema": T}}),
        NONE,
    ),
    "header type": (answer(headers={"X-A": {"schema": T}}), answer(headers={"X-A": {"schema": I}}), NONE),
    "header content": (
        answer(headers={"X-A": {"content": {"application/json": {"schema": T}}}}),
        answer(headers={"X-A": {"content": {"application/json": {"schema": I}}}}),
        NONE,
    ),
    "server template": (
        document(servers=[{"url": "https://{h}.x/v1", "variables": {"h": {"default": "a", "enum": ["a", "b"]}}}]),
        document(servers=[{"url": "https://a.x/v1"}]),
        NONE,
    ),
    "server template open": (
        document(servers=[{"url": "https://{h}.x/v1"}]),
        document(servers=[{"url": "https://{g}.x/v1"}]),
        NONE,
    ),
    "server template of many": (
        document(
            servers=[
                {"url": "https://{a}-{b}.x", "variables": {"a": {"enum": [*"hgfedcba"]}, "b": {"enum": [*"ihgfedcba"]}}}
            ]
        ),
        document(
            servers=[
                {
                    "url": "https://{b}-{a}.x",
                    "variables": {"b": {"enum": [*"abcdefgh"]}, "a": {"enum": [*"abcdefghij"]}},
                }
            ]
        ),
        NONE,
    ),
    "own servers": (document({"servers": [{"url": "/a"}]}), document({"servers": [{"url": "/b"}]}), NONE),
    "own servers gone": (
        document({"servers": [{"url": "https://a"}]}, servers=[{"url": "https://a/"}]),
        document(servers=[{"url": "https://a/"}]),
        NONE,
    ),
    "a discriminator that says nothing": (
        prop({"type": "object", "discriminator": {}}),
        prop({"type": "object"}),
        NONE,
    ),
    "what is said of objects where there is none": (
        prop({"not": {"enum": ["a"], "additionalProperties": False}}),
        prop({"not": {"enum": ["a", "b"], "additionalProperties": False}}),
        NONE,
    ),
    "alternatives with words of one's own": (
        prop({"oneOf": [{"const": "a", "x-order": 1}, {"const": "b", "x-order": 2}]}),
        prop({"enum": ["a", "b"]}),
        NONE,
    ),
    "a parameter whose name has capitals": (
        parameter(name="pageSize", schema=I),
        parameter(name="pageSize", schema=T),
        NONE,
    ),
    "a type of two for another": (
        prop({"type": ["string", "integer"], "maxLength": 3}),
        prop({"type": ["string", "boolean"], "maxLength": 5}),
        NONE,
    ),
    "a parameter that is sent as a text with a format": (param(I), param({**T, "format": "date"}), NONE),
    "a parameter that is sent as a text": (param(I), param(T), NONE),
    "pattern any": (prop(T), prop({**T, "pattern": ".*"}), NONE),
    "pattern any gone": (prop({**T, "pattern": ".*"}), prop(T), NONE),
    "pattern any both": (prop({**T, "pattern": ".*"}), prop({**T, "pattern": "^.*$"}), NONE),
    "pattern to any": (prop({**T, "pattern": "a"}), prop({**T, "pattern": ".*"}), NONE),
    "param pattern to any": (param({**T, "pattern": "a"}), param({**T, "pattern": ".*"}), NONE),
    "allOf annotation": (prop({"allOf": [T, {"minLength": 1}]}), prop({"allOf": [T, {"minLength": 1}, {}]}), WORDS),
    "discriminator mapping same": (
        body({"type": "object", "discriminator": {"propertyName": "k", "mapping": {"a": "#/components/schemas/A"}}}),
        body({"type": "object", "discriminator": {"propertyName": "k", "mapping": {"a": "A"}}}),
        NONE,
    ),
    "discriminator mapping other": (
        body({"type": "object", "discriminator": {"propertyName": "k", "mapping": {"a": "#/components/schemas/A"}}}),
        body({"type": "object", "discriminator": {"propertyName": "k", "mapping": {"a": "B"}}}),
        NONE,
    ),
    "discriminator mapping odd": (
        body({"type": "object", "discriminator": {"propertyName": "k", "mapping": {"a": "http://x/a"}}}),
        body({"type": "object", "discriminator": {"propertyName": "k", "mapping": {"a": "http://x/b"}}}),
        NONE,
    ),
    "pattern closed": (
        body({"type": "object", "additionalProperties": False, "patternProperties": {"^x": T}}),
        body({"type": "object", "additionalProperties": False}),
        NONE,
    ),
    "pattern opened": (
        body({"type": "object", "additionalProperties": False}),
        body({"type": "object", "additionalProperties": False, "patternProperties": {"^x": T}}),
        NONE,
    ),
    "forbidden property": (
        body({"type": "object", "properties": {"a": T}}),
        body({"type": "object", "properties": {"a": T, "b": False}, "additionalProperties": False}),
        NONE,
    ),
    "mutualTLS": (keyed("k", {"type": "mutualTLS"}), keyed("l", {"type": "mutualTLS"}), NONE),
    "openid": (
        keyed("k", {"type": "openIdConnect", "openIdConnectUrl": "https://a"}),
        keyed("k", {"type": "openIdConnect", "openIdConnectUrl": "https://b"}),
        NONE,
    ),
    "oauth2": (keyed("k", {"type": "oauth2"}), keyed("l", {"type": "oauth2"}), NONE),
    "unused schemas": (
        document(components={"schemas": {"A": T, "B": I}}),
        document(components={"schemas": {"C": I, "D": N}}),
        NONE,
    ),
}


def line(finding: Finding) -> str:
    """Rule, level, where it is in the operation and in both documents, and the message."""
    spots = [str(finding.extra[side]["pointer"]) if finding.extra[side] else "-" for side in ("base", "revision")]
    return "\t".join([finding.rule, finding.level, finding.location, *spots, finding.message])


def lines(name: str) -> Iterator[str]:
    """Yield what is told of a pair; of one that only says the same, that nothing is."""
    base, revision, options = FINE_POINTS[name]
    yield from [f"{name}\t{line(finding)}" for finding in compare(base, revision, options)] or [f"{name}\tnothing"]


if __name__ == "__main__":
    TOLD.write_text("".join(f"{told}\n" for name in FINE_POINTS for told in lines(name)), "utf-8")
