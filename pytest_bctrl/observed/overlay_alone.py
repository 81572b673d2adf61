"""Distinguishes what only the overlay documents from what the published spec documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from pytest_bctrl.contract.files import built_from
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.files.limits import read_text
from pytest_bctrl.findings.finding import Finding, Level

OVERLAY_ALONE = " (only the overlay documents this)"
"""Suffix of the message of a finding that breaks only what the overlay adds."""

_BY_STATUS = frozenset({"response_schema_conformance", "response_headers_conformance", "complete_body"})


@lru_cache(maxsize=8)
def added_by_overlay(contract: Contract) -> frozenset[tuple[str, str]] | None:
    """Return label and status of each response that only the overlay documents; None if there is no overlay.

    The spec is read from the folder of the contract, where `pytest-bctrl contract build` puts it.
    """
    files = built_from(contract.name)
    if files is None:
        return None
    paths = read_yaml(read_text(files.spec), str(files.spec)).get("paths", {})
    return frozenset(
        (operation.label, status)
        for operation in contract.operations
        for status in operation.responses
        if status not in paths.get(operation.path, {}).get(operation.method.lower(), {}).get("responses", {})
    )


def level_of_overlay(contract: Contract, status: int) -> Level:
    """Return the level of findings about rules that only the overlay has.

    The packaged overlay guesses at error responses, so these are info; what else it or the overlay of a project adds
    is a warning.
    """
    files = built_from(contract.name)
    is_guess = files is not None and files.is_vendored and status >= 300
    return "info" if is_guess else "warning"


def lower_observed(contract: Contract, finding: Finding) -> Finding:
    """Return a difference from the contract with its level lowered if it breaks only the overlay."""
    status = int(finding.extra["status"])
    operation = next(operation for operation in contract.operations if operation.label == finding.operation)
    if not is_of_overlay_alone(
        contract,
        operation,
        status,
        rule=finding.rule,
        level=finding.level,
        location=finding.location,
    ):
        return finding
    extra = {**finding.extra, "source": "overlay"}
    level = level_of_overlay(contract, status)
    return replace(finding, level=level, message=finding.message + OVERLAY_ALONE, extra=extra)


def is_of_overlay_alone(
    contract: Contract,
    operation: Operation,
    status: int,
    *,
    rule: str,
    level: Level,
    required_statuses: Sequence[int] = (),
    location: str = "",
    kind: str = "",
    body: bytes = b"",
    media_type: str = "",
) -> bool:
    """Return whether a violation breaks only what the overlay adds, judged by rule, status and location.

    The overlay adds the schemas of error bodies, their formats that are based on JSON (`application/problem+json`, RFC
    9457), the statuses of rejections, and which requests are rejected. A server error, any other content type and an
    accepted invalid credential are errors whichever document describes the response. `required_statuses` are those
    that the request must get.
    """
    added, documented = added_by_overlay(contract), operation.response_for(status)
    if not added or level != "error":
        return False

    def is_added(status: str) -> bool:
        """Return whether only the overlay documents a status."""
        return (operation.label, status) in added

    is_added_here = documented is not None and is_added(documented.status)
    if rule in _BY_STATUS:
        return is_added_here
    if rule == "content_type_conformance":
        return is_added_here and (not body.strip() or media_type.endswith("+json"))
    is_rejection = 300 <= status < 500
    if rule == "status_code_conformance":
        if required_statuses:
            responses = list(filter(None, map(operation.response_for, required_statuses)))
            return status < 500 and bool(responses) and all(is_added(response.status) for response in responses)
        rejections = [status for status in operation.responses if status[0] in "345"]
        return is_rejection and bool(rejections) and all(map(is_added, rejections))
    is_of_credential = rule == "ignored_auth" or location.startswith("credential: ")
    return is_of_credential and is_rejection and kind != "listed"
