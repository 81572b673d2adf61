"""Everything that the contract suite asks, as one list: for its tests, and for a verdict without pytest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

from pytest_bctrl.checks.credentials import NONE, Credential, as_one, wrong_credentials
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.key_fields import KeyField, guarded_by, key_fields, lets_in
from pytest_bctrl.contract.model import SAFE_METHODS, Operation
from pytest_bctrl.contract.paging_read import paging
from pytest_bctrl.errors import SettingError
from pytest_bctrl.finding import Finding
from pytest_bctrl.samples.inputs import unfilled
from pytest_bctrl.suite import pages, probes
from pytest_bctrl.suite.parameters import Trial, generated_paths, mistakes, path_probes, variations
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending import Ask, Probe
from pytest_bctrl.suite.target import Target
from pytest_bctrl.suite.troubles import NoAnswerError, NotCheckedError

Rows: TypeAlias = Iterator[tuple[str, tuple[Any, ...]]]
"""For one operation: the end of a test's id, and what the probe is given beside target and operation."""


def plan(run: ContractRun, *names: str, only: Operation | None = None) -> Iterator[Probe]:
    """Yield all probes of a run in the order in which they are sent, or those of some tests or of one operation."""
    operations = askable(run) if only is None else [] if why_not_asked(run, only) else [only]
    for name, (rows, ask) in _TESTS.items():
        for operation in operations if not names or name in names else ():
            title = operation.operation_id or operation.label
            share = _shares(run, operation)[name] if name in (*_TRIED, *_GENERATED) else None
            for about, given in islice(rows(run, operation), share):
                # A check of one's own is looked for by its own name first.
                parts = [about, title] if name == "test_own_check" else [title, about]
                more = (share,) if name in _GENERATED else ()
                asks = partial(ask, run, operation, *given, *more)
                yield Probe("-".join(filter(None, parts)), operation, asks, is_repeated=ask is probes.of_repetition)


def tests() -> dict[str, str]:
    """Return the names of the tests that there may be, and what each says, in the order in which they are sent."""
    return {name: str(ask.__doc__) for name, (_, ask) in _TESTS.items()}


def left_out(run: ContractRun, operation: Operation) -> int:
    """Return how many values are not tried, so that an operation gets no more requests than a run sends at most."""
    return sum(_wanted(run, operation).values()) - sum(_shares(run, operation).values())


def _shares(run: ContractRun, operation: Operation) -> dict[str, int]:
    """How many requests each test may send that tries values, dealt in turns; the others send all that they have."""
    sent = probes.REPEATS + sum(1 for _ in _credentials(run, operation)) + _is_secured(run, operation)
    sent += sum(pages.PIECES for _ in _paged(run, operation))
    # One is kept for what a target may make us send again.
    left = run.most_requests - sent - 1
    wanted = _wanted(run, operation)
    shares = dict.fromkeys(wanted, 0)
    for turn in range(max(wanted.values(), default=0)):
        for name, most in wanted.items():
            shares[name] += turn < most and sum(shares.values()) < left
    return shares


def _wanted(run: ContractRun, operation: Operation) -> dict[str, int]:
    many = {name: made(run.max_examples) for name, made in _GENERATED.items()}
    names = (*_TRIED, *_GENERATED)
    return {name: many.get(name, 1) * sum(1 for _ in _TESTS[name][0](run, operation)) for name in names}


def run_probes(target: Target, *names: str, only: Operation | None = None) -> list[Finding]:
    """Send every probe, or those of some tests or of one operation, and return what all found.

    It stops where the target cannot be asked. What fails a run at a level follows from the findings (`at_or_above`).
    """
    found: list[Finding] = []
    probes_sent = list(plan(target.run, *names, only=only))
    target.expect(probes_sent)
    for probe in probes_sent:
        try:
            with suppress(NotCheckedError):
                for several in target.findings(probe):
                    found += several
        except NoAnswerError as error:
            found.append(error.finding)
            if error.is_final:
                break
    return as_one(merge(found))


def askable(run: ContractRun) -> list[Operation]:
    """The operations that a safe request can reach with the settings there are and what the contract says."""
    return [operation for operation in run.operations if not why_not_asked(run, operation)]


def why_not_asked(run: ContractRun, operation: Operation) -> str:
    """Return why an operation is not asked, in words; empty where it is."""
    if not operation.is_safe:
        return f"{operation.method} could change something, and the suite sends safe methods only"
    if operation.success is None:
        return "the contract documents no successful answer"
    if {"?", "#"} & {*operation.path}:
        return "its path has a query or a fragment, which is not part of a path"
    missing = unfilled(run.contract, operation, run.values)
    if missing:
        return f"nothing gives a value for {', '.join(missing)}; an example in the contract would"
    if key_fields(run.contract, operation) is None:
        return "its security is not a bearer token, a password or an API key in a header field or cookie"
    return ""


def require_operations(run: ContractRun) -> None:
    """Raise `SettingError` where a run could ask its target nothing: it would be green with nothing checked."""
    if run.target is None or askable(run):
        return
    safe = [operation for operation in run.operations if operation.is_safe]
    names = sorted({name for operation in safe for name in unfilled(run.contract, operation, run.values)})
    reason = next((why_not_asked(run, operation) for operation in safe), "none has a safe method")
    hint = f"give a document with a {' or '.join(sorted(SAFE_METHODS))} that the suite can ask"
    if names:
        reason = f"required parameters have no value: {', '.join(names)}"
        hint = "give a path parameter an example, or take it from a setting: x-bctrl-setting: space_id"
    raise SettingError(f"no operation of the contract can be asked; {reason}", where=run.contract.name, hint=hint)


