"""What a recording is worth: a broken, edited, leaking or non-conforming one never lets a test pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.contract.read import load as load_contract
from pytest_bctrl.recorded.conform import sealed
from pytest_bctrl.samples.sample import SPACE_ID, response
from pytest_bctrl.traffic.recordings.exchange import Exchange, Recording
from pytest_bctrl.traffic.recordings.har_write import encode
from tests.recordings.conftest import Run

PROJECT = """
import pytest

@pytest.mark.bctrl_recording("listed"{more})
def test_it(bctrl_client, bctrl_space_id):
    assert bctrl_client.get(f"/v1/spaces/{{bctrl_space_id}}/runtimes").status_code
"""


def listed(body: Any = None, **fields: Any) -> Exchange:
    """A recorded listing."""
    url = f"http://localhost:8787/v1/spaces/{SPACE_ID}/runtimes"
    content = json.dumps(response() if body is None else body).encode()
    return Exchange("GET", url, 200, (("Content-Type", "application/json"),), content, **fields)


def put(pytester: pytest.Pytester, data: bytes, more: str = "") -> Path:
    """Put a recording beside a test that uses it."""
    pytester.makepyfile(test_mine=PROJECT.format(more=more))
    path = pytester.mkdir("recordings") / "listed.har"
    path.write_bytes(data)
    return path


def broken(item: int = 0) -> dict[str, Any]:
    body = response()
    body["runtimes"][item]["status"] = "archived"
    return body


def test_a_recording_that_breaks_the_contract_lets_no_test_pass(pytester: pytest.Pytester, replay: Run) -> None:
    put(pytester, encode(Recording((listed(broken()),))))

    result = replay()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "bctrl recording: recordings/listed.har: entry 1 of 1, GET /v1/spaces/*: it breaks the contract: 1 error: "
            "response_schema_conformance at runtimes[[]*].status*",
            "*to keep it on purpose: bctrl_recording(name, conforming=False)*",
        ]
    )


def test_a_seal_does_not_cover_another_body(pytester: pytest.Pytester, replay: Run) -> None:
    """Digest and body were both edited, and the seal of the good answer kept."""
    good = sealed(listed(), load_contract())
    put(pytester, encode(Recording((listed(broken(), contract=good.contract, checked=good.checked),))))

    replay().assert_outcomes(errors=1)


def test_a_faulty_answer_can_be_kept_on_purpose(pytester: pytest.Pytester, replay: Run) -> None:
    put(pytester, encode(Recording((listed(broken()),))), more=", conforming=False")

    replay().assert_outcomes(passed=1)


def test_another_contracts_recording_is_checked_again_and_reported_once(pytester: pytest.Pytester, replay: Run) -> None:
    put(pytester, encode(Recording((listed(contract="0" * 64, checked="0" * 32),))))
    project = (pytester.path / "test_mine.py").read_text()
    (pytester.path / "test_mine.py").write_text(project + "\n" + project.replace("test_it", "test_too"))

    result = replay("-n", "2")

    result.assert_outcomes(passed=2)
    assert 1 == result.stdout.str().count("stale: recordings/listed.har was recorded under another contract")


def test_a_non_conforming_answer_is_not_recorded(pytester: pytest.Pytester, replay: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.bctrl_recording("x")
        def test_it(bctrl_mock, bctrl_client, bctrl_space_id):
            bctrl_mock.fault("break_rule", "runtimes[*].status")
            assert 200 == bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code
        """
    )
    result = replay("--bctrl-record-mode=once")

    result.assert_outcomes(failed=1)
    assert not (pytester.path / "recordings").exists()


def test_a_secret_in_an_answer_is_not_recorded_and_not_shown(
    pytester: pytest.Pytester, replay: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "tok-1234567890")
    pytester.makeini("[pytest]\nbctrl_secrets =\n    $MY_TOKEN\n    other-secret\n")
    pytester.makepyfile(
        """
        import os, pytest

        @pytest.mark.bctrl_recording
        @pytest.mark.parametrize("which", [0, 1])
        def test_it(bctrl_mock, bctrl_client, bctrl_space_id, which):
            runtimes = bctrl_mock.runtimes
            runtimes[0]["name"] = "other-" + "secret" if which else os.environ["MY_TOKEN"]
            bctrl_mock.runtimes = runtimes
            assert 200 == bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code
        """
    )
    result = replay("--bctrl-record-mode=once", "-rA")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*: a secret stands in the response body at runtimes[[]0].name (plain), and nothing*"])
    assert "tok-1234567890" not in result.stdout.str() + result.stderr.str()
    assert not list(pytester.path.rglob("*.har"))


def test_a_replay_needs_no_secret(pytester: pytest.Pytester, replay: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makeini("[pytest]\nbctrl_secrets = $MY_TOKEN\n")
    pytester.makepyfile(test_mine=PROJECT.format(more=""))
    with monkeypatch.context() as patch:
        patch.setenv("MY_TOKEN", "tok-1234567890")
        replay("--bctrl-record-mode=once").assert_outcomes(passed=1)

    replay().assert_outcomes(passed=1)


def test_scrubbed_recordings_replay_in_their_own_space(pytester: pytest.Pytester, replay: Run) -> None:
    pytester.makeini("[pytest]\nbctrl_scrub = ids\n")
    pytester.makepyfile(
        """
        import pytest
        from pytest_bctrl import assert_conforms

        @pytest.mark.bctrl_recording
        def test_it(bctrl_client, bctrl_space_id):
            response = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
            assert_conforms(response, fail_on="info")
        """
    )
    replay("--bctrl-record-mode=once").assert_outcomes(passed=1)
    (path,) = pytester.path.rglob("*.har")
    assert SPACE_ID not in path.read_text("utf-8")

    replay().assert_outcomes(passed=1)


def test_a_key_in_an_unrecorded_request_is_not_shown(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BCTRL_API_KEY", "sk/live+0123456789")
    pytester.makepyfile(
        """
        import base64, os, pytest
        from urllib.parse import quote

        @pytest.mark.bctrl_recording
        @pytest.mark.parametrize("number", range(3))
        def test_it(bctrl_recording, number):
            import urllib.request
            key = os.environ["BCTRL_API_KEY"]
            spelled = [key, quote(key, safe=""), base64.urlsafe_b64encode(b"x" + key.encode()).decode()][number]
            try:
                urllib.request.urlopen(f"{bctrl_recording.url}/v1/x?token={spelled}")
            except Exception:
                pass
        """
    )
    result = pytester.runpytest("--tb=short")

    result.assert_outcomes(failed=3)
    # On a CI service pytest's short summary repeats each message in full.
    report, _, _ = result.stdout.str().partition("short test summary info")
    assert 3 == report.count("asked     (not shown: it holds a secret)")
    for part in ("0123456789", "c2svbGl2ZS", "sk%2F"):
        assert part not in result.stdout.str()


def test_no_recording_at_all_says_how_to_make_one(pytester: pytest.Pytester, replay: Run) -> None:
    pytester.makepyfile(test_mine=PROJECT.format(more=""))

    result = replay()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*recorded  nothing", "*record it pytest --bctrl-record-mode=rewrite*test_mine.py::test_it"]
    )


@pytest.mark.parametrize("mark", ['"../up"', '"a", other=1', '"a", conforming="no"', "7", r'"a\0b"'])
def test_a_mark_that_makes_no_sense_is_refused(pytester: pytest.Pytester, replay: Run, mark: str) -> None:
    pytester.makepyfile(PROJECT.replace('"listed"{more}', mark).replace("{{", "{").replace("}}", "}"))

    result = replay()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["bctrl recording: bctrl_recording: *"])
