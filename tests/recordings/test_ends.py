"""Recordings in progress, during the teardown of a test, and without the exchanges that a test needs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_bctrl.errors import BctrlError, DocumentError
from pytest_bctrl.recorded.hooks import _usual_space
from pytest_bctrl.samples import SPACE_ID
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.recordings.har_write import Recording, encode
from tests.local_server import Handler, serving
from tests.recordings.conftest import CONTRACT, Run, recorded
from tests.recordings.test_trust import listed

ERROR = {"error": {"code": "x", "message": "y", "reasonClass": "client", "requestId": "z"}}
REJECTED = replace(listed(ERROR), status=404)
AFTERWARDS = """
import pytest


@pytest.fixture
def afterwards(request, bctrl_client, bctrl_space_id):
    yield
    AFTER


@pytest.mark.bctrl_recording
def test_mine(afterwards, bctrl_client, bctrl_space_id):
    assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").is_success
"""


def test_a_recording_in_progress_has_the_url_of_its_target(tmp_path: Path) -> None:
    """`base_url` is that of the recorded mock; `transport` raises, since there is nothing to replay."""
    with MockServer(CONTRACT) as mock:
        recording = recorded(tmp_path / "x.har", mock=mock)
        assert (mock.url, recording.url) == (recording.base_url, recording.url)
        with pytest.raises(BctrlError, match="there is nothing to replay yet"):
            assert recording.transport
        recording.close()


def test_an_unrecorded_request_during_teardown_is_an_error(pytester: pytest.Pytester, replay: Run) -> None:
    """Even if the fixture that sends it ignores the exception."""
    pytester.makepyfile(test_mine=AFTERWARDS.replace("AFTER", "pass"))
    replay("--bctrl-record-mode=once").assert_outcomes(passed=1)
    statement = "with pytest.raises(Exception): bctrl_client.get('/v1/spaces/x/runtimes?limit=5')"
    pytester.makepyfile(test_mine=AFTERWARDS.replace("AFTER", statement))

    result = replay()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["bctrl recording: *: no response is recorded for this request", "  requested *limit=5"]
    )


def test_a_nonconforming_response_during_teardown_is_not_recorded(pytester: pytest.Pytester, replay: Run) -> None:
    """Requested by a fixture after the test, it is an error; requested by another test, that test fails."""
    fault = "request.getfixturevalue('bctrl_mock').fault('break_rule', 'runtimes[*].status: enum')"
    statement = f"{fault}; bctrl_client.get(f'/v1/spaces/{{bctrl_space_id}}/runtimes')"
    text = AFTERWARDS.replace("AFTER", statement)
    sooner = AFTERWARDS[AFTERWARDS.index("@pytest.mark") :].replace("(afterwards", "(sooner").replace("mine", "sooner")
    text += sooner + f"\n\n@pytest.fixture\ndef sooner(request, bctrl_mock):\n    {fault}\n"
    pytester.makepyfile(test_mine=text.replace("afterwards(request, ", "afterwards(request, bctrl_mock, "))

    result = replay("--bctrl-record-mode=once")

    result.assert_outcomes(passed=1, errors=1, failed=1)
    result.stdout.fnmatch_lines(["bctrl recording: *it breaks the contract: *"] * 2)


def test_the_default_space_id_is_empty_in_a_live_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is without a setting; in any other run, it is the mock's."""
    monkeypatch.delenv("BCTRL_SPACE_ID", raising=False)
    assert (_usual_space(pytester.parseconfig("--bctrl-live")), _usual_space(pytester.parseconfig())) == ("", SPACE_ID)


class _Things(Handler):
    """A handler that responds with an object."""

    def do_GET(self) -> None:
        """Send an object."""
        self.respond(200, b"{}")


_RECORD = ("--bctrl-live", "--bctrl-record-mode=once")


@pytest.fixture
def things(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.Pytester]:
    """Yield a project whose contract has no spaces and secures nothing, with a server and without a space id."""
    content = {"application/json": {"schema": {"type": "object"}}}
    paths = {"/things": {"get": {"responses": {"200": {"description": "x", "content": content}}}}}
    document = {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": paths}
    (pytester.path / "things.json").write_text(json.dumps(document), "utf-8")
    pytester.makeini("[pytest]\nbctrl_contract = things.json\n")
    monkeypatch.delenv("BCTRL_SPACE_ID", raising=False)
    with serving(_Things) as url:
        monkeypatch.setenv("BCTRL_BASE_URL", url)
        yield pytester


def test_a_live_recording_of_a_contract_without_spaces_needs_no_space_id(
    things: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response is recorded, and replayed without the server."""
    things.makepyfile("""
        import pytest

        @pytest.mark.bctrl_recording
        def test_it(bctrl_client):
            assert {} == bctrl_client.get("/things").json()
    """)
    things.runpytest(*_RECORD).assert_outcomes(passed=1)
    monkeypatch.setenv("BCTRL_BASE_URL", "http://127.0.0.1:9")
    things.runpytest().assert_outcomes(passed=1)


def test_a_live_recording_has_the_space_that_the_project_overrides(things: pytest.Pytester) -> None:
    things.makepyfile("""
        import pytest

        @pytest.fixture
        def bctrl_space_id():
            return "ours"

        @pytest.mark.bctrl_recording
        def test_it(bctrl_recording, bctrl_client):
            assert bctrl_recording.space_id == "ours"
            bctrl_client.get("/things")
    """)
    things.runpytest(*_RECORD).assert_outcomes(passed=1)


def test_a_live_recording_of_a_contract_with_spaces_needs_a_space_id(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BCTRL_SPACE_ID", raising=False)
    monkeypatch.setenv("BCTRL_API_KEY", "key_0123456789abcdef")
    monkeypatch.setenv("BCTRL_BASE_URL", "http://127.0.0.1:9")
    result = pytester.runpytest(*_RECORD)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["ERROR: bctrl: BCTRL_SPACE_ID: no space id is set, and --bctrl-live needs one *"])


def test_runtimes_are_those_of_the_first_successful_response(tmp_path: Path) -> None:
    """`recording.runtimes()` skips a 404; without a success, it raises `DocumentError`."""
    path = tmp_path / "kept.har"
    path.write_bytes(encode(Recording((REJECTED, listed()))))
    assert json.loads(listed().body)["runtimes"] == recorded(path).runtimes()

    path.write_bytes(encode(Recording((REJECTED,))))
    with pytest.raises(DocumentError, match=r"kept\.har: it contains no runtimes \("):
        recorded(path).runtimes()


def test_the_error_for_a_missing_recording_has_the_command_that_records(pytester: pytest.Pytester) -> None:
    """One line without a traceback; the command, run as printed, records the test."""
    pytester.makepyfile(test_mine="def test_it(bctrl_runtimes):\n    assert bctrl_runtimes\n")

    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    command = "pytest --bctrl-record-mode=rewrite --bctrl-live test_mine.py::test_it"
    line = f"bctrl recording: recordings/test_mine/test_it.har: there is no recording of this test ({command})"
    (at,) = (number for number, row in enumerate(result.outlines) if "ERROR at setup of test_it" in row)
    assert [line, "="] == [row if row == line else row[:1] for row in result.outlines[at + 1 : at + 3]]
    arguments = shlex.split(command.replace("--bctrl-live ", ""))[1:]
    pytester.runpytest(*arguments).assert_outcomes(passed=1)
    pytester.runpytest().assert_outcomes(passed=1)
