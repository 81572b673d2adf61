"""What a recording says at its edges: while it is made, after the test's own end, and where it holds too little."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bctrl.traffic.recordings.exchange import Exchange, Recording
from pytest_bctrl.traffic.recordings.har_write import encode
from tests.recordings.conftest import Run
from tests.recordings.test_trust import listed
from tests.variants.server import Server

ERROR = {"error": {"code": "x", "message": "y", "reasonClass": "client", "requestId": "z"}}
REFUSED = replace(listed(ERROR), status=404)
AFTERWARDS = """
import pytest


@pytest.fixture
def afterwards(request, bctrl_client, bctrl_space_id):
    yield
    {after}


@pytest.mark.bctrl_recording
def test_mine(afterwards, bctrl_client, bctrl_space_id):
    assert bctrl_client.get(f"/v1/spaces/{{bctrl_space_id}}/runtimes").is_success
"""


def test_a_recording_that_is_being_made_tells_where_it_goes(
    pytester: pytest.Pytester, record: Run, api: Server
) -> None:
    pytester.makepyfile(f"""
        import pytest
        from pytest_bctrl.errors import BctrlError

        @pytest.mark.bctrl_recording
        def test_mine(bctrl_recording):
            assert "{api.url}" == bctrl_recording.base_url
            assert bctrl_recording.url == bctrl_recording.url
            with pytest.raises(BctrlError, match="there is nothing to replay yet .use bctrl_recording.url"):
                bctrl_recording.transport
    """)

    record().assert_outcomes(passed=1)


def test_a_request_at_the_very_end_that_is_not_recorded_is_an_error(pytester: pytest.Pytester, replay: Run) -> None:
    """Even where the fixture that asks swallows the exception."""
    pytester.makepyfile(test_mine=AFTERWARDS.format(after="pass"))
    replay("--bctrl-record-mode=once").assert_outcomes(passed=1)
    asking = "with pytest.raises(Exception): bctrl_client.get('/v1/spaces/x/runtimes?limit=5')"
    pytester.makepyfile(test_mine=AFTERWARDS.format(after=asking))

    result = replay()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["bctrl recording: *: no answer is recorded for this request", "  asked *limit=5"])


def test_an_answer_at_the_very_end_that_breaks_the_contract_is_not_written(
    pytester: pytest.Pytester, replay: Run
) -> None:
    asking = (
        "request.getfixturevalue('bctrl_mock').fault('break_rule', 'runtimes[*].status: enum'); "
        "bctrl_client.get(f'/v1/spaces/{{bctrl_space_id}}/runtimes')"
    )
    text = AFTERWARDS.format(after=asking).replace("{{", "{").replace("}}", "}")
    pytester.makepyfile(test_mine=text.replace("afterwards(request, ", "afterwards(request, bctrl_mock, "))

    result = replay("--bctrl-record-mode=once")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["bctrl recording: *it breaks the contract: *"])


def test_what_breaks_the_contract_is_recorded_where_the_test_says_so(pytester: pytest.Pytester, replay: Run) -> None:
    pytester.makepyfile(
        test_mine="""
        import pytest

        @pytest.mark.bctrl_recording(conforming=False)
        def test_mine(request, bctrl_recording, bctrl_client, bctrl_space_id):
            if bctrl_recording.is_recording:
                request.getfixturevalue("bctrl_mock").fault("break_rule", "runtimes[*].status: enum")
            body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
            assert any("unheard-of" in one["status"] for one in body["runtimes"])
        """
    )

    replay("--bctrl-record-mode=once").assert_outcomes(passed=1)
    replay().assert_outcomes(passed=1)


RUNTIMES = """
    import pytest

    @pytest.mark.bctrl_recording("kept")
    def test_mine(bctrl_runtimes):
        assert bctrl_runtimes
"""


def _kept(pytester: pytest.Pytester, *exchanges: Exchange) -> None:
    pytester.mkdir("recordings")
    (pytester.path / "recordings" / "kept.har").write_bytes(encode(Recording(exchanges)))
    pytester.makepyfile(test_mine=RUNTIMES)


def test_the_runtimes_are_those_of_the_first_success(pytester: pytest.Pytester, replay: Run) -> None:
    _kept(pytester, REFUSED, listed())

    replay().assert_outcomes(passed=1)


def test_a_recording_without_runtimes_is_told(pytester: pytest.Pytester, replay: Run) -> None:
    _kept(pytester, REFUSED)

    result = replay()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*recordings/kept.har: it holds no runtimes (*"])
