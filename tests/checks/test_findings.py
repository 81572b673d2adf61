"""The findings of each check, as text: rule, kind, location, message, expected and observed value, and count."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from pytest_bctrl.checks.credentials import check_head_refused, check_refused
from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.checks.violation import findings, merge, source_of
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.overlay_alone import OVERLAY_ALONE
from tests.contract.documents import contract_of

from .responses import JSON, SPACE, response, runtime, sample

CAT: dict[str, Any] = {
    "type": "object",
    "required": ["sort"],
    "properties": {"sort": {"const": "cat"}, "lives": {"type": "integer"}},
}
DOG: dict[str, Any] = {
    "type": "object",
    "required": ["sort"],
    "properties": {"sort": {"const": "dog"}, "tail": {"type": "boolean"}},
}
WRITE_ONLY = {"type": "string", "writeOnly": True}
PETS = {
    "oneOf": [
        {**pet, "properties": {**pet["properties"], "p": schema}}
        for pet, schema in ((CAT, WRITE_ONLY), (DOG, {"type": "string"}))
    ]
}
"""A property is write-only in one of the alternatives."""
LONG = list(range(9))
COMPONENTS = {
    "O": {"required": ["z"], "additionalProperties": {"type": "integer"}},
    "N": {"type": "integer"},
    "T": {"type": "array", "items": {"anyOf": [{"$ref": "#/components/schemas/T"}] * 2}},
    # A value that is never inside `many` has few visits, however deep it is.
    "W": {
        "properties": {
            "one": {"$ref": "#/components/schemas/W"},
            "many": {"anyOf": [{"$ref": "#/components/schemas/W"}] * 40},
            "n": {"type": "integer"},
        }
    },
    "L": {"items": {"type": "integer"}, "minItems": 11},
}
PLAIN = contract_of({"type": "object"})
DOCUMENTED = '["200", "400", "401", "403", "404", "429"]'


def _first(**changes: Any) -> Any:
    """Return the sample with its first runtime changed."""
    body = sample()
    body["runtimes"][0] |= changes
    return body


def _each(**changes: Any) -> Any:
    """Return the sample with all of its runtimes changed."""
    return {"runtimes": [{**item, **changes} for item in sample()["runtimes"]]}


def _without(name: str) -> Any:
    """Return the sample without a property of its first runtime."""
    body = sample()
    del body["runtimes"][0][name]
    return body


RESPONSES: dict[str, tuple[Any, ...]] = {
    "the sample": (response(sample(), id=SPACE), "nothing"),
    "status 299": (response({}, 299),
        f"status_code_conformance @status: the status is not documented; {DOCUMENTED}, not 299"),
    "status 300": (response({}, 300),
        f"info status_code_conformance @status: redirect not followed, to protect the key (only the overlay "
        f"documents this); {DOCUMENTED}, not 300"),
    "status 499": (response({}, 499),
        f"info status_code_conformance @status: the status is not documented (only the overlay documents this); "
        f"{DOCUMENTED}, not 499"),
    "status 500": (response({}, 500), f"not_a_server_error @status: the server failed; {DOCUMENTED}, not 500"),
    "status 599": (response({}, 599), f"not_a_server_error @status: the server failed; {DOCUMENTED}, not 599"),
    "redirect": (response({}, 302, (("Location", "https://elsewhere"),)),
        f'info status_code_conformance @status: redirect not followed, to protect the key (only the overlay '
        f'documents this); {DOCUMENTED}, not "302, to https://elsewhere"'),
    "location of no redirect": (response({}, 201, (("Location", "https://elsewhere"),)),
        f"status_code_conformance @status: the status is not documented; {DOCUMENTED}, not 201"),
    "not JSON": (response(b"{,}"),
        'strict_json/syntax @body: the body is not JSON: Expecting property name enclosed in double '
        'quotes at line 1, column 2; "a JSON text in UTF-8 (RFC 8259)", not "{,}"'),
    "not UTF-8": (response(b'{"a": "\xff"}'),
        'strict_json/encoding @body: the body is not UTF-8: byte 7 is 0xff; "a JSON text in UTF-8 (RFC '
        '8259)", not {"a": "\\xff"}'),
    "a word JSON has not": (response(b'{"runtimes": NaN}'),
        'strict_json/literal NaN @body: the body contains NaN, which is not valid JSON; "a JSON text in UTF-8 (RFC '
        '8259)", not '
        '{"runtimes": NaN}'),
    "byte order mark": (response(b"\xef\xbb\xbf{}"),
        'strict_json/byte-order-mark @body: the body begins with a byte order mark, which JSON texts must not have; '
        '"a JSON text in '
        'UTF-8 (RFC 8259)", not "﻿{}"'),
    "keys twice": (response(b'{"runtimes": [], "runtimes": [], "a": 1, "b": 2, "b": 3, "a": 4}'),
        "strict_json/duplicate runtimes @body: the key 'runtimes' appears twice in one object; \"a JSON text in "
        "UTF-8 (RFC 8259)\", not "
        "{\"runtimes\": [], \"runtimes\": [], \"a\": 1, \"b\": 2, \"b\": 3, \"a\"…",
        "strict_json/duplicate b @body: the key 'b' appears twice in one object; \"a JSON text in UTF-8 (RFC "
        "8259)\", not "
        "{\"runtimes\": [], \"runtimes\": [], \"a\": 1, \"b\": 2, \"b\": 3, \"a\"…",
        "strict_json/duplicate a @body: the key 'a' appears twice in one object; \"a JSON text in UTF-8 (RFC "
        "8259)\", not "
        "{\"runtimes\": [], \"runtimes\": [], \"a\": 1, \"b\": 2, \"b\": 3, \"a\"…",
        'warning undocumented_property/undocumented-property @a: the contract does not document this property; '
        '["runtimes"], not "integer"',
        'warning undocumented_property/undocumented-property @b: the contract does not document this property; '
        '["runtimes"], not "integer"'),
    "deep": (response(b"[" * 100_000 + b"]" * 100_000),
        'strict_json/depth @body: the body is nested deeper than 700 levels; "a JSON text in UTF-8 (RFC 8259)", not '
        '"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…"'),
    "many digits": (response(b"[" + b"1" * 100001 + b"]"),
        'strict_json/digits @body: the body contains a number with more than 4300 digits; "a JSON text in UTF-8 '
        '(RFC 8259)", '
        'not "[11111111111111111111111111111111111111111111111111111111111…"'),
    "empty": (response(b" \r\n"),
        'complete_body/empty @body: the body is empty; "a JSON text in UTF-8 (RFC 8259)", not "nothing"'),
    "no content type": (response(sample(), headers=()),
        'content_type_conformance/missing @header Content-Type: the content type is missing; ["application/json"], '
        'not null'),
    "two lengths": (replace(response(sample(),
        headers=(JSON, ("Content-Length", "9"), ("Transfer-Encoding", "chunked"))), has_all_headers=True),
        'complete_answer/two lengths @header Content-Length: the response has both Content-Length and '
        'Transfer-Encoding; "one of the two", not "9"'),
    "no length, and in chunks": (replace(response(sample(), headers=(JSON, ("Transfer-Encoding", "chunked"))),
        has_all_headers=True), "nothing"),
    "two lengths, as far as is known": (response(sample(),
        headers=(JSON, ("Content-Length", "9"), ("Transfer-Encoding", "chunked"))), "nothing"),
    "another content type": (response(sample(), headers=(("Content-Type", "Text/HTML; charset=utf-8"),)),
        'content_type_conformance/undocumented @header Content-Type: the content type is not documented; '
        '["application/json"], not "Text/HTML; charset=utf-8"'),
    "half a letter": (response(json.dumps(_first(name="a\ud800")).encode()),
        'warning interoperable_json @runtimes[*].name: the text contains a lone surrogate, which UTF-8 '
        'cannot encode; "what every parser reads alike (I-JSON)", not "a\\\\ud800"; 1 of 8'),
    "half a letter in a name": (response(json.dumps(_first(metadata={"a\ud800": 1})).encode()),
        'warning interoperable_json @runtimes[*].metadata: the text contains a lone surrogate, which UTF-8 '
        'cannot encode; "what every parser reads alike (I-JSON)", not "a\\\\ud800"; 1 of 8'),
    "a number beyond double precision": (response({"error": "a", "code": "b", "requestId": "c", "x": [10**309]}, 400),
        'warning interoperable_json @x[*]: the number is beyond double precision: many parsers read infinity; "what '
        'every parser reads alike (I-JSON)", not "a larger one"'),
    "the largest number of double precision": (
        response({"error": "a", "code": "b", "requestId": "c", "x": int(sys.float_info.max)}, 400), "nothing"),
    "an infinite number": (response(b'{"runtimes": [], "x": 1e400}'),
        'warning interoperable_json @x: the number is beyond double precision: many parsers read infinity; "what '
        'every parser reads alike (I-JSON)", not "a larger one"',
        'warning undocumented_property/undocumented-property @x: the contract does not document this property; '
        '["runtimes"], not "integer"'),
    "text of a refusal": (response({"error": {"code": "a", "message": ["no", "text"]}}, 400),
        'info schema/missing @error.reasonClass: the required property is missing (only the overlay documents '
        'this); "a value", not "no such property"',
        'info schema/missing @error.requestId: the required property is missing (only the overlay documents this); '
        '"a value", not "no such property"',
        'info schema/type @error.message: the value has the wrong type, array (only the overlay documents this); '
        '["string"], not ["no", "text"]'),
    "wrong type": (response(_first(name=7)),
        'schema/type @runtimes[*].name: the value has the wrong type, integer; ["string"], not 7; 1 of 8'),
    "format": (response(_first(id="no-uuid")),
        'schema/format @runtimes[*].id: the text is not in the format uuid; "uuid", not "no-uuid"; 1 of 8'),
    "unlisted value": (response(_first(status="paused")),
        'schema/unlisted-value @runtimes[*].status: the value is not one of the documented values; ["active", '
        '"stopped", "failed"], not "paused"; 1 of 8'),
    "each unlisted value": (response(_each(status="paused")),
        'schema/unlisted-value @runtimes[*].status: the value is not one of the documented values; ["active", '
        '"stopped", "failed"], not "paused"; 8 of 8'),
    "missing": (response(_without("name")),
        'schema/missing @runtimes[*].name: the required property is missing; "a value", '
        'not "no such property"; 1 of 8'),
    "no object": (response([]), 'schema/type @$: the value has the wrong type, array; ["object"], not []'),
    "undocumented": (response(_each(tenant="acme")),
        'warning undocumented_property/undocumented-property @runtimes[*].tenant: the contract does not document this '
        'property; ["activeRunId", "backing", "capabilities", "connections", "createdAt", "id", "kind", "metadata", '
        '"… 7 more"], not "4-character string"; 8 of 8'),
    "undocumented at the top": (response({**sample(), "total": 3}),
        'warning undocumented_property/undocumented-property @total: the contract does not document this property; '
        '["runtimes"], not "integer"'),
    "ids twice": (response({"runtimes": [*sample()["runtimes"], sample()["runtimes"][0]]}),
        'unique_ids @runtimes[*].id: two runtimes never share an id; "a value of its own", not '
        '"151bee19-0f81-4252-a2e7-ab10313e9136"; 1 of 9'),
    "another space": (response(runtime(), id="another"),
        'space_id_matches @runtimes[*].spaceId: a space lists its own runtimes and no others; "another", not '
        '"5b1e0c8e-0000-4000-8000-00000000bc71"'),
    "its own space in capitals": (response(runtime(), id=SPACE.upper()), "nothing"),
    "type is not kind": (response(_first(type="desktop")),
        'warning kind_equals_type @runtimes[*].kind: kind and type share one enum and name one thing; "desktop", not '
        '"browser"; 1 of 8'),
    "no time": (response(_first(createdAt="yesterday", updatedAt="soon")),
        'warning iso_8601_times @runtimes[*].createdAt: the spec types times as plain strings, and consumers parse '
        'them; "an ISO 8601 time in the extended format, such as 2026-03-01T08:00:00Z", not "yesterday"; 1 of 8',
        'warning iso_8601_times @runtimes[*].updatedAt: the spec types times as plain strings, and consumers parse '
        'them; "an ISO 8601 time in the extended format, such as 2026-03-01T08:00:00Z", not "soon"; 1 of 8'),
    "ordered after one that is not an object": (
        response({"runtimes": [7,
            *runtime(createdAt="2026-03-02T00:00:00Z", updatedAt="2026-03-01T00:00:00Z")["runtimes"]]}),
        'schema/type @runtimes[*]: the value has the wrong type, integer; ["object"], not 7; 1 of 2',
        'warning updated_not_before_created @runtimes[*].updatedAt: nothing is changed before it was made; "not '
        'before createdAt, 2026-03-02T00:00:00Z", not "2026-03-01T00:00:00Z"'),
    "a request of another method, with what sends it again": (replace(response(b"{"), method="OPTIONS",
        reproduce="curl …"),
        'strict_json/syntax @body: the body is not JSON: Expecting property name enclosed in double '
        'quotes at line 1, column 2; "a JSON text in UTF-8 (RFC 8259)", not "{"'),
    "a refusal": (
        response({"error": "no", "code": 7, "requestId": "r"}, 401),
        'info schema/type @code: the value has the wrong type, integer (only the overlay documents this); '
        '["string"], not 7'),
}  # fmt: skip
"""A response to the operation of the packaged contract, and the findings."""

SCHEMAS: dict[str, tuple[Any, ...]] = {
    "nothing is allowed": (False, 1, 'schema/false @$: nothing is allowed here; "nothing", not 1'),
    "long object with words of every kind": (
        {"$ref": "#/components/schemas/O", "properties": {"a": {"items": {"type": "integer"}}, "n": {"type": "null"}},
            "required": ["x", "y"], "maxProperties": 2, "propertyNames": {"maxLength": 1}},
            {"a": [*range(9), "x"], "n": 1, "long": 1},
        "schema/maxProperties @$: the value breaks 'maxProperties'; 2, not {\"a\": [0, 1, 2, 3, 4, 5, 6, 7, \"… 2 "
        "more\"], \"n\": 1, \"long\": 1}",
        'schema/missing @x: the required property is missing; "a value", not "no such property"',
        'schema/missing @y: the required property is missing; "a value", not "no such property"',
        'schema/type @a[*]: the value has the wrong type, string; ["integer"], not "x"; 1 of 10',
        'schema/type @n: the value has the wrong type, integer; ["null"], not 1',
        "schema/maxLength @$: the value breaks 'maxLength'; 1, not \"long\"",
        'schema/missing @z: the required property is missing; "a value", not "no such property"',
        'schema/type @a: the value has the wrong type, array; ["integer"], not [0, 1, 2, 3, 4, 5, 6, 7, "… 2 more"]'),
    "minimum": ({"minimum": 3}, 1, "schema/minimum @$: the value breaks 'minimum'; 3, not 1"),
    "one of several types": ({"type": ["string", "null"]}, 1,
        'schema/type @$: the value has the wrong type, integer; ["string", "null"], not 1'),
    "none of what has no name": ({"anyOf": [{"type": ["string", "null"], "minLength": 2},
        {"type": "string", "maxLength": 0, "required": ["a"]}, False]}, "x",
        'schema/alternatives @$: the value is none of the documented alternatives; ["null or string", "string {a}", '
        '"nothing"], not "x"'),
    "none of what has no name, nor a type": ({"anyOf": [{"minimum": 5},
        {"allOf": [{"$ref": "#/components/schemas/N"}, {"minimum": 5}]}]}, 1,
        'schema/alternatives @$: the value is none of the documented alternatives; ["a value", "integer"], not 1'),
    "closed, and nothing is documented": ({"additionalProperties": False}, {"a": 1},
        'schema/additionalProperties @a: the schema allows no further property; "no such property", not 1'),
    "a property that has the name of a word": ({"properties": {"additionalProperties": False}},
        {"additionalProperties": 1},
        'schema/false @additionalProperties: nothing is allowed here; "nothing", not 1'),
    "within what is evaluated nowhere": ({"properties": {"a": True},
        "unevaluatedProperties": {"$ref": "#/components/schemas/N"}}, {"a": 1, "b": "x"},
        'schema/type @b: the value has the wrong type, string; ["integer"], not "x"'),
    "closed within": ({"items": {"properties": {"a": True}, "additionalProperties": False}}, [{"a": 1, "b": 2}],
        'schema/additionalProperties @[*].b: the schema allows no further property; "no such property", not 2'),
    "more places than are listed": ({"items": {"type": "string"}}, [1] * 20_001,
        'schema/type @[*]: the value has the wrong type, integer; ["string"], not 1; 20000 of 20001',
        'schema/more @$: more than 20,000 places break the schema, and are not all listed; null, not null'),
    "too deep": ({"$ref": "#/components/schemas/T"}, json.loads("[" * 60 + "1" + "]" * 60),
        'schema/deep @$: the body does not conform to its schema, at a location that is nested too deep; null, not '
        '[[[["[… 1 items]"]]]]'),
    "deep in one place of a schema that multiplies in another": ({"$ref": "#/components/schemas/W"},
        json.loads('{"one": ' * 9 + '{"n": "x"}' + "}" * 9),
        f'schema/type @{"one." * 9}n: the value has the wrong type, string; ["integer"], not "x"'),
    "const": ({"const": "a"}, "b",
        'schema/unlisted-value @$: the value is not one of the documented values; ["a"], not "b"'),
    "const of another type": ({"type": "string", "const": "a"}, 1,
        'schema/type @$: the value has the wrong type, integer; ["string"], not 1'),
    "enum of another type": ({"type": "string", "enum": ["a"]}, None,
        'schema/null @$: the value has the wrong type, null; ["string"], not null'),
    "no alternative": ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, 1.5,
        'schema/type @$: the value has the wrong type, number; ["boolean", "string"], not 1.5'),
    "two alternatives": ({"oneOf": [{"type": "string"}, {"minLength": 1}]}, "a",
        'schema/oneOf @$: the value is more than one of the documented alternatives; "exactly one", not "a"'),
    "fault in the alternative meant": ({"oneOf": [CAT, DOG]}, {"sort": "cat", "lives": "nine"},
        'schema/type @lives: the value has the wrong type, string; ["integer"], not "nine"'),
    "unknown alternative": ({"oneOf": [CAT, DOG]}, {"sort": "cow"},
        'schema/new-branch @sort: the value is not one of the documented values; ["cat", "dog"], not "cow"'),
    "a list in place of the name of an alternative": ({"oneOf": [CAT, DOG]}, {"sort": ["cat"]},
        'schema/new-branch @sort: the value is not one of the documented values; ["cat", "dog"], not "array"'),
    "alternative not named": ({"oneOf": [CAT, DOG]}, {"lives": 9},
        'schema/missing @sort: the required property is missing; "a value", not "no such property"'),
    "alternative of no object": ({"oneOf": [CAT, DOG]}, "cat",
        'schema/type @$: the value has the wrong type, string; ["object"], not "cat"'),
    "write-only properties": (
        {"properties": {"a": {"items": {"properties": {"b": WRITE_ONLY}}}, "c": WRITE_ONLY}, "required": ["c"]},
        {"a": [{"b": "secret"}, {}, {"b": "another"}], "c": "required"},
        'warning write_only_property @a[*].b: the response has a property that is write-only; "no such property", '
        'not "a value of type string"; 2 of 3'),
    "a write-only property after a required one": (
        {"properties": {"a": WRITE_ONLY, "b": WRITE_ONLY}, "required": ["a"]}, {"a": "required", "b": "secret"},
        'warning write_only_property @b: the response has a property that is write-only; "no such property", '
        'not "a value of type string"'),
    "a write-only property of one alternative": (PETS, {"sort": "cat", "p": "secret"},
        'warning write_only_property @p: the response has a property that is write-only; "no such property", '
        'not "a value of type string"'),
    "a property that is write-only in another alternative": (PETS, {"sort": "dog", "p": "public"}, "nothing"),
    "long list": ({"items": {"type": "string"}}, LONG,
        'schema/type @[*]: the value has the wrong type, integer; ["string"], not 0; 9 of 9'),
    "long list of what is forbidden": ({"prefixItems": [True, True], "items": False}, LONG,
        'schema/false @[*]: nothing is allowed here; "nothing", not 2; 7 of 9'),
    "long list with words beside": ({"items": {"$ref": "#/components/schemas/N"}, "maxItems": 8}, [*LONG, "a"],
        "schema/maxItems @$: the value breaks 'maxItems'; 8, not [0, 1, 2, 3, 4, 5, 6, 7, \"… 2 more\"]",
        'schema/type @[*]: the value has the wrong type, string; ["integer"], not "a"; 1 of 10'),
    "long list within": ({"properties": {"a": {"items": {"type": "integer"}}, "b": {"type": "null"}},
        "required": ["c"]}, {"a": [*LONG, "x"], "b": 1},
        'schema/missing @c: the required property is missing; "a value", not "no such property"',
        'schema/type @a[*]: the value has the wrong type, string; ["integer"], not "x"; 1 of 10',
        'schema/type @b: the value has the wrong type, integer; ["null"], not 1'),
    "long list with its first items apart": ({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
        [1, "x", *LONG],
        'schema/type @[*]: the value has the wrong type, string; ["integer"], not "x"; 1 of 11',
        'schema/type @[*]: the value has the wrong type, integer; ["string"], not 1; 1 of 11'),
    "referred with words beside": ({"$ref": "#/components/schemas/L", "maxItems": 9}, [*LONG, "a"],
        "schema/maxItems @$: the value breaks 'maxItems'; 9, not [0, 1, 2, 3, 4, 5, 6, 7, \"… 2 more\"]",
        "schema/minItems @$: the value breaks 'minItems'; 11, not [0, 1, 2, 3, 4, 5, 6, 7, \"… 2 more\"]",
        'schema/type @[*]: the value has the wrong type, string; ["integer"], not "a"; 1 of 10'),
    "closed with a long list": ({"properties": {"a": True}, "additionalProperties": False}, {"a": LONG, "b": 1},
        'schema/additionalProperties @b: the schema allows no further property; "no such property", not 1'),
    "unevaluated": ({"properties": {"a": True}, "unevaluatedProperties": False}, {"a": LONG, "b": 1},
        'schema/unevaluatedProperties @b: the schema allows no further property; "no such property", not 1'),
}  # fmt: skip
"""A schema, a body that breaks it, and the findings."""

INSTEAD: dict[str, tuple[Any, ...]] = {
    "a refusal was due": (response(sample()), (403, 401),
        "warning status_code_conformance/instead of 401, 403 @status: the request should be rejected, and succeeds "
        "(only the overlay documents this); [401, 403], not 200"),
    "an answer was due": (response({}, 400, (("Location", "/elsewhere"),)), (200,),
        "status_code_conformance/instead of 200 @status: the status is documented, but not expected for this "
        "request; [200], not 400",
        'content_type_conformance/missing @header Content-Type: the content type is missing; ["application/json"], '
        'not null',
        'info schema/alternatives @$: the value is none of the documented alternatives (only the overlay documents '
        'this); ["FlatError {error, code, requestId}", "NestedError {error}"], not {}'),
    "a refusal that the contract is silent about": (response({}, 401, contract=PLAIN), (401, 403),
        "warning status_code_conformance/instead of 401, 403 @status: the status is not documented; "
        '["200"], not 401'),
    "a refusal that it documents in another way": (response({}, 401, contract=PLAIN), (401, 200),
        "status_code_conformance/instead of 200, 401 @status: the status is not documented; "
        '["200"], not 401'),
    "a refusal was due, and the server failed": (response({}, 503), (401, 403),
        "not_a_server_error/instead of 401, 403 @status: the server failed; [401, 403], not 503"),
}  # fmt: skip
"""A response, the statuses that the request should get, and the findings."""

CREDENTIALS = {
    200: ("ignored_auth/accepted @credential: empty bearer: an invalid credential is accepted; [401, 403], not 200",
        "ignored_auth @credential: no header, HEAD: an invalid credential is accepted; [401, 403], not 200"),
    299: ("ignored_auth/accepted @credential: empty bearer: an invalid credential is accepted; [401, 403], not 299",
        "ignored_auth @credential: no header, HEAD: an invalid credential is accepted; [401, 403], not 299"),
    300: ("info ignored_auth/not refused @credential: empty bearer: an invalid credential is not rejected as one "
        "(only the overlay documents this); [401, 403], not 300", "nothing"),
    400: ("info ignored_auth/not refused @credential: empty bearer: an invalid credential is not rejected as one "
        "(only the overlay documents this); [401, 403], not 400", "nothing"),
    401: ("nothing", "nothing"),
    403: ("nothing", "nothing"),
    499: ("info ignored_auth/not refused @credential: empty bearer: an invalid credential is not rejected as one "
        "(only the overlay documents this); [401, 403], not 499", "nothing"),
    500: ("nothing", "not_a_server_error/HEAD @status: the server fails at a HEAD; [401, 403], not 500"),
}  # fmt: skip
"""By the status of the response: the findings for a wrong credential, and for a HEAD without one."""


def summary(finding: Finding, checked: Response) -> str:
    """Return a finding as one line, after checking that its other fields follow from the line and the response."""
    kind, where = str(finding.extra.get("kind", "")), finding.location
    value = json.dumps(finding.observed) if kind in ("unlisted-value", "new-branch") else None
    shape = re.sub(r"\{[^{}]*\}", "{}", finding.operation)
    parts = [finding.rule, shape, where, [["status", str(checked.status)]], None, value, kind]
    assert sha256(json.dumps(parts).encode()).hexdigest()[:16] == finding.fingerprint
    is_added = finding.message.endswith(OVERLAY_ALONE)
    assert ("overlay" if is_added else source_of(finding.rule, checked)) == finding.extra["source"]
    assert (checked.operation.label, str(checked.status)) == (finding.operation, finding.extra["status"])
    assert (checked.reproduce, "none") == (finding.reproduce, finding.direction)
    if finding.sample is not None:
        assert finding.observed == finding.sample["value"]
        assert where == re.sub(r"\[\d+\]", "[*]", finding.sample["location"])
    assert (finding.sample is None) == bool(re.match(r"(status|body|header [\w-]+|credential: .*)$", where))
    if "response" in finding.extra:
        _require_evidence(finding.extra, checked)
    rule = finding.rule.replace("response_schema_conformance", "schema") + (f"/{kind}" if kind else "")
    level = "" if finding.level == "error" else f"{finding.level} "
    counts = "" if (finding.count, finding.total) == (1, 1) else f"; {finding.count} of {finding.total}"
    sides = (_shown(side) for side in (finding.expected, finding.observed))
    return f"{level}{rule} @{where}: {finding.message}; {', not '.join(sides)}{counts}"


def _shown(side: Any) -> str:
    """Return a value as JSON; a text that is JSON already as it is."""
    return side if isinstance(side, str) and '"' in side else json.dumps(side, ensure_ascii=False)


def _require_evidence(extra: Any, checked: Response) -> None:
    """Check that request and response of a finding are those of the checked response."""
    method, response = checked.method or checked.operation.method, extra["response"]
    path = checked.operation.url_path(checked.path_values) if checked.path_values else checked.operation.path
    assert {"method": method, "path": path} == extra["request"]
    assert (checked.status, len(checked.body)) == (response["status"], response["size"])


def require_reported(findings: Iterable[Finding], checked: Response, *expected: str) -> None:
    """Check that findings have exactly these summaries, or `nothing` if there are none."""
    assert [*expected] == ([summary(finding, checked) for finding in findings] or ["nothing"])


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_yields_the_expected_findings(name: str) -> None:
    """`check_response` returns exactly the findings that the table has for it."""
    checked, *expected = RESPONSES[name]
    require_reported(check_response(checked), checked, *expected)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_violation_yields_the_expected_findings(name: str) -> None:
    """Exactly those of the table, for the schema and the value."""
    schema, value, *expected = SCHEMAS[name]
    checked = response(value, contract=contract_of(schema, COMPONENTS), id="a")
    require_reported(check_response(checked), checked, *expected)


@pytest.mark.parametrize("name", INSTEAD)
def test_an_unexpected_status_yields_the_expected_findings(name: str) -> None:
    """Exactly those of the table, if other statuses are expected."""
    checked, statuses, *expected = INSTEAD[name]
    require_reported(check_response(checked, statuses), checked, *expected)


@pytest.mark.parametrize("status", CREDENTIALS)
def test_the_response_to_a_wrong_credential_yields_the_expected_findings(status: int) -> None:
    """For GET and HEAD, by status, exactly those of the table."""
    checked, (wrong, none) = response({}, status), CREDENTIALS[status]
    require_reported(findings(checked, check_refused(checked, "empty bearer")), checked, wrong)
    require_reported(findings(checked, check_head_refused(checked)), checked, none)


def test_equal_findings_of_several_responses_are_merged() -> None:
    """`merge` adds their counts and totals."""
    responses = [RESPONSES[name][0] for name in ("wrong type", "each unlisted value", "wrong type", "missing")]
    merged = merge(finding for checked in responses for finding in check_response(checked))
    counts = [("type", 2, 16), ("unlisted-value", 8, 8), ("missing", 1, 8)]
    assert counts == [(finding.extra["kind"], finding.count, finding.total) for finding in merged]


@pytest.mark.parametrize(
    ("first_total", "second_total", "total"), [(8, 3, 11), (None, 3, None), (8, None, None), (None, None, None)]
)
def test_merging_adds_counts_always_and_totals_if_both_have_one(
    first_total: int | None, second_total: int | None, total: int | None
) -> None:
    (finding,) = check_response(response(runtime(name=7)))
    (merged,) = merge([replace(finding, count=2, total=first_total), replace(finding, count=3, total=second_total)])
    assert (5, total) == (merged.count, merged.total)
