"""Describes what the contract suite can check of a contract, and which settings the rest of it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, NamedTuple

from pytest_bctrl.contract.key_fields import KeyField, field_of, requirement
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.scheme_values import values_by_scheme
from pytest_bctrl.contract.unapplied_security import UnappliedSecurity
from pytest_bctrl.contract.valid_parts import Exclusion
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.samples.inputs import names_without_value, optional_names_without_value
from pytest_bctrl.samples.parameter_settings import setting_lines
from pytest_bctrl.secrets.secret import KEY_VARIABLE, Secret
from pytest_bctrl.suite.operations import reason_unchecked, with_sources
from pytest_bctrl.suite.run import ContractRun, required_variables

State = Literal["checked", "no value", "not checked", "unsafe", "excluded"]
STATES: tuple[State, ...] = ("checked", "no value", "not checked", "unsafe", "excluded")

SPACE_ID = "space_id"
"""The name of the setting that holds the space id, as in `x-bctrl-setting`."""


class OperationSummary(NamedTuple):
    """Whether a live run checks an operation; `missing` are its required parameters without a value.

    `unsent` are optional parameters that are not sent, since an invented value would prove nothing. `received` are the
    parameters whose values are in responses, each with the operation.
    """

    label: str
    operation_id: str
    state: State
    reason: str = ""
    missing: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()
    received: Mapping[str, str] = MappingProxyType({})


class CredentialUse(NamedTuple):
    """Where the value of a credential comes from, which field carries it, and the name of its security scheme."""

    source: str
    field: KeyField
    scheme: str


@dataclass(frozen=True, slots=True)
class ContractSummary:
    """The operations of a contract and what they need.

    `credentials` are the labels of the operations that get each credential, `without_credential` of those that get
    none. `schemes_without_value` are the lines that `bctrl_credentials` lacks, and `missing` those that `bctrl_values`
    lacks, each with the labels of the operations that need it. The space id has a setting of its own, and
    `needs_space_id` are the labels of the operations that only lack it. `variables` are the environment variables that
    a live run needs, as typed before a command. `invalid_parts` are other parts of the document that cannot be used,
    such as examples. `unapplied` is the security that the document does not apply to any operation.
    """

    operations: tuple[OperationSummary, ...]
    credentials: Mapping[CredentialUse, tuple[str, ...]]
    schemes_without_value: Mapping[str, tuple[str, ...]]
    without_credential: tuple[str, ...]
    missing: Mapping[str, tuple[str, ...]]
    needs_space_id: tuple[str, ...] = ()
    invalid_parts: tuple[str, ...] = ()
    variables: str = ""
    unapplied: UnappliedSecurity | None = None

    def operations_in_state(self, state: State) -> list[OperationSummary]:
        """Return the operations in a state."""
        return [operation for operation in self.operations if operation.state == state]

    @property
    def counts(self) -> str:
        """The numbers of operations per state as text: `2 checked, 1 unsafe`."""
        return ", ".join(
            f"{len(self.operations_in_state(state))} {state}" for state in STATES if self.operations_in_state(state)
        )


def summarise(run: ContractRun) -> ContractSummary:
    """Return what a live run checks of the contract, and which credentials, values and space id it needs."""
    variables = required_variables(run)
    # As if a key were set: what else is missing does not depend on it.
    run = with_sources(replace(run, key=run.key or Secret("not set")))
    contract = run.contract
    operations = [_summarise_operation(run, operation) for operation in run.operations]
    excluded_operations = [exclusion for exclusion in contract.excluded if exclusion.is_operation]
    first_problems = {exclusion.operation: exclusion for exclusion in reversed(excluded_operations)}
    operations += [
        OperationSummary(label, "", "excluded", _exclusion_reason(exclusion))
        for label, exclusion in reversed(first_problems.items())
    ]
    invalid_parts = tuple(
        f"{exclusion.operation}: {_exclusion_reason(exclusion)}"
        for exclusion in contract.excluded
        if exclusion not in excluded_operations
    )
    missing: dict[str, tuple[str, ...]] = {}
    needs_space_id = []
    space_parameters = _space_parameters(run)
    by_label = {operation.label: operation for operation in run.operations}
    for operation in operations:
        names = [name for name in operation.missing if (operation.label, name) not in space_parameters]
        if operation.missing and not names:
            needs_space_id.append(operation.label)
        elif names:
            for line in setting_lines(run.contract, by_label[operation.label], names):
                missing[line] = (*missing.get(line, ()), operation.label)
    credentials, schemes_without_value = _credential_uses(run)
    return ContractSummary(
        tuple(operations),
        credentials,
        schemes_without_value,
        tuple(_without_credential(run)),
        missing,
        tuple(needs_space_id),
        invalid_parts,
        variables,
        None if run.chosen.is_published else contract.unapplied,
    )


def _space_parameters(run: ContractRun) -> set[tuple[str, str]]:
    """Return the parameters that take the space id, as labels of operations and names."""
    return {
        (operation.label, parameter.name)
        for operation in run.operations
        for parameter in operation.parameters
        if parameter.setting == SPACE_ID
    }


def has_bare_key(summary: ContractSummary) -> bool:
    """Return whether the key is sent in `Authorization` without a scheme: an API may expect a word in front of it."""
    return any(use.field == KeyField("Authorization") for use in summary.credentials)


def has_server(contract: Contract) -> bool:
    """Return whether the first server of the contract is an absolute URL."""
    return bool(contract.servers) and "://" in contract.servers[0]


def _summarise_operation(run: ContractRun, operation: Operation) -> OperationSummary:
    """Return the summary of an operation; its state is `unsafe`, `no value`, `not checked` or `checked`."""
    reason = reason_unchecked(run, operation)
    state: State = "not checked" if reason else "checked"
    missing: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()
    values = run.values_of(operation)
    if not operation.is_safe:
        state = "unsafe"
    elif reason:
        missing = tuple(names_without_value(run.contract, operation, values))
    else:
        unsent = tuple(optional_names_without_value(run.contract, operation, values))
    if missing:
        state = "no value"
    sources = run.sources.get(operation.label, {})
    received = {name: source.operation.label for name, source in sources.items()}
    return OperationSummary(operation.label, operation.operation_id, state, reason, missing, unsent, received)


def _exclusion_reason(exclusion: Exclusion) -> str:
    """Return the reason of an exclusion, with the JSON pointer of the invalid part."""
    return f"{exclusion.reason} ({exclusion.hint})"


def _credential_uses(run: ContractRun) -> tuple[dict[CredentialUse, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return which operations get which credential, and which get none, because a scheme has no value."""
    values = values_by_scheme(run.contract, run.key, run.scheme_values)
    uses: dict[CredentialUse, tuple[str, ...]] = {}
    without_value: dict[str, tuple[str, ...]] = {}
    for operation in run.operations:
        for scheme in requirement(operation):
            field = field_of(scheme)
            if field is not None and scheme.name in values:
                use = CredentialUse(values[scheme.name].source, field, scheme.name)
                uses[use] = (*uses.get(use, ()), operation.label)
            elif field is not None:
                line = f"{scheme.name} = $VARIABLE"
                without_value[line] = (*without_value.get(line, ()), operation.label)
    return uses, without_value


