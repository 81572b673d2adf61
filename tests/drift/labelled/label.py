"""How a change of the published spec is labelled, and the places of that spec that changes are made at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..published import SPEC

BREAKING, HARMLESS, NO_CHANGE = "breaking", "not breaking", "no change in meaning"
P = "/v1/spaces/{id}/runtimes"
D = SPEC
C = next(name for name in D["components"]["schemas"] if name.endswith("RuntimesItems"))
Doc = dict[str, Any]


class Case(NamedTuple):
    """A change of the published spec, its label, and rules that are among its findings."""

    label: str
    rules: tuple[str, ...]
    change: Callable[[Doc], None]


cases: list[Case] = []


def case(label: str, *rules: str) -> Callable[[Callable[[Doc], None]], Callable[[Doc], None]]:
    """Return a decorator that adds a change to `cases`."""

    def note(change: Callable[[Doc], None]) -> Callable[[Doc], None]:
        """Add a change with the label and the rules to `cases`, and return it unchanged."""
        cases.append(Case(label, rules, change))
        return change

    return note


def runtime_schema(d: Doc) -> Doc:
    """Return the schema of a runtime."""
    component: Doc = d["components"]["schemas"][C]
    return component


def operation(d: Doc) -> Doc:
    """Return the only operation."""
    get: Doc = next(iter(d["paths"].values()))["get"]
    return get


def schema_ending_with(d: Doc, suffix: str) -> Doc:
    """Return the first component schema whose name ends with `suffix`."""
    return next(schema for name, schema in d["components"]["schemas"].items() if name.endswith(suffix))


def response_schema(d: Doc) -> Doc:
    """Return the schema of the response body."""
    component: Doc = d["components"]["schemas"]["spaces_runtimesList_Response_200"]
    return component
