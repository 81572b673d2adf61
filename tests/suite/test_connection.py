"""What every request has in common: header fields, pace, proxies, certificates; and the messages if they are wrong."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from itertools import pairwise

import httpx
import pytest

from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.key_fields import BEARER
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.exchanges.observer import Observer
from pytest_bctrl.observed.coverage import coverage, unexercised_lines
from pytest_bctrl.samples.inputs import inputs
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun, resolve
from pytest_bctrl.suite.sending.transport_errors import reproduction
from pytest_bctrl.traffic.origin import connection, values
from tests.contract.documents import document
from tests.error_makers import Given
from tests.suite.conftest import LiveRun
from tests.suite.test_every_variant import suite_and_observer_findings
from tests.variants import serve
from tests.variants.reply import Reply
from tests.variants.service import Service, Visit
from tests.variants.variant import faulty, harmless

ACCESS = "cf-access-7Xq2Lr9TbZ4k"


def require_headers(visit: Visit) -> Reply | None:
    """Return a 400 for a request without the version or the field of an access proxy; None to accept it."""
    received = [visit.request.header(name) for name in ("BCTRL-Version", "CF-Access")]
    return None if received == ["2026-01-01", ACCESS] else Service().problem(400, "version.missing", "No version.")


def test_configured_headers_are_on_every_request_and_their_secrets_never_shown(
    pytester: pytest.Pytester, live: LiveRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the suite, fixtures, recordings and `doctor`; options take precedence over the ini file."""
    monkeypatch.setenv("ACCESS", ACCESS)
    pytester.makeini("[pytest]\nbctrl_headers = BCTRL-Version: 2025-01-01\n")
    fields = ["--bctrl-header=BCTRL-Version: 2026-01-01", "--bctrl-header=CF-Access: $ACCESS"]
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.bctrl_recording
        def test_recorded(bctrl_client, bctrl_space_id):
            assert 200 == bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code

        def test_failing(bctrl_client, bctrl_space_id):
            assert 200 == bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code
            assert 0, bctrl_client
        """
    )
    with serve(harmless("wants-headers", "headers", Service(early=require_headers))) as server:
        options = ("-vv", "-l", "--bctrl-record-mode=once", "--bctrl-rate=600/s", "--bctrl-report=all.json")
        # A recording run includes the contract suite only if an argument names it.
        result = live(server, *options, *fields, "bctrl", ".")
        assert {"passed": 46, "failed": 1} == result.parseoutcomes()
        assert len(server.log) == 40 + 2
        monkeypatch.setenv("BCTRL_BASE_URL", server.url)
        doctor = pytester.run(sys.executable, "-m", "pytest_bctrl", "doctor", "--", *fields)
    assert f"{server.url} responds: 200" in doctor.stdout.str()
    written = [path.read_text("utf-8") for path in pytester.path.rglob("*") if path.suffix in (".har", ".json")]
    assert len(written) == 2
    assert ACCESS not in "".join([result.stdout.str(), result.stderr.str(), doctor.stdout.str(), *written])


def test_the_reproduce_command_sends_the_same_headers_and_certificate() -> None:
    """A shell passes the fields, certificate and URL of the request to curl.

    It reads secrets from variables and expands nothing else.
    """
    odd = r"""it's \"$(echo no)\" `no` \\ !x ${ACCESS}$ACCESS"""
    source = Given(
        {"bctrl_headers": [f"X-Odd: {odd}", "Accept: text/html"], "bctrl_client_cert": "my own.pem"}, bctrl_live=True
    )
    common = connection(source, {"ACCESS": ACCESS})
    headers = [("Accept", "application/json"), ("X-Own", 'a "b" $HOME'), ("X-None", "")]
    request = httpx.Request("GET", "https://api.test/v1/things/a'b?c=$d")
    line = reproduction(request, headers, [(BEARER, "Bearer $BCTRL_API_KEY")], common)
    assert ACCESS not in line
    environment = {**os.environ, "ACCESS": ACCESS, "BCTRL_API_KEY": "pk_key"}
    shown = subprocess.run(
        ["bash", "-c", f'curl() {{ printf "%s\\0" "$@"; }}; {line}'], env=environment, capture_output=True, text=True
    )
    words = shown.stdout.split("\0")
    expected = [
        'X-Own: a "b" $HOME',
        "X-None;",
        "Authorization: Bearer pk_key",
        f"X-Odd: {odd.replace('${ACCESS}$ACCESS', ACCESS * 2)}",
        "Accept: text/html",
    ]
    assert expected == [after for before, after in pairwise(words) if before == "-H"]
    assert ["--cert", "my own.pem", str(request.url), ""] == words[-4:]


