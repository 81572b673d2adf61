"""Cases of attribution: what upstream changed, what the API sends, and the expected cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pytest_bctrl.observed.attribution import AHEAD, BROKEN, PROMISED, STALE, UNKNOWN
from tests.drift.published import SPEC
from tests.variants.runtimes import Edit, bare_runtime, full_runtime, on_all, put

Change = Callable[[dict[str, Any]], object]


class Case(NamedTuple):
    """The changes of upstream's schemas and of ten runtimes of the API, and the expected cause."""

    cause: str
    rule: str
    location: str
    upstream: Change = lambda schemas: None
    api: Edit = lambda runtimes: None


def item(schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a runtime."""
    return schema(schemas, "RuntimesItems")


def schema(schemas: dict[str, Any], last: str) -> dict[str, Any]:
    """Return the only component whose name ends with `last`."""
    (name,) = (name for name in schemas if name.endswith(last))
    component: dict[str, Any] = schemas[name]
    return component


def adding(name: str, *, required: bool = False, **keywords: Any) -> Change:
    """Return a change that adds a property with these keywords, or a text."""

    def change(schemas: dict[str, Any]) -> None:
        """Add the property."""
        item(schemas)["properties"][name] = keywords or {"type": "string"}
        item(schemas)["required"] += [name] if required else []

    return change


def listing(value: str) -> Change:
    """Return a change that adds a value to the enum of the status."""
    return lambda schemas: schema(schemas, "ItemsStatus")["enum"].append(value)


def unlisting(value: str) -> Change:
    """Return a change that removes a value from the enum of the status."""
    return lambda schemas: schema(schemas, "ItemsStatus")["enum"].remove(value)


def replacing(name: str, **keywords: Any) -> Change:
    """Return a change that replaces the schema of a property by these keywords."""
    return lambda schemas: item(schemas)["properties"].update({name: keywords})


def branching(kind: str) -> Change:
    """Return a change that adds a kind of backing."""
    branch = {
        "type": "object",
        "properties": {"kind": {"const": kind}, "image": {"type": "string"}},
        "required": ["kind"],
    }
    return lambda schemas: schema(schemas, "ItemsBacking")["oneOf"].append(branch)


def without(*names: str) -> Edit:
    """Return an edit that removes properties from all runtimes."""
    return lambda runtimes: [runtime.pop(name, None) for runtime in runtimes for name in names]


_SNAPSHOT = put(3, "backing", {"kind": "snapshot", "image": "base"})
_STATUS, _SCHEMA, _STRAY = "runtimes[*].status", "response_schema_conformance", "undocumented_property"
_ADDED, _REQUIRED = "response-optional-property-added", "response-required-property-added"
_VALUE = "response-property-enum-value-added"

CASES: dict[str, Case] = {
    "a value that upstream lists": Case(STALE, _VALUE, _STATUS, listing("paused"), put(3, "status", "paused")),
    "a property that upstream has": Case(STALE, _ADDED, "runtimes[*].tenant", adding("tenant"), on_all(tenant="t")),
    "a property that upstream requires": Case(
        STALE, _REQUIRED, "runtimes[*].tenant", adding("tenant", required=True), on_all(tenant="t")
    ),
    "a kind that upstream has": Case(
        STALE, "response-property-one-of-added", "runtimes[*].backing", branching("snapshot"), _SNAPSHOT
    ),
    "a null that upstream allows": Case(
        STALE,
        "response-property-became-nullable",
        "runtimes[*].name",
        replacing("name", type=["string", "null"]),
        put(3, "name", None),
    ),
    "a type that upstream allows": Case(
        STALE,
        "response-property-type-generalized",
        "runtimes[*].name",
        replacing("name", type=["string", "integer"]),
        put(3, "name", 5),
    ),
    "an absence that upstream allows": Case(
        STALE,
        "response-property-became-optional",
        "runtimes[*].region",
        lambda schemas: item(schemas)["required"].remove("region"),
        without("region"),
    ),
    "a format that upstream gave up": Case(
        STALE, "response-property-type-changed", "runtimes[*].id", replacing("id", type="string"), put(3, "id", "x-3")
    ),
    "an absence that upstream allows and nobody saw": Case(
        UNKNOWN,
        "response-property-became-optional",
        "runtimes[*].region",
        lambda schemas: item(schemas)["required"].remove("region"),
    ),
    "a value that upstream gave up and nobody saw": Case(
        UNKNOWN, "response-property-enum-value-removed", _STATUS, unlisting("failed"), on_all(status="active")
    ),
    "a property that nobody documents": Case(AHEAD, _STRAY, "runtimes[*].tenant", api=on_all(tenant="t")),
    "a value that nobody lists": Case(AHEAD, _SCHEMA, _STATUS, api=put(3, "status", "paused")),
    "another value than upstream's": Case(AHEAD, _SCHEMA, _STATUS, listing("lost"), put(3, "status", "paused")),
    "a kind that nobody has": Case(AHEAD, _SCHEMA, "runtimes[*].backing.kind", api=_SNAPSHOT),
    "a property that is required and not sent": Case(
        PROMISED, _REQUIRED, "runtimes[*].owner", adding("owner", required=True)
    ),
    "a property that is never sent": Case(PROMISED, _ADDED, "runtimes[*].owner", adding("owner")),
    "a value that is never sent": Case(PROMISED, _VALUE, _STATUS, listing("paused")),
    "a kind that is never sent": Case(
        PROMISED, "response-property-one-of-added", "runtimes[*].backing", branching("snapshot")
    ),
    "a null that is never sent": Case(
        PROMISED, "response-property-became-nullable", "runtimes[*].name", replacing("name", type=["string", "null"])
    ),
    "a property that is gone and still sent": Case(
        PROMISED,
        "response-optional-property-removed",
        "runtimes[*].summary",
        lambda schemas: item(schemas)["properties"].pop("summary"),
    ),
    "a value that is gone and still sent": Case(
        PROMISED, "response-property-enum-value-removed", _STATUS, unlisting("failed"), on_all(status="failed")
    ),
    "a type that is not sent": Case(
        PROMISED, "response-property-type-changed", "runtimes[*].name", replacing("name", type="integer")
    ),
    "a required property that is missing": Case(BROKEN, _SCHEMA, "runtimes[*].region", api=without("region")),
    "a null where none is allowed": Case(BROKEN, _SCHEMA, "runtimes[*].name", api=put(3, "name", None)),
    "another type": Case(BROKEN, _SCHEMA, "runtimes[*].name", api=put(3, "name", 5)),
    "no uuid": Case(BROKEN, _SCHEMA, "runtimes[*].id", api=put(3, "id", "x-3")),
    "a null that no alternative takes": Case(BROKEN, _SCHEMA, "runtimes[*].backing", api=put(3, "backing", None)),
    "both types, and each document has one": Case(
        BROKEN,
        "response-property-type-changed",
        "runtimes[*].name",
        replacing("name", type="integer"),
        put(3, "name", 5),
    ),
    "a property of a branch that is never sent": Case(
        PROMISED,
        "response-optional-property-added",
        "runtimes[*].backing<kind=profile>.image",
        lambda schemas: schema(schemas, "Backing1")["properties"].update(image={"type": "string"}),
    ),
    "a value, and nothing was listed": Case(
        UNKNOWN, _VALUE, _STATUS, listing("paused"), lambda runtimes: runtimes.clear()
    ),
    "a limit, which nobody counts": Case(
        UNKNOWN, "response-property-max-length-set", "runtimes[*].name", replacing("name", type="string", maxLength=40)
    ),
    "values of what was free": Case(
        UNKNOWN,
        "response-property-became-enum",
        "runtimes[*].region",
        replacing("region", type="string", enum=["eu-west-3"]),
    ),
    "a property of what was free": Case(
        UNKNOWN,
        "response-optional-property-added",
        "runtimes[*].metadata.team",
        lambda schemas: item(schemas)["properties"]["metadata"].update(properties={"team": {"type": "string"}}),
        put(3, "metadata", {"team": "x"}),
    ),
    "a format that nobody looked for": Case(
        UNKNOWN,
        "response-property-type-specialized",
        "runtimes[*].name",
        replacing("name", type="string", format="email"),
    ),
}


def published(case: Case) -> dict[str, Any]:
    """Return the spec that upstream publishes in a case."""
    import copy

    spec = copy.deepcopy(SPEC)
    case.upstream(spec["components"]["schemas"])
    return spec


def sent_body(case: Case) -> dict[str, Any]:
    """Return the body that the API sends in a case: ten runtimes, edited; half of them have every property."""
    runtimes = [full_runtime(number) if number % 2 else bare_runtime(number) for number in range(10)]
    case.api(runtimes)
    return {"runtimes": runtimes}
