"""Recording against a server, and replaying without it."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.recordings.conftest import PROJECT, Run
from tests.variants.server import Server


def bodies(result: pytest.RunResult) -> list[str]:
    """The bodies that the project's tests got, by their digest."""
    return sorted(re.findall(r"BODY ([0-9a-f]+)", result.stdout.str()))


def files(folder: Path) -> dict[str, bytes]:
    """Every recording by its name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.har")}


def test_what_was_recorded_is_replayed_byte_for_byte_with_nothing_set(
    pytester: pytest.Pytester, record: Run, replay: Run, api: Server, running: ExitStack
) -> None:
    pytester.makepyfile(test_mine=PROJECT)
    recorded = record("-s", "-p", "no:randomly")
    recorded.assert_outcomes(passed=4, deselected=36)
    running.close()

    replayed = replay("-s", "-n0")

    replayed.assert_outcomes(passed=4)
    assert 3 == len(bodies(recorded))
    assert bodies(recorded) == bodies(replayed)
    assert [
        f"recordings/test_mine/{name}.har" for name in ("test_async[asyncio]", "test_fixture", "test_port", "test_sync")
    ] == sorted(files(pytester.path))
    assert api.api_key.encode() not in b"".join(files(pytester.path).values())


def test_once_records_what_has_no_recording_and_replays_what_has(pytester: pytest.Pytester, replay: Run) -> None:
    pytester.makepyfile(test_mine=PROJECT)
    first = replay("--bctrl-record-mode=once")
    first.assert_outcomes(passed=4)
    assert 4 == first.stdout.str().count("written: ")
    before = files(pytester.path)

    again = replay("--bctrl-record-mode=once")

    again.assert_outcomes(passed=4)
    assert "written: " not in again.stdout.str()
    assert before == files(pytester.path)


def test_a_request_that_is_not_recorded_fails_the_test_that_swallows_the_exception(
    pytester: pytest.Pytester, replay: Run
) -> None:
    pytester.makepyfile(test_mine=PROJECT)
    replay("--bctrl-record-mode=once", "-k", "test_sync")
    pytester.makepyfile(
        test_mine=PROJECT.replace(
            "    assert listed",
            "    try:\n        bctrl_client.get(f'/v1/spaces/{bctrl_space_id}/runtimes?limit=5')\n"
            "    except Exception:\n        pass\n    assert listed",
        )
    )

    result = replay("-k", "test_sync")

    result.assert_outcomes(failed=1, deselected=3)
    result.stdout.fnmatch_lines(
        [
            "bctrl recording: recordings/test_mine/test_sync.har: no answer is recorded for this request",
            "  asked     GET /v1/spaces/*/runtimes?limit=5",
            "  recorded  GET /v1/spaces/*/runtimes",
            "  nearest   GET /v1/spaces/*/runtimes: the query is empty, not limit=5",
            '  record it pytest --bctrl-record-mode=rewrite --bctrl-live -m *contract" test_mine.py::test_sync',
        ]
    )


def test_an_exchange_that_nobody_asked_for_is_reported(pytester: pytest.Pytester, replay: Run) -> None:
    twice = PROJECT.replace("    assert listed", "    listed(bctrl_client, bctrl_space_id)\n    assert listed")
    pytester.makepyfile(test_mine=twice)
    replay("--bctrl-record-mode=once", "-k", "test_sync")
    pytester.makepyfile(test_mine=PROJECT)

    result = replay("-k", "test_sync", "-n", "1")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["never used: recordings/test_mine/test_sync.har", "  test_mine.py::test_sync #2 GET /v1/spaces/*/runtimes"]
    )


def test_the_mock_server_plays_the_recording(pytester: pytest.Pytester, record: Run, replay: Run, api: Server) -> None:
    pytester.makepyfile(test_mine=PROJECT)
    record("-k", "test_sync")
    pytester.makepyfile(
        test_mine="""
        import pytest, urllib.request, json

        @pytest.mark.bctrl_recording
        def test_sync(bctrl_mock, bctrl_space_id):
            with urllib.request.urlopen(f"{bctrl_mock.url}/v1/spaces/{bctrl_space_id}/runtimes") as answer:
                assert {bctrl_space_id} == {one["spaceId"] for one in json.load(answer)["runtimes"]}
            print("SPACE", bctrl_space_id)
        """
    )

    result = replay("-s")

    result.assert_outcomes(passed=1)
    assert f"SPACE {api.space_id}" in result.stdout.str()


@pytest.mark.parametrize(
    ("arguments", "ini", "said"),
    [
        (["--bctrl-record-mode=always"], "", "unknown mode 'always' (choose one of: none, once, rewrite)"),
        ([], "bctrl_record_mode = x", "bctrl_record_mode (ini): unknown mode 'x'"),
        ([], "bctrl_scrub = all", "bctrl_scrub (ini): unknown kind 'all'"),
        (["--bctrl-record-mode=once"], "bctrl_secrets = $NOT_SET_ANYWHERE", "the variable NOT_SET_ANYWHERE is not set"),
    ],
)
def test_a_wrong_setting_ends_the_run(
    pytester: pytest.Pytester, replay: Run, arguments: list[str], ini: str, said: str
) -> None:
    pytester.makeini(f"[pytest]\n{ini}\n")
    result = replay(*arguments)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert said in result.stderr.str()


@pytest.mark.parametrize(("where", "value"), [("ini", "kept"), ("option", "kept/")])
def test_recordings_are_kept_where_they_are_wanted(pytester: pytest.Pytester, where: str, value: str) -> None:
    """In one folder for all, they lie in the folders of their test files; the command line wins over the ini file."""
    pytester.makeini(f"[pytest]\nbctrl_recordings = {value if where == 'ini' else 'elsewhere'}\n")
    pytester.mkdir("deep").joinpath("test_deep.py").write_text(
        "def test_it(bctrl_runtimes):\n    assert bctrl_runtimes\n"
    )
    option = [] if where == "ini" else ["--bctrl-recordings", value]

    pytester.runpytest("--bctrl-record-mode=once", *option).assert_outcomes(passed=1)

    assert (pytester.path / "kept" / "deep" / "test_deep" / "test_it.har").is_file()
    assert not (pytester.path / "elsewhere").exists()
