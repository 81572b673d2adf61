"""Compares an operation of both documents; the parts that did not change are skipped."""

from __future__ import annotations

from pytest_bctrl.contract.outline import RawOperation, parameters, responses
from pytest_bctrl.drift.change_location import operation_location
from pytest_bctrl.drift.compare_content import compare_request_bodies
from pytest_bctrl.drift.compare_operation_texts import compare_operation_texts
from pytest_bctrl.drift.compare_parameters import compare_parameters
from pytest_bctrl.drift.compare_responses import compare_responses
from pytest_bctrl.drift.compare_security import Security, compare_security, known_credentials, required_parameters
from pytest_bctrl.drift.compare_servers import bases, compare_servers, own_servers
from pytest_bctrl.drift.compare_webhooks import compare_callbacks
from pytest_bctrl.drift.report import Report


def compare_operation(
    report: Report, old: RawOperation, new: RawOperation, security: tuple[Security, Security], *, is_alike: bool
) -> None:
    """Note what changed in an operation. With `is_alike`, its own text is equal, but targets of references changed."""
    location, equality = operation_location(old), report.sides.equality
    if not is_alike:
        report.compare_deprecation("endpoint", old.part, new.part, location)
        compare_operation_texts(report, old, new, location)
        servers_of = own_servers(old), own_servers(new)
        if servers_of[0] is not None or servers_of[1] is not None:
            roots = report.base.root / "servers", report.revision.root / "servers"
            compare_servers(report, servers_of[0] or roots[0], servers_of[1] or roots[1], location, bases(old, new))
    if (
        security[0] != security[1]
        or not is_alike
        or not equality.unchanged(_parameter_lists(old), _parameter_lists(new))
    ):
        before, after = parameters(report.base, old), parameters(report.revision, new)
        compare_parameters(report, before, after, location, known_credentials(*security, before, after))
        compare_security(report, *security, required_parameters(before), location)
    if not equality.unchanged(old.part.value.get("requestBody"), new.part.value.get("requestBody")):
        compare_request_bodies(report, old, new, location)
    compare_responses(report, responses(report.base, old), responses(report.revision, new), location)
    compare_callbacks(report, old, new)


def _parameter_lists(operation: RawOperation) -> list[object]:
    """Return the `parameters` of the path item and of the operation, as written."""
    return [operation.item.value.get("parameters"), operation.part.value.get("parameters")]
