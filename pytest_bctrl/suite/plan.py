"""Everything that the contract suite asks, as one list: for its tests, and for a verdict without pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, TypeAlias

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.credentials import NONE, Credential, wrong_credentials
from pytest_bctrl.checks.run import check_protocol
from pytest_bctrl.checks.strength import false_alarms
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.key_fields import guarded_by, key_fields, lets_in
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.parameters import documented_refusals
from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.finding import Finding
from pytest_bctrl.samples import Samples
from pytest_bctrl.samples.inputs import answers_with_json, unfilled
from pytest_bctrl.suite import paths, probes
from pytest_bctrl.suite.parameters import Trial, mistakes, variations
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.target import NoAnswerError, Target
from pytest_bctrl.traffic.mock.refusal import Refusals

Rows: TypeAlias = Iterator[tuple[str, tuple[Any, ...]]]
"""For one operation: the end of a test's id, and what the probe is given beside target and operation."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that is asked about one operation; `name` is its part of the id of a test."""

    name: str
    operation: Operation
    _ask: Callable[..., probes.Found]
    _given: tuple[Any, ...] = ()

    def send(self, target: Target) -> probes.Found:
        """Ask a target, and yield the findings of each answer.

        Raises `NoAnswerError` where there is none, and `NotCheckedError` where it has nothing to look at.
        """
        target.first(self.operation)
        return self._ask(target, self.operation, *self._given)


def plan(run: ContractRun, test: str = "", only: Operation | None = None) -> Iterator[Probe]:
    """Yield all probes of a run in the order in which they are sent, or those of one test or of one operation."""
    operations = askable(run) if only is None else [] if why_not_asked(run, only) else [only]
    for name, (rows, ask) in _TESTS.items():
        for operation in operations if test in ("", name) else ():
            title = operation.operation_id or operation.label
            for about, given in rows(run, operation):
                # A check of one's own is looked for by its own name first.
                parts = [about, title] if ask is probes.of_own_check else [title, about]
                yield Probe("-".join(filter(None, parts)), operation, ask, given)


def run_probes(target: Target, operation: Operation | None = None) -> list[Finding]:
    """Send every probe, or every one of an operation, and return what all found; stop where the target cannot be asked.

    What fails a run at a level follows from the findings (`at_or_above`).
    """
    found: list[Finding] = []
    for probe in plan(target.run, only=operation):
        try:
            with suppress(probes.NotCheckedError):
                for several in probe.send(target):
                    found += several
        except NoAnswerError as error:
            found.append(error.finding)
            if error.is_final:
                break
    return merge(found)


def askable(run: ContractRun) -> list[Operation]:
    """The operations that a safe request can reach with the settings there are and what the contract says."""
    return [operation for operation in run.contract.operations if not why_not_asked(run, operation)]


def why_not_asked(run: ContractRun, operation: Operation) -> str:
    """Return why an operation is not asked, in words; empty where it is."""
    if not operation.is_safe:
        return f"{operation.method} could change something, and the suite sends safe methods only"
    if operation.success is None:
        return "the contract documents no successful answer"
    missing = unfilled(run.contract, operation, run.values)
    if missing:
        return f"nothing gives a value for {', '.join(missing)}; an example in the contract would"
    if key_fields(run.contract, operation) is None:
        return "its security is no bearer token, no password, and no API key in a header field or cookie"
    return _why_not_served(run.contract, operation.label) if run.mock is not None else ""


@lru_cache(maxsize=1024)
def _why_not_served(contract: Contract, label: str) -> str:
    """Say why the mock has no answer of an operation that keeps the contract; empty where it has."""
    try:
        broken = next((one for one in _of_the_mock(contract, contract.operation(label)) if one.level == "error"), None)
    except BctrlError as error:
        return f"no body can be made of the contract: {error}"
    where = f"{broken.extra.get('status')} {broken.location}: {broken.message}" if broken else ""
    return f"no body can be made that keeps the contract, give its schema examples; {where}" if broken else ""


def _of_the_mock(contract: Contract, operation: Operation) -> Iterator[Finding]:
    """What is found in the answers that the mock makes of the contract: the success, and the refusals."""
    if answers_with_json(operation):
        samples = Samples(contract, operation)
        yield from false_alarms(samples, [samples.sample()])
    refused = {operation.status_among(401, 403), operation.status_among(404, 400, 403, 422)}
    for status in sorted(refused | documented_refusals(operation)):
        made = Refusals(contract).answer(status, "it is refused", "req_1", operation=operation)
        if operation.response_for(status):
            yield from check_protocol(Answer(contract, operation, status, made.headers, made.payload.body))


