"""Ways to change the published spec, by what a consumer calls its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Doc = dict[str, Any]
Change = Callable[[Doc], None]


def schema(document: Doc, end: str = "Items") -> Doc:
    """Return a component by the end of its generated name."""
    part: Doc = next(value for name, value in document["components"]["schemas"].items() if name.endswith(end))
    return part


def get(document: Doc) -> Doc:
    part: Doc = next(iter(document["paths"].values()))["get"]
    return part


def content(document: Doc) -> Doc:
    part: Doc = get(document)["responses"]["200"]["content"]
    return part


def ref(document: Doc, end: str) -> Doc:
    name = next(name for name in document["components"]["schemas"] if name.endswith(end))
    return {"$ref": f"#/components/schemas/{name}"}


def add(end: str, name: str, value: Any, required: bool = False) -> Change:
    def change(document: Doc) -> None:
        part = schema(document, end)
        part["properties"][name] = value
        if required:
            part.setdefault("required", []).append(name)

    return change


def drop(end: str, name: str) -> Change:
    def change(document: Doc) -> None:
        part = schema(document, end)
        del part["properties"][name]
        part["required"] = [required for required in part.get("required", []) if required != name]

    return change


def loosen(end: str, name: str) -> Change:
    return lambda document: schema(document, end)["required"].remove(name)


def demand(end: str, name: str) -> Change:
    return lambda document: schema(document, end).setdefault("required", []).append(name)


def set_(end: str, name: str, **values: Any) -> Change:
    """Set keywords of a property; None removes a keyword."""

    def change(document: Doc) -> None:
        part = schema(document, end)["properties"][name]
        for keyword, value in values.items():
            part[keyword] = value
            if value is None:
                del part[keyword]

    return change


def become(end: str, name: str, value: Any) -> Change:
    def change(document: Doc) -> None:
        schema(document, end)["properties"][name] = value

    return change


def enum(end: str, *values: Any) -> Change:
    def change(document: Doc) -> None:
        part = schema(document, end)
        part.pop("enum")
        if values:
            part["enum"] = list(values)

    return change


def branch(value: Any) -> Change:
    return lambda document: schema(document, "Backing")["oneOf"].append(value)


def lose_branch(index: int) -> Change:
    def change(document: Doc) -> None:
        del schema(document, "Backing")["oneOf"][index]

    return change


def parameter(**values: Any) -> Change:
    return lambda document: get(document)["parameters"].append({"name": "limit", "in": "query", **values})


def of_parameter(index: int, **values: Any) -> Change:
    return lambda document: get(document)["parameters"][index].update(values)


def status(name: str) -> Change:
    return lambda document: get(document)["responses"].update({name: {"description": "d"}})


def become_status(name: str) -> Change:
    def change(document: Doc) -> None:
        responses = get(document)["responses"]
        responses[name] = responses.pop("200")

    return change


def media(*names: str) -> Change:
    def change(document: Doc) -> None:
        whole = content(document)
        json = whole.pop("application/json")
        whole.update(dict.fromkeys(names, json))

    return change


def servers(*urls: str) -> Change:
    return lambda document: document.update(servers=[{"url": url} for url in urls])


def move(path: str) -> Change:
    def change(document: Doc) -> None:
        document["paths"] = {path: next(iter(document["paths"].values()))}

    return change


def method(name: str) -> Change:
    return lambda document: next(iter(document["paths"].values())).update(
        {name: {"responses": {"200": {"description": "d"}}}}
    )


def become_method(document: Doc) -> None:
    item = next(iter(document["paths"].values()))
    item["post"] = item.pop("get")


def endpoint(document: Doc) -> None:
    document["paths"]["/v1/spaces"] = {"get": {"responses": {"200": {"description": "d"}}}}


def secure(document: Doc, keep: bool) -> None:
    get(document)["security"] = [{"bearerAuth": []}]
    if not keep:
        del get(document)["parameters"][1]


def secure_otherwise(document: Doc) -> None:
    document["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}
    get(document)["security"] = [{"key": []}]


def secure_whole(document: Doc) -> None:
    document["security"] = [{"bearerAuth": []}]


def envelope(document: Doc) -> None:
    part = schema(document, "Response_200")
    part["properties"]["data"] = part["properties"].pop("runtimes")
    part["required"] = ["data"]


def no_envelope(document: Doc) -> None:
    content(document)["application/json"]["schema"] = schema(document, "Response_200")["properties"]["runtimes"]


def page(document: Doc) -> None:
    part = schema(document, "Response_200")
    part["properties"]["nextCursor"] = {"type": ["string", "null"]}


def single(document: Doc) -> None:
    part = schema(document, "Response_200")["properties"]
    part["runtimes"] = part["runtimes"]["items"]


def deprecate(document: Doc) -> None:
    get(document)["deprecated"] = True


def header(required: bool) -> Change:
    return lambda document: get(document)["responses"]["200"].update(
        headers={"X-Total": {"required": required, "schema": {"type": "integer"}}}
    )
