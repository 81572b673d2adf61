"""The contract as data: operations, parameters, responses and schemas, read from the merged document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, unquote

from pytest_bctrl.contract.document import value_at
from pytest_bctrl.contract.files import short_path
from pytest_bctrl.contract.outline import NAME, is_json
from pytest_bctrl.errors import DocumentError

Schema: TypeAlias = Mapping[str, Any] | bool

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1); TRACE is left out because it would echo the key."""

_OVERRIDE = re.compile(r"x-(http-)?method|(x-)?(http-)?method-override|-method|\$(http)?method")


def overrides_method(name: str) -> bool:
    """Whether servers take the method from a header field or query parameter of this name, and not from the request
    line, as those of Rails, Symfony, Spring, ASP.NET and Google do.
    """
    return _OVERRIDE.fullmatch(name.strip().lower().replace("_", "-")) is not None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One documented parameter. `setting` names the setting that holds its real value, where there is one.

    `examples` are the values that the document gives it, the most specific first. `style` and `explode` say how a list
    or an object is written (OpenAPI 3.1, 4.8.12.3), `is_json` that it is written as JSON (`content`).
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


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """One documented answer: status (`200`, `4XX` or `default`), media types with their schema, and header fields.

    `json` is the media type of its body in JSON, and the schema of that; None where it has none.
    """

    status: str
    description: str
    content: Mapping[str, Schema]
    headers: tuple[Parameter, ...]
    json: tuple[str, Schema] | None = None

    @property
    def code(self) -> int:
        """A status that it is for: the first of a range, 200 for `default`."""
        return 200 if self.status == "default" else int(self.status.upper().replace("X", "0"))


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """One way to authenticate, as `components.securitySchemes` has it; `place` and `field` are an API key's."""

    name: str
    type: str
    scheme: str = ""
    in_: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of the contract; `paging` is what `x-bctrl-paging` says, None where it says nothing."""

    method: str
    path: str
    operation_id: str
    summary: str
    parameters: tuple[Parameter, ...]
    responses: Mapping[str, ResponseSpec]
    security: tuple[tuple[SecurityScheme, ...], ...]
    invariants: tuple[Mapping[str, Any], ...] = ()
    paging: Mapping[str, str] | Literal[False] | None = None

    @property
    def label(self) -> str:
        """Method and path template, as people write it: `GET /v1/spaces/{id}/runtimes`."""
        return f"{self.method} {self.path}"

    @property
    def is_safe(self) -> bool:
        """Whether the method changes nothing on the server, and no parameter asks for another method."""
        return self.method in SAFE_METHODS and not any(overrides_method(one.name) for one in self.parameters)

    @property
    def path_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that are part of the path."""
        return tuple(parameter for parameter in self.parameters if parameter.in_ == "path")

    @property
    def other_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that are not part of the path: of the query, of the header, and cookies."""
        return tuple(parameter for parameter in self.parameters if parameter.in_ != "path")

    @property
    def is_public(self) -> bool:
        """Whether no credential is needed."""
        return not self.security or () in self.security

    @property
    def success(self) -> ResponseSpec | None:
        """The plainest documented success, in JSON where one is: a 2xx, else a redirection, else `default`."""
        for kind in ("2", "3", "d"):
            found = [spec for status, spec in sorted(self.responses.items()) if status.startswith(kind)]
            if found:
                return next((spec for spec in found if spec.json), found[0])
        return None

    def first_documented(self, *statuses: int) -> int:
        """The first of some statuses of which the contract says something by its code or range; else the first."""
        said = (code for code in statuses if (spec := self.response_for(code)) and spec.status != "default")
        return next(said, statuses[0])

    @property
    def success_statuses(self) -> frozenset[int]:
        """The documented statuses that mean success, redirections where there is no other; a range is all its codes."""
        successes = [status for status in self.responses if status.startswith("2")]
        successes = successes or [status for status in self.responses if status.startswith("3")]
        return frozenset(
            chain.from_iterable(
                [int(status)] if status.isdigit() else range(int(status[0]) * 100, int(status[0]) * 100 + 100)
                for status in successes
            )
        )

    def response_for(self, status: int) -> ResponseSpec | None:
        """Return what is documented for `status`: the exact code, then its range, then `default`."""
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            if key in self.responses:
                return self.responses[key]
        return None

    def url_path(self, values: Mapping[str, str]) -> str:
        """Fill the path template; every value is percent-encoded whole, so that it stays one segment."""
        path = self.path
        for parameter in self.path_parameters:
            path = path.replace(f"{{{parameter.name}}}", encode_segment(values[parameter.name]))
        return path


def path_pattern(path: str, times: str = "+") -> tuple[re.Pattern[str], list[str]]:
    """A path template as a pattern, with a group of so many characters for each parameter, and the names of those."""
    texts = NAME.split(path)
    pattern = "".join(f"([^/]{times})" if index % 2 else re.escape(text) for index, text in enumerate(texts))
    return re.compile(pattern), texts[1::2]


def path_specificity(path: str) -> list[int]:
    """How much each segment of a template leaves open: what is spelled out goes before a parameter (3.1, 4.8.8.2)."""
    return [("{" in part) + (re.fullmatch(r"\{[^{}]*\}", part) is not None) for part in path.split("/")]


def encode_segment(value: str) -> str:
    """Percent-encode one path segment (RFC 3986, 3.3), dot segments too, which clients would resolve away.

    A lone surrogate stands for a byte that is not UTF-8, as `os.fsdecode` has it.
    """
    return quote(value, safe="", errors="surrogateescape") if value.strip(".") else value.replace(".", "%2E")


@dataclass(frozen=True, eq=False)
class Contract:
    """The vendored OpenAPI document plus the overlay: what the API is checked against.

    `source` is the merged document in OpenAPI 3.1, and `document` the same with a pointer in place of each reference by
    identifier. `digest` is the SHA-256 of the merged document in canonical JSON (sorted keys, no spaces), in hex.
    `origin` says what chose the document, and from where its spec was vendored; empty where nobody did.
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

    @property
    def described(self) -> str:
        """The document for a reader, and where it comes from."""
        name = short_path(self.name)
        return f"{name} ({self.origin})" if self.origin else name

    def operation(self, operation_id: str) -> Operation:
        """Return the operation by `operationId` or by label; raises `DocumentError` where there is none."""
        for operation in self.operations:
            if operation_id in (operation.operation_id, operation.label):
                return operation
        known = ", ".join(operation.operation_id or operation.label for operation in self.operations)
        raise DocumentError(f"the contract has no operation {operation_id!r}", where=self.name, hint=f"it has: {known}")

    def resolve(self, schema: Schema) -> Schema:
        """Follow `$ref` until there is none, keeping what stands beside it (JSON Schema 2020-12, 8.2.3)."""
        for above, target in pairwise(follow_references(self.document, schema, self.name)):
            beside = {key: value for key, value in above.items() if key != "$ref"}
            if beside:
                return {**beside, "allOf": [target, *beside.get("allOf", ())]}
            schema = target
        return schema

    @cached_property
    def short_digest(self) -> str:
        """The first twelve hex digits of the digest, for people."""
        return self.digest[:12]