def _where(applies: Callable[[ContractRun, Operation], object]) -> Callable[[ContractRun, Operation], Rows]:
    """One probe of each operation to which it applies."""
    return lambda run, operation: iter([("", ())] if applies(run, operation) else [])


def _each(things: Callable[[ContractRun, Operation], Iterable[tuple[str, Any]]]) -> Callable[..., Rows]:
    """A probe of each thing that there is of an operation, by its name."""
    return lambda run, operation: ((name, (thing,)) for name, thing in things(run, operation))


def _trials(trials: Callable[..., Iterator[Trial]]) -> Callable[[ContractRun, Operation], Rows]:
    """A probe of each trial of a parameter, as far as there may be so many: the first of each, then the second, …"""

    def rows(run: ContractRun, operation: Operation) -> Rows:
        tried = Counter[str]()
        ranked = []
        for trial in trials(run.contract, operation, run.values):
            tried[trial.parameter.name] += 1
            ranked.append((tried[trial.parameter.name], trial))
        for _, trial in sorted(ranked, key=lambda one: one[0])[: run.max_examples]:
            yield trial.name.replace(" ", "-"), (trial,)

    return rows


def _credentials(run: ContractRun, operation: Operation) -> Rows:
    for credential in credentials_of(run, operation):
        yield credential.name.replace(" ", "-"), (credential,)


def credentials_of(run: ContractRun, operation: Operation) -> list[Credential]:
    """Return the wrong credentials that an operation is sent, none where it takes no key."""
    guard = guarded_by(run.contract, operation)
    wrong = wrong_credentials(run.key, guard) if guard is not None else []
    return [credential for credential in wrong if guard and not _is_taken(run, operation, guard, credential)]


def _is_taken(run: ContractRun, operation: Operation, guard: KeyField, credential: Credential) -> bool:
    """Whether the contract takes a credential in another of its ways, such as the key as a user beside a token."""
    key = run.key.reveal()
    fields = key_fields(run.contract, operation) or ()
    sent = {one.name.lower(): one.value(key) for one in fields if one != guard}
    if credential.header is not None:
        sent[guard.name.lower()] = credential.header.reveal()
    return lets_in(operation, key, sent.get)


def _is_secured(run: ContractRun, operation: Operation) -> bool:
    guard = guarded_by(run.contract, operation)
    return guard is not None and operation.method == "GET" and not _is_taken(run, operation, guard, NONE)


_once = _where(lambda _run, _operation: True)
_secured = _where(_is_secured)
_placed = _where(lambda _run, operation: operation.path_parameters)
_queried = _where(probes.made_up)
_paged = _each(lambda run, one: [("", found)] if (found := paging(run.contract, one)) else [])
_rules = _each(lambda _run, operation: ((rule["rule"], rule) for rule in operation.invariants))
_own = _each(
    lambda run, one: ((check.name, check) for check in run.checks if check.looks_at(one.operation_id, one.label))
)
_path_values = _each(
    lambda run, one: ((value.name, value) for value in (path_probes(run.max_examples) if one.path_parameters else ()))
)

OF_THE_BODY = ("test_answer_conforms", "test_other_engines_agree", "test_nothing_undocumented", "test_invariant")
"""The tests that look at the plain answer alone: for what stands in its body and nowhere else."""

_TRIED = ("test_odd_path_value_is_refused", "test_allowed_value_is_taken", "test_wrong_value_is_refused")
_GENERATED: dict[str, Callable[[int], int]] = {
    "test_generated_path_values_are_refused": generated_paths,
    "test_generated_query_is_answered": lambda most: most,
}
"""The tests that try values, row by row, and those that have so many of them made as they are told."""

_TESTS: dict[str, tuple[Callable[[ContractRun, Operation], Rows], Callable[..., Iterable[Ask]]]] = {
    "test_answer_conforms": (_once, probes.of_plain(probes.check_first)),
    "test_other_engines_agree": (_once, probes.of_plain(probes.check_twice)),
    "test_nothing_undocumented": (_once, probes.of_plain(probes.check_documented)),
    "test_invariant": (_rules, probes.of_plain(probes.check_rule)),
    "test_own_check": (_own, probes.of_plain(probes.check_own)),
    "test_conformance_is_kept": (_once, probes.of_repetition),
    "test_pages_are_whole": (_paged, pages.of_pages),
    "test_wrong_credential_is_refused": (_credentials, probes.of_credential),
    "test_head_needs_the_credential_too": (_secured, probes.of_head),
    "test_odd_path_value_is_refused": (_path_values, probes.of_path),
    "test_allowed_value_is_taken": (_trials(variations), probes.of_variation),
    "test_wrong_value_is_refused": (_trials(mistakes), probes.of_mistake),
    "test_generated_path_values_are_refused": (_placed, probes.of_generated_paths),
    "test_generated_query_is_answered": (_queried, probes.of_generated_query),
}
"""By the name of its test in `tests`: what there is to ask about an operation, and what asks it."""
