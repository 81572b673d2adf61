"""Recording responses of a server, also behind a gateway, and replaying them without it."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pytest_bctrl.recorded.conform import errors_of
from pytest_bctrl.traffic.recordings.replay import Player
from tests.recordings.conftest import CONTRACT, PROJECT, Run
from tests.recordings.recorded_exchange import recorded_exchange
from tests.recordings.test_trust import broken, listed
from tests.traffic.servers import response, serve
from tests.variants.server import Server

PREFIX = "/gateway/v2"


def bodies(result: pytest.RunResult) -> list[str]:
    """Return the sorted digests of the bodies that the project's tests received and printed."""
    return sorted(re.findall(r"BODY ([0-9a-f]+)", result.stdout.str()))


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of every recording by its path in the folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.har")}


@pytest.fixture
def gateway(api: Server) -> Iterator[str]:
    """Run a server that forwards requests below its prefix and rejects others; yield its base URL."""

    def step(connection: socket.socket, _number: int) -> None:
        """Send the API's response to the last request."""
        (_, path, _), *fields = (line.split(" ", 2) for line in server.requests[-1].split("\r\n"))
        assert path.startswith(f"{PREFIX}/")
        (key,) = (value for name, *value in fields if name.lower() == "authorization:")
        request = urllib.request.Request(api.url + path.removeprefix(PREFIX), headers={"Authorization": " ".join(key)})
        with urllib.request.urlopen(request) as forwarded:
            connection.sendall(response(200, forwarded.read()))

    with serve(step) as server:
        yield server.url + PREFIX


@pytest.mark.parametrize("base", ["", PREFIX])
def test_recorded_responses_are_replayed_byte_for_byte_without_settings(
    pytester: pytest.Pytester, record: Run, replay: Run, api: Server, gateway: str, running: ExitStack, base: str
) -> None:
    """In process and over the port, also behind a gateway with a path, which replaying need not know."""
    pytester.makepyfile(test_mine=PROJECT)
    url = gateway if base else api.url
    recorded = record("-s", "-p", "no:randomly", f"--bctrl-base-url={url}")
    recorded.assert_outcomes(passed=4)
    running.close()

    replayed = replay("-s", "-n0")

    replayed.assert_outcomes(passed=4)
    assert 3 == len(bodies(recorded))
    assert bodies(recorded) == bodies(replayed)
    assert [
        f"recordings/test_mine/{name}.har" for name in ("test_async[asyncio]", "test_fixture", "test_port", "test_sync")
    ] == sorted(files(pytester.path))
    for data in files(pytester.path).values():
        (entry,) = json.loads(data)["log"]["entries"]
        assert entry["request"]["url"].startswith(f"{url}/v1/spaces/")
        assert (base, False) == (entry.get("_bctrlBasePath", ""), api.api_key.encode() in data)


def test_once_records_missing_recordings_and_replays_existing_ones(pytester: pytest.Pytester, replay: Run) -> None:
    pytester.makepyfile(test_mine=PROJECT)
    first = replay("--bctrl-record-mode=once")
    first.assert_outcomes(passed=4)
    assert 4 == first.stdout.str().count("written: ")
    before = files(pytester.path)

    again = replay("--bctrl-record-mode=once")

    again.assert_outcomes(passed=4)
    assert "written: " not in again.stdout.str()
    assert before == files(pytester.path)


def test_a_recorded_response_that_is_never_used_is_reported(pytester: pytest.Pytester, replay: Run) -> None:
    request = '    shown(bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes"))\n'
    twice = PROJECT.replace(request, request * 2)
    pytester.makepyfile(test_mine=twice)
    replay("--bctrl-record-mode=once", "-k", "test_sync")
    pytester.makepyfile(test_mine=PROJECT)

    result = replay("-k", "test_sync", "-n", "1")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["never used: recordings/test_mine/test_sync.har", "  test_mine.py::test_sync #2 GET /v1/spaces/*/runtimes"]
    )


