"""Reads an OpenAPI document into the model of the contract."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_bctrl.contract import outline
from pytest_bctrl.contract.document import EXCLUDED, Document, load_document, read_file
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.key_fields import with_assumed_scheme, with_preferred_schemes
from pytest_bctrl.contract.model import (
    Contract,
    Encoding,
    MediaType,
    Operation,
    Parameter,
    RequestBody,
    ResponseSpec,
    SecurityScheme,
    covers_media_type,
)
from pytest_bctrl.contract.outline import is_json, operations
from pytest_bctrl.contract.spec import Part, Spec
from pytest_bctrl.contract.unapplied_security import AUTHORIZATION, find_unapplied, with_unapplied_schemes
from pytest_bctrl.errors import DocumentError


def load(path: str | Path | None = None, option: str = "--bctrl-contract") -> Contract:
    """Return the packaged contract, or that of an OpenAPI document at a path; raises `DocumentError` if it is invalid.

    `option` is the option that has the path, for errors. Raises `DocumentError` if the file is missing, broken or not
    OpenAPI 3.0, 3.1 or 3.2.
    """
    return load_from(path, option, "")


def load_from(path: str | Path | None, option: str, origin: str) -> Contract:
    """Return a contract as `load` does; `origin` says in reports where it is from."""
    if path is None:
        # The tests validate the packaged document, so it need not be validated at every start.
        file = packaged().merged
        return from_validated(_load_file(file, option).data, str(file), origin=origin)
    return from_document(read_bundle(path, option), str(path), origin=origin)


def _load_file(path: Path, option: str) -> Document:
    """Return the document in a file that an option has; raises `DocumentError` if it cannot be read."""
    text = read_file(path, f"{option} takes an OpenAPI 3.0, 3.1 or 3.2 document in JSON or YAML", "the contract")
    return load_document(text, str(path))


def read_bundle(path: str | Path, option: str) -> dict[str, Any]:
    """Return the data of a document and of the files that it refers to, not yet validated."""
    from pytest_bctrl.contract.bundle import bundle_files

    document = _load_file(Path(path), option)
    bundle: dict[str, Any] = bundle_files(document, lambda name: read_file(Path(name), "", "the file"))
    return bundle


def from_document(document: Any, name: str, *, origin: str = "") -> Contract:
    """Return the contract of a document, without its invalid parts; raises `DocumentError` if nothing is valid.

    Invalid operations are not part of the contract, but listed in `excluded`, as are links and examples that cannot be
    read, and an `operationId` that another operation has. Raises `DocumentError` if it is not an
    OpenAPI 3.0, 3.1 or 3.2 document, or if no operation is valid.
    """
    from pytest_bctrl.contract.soundness import find_problems
    from pytest_bctrl.contract.unused_parts import without_repeated_ids, without_unreadable_samples
    from pytest_bctrl.contract.upgrade import upgrade_supported
    from pytest_bctrl.contract.valid_parts import valid_parts, with_original_pointers

    upgraded, sha256 = upgrade_supported(document, name), digest(document)

    def contract_of(part: Mapping[str, Any]) -> Contract:
        """Return the contract of a part of the document, with the digest of the whole document."""
        return _valid_contract(part, name, sha256, origin)

    try:
        return without_repeated_ids(contract_of(upgraded))
    except DocumentError as error:
        readable, samples = without_unreadable_samples(upgraded, name)
        part, excluded = valid_parts(readable, list(find_problems(readable, name)), contract_of, document)
        contract = _contract_or_none(with_unapplied_schemes(part, readable), contract_of)
        # An invalid scheme that no operation uses is no problem.
        contract = contract or _contract_or_none(part, contract_of)
        if contract is None:
            raise error from None
        exclusions = tuple(with_original_pointers(document, exclusion) for exclusion in (*excluded, *samples))
        return without_repeated_ids(replace(contract, excluded=exclusions))


def _contract_or_none(
    document: Mapping[str, Any], contract_of: Callable[[Mapping[str, Any]], Contract]
) -> Contract | None:
    """Return the contract of a document, or None if the document is invalid."""
    try:
        return contract_of(document)
    except DocumentError:
        return None


def _valid_contract(document: Mapping[str, Any], name: str, sha256: str, origin: str) -> Contract:
    """Return the contract of a document of OpenAPI 3.1 or 3.2; raises `DocumentError` if any part of it is invalid."""
    from pytest_bctrl.contract.engine import require_resolvable
    from pytest_bctrl.contract.paging_read import require_known_paging
    from pytest_bctrl.contract.soundness import require_valid

    resolved = require_valid(document, name)
    contract = from_validated(resolved, name, document, sha256, origin=origin)
    require_resolvable(contract)
    require_known_paging(contract)
    if not contract.operations:
        raise DocumentError(
            "it has no operation", where=f"{name}: #/paths", hint="give a document with a method below a path"
        )
    return contract


def from_validated(
    document: Mapping[str, Any],
    name: str,
    source: Mapping[str, Any] | None = None,
    sha256: str = "",
    *,
    origin: str = "",
) -> Contract:
    """Return the contract of a document that is known to be valid, without validating it.

    `source` is the document with its references by identifier, and `sha256` the digest of the original document.
    """
    info = document.get("info", {})
    spec = Spec(Document(dict(document), "json", name, "", 1, {}), _require_kind)
    schemes = {scheme: _read_security_scheme(scheme, part) for scheme, part in outline.security_schemes(spec).items()}
    if source is None:
        source = document
    unapplied = find_unapplied(spec)
    read = Contract(
        name=name,
        title=str(info.get("title", "")),
        version=str(info.get("version", "")),
        digest=sha256 or digest(source),
        servers=_server_urls(document.get("servers")),
        operations=tuple(_read_operation(spec, schemes, operation) for operation in operations(spec)),
        document=document,
        source=source,
        origin=origin,
        unapplied=unapplied,
    )
    contract = with_preferred_schemes(read)
    if unapplied is None or not unapplied.scheme or any(field != AUTHORIZATION for field, _ in unapplied.parameters):
        # A parameter gets its value from the settings, if at all.
        return contract
    definition = Part(unapplied.schemes[unapplied.scheme], "")
    return with_assumed_scheme(contract, _read_security_scheme(unapplied.scheme, definition))


def _server_url(server: Mapping[str, Any]) -> str:
    """Return a server's URL with the defaults of its variables (OpenAPI 3.1, 4.8.6), without slashes at its end.

    The root path `/` is not the empty reference, which is the URL of the document itself.
    """
    url = str(server["url"])
    for name, variable in server.get("variables", {}).items():
        url = url.replace(f"{{{name}}}", variable["default"])
    return url.rstrip("/") or url[:1]


def digest(document: Any) -> str:
    """Return the SHA-256 of a document in canonical JSON, in hex."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _read_operation(spec: Spec, schemes: Mapping[str, SecurityScheme], operation: outline.RawOperation) -> Operation:
    """Return an operation of the document as the contract's `Operation`. Raises `DocumentError` if it is invalid."""
    raw, path_names = operation.part, operation.path_parameters
    responses = outline.responses(spec, operation).items()
    parameters: dict[tuple[str, str], Parameter] = {}
    for parameter in outline.parameters(spec, operation).values():
        if parameter.in_ == "path" and parameter.name not in path_names:
            # No request contains a path parameter that the path does not name.
            continue
        if parameter.in_ == "header" and parameter.name.lower() in _IGNORED:
            continue
        if parameter.in_ == "querystring":
            raise spec.error_at(
                parameter.part, "a parameter in querystring is not supported", "declare its fields as query parameters"
            )
        parameters[parameter.in_, parameter.name] = _with_setting(_read_parameter(spec, parameter), operation.path)
    for name in path_names:
        undeclared = Parameter(name, "path", True, {"type": "string"}, style="simple", explode=False)
        parameters.setdefault(("path", name), undeclared)
    return Operation(
        method=operation.label.partition(" ")[0],
        path=operation.path,
        operation_id=spec.text(raw / "operationId"),
        summary=spec.text(raw / "summary"),
        parameters=tuple(parameters.values()),
        responses={status: _read_response(spec, status, part) for status, part in responses},
        security=tuple(
            tuple(schemes[name] for name in requirement)
            for requirement in outline.security_requirements(spec, outline.security_part(spec, operation))
        ),
        invariants=tuple(raw.value.get("x-bctrl-invariants", ())),
        paging=raw.value.get("x-bctrl-paging"),
        request_body=_read_request_body(spec, raw / "requestBody"),
        servers=_server_urls(raw.value.get("servers", operation.item.value.get("servers"))),
    )


