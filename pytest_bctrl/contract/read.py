"""Reads the merged document into the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pytest_bctrl.contract.document import load_document, read_file
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.model import (
    METHODS,
    Contract,
    Operation,
    Parameter,
    ResponseSpec,
    SecurityScheme,
    covers,
    is_json,
    referred,
    template,
)
from pytest_bctrl.contract.references import is_component
from pytest_bctrl.errors import DocumentError


def load(path: str | Path | None = None, option: str = "--bctrl-contract") -> Contract:
    """Load a contract: the packaged one, or an OpenAPI 3.0 or 3.1 document of one's own (JSON or YAML).

    `option` is what the path was given as, for errors.

    Raises `DocumentError` where the file is missing, broken or not OpenAPI 3.0 or 3.1.
    """
    file = Path(path) if path is not None else packaged().merged
    text = read_file(file, f"{option} takes an OpenAPI 3.0 or 3.1 document in JSON or YAML", "the contract")
    document = load_document(text, str(file))
    if path is None:
        # The packaged document is proven sound by the tests, and is not proven again at every start.
        return from_sound(document.data, str(file))
    from pytest_bctrl.contract.bundle import bundled

    read = partial(read_file, hint="", what="the file")
    return from_document(bundled(document, lambda name: read(Path(name))), str(file))


def from_document(document: Any, name: str) -> Contract:
    """Read a merged document into a `Contract`; `name` is what errors call it.

    Raises `DocumentError` where it is not a sound OpenAPI 3.0 or 3.1 document or a reference leads nowhere.
    """
    from pytest_bctrl.contract.engine import require_known
    from pytest_bctrl.contract.paging_read import require_known_paging
    from pytest_bctrl.contract.soundness import sound

    source, proven = sound(document, name)
    contract = from_sound(proven, name, source, digest(document))
    require_known(contract)
    require_known_paging(contract)
    if not contract.operations:
        raise DocumentError(
            "it has no operation", where=f"{name}: #/paths", hint="give a document with a method below a path"
        )
    return contract


def from_sound(
    document: Mapping[str, Any], name: str, source: Mapping[str, Any] | None = None, sha256: str = ""
) -> Contract:
    """Read a document that is known to be sound into a `Contract`.

    `source` is it before references by identifier gave way to pointers, `sha256` the digest of what was given.
    """
    info = document.get("info", {})
    paths = document.get("paths", {}).items()
    items = [(path, _deref(document, raw, name, "pathItems")) for path, raw in paths if path.startswith("/")]
    source = document if source is None else source
    return Contract(
        name=name,
        title=str(info.get("title", "")),
        version=str(info.get("version", "")),
        digest=sha256 or digest(source),
        servers=tuple(_server(server) for server in document.get("servers", ())),
        operations=tuple(
            _operation(document, path, one, item, name) for path, item in items for one in METHODS if one in item
        ),
        document=document,
        source=source,
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


def _operation(document: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any], name: str) -> Operation:
    raw = item[method]
    parameters: dict[tuple[str, str], Parameter] = {}
    named = template(path)[1]
    for source in (*item.get("parameters", ()), *raw.get("parameters", ())):
        parameter = _parameter(document, _deref(document, source, name, "parameters"), name)
        # One of the path that the path does not name is in no request.
        is_ignored = parameter.place == "path" and parameter.name not in named
        if not is_ignored and (parameter.place != "header" or parameter.name.lower() not in _IGNORED):
            parameters[parameter.place, parameter.name] = parameter
    for undeclared in named:
        text = Parameter(undeclared, "path", True, {"type": "string"}, style="simple", explode=False)
        parameters.setdefault(("path", undeclared), text)
    return Operation(
        method=method.upper(),
        path=path,
        operation_id=str(raw.get("operationId", "")),
        summary=str(raw.get("summary", "")),
        parameters=tuple(parameters.values()),
        responses={
            str(status): _response(document, str(status), response, name)
            for status, response in raw.get("responses", {}).items()
            if not str(status).startswith("x-")
        },
        security=tuple(
            tuple(_scheme(document, scheme, name) for scheme in requirement)
            for requirement in raw.get("security", document.get("security", ()))
        ),
        invariants=tuple(raw.get("x-bctrl-invariants", ())),
        paging=raw.get("x-bctrl-paging"),
    )


_IGNORED = frozenset({"accept", "content-type", "authorization"}) | {
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "transfer-encoding",
}
"""Header fields of which a parameter says nothing: its definition "shall be ignored" (OpenAPI 3.1, 4.8.12.1), and those
that every client writes as it needs them.
"""


def _parameter(document: Mapping[str, Any], raw: Mapping[str, Any], name: str) -> Parameter:
    media, described = next(iter(raw.get("content", {}).items()), ("", raw))
    schema = described.get("schema", True)
    place = str(raw["in"])
    style = str(raw.get("style", "form" if place in ("query", "cookie") else "simple"))
    return Parameter(
        name=str(raw["name"]),
        place=place,
        required=bool(raw.get("required", False)),
        schema=schema,
        setting=raw.get("x-bctrl-setting"),
        examples=tuple(_examples(document, described, schema, name)),
        style=style,
        explode=bool(raw.get("explode", style == "form")),
        is_json=is_json(media),
    )


def _examples(document: Mapping[str, Any], described: Mapping[str, Any], schema: Any, name: str) -> Iterator[Any]:
    """The values that a document gives a parameter, from the parameter itself to the default of its schema."""
    if "example" in described:
        yield described["example"]
    for example in described.get("examples", {}).values():
        found = _deref(document, example, name)
        if "value" in found:
            yield found["value"]
    resolved = _deref(document, schema, name) if isinstance(schema, Mapping) else {}
    if "example" in resolved:
        yield resolved["example"]
    yield from resolved.get("examples", ())
    if "default" in resolved:
        yield resolved["default"]


def _response(document: Mapping[str, Any], status: str, raw: Any, name: str) -> ResponseSpec:
    response = _deref(document, raw, name, "responses")
    content = {media: body.get("schema", True) for media, body in response.get("content", {}).items()}
    return ResponseSpec(
        status=status,
        description=str(response.get("description", "")),
        content=content,
        json=next(_in_json(document, content, name), None),
        headers=tuple(
            _parameter(document, {**_deref(document, body, name, "headers"), "name": header, "in": "header"}, name)
            for header, body in response.get("headers", {}).items()
            if header.lower() != "content-type"
        ),
    )


def _in_json(document: Mapping[str, Any], content: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """The bodies in JSON: by their media type, and by a range of such, where the schema is that of no text."""
    yield from ((media, schema) for media, schema in content.items() if is_json(media))
    for media, schema in content.items():
        described = _deref(document, schema, name) if isinstance(schema, Mapping) else {}
        if covers(media, "application/json") and described.get("type") in ("object", "array"):
            yield "application/json", schema


def _scheme(document: Mapping[str, Any], scheme: str, name: str) -> SecurityScheme:
    schemes = document.get("components", {}).get("securitySchemes", {})
    if scheme not in schemes:
        known = ", ".join(schemes) or "none"
        raise DocumentError(
            f"security names the scheme {scheme!r}, which is not defined",
            where=name,
            hint=f"define it under components/securitySchemes, which has: {known}",
        )
    raw = _deref(document, schemes[scheme], name, "securitySchemes")
    return SecurityScheme(
        scheme,
        str(raw.get("type", "")),
        str(raw.get("scheme", "")).lower(),
        str(raw.get("in", "")),
        str(raw.get("name", "")),
    )


def _deref(document: Mapping[str, Any], raw: Any, name: str, kind: str = "") -> Mapping[str, Any]:
    """What a value's references lead to, which is of one of the kinds that `components` has a folder for."""
    *above, found = referred(document, raw, name)
    if not isinstance(found, Mapping):
        raise DocumentError(
            f"a reference leads to {json.dumps(found)[:40]}, where an object is expected",
            where=f"{name}: {above[-1]['$ref'] if above else ''}",
            hint="fix the reference, or what it names",
        )
    if kind and above and not is_component(reference := above[-1]["$ref"], kind):
        from pytest_bctrl.contract.soundness import require_kind

        require_kind(kind, found, f"{name}: {reference}")
    return found
