"""The catalogue of the tests of a contract run: the probes of each, and how many requests they send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from pytest_bctrl.checks.credentials import NONE, Credential
from pytest_bctrl.checks.run import Check
from pytest_bctrl.contract.key_fields import field_to_reject
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.paging import Paging
from pytest_bctrl.contract.paging_read import read_paging
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.suite.operations import lacks_path_values, reason_not_requested
from pytest_bctrl.suite.plan import engine_probes, pages, probes
from pytest_bctrl.suite.plan.parameter_values import (
    ParameterTrial,
    PathValue,
    allowed_values,
    generatable_parameters,
    generated_path_count,
    invalid_values,
    near_miss_paths,
    path_probes,
)
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.credentials import invalid_credentials, is_accepted
from pytest_bctrl.suite.sending.requests import PlannedRequest, Probe, no_findings, plain
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError

Rows: TypeAlias = Iterator[tuple[str, tuple[Any, ...]]]
"""For one operation: the ends of test ids, and the arguments of each probe besides run and operation."""

PLAIN, WRONG_CREDENTIAL = "plain", "with an invalid credential"
UNUSUAL_ID, WRONG_VALUE = "with unusual ids", "with values that are not allowed"

CONFORMING = (PLAIN,)
"""The kinds of requests that conform to the contract: what `bctrl_probes = contract` sends."""


def plan(run: ContractRun, *names: str, only: Operation | None = None) -> Iterator[Probe]:
    """Yield the probes of a run in sending order: of all tests, or of `names`; for all operations, or `only` one."""
    operations = run.operations if only is None else (only,)
    for name, test in _TESTS.items():
        if not names or name in names:
            for operation in operations:
                if test.applies(run, operation):
                    yield from _probes(run, name, operation)


def _is_requestable(run: ContractRun, operation: Operation) -> bool:
    """Return whether the suite sends a plain request to an operation."""
    return not reason_not_requested(run, operation)


def _probes(run: ContractRun, name: str, operation: Operation) -> Iterator[Probe]:
    """Yield the probes of a test for an operation, up to its share of requests; none if `bctrl_probes` omits them."""
    test = _TESTS[name]
    title = operation.operation_id or operation.label
    share = _requests_per_test(run, operation)[name] if name in _VALUE_TESTS else None
    for suffix, arguments in islice(test.rows(run, operation), share):
        # The id of a custom check begins with the name of the check.
        parts = [suffix, title] if name == "test_own_check" else [title, suffix]
        if name in _GENERATED:
            arguments = (*arguments, share)
        requests = partial(test.requests, run, operation, *arguments)
        kind = test.kind_of(suffix)
        if run.probes != "contract" or kind in CONFORMING:
            is_repeated = test.requests is probes.repeated_requests
            yield Probe("-".join(filter(None, parts)), operation, requests, is_repeated, kind, test.required_checks)


def requests_of_own_checks(run: ContractRun, only: Operation) -> Iterator[PlannedRequest]:
    """Yield the requests of all tests but those of the other engines, which then check the responses to them."""
    for name, test in _TESTS.items():
        if name not in ENGINE_TESTS and test.applies(run, only):
            for probe in _probes(run, name, only):
                with suppress(NotCheckedError):
                    yield from probe.requests()


MAX_COUNTED = 64
"""Maximum number of operations whose requests are counted; for more, the number is extrapolated."""


def planned_requests(run: ContractRun, operations: Sequence[Operation]) -> Counter[str]:
    """Return how many requests of each kind a complete run sends at most, without retries; extrapolated for many.

    There may be fewer pages.

    Generating the requests is slow, so for more than `MAX_COUNTED` operations the number is extrapolated from a sample.
    """
    step = max(1, -(-len(operations) // MAX_COUNTED))
    sample = operations[::step]
    counts = _counted_requests(run, sample)
    if step == 1:
        return counts
    return Counter({kind: round(number * len(operations) / len(sample)) for kind, number in counts.items()})


def _counted_requests(run: ContractRun, operations: Iterable[Operation]) -> Counter[str]:
    """Return the number of different requests to operations by kind, such as `PLAIN` or `WRONG_VALUE`."""
    kinds: dict[Hashable, str] = {}
    for operation in operations:
        kinds[operation.label] = PLAIN
        # The plain request has two keys: the operation's label, and its contents.
        kinds[PlannedRequest(operation, no_findings, plain(run, operation)).key] = ""
        # jsonschema validates the responses of other tests.
        for probe in plan(run, *(name for name in _TESTS if name != "test_jsonschema"), only=operation):
            with suppress(NotCheckedError):
                for request in probe.requests():
                    kinds.setdefault(request.key, probe.kind)
        page_count = pages.TARGET_PAGES * _count(_paging_rows(run, operation))
        kinds.update({(operation.label, "page", number): PLAIN for number in range(page_count)})
    return Counter(kind for kind in kinds.values() if kind)


def _count(rows: Iterable[object]) -> int:
    """Return the number of rows."""
    return sum(1 for _ in rows)


def docstrings_by_test() -> dict[str, str]:
    """Return the docstring of each test by name, in the order in which the tests run."""
    return {name: str(test.requests.__doc__) for name, test in _TESTS.items()}


def omitted_request_count(run: ContractRun, operation: Operation) -> int:
    """Return how many values are not sent because an operation gets a limited number of requests."""
    return sum(_possible_requests(run, operation).values()) - sum(_requests_per_test(run, operation).values())


def _requests_per_test(run: ContractRun, operation: Operation) -> dict[str, int]:
    """Return how many requests each test of `_VALUE_TESTS` may send; the other tests send all of theirs."""
    return run.once(("shares", operation.label), partial(_divide_budget, run, operation))


def _divide_budget(run: ContractRun, operation: Operation) -> dict[str, int]:
    """Return the share of each test of `_VALUE_TESTS`: they take turns, a request each, until the budget is used up."""
    fixed = (
        probes.REPEATS + _count(_sampled(run, operation)) + pages.TARGET_PAGES * _count(_paging_rows(run, operation))
    )
    if run.probes != "contract":
        fixed += _count(_credential_rows(run, operation)) + _is_head_secured(run, operation)
    fixed += engine_probes.max_requests(run, operation)
    # One request remains for a retry, unless optional requests of generated paths can be left out for it.
    budget = run.most_requests - fixed - (not operation.path_parameters)
    possible = _possible_requests(run, operation)
    shares = dict.fromkeys(possible, 0)
    # Schemathesis generates queries as well, which are sent in any case.
    first_turns = {"test_generated_query_is_answered": engine_probes.CASES}
    turns = max(possible.values(), default=0) + engine_probes.CASES
    for turn in range(turns):
        for name, maximum in possible.items():
            has_turn = 0 <= turn - first_turns.get(name, 0) < maximum
            shares[name] += has_turn and sum(shares.values()) < budget
    return shares


def _possible_requests(run: ContractRun, operation: Operation) -> dict[str, int]:
    """Return how many requests each test that varies values could send without a limit."""
    counts = dict.fromkeys(_VALUE_TESTS, 0)
    for name in _VALUE_TESTS:
        if run.probes != "contract" or _TESTS[name].kind_of("") in CONFORMING:
            counts[name] = _count(_TESTS[name].rows(run, operation))
            if name in _GENERATED:
                counts[name] *= _GENERATED[name](run.max_examples)
    return counts


RowSource: TypeAlias = Callable[[ContractRun, Operation], Rows]


def _one_row_if(applies: Callable[[ContractRun, Operation], object]) -> RowSource:
    """Return a function that yields one row for each operation to which the condition applies."""

    def rows(run: ContractRun, operation: Operation) -> Rows:
        """Yield one row without arguments if the condition applies."""
        if applies(run, operation):
            yield "", ()

    return rows


def _trial_rows(trials: Callable[..., Iterator[ParameterTrial]]) -> RowSource:
    """Return a function that yields a row per trial: the first of each parameter, then the second, and so on."""

    def rows(run: ContractRun, operation: Operation) -> Rows:
        """Yield a row per trial, up to the maximum of examples."""
        for trial in run.once((trials.__name__, operation.label), partial(_ranked_trials, trials, run, operation)):
            yield trial.name.replace(" ", "-"), (trial,)

    return rows


def _ranked_trials(
    trials: Callable[..., Iterator[ParameterTrial]], run: ContractRun, operation: Operation
) -> list[ParameterTrial]:
    """Return the first trial of each parameter, then the second of each, and so on, up to the maximum of examples."""
    counts = Counter[str]()
    ranked = []
    for trial in trials(run.contract, operation, run.values_of(operation)):
        counts[trial.parameter.name] += 1
        ranked.append((counts[trial.parameter.name], trial))
    ranked.sort(key=_rank)
    return [trial for _, trial in ranked[: run.max_examples]]


def _rank(ranked_trial: tuple[int, ParameterTrial]) -> int:
    """Return the rank of a trial, by which trials are sorted."""
    return ranked_trial[0]


def _credential_rows(run: ContractRun, operation: Operation) -> Rows:
    """Yield a row for each invalid credential to send to an operation."""
    for credential in credentials_of(run, operation):
        yield credential.name.replace(" ", "-"), (credential,)


def credentials_of(run: ContractRun, operation: Operation) -> list[Credential]:
    """Return the invalid credentials to send to an operation; none if the key is not required. Computed once."""
    return run.once(("credentials", operation.label), partial(_derive_credentials, run, operation))


def _derive_credentials(run: ContractRun, operation: Operation) -> list[Credential]:
    """Return the invalid credentials with which no security requirement is satisfied; empty for a public operation."""
    field = field_to_reject(operation)
    if field is None:
        return []
    credentials = invalid_credentials(run, operation, field)
    return [credential for credential in credentials if not is_accepted(run, operation, field, credential)]


def _is_head_secured(run: ContractRun, operation: Operation) -> bool:
    """Return whether an operation is a GET that must be rejected without a credential, as HEAD to its path must be.

    If the contract documents HEAD for the path, that operation may be public, and its own tests check it.
    """
    field = field_to_reject(operation)
    if field is None or operation.method != "GET" or is_accepted(run, operation, field, NONE):
        return False
    head_paths = {candidate.path for candidate in run.contract.operations if candidate.method == "HEAD"}
    return operation.path not in head_paths


def _every_operation(_run: ContractRun, _operation: Operation) -> bool:
    """Return True: a test applies to every operation."""
    return True


def _rejects_unknown_ids(_run: ContractRun, operation: Operation) -> bool:
    """Return whether an operation has path parameters and is not OPTIONS, so that it must reject an unknown id."""
    return bool(operation.path_parameters) and operation.method != "OPTIONS"


def _has_published_sample(_run: ContractRun, operation: Operation) -> bool:
    """Return whether the published documentation has a sample request for an operation."""
    return shape(operation.label) in probes.SAMPLES


_once = _one_row_if(_every_operation)
_head_secured = _one_row_if(_is_head_secured)
_queried = _one_row_if(generatable_parameters)
_sampled = _one_row_if(_has_published_sample)


def _paging_rows(run: ContractRun, operation: Operation) -> Iterator[tuple[str, tuple[Paging]]]:
    """Yield a row with the paging of an operation, if its list has pages."""
    paging = read_paging(run.contract, operation)
    if paging:
        yield "", (paging,)


def _rules(_run: ContractRun, operation: Operation) -> Iterator[tuple[str, tuple[Mapping[str, Any]]]]:
    """Yield a row for each invariant of an operation, named after its rule."""
    for rule in operation.invariants:
        yield rule["rule"], (rule,)


def _custom_check_rows(run: ContractRun, operation: Operation) -> Iterator[tuple[str, tuple[Check]]]:
    """Yield a row for each custom check that applies to an operation."""
    for check in run.checks:
        if check.looks_at(operation.operation_id, operation.label):
            yield check.name, (check,)


def _path_value_rows(run: ContractRun, operation: Operation) -> Iterator[tuple[str, tuple[PathValue]]]:
    """Yield a row for each unknown or unusual path value, if the operation must reject such values."""
    if _rejects_unknown_ids(run, operation):
        for value in path_probes(run.max_examples):
            yield value.name, (value,)


def _generated_path_rows(run: ContractRun, operation: Operation) -> Rows:
    """Yield a row with the number of later requests of the engines, if unknown path values must be rejected."""
    if _rejects_unknown_ids(run, operation):
        yield "", (engine_probes.max_requests(run, operation),)


def _jsonschema_rows(run: ContractRun, operation: Operation) -> Rows:
    """Yield a row for the plain response and one for all responses, to be validated with jsonschema."""
    for subject in ("plain", "responses"):
        yield subject, (subject, partial(requests_of_own_checks, run, operation), 0)


def _schemathesis_rows(run: ContractRun, operation: Operation) -> Rows:
    """Yield a row for each subject of Schemathesis that has requests, with its limit of them."""
    generated_ids = _requests_per_test(run, operation)["test_generated_path_values_are_refused"]
    if generated_ids and generated_ids <= len(near_miss_paths(run.contract, operation, plain(run, operation).path)):
        generated_ids = 0
    limits = {
        "plain": 1,
        "positive": engine_probes.CASES if engine_probes.has_positive_cases(run, operation) else 1,
        "negative": engine_probes.CASES * engine_probes.has_negative_cases(run, operation),
        "head": _is_head_secured(run, operation),
        "generated-ids": generated_ids,
        "responses": 1,
    }
    for subject, limit in limits.items():
        if limit > 0:
            yield subject, (subject, partial(requests_of_own_checks, run, operation), limit)


def _as_many_as_examples(max_examples: int) -> int:
    """Return the number of examples: one request for each."""
    return max_examples


_GENERATED: dict[str, Callable[[int], int]] = {
    "test_generated_path_values_are_refused": generated_path_count,
    "test_generated_query_is_answered": _as_many_as_examples,
}
"""The tests that generate several requests per row, with the number of them under `--bctrl-max-examples`."""

_VALUE_TESTS = (
    "test_odd_path_value_is_refused",
    "test_allowed_value_is_taken",
    "test_wrong_value_is_refused",
    *_GENERATED,
)
"""The tests that vary parameter values, and so share the budget of an operation."""

_PROTOCOL = ("status", "framing", "content type", "header fields", "body", "interoperable", "schema")
"""The checks of every response (`looked`)."""


class _PlannedTest(NamedTuple):
    """One test: its rows, the function that yields the requests of a row, their kind, and the checks it requires.

    `applies` returns whether the test is planned for an operation.
    """

    rows: RowSource
    requests: Callable[..., Iterable[PlannedRequest]]
    kind: str | Mapping[str, str]
    required_checks: frozenset[str]
    applies: Callable[[ContractRun, Operation], bool]

    def kind_of(self, suffix: str) -> str:
        """Return the kind of the requests of a row."""
        return self.kind if isinstance(self.kind, str) else self.kind.get(suffix, PLAIN)


def _planned_test(
    rows: RowSource,
    requests: Callable[..., Iterable[PlannedRequest]],
    *required_checks: str,
    kind: str | Mapping[str, str] = PLAIN,
    applies: Callable[[ContractRun, Operation], bool] = _is_requestable,
) -> _PlannedTest:
    """Return a planned test with these rows, requests, kind and required checks."""
    return _PlannedTest(rows, requests, kind, frozenset(required_checks), applies)


_TESTS: dict[str, _PlannedTest] = {
    "test_answer_conforms": _planned_test(_once, probes.plain_requests(probes.check_first), *_PROTOCOL, "retired"),
    "test_nothing_undocumented": _planned_test(_once, probes.plain_requests(probes.check_documented), "undocumented"),
    "test_invariant": _planned_test(_rules, probes.plain_requests(probes.check_rule), "invariant"),
    "test_own_check": _planned_test(_custom_check_rows, probes.plain_requests(probes.check_own), "own check"),
    "test_conformance_is_kept": _planned_test(_once, probes.repeated_requests, *_PROTOCOL, "retired", "undocumented"),
    "test_published_sample_works": _planned_test(_sampled, probes.published_sample_requests, *_PROTOCOL),
    "test_pages_are_whole": _planned_test(_paging_rows, pages.page_requests, *_PROTOCOL),
    "test_wrong_credential_is_refused": _planned_test(
        _credential_rows, probes.credential_requests, "credential", *_PROTOCOL, kind=WRONG_CREDENTIAL
    ),
    "test_head_needs_the_credential_too": _planned_test(
        _head_secured, probes.head_requests, "credential", kind=WRONG_CREDENTIAL
    ),
    "test_odd_path_value_is_refused": _planned_test(
        _path_value_rows, probes.path_value_requests, "status", kind=UNUSUAL_ID
    ),
    "test_allowed_value_is_taken": _planned_test(_trial_rows(allowed_values), probes.allowed_value_requests, "status"),
    "test_wrong_value_is_refused": _planned_test(
        _trial_rows(invalid_values), probes.invalid_value_requests, "status", kind=WRONG_VALUE
    ),
    "test_generated_path_values_are_refused": _planned_test(
        _generated_path_rows, probes.generated_path_requests, "status", kind=UNUSUAL_ID
    ),
    "test_generated_query_is_answered": _planned_test(_queried, probes.generated_query_requests, "status"),
    "test_unknown_id_is_rejected": _planned_test(
        _once, probes.unknown_id_requests, *_PROTOCOL, kind=UNUSUAL_ID, applies=lacks_path_values
    ),
    "test_jsonschema": _planned_test(_jsonschema_rows, engine_probes.jsonschema_requests, "jsonschema"),
    "test_schemathesis": _planned_test(
        _schemathesis_rows,
        engine_probes.schemathesis_requests,
        "Schemathesis",
        kind={"generated-ids": UNUSUAL_ID, "negative": WRONG_CREDENTIAL, "head": WRONG_CREDENTIAL},
    ),
}
"""All tests by their name in `contract_suite`, in the order in which they run."""

ENGINE_TESTS = ("test_jsonschema", "test_schemathesis")
"""The tests in which another engine checks the responses."""