def _server_urls(servers: object) -> tuple[str, ...]:
    """Return the URLs of the servers of a document, an operation or its path; invalid ones are left out."""
    if not isinstance(servers, list):
        return ()
    urls = []
    for server in servers:
        try:
            url = _server_url(server)
            # Reading an invalid port raises `ValueError`.
            _ = urlsplit(url).port
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        urls.append(url)
    return tuple(urls)


def _read_request_body(spec: Spec, part: Part) -> RequestBody | None:
    """Return the documented body of a request, or None if there is none."""
    body = spec.resolve(part, "requestBodies")
    if body.value is None:
        return None
    content = {
        name: MediaType(media.value.get("schema", True), _read_encodings(spec, media))
        for name, media in outline.media_types(spec, body).items()
    }
    return RequestBody(content, spec.flag(body / "required"), spec.text(body / EXCLUDED))


def _read_encodings(spec: Spec, media: Part) -> dict[str, Encoding]:
    """Return the encodings of the properties of a form, by property name."""
    return {name: _read_encoding(spec, part) for name, part in spec.members(media / "encoding")}


def _read_encoding(spec: Spec, part: Part) -> Encoding:
    """Return the encoding of a property of a form."""
    explode = part / "explode"
    return Encoding(
        content_type=spec.text(part / "contentType"),
        style=spec.text(part / "style") or None,
        explode=None if explode.value is None else spec.flag(explode),
        headers=tuple(_read_parameter(spec, header) for header in outline.headers(spec, part).values()),
    )


