"""What settings and contract leave out of a run of the contract suite, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.parameters import documented_rejections
from pytest_bctrl.contract.unvalidated_bodies import unvalidated_media_types
from pytest_bctrl.reports.terminal import listed
from pytest_bctrl.samples.inputs import optional_names_without_value
from pytest_bctrl.suite.operations import reason_not_requested, requestable_operations
from pytest_bctrl.suite.plan.catalogue import credentials_of, omitted_request_count
from pytest_bctrl.suite.report.grouping import grouped_reasons
from pytest_bctrl.suite.run import ContractRun

_UNSENT_CREDENTIALS = (
    "the key under another scheme or none, in another letter case, or with a character more, less or changed, since a "
    "server may log it; bctrl_probes = derived sends these"
)
"""What a run that sends no wrong credentials with the key does not check."""


def untested_parts(run: ContractRun) -> list[str]:
    """Return a sentence for each thing that settings and contract leave out of the run."""
    operations = requestable_operations(run)
    return [
        *grouped_reasons(_reasons_by_operation(run, operations)),
        *_parameters_without_value(run, operations),
        *_unsent_credentials(run, operations),
        *_omitted_requests(run, operations),
    ]


def _reasons_by_operation(run: ContractRun, operations: Sequence[Operation]) -> Iterator[tuple[str, str]]:
    """Yield the label of an operation, and why it is not requested, or what of it is not checked."""
    for operation in run.operations:
        reason = reason_not_requested(run, operation)
        if reason:
            yield operation.label, reason
    for operation in operations:
        if operation.other_parameters and not documented_rejections(operation):
            yield operation.label, "invalid values of its parameters, since it documents no 400 or 422"
    for operation in operations:
        for media_type in unvalidated_media_types(run.contract, operation.success):
            # Schemathesis validates YAML.
            if operation.method != "HEAD" and "yaml" not in media_type:
                yield operation.label, f"the schema of its {media_type} body, since only JSON bodies are validated"


def _parameters_without_value(run: ContractRun, operations: Sequence[Operation]) -> Iterator[str]:
    """Yield a sentence about the optional parameters for which the run has no value, if there are any."""
    names: Mapping[str, Sequence[str]] = {
        operation.label: optional_names_without_value(run.contract, operation, run.values_of(operation))
        for operation in operations
    }
    labels = [label for label in names if names[label]]
    if labels:
        different_names = dict.fromkeys(chain.from_iterable(names.values()))
        yield f"{listed(labels, 'operation')}: optional parameters without a value: {', '.join(different_names)}"


def _unsent_credentials(run: ContractRun, operations: Sequence[Operation]) -> Iterator[str]:
    """Yield a sentence about the wrong credentials that the run does not send, if there are any."""
    if not any(credentials_of(run, operation) for operation in operations):
        return
    if "bctrl_auth" in run.own_fixtures:
        yield "wrong credentials that contain a part of the right one, which bctrl_auth provides"
    elif not run.sends_key_in_wrong_credentials:
        yield _UNSENT_CREDENTIALS


def _omitted_requests(run: ContractRun, operations: Sequence[Operation]) -> Iterator[str]:
    """Yield a sentence about the values that exceed the number of requests of an operation, if there are any."""
    counts = {operation.label: omitted_request_count(run, operation) for operation in operations}
    labels = [label for label, count in counts.items() if count]
    if labels:
        yield (
            f"{listed(labels, 'operation')}: {sum(counts.values())} values of its parameters, since a run sends at "
            f"most {run.most_requests} requests per operation; --bctrl-max-examples=N allows more"
        )
