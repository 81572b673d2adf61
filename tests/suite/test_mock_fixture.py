"""The mock as tests use it: scenarios by marker, and rejected requests in the report of a failed test."""

from __future__ import annotations

import pytest


def test_the_scenario_mark_applies_only_to_its_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def listed(client, space):
            return client.get(f"/v1/spaces/{space}/runtimes").json()["runtimes"]

        @pytest.mark.bctrl_scenario("empty")
        def test_empty(bctrl_client, bctrl_space_id):
            assert [] == listed(bctrl_client, bctrl_space_id)

        @pytest.mark.bctrl_scenario("many", count=7)
        def test_many(bctrl_client, bctrl_space_id):
            assert 7 == len(listed(bctrl_client, bctrl_space_id))

        def test_plain(bctrl_client, bctrl_space_id):
            assert len(listed(bctrl_client, bctrl_space_id)) not in (0, 7)
        """
    )
    pytester.runpytest("--strict-markers").assert_outcomes(passed=3)


def test_a_test_can_create_a_space_on_the_shared_mock(pytester: pytest.Pytester) -> None:
    """`bctrl_mock_space` is the only further space of `bctrl_mock_server` during its test."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(2))
        def test_it(bctrl_mock_server, bctrl_mock_space, number):
            assert [*bctrl_mock_server.spaces][1:] == [bctrl_mock_space.space_id]
        """
    )
    pytester.runpytest().assert_outcomes(passed=2)


def test_a_test_with_a_scenario_is_skipped_against_the_live_api(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.bctrl_scenario("empty")
        def test_empty(bctrl_client):
            raise AssertionError("it is skipped")
        """
    )
    monkeypatch.setenv("BCTRL_API_KEY", "pk_scenario_0123456789")

    result = pytester.runpytest("--bctrl-live", "--bctrl-space-id=x", "-m", "not bctrl_contract", "-rs")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED *uses a scenario of the mock: run it without --bctrl-live"])


def test_the_error_for_an_unknown_scenario_lists_the_scenarios(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.bctrl_scenario("nope")
        def test_it(bctrl_mock):
            pass
        """
    )
    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["bctrl_scenario: nope: unknown scenario (choose one of: sample, empty, *"])


def test_a_failed_test_reports_the_requests_rejected_by_the_mock(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(bctrl_client):
            assert 200 == bctrl_client.get("/v1/spaces/other/runtimes").status_code
        """
    )
    result = pytester.runpytest()

    result.stdout.fnmatch_lines(
        ["*bctrl mock server: rejected requests*", "GET /v1/spaces/other/runtimes -> 404 (unknown space; *"]
    )
