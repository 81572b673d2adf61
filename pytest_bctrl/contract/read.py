"""Reads the merged document into the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_bctrl.contract import outline
from pytest_bctrl.contract.document import Document, load_document, read_file
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.model import Contract, Operation, Parameter, ResponseSpec, SecurityScheme, covers_media_type
from pytest_bctrl.contract.outline import Part, Spec, is_json, operations
from pytest_bctrl.errors import DocumentError


def load(path: str | Path | None = None, option: str = "--bctrl-contract") -> Contract:
    """Load a contract: the packaged one, or an OpenAPI 3.0 or 3.1 document of one's own (JSON or YAML).

    `option` is what the path was given as, for errors.

    Raises `DocumentError` where the file is missing, broken or not OpenAPI 3.0 or 3.1.
    """
    return load_from(path, option, "")


def load_from(path: str | Path | None, option: str, origin: str) -> Contract:
    """Load a contract as `load` does; `origin` says where it is from, for reports."""
    file = Path(path) if path is not None else packaged().merged
    text = read_file(file, f"{option} takes an OpenAPI 3.0 or 3.1 document in JSON or YAML", "the contract")
    document = load_document(text, str(file))
    if path is None:
        # The packaged document is proven sound by the tests, and is not proven again at every start.
        return from_validated(document.data, str(file), origin=origin)
    from pytest_bctrl.contract.bundle import bundle_files

    bundle = bundle_files(document, lambda name: read_file(Path(name), "", "the file"))
    return from_document(bundle, str(file), origin=origin)


def from_document(document: Any, name: str, *, origin: str = "") -> Contract:
    """Read a merged document into a `Contract`; `name` is what errors call it.

    Raises `DocumentError` where it is not a sound OpenAPI 3.0 or 3.1 document or a reference leads nowhere.
    """
    from pytest_bctrl.contract.engine import require_resolvable
    from pytest_bctrl.contract.paging_read import require_known_paging
    from pytest_bctrl.contract.soundness import validate_document

    source, proven = validate_document(document, name)
    contract = from_validated(proven, name, source, digest(document), origin=origin)
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
    """Read a document that is known to be sound into a `Contract`.

    `source` is it before references by identifier gave way to pointers, `sha256` the digest of what was given.
    """
    info = document.get("info", {})
    spec = Spec(Document(dict(document), "json", name, "", 1, {}), _require_kind)
    schemes = {scheme: _scheme(scheme, part) for scheme, part in outline.security_schemes(spec).items()}
    source = document if source is None else source
    return Contract(
        name=name,
        title=str(info.get("title", "")),
        version=str(info.get("version", "")),
        digest=sha256 or digest(source),
        servers=tuple(_server(server) for server in document.get("servers", ())),
        operations=tuple(_operation(spec, schemes, one) for one in operations(spec)),
        document=document,
        source=source,
        origin=origin,
    )


def _server(server: Mapping[str, Any]) -> str:
    """The URL of a server, with the default of each of its variables (OpenAPI 3.1, 4.8.6)."""
    url = str(server["url"])
    for variable, described in server.get("variables", {}).items():
        url = url.replace(f"{{{variable}}}", described["default"])
    return url.rstrip("/")


def digest(document: Any) -> str:
    """SHA-256 of a document in canonical JSON, in hex."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _operation(spec: Spec, schemes: Mapping[str, SecurityScheme], operation: outline.RawOperation) -> Operation:
    raw, named = operation.part, operation.path_parameters
    responses = outline.responses(spec, operation).items()
    parameters: dict[tuple[str, str], Parameter] = {}
    for one in outline.parameters(spec, operation).values():
        # One of the path that the path does not name is in no request.
        is_ignored = one.name not in named if one.in_ == "path" else one.name.lower() in _IGNORED
        if not is_ignored or one.in_ not in ("path", "header"):
            parameters[one.in_, one.name] = _with_setting(_parameter(spec, one), operation.path)
    for undeclared in named:
        text = Parameter(undeclared, "path", True, {"type": "string"}, style="simple", explode=False)
        parameters.setdefault(("path", undeclared), text)
    return Operation(
        method=operation.method.upper(),
        path=operation.path,
        operation_id=spec.text(raw / "operationId"),
        summary=spec.text(raw / "summary"),
        parameters=tuple(parameters.values()),
        responses={status: _response(spec, status, part) for status, part in responses},
        security=tuple(
            tuple(schemes[name] for name in requirement)
            for requirement in outline.security_requirements(spec, outline.security_part(spec, operation))
        ),
        invariants=tuple(raw.value.get("x-bctrl-invariants", ())),
        paging=raw.value.get("x-bctrl-paging"),
    )


