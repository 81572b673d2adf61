"""No test passes that checked nothing: with the body of a check removed, each test that needs it is skipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from pytest_bctrl.checks import run as checks
from pytest_bctrl.checks.run import Check
from pytest_bctrl.suite.plan import catalogue as plan
from pytest_bctrl.suite.plan import jsonschema_engine, probes, schemathesis_engine
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError
from pytest_bctrl.traffic.mock import MockServer
from tests.contract.documents import contract_of
from tests.contract.test_paging import LIST, MAYBE, TEXT, TRUTH, body
from tests.contract.test_paging import contract as contract_with_pages
from tests.suite.test_pages import run_of as run_with_pages
from tests.suite.test_probes import CONTRACT, target

PROTOCOL = [name for name, test in plan._TESTS.items() if "schema" in test.required_checks]
STATUS = [name for name, test in plan._TESTS.items() if "status" in test.required_checks]

REMOVED: dict[str, tuple[tuple[Any, ...], list[str]]] = {
    "check_status": ((checks,), STATUS),
    "check_framing": ((checks,), PROTOCOL),
    "check_content_type": ((checks,), PROTOCOL),
    "check_headers": ((checks,), PROTOCOL),
    "check_body": ((checks,), PROTOCOL),
    "check_interoperable": ((checks,), PROTOCOL),
    "check_schema": ((checks,), PROTOCOL),
    "check_retired": ((checks,), ["test_answer_conforms", "test_conformance_is_kept"]),
    "_check_undocumented": ((checks,), ["test_nothing_undocumented", "test_conformance_is_kept"]),
    "_check_invariants": ((checks,), ["test_invariant"]),
    "check_refused": ((probes,), ["test_wrong_credential_is_refused"]),
    "check_head_refused": ((probes,), ["test_head_needs_the_credential_too"]),
    "validate_plain": ((jsonschema_engine,), ["test_jsonschema"]),
    "validate": ((jsonschema_engine,), ["test_jsonschema"]),
    "check_plain": ((schemathesis_engine,), ["test_schemathesis"]),
    "check_case": ((schemathesis_engine,), ["test_schemathesis"]),
    "check_response": ((schemathesis_engine,), ["test_schemathesis"]),
}
"""By the name of a check: the modules that call it, and the tests that need it."""


OF_QUERY = {"test_allowed_value_is_taken", "test_wrong_value_is_refused", "test_generated_query_is_answered"}

OF_UNKNOWN_ID = "test_unknown_id_is_rejected"
"""The test of operations that lack a value."""

NOT_PLANNED = {"test_own_check", "test_pages_are_whole", OF_UNKNOWN_ID, *OF_QUERY}
"""Tests for which the packaged contract plans no request: it has no query parameters, pages or custom checks, and its
only path parameter has a value.
"""

REMOVED_OF_PAGES: dict[str, tuple[tuple[Any, ...], set[str]]] = {
    "check_status": ((checks,), {"test_pages_are_whole", *OF_QUERY}),
    **{name: ((checks,), {"test_pages_are_whole"}) for name, (_, tests) in REMOVED.items() if tests is PROTOCOL},
    "_run_check": ((checks,), {"test_own_check"}),
    "validate_plain": ((jsonschema_engine,), {"test_jsonschema"}),
    "check_case": ((schemathesis_engine,), {"test_schemathesis"}),
}
"""The same for a contract with pages, whose query parameters have bounds, and a custom check."""


def check_nothing(*_arguments: Any, **_named: Any) -> list[Any]:
    """Return no findings, in place of a check."""
    return []


def skipped_on_mock(*names: str) -> Iterator[str]:
    """Yield a test's name per probe that is not checked on the mock of the packaged contract."""
    with target(MockServer(CONTRACT)) as api:
        yield from skipped_of(api, names)


def skipped_of(api: Target, names: Iterable[str]) -> Iterator[str]:
    """Yield a test's name per probe that a target reports as not checked."""
    for name in names:
        for probe in plan.plan(api.run, name):
            try:
                for _ in api.findings(probe):
                    pass
            except NotCheckedError:
                yield name