def _without_credential(run: ContractRun) -> Iterator[str]:
    """Yield the labels of the operations that get no credential, with a note if one may be sent."""
    for operation in run.operations:
        if not requirement(operation):
            yield f"{operation.label} (optional)" if operation.security else operation.label


class SummaryLine(NamedTuple):
    """A line about a contract: its topic, its text, and whether it names something that a live run cannot check."""

    topic: str
    text: str
    is_gap: bool = False


_FEW = 40
"""Maximum number of operations of one state that are listed as text."""


def summary_lines(summary: ContractSummary, limit: int | None = _FEW) -> Iterator[SummaryLine]:
    """Yield lines about a contract: operations by state, invalid parts, credentials; `limit` applies per state."""
    yield SummaryLine("operations", f"{len(summary.operations)}: {summary.counts}")
    for state in STATES:
        operations = summary.operations_in_state(state)
        is_gap = state in ("no value", "not checked", "excluded")
        for operation in operations[:limit]:
            yield SummaryLine(state, _operation_text(operation), is_gap)
        if limit is not None and len(operations) > limit:
            yield SummaryLine(state, f"and {len(operations) - limit} more (--format json lists all)", is_gap)
    for operation in [operation for operation in summary.operations if operation.unsent][:limit]:
        yield SummaryLine("no value", f"{operation.label}: {', '.join(operation.unsent)} (optional)", is_gap=True)
    for part in summary.invalid_parts[:limit]:
        yield SummaryLine("invalid", part, is_gap=True)
    yield from _credential_lines(summary, limit)


