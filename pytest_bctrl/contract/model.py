"""The contract as data: operations, parameters, responses and schemas of the merged document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, unquote

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.files import short_path
from pytest_bctrl.contract.outline import NAME, is_json, operation_keys
from pytest_bctrl.contract.schema_document import SchemaDocument
from pytest_bctrl.contract.unapplied_security import UnappliedSecurity
from pytest_bctrl.contract.valid_parts import Exclusion, exclusion_texts
from pytest_bctrl.errors import DocumentError

Schema: TypeAlias = Mapping[str, Any] | bool

BODILESS = frozenset({204, 304})
"""Statuses of responses that end with the head, even if it has a length (RFC 9112, 6.3); 205 is not one of them."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1); TRACE is left out because it would echo the key."""

_OVERRIDE = re.compile(r"x-(http-)?method|(x-)?(http-)?method-override|-method|\$(http)?method")


def overrides_method(name: str) -> bool:
    """Return whether a header field or query parameter of this name overrides the method of the request line.

    Servers of Rails, Symfony, Spring, ASP.NET and Google support such overrides.
    """
    return _OVERRIDE.fullmatch(name.strip().lower().replace("_", "-")) is not None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A documented parameter. `setting` is the name of the setting that holds its real value, if any.

    `examples` are its documented values, the most specific first. `style` and `explode` define how lists and objects
    are serialised (OpenAPI 3.1, 4.8.12.3); with `is_json`, the value is serialised as JSON (`content`). `allow_empty`
    is whether the value may be empty regardless of the schema (`allowEmptyValue`).
    """

    name: str
    in_: str
    required: bool
    schema: Schema
    setting: str | None = None
    examples: tuple[Any, ...] = ()
    style: str = "form"
    explode: bool = True
    is_json: bool = False
    allow_empty: bool = False


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one property of a form is sent (OpenAPI 3.1, 4.8.15).

    `content_type` is the documented media type of a part, or several separated by commas; empty if there is none.
    `style` and `explode` are None where the contract has the default.
    """

    content_type: str = ""
    style: str | None = None
    explode: bool | None = None
    headers: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaType:
    """A documented media type of a request body: its schema, and the encoding of the properties of a form."""

    schema: Schema
    encoding: Mapping[str, Encoding] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The documented body of a request, by media type or range (`application/*`).

    `invalid` is the problem if the document's definition is invalid; then any body is allowed.
    """

    content: Mapping[str, MediaType]
    required: bool = False
    invalid: str = ""


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """A documented response: its status (`200`, `4XX` or `default`), the schemas of its media types, and its headers.

    `json` is the media type and the schema of the JSON body, or None if there is no JSON body. `examples` are the
    documented bodies per media type, by name; the name of the only one (`example`) is empty. `item_schemas` are the
    schemas of the items (`itemSchema`) of media types that have one, such as event streams. `invalid` says what is
    invalid in the document; then any body is allowed.
    """

    status: str
    description: str
    content: Mapping[str, Schema]
    headers: tuple[Parameter, ...]
    json: tuple[str, Schema] | None = None
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    item_schemas: Mapping[str, Schema] = field(default_factory=dict)
    invalid: str = ""

    @property
    def code(self) -> int:
        """A status code of this response: the first code of a range, and 200 for `default`."""
        if self.status == "default":
            return 200
        return int(self.status.upper().replace("X", "0"))


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """An entry of `components.securitySchemes`.

    `in_` and `field` locate an API key in the request. `prefix` is what precedes it there, from the settings or the
    description of the scheme: OpenAPI has no keyword for it.
    """

    name: str
    type: str
    scheme: str = ""
    in_: str = ""
    field: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """An operation of the contract. `paging` is the value of `x-bctrl-paging`, or None if it is absent.

    `security` has the alternative requirements in order of preference: the first one applies.

    `servers` has the URLs of the servers that the operation or its path names in place of those of the contract.
    `assumed` is the scheme whose key a request carries although no `security` of the document applies it, if there is
    only one that may be meant.
    """

    method: str
    path: str
    operation_id: str
    summary: str
    parameters: tuple[Parameter, ...]
    responses: Mapping[str, ResponseSpec]
    security: tuple[tuple[SecurityScheme, ...], ...]
    invariants: tuple[Mapping[str, Any], ...] = ()
    paging: Mapping[str, str] | Literal[False] | None = None
    request_body: RequestBody | None = None
    servers: tuple[str, ...] = ()
    assumed: SecurityScheme | None = None

    @property
    def label(self) -> str:
        """The label shown to users, such as `GET /v1/spaces/{id}/runtimes`."""
        return f"{self.method} {self.path}"

    @property
    def pointer(self) -> str:
        """The JSON pointer of the operation, if its path item is not a reference."""
        return "/".join(["/paths", escape_token(self.path), *map(escape_token, operation_keys(self.method))])

    @property
    def is_safe(self) -> bool:
        """Whether the method is safe and no parameter overrides it, so that a request changes nothing on the server."""
        return self.method in SAFE_METHODS and not any(
            overrides_method(parameter.name) for parameter in self.parameters
        )

    @property
    def path_parameters(self) -> tuple[Parameter, ...]:
        """The parameters in the path."""
        return tuple(parameter for parameter in self.parameters if parameter.in_ == "path")

    @property
    def other_parameters(self) -> tuple[Parameter, ...]:
        """The parameters in query, headers and cookies."""
        return tuple(parameter for parameter in self.parameters if parameter.in_ != "path")

    @property
    def is_public(self) -> bool:
        """Whether the operation requires no credential."""
        return not self.security or () in self.security

    @property
    def success(self) -> ResponseSpec | None:
        """The first documented success response, preferably in JSON: a 2xx, else a redirection, `default`, or None."""
        for prefix in ("2", "3", "d"):
            responses = [response for status, response in sorted(self.responses.items()) if status.startswith(prefix)]
            if responses:
                return next((response for response in responses if response.json), responses[0])
        return None

    def first_documented(self, *statuses: int) -> int:
        """Return the first of the statuses that is documented by its code or range, else the first of them."""
        for status in statuses:
            response = self.response_for(status)
            if response is not None and response.status != "default":
                return status
        return statuses[0]

    @property
    def success_statuses(self) -> frozenset[int]:
        """All documented codes of success, ranges expanded; the redirections if no 2xx is documented."""
        successes = [status for status in self.responses if status.startswith("2")]
        successes = successes or [status for status in self.responses if status.startswith("3")]
        return frozenset(chain.from_iterable(map(_status_codes, successes)))

    def response_for(self, status: int) -> ResponseSpec | None:
        """Return the documented response for a status: by the exact code, else its range, else `default`; or None."""
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            if key in self.responses:
                return self.responses[key]
        return None

    def url_path(self, values: Mapping[str, str]) -> str:
        """Return the path with its parameters replaced by their values, which are percent-encoded here."""
        path = self.path
        for parameter in self.path_parameters:
            path = path.replace(f"{{{parameter.name}}}", encode_segment(values[parameter.name]))
        return path


def path_pattern(path: str, quantifier: str = "+") -> tuple[re.Pattern[str], list[str]]:
    """Return a pattern with a group per parameter that matches a path template, and the parameters' names.

    `quantifier` is that of a group's characters: `*` also matches empty values.
    """
    texts = NAME.split(path)
    # The odd texts are the names of the parameters.
    literals = map(re.escape, texts[::2])
    return re.compile(f"([^/]{quantifier})".join(literals)), texts[1::2]


LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Matches what JSON can contain and UTF-8, and so a URL, cannot."""