def test_the_mock_serves_a_recording(pytester: pytest.Pytester, record: Run, replay: Run, api: Server) -> None:
    """A test of `bctrl_mock` receives the recorded list, and `bctrl_space_id` is the recorded space."""
    pytester.makepyfile(test_mine=PROJECT)
    recorded = record("-s", "-k", "test_sync")
    pytester.makepyfile(
        test_mine="""
        from hashlib import sha256
        import pytest, urllib.request, json

        @pytest.mark.bctrl_recording
        def test_sync(bctrl_mock, bctrl_space_id):
            with urllib.request.urlopen(f"{bctrl_mock.url}/v1/spaces/{bctrl_space_id}/runtimes") as response:
                body = response.read()
            assert {bctrl_space_id} == {item["spaceId"] for item in json.loads(body)["runtimes"]}
            print("SPACE", bctrl_space_id, "BODY", sha256(body).hexdigest())
        """
    )

    result = replay("-s")

    result.assert_outcomes(passed=1)
    assert f"SPACE {api.space_id}" in result.stdout.str()
    assert bodies(recorded) == bodies(result) != []


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("bctrl_record_mode = x", r"unknown mode 'x' \(choose one of: none, once, rewrite\)"),
        ("bctrl_scrub = all", "unknown kind 'all'"),
        ("bctrl_record_mode = once\nbctrl_secrets = $NOT_SET_ANYWHERE", "the variable NOT_SET_ANYWHERE is not set"),
        ("bctrl_record_mode = once\nbctrl_secrets = abc", "a secret has fewer than 8 characters"),
    ],
)
def test_an_invalid_recording_setting_is_a_usage_error(pytester: pytest.Pytester, ini: str, message: str) -> None:
    pytester.makeini(f"[pytest]\n{ini}\n")
    with pytest.raises(pytest.UsageError, match=rf"^bctrl: bctrl_\w+ \(ini\): {message}"):
        pytester.parseconfigure()


def test_a_long_secret_in_the_configuration_is_accepted_by_a_recording_run(pytester: pytest.Pytester) -> None:
    """A value may be given instead of the name of a variable; the run configures without an error."""
    pytester.makeini("[pytest]\nbctrl_record_mode = once\nbctrl_secrets = qu7-Rt5-Zp2\n")

    assert ["qu7-Rt5-Zp2"] == pytester.parseconfigure().getini("bctrl_secrets")


