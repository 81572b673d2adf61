"""The tests that `--bctrl-mock` and `--bctrl-live` add to a run, as `bctrl::…`.

Each sends the probes that `plan` lists under its name, and fails where a finding is at or above the level that fails
the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pytest_bctrl.checks.run import BrokenCheckError
from pytest_bctrl.escaping import escape_line, escape_lines
from pytest_bctrl.settings.resolve import scrubs_ids
from pytest_bctrl.suite.plan.catalogue import plan, tests
from pytest_bctrl.suite.report.observing import observer
from pytest_bctrl.suite.report.verdict import VERDICT, Verdict
from pytest_bctrl.suite.run import RUN
from pytest_bctrl.suite.sending.connections import AT_ONCE
from pytest_bctrl.suite.sending.requests import Probe
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Iterator[Target]:
    """The API under test."""
    is_worker = hasattr(pytestconfig, "workerinput")
    # Workers overlap already, and which test a worker gets after the next it does not know.
    at_once = 1 if is_worker else AT_ONCE
    see = observer(pytestconfig).observe_response
    made = Target(pytestconfig.stash[RUN], see=see, at_once=at_once, is_alone=not is_worker)
    params = [vars(item)["callspec"].params for item in request.session.items if hasattr(item, "callspec")]
    made.expect(one["probe"] for one in params if isinstance(one.get("probe"), Probe))
    yield made
    made.close()


@pytest.fixture
def verdict(request: pytest.FixtureRequest, target: Target) -> Verdict:
    """Where the test puts its findings."""
    run = request.config.stash[RUN]
    hides_ids = scrubs_ids(request.config)
    made = Verdict(run.fail_on, target.tally, run.baseline, run.levels, hides_ids=hides_ids)
    request.node.stash[VERDICT] = made
    return made


@pytest.fixture
def hold(target: Target, verdict: Verdict) -> Callable[[Probe], None]:
    """Ask what a probe asks, and hold the test to what it finds."""

    def ask(probe: Probe) -> None:
        failing, unchecked = list[bool](), ""
        try:
            for found in target.findings(probe):
                failing.append(verdict.collect(found))
        except NotCheckedError as error:
            unchecked = str(error)
        except BrokenCheckError as error:
            looked_at = target.first(probe.operation).response.reproduce
            text = escape_lines(f"{error}\n  looked at: {looked_at}")
            raise pytest.fail.Exception(text, pytrace=False) from None
        finally:
            verdict.gaps += target.gaps()
        if unchecked and not any(failing):
            raise pytest.skip.Exception(escape_line(f"not checked: {unchecked}"))
        if probe.is_repeated and not all(failing):
            verdict.often = f"in {sum(failing)} of {len(failing)} answers to the same request: send it several times"
        verdict.give()

    return ask


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test the probes that are planned under its name."""
    probes = list(plan(metafunc.config.stash[RUN], metafunc.function.__name__))
    metafunc.parametrize("probe", probes, ids=[escape_line(probe.name) for probe in probes])


def _test(name: str, says: str) -> Callable[[Probe, Callable[[Probe], None]], None]:
    def test(probe: Probe, hold: Callable[[Probe], None]) -> None:
        hold(probe)

    test.__name__ = test.__qualname__ = name
    test.__doc__ = says
    return test


# Each sends the probes of its name, and says what these ask.
globals().update({name: _test(name, says) for name, says in tests().items()})
