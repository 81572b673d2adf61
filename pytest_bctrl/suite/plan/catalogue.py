"""Everything that the contract suite asks, as one list: for its tests, and for a verdict without pytest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from pytest_bctrl.checks.credentials import NONE, Credential, as_one, wrong_credentials
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.key_fields import KeyField, credential_field, has_valid_key, key_fields
from pytest_bctrl.contract.model import SAFE_METHODS, Operation
from pytest_bctrl.contract.paging_read import read_paging
from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.samples.inputs import unfilled
from pytest_bctrl.suite.plan import engine_probes, pages, probes
from pytest_bctrl.suite.plan.parameter_values import (
    Trial,
    generated_paths,
    mistakes,
    near_misses,
    path_probes,
    variations,
)
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.requests import Ask, Probe, plain
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.suite.sending.transport_errors import NoAnswerError, NotCheckedError

Rows: TypeAlias = Iterator[tuple[str, tuple[Any, ...]]]
"""For one operation: the end of a test's id, and what the probe is given beside target and operation."""


def plan(run: ContractRun, *names: str, only: Operation | None = None) -> Iterator[Probe]:
    """Yield all probes of a run in the order in which they are sent, or those of some tests or of one operation."""
    operations = askable(run) if only is None else [] if why_not_asked(run, only) else [only]
    for name in _TESTS:
        for operation in operations if not names or name in names else ():
            yield from _probes(run, name, operation)


def _probes(run: ContractRun, name: str, operation: Operation) -> Iterator[Probe]:
    test, title = _TESTS[name], operation.operation_id or operation.label
    share = _shares(run, operation)[name] if name in (*_TRIED, *_GENERATED) else None
    for about, given in islice(test.rows(run, operation), share):
        # A check of one's own is looked for by its own name first.
        parts = [about, title] if name == "test_own_check" else [title, about]
        more = (share,) if name in _GENERATED else ()
        asks = partial(test.ask, run, operation, *given, *more)
        kind = test.kind(about)
        if run.probes == "all" or kind in CONFORMING:
            is_repeated = test.ask is probes.of_repetition
            yield Probe("-".join(filter(None, parts)), operation, asks, is_repeated, kind, test.needs)


def requests_of(run: ContractRun, only: Operation) -> Iterator[Ask]:
    """Yield the requests of the tests of our own checks, for the other engines to look at the responses."""
    for name in _TESTS:
        for probe in _probes(run, name, only) if name not in ENGINE_TESTS else ():
            with suppress(NotCheckedError):
                yield from probe.asks()


def announced(run: ContractRun) -> Counter[str]:
    """Return how many requests of each kind a whole run plans to send; retries come on top, pages may be fewer."""
    kinds: dict[Hashable, str] = {}
    for operation in askable(run):
        kinds[operation.label] = PLAIN
        # The plain request is asked for by name, and by what it holds.
        kinds[Ask(operation, lambda _exchange: [], plain(run, operation)).key] = ""
        # jsonschema validates the responses of the others.
        for probe in plan(run, *(name for name in _TESTS if name != "test_jsonschema"), only=operation):
            with suppress(NotCheckedError):
                for ask in probe.asks():
                    kinds.setdefault(ask.key, probe.kind)
        pages_planned = sum(pages.PIECES for _ in _paged(run, operation))
        kinds.update({(operation.label, "page", number): PLAIN for number in range(pages_planned)})
    return Counter(kind for kind in kinds.values() if kind)


PLAIN, WRONG_CREDENTIAL = "plain", "with an invalid credential"
UNUSUAL_ID, WRONG_VALUE = "with unusual ids", "with values that are not allowed"

CONFORMING = (PLAIN,)
"""The kinds of requests that conform to the contract: what `bctrl_probes = contract` sends."""


def tests() -> dict[str, str]:
    """Return the names of the tests that there may be, and what each says, in the order in which they are sent."""
    return {name: str(test.ask.__doc__) for name, test in _TESTS.items()}