_SLASH = "\ud800"
"""Stands for a slash inside a segment; a decoded text has no lone surrogate."""


def decode_path(path: str) -> str:
    """Return the path of a URL as `path_pattern` matches it: its segments decoded, and slashes inside them replaced.

    A client may encode any character of a literal segment, and has to encode those that are not ASCII.
    """
    if "%" not in path:
        return path
    return "/".join(unquote(text, errors="replace").replace("/", _SLASH) for text in path.split("/"))


def path_value(text: str) -> str:
    """Return the value of a parameter that a group of `path_pattern` matched in a path from `decode_path`."""
    return text.replace(_SLASH, "/")


def _status_codes(status: str) -> Iterable[int]:
    """Return the codes of a documented status, which may be a range such as `2XX`."""
    if status.isdigit():
        return (int(status),)
    first = int(status[0]) * 100
    return range(first, first + 100)


def path_specificity(path: str) -> list[tuple[int, int, int]]:
    """Return a sort key that orders path templates by specificity: literal segments first (OpenAPI 3.1, 4.8.8.2).

    Of segments with parameters, those with literal text come first (`cover.{format}`), and of these those with fewer
    parameters and more text.
    """
    return list(map(_segment_sort_key, path.split("/")))


def _segment_sort_key(segment: str) -> tuple[int, int, int]:
    """Return the sort key of a path segment: literal, then partly literal, then a parameter alone."""
    texts = NAME.split(segment)
    literal_length, parameters = sum(map(len, texts[::2])), len(texts) // 2
    if not parameters:
        return 0, 0, 0
    if not literal_length:
        return 2, parameters, 0
    return 1, parameters, -literal_length