def _with_setting(parameter: Parameter, path: str) -> Parameter:
    """Return a parameter that takes its value from the setting of the space id, where it stands for a space.

    The published spec says nothing of settings, and no generated id names a space. What a document says itself counts,
    as does an example.
    """
    is_space = parameter.in_ == "path" and f"/spaces/{{{parameter.name}}}" in path
    is_open = is_space and parameter.setting is None and not parameter.examples
    return replace(parameter, setting="space_id") if is_open else parameter


_IGNORED = frozenset({"authorization", "accept-encoding", "connection", "content-length", "host", "transfer-encoding"})
"""Header fields of which a parameter says nothing: its definition "shall be ignored" (OpenAPI 3.1, 4.8.12.1), and those
that every client writes as it needs them.
"""


def _parameter(spec: Spec, found: outline.RawParameter) -> Parameter:
    return Parameter(
        name=found.name,
        in_=found.in_,
        required=found.required,
        schema=found.holder.value.get("schema", True),
        setting=found.part.value.get("x-bctrl-setting"),
        examples=tuple(_examples(spec, found.holder)),
        style=found.style,
        explode=found.explode,
        is_json=is_json(found.style),
    )


def _examples(spec: Spec, described: Part) -> Iterator[Any]:
    """The values that a document gives a parameter, from the parameter itself to the default of its schema."""
    if "example" in described.value:
        yield described.value["example"]
    for _, example in spec.members(described / "examples"):
        found = spec.mapping(spec.resolve(example))
        if "value" in found:
            yield found["value"]
    resolved = _schema(spec, described / "schema")
    if "example" in resolved:
        yield resolved["example"]
    yield from resolved.get("examples", ())
    if "default" in resolved:
        yield resolved["default"]


def _schema(spec: Spec, part: Part) -> Mapping[str, Any]:
    """The keywords of what a schema refers to, or its own; none of one that is true or false."""
    resolved = spec.resolve(part).value
    return resolved if isinstance(resolved, Mapping) else {}


def _response(spec: Spec, status: str, response: Part) -> ResponseSpec:
    content = dict(spec.members(response / "content"))
    return ResponseSpec(
        status=status,
        description=spec.text(response / "description"),
        content={media: body.value.get("schema", True) for media, body in content.items()},
        json=next(_in_json(spec, content), None),
        headers=tuple(_parameter(spec, header) for header in outline.headers(spec, response).values()),
    )


def _in_json(spec: Spec, content: Mapping[str, Part]) -> Iterator[tuple[str, Any]]:
    """The bodies in JSON: by their media type, and by a range of such, where the schema is that of no text."""
    yield from ((media, body.value.get("schema", True)) for media, body in content.items() if is_json(media))
    for media, body in content.items():
        if covers_media_type(media, "application/json") and _schema(spec, body / "schema").get("type") in (
            "object",
            "array",
        ):
            yield "application/json", body.value["schema"]


def _scheme(name: str, part: Part) -> SecurityScheme:
    kind, scheme, place, field = (str(part.value.get(word, "")) for word in ("type", "scheme", "in", "name"))
    return SecurityScheme(name, kind, scheme.lower(), place, field)


def _require_kind(kind: str, found: Any, where: str) -> None:
    from pytest_bctrl.contract.soundness import require_kind

    require_kind(kind, found, where)
