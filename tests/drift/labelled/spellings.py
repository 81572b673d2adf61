"""Equivalent forms of the whole document."""

from __future__ import annotations

import json
from typing import Any

from .label import NO_CHANGE, D, Doc, S, case, item, op


@case(NO_CHANGE)
def same(d: Doc) -> None:
    pass


@case(NO_CHANGE)
def titles(d: Doc) -> None:
    for v in d["components"]["schemas"].values():
        v.pop("title")


@case(NO_CHANGE)
def descr(d: Doc) -> None:
    op(d)["summary"] = "x"
    op(d)["description"] = "y"
    d["info"]["title"] = "z"


@case(NO_CHANGE)
def inline(d: Doc) -> None:
    def r(x: Any) -> Any:
        if isinstance(x, dict):
            if "$ref" in x:
                return r(D["components"]["schemas"][x["$ref"].split("/")[-1]])
            return {k: r(v) for k, v in x.items()}
        return [r(i) for i in x] if isinstance(x, list) else x

    d["paths"] = r(d["paths"])
    d["components"]["schemas"] = {}


@case(NO_CHANGE)
def renamed(d: Doc) -> None:
    s = json.dumps(d)
    s = (
        s.replace("V1SpacesIdRuntimesGetResponsesContentApplicationJsonSchema", "Foo")
        .replace("spaces_runtimesList_Response_200", "Envelope")
        .replace("bearerAuth", "b")
    )
    d.clear()
    d.update(json.loads(s))


@case(NO_CHANGE)
def reqorder(d: Doc) -> None:
    item(d)["required"].reverse()
    S(d, "ItemsKind")["enum"].reverse()


@case(NO_CHANGE)
def allof1(d: Doc) -> None:
    item(d)["properties"]["status"] = {"allOf": [item(d)["properties"]["status"]], "description": "hi"}


@case(NO_CHANGE)
def allof2(d: Doc) -> None:
    it = item(d)
    props = it.pop("properties")
    ks = sorted(props)
    it["allOf"] = [
        {"properties": {k: props[k] for k in ks[:5]}},
        {"type": "object", "properties": {k: props[k] for k in ks[5:]}},
    ]


@case(NO_CHANGE)
def v30(d: Doc) -> None:
    d["openapi"] = "3.0.3"


@case(NO_CHANGE)
def ext(d: Doc) -> None:
    item(d)["x-foo"] = 1
    op(d)["x-bar"] = {}
