"""The tests that `--bctrl-mock` and `--bctrl-live` add to a run, as `bctrl::…`.

Each sends the probes that `plan` lists under its name, and fails where a finding is at or above the level that fails
the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from pytest_bctrl.finding import Finding, at_or_above
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.suite.fixtures import hold, pytest_generate_tests, target, verdict
from pytest_bctrl.suite.plan import Probe
from pytest_bctrl.suite.target import Target
from pytest_bctrl.suite.verdict import Verdict

__all__ = ["hold", "pytest_generate_tests", "target", "verdict"]

pytestmark = pytest.mark.bctrl_contract


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
    for found in probe.send(target):
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