def _credential_lines(summary: ContractSummary, limit: int | None) -> Iterator[SummaryLine]:
    """Yield lines about the credentials that the operations get, and those that have no value."""
    if not summary.credentials:
        yield SummaryLine("key", f"not needed: no operation requires one ({KEY_VARIABLE} is not sent)")
    condition = ", if it is set" if summary.unapplied is not None else ""
    for use, labels in summary.credentials.items():
        text = f"{use.source}{condition}, sent as {use.field} ({use.scheme}) to {_listed_operations(labels, limit)}"
        yield SummaryLine("key", text)
    if summary.credentials and summary.without_credential:
        text = f"none is sent to {_listed_operations(summary.without_credential, limit)}"
        yield SummaryLine("key", text)
    for line, labels in summary.schemes_without_value.items():
        text = f"no value; add to bctrl_credentials: {line}, for {_listed_operations(labels, limit)}"
        yield SummaryLine("key", text, is_gap=True)
    if summary.unapplied is not None and summary.unapplied.schemes:
        yield SummaryLine("key", f"credentials are not checked: {summary.unapplied.reason}", is_gap=True)


def _listed_operations(labels: Sequence[str], limit: int | None) -> str:
    """Return the number of operations with their labels, at most `limit` of these."""
    shown = ", ".join(labels[:limit])
    return f"{numbered(len(labels), 'operation')}: {shown}{', …' if len(labels) > len(labels[:limit]) else ''}"


def _operation_text(operation: OperationSummary) -> str:
    """Return an operation as text: label, id, and missing values or the reason why it is not checked."""
    text = f"{operation.label}  {operation.operation_id}".rstrip()
    if operation.missing:
        return f"{text}: {', '.join(operation.missing)}"
    if operation.state in ("not checked", "excluded"):
        return f"{text}: {operation.reason}"
    received = [f"{name} from the response of {label}" for name, label in operation.received.items()]
    return f"{text}: {', '.join(received)}" if received else text


def value_lines(summary: ContractSummary) -> list[str]:
    """Return the missing lines of `bctrl_values`, each below a comment that names an operation which needs it.

    For a parameter that no line can name, the line is a comment too.
    """
    lines = []
    for line, labels in summary.missing.items():
        operations = labels[0]
        if len(labels) > 1:
            operations += f" and {len(labels) - 1} more"
        lines.append(f"# for {operations}")
        lines.append(line if names_parameter(line) else f"# no line can name {line.removesuffix(' = VALUE')!r}")
    return lines


def names_parameter(line: str) -> bool:
    """Return whether a suggested line of `bctrl_values` is read as a value of its parameter, and of no other name."""
    name = line.removesuffix(" = VALUE")
    return "=" not in name and name == " ".join(name.split()) and not name.startswith(("#", ";"))