def follow_references(document: Mapping[str, Any], raw: Any, name: str) -> Iterator[Any]:
    """Yield a value, then what its `$ref` leads to, and so on; raises `DocumentError` for a circle."""
    seen: set[str] = set()
    yield raw
    while isinstance(raw, Mapping) and "$ref" in raw:
        reference = str(raw["$ref"])
        if reference in seen:
            raise DocumentError(
                "the reference leads back to itself", where=f"{name}: {reference}", hint="break the circle"
            )
        seen.add(reference)
        raw = resolve_pointer(document, reference, name)
        yield raw


def resolve_pointer(document: Mapping[str, Any], reference: str, name: str) -> Any:
    """Return what a local reference (`#/a/b`, RFC 6901) names; raises `DocumentError` where it leads nowhere."""
    if not reference.startswith("#"):
        raise DocumentError(
            "the reference leads outside the document", where=f"{name}: {reference}", hint="use a local one: #/…"
        )
    nowhere = DocumentError("the reference leads nowhere", where=f"{name}: {reference}", hint="define what it names")
    path = unquote(reference[1:])
    if path and not path.startswith("/"):
        # `#name` is an anchor, not a pointer.
        raise nowhere
    try:
        return value_at(document, path)
    except (KeyError, IndexError, TypeError, ValueError):
        raise nowhere from None


def select_media_type(documented: Iterable[str], actual: str) -> str | None:
    """The documented media type or range whose schema a body is held to; None where it may not be JSON.

    An answer with a wrong or missing content type is held to the first that may be JSON: that its type is wrong is a
    finding of its own, and no reason to leave the body unseen.
    """
    documented = list(documented)
    covering = [media for media in documented if covers_media_type(media, actual)]
    # The most exact one: `application/json` before `application/*` before `*/*`.
    best = min(covering, key=lambda media: media.count("*"), default=None)
    if best is not None:
        return best if _may_be_json(actual) else None
    return next((media for media in documented if _may_be_json(media)), None)


def covers_media_type(documented: str, actual: str) -> bool:
    """Whether a documented media type or range (`application/*`, `*/*`) covers the actual one."""
    kind, _, subtype = documented.partition(";")[0].strip().lower().partition("/")
    actual_kind, _, actual_subtype = actual.partition("/")
    return bool(actual) and kind in ("*", actual_kind) and subtype in ("*", actual_subtype)


def concrete_media_type(media: str) -> str:
    """A media type for a documented one, which may be a range: that is none."""
    kind = media.partition("/")[0].strip("* ") or "text"
    return f"{kind}/{'plain' if kind == 'text' else 'octet-stream'}" if "*" in media else media


def _may_be_json(media: str) -> bool:
    """Whether a media type or range can name JSON (RFC 8259, 11; RFC 6839, 3.1)."""
    return is_json(media) or media.partition(";")[0].strip().endswith("/*")
