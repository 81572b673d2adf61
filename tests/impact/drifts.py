"""Ten changes of the published spec, each with what a server does that has made it: written by hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from pytest_bctrl.contract.files import packaged
from pytest_bctrl.contract.yaml_source import read_yaml

SPEC = read_yaml(packaged().spec.read_text("utf-8"), "spec")
_ITEMS = "V1SpacesIdRuntimesGetResponsesContentApplicationJsonSchemaRuntimesItems"


def items(document: Any, part: str = "") -> Any:
    """Return the schema of an item, or of one of its parts."""
    return document["components"]["schemas"][f"{_ITEMS}{part}"]


def operation(document: Any) -> Any:
    """Return the only operation."""
    return next(iter(document["paths"].values()))["get"]


def _runtime(number: int, status: str) -> dict[str, Any]:
    """Return a runtime before any change, with this number in its id and name."""
    connection = {"available": True}
    return {
        "id": f"00000000-0000-4000-8000-00000000000{number}",
        "spaceId": "5b1e0c8e-0000-4000-8000-00000000bc71",
        "name": f"runtime {number}",
        "kind": "browser",
        "type": "browser",
        "status": status,
        "region": "north",
        "createdAt": "2026-01-05T09:00:00.000Z",
        "updatedAt": "2026-01-05T09:00:00.000Z",
        "activeRunId": None,
        "capabilities": ["cdp"],
        "connections": {"cdp": connection},
        "metadata": None,
        "backing": {"kind": "ephemeral"},
    }


def body() -> dict[str, Any]:
    """Return the body before any change."""
    return {"runtimes": [_runtime(1, "active"), _runtime(2, "stopped")]}


class Drift(NamedTuple):
    """A change of the spec by name, the rule by which the gate finds it, and what the changed server does."""

    name: str
    rule: str
    of_spec: Callable[[Any], Any]
    of_runtime: Callable[[dict[str, Any]], Any] = lambda runtime: None
    status: int = 200
    content_type: str = "application/json"


def change_media_type(document: Any) -> None:
    """Change the media type of the success response."""
    content = operation(document)["responses"]["200"]["content"]
    content["application/vnd.bctrl+json"] = content.pop("application/json")


def _require_tenant(document: Any) -> None:
    """Add a required query parameter."""
    operation(document)["parameters"].append(
        {"name": "tenant", "in": "query", "required": True, "schema": {"type": "string"}}
    )


_POOL = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "enum": ["pool"]}}}

DRIFTS = (
    Drift(
        "a status more",
        "response-property-enum-value-added",
        lambda spec: items(spec, "Status")["enum"].append("paused"),
        lambda runtime: runtime.update(status="paused"),
    ),
    Drift(
        "no region",
        "response-required-property-removed",
        lambda spec: (items(spec)["properties"].pop("region"), items(spec)["required"].remove("region")),
        lambda runtime: runtime.pop("region"),
    ),
    Drift(
        "a name may be null",
        "response-property-became-nullable",
        lambda spec: items(spec)["properties"].update(name={"type": ["string", "null"]}),
        lambda runtime: runtime.update(name=None),
    ),
    Drift(
        "times as numbers",
        "response-property-type-changed",
        lambda spec: items(spec)["properties"].update(createdAt={"type": "integer"}),
        lambda runtime: runtime.update(createdAt=1767603600),
    ),
    Drift(
        "a backing more",
        "response-property-one-of-added",
        lambda spec: items(spec, "Backing")["oneOf"].append(_POOL),
        lambda runtime: runtime.update(backing={"kind": "pool"}),
    ),
    Drift(
        "labels",
        "response-optional-property-added",
        lambda spec: items(spec)["properties"].update(labels={"type": "array", "items": {"type": "string"}}),
        lambda runtime: runtime.update(labels=["a"]),
    ),
    Drift(
        "capabilities as numbers",
        "response-property-type-changed",
        lambda spec: items(spec)["properties"]["capabilities"].update(items={"type": "integer"}),
        lambda runtime: runtime.update(capabilities=[3]),
    ),
    Drift(
        "another media type",
        "response-media-type-removed",
        change_media_type,
        content_type="application/vnd.bctrl+json",
    ),
    Drift("a parameter more", "new-required-request-parameter", _require_tenant, status=400),
    Drift(
        "ids of any form",
        "response-property-type-changed",
        lambda spec: items(spec)["properties"].update(id={"type": "string"}),
        lambda runtime: runtime.update(id=f"rt_{runtime['id'][-1]}"),
    ),
)


def changed_spec(drifts: tuple[Drift, ...]) -> str:
    """Return the spec after these changes, as JSON."""
    document = copy.deepcopy(SPEC)
    for drift in drifts:
        drift.of_spec(document)
    return json.dumps(document)


class ChangedServer:
    """A server with real changes, independent of the package: `/N` is the server after the Nth change."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Send the runtimes, or an error, as after the change whose number is in the path."""
                number = int(self.path.split("/")[1])
                drift = DRIFTS[number] if number < len(DRIFTS) else Drift("none", "", lambda spec: None)
                sample_body = body()
                for runtime in sample_body["runtimes"]:
                    drift.of_runtime(runtime)
                text = json.dumps(sample_body if drift.status == 200 else {"error": "bad request"}).encode()
                self.send_response(drift.status)
                self.send_header("Content-Type", drift.content_type)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
