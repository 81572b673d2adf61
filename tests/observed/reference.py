"""The same facts by a plain walk, value by value, to compare the pass by columns with."""

from __future__ import annotations

import json
import re
from typing import Any

from pytest_bctrl.contract.engine import conforms_to_format
from pytest_bctrl.contract.schema.locations import value_tag
from pytest_bctrl.contract.schema.node import body_node, node_at
from pytest_bctrl.observed.facts import Facts, Observation, ObservedLocation
from tests.observed.bodies import CONTRACT, LABEL

SCHEMAS = CONTRACT.document["components"]["schemas"]


def observation_by_walking(status: int, data: Any) -> Observation:
    """Return the observation of a body under the schema of the packaged contract's 200, by a simple walk."""
    observation = Observation()
    observation.statuses[LABEL, str(status)] += 1
    root = CONTRACT.document["paths"]["/v1/spaces/{id}/runtimes"]["get"]["responses"]["200"]["content"]
    _walk(observation, root["application/json"]["schema"], "", data)
    return observation


def _schema(schema: Any) -> Any:
    """Return the target of a reference; any other schema as it is."""
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _kind(value: Any) -> str:
    """Return the JSON type of a value; a whole number is an integer."""
    names = {type(None): "null", bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    return names[type(value)]


def _facts(observation: Observation, at: str) -> Facts:
    """Return the facts at a location, new ones if there are none."""
    return observation.places.setdefault(ObservedLocation(LABEL, "200", at), Facts())


def _walk(observation: Observation, schema: Any, at: str, value: Any) -> None:
    """Add a value at a location, and all values inside it, to an observation."""
    schema = _schema(schema)
    facts = _facts(observation, at)
    facts.seen += 1
    facts.types[_kind(value)] += 1
    if at == "" or at.endswith("[*]"):
        facts.of += 1
    documented = schema.get("type", "object")
    is_documented = _kind(value) in ([documented] if isinstance(documented, str) else documented)
    if isinstance(value, str):
        # Of a string where none is documented, what it may turn out to be is taken down.
        expected = [schema["format"]] if "format" in schema else []
        for name in expected if is_documented else ("uuid", "date-time"):
            facts.formats[name] += conforms_to_format(value, name)
    if isinstance(value, list | dict | str) and not is_documented:
        facts.empty += value in ([], {})
        return
    if "enum" in schema and not isinstance(value, list | dict):
        _value(facts, value)
    if isinstance(value, list | dict) and not value:
        facts.empty += 1
    if isinstance(value, list) and "items" in schema:
        for item in value:
            _walk(observation, schema["items"], at + "[*]", item)
    elif isinstance(value, dict):
        _object(observation, schema, at, value)


def _value(facts: Facts, value: Any) -> None:
    """Count a scalar by its JSON text, or as another value if the text is long."""
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    text = json.dumps(number, ensure_ascii=False)
    if "\\ud" in ascii(text):
        text = json.dumps(number)
    if len(text) > 120:
        facts.others += 1
    else:
        facts.values[text] += 1


def _object(observation: Observation, schema: Any, at: str, value: dict[str, Any]) -> None:
    """Add the documented properties of an object, those of the branch of its `kind` included."""
    for branch in map(_schema, schema.get("oneOf", ())):
        if "kind" in value and value["kind"] in branch["properties"]["kind"]["enum"]:
            at, schema = f"{at}<{value_tag('kind', value['kind'])}>", branch
            _facts(observation, at).seen += 1
            _facts(observation, at).types["object"] += 1
    for name, member in schema.get("properties", {}).items():
        _facts(observation, f"{at}.{name}".lstrip(".")).of += 1
        if name in value:
            _walk(observation, member, f"{at}.{name}".lstrip("."), value[name])


def documented(observation: Observation) -> dict[str, tuple[Any, ...]]:
    """Return the facts about documented locations, in a comparable form."""
    shown = {}
    root = body_node(CONTRACT, LABEL, "200")
    assert root is not None
    undocumented = tuple(member.location for members in observation.unknown.values() for member in members)
    for place, facts in observation.places.items():
        if re.search(r"<kind(?![=]ephemeral>|[=]profile>)|backing[.]", place.location):
            continue
        if node_at(root, place.location) is None or place.location.startswith(undocumented):
            continue
        of = 0 if place.location.endswith(">") else facts.of
        formats = {name: count for name, count in facts.formats.items() if count}
        shown[place.location] = (facts.seen, of, +facts.types, +facts.values, facts.others, formats, facts.empty)
    return shown