def left_out(run: ContractRun, operation: Operation) -> int:
    """Return how many values are not tried, so that an operation gets no more requests than a run sends at most."""
    return sum(_wanted(run, operation).values()) - sum(_shares(run, operation).values())


def _shares(run: ContractRun, operation: Operation) -> dict[str, int]:
    """How many requests each test may send that tries values, dealt in turns; the others send all that they have."""
    sent = probes.REPEATS + sum(1 for _ in _sampled(run, operation)) + sum(pages.PIECES for _ in _paged(run, operation))
    if run.probes == "all":
        sent += sum(1 for _ in _credentials(run, operation)) + _is_secured(run, operation)
    sent += engine_probes.most_sent(run, operation)
    # One is kept for what a target may make us send again, unless there are some that can be left out then.
    left = run.most_requests - sent - (not operation.path_parameters)
    wanted = _wanted(run, operation)
    shares = dict.fromkeys(wanted, 0)
    # Schemathesis generates queries too, which are sent in any case.
    first_turns = {"test_generated_query_is_answered": engine_probes.CASES}
    turns = max(wanted.values(), default=0) + engine_probes.CASES
    for turn in range(turns):
        for name, most in wanted.items():
            shares[name] += 0 <= turn - first_turns.get(name, 0) < most and sum(shares.values()) < left
    return shares


def _wanted(run: ContractRun, operation: Operation) -> dict[str, int]:
    many = {name: made(run.max_examples) for name, made in _GENERATED.items()}
    names = [name for name in (*_TRIED, *_GENERATED) if run.probes == "all" or _TESTS[name].kind("") in CONFORMING]
    wanted = {name: many.get(name, 1) * sum(1 for _ in _TESTS[name].rows(run, operation)) for name in names}
    return {**dict.fromkeys((*_TRIED, *_GENERATED), 0), **wanted}


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
    guard = credential_field(run.contract, operation)
    wrong = wrong_credentials(run.key, guard) if guard is not None else []
    return [credential for credential in wrong if guard and not _is_taken(run, operation, guard, credential)]


def _is_taken(run: ContractRun, operation: Operation, guard: KeyField, credential: Credential) -> bool:
    """Whether the contract takes a credential in another of its ways, such as the key as a user beside a token."""
    key = run.key.reveal()
    fields = key_fields(run.contract, operation) or ()
    sent = {one.name.lower(): one.value(key) for one in fields if one != guard}
    if credential.header is not None:
        sent[guard.name.lower()] = credential.header.reveal()
    return has_valid_key(operation, key, sent.get)


def _is_secured(run: ContractRun, operation: Operation) -> bool:
    guard = credential_field(run.contract, operation)
    return guard is not None and operation.method == "GET" and not _is_taken(run, operation, guard, NONE)


_once = _where(lambda _run, _operation: True)
_secured = _where(_is_secured)
_placed = _where(lambda _run, operation: operation.path_parameters)
_queried = _where(probes.made_up)
_paged = _each(lambda run, one: [("", found)] if (found := read_paging(run.contract, one)) else [])
_sampled = _where(lambda _run, operation: shape(operation.label) in probes.SAMPLES)
_rules = _each(lambda _run, operation: ((rule["rule"], rule) for rule in operation.invariants))
_own = _each(
    lambda run, one: ((check.name, check) for check in run.checks if check.looks_at(one.operation_id, one.label))
)


def _jsonschema(run: ContractRun, operation: Operation) -> Rows:
    for about in ("plain", "responses"):
        yield about, (about, partial(requests_of, run, operation), 0)


def _schemathesis(run: ContractRun, operation: Operation) -> Rows:
    ids = _shares(run, operation)["test_generated_path_values_are_refused"]
    ids -= sum(1 for _ in near_misses(run.contract, operation, plain(run, operation).path)) if ids else 0
    limits = {
        "plain": 1,
        "positive": engine_probes.CASES if engine_probes.has_positive_cases(run, operation) else 1,
        "generated-ids": ids,
        "negative": engine_probes.CASES * engine_probes.has_negative_cases(run, operation),
        "head": _is_secured(run, operation),
        "responses": 1,
    }
    for about, limit in limits.items():
        if limit > 0:
            yield about, (about, partial(requests_of, run, operation), limit)