def _with_setting(parameter: Parameter, path: str) -> Parameter:
    """Return the parameter with the setting `space_id` if it is the id of a space in the path, else unchanged.

    The published spec does not mention settings, and a generated id would not be that of a space. A setting or an
    example in the document takes precedence.
    """
    is_space = parameter.in_ == "path" and f"/spaces/{{{parameter.name}}}" in path
    if not is_space or parameter.setting is not None or parameter.examples:
        return parameter
    return replace(parameter, setting="space_id")


_IGNORED = frozenset({"authorization", "accept-encoding", "connection", "content-length", "host", "transfer-encoding"})
"""Headers whose parameter definitions are ignored: by the specification (OpenAPI 3.1, 4.8.12.1), or because every
client sets them itself.
"""


def _read_parameter(spec: Spec, raw: outline.RawParameter) -> Parameter:
    """Return a raw parameter as the contract's `Parameter`."""
    return Parameter(
        name=raw.name,
        in_=raw.in_,
        required=raw.required,
        schema=raw.holder.value.get("schema", True),
        setting=raw.part.value.get("x-bctrl-setting"),
        examples=tuple(_parameter_examples(spec, raw.holder)),
        style=raw.style,
        explode=raw.explode,
        is_json=is_json(raw.style),
        allow_empty=spec.flag(raw.part / "allowEmptyValue"),
    )


def _parameter_examples(spec: Spec, holder: Part) -> Iterator[Any]:
    """Yield the documented values of a parameter: its examples, those of its schema, and the default."""
    yield from _named_examples(spec, holder).values()
    schema = _schema_keywords(spec, holder / "schema")
    if "example" in schema:
        yield schema["example"]
    yield from schema.get("examples", ())
    if "default" in schema:
        yield schema["default"]


def _named_examples(spec: Spec, holder: Part) -> dict[str, Any]:
    """Return the examples of a parameter or a media type by name; that of `example` has an empty name."""
    examples: dict[str, Any] = {}
    if "example" in holder.value:
        examples[""] = holder.value["example"]
    for name, part in spec.members(holder / "examples"):
        example = spec.mapping(spec.resolve(part))
        # `dataValue` is the member of OpenAPI 3.2.
        for key in ("value", "dataValue"):
            if key in example:
                examples[name] = example[key]
    return examples


