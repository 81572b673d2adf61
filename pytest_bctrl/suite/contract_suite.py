"""The tests that `--bctrl-mock` and `--bctrl-live` add to a run, as `bctrl::…`.

Each test sends the probes that `plan` lists under its name, and fails if a finding is at or above the failing level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pytest_bctrl.checks.run import BrokenCheckError
from pytest_bctrl.escaping import escape_line, escape_lines
from pytest_bctrl.secrets.secret import secret
from pytest_bctrl.settings.resolve import scrubs_ids
from pytest_bctrl.suite.plan.catalogue import docstrings_by_test, plan
from pytest_bctrl.suite.report.observing import observer
from pytest_bctrl.suite.report.sinks import redaction
from pytest_bctrl.suite.report.verdict import VERDICT, Verdict
from pytest_bctrl.suite.run_key import RUN
from pytest_bctrl.suite.sending.connections import MAX_PARALLEL
from pytest_bctrl.suite.sending.requests import Probe
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError, OperationNotCheckedError


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Iterator[Target]:
    """The API under test, one for all tests of the run; it knows the probes of all collected tests."""
    is_worker = hasattr(pytestconfig, "workerinput")
    contract_target = Target(
        pytestconfig.stash[RUN],
        observe=observer(pytestconfig).observe_response,
        # Workers overlap already, and a worker does not know its tests beyond the next one.
        max_parallel=1 if is_worker else MAX_PARALLEL,
        is_alone=not is_worker,
    )
    params = [vars(item)["callspec"].params for item in request.session.items if hasattr(item, "callspec")]
    contract_target.expect(param["probe"] for param in params if isinstance(param.get("probe"), Probe))
    yield contract_target
    contract_target.close()


@pytest.fixture
def verdict(request: pytest.FixtureRequest, target: Target) -> Verdict:
    """The findings and the outcome of the test."""
    run = request.config.stash[RUN]
    hides_ids = scrubs_ids(request.config)
    test_verdict = Verdict(
        run.fail_on, target.tally, run.baseline, run.levels, hides_ids=hides_ids, received=run.received
    )
    request.node.stash[VERDICT] = test_verdict
    return test_verdict


@pytest.fixture
def authenticated_target(request: pytest.FixtureRequest, target: Target) -> Target:
    """The API under test, with the credentials of the fixtures that the project overrides, of any scope."""
    own_fixtures = request.config.stash[RUN].own_fixtures
    auth = request.getfixturevalue("bctrl_auth") if "bctrl_auth" in own_fixtures else None
    key = request.getfixturevalue("bctrl_api_key") if "bctrl_api_key" in own_fixtures else target.run.key
    if own_fixtures:
        target.use(auth, secret(key), redaction(request.config).add_derived)
    return target


@pytest.fixture
def run_probe(authenticated_target: Target, verdict: Verdict) -> Callable[[Probe], None]:
    """A function that sends the requests of a probe and fails the test for findings at the failing level."""
    target = authenticated_target

    def run(probe: Probe) -> None:
        """Send the requests of a probe; fails the test at the failing level, skips it if nothing could be checked."""
        outcomes, not_checked = list[bool](), ""
        verdict.operation = probe.operation.label
        try:
            for findings in target.findings(probe):
                outcomes.append(verdict.collect(findings))
        except NotCheckedError as error:
            not_checked = str(error)
            if isinstance(error, OperationNotCheckedError):
                verdict.operation_gap = not_checked
                not_checked = f"{verdict.operation}: {not_checked}"
        except BrokenCheckError as error:
            command = target.plain_exchange(probe.operation).response.reproduce
            text = escape_lines(f"{error}\n  checked: {command}")
            raise pytest.fail.Exception(text, pytrace=False) from None
        if not_checked and not any(outcomes):
            raise pytest.skip.Exception(escape_line(f"not checked: {not_checked}"))
        if probe.is_repeated and not all(outcomes):
            verdict.frequency = (
                f"in {sum(outcomes)} of {len(outcomes)} responses to the same request: send it several times"
            )
        verdict.raise_if_failing()

    return run


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize each test with the probes that are planned under its name."""
    probes = list(plan(metafunc.config.stash[RUN], metafunc.function.__name__))
    metafunc.parametrize("probe", probes, ids=[escape_line(probe.name) for probe in probes])


def _make_test(name: str, docstring: str) -> Callable[[Probe, Callable[[Probe], None]], None]:
    """Return a test function that runs a probe; `name` and `docstring` are those of the function."""

    def test(probe: Probe, run_probe: Callable[[Probe], None]) -> None:
        """Run a probe."""
        run_probe(probe)

    test.__name__ = test.__qualname__ = name
    test.__doc__ = docstring
    return test


# Each test sends the probes of its name; its docstring is that of the function that yields their requests.
globals().update({name: _make_test(name, docstring) for name, docstring in docstrings_by_test().items()})