def test_a_variable_with_a_short_secret_is_an_error_without_its_value(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A longer one is not an error."""
    pytester.makeini("[pytest]\nbctrl_record_mode = once\nbctrl_secrets =\n  $LONG_SECRET\n  $SHORT_SECRET\n")
    monkeypatch.setenv("LONG_SECRET", "qu7-Rt5-Zp2")
    monkeypatch.setenv("SHORT_SECRET", "qu7")

    with pytest.raises(pytest.UsageError, match="SHORT_SECRET: a secret has fewer than") as raised:
        pytester.parseconfigure()

    assert "qu7" not in str(raised.value)


@pytest.mark.parametrize(("where", "value"), [("ini", "kept"), ("option", "kept/")])
def test_the_recordings_folder_is_configurable(pytester: pytest.Pytester, where: str, value: str) -> None:
    """The folder has a subfolder per folder of tests; the command line takes precedence over the ini file."""
    pytester.makeini(f"[pytest]\nbctrl_recordings = {value if where == 'ini' else 'elsewhere'}\n")
    pytester.mkdir("deep").joinpath("test_deep.py").write_text(
        "def test_it(bctrl_runtimes):\n    assert bctrl_runtimes\n"
    )
    option = [] if where == "ini" else ["--bctrl-recordings", value]

    pytester.runpytest("--bctrl-record-mode=once", *option).assert_outcomes(passed=1)

    assert (pytester.path / "kept" / "deep" / "test_deep" / "test_it.har").is_file()
    assert not (pytester.path / "elsewhere").exists()


MATCHING = ["/v1/a?b=c", f"{PREFIX}/v1/a?b=c", f"https://other.test{PREFIX}/v1/a?b=c"]
MISSING = ["/v1/a", "/gateway/v1/a?b=c", f"{PREFIX}{PREFIX}/v1/a?b=c", "//v1/a?b=c"]


@pytest.mark.parametrize("path", [*MATCHING, *MISSING])
def test_requests_match_with_and_without_the_base_path(path: str) -> None:
    """`Player.response` returns the exchange if the path has the base path once or not at all, else a miss."""
    exchange = recorded_exchange("GET", f"https://api.example.test{PREFIX}/v1/a?b=c", 200, base_path=PREFIX)

    assert (path in MATCHING) == (exchange == Player([exchange], name="x", hint="").response("GET", path))


def test_a_response_below_a_base_path_is_checked() -> None:
    """`errors_of` has a finding for an undocumented status in the recording of a gateway."""
    (finding,) = errors_of(listed(broken(), base_path=PREFIX), CONTRACT)
    assert "runtimes[*].status" == finding.location


FLEET = """
import pytest

@pytest.fixture(scope="session")
def fleet(bctrl_base_url, bctrl_api_key, bctrl_space_id):
    return f"{bctrl_base_url}/v1/spaces/{bctrl_space_id}/runtimes"

@pytest.fixture
def listing(bctrl_client, bctrl_space_id):
    return bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()["runtimes"]

@pytest.mark.bctrl_recording
def test_recorded(listing, fleet, bctrl_client, bctrl_space_id):
    assert {bctrl_space_id} == {item["spaceId"] for item in listing}
    assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()["runtimes"] == listing
    print("FLEET", fleet)
"""


def test_a_session_fixture_has_the_base_url_and_a_replayed_test_the_recorded_space(
    pytester: pytest.Pytester, record: Run, replay: Run, api: Server
) -> None:
    """A fixture that the test uses sends a request with the space of the run, and it is replayed too."""
    pytester.makepyfile(test_mine=FLEET)
    recorded = record("-s")
    recorded.assert_outcomes(passed=1)
    recorded.stdout.fnmatch_lines([f"*FLEET {api.url}/v1/spaces/{api.space_id}/runtimes*"])
    replay().assert_outcomes(passed=1)


def test_a_session_scoped_override_of_the_space_id_is_recorded_and_replayed(
    pytester: pytest.Pytester, record: Run, replay: Run, api: Server
) -> None:
    """The fixture `bctrl_space_id` of the project takes precedence over the option."""
    fixture = f'@pytest.fixture(scope="session")\ndef bctrl_space_id(bctrl_base_url):\n    return "{api.space_id}"\n'
    pytester.makepyfile(test_mine=FLEET + fixture)
    record("--bctrl-space-id=another").assert_outcomes(passed=1)
    result = replay("-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"*/v1/spaces/{api.space_id}/runtimes*"])


def test_recording_does_not_run_the_contract_suite(pytester: pytest.Pytester, record: Run, api: Server) -> None:
    """The contract suite is collected only if it is named."""
    pytester.makepyfile(test_mine=FLEET)
    result = record()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["bctrl: target *, without its contract suite (--bctrl-record-mode; *"])
    record("--collect-only", "-q", "bctrl").stdout.fnmatch_lines(["bctrl::test_answer_conforms*"])


HEAD = """

def test_no_body(bctrl_client, bctrl_space_id):
    response = bctrl_client.head(f"/v1/spaces/{bctrl_space_id}/runtimes")
    assert b"" == response.content
"""


def test_a_live_run_replays_recordings_without_counting_them_as_coverage(
    pytester: pytest.Pytester, record: Run, api: Server
) -> None:
    """The recording of a response to HEAD is replayed too, which shows nothing about the body."""
    pytester.makepyfile(test_mine=PROJECT + HEAD)
    chosen = ("-k", "test_sync or test_no_body", "--bctrl-coverage")
    recording = record(*chosen)
    recording.assert_outcomes(passed=2)
    recording.stdout.fnmatch_lines(["coverage *points exercised, in 2 responses"])

    replaying = record("--bctrl-record-mode=none", *chosen)

    replaying.assert_outcomes(passed=2)
    replaying.stdout.no_fnmatch_line("coverage *in 1 response")


LINK = """
import pytest

@pytest.mark.bctrl_recording
def test_link(bctrl_client, bctrl_space_id):
    url = bctrl_client.base_url.copy_with(path=f"/v1/spaces/{bctrl_space_id}/runtimes")
    assert bctrl_client.get(url).json()["runtimes"]
"""


def test_a_request_outside_the_path_of_the_base_url_is_recorded_without_a_base_path(
    pytester: pytest.Pytester, record: Run, replay: Run, api: Server
) -> None:
    """The base URL has a path, and the test sends a request to a URL of the same server without it."""
    pytester.makepyfile(test_mine=LINK)
    record(f"--bctrl-base-url={api.url}{PREFIX}").assert_outcomes(passed=1)

    ((entry,),) = (json.loads(data)["log"]["entries"] for data in files(pytester.path).values())

    assert entry["request"]["url"].startswith(f"{api.url}/v1/spaces/")
    assert "_bctrlBasePath" not in entry
    replay().assert_outcomes(passed=1)