def _schema_keywords(spec: Spec, part: Part) -> Mapping[str, Any]:
    """Return the keywords of a schema, its reference followed; none for a boolean schema."""
    resolved = spec.resolve(part).value
    return resolved if isinstance(resolved, Mapping) else {}


def _read_response(spec: Spec, status: str, response: Part) -> ResponseSpec:
    """Return a response of the document as the contract's `ResponseSpec`."""
    content = {media: spec.resolve(part) for media, part in spec.members(response / "content")}
    json_body = next(_json_bodies(spec, content), None)
    examples = {media: _named_examples(spec, body) for media, body in content.items()}
    if json_body is not None and json_body[0] not in examples:
        # The body is documented for a range of media types, such as `*/*`.
        covering = (media for media in examples if covers_media_type(media, json_body[0]))
        examples[json_body[0]] = examples[next(covering)]
    return ResponseSpec(
        status=status,
        description=spec.text(response / "description"),
        content={media: body.value.get("schema", True) for media, body in content.items()},
        json=json_body,
        headers=tuple(_read_parameter(spec, header) for header in outline.headers(spec, response).values()),
        examples=examples,
        item_schemas={media: body.value["itemSchema"] for media, body in content.items() if "itemSchema" in body.value},
        invalid=spec.text(response / EXCLUDED),
    )


def _json_bodies(spec: Spec, content: Mapping[str, Part]) -> Iterator[tuple[str, Any]]:
    """Yield media type and schema of JSON bodies, then `application/json` for ranges with an object or array schema."""
    yield from ((media, body.value.get("schema", True)) for media, body in content.items() if is_json(media))
    for media, body in content.items():
        if covers_media_type(media, "application/json") and _schema_keywords(spec, body / "schema").get("type") in (
            "object",
            "array",
        ):
            yield "application/json", body.value["schema"]


def _read_security_scheme(name: str, part: Part) -> SecurityScheme:
    """Return an entry of `components.securitySchemes` as a `SecurityScheme`; a missing field is empty."""
    type_, scheme, in_, field, description = (
        str(part.value.get(key, "")) for key in ("type", "scheme", "in", "name", "description")
    )
    prefix = ""
    if type_ == "http" and scheme.lower() not in _HTTP_SCHEMES:
        prefix = f"{scheme} "
    elif type_ == "apiKey" and in_ == "header":
        prefix = _described_prefix(description)
    return SecurityScheme(name, type_, scheme.lower(), in_, field, prefix)


_HTTP_SCHEMES = frozenset(
    {"", "basic", "bearer", "concealed", "digest", "dpop", "gnap", "hoba", "mutual", "negotiate", "ntlm", "oauth"}
    | {"privatetoken", "scram-sha-1", "scram-sha-256", "vapid", "hmac", "signature", "aws4-hmac-sha256", "hawk"}
)
"""The HTTP authentication schemes with a format of their own; a key follows the name of any other (RFC 9110, 11.1)."""

_PREFIXED_KEY = re.compile(
    r"""(?i)\b(?P<word>bearer|token|api-?key|key|basic|oauth|jwt|(?<=authorization:\s)[\w-]+)(?P<gap>\s+|=)"""
    r"""(?:token=)?["']?(?:<[^<>]+>|\{+[^{}]+\}+|\[[^\[\]]+\]|\$\w+|(?:your|my)[-_ ]\w+|x{3,}|…|\.\.\.)"""
)
"""Matches a word and a placeholder, such as `Token <key>`, in the description of an API key."""


def _described_prefix(description: str) -> str:
    """Return what precedes an API key in its header field, as the description of its scheme shows; empty if nothing.

    An example of a field, such as `X-Key: <key>`, shows nothing.
    """
    match = _PREFIXED_KEY.search(description)
    if match is None:
        return ""
    return match["word"] + ("=" if match["gap"] == "=" else " ")


def _require_kind(kind: str, value: Any, where: str) -> None:
    """Raise `DocumentError` unless a value is valid as a component of a kind."""
    from pytest_bctrl.contract.soundness import require_kind

    require_kind(kind, value, where)