_path_values = _each(
    lambda run, one: ((value.name, value) for value in (path_probes(run.max_examples) if one.path_parameters else ()))
)

OF_THE_BODY = ("test_answer_conforms", "test_nothing_undocumented", "test_invariant")
"""The tests that look at the plain answer: for what stands in its body and nowhere else."""

_TRIED = ("test_odd_path_value_is_refused", "test_allowed_value_is_taken", "test_wrong_value_is_refused")
_GENERATED: dict[str, Callable[[int], int]] = {
    "test_generated_path_values_are_refused": generated_paths,
    "test_generated_query_is_answered": lambda most: most,
}
"""The tests that try values, row by row, and those that have so many of them made as they are told."""

_PROTOCOL = ("status", "framing", "content type", "header fields", "body", "interoperable", "schema")
"""The checks that look at every answer (`looked`)."""


class _Test(NamedTuple):
    """One test: what there is to ask about an operation, what asks it, the kind of its requests, and its checks."""

    rows: Callable[[ContractRun, Operation], Rows]
    ask: Callable[..., Iterable[Ask]]
    sent: str | Mapping[str, str]
    needs: frozenset[str]

    def kind(self, about: str) -> str:
        """Return the kind of the requests of a row."""
        return self.sent if isinstance(self.sent, str) else self.sent.get(about, PLAIN)


def _test(
    rows: Callable[[ContractRun, Operation], Rows],
    ask: Callable[..., Iterable[Ask]],
    *needs: str,
    sent: str | Mapping[str, str] = PLAIN,
) -> _Test:
    return _Test(rows, ask, sent, frozenset(needs))


_TESTS: dict[str, _Test] = {
    "test_answer_conforms": _test(_once, probes.of_plain(probes.check_first), *_PROTOCOL, "retired"),
    "test_nothing_undocumented": _test(_once, probes.of_plain(probes.check_documented), "undocumented"),
    "test_invariant": _test(_rules, probes.of_plain(probes.check_rule), "invariant"),
    "test_own_check": _test(_own, probes.of_plain(probes.check_own), "own check"),
    "test_conformance_is_kept": _test(_once, probes.of_repetition, *_PROTOCOL, "retired", "undocumented"),
    "test_published_sample_works": _test(_sampled, probes.of_sample, *_PROTOCOL),
    "test_pages_are_whole": _test(_paged, pages.of_pages, *_PROTOCOL),
    "test_wrong_credential_is_refused": _test(
        _credentials, probes.of_credential, "credential", *_PROTOCOL, sent=WRONG_CREDENTIAL
    ),
    "test_head_needs_the_credential_too": _test(_secured, probes.of_head, "credential", sent=WRONG_CREDENTIAL),
    "test_odd_path_value_is_refused": _test(_path_values, probes.of_path, "status", sent=UNUSUAL_ID),
    "test_allowed_value_is_taken": _test(_trials(variations), probes.of_variation, "status"),
    "test_wrong_value_is_refused": _test(_trials(mistakes), probes.of_mistake, "status", sent=WRONG_VALUE),
    "test_generated_path_values_are_refused": _test(_placed, probes.of_generated_paths, "status", sent=UNUSUAL_ID),
    "test_generated_query_is_answered": _test(_queried, probes.of_generated_query, "status"),
    "test_jsonschema": _test(_jsonschema, engine_probes.of_jsonschema, "jsonschema"),
    "test_schemathesis": _test(
        _schemathesis,
        engine_probes.of_schemathesis,
        "Schemathesis",
        sent={"generated-ids": UNUSUAL_ID, "negative": WRONG_CREDENTIAL, "head": WRONG_CREDENTIAL},
    ),
}
"""By the name of its test in `tests`."""

ENGINE_TESTS = ("test_jsonschema", "test_schemathesis")
"""The tests in which another engine looks at the responses."""