def require_operations(run: ContractRun) -> None:
    """Raise `SettingError` where a run could ask its target nothing: it would be green with nothing checked."""
    if run.target is None or askable(run):
        return
    safe = [operation for operation in run.contract.operations if operation.is_safe]
    names = sorted({name for operation in safe for name in unfilled(run.contract, operation, run.values)})
    reason = next((why_not_asked(run, operation) for operation in safe), "none has a safe method")
    if names:
        reason = f"required parameters have no value: {', '.join(names)}"
    raise SettingError(
        f"no operation of the contract can be asked; {reason}",
        where=run.contract.name,
        mend="give a path parameter an example, or take it from a setting: x-bctrl-setting: space_id",
    )


def _where(applies: Callable[[ContractRun, Operation], object]) -> Callable[[ContractRun, Operation], Rows]:
    """One probe of each operation to which it applies."""
    return lambda run, operation: iter([("", ())] if applies(run, operation) else [])


def _trials(trials: Callable[..., Iterator[Trial]]) -> Callable[[ContractRun, Operation], Rows]:
    """A probe of each trial of a parameter, as far as there may be so many."""

    def rows(run: ContractRun, operation: Operation) -> Rows:
        for trial in islice(trials(run.contract, operation, run.values), run.max_examples):
            yield trial.name.replace(" ", "-"), (trial,)

    return rows


def _rules(_run: ContractRun, operation: Operation) -> Rows:
    for rule in operation.invariants:
        yield rule["rule"], (rule,)


def _own(run: ContractRun, operation: Operation) -> Rows:
    for check in run.checks:
        if check.looks_at(operation.operation_id, operation.label):
            yield check.name, (check,)


def _credentials(run: ContractRun, operation: Operation) -> Rows:
    guard = guarded_by(run.contract, operation)
    for credential in wrong_credentials(run.key, guard) if guard else ():
        if not _is_taken(run, operation, credential):
            yield credential.name.replace(" ", "-"), (credential,)


def _is_taken(run: ContractRun, operation: Operation, credential: Credential) -> bool:
    """Whether the contract takes a credential in another of its ways, such as the key as a user beside a token."""
    key = run.key.reveal()
    field, *others = key_fields(run.contract, operation) or ()
    sent = {one.name.lower(): one.value(key) for one in others}
    if credential.header is not None:
        sent[field.name.lower()] = credential.header.reveal()
    return lets_in(operation, key, sent.get)


def _path_values(run: ContractRun, operation: Operation) -> Rows:
    for value in paths.probes(run.max_examples) if operation.path_parameters else ():
        yield value.name, (value,)


def _is_secured(run: ContractRun, operation: Operation) -> bool:
    is_guarded = operation.method == "GET" and guarded_by(run.contract, operation) is not None
    return is_guarded and not _is_taken(run, operation, NONE)


_once = _where(lambda _run, _operation: True)
_secured = _where(_is_secured)
_placed = _where(lambda _run, operation: operation.path_parameters)
_queried = _where(lambda _run, operation: operation.other_parameters)

_TESTS: dict[str, tuple[Callable[[ContractRun, Operation], Rows], Callable[..., probes.Found]]] = {
    "test_answer_conforms": (_once, probes.of_answer),
    "test_schemathesis_agrees": (_once, probes.of_second_opinion),
    "test_nothing_undocumented": (_once, probes.of_undocumented),
    "test_invariant": (_rules, probes.of_invariant),
    "test_own_check": (_own, probes.of_own_check),
    "test_conformance_is_kept": (_once, probes.of_repetition),
    "test_wrong_credential_is_refused": (_credentials, probes.of_credential),
    "test_head_needs_the_credential_too": (_secured, probes.of_head),
    "test_odd_path_value_is_refused": (_path_values, probes.of_path),
    "test_allowed_value_is_taken": (_trials(variations), probes.of_variation),
    "test_wrong_value_is_refused": (_trials(mistakes), probes.of_mistake),
    "test_generated_path_values_are_refused": (_placed, probes.of_generated_paths),
    "test_generated_query_is_answered": (_queried, probes.of_generated_query),
}
"""By the name of its test in `tests`: what there is to ask about an operation, and what asks it."""