def encode_segment(value: str) -> str:
    """Return a value percent-encoded as a path segment (RFC 3986, 3.3); dots alone are encoded too.

    A lone surrogate represents a byte that is not UTF-8, as in `os.fsdecode`.
    """
    if value.strip("."):
        return quote(value, safe="", errors="surrogateescape")
    return value.replace(".", "%2E")


@dataclass(frozen=True, eq=False)
class Contract(SchemaDocument):
    """The vendored OpenAPI document with the overlay applied; the API is checked against it.

    `source` is the merged document in OpenAPI 3.1. `document` is the same, with references by identifier replaced by
    pointers. `digest` is the SHA-256 of the merged document in canonical JSON (sorted keys, no spaces), in hex.
    `origin` describes which setting selected the document and where its spec was vendored from; it may be empty.
    `excluded` are the invalid parts of the document, which are not part of the contract. `unapplied` is the security
    that the document describes, or leaves out, without saying which operations need it. `preferred_schemes` are the
    names of the security schemes that the settings select, the first one first.
    """

    name: str
    title: str
    version: str
    digest: str
    servers: tuple[str, ...]
    operations: tuple[Operation, ...]
    document: Mapping[str, Any] = field(repr=False)
    source: Mapping[str, Any] = field(repr=False)
    origin: str = ""
    excluded: tuple[Exclusion, ...] = ()
    unapplied: UnappliedSecurity | None = None
    preferred_schemes: tuple[str, ...] = ()

    @property
    def described(self) -> str:
        """The document's name for messages, with its origin."""
        name = short_path(self.name)
        if not self.origin:
            return name
        return f"{name} ({self.origin})"

    def operation(self, operation_id: str) -> Operation:
        """Return the operation with this `operationId` or label; raises `DocumentError` if there is none."""
        for operation in self.operations:
            if operation_id in (operation.operation_id, operation.label):
                return operation
        names = ", ".join(operation.operation_id or operation.label for operation in self.operations)
        raise DocumentError(f"the contract has no operation {operation_id!r}", where=self.name, hint=f"it has: {names}")

    @cached_property
    def has_space(self) -> bool:
        """Whether a parameter of some operation takes the space id from the settings, as in the packaged contract."""
        parameters = (parameter for operation in self.operations for parameter in operation.parameters)
        return any(parameter.setting == "space_id" for parameter in parameters)

    @cached_property
    def exclusions(self) -> list[str]:
        """A sentence per invalid part of the document, naming the operations that are not checked because of it."""
        return self.exclusions_as("checked")

    def exclusions_as(self, verb: str) -> list[str]:
        """Return a sentence per problem: operations and bodies are not `verb`, such as `checked`; others not used."""
        unchecked = [exclusion for exclusion in self.excluded if exclusion.is_operation or exclusion.is_body]
        unused = [exclusion for exclusion in self.excluded if exclusion not in unchecked]
        return [*exclusion_texts(unchecked, verb), *exclusion_texts(unused, "used")]

    @cached_property
    def short_digest(self) -> str:
        """The first twelve hex digits of the digest, for display."""
        return self.digest[:12]


def select_media_type(documented: Iterable[str], actual: str) -> str | None:
    """Return the most exact type that covers `actual`, None if `actual` is not JSON; if none does, the first for JSON.

    None also if no documented type may be JSON. A wrong or missing type of a response is a separate finding and does
    not exempt the body.
    """
    documented = list(documented)
    covering = covering_media_type(documented, actual)
    if covering is None:
        return next((media for media in documented if _may_be_json(media)), None)
    return covering if _may_be_json(actual) else None


def covering_media_type(documented: Iterable[str], actual: str) -> str | None:
    """Return the most exact type that covers `actual`: `application/json` before `application/*` before `*/*`."""
    covering = [media for media in documented if covers_media_type(media, actual)]
    return min(covering, key=lambda media: media.count("*"), default=None)


def covers_media_type(documented: str, actual: str) -> bool:
    """Return whether a documented media type or range (`application/*`, `*/*`) includes the actual media type.

    The actual media type must be in lower case and without parameters.
    """
    kind, _, subtype = documented.partition(";")[0].strip().lower().partition("/")
    actual_kind, _, actual_subtype = actual.partition("/")
    return bool(actual) and kind in ("*", actual_kind) and subtype in ("*", actual_subtype)


def concrete_media_type(media: str) -> str:
    """Return a documented media type, or if it is a range, a media type within it."""
    if "*" not in media:
        return media
    kind = media.partition("/")[0].strip("* ") or "text"
    if kind == "text":
        return "text/plain"
    return f"{kind}/octet-stream"


def _may_be_json(media: str) -> bool:
    """Return whether a media type or range may name JSON (RFC 8259, 11; RFC 6839, 3.1)."""
    return is_json(media) or media.partition(";")[0].strip().endswith("/*")
