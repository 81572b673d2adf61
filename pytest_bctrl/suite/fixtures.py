"""What the contract tests ask for: the target, the verdict and the probes of each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.own import BrokenCheckError
from pytest_bctrl.suite.observing import observer
from pytest_bctrl.suite.plan import Probe, plan
from pytest_bctrl.suite.probes import NotCheckedError
from pytest_bctrl.suite.run import RUN
from pytest_bctrl.suite.target import Target
from pytest_bctrl.suite.verdict import VERDICT, Verdict


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Iterator[Target]:
    """The API under test."""
    sees = observer(pytestconfig)

    def see(answer: Answer, query: str, headers: tuple[tuple[str, str], ...]) -> None:
        sees.see_answer(answer, query=query, request_headers=headers)

    made = Target(pytestconfig.stash[RUN], see=see)
    yield made
    made.close()


@pytest.fixture
def verdict(request: pytest.FixtureRequest, target: Target) -> Verdict:
    """Where the test puts its findings."""
    run = request.config.stash[RUN]
    made = Verdict(run.fail_on, target.tally, run.baseline, run.levels)
    request.node.stash[VERDICT] = made
    return made


@pytest.fixture
def hold(target: Target, verdict: Verdict) -> Callable[[Probe], None]:
    """Send a probe, and hold the test to what it finds."""

    def send(probe: Probe) -> None:
        not_checked, broken = "", ""
        try:
            for found in probe.send(target):
                verdict.collect(found)
        except NotCheckedError as error:
            not_checked = str(error)
        except BrokenCheckError as error:
            broken = f"{error}\n  looked at: {target.first(probe.operation).answer.reproduce}"
        if not_checked:
            pytest.skip(f"not checked: {not_checked}")
        if broken:
            pytest.fail(broken, pytrace=False)
        verdict.give()

    return send


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test the probes that are planned under its name."""
    probes = list(plan(metafunc.config.stash[RUN], metafunc.function.__name__))
    metafunc.parametrize("probe", probes, ids=[probe.name for probe in probes])
