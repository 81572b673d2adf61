"""The catalogue of exchanges: correct ones, and ones with a single fault each, with the findings that they must get.

To add an exchange, add an entry to `CORRECT` or `FAULTY`. The contract of `CATALOGUE` describes all of them: each has
the operations of `PATHS` in a folder of its own, named after the exchange, so that a finding's operation names its
exchange at every entry point. `tests/exchanges/test_matrix.py` sends the catalogue through the entry points.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_bctrl import Contract, Finding
from tests.exchanges.paths import FORM, JSON, PATHS, SECURITY
from tests.request_checks.orders import contract_of_paths
from tests.watch.suite_parts import SERVER

UNMATCHED = "unmatched"
"""The expectation that the account of an entry point lists the exchange as one to no operation."""
NOT_CHECKED = "not checked"
"""The expectation that the account of an entry point lists a part of the exchange as not checked, with a reason."""


@dataclass(frozen=True, slots=True)
class Case:
    """An exchange, and its findings as lines: direction, level, rule, location.

    `target` has no folder. `received` and `sent` are JSON data, or a body as it is; bytes that are not UTF-8 are
    surrogates. `expected` may include `UNMATCHED` and `NOT_CHECKED`.
    """

    method: str
    target: str
    status: int = 200
    received: Any = ""
    fields: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON})
    headers: Mapping[str, str] = field(default_factory=lambda: {"Accept": JSON})
    sent: Any = None
    expected: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The body of the response as text."""
        if self.method == "HEAD":
            return ""
        return self.received if isinstance(self.received, str) else json.dumps(self.received)

    @property
    def body(self) -> bytes:
        """The body of the response."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def decoded_body(self) -> bytes:
        """The body of the response without gzip; as it is if it is not in its content coding."""
        if self.fields.get("Content-Encoding") != "gzip":
            return self.body
        try:
            return gzip.decompress(self.body)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            return self.body

    @property
    def is_undecodable(self) -> bool:
        """Whether the body of the response is not in its content coding."""
        return self.fields.get("Content-Encoding") == "gzip" and self.body != b"" and self.decoded_body == self.body

    @property
    def has_surplus_bytes(self) -> bool:
        """Whether the response has a body that its status does not allow."""
        return self.status == 204 and self.body != b""

    @property
    def content(self) -> str | None:
        """The body of the request as text, None if there is none."""
        return self.sent if self.sent is None or isinstance(self.sent, str) else json.dumps(self.sent)

    @property
    def template(self) -> str | None:
        """The path of the contract for the target; None if it has none."""
        path = self.target.partition("?")[0]
        patterns = {template: template.replace("{id}", "[^/]+") for template in PATHS}
        return next((template for template, pattern in patterns.items() if re.fullmatch(pattern, path)), None)

    def as_data(self, folder: str = "") -> dict[str, Any]:
        """Return the exchange in a folder as JSON data, for the code of suites."""
        return {
            "method": self.method,
            "target": folder + self.target,
            "path": folder + self.target.partition("?")[0],
            "headers": dict(self.headers),
            "content": self.content,
            "status": self.status,
            "fields": dict(self.fields),
            "media_type": self.fields.get("Content-Type"),
            "text": self.text,
        }


def but(case: Case, *expected: str, **changes: Any) -> Case:
    """Return an exchange with changes, and with these findings."""
    return replace(case, expected=expected, **changes)


def _with_fields(case: Case, *expected: str, **fields: str) -> Case:
    """Return an exchange with further fields of the response (`X_Total` for `X-Total`), and with these findings."""
    added = {name.replace("_", "-"): value for name, value in fields.items()}
    return but(case, *expected, fields={**case.fields, **added})


_SENT_JSON = {"Accept": JSON, "Content-Type": JSON}
SENT = {"qty": 1, "size": "s"}
STORED = {"id": 7, **SENT}
_LIST = Case("GET", "/orders?limit=5", received=[STORED])
_CREATE = Case("POST", "/orders", 201, STORED, headers=_SENT_JSON, sent=SENT)

_MAKER = {"name": "Ada", "address": {"city": "Bern"}}
_STORED_ITEM = {"id": 7, "name": "lamp", "kind": "small", "maker": _MAKER}
_ITEM_FIELDS = {"Content-Type": JSON, "X-Total": "1"}
_ITEMS = Case("GET", "/items?limit=5&kind=small&maker[age]=7", received=[_STORED_ITEM], fields=_ITEM_FIELDS)
_GET_ITEM = Case("GET", "/items/7", received=_STORED_ITEM)
_CREATE_ITEM = Case("POST", "/items", 201, _STORED_ITEM, headers=_SENT_JSON, sent={"name": "lamp", "pin": "1234"})
_DELETE_ITEM = Case("DELETE", "/items/7", 204, fields={})
_PROBLEM_FIELDS = {"Content-Type": "application/problem+json"}
_PROBLEM = {"title": "no such item", "status": 404}
_PET = Case("GET", "/pets", received={"lives": 9, "tricks": []})
_CREATE_PET = Case("POST", "/pets", 201, {"lives": 9}, headers=_SENT_JSON, sent={"lives": 9})
_ACCOUNT = Case("GET", "/account", received={}, headers={"Accept": JSON, "Authorization": "Bearer t0ken-of-a-test"})
_NOTES = Case("GET", "/notes", received="hello", fields={"Content-Type": "text/plain"}, headers={"Accept": "*/*"})
_FORM = Case("POST", "/forms", received={}, headers={"Accept": JSON, "Content-Type": FORM}, sent="age=7")
_PROFILE = Case("GET", "/profile", received={"name": "Ada", "nick": "ada"})
_EVENTS = Case("GET", "/events", fields={"Content-Type": "text/event-stream"}, headers={"Accept": "*/*"})
_LINES = Case("GET", "/lines", fields={"Content-Type": "application/jsonl"}, headers={"Accept": "*/*"})
_GZIP = gzip.compress(json.dumps([STORED]).encode(), mtime=0).decode("utf-8", "surrogateescape")

CORRECT: dict[str, Case] = {
    "a list": but(_LIST, received=[STORED, {**STORED, "id": 8}]),
    "an empty list": but(_LIST, received=[]),
    "a rejection": but(_LIST, status=404, received={}),
    "an order": _CREATE,
    "items with header fields": _ITEMS,
    "an item": _GET_ITEM,
    "a problem": but(_GET_ITEM, status=404, received=_PROBLEM, fields=_PROBLEM_FIELDS),
    "a new item": _CREATE_ITEM,
    "a changed item": but(_GET_ITEM, method="PATCH", headers=_SENT_JSON, sent={"kind": "large"}),
    "a deleted item": _DELETE_ITEM,
    "a head": but(_ITEMS, method="HEAD"),
    "a search": Case("GET", "/search?text=a", received={}),
    "an account": _ACCOUNT,
    "a note": _NOTES,
    "a form": _FORM,
    "a pet that fits both alternatives": _PET,
    "a pet of one alternative": _CREATE_PET,
    "a property of a sibling alternative": _PROFILE,
    "a property of a sibling that does not match": but(_PROFILE, received={"name": None, "nick": "ada"}),
    "a content coding": _with_fields(but(_LIST, received=_GZIP), Content_Encoding="gzip"),
    "events": but(_EVENTS, NOT_CHECKED, received='data: {"id": 1}\n\n'),
    "lines": but(_LINES, NOT_CHECKED, received='{"id": 1}\n{"id": 2}\n'),
}

SCHEMA = "response error response_schema_conformance"
STATUS = "response error status_code_conformance status"
MEDIA_TYPE = "response error content_type_conformance header Content-Type"
STRICT = "response error strict_json body"
HEADER = "response error response_headers_conformance header"
PARAMETER = "request error request_parameters"
SENT_BODY = "request error request_body"
TARGET = "request error request_target"

FAULTY: dict[str, Case] = {
    # Responses: status, media type, header fields.
    "status": but(_LIST, STATUS, status=299),
    "redirect": but(_LIST, STATUS, status=302, received="", fields={}),
    "server error": but(_LIST, "response error not_a_server_error status", status=500, received={}),
    "deprecated operation": _with_fields(
        _LIST, "response warning retired_operation operation", Deprecation="@1767225600"
    ),
    "content type": but(_LIST, MEDIA_TYPE, fields={"Content-Type": "text/html"}),
    "missing content type": but(_LIST, MEDIA_TYPE, fields={}),
    "lines of JSON sent as text": but(
        _LIST, MEDIA_TYPE, received='{"id": 7}\n{"id": 8}\n', fields={"Content-Type": "text/plain"}
    ),
    "note sent as JSON": but(_NOTES, MEDIA_TYPE, fields={"Content-Type": JSON}),
    "missing header field": but(_ITEMS, f"{HEADER} X-Total", fields={"Content-Type": JSON}),
    "header field of a wrong type": _with_fields(_ITEMS, f"{HEADER} X-Total", X_Total="many"),
    "optional header field of a wrong type": _with_fields(_ITEMS, f"{HEADER} X-Left", X_Left="few"),
    "header field of a head": _with_fields(but(_ITEMS, method="HEAD"), f"{HEADER} X-Total", X_Total="many"),
    # Responses: values.
    "missing property": but(_LIST, f"{SCHEMA} [*].size", received=[{"id": 7, "qty": 1}]),
    "wrong type": but(_LIST, f"{SCHEMA} [*].id", received=[{**STORED, "id": "7"}]),
    "enum": but(_LIST, f"{SCHEMA} [*].size", received=[{**STORED, "size": "l"}]),
    "extra property": but(
        _LIST,
        f"{SCHEMA} [*].colour",
        received=[{**STORED, "colour": "red"}],
    ),
    "object in place of a list": but(_LIST, f"{SCHEMA} $", received={}),
    "value of a created order": but(_CREATE, f"{SCHEMA} qty", received={**STORED, "qty": 0}),
    "missing property in depth": but(_GET_ITEM, f"{SCHEMA} maker.name", received={**_STORED_ITEM, "maker": {}}),
    "wrong type in depth": but(
        _GET_ITEM,
        f"{SCHEMA} maker.address.city",
        received={**_STORED_ITEM, "maker": {"name": "Ada", "address": {"city": 7}}},
    ),
    "long text": but(_GET_ITEM, f"{SCHEMA} name", received={**_STORED_ITEM, "name": "a long name"}),
    "format": but(_GET_ITEM, f"{SCHEMA} created", received={**_STORED_ITEM, "created": "yesterday"}),
    "no alternative": but(_CREATE_PET, f"{SCHEMA} $", received={"lives": "nine"}),
    "problem without a title": but(
        _GET_ITEM, f"{SCHEMA} title", status=404, received={"status": 404}, fields=_PROBLEM_FIELDS
    ),
    "default response": but(
        _GET_ITEM, f"{SCHEMA} status", status=418, received={**_PROBLEM, "status": "x"}, fields=_PROBLEM_FIELDS
    ),
    "undocumented property": but(
        _GET_ITEM, "response warning undocumented_property colour", received={**_STORED_ITEM, "colour": "red"}
    ),
    "undocumented property in depth": but(
        _GET_ITEM,
        "response warning undocumented_property maker.age",
        received={**_STORED_ITEM, "maker": {**_MAKER, "age": 36}},
    ),
    "write-only property": but(
        _GET_ITEM, "response warning write_only_property pin", received={**_STORED_ITEM, "pin": "1234"}
    ),
    "ignored filter": but(
        _ITEMS, "response warning ignored_filter [*].kind", received=[_STORED_ITEM, {**_STORED_ITEM, "kind": "large"}]
    ),
    "ignored page size": but(
        _ITEMS, "response warning ignored_page_size query limit", target="/items?limit=1", received=[_STORED_ITEM] * 2
    ),
    # Responses: JSON, and the items of streams.
    "malformed JSON": but(_LIST, STRICT, received="[{'id': 7}]"),
    "truncated JSON": but(_LIST, STRICT, received='[{"id": 7'),
    "NaN": but(_LIST, STRICT, received='[{"id": NaN, "qty": 1, "size": "s"}]'),
    "duplicate key": but(_LIST, STRICT, received='[{"id": 7, "id": 8, "qty": 1, "size": "s"}]'),
    "byte order mark": but(_LIST, STRICT, received="\ufeff[]"),
    "invalid UTF-8": but(_LIST, STRICT, received="[\udcff]"),
    "lone surrogate": but(
        _GET_ITEM,
        "response warning interoperable_json name",
        received='{"id": 7, "name": "\\ud800"}',
    ),
    "empty body": but(_LIST, "response error complete_body body", received=""),
    "event of a wrong type": but(_EVENTS, NOT_CHECKED, received='data: {"id": "x"}\n\n'),
    "line of a wrong type": but(_LINES, NOT_CHECKED, received='{"id": 1}\n{"id": "x"}\n'),
    # Responses: transfer.
    "content coding": _with_fields(_LIST, "response error complete_answer body", Content_Encoding="gzip"),
    "two framings": _with_fields(
        _LIST, "response error complete_answer header Content-Length", Transfer_Encoding="chunked", Content_Length="34"
    ),
    "body with 204": but(_NOTES, "response error response_framing response", status=204, fields={}),
    # Requests: parameters and credentials.
    "parameter below the minimum": but(_LIST, f"{PARAMETER} query limit", target="/orders?limit=-1"),
    "parameter above the maximum": but(_LIST, f"{PARAMETER} query limit", target="/orders?limit=101"),
    "parameter of a wrong type": but(_LIST, f"{PARAMETER} query limit", target="/orders?limit=abc"),
    "parameter of no enum value": but(_ITEMS, f"{PARAMETER} query kind", target="/items?kind=huge"),
    "member of a parameter": but(_ITEMS, f"{PARAMETER} query maker.age", target="/items?maker[age]=old"),
    "parameter in a header": but(_ITEMS, f"{PARAMETER} header X-Page", headers={"Accept": JSON, "X-Page": "last"}),
    "parameter in the path": but(_GET_ITEM, f"{PARAMETER} path id", target="/items/lamp"),
    "missing parameter": Case("GET", "/search", received={}, expected=(f"{PARAMETER} query text",)),
    "unknown parameter": but(_LIST, "request info undocumented_parameter query colour", target="/orders?colour=red"),
    "missing credential": but(
        _ACCOUNT, "request error request_credentials header Authorization", headers={"Accept": JSON}
    ),
    "unacceptable response": but(
        _LIST, "request warning request_accept header Accept", headers={"Accept": "text/html"}
    ),
    # Requests: bodies.
    "value sent": but(_CREATE, f"{SENT_BODY} body.qty", sent={**SENT, "qty": 0}),
    "property not sent": but(_CREATE, f"{SENT_BODY} body.size", sent={"qty": 1}),
    "no body sent": but(_CREATE, f"{SENT_BODY} body", headers={"Accept": JSON}, sent=None),
    "text sent": but(
        _CREATE,
        "request error request_media_type header Content-Type",
        headers={"Accept": JSON, "Content-Type": "text/plain"},
        sent="one",
    ),
    "malformed JSON sent": but(_CREATE, "request error strict_json body", sent='{"qty": 1'),
    "read-only property sent": but(_CREATE, "request warning read_only_property body.id", sent={**SENT, "id": 7}),
    "no alternative sent": but(_CREATE_PET, f"{SENT_BODY} body", sent={"lives": "nine"}),
    "form value sent": but(_FORM, f"{SENT_BODY} body.age", sent="age=old"),
    "body sent with DELETE": but(
        _DELETE_ITEM,
        "request warning undocumented_request_body body",
        headers={"Content-Type": "text/plain"},
        sent="now",
    ),
    # Requests to no operation.
    "wrong path": but(_LIST, f"{TARGET} path", UNMATCHED, target="/orderz"),
    "wrong method": but(_CREATE, f"{TARGET} method", UNMATCHED, method="PUT", target="/orders"),
}
CASES = {**CORRECT, **FAULTY}
SAMPLE = (
    *("a list", "an empty list", "a rejection", "an order"),
    *("status", "content type", "missing property", "wrong type", "enum", "extra property", "truncated JSON"),
    *("parameter above the maximum", "value sent"),
)
"""The exchanges of `ORDERS_CONTRACT` that a suite of every client and responder sends."""
ORDERS_CONTRACT = contract_of_paths({"/orders": PATHS["/orders"]}, servers=[{"url": SERVER}])
"""The contract of the exchanges in `SAMPLE`, without folders."""


def shown(finding: Finding | dict[str, Any]) -> str:
    """Return direction, level, rule and location of a finding; the direction `none` is that of a response.

    `check` has no account, and says by a finding that a body was not checked.
    """
    data = finding if isinstance(finding, dict) else finding.as_dict()
    if data["rule"] == "response_not_checked":
        return NOT_CHECKED
    direction = data["direction"].replace("none", "response")
    return f"{direction} {data['level']} {data['rule']} {data['location']}"


class Catalogue:
    """Exchanges by their names, and the contract of their operations, which are in a folder per exchange."""

    def __init__(self, cases: Mapping[str, Case]) -> None:
        self.cases = cases
        self.folders = {name: "/" + name.replace(" ", "-") for name in cases}
        self.contract = _contract_of({self.folders[name]: case for name, case in cases.items()})
        self._names = {folder.removeprefix("/"): name for name, folder in self.folders.items()}

    def name_in(self, text: str) -> str | None:
        """Return the name of the exchange whose folder a path or a sentence contains; None if it contains none."""
        return next((self._names[part] for part in re.findall(r"/([\w-]+)", text) if part in self._names), None)


def _contract_of(cases: Mapping[str, Case]) -> Contract:
    """Return the contract of exchanges by their folders."""
    paths: dict[str, Any] = {}
    for folder, case in cases.items():
        if case.template is not None:
            paths[folder + case.template] = _relevant_members(PATHS[case.template], case.method)
    return contract_of_paths(
        paths,
        openapi="3.2.0",
        servers=[{"url": SERVER}],
        components=SECURITY,
    )


def _relevant_members(path_item: dict[str, Any], method: str) -> dict[str, Any]:
    """Return a path item with the operation of one method; with all of them if it lacks the method."""
    name = {"HEAD": "get"}.get(method, method.lower())
    if name not in path_item:
        return path_item
    return {key: value for key, value in path_item.items() if key in (name, "parameters")}


CATALOGUE = Catalogue(CASES)
