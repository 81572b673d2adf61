"""Other ways of writing the published spec, each of which means what it meant."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.drift import compare

from .published import SPEC
from .spec_changes import Change, Doc, content, get, schema


def everywhere(change: Callable[[Doc], Doc]) -> Change:
    """Return a change that applies `change` to every mapping of a document, innermost first, in place."""

    def walk(value: Any) -> Any:
        """Return a value with the change applied to all mappings inside it, and to itself."""
        if isinstance(value, dict):
            return change({key: walk(member) for key, member in value.items()})
        return [walk(item) for item in value] if isinstance(value, list) else value

    def whole(document: Doc) -> None:
        """Apply the change to the document in place."""
        walked = walk(document)
        document.clear()
        document.update(walked)

    return whole


def inlined(document: Doc) -> None:
    """Replace every reference by its target and remove the components."""
    schemas = document["components"].pop("schemas")

    def write_out(value: Any) -> Any:
        """Return a value with all references replaced by their targets."""
        if isinstance(value, dict) and "$ref" in value:
            return write_out(schemas[value["$ref"].rpartition("/")[2]])
        if isinstance(value, dict):
            return {key: write_out(member) for key, member in value.items()}
        return [write_out(item) for item in value] if isinstance(value, list) else value

    document["paths"] = write_out(document["paths"])


def as_30(document: Doc) -> None:
    """Write the document in OpenAPI 3.0, with `nullable` for null in a list of types."""

    def translated(value: Doc) -> Doc:
        """Return a schema with `nullable` instead of null in its types."""
        if isinstance(value.get("type"), list):
            return {**value, "type": next(kind for kind in value["type"] if kind != "null"), "nullable": True}
        return value

    everywhere(translated)(document)
    document["openapi"] = "3.0.3"


def as_30_with_refs_wrapped(document: Doc) -> None:
    """Write the document in OpenAPI 3.0, with each `$ref` in an `allOf` beside a description."""
    as_30(document)
    everywhere(lambda value: {"allOf": [value], "description": "d"} if "$ref" in value else value)(document)


def parameters_elsewhere(document: Doc) -> None:
    """Move parameters to the path item, one of them to a component."""
    item = document["paths"]["/v1/spaces/{id}/runtimes"]
    first, second = item["get"].pop("parameters")
    document["components"]["parameters"] = {"Token": second}
    item["parameters"] = [{"$ref": "#/components/parameters/Token"}, first]


def response_elsewhere(document: Doc) -> None:
    """Move the response 200 to a component."""
    responses = get(document)["responses"]
    document["components"]["responses"] = {"Listed": responses["200"]}
    responses["200"] = {"$ref": "#/components/responses/Listed"}


def defaults_written_out(document: Doc) -> None:
    """Add keywords with their default values."""
    first, second = get(document)["parameters"]
    first.update(style="simple", explode=False, deprecated=False, allowEmptyValue=False)
    second.update(style="simple", explode=False)
    component = schema(document)
    component["properties"]["name"].update(minLength=0, readOnly=False, writeOnly=False, deprecated=False)
    component["properties"]["capabilities"].update(minItems=0, uniqueItems=False)
    component.update(additionalProperties=True, minProperties=0)


def words(document: Doc) -> None:
    """Change titles, descriptions and examples."""
    document["info"].update(title="Another", description="d")
    get(document).update(summary="s", description="d", externalDocs={"url": "https://docs.example"})
    schema(document)["properties"]["name"].update(title="t", description="d", examples=["a"], **{"x-order": 1})
    content(document)["application/json"].update(example={"runtimes": []})


def header_case(document: Doc) -> None:
    """Write the name of the header parameter in lower case."""
    get(document)["parameters"][1]["name"] = "authorization"


def media_case(document: Doc) -> None:
    """Write the media type in another case."""
    media = content(document)
    media["Application/JSON"] = media.pop("application/json")


def server_slash(document: Doc) -> None:
    """Add a slash to the URL of a server, and a description."""
    document["servers"] = [{"url": "https://api.bctrl.ai/", "description": "d"}, {"url": "http://localhost:8787"}]


def server_variable(document: Doc) -> None:
    """Write the port of a server as a variable with a default."""
    variables = {"port": {"default": "8787"}}
    document["servers"][1] = {"url": "http://localhost:{port}", "variables": variables}


def scheme_renamed(document: Doc) -> None:
    """Rename the security scheme, which no operation names."""
    schemes = document["components"]["securitySchemes"]
    schemes["token"] = schemes.pop("bearerAuth")


def alternatives_wrapped(document: Doc) -> None:
    """Reverse the alternatives of `oneOf`, each in an `allOf`."""
    names = [branch["$ref"] for branch in schema(document, "Backing")["oneOf"]]
    assert len(names) == 2
    schema(document, "Backing")["oneOf"] = [{"allOf": [{"$ref": name}]} for name in reversed(names)]


def required_repeated(document: Doc) -> None:
    """Repeat names in `required`, also in an `allOf`."""
    component = schema(document)
    component["required"] = [*component["required"], "id"]
    component["allOf"] = [{"type": "object", "required": ["id", "name"]}]


SAME: dict[str, Change] = {
    "refs are written out": inlined,
    "3.1.1": lambda document: document.update(openapi="3.1.1"),
    "3.0 with nullable": as_30,
    "3.0 with refs wrapped": as_30_with_refs_wrapped,
    "parameters stand elsewhere": parameters_elsewhere,
    "the response stands elsewhere": response_elsewhere,
    "defaults are written out": defaults_written_out,
    "words": words,
    "the header in lower case": header_case,
    "the media type in another case": media_case,
    "a server with a slash": server_slash,
    "a server with a variable": server_variable,
    "a scheme is renamed": scheme_renamed,
    "alternatives are wrapped": alternatives_wrapped,
    "what is said twice": required_repeated,
}


@pytest.mark.parametrize("name", SAME)
def test_an_equivalent_rewrite_of_the_spec_has_no_findings(name: str) -> None:
    changed = copy.deepcopy(SPEC)
    SAME[name](changed)
    assert changed != SPEC
    assert [finding.rule for finding in compare(SPEC, changed)] == []
    assert [finding.rule for finding in compare(changed, SPEC)] == []


@pytest.mark.parametrize("first", SAME)
def test_two_equivalent_rewrites_at_once_have_no_findings(first: str) -> None:
    """Each rewrite is combined with another that applies to the same document."""
    order = [name for name in SAME if name != "refs are written out"]
    second = order[(order.index(first) + 5) % len(order)] if first in order else order[0]
    changed = copy.deepcopy(SPEC)
    SAME[second](changed)
    SAME[first](changed)
    assert compare(SPEC, changed) == []


def test_the_spec_as_json_has_no_findings() -> None:
    assert compare(SPEC, load_document(json.dumps(SPEC), "spec.json")) == []
