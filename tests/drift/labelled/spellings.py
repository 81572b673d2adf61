"""Equivalent forms of the whole document."""

from __future__ import annotations

import json
from typing import Any

from .label import NO_CHANGE, D, Doc, case, operation, runtime_schema, schema_ending_with


@case(NO_CHANGE)
def change_nothing(d: Doc) -> None:
    pass


@case(NO_CHANGE)
def remove_titles(d: Doc) -> None:
    for v in d["components"]["schemas"].values():
        v.pop("title")


@case(NO_CHANGE)
def change_texts(d: Doc) -> None:
    operation(d)["summary"] = "x"
    operation(d)["description"] = "y"
    d["info"]["title"] = "z"


@case(NO_CHANGE)
def inline_references(d: Doc) -> None:
    def r(x: Any) -> Any:
        """Return a value with all references inside it replaced by their targets."""
        if isinstance(x, dict):
            if "$ref" in x:
                return r(D["components"]["schemas"][x["$ref"].split("/")[-1]])
            return {k: r(v) for k, v in x.items()}
        return [r(i) for i in x] if isinstance(x, list) else x

    d["paths"] = r(d["paths"])
    d["components"]["schemas"] = {}


@case(NO_CHANGE)
def rename_components(d: Doc) -> None:
    s = json.dumps(d)
    s = (
        s.replace("V1SpacesIdRuntimesGetResponsesContentApplicationJsonSchema", "Foo")
        .replace("spaces_runtimesList_Response_200", "Envelope")
        .replace("bearerAuth", "b")
    )
    d.clear()
    d.update(json.loads(s))


@case(NO_CHANGE)
def reverse_required_and_enum(d: Doc) -> None:
    runtime_schema(d)["required"].reverse()
    schema_ending_with(d, "ItemsKind")["enum"].reverse()


@case(NO_CHANGE)
def wrap_reference_in_all_of(d: Doc) -> None:
    runtime_schema(d)["properties"]["status"] = {
        "allOf": [runtime_schema(d)["properties"]["status"]],
        "description": "hi",
    }


@case(NO_CHANGE)
def split_properties_into_all_of(d: Doc) -> None:
    it = runtime_schema(d)
    props = it.pop("properties")
    ks = sorted(props)
    it["allOf"] = [
        {"properties": {k: props[k] for k in ks[:5]}},
        {"type": "object", "properties": {k: props[k] for k in ks[5:]}},
    ]


@case(NO_CHANGE)
def declare_openapi_30(d: Doc) -> None:
    d["openapi"] = "3.0.3"


@case(NO_CHANGE)
def add_extensions(d: Doc) -> None:
    runtime_schema(d)["x-foo"] = 1
    operation(d)["x-bar"] = {}
