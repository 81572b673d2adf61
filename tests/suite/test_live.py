"""What a live run sends, and what it reports if the target cannot be tested."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_bctrl.reports.terminal import describe
from tests.suite.conftest import LiveRun
from tests.suite.test_every_variant import suite_and_observer_findings
from tests.variants import named, serve
from tests.variants.deliveries import delivered_by, later
from tests.variants.reply import Reply
from tests.variants.service import Service, Visit
from tests.variants.variant import faulty, harmless
from tests.variants.wire import Wire


def test_a_test_that_configures_the_mock_is_skipped_against_the_live_api(
    pytester: pytest.Pytester, live: LiveRun
) -> None:
    """A fault of the mock would not show in the API's response; a test of the mock alone still runs."""
    pytester.makepyfile(
        """
        def test_both(bctrl_mock, bctrl_client):
            bctrl_mock.fault("status", 503)
            assert 503 == bctrl_client.get("/").status_code

        def test_async(bctrl_mock, bctrl_async_client):
            raise AssertionError

        def test_the_mock_alone(bctrl_mock):
            assert bctrl_mock.runtimes
        """
    )
    with serve(named("plain")) as server:
        result = live(server, "-rs", "-m", "not bctrl_contract")

    result.assert_outcomes(passed=1, skipped=2, deselected=45)
    result.stdout.fnmatch_lines(["SKIPPED * sets up bctrl_mock and sends requests with bctrl_client: run it without *"])


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("reset-always", "the target resets the connection"),
        ("body-cut", "the target truncates its response"),
        ("bytes-after-a-refusal", "the server sends bytes that belong to no response"),
        ("content-length-and-chunks", "the response has both Content-Length and Transfer-Encoding"),
        ("429-once-as-html", "the content type is not documented"),
        ("429-always", "the target responds with 429 Too Many Requests"),
        ("429-always-retry-after-a-day", "asks to wait 86400 s more"),
        ("refusal-200-error-body", "an invalid credential is accepted"),
        ("410-gone", "the route no longer exists; pytest-bctrl drift shows"),
    ],
)
def test_the_finding_describes_what_is_wrong_with_the_target(variant: str, words: str) -> None:
    """Such as a reset, a truncated body, a rate limit or an accepted invalid credential, each of a variant."""
    with serve(named(variant)) as server:
        findings, _ = suite_and_observer_findings(server)
    assert words in "\n".join(describe(findings))


def test_a_target_that_hangs_stops_the_run(live: LiveRun) -> None:
    with serve(named("silent-always")) as server:
        result = live(server)

        assert result.ret == pytest.ExitCode.INTERRUPTED
        assert "the target hangs: it accepts the request and sends no response" in result.stdout.str()
        assert len(server.log) <= 4


def test_a_request_without_a_response_fails_only_its_own_test(live: LiveRun) -> None:
    """The server closes connections that lack the key: some tests fail and others pass."""

    def closed(_wire: object, _reply: object) -> bool:
        return False

    with serve(
        faulty("protocol", "refusals-are-closed", "connection", Service(refused=delivered_by(closed)))
    ) as server:
        result = live(server, "-k", "credential or answer_conforms")

    assert {"passed", "failed"} <= result.parseoutcomes().keys()
    result.stdout.fnmatch_lines(["*the target closes the connection without a response*"])


def test_a_target_that_rate_limits_every_other_request_passes(live: LiveRun) -> None:
    """Requests that got 429 are repeated, and do not count among the 40."""
    limit = Service().problem(429, "rate.limited", "Slow down.", ("Retry-After", "0"))
    limits = Service(early=lambda visit: limit if visit.number % 2 else None)
    with serve(harmless("429-every-other-time", "rate limit", limits)) as server:
        result = live(server)

        assert result.ret == pytest.ExitCode.OK
        assert server.rate_limited
        assert len(server.log) - server.rate_limited <= 40


def reset_every_second_from(number: int) -> Callable[[Visit, Reply], Reply]:
    """Return a hook that resets the connection of every second request, from this number on."""

    def hook(visit: Visit, reply: Reply) -> Reply:
        def reset(wire: Wire, _: Reply) -> bool:
            wire.reset()
            return False

        return replace(reply, delivery=reset) if visit.number >= number and visit.number % 2 == 0 else reply

    return hook


def test_a_run_whose_late_requests_are_reset_fails_within_40_requests(live: LiveRun) -> None:
    """The server resets every second request from the 26th on: the run fails after at most 40 requests."""
    with serve(faulty("protocol", "late-resets", "connection", Service(always=reset_every_second_from(26)))) as server:
        result = live(server)

        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert "Traceback" not in result.stdout.str()
        assert len(server.log) <= 40
        result.stdout.fnmatch_lines(["*the target resets the connection*"])


def test_a_target_that_hangs_repeatedly_stops_the_run() -> None:
    def hang(visit: Visit, reply: Reply) -> Reply:
        return replace(reply, delivery=later(60)) if visit.number % 3 == 0 else reply

    with serve(faulty("protocol", "hangs-now-and-then", "hang", Service(always=hang))) as server:
        findings, _ = suite_and_observer_findings(server, timeout=0.2, max_lost_seconds=0.5)
        assert len(server.log) <= 10
    assert any("the target hangs again and again" in finding.message for finding in findings)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_an_unreachable_target_is_reported_and_stops_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("BCTRL_API_KEY", "pk_nobody_listens_here")
        monkeypatch.setenv("BCTRL_SPACE_ID", "0b4e6b9c-2f5e-4b0a-9a0e-3a8f5f1d2c3b")
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        result = pytester.runpytest("--bctrl-live", "--bctrl-base-url", url, "--bctrl-fail-on=never", *workers)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.no_re_match_line(r".*(FAIL|Traceback|failed)")
    result.stdout.fnmatch_lines(
        [
            "not checked  the target cannot be reached*",
            "next         curl *  # shows the response of the target",
            "*not checked in *",
        ]
    )


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("BCTRL_API_KEY", "pk_wrong_0123456789", "the target rejects the credential with 401"),
        (
            "BCTRL_SPACE_ID",
            "0b4e6b9c-2f5e-4b0a-9a0e-3a8f5f1d2c3b",
            "does not have this space: 404; check that BCTRL_SPACE_ID",
        ),
    ],
)
def test_a_wrong_key_or_space_is_reported_and_stops_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    """It ends with exit code 2 after a single request."""
    with serve(named("plain")) as server:
        monkeypatch.setenv("BCTRL_API_KEY", server.api_key)
        monkeypatch.setenv("BCTRL_SPACE_ID", server.space_id)
        monkeypatch.setenv(variable, value)
        result = pytester.runpytest("--bctrl-live", f"--bctrl-base-url={server.url}", "-p", "no:randomly")

        assert result.ret == pytest.ExitCode.INTERRUPTED
        assert words in result.stdout.str()
        assert len(server.log) == 1
