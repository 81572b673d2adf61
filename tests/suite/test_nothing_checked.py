"""No test passes that checked nothing: with the body of a check removed, each test that needs it is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pytest_bctrl.checks import run as checks
from pytest_bctrl.suite.plan import catalogue as plan
from pytest_bctrl.suite.plan import jsonschema_engine, probes, schemathesis_engine
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError
from pytest_bctrl.traffic.mock import MockServer
from tests.suite.test_probes import CONTRACT, target

PROTOCOL = [name for name, test in plan._TESTS.items() if "schema" in test.needs]
STATUS = [name for name, test in plan._TESTS.items() if "status" in test.needs]

REMOVED: dict[str, tuple[tuple[Any, ...], list[str]]] = {
    "check_status": ((checks,), STATUS),
    "check_framing": ((checks,), PROTOCOL),
    "check_content_type": ((checks,), PROTOCOL),
    "check_headers": ((checks,), PROTOCOL),
    "check_body": ((checks,), PROTOCOL),
    "check_interoperable": ((checks,), PROTOCOL),
    "check_schema": ((checks,), PROTOCOL),
    "check_retired": ((checks, probes), ["test_answer_conforms", "test_conformance_is_kept"]),
    "check_undocumented": ((checks, probes), ["test_nothing_undocumented", "test_conformance_is_kept"]),
    "check_invariant": ((probes,), ["test_invariant"]),
    "check_refused": ((probes,), ["test_wrong_credential_is_refused"]),
    "check_head_refused": ((probes,), ["test_head_needs_the_credential_too"]),
    "validate_plain": ((jsonschema_engine,), ["test_jsonschema"]),
    "validate": ((jsonschema_engine,), ["test_jsonschema"]),
    "check_plain": ((schemathesis_engine,), ["test_schemathesis"]),
    "check_case": ((schemathesis_engine,), ["test_schemathesis"]),
    "check_response": ((schemathesis_engine,), ["test_schemathesis"]),
}
"""By the name of a check: the modules that call it, and the tests that need it."""


NOT_PLANNED = {
    *("test_own_check", "test_pages_are_whole", "test_allowed_value_is_taken", "test_wrong_value_is_refused"),
    "test_generated_query_is_answered",
}
"""Tests for which the packaged contract plans no request: it has no query parameters, pages or custom checks."""


def nothing(*_given: Any, **_named: Any) -> list[Any]:
    """A check without a body."""
    return []


def skipped(*names: str) -> Iterator[str]:
    """The tests of which a probe is not checked; one that passes another is not."""
    with target(MockServer(CONTRACT)) as asked:
        for name in names:
            for probe in plan.plan(asked.run, name):
                try:
                    for _ in asked.findings(probe):
                        pass
                except NotCheckedError:
                    yield name


@pytest.mark.parametrize("name", REMOVED)
def test_a_test_whose_check_has_no_body_is_skipped(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    modules, tests = REMOVED[name]
    tests = [test for test in tests if test not in NOT_PLANNED]
    assert not set(skipped(*tests))
    for module in modules:
        monkeypatch.setattr(module, name, nothing)
    assert set(tests) == set(skipped(*tests))


def run_of_mock() -> Any:
    with target(MockServer(CONTRACT)) as asked:
        return asked.run


def test_all_other_tests_are_planned() -> None:
    run = run_of_mock()
    assert NOT_PLANNED == {name for name in plan._TESTS if not any(plan.plan(run, name))}


def test_every_test_needs_a_check() -> None:
    assert [] == [name for name, test in plan._TESTS.items() if not test.needs]