@pytest.fixture
def paged() -> Iterator[Target]:
    """Return a target with pages and query parameters, whose run has a custom check."""
    schema = body(results=LIST, next_cursor=MAYBE, has_more=TRUTH)
    limit = {"type": "integer", "minimum": 1, "maximum": 50}
    contract = contract_with_pages(schema, {"cursor": TEXT, "limit": limit, "kind": {"enum": ["a", "b"]}})
    check = Check("nothing_is_wrong", lambda _response: [], "error", ())
    api = Target(replace(run_with_pages(contract), checks=(check,)))
    yield api
    api.close()


@pytest.mark.parametrize("name", REMOVED)
def test_a_test_is_skipped_if_its_check_does_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is replaced by a function that does nothing; each test that `REMOVED` lists for it is skipped."""
    modules, tests = REMOVED[name]
    tests = [test for test in tests if test not in NOT_PLANNED]
    for module in modules:
        monkeypatch.setattr(module, name, check_nothing)
    assert set(tests) == set(skipped_on_mock(*tests))


def test_no_test_is_skipped_with_its_check_in_place() -> None:
    """Each test that a removed check would skip is not skipped on the mock of the packaged contract."""
    tests = {test for _, removed in REMOVED.values() for test in removed} - NOT_PLANNED
    assert [] == list(skipped_on_mock(*tests))


@pytest.mark.parametrize("name", REMOVED_OF_PAGES)
def test_a_test_of_a_paged_target_is_skipped_if_its_check_does_nothing(
    name: str, paged: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each test that `REMOVED_OF_PAGES` lists for the replaced check is skipped."""
    modules, tests = REMOVED_OF_PAGES[name]
    for module in modules:
        monkeypatch.setattr(module, name, check_nothing)
    assert tests == set(skipped_of(paged, tests))


@pytest.fixture
def without_values() -> Iterator[Target]:
    """Return a target with an operation for which no value is known."""
    identity = {"name": "id", "in": "path", "required": True, "schema": TEXT}
    error = {"description": "", "content": {"application/json": {"schema": body(error=TEXT)}}}
    contract = contract_of(responses={"200": {"description": ""}, "404": error}, parameters=[identity])
    with target(MockServer(contract), contract) as api:
        yield api


@pytest.mark.parametrize("name", ["check_status", *(name for name, (_, tests) in REMOVED.items() if tests == PROTOCOL)])
def test_an_unknown_id_is_not_checked_if_its_check_does_nothing(
    name: str, without_values: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of unknown ids is skipped if its check is replaced, and not otherwise."""
    assert [*plan.plan(without_values.run, OF_UNKNOWN_ID)]
    assert not [*skipped_of(without_values, [OF_UNKNOWN_ID])]
    monkeypatch.setattr(checks, name, check_nothing)
    assert [OF_UNKNOWN_ID] == [*skipped_of(without_values, [OF_UNKNOWN_ID])]


def test_no_test_of_a_paged_target_is_skipped_with_its_check_in_place(paged: Target) -> None:
    """Each test that a removed check would skip is planned and not skipped for the paged target."""
    tests = {test for _, removed in REMOVED_OF_PAGES.values() for test in removed}
    assert tests | {OF_UNKNOWN_ID} >= NOT_PLANNED
    assert {test: bool([*plan.plan(paged.run, test)]) for test in tests} == dict.fromkeys(tests, True)
    assert [] == list(skipped_of(paged, tests))


def run_on_mock() -> Any:
    """Return a run on the mock of the packaged contract, which is stopped again."""
    with target(MockServer(CONTRACT)) as api:
        return api.run


def test_the_packaged_contract_has_probes_for_all_tests_but_those_listed() -> None:
    """The tests in `NOT_PLANNED`, and no others, have no probe."""
    run = run_on_mock()
    assert NOT_PLANNED == {name for name in plan._TESTS if not any(plan.plan(run, name))}


def test_every_test_requires_a_check() -> None:
    """Each planned test of the contract suite lists `required_checks`."""
    assert [] == [name for name, test in plan._TESTS.items() if not test.required_checks]