def test_settings_provide_header_fields_and_parameters() -> None:
    """A configured header is not a parameter, and is covered; `bctrl_values` sets parameters by name or setting."""
    spec = document(True)
    spec["paths"]["/v1/things/{id}"]["get"]["parameters"] += [
        {"name": "BCTRL-Version", "in": "header", "required": True, "schema": {"type": "string"}},
        {"name": "cursor", "in": "query", "required": True, "x-bctrl-setting": "page", "schema": {"type": "string"}},
    ]
    contract = from_document(spec, "things.json")
    lines = Given({"bctrl_values": ["id = 7", "page = $PAGE"], "bctrl_headers": ["bctrl-version: 1"]})
    run = ContractRun("live", contract, "", Secret(""), {}, "error", 5, connection=connection(lines, {}))
    (operation,) = run.operations
    sent = inputs(contract, operation, values(lines, {"PAGE": "abc"}))
    assert sent is not None
    assert ("/v1/things/7?cursor=abc", ()) == (sent.target(operation), sent.headers)
    assert inputs(contract, operation, {"id": "7"}) is None
    observer = Observer(contract, sent_headers=run.header_names)
    observer.observe_response(Response(contract, operation, 200, (), b"{}"), query="cursor=abc")
    assert not [line for line in unexercised_lines(coverage(contract, observer.everything)) if "parameter" in line]


def test_plain_http_is_allowed_for_hosts_in_bctrl_http_hosts() -> None:
    source = Given(
        {"bctrl_http_hosts": ["api.internal"]}, bctrl_live=True, bctrl_base_url="http://api.internal:8080/v1"
    )
    run = resolve(source, {"BCTRL_API_KEY": "pk_connection_0123456789", "BCTRL_SPACE_ID": "mine"})
    assert "http://api.internal:8080" == run.base_url


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
def test_a_proxy_rejection_exits_with_2_and_names_the_proxy(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """The target was not checked, and the password of the proxy is not shown."""
    for name, value in (("BCTRL_API_KEY", "pk_connection_0123456789"), ("BCTRL_SPACE_ID", "mine"), ("NO_PROXY", "")):
        monkeypatch.setenv(name, value)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv(variable, f"me:pa55-word@127.0.0.1:{unused.getsockname()[1]}")
        result = pytester.runpytest("--bctrl-live", "--bctrl-base-url=https://api.test", "-k", "conforms")
    assert pytest.ExitCode.INTERRUPTED == result.ret
    output = result.stdout.str()
    assert re.search(rf"not checked  no request was sent: the proxy \({variable.upper()}, 127\.0\.0\.1:\d+\)", output)
    assert "pa55" not in output


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            Reply(400, b"<h1>No required SSL certificate was sent</h1>"),
            "requires a client certificate: 400; set",
        ),
        (
            Reply(404, b"<h1>Not found</h1>"),
            "has neither this space nor this route: its 404 is not the",
        ),
        (Service().problem(404, "space.not_found", "No."), "does not have this space: 404; check that BCTRL_SPACE_ID"),
        (
            Service().problem(404, "space.not_found", "No such space. Use the list endpoint to see yours."),
            "does not have this space: 404",
        ),
        (Service().problem(404, "not_found", "Route GET:/v1.1/x not found"), "the route no longer exists"),
        (
            Service().problem(410, "gone", "No."),
            "the route no longer exists; pytest-bctrl drift shows what is published now",
        ),
        (Service().problem(422, "odd", "No."), "the status is not documented"),
    ],
)
def test_no_further_requests_are_sent_if_the_plain_request_is_rejected(reply: Reply, words: str) -> None:
    """There is one finding, which says what to set, and the server received one request."""
    with serve(faulty("protocol", "refuses", "status", Service(early=lambda _: reply))) as server:
        (finding,), _ = suite_and_observer_findings(server)
        assert 1 == len(server.log)
    assert words in finding.message


def test_a_secret_in_a_header_option_is_redacted(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output of a failing test does not show the variable that `--bctrl-header` refers to."""
    monkeypatch.setenv("ACCESS", ACCESS)
    pytester.makepyfile("import os\ndef test_it():\n    assert 0, os.environ['ACCESS']")
    result = pytester.runpytest("--bctrl-header=CF-Access: $ACCESS")
    result.assert_outcomes(failed=1)
    assert ACCESS not in result.stdout.str()
