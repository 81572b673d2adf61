"""`pytest-bctrl doctor`: what it reports about an installation, settings, recordings and a target."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.cli.doctor import Line, probe
from pytest_bctrl.contract.read import load
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from tests.doctor.conftest import KEY, Doctor
from tests.traffic.servers import Script, hang, response, serve
from tests.variants import named
from tests.variants import serve as serve_variant

HAR = (Path(__file__).parents[2] / "examples" / "with_httpx" / "recordings" / "listing.har").read_text("utf-8")


def test_doctor_without_settings_reports_no_problem_and_the_next_command(doctor: Doctor) -> None:
    code, line = doctor()

    assert 0 == code
    assert "pytest-bctrl 0" in line("installed")["text"]
    assert "schemathesis 4" in line("installed")["text"]
    assert load().short_digest in line("contract")["text"]
    assert "fail_on: error; " in line("defaults")["text"]
    assert "note" == line("target")["state"]
    assert line("next")["text"].startswith("pytest --bctrl-mock bctrl")


def test_doctor_shows_the_source_of_each_setting(doctor: Doctor, tmp_path: Path) -> None:
    """The command line takes precedence over the environment, and that over the ini file; no secret is shown."""
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nbctrl_fail_on = warning\nbctrl_max_examples = 7\nbctrl_levels =\n  strict_json = info\n"
        "addopts = --bctrl-max-examples=5\n"
    )
    url = "https://me:hidden@127.0.0.1/?token=hidden"
    variables = {"BCTRL_API_KEY": KEY, "BCTRL_SPACE_ID": "other", "BCTRL_BASE_URL": url}
    code, line = doctor("--offline", "--", "--bctrl-space-id=mine", **variables)

    assert 1 == code
    assert [
        "fail_on: warning (bctrl_fail_on (ini))",
        "key: set (BCTRL_API_KEY)",
        "max_examples: 5 (--bctrl-max-examples, command line or addopts)",
        "level of strict_json: info (bctrl_levels (ini))",
        "space_id: mine (--bctrl-space-id, command line or addopts)",
    ] == [line("setting", name)["text"] for name in ("fail_on", "key", "max_examples", "level", "space_id")]
    assert str(tmp_path / "pytest.ini") == line("ini")["text"]


@pytest.mark.parametrize(
    ("arguments", "ini", "topic", "code", "text", "hint"),
    [
        (["--bctrl-fail-on=fatal"], "", "setting", 1, "unknown level", "choose one of: error, warning, info, never"),
        ([], "addopts = --no-such-option", "settings", 2, "", ""),
        ([], "bctrl_levels =\n  strict_json", "setting", 1, "bctrl_levels", "write rule = level, or rule@location"),
        (["-p", "no:bctrl"], "", "settings", 2, "does not load the plugin", ""),
        (["--bctrl-contract=nowhere.yaml"], "", "contract", 2, "", ""),
    ],
    ids=["level", "option", "levels", "no plugin", "contract"],
)
def test_invalid_settings_are_reported_with_a_hint(
    doctor: Doctor, tmp_path: Path, arguments: list[str], ini: str, topic: str, code: int, text: str, hint: str
) -> None:
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{ini}\n")

    result, line = doctor("--", *arguments)

    assert (code, "wrong" if code == 1 else "unknown") == (result, line(topic, text)["state"])
    assert line(topic, text)["fix"].startswith(hint)


@pytest.mark.parametrize("option", [[], ["--bctrl-recordings=kept"]])
def test_recordings_are_counted_and_unreadable_ones_reported(doctor: Doctor, tmp_path: Path, option: list[str]) -> None:
    """A stale and a truncated recording, in the default or the configured folder."""
    folder = tmp_path / "kept" if option else tmp_path / "tests" / "recordings"
    folder.mkdir(parents=True)
    (folder / "old.har").write_text(HAR.replace(load().digest, "0" * 64))
    (folder / "cut.har").write_text(HAR[:100])

    code, line = doctor("--", *option)

    assert (1, "2 found, 1 of another contract, 1 unreadable") == (code, line("recordings")["text"])
    assert "wrong" == line("recordings", "cut.har")["state"]


@pytest.mark.parametrize(
    ("security", "text"),
    [([{"key": []}], "no request sent: no key is set (--bctrl-mock needs none)"), ([], "responds: 200")],
)
def test_the_space_id_is_not_mentioned_for_a_contract_without_one(
    doctor: Doctor, tmp_path: Path, security: list[Any], text: str
) -> None:
    """The next command does not set it; a request is sent if the contract needs no key either."""
    schemes = {"key": {"type": "http", "scheme": "bearer"}}
    operation = {"security": security, "responses": {"200": {"description": "x"}}}
    document = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": {"/a": {"get": operation}}}
    (tmp_path / "shop.json").write_text(json.dumps({**document, "components": {"securitySchemes": schemes}}))
    with serve(response(body=b"{}")) as server:
        (tmp_path / "pytest.ini").write_text(f"[pytest]\nbctrl_contract = shop.json\nbctrl_base_url = {server.url}\n")
        code, line = doctor()
    assert 0 == code
    assert line("target")["text"].endswith(text)
    assert "SPACE" not in line("next")["text"]


def test_a_space_id_in_the_values_needs_no_variable(doctor: Doctor, tmp_path: Path) -> None:
    """If `bctrl_values` has the id, the target gets a request and the next command names no `BCTRL_SPACE_ID`."""
    path_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    paths = {"/v1/spaces/{id}/runtimes": {"get": {"parameters": [path_id], "responses": {"200": {"description": "x"}}}}}
    document = {"openapi": "3.1.0", "info": {"title": "Public", "version": "1"}, "paths": paths}
    (tmp_path / "public.json").write_text(json.dumps(document))
    lines = "[pytest]\nbctrl_contract = public.json\n"
    (tmp_path / "pytest.ini").write_text(lines)
    _, line = doctor()
    assert "pytest --bctrl-mock bctrl  # with BCTRL_SPACE_ID set: pytest --bctrl-live bctrl" == line("next")["text"]
    with serve(response(body=b"{}")) as server:
        (tmp_path / "pytest.ini").write_text(f"{lines}bctrl_base_url = {server.url}\nbctrl_values = id = 4\n")
        code, line = doctor()
    assert 0 == code
    assert line("target")["text"].endswith("responds: 200")
    assert "pytest --bctrl-live bctrl" == line("next")["text"]


@pytest.mark.parametrize(
    "paths", [("/pets/{id}",), ("/pets/{id}", "/shops")], ids=["alone", "beside another operation"]
)
def test_an_operation_without_a_value_gets_no_request(doctor: Doctor, tmp_path: Path, paths: tuple[str, ...]) -> None:
    """Another operation gets it; if there is none, the next step is the mock."""
    content: dict[str, Any] = {"application/json": {"schema": {}}}
    operations = {path: {"get": {"responses": {"200": {"description": "x", "content": content}}}} for path in paths}
    document = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": operations}
    (tmp_path / "shop.json").write_text(json.dumps(document))
    with serve(response(body=b"{}")) as server:
        (tmp_path / "pytest.ini").write_text(f"[pytest]\nbctrl_contract = shop.json\nbctrl_base_url = {server.url}\n")
        code, line = doctor()
    assert (0, "GET /pets/{id}: id") == (code, line("no value")["text"])
    expected = ("responds: 200", "pytest --bctrl-live bctrl")
    if len(paths) == 1:
        expected = ("add to bctrl_values: id = VALUE", "pytest --bctrl-mock bctrl")
    assert line("target")["text"].endswith(expected[0])
    assert expected[1] == line("next")["text"]


def test_offline_sends_no_request(doctor: Doctor) -> None:
    url = "https://nowhere.invalid"

    code, line = doctor("--offline", BCTRL_API_KEY=KEY, BCTRL_SPACE_ID="x", BCTRL_BASE_URL=url)

    assert (0, f"{url}: no request sent (--offline)") == (code, line("target")["text"])


def test_a_key_without_a_space_id_is_reported(doctor: Doctor) -> None:
    code, line = doctor(BCTRL_API_KEY=KEY)

    assert (1, "wrong") == (code, line("target")["state"])
    assert line("target")["text"].startswith("BCTRL_SPACE_ID: no space id is set")


@pytest.mark.parametrize(
    ("space", "key", "code", "words"),
    [
        ("", "", 0, "responds: 200"),
        ("", KEY, 1, "the target rejects the credential with 401"),
        ("no-such-space", "", 1, "the target does not have this space: 404"),
    ],
)
def test_the_target_gets_one_request_and_its_result_is_reported(
    doctor: Doctor, space: str, key: str, code: int, words: str
) -> None:
    """An empty space id or key stands for that of the server."""
    with serve_variant(named("plain")) as server:
        variables = {"BCTRL_API_KEY": key or server.api_key, "BCTRL_SPACE_ID": space or server.space_id}
        result, line = doctor(BCTRL_BASE_URL=server.url, **variables)

    assert (code, True, 1) == (result, words in line("target")["text"], len(server.log))


def probed(url: str, timeout: float = 60) -> Line:
    """Return the line about a target at this URL."""
    return probe(ContractRun("live", load(), url, Secret(KEY), {"space_id": "mine"}, "error", 1), timeout=timeout)


@pytest.mark.parametrize(
    ("script", "state", "text", "hint"),
    [
        (response(503), "wrong", "the server fails: 503", "try again later"),
        (
            response(302, Location="/elsewhere"),
            "wrong",
            "it responds with 302, to /elsewhere: redirect not followed",
            "curl -i",
        ),
        (response(418), "wrong", "it responds with 418: the status is not documented", "curl -i"),
        (hang, "unknown", "the target hangs: it accepts", "no firewall"),
        (b"SSH-2.0-server\r\n\r\n", "unknown", ": the target's response is not HTTP/1.1: ", "curl -i"),
    ],
    ids=["503", "302", "418", "silence", "no HTTP"],
)
def test_an_unexpected_response_of_the_target_is_reported(
    script: bytes | Script, state: str, text: str, hint: str
) -> None:
    with serve(script) as server:
        line = probed(server.url, 0.1 if script is hang else 60)

    assert ("target", state, True, True) == (line.topic, line.state, text in line.text, hint in line.hint)


def _respond_without_tls(listener: socket.socket) -> None:
    """Accept one connection, and send a response in plain HTTP."""
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(65536)


def test_a_failed_connection_is_reported_as_unknown() -> None:
    """A closed port, an unknown host name, and https to a plain HTTP server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=_respond_without_tls, args=(listener,), daemon=True)
        thread.start()
        insecure = probed(f"https://127.0.0.1:{port}")
        thread.join(10)
    closed_port, nowhere = probed(f"http://127.0.0.1:{port}"), probed("https://nowhere.invalid")

    assert ["unknown"] * 3 == [line.state for line in (insecure, closed_port, nowhere)]
    assert "the connection to the target is not secure (TLS): " in insecure.text
    assert "SSL_CERT_FILE" in insecure.hint
    assert "the target cannot be reached: " in closed_port.text
    assert "is unknown (DNS)" in nowhere.text


def test_text_output_marks_problems(tmp_path: Path) -> None:
    """An invalid level: exit code 1, a line that begins with `!`, and the next step."""
    command = [sys.executable, "-m", "pytest_bctrl", "doctor", "--offline", "--", "--bctrl-fail-on=fatal"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (1, "") == (done.returncode, done.stderr)
    assert "! setting    --bctrl-fail-on: unknown level 'fatal'\n" in done.stdout
    assert "  next       pytest-bctrl doctor  # first fix setting: choose one of" in done.stdout
