"""Finds write-only properties in responses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from pytest_bctrl.checks.response import Response, once
from pytest_bctrl.checks.violation import Violation, findings
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.references import keyword_objects
from pytest_bctrl.contract.schema.locations import split_location
from pytest_bctrl.contract.schema.node import Node, body_node, node_at, with_open_branches
from pytest_bctrl.contract.schema.ref import json_type_of, keywords_of
from pytest_bctrl.findings.finding import Finding

RULE = "write_only_property"


def check_write_only(response: Response) -> list[Finding]:
    """Return a warning for each optional property in the body that the contract documents as write-only.

    A required one is left out, because the schema rejects a response without it. The values are not shown, since they
    may be passwords.
    """
    violations = once(response, "write-only properties", lambda: list(_violations(response)))
    return [_without_values(finding) for finding in findings(response, violations)]


def _violations(response: Response) -> Iterator[Violation]:
    """Yield a violation for each value of an optional write-only property."""
    if not _has_write_only(response.contract):
        return
    root = body_node(response.contract, response.operation.label, str(response.status), response.media_type)
    for location in [place.location for place in response.observed.places]:
        above, last = split_location(location)
        parent, node = node_at(root, above), node_at(root, location)
        if last is None or last.kind != "member" or parent is None or node is None:
            continue
        if last.text in with_open_branches(parent, "object").required:
            continue
        for path, value in response.select(location):
            value_type = json_type_of(value)
            if _is_write_only(node, value_type):
                message, observed = "the response has a property that is write-only", f"a value of type {value_type}"
                yield Violation(RULE, "warning", message, path, expected="no such property", observed=observed)


def _without_values(finding: Finding) -> Finding:
    """Return a finding whose evidence contains no values of the body."""
    body = "not shown, because a property is write-only"
    extra = {name: value for name, value in finding.extra.items() if name != "item"}
    return replace(finding, extra={**extra, "response": {**extra["response"], "body": body}})


def _is_write_only(node: Node, kind: str) -> bool:
    """Return whether a schema of all values of a type at a location is write-only."""
    return any(keywords_of(reference).get("writeOnly") is True for reference in node.schemas_for(kind))


@lru_cache(maxsize=8)
def _has_write_only(contract: Contract) -> bool:
    """Return whether a contract has a write-only schema; few have any."""
    return any("writeOnly" in part.value for part in keyword_objects(contract.document))
