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
    label: str
    rules: tuple[str, ...]
    change: Callable[[Doc], None]


cases: list[Case] = []


def case(label: str, *rules: str) -> Callable[[Callable[[Doc], None]], Callable[[Doc], None]]:
    def note(change: Callable[[Doc], None]) -> Callable[[Doc], None]:
        cases.append(Case(label, rules, change))
        return change

    return note


def item(d: Doc) -> Doc:
    component: Doc = d["components"]["schemas"][C]
    return component


def op(d: Doc) -> Doc:
    operation: Doc = next(iter(d["paths"].values()))["get"]
    return operation


def S(d: Doc, suffix: str) -> Doc:  # noqa: N802 - a schema by the end of its name
    return next(schema for name, schema in d["components"]["schemas"].items() if name.endswith(suffix))


def resp(d: Doc) -> Doc:
    component: Doc = d["components"]["schemas"]["spaces_runtimesList_Response_200"]
    return component
