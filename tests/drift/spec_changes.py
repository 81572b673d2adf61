"""Ways to change the published spec, by what a consumer calls its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Doc = dict[str, Any]
Change = Callable[[Doc], None]


def schema(document: Doc, end: str = "Items") -> Doc:
    """Return the first component schema whose name ends with `end`."""
    part: Doc = next(value for name, value in document["components"]["schemas"].items() if name.endswith(end))
    return part


def get(document: Doc) -> Doc:
    """Return the GET operation of the first path."""
    part: Doc = next(iter(document["paths"].values()))["get"]
    return part


def content(document: Doc) -> Doc:
    """Return the `content` of the response 200."""
    part: Doc = get(document)["responses"]["200"]["content"]
    return part


def reference_to(document: Doc, end: str) -> Doc:
    """Return a reference to the first component schema whose name ends with `end`."""
    name = next(name for name in document["components"]["schemas"] if name.endswith(end))
    return {"$ref": f"#/components/schemas/{name}"}


def add_property(end: str, name: str, value: Any, required: bool = False) -> Change:
    """Return a change that adds a property to a component schema."""

    def change(document: Doc) -> None:
        """Add the property."""
        part = schema(document, end)
        part["properties"][name] = value
        if required:
            part.setdefault("required", []).append(name)

    return change


def remove_property(end: str, name: str) -> Change:
    """Return a change that removes a property, also from `required`."""

    def change(document: Doc) -> None:
        """Remove the property."""
        part = schema(document, end)
        del part["properties"][name]
        part["required"] = [required for required in part.get("required", []) if required != name]

    return change


def make_optional(end: str, name: str) -> Change:
    """Return a change that removes a property from `required`."""
    return lambda document: schema(document, end)["required"].remove(name)


def make_required(end: str, name: str) -> Change:
    """Return a change that adds a property to `required`."""
    return lambda document: schema(document, end).setdefault("required", []).append(name)


def set_keywords(end: str, name: str, **values: Any) -> Change:
    """Return a change that sets keywords of a property; None removes a keyword."""

    def change(document: Doc) -> None:
        """Set or remove the keywords."""
        part = schema(document, end)["properties"][name]
        for keyword, value in values.items():
            part[keyword] = value
            if value is None:
                del part[keyword]

    return change


def replace_property(end: str, name: str, value: Any) -> Change:
    """Return a change that replaces the schema of a property."""

    def change(document: Doc) -> None:
        schema(document, end)["properties"][name] = value

    return change


def set_enum(end: str, *values: Any) -> Change:
    """Return a change that replaces the `enum` of a component schema; without values, it is removed."""

    def change(document: Doc) -> None:
        """Replace or remove the enum."""
        part = schema(document, end)
        part.pop("enum")
        if values:
            part["enum"] = list(values)

    return change


def add_alternative(value: Any) -> Change:
    """Return a change that adds an alternative to the `oneOf` of the backing."""
    return lambda document: schema(document, "Backing")["oneOf"].append(value)


def remove_alternative(index: int) -> Change:
    """Return a change that removes an alternative from the `oneOf` of the backing."""

    def change(document: Doc) -> None:
        del schema(document, "Backing")["oneOf"][index]

    return change


def add_parameter(**values: Any) -> Change:
    """Return a change that adds the query parameter `limit`, unless `values` has other fields."""
    return lambda document: get(document)["parameters"].append({"name": "limit", "in": "query", **values})


def update_parameter(index: int, **values: Any) -> Change:
    """Return a change that sets fields of a parameter of the operation."""
    return lambda document: get(document)["parameters"][index].update(values)


def add_status(name: str) -> Change:
    """Return a change that adds a response status."""
    return lambda document: get(document)["responses"].update({name: {"description": "d"}})


def rename_success_status(name: str) -> Change:
    """Return a change that moves the response 200 to another status."""

    def change(document: Doc) -> None:
        """Move the response."""
        responses = get(document)["responses"]
        responses[name] = responses.pop("200")

    return change


def rename_media_type(*names: str) -> Change:
    """Return a change that moves the content in JSON to other media types."""

    def change(document: Doc) -> None:
        """Move the content."""
        whole = content(document)
        json = whole.pop("application/json")
        whole.update(dict.fromkeys(names, json))

    return change


def set_servers(*urls: str) -> Change:
    """Return a change that replaces the servers of the document."""
    return lambda document: document.update(servers=[{"url": url} for url in urls])


def change_path(path: str) -> Change:
    """Return a change that moves the first path item to another path, the only one then."""

    def change(document: Doc) -> None:
        document["paths"] = {path: next(iter(document["paths"].values()))}

    return change


def add_method(name: str) -> Change:
    """Return a change that adds an operation with another method to the first path."""
    return lambda document: next(iter(document["paths"].values())).update(
        {name: {"responses": {"200": {"description": "d"}}}}
    )


def change_method_to_post(document: Doc) -> None:
    """Move the GET operation to POST."""
    item = next(iter(document["paths"].values()))
    item["post"] = item.pop("get")


def add_path(document: Doc) -> None:
    """Add `GET /v1/spaces`."""
    document["paths"]["/v1/spaces"] = {"get": {"responses": {"200": {"description": "d"}}}}


def add_security(document: Doc, keep: bool) -> None:
    """Require the bearer scheme, and remove the parameter for the same header unless it is to `keep`."""
    get(document)["security"] = [{"bearerAuth": []}]
    if not keep:
        del get(document)["parameters"][1]


def require_another_key(document: Doc) -> None:
    """Require an API key in another header."""
    document["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}
    get(document)["security"] = [{"key": []}]


def add_global_security(document: Doc) -> None:
    """Require the bearer scheme for the whole document."""
    document["security"] = [{"bearerAuth": []}]


def rename_list_property(document: Doc) -> None:
    """Rename the property with the list in the response."""
    part = schema(document, "Response_200")
    part["properties"]["data"] = part["properties"].pop("runtimes")
    part["required"] = ["data"]


def remove_envelope(document: Doc) -> None:
    """Make the response the list itself."""
    content(document)["application/json"]["schema"] = schema(document, "Response_200")["properties"]["runtimes"]


def add_cursor(document: Doc) -> None:
    """Add an optional property for a cursor to the response."""
    part = schema(document, "Response_200")
    part["properties"]["nextCursor"] = {"type": ["string", "null"]}


def replace_list_by_item(document: Doc) -> None:
    """Replace the list in the response by a single item."""
    part = schema(document, "Response_200")["properties"]
    part["runtimes"] = part["runtimes"]["items"]


def deprecate_operation(document: Doc) -> None:
    """Mark the operation as deprecated."""
    get(document)["deprecated"] = True


def add_response_header(required: bool) -> Change:
    """Return a change that adds a header to the response 200."""
    return lambda document: get(document)["responses"]["200"].update(
        headers={"X-Total": {"required": required, "schema": {"type": "integer"}}}
    )
