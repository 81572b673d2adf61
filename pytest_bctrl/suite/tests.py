"""The tests that `--bctrl-mock` and `--bctrl-live` add to a run, as `bctrl::…`.

Each sends the probes that `plan` lists under its name, and fails where a finding is at or above the level that fails
the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.own import BrokenCheckError
from pytest_bctrl.finding import Finding, at_or_above
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.suite.observing import observer
from pytest_bctrl.suite.plan import plan
from pytest_bctrl.suite.run import RUN
from pytest_bctrl.suite.sending import AT_ONCE, Probe
from pytest_bctrl.suite.target import Target
from pytest_bctrl.suite.troubles import NotCheckedError
from pytest_bctrl.suite.verdict import VERDICT, Verdict

pytestmark = pytest.mark.bctrl_contract


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Iterator[Target]:
    """The API under test."""
    sees = observer(pytestconfig)

    def see(answer: Answer, query: str, headers: tuple[tuple[str, str], ...]) -> None:
        sees.see_answer(answer, query=query, request_headers=headers)

    # Workers overlap already, and which test a worker gets after the next it does not know.
    made = Target(pytestconfig.stash[RUN], see=see, at_once=1 if hasattr(pytestconfig, "workerinput") else AT_ONCE)
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    made.expect(one["probe"] for one in params if isinstance(one.get("probe"), Probe))
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
            for found in target.findings(probe):
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


def test_answer_conforms(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """The operation answers with a documented success: status, content type, strict JSON, every item of the schema."""
    hold(probe)


def test_schemathesis_agrees(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """Schemathesis's own checks, and jsonschema, find nothing in the answer that ours did not."""
    hold(probe)


def test_nothing_undocumented(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """The answer has no property that the contract does not document."""
    hold(probe)


def test_invariant(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """The answer keeps a rule that the schema cannot say."""
    hold(probe)


def test_own_check(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """A check of the project's own finds nothing in the answer."""
    hold(probe)


def test_conformance_is_kept(probe: Probe, target: Target, verdict: Verdict) -> None:
    """The same request, asked again and again, gets a conforming answer every time."""
    answers, broken = 0, 0
    for found in target.findings(probe):
        verdict.collect(found)
        answers += 1
        broken += bool(at_or_above(found, target.run.fail_on))

    def text(failing: Sequence[Finding]) -> Iterator[str]:
        often = "" if broken == answers else "; the command below may have to be sent several times"
        yield f"in {broken} of {answers} answers to the same request{often}"
        yield from describe(failing)

    verdict.give(text)


def test_wrong_credential_is_refused(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """A request with a wrong credential is refused with 401 or 403, as JSON in the documented shape."""
    hold(probe)


def test_head_needs_the_credential_too(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """HEAD, which answers for GET (RFC 9110, 9.3.2), is no way around the credential."""
    hold(probe)


def test_odd_path_value_is_refused(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """A path value that names nothing is refused with 404, as JSON in the documented shape, and crashes nothing."""
    hold(probe)


def test_allowed_value_is_taken(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """A value that the contract allows in a parameter of query or header is taken, and answered as documented."""
    hold(probe)


def test_wrong_value_is_refused(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """A value that the contract does not allow, or none where one is required, is refused as documented."""
    hold(probe)


def test_generated_path_values_are_refused(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """Whatever Schemathesis puts in the path is refused as documented, and so is what is almost a real value."""
    hold(probe)


def test_generated_query_is_answered(probe: Probe, hold: Callable[[Probe], None]) -> None:
    """Whatever Schemathesis puts in query and header, of what the contract allows, is answered as documented."""
    hold(probe)
