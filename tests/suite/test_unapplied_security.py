"""Documents that do not apply the security that they describe: what a run says, and what it checks after `init`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_bctrl.cli import main
from pytest_bctrl.contract.files import packaged
from tests.contract.test_unapplied_security import AUTHORIZATION, document, parameter
from tests.local_server import Handler, serving
from tests.traffic.servers import response
from tests.traffic.servers import serve as serve_response
from tests.variants import named
from tests.variants import serve as serve_variant

from .conftest import LiveRun
from .test_operation_outcomes import operation

KEY = "pk_unapplied_4f8Zq27LmXw9"
BEARER, SESSION = f"Bearer {KEY}", f"session_id={KEY}"
received: list[dict[str, str]] = []
"""The header fields, in lower case, of the requests since the last `serve`."""


@contextmanager
def serve(field: str = "", value: str = "") -> Iterator[str]:
    """Serve a thing to requests with this header field, and 401 to others; without a field to all; yield the URL.

    An unknown path gets 404.
    """

    class Api(Handler):
        def do_GET(self) -> None:
            received.append({name.lower(): text for name, text in self.headers.items()})
            if field and self.headers.get(field) != value:
                self.respond(401, b"{}")
            elif "no-such-path" in self.path:
                self.respond(404, b"{}")
            else:
                self.respond(200, b'{"name": "x"}')

        do_HEAD = do_GET

    received.clear()
    with serving(Api) as url:
        yield url


Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run_live(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the suite of the project's contract against a URL, with a key."""
    monkeypatch.setenv("BCTRL_API_KEY", KEY)

    def run(url: str, *arguments: str) -> pytest.RunResult:
        """Run the contract suite only."""
        return pytester.runpytest("--bctrl-live", "--bctrl-base-url", url, *arguments, "bctrl")

    return run


def write(paths: dict[str, Any], *schemes: str, **extra: Any) -> None:
    """Write a document that defines these schemes to `openapi.json`."""
    Path("openapi.json").write_text(json.dumps(document(paths, *schemes, **extra)), "utf-8")


@pytest.mark.parametrize("name", ["openapi.yaml", "page.md"])
def test_the_published_page_through_init_fails_a_server_that_accepts_everybody(
    live: LiveRun, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Without `init`, the run passes, and says that credentials are not checked."""
    spec = packaged().spec.read_text("utf-8")
    Path(name).write_text(spec if name == "openapi.yaml" else f"# List Runtimes\n\n```yaml\n{spec}```\n", "utf-8")
    with serve_variant(named("no-auth-needed")) as server:
        before = live(server, f"--bctrl-contract={name}", "bctrl")
        assert before.ret == pytest.ExitCode.OK
        before.stdout.fnmatch_lines(["bctrl: note: credentials are not checked: no security applies to GET *Author*"])

        assert 0 == main(["init", name])
        assert "overlay.yaml: applies the scheme bearerAuth" in capsys.readouterr().out
        after = live(server, "bctrl")
        assert after.ret == pytest.ExitCode.TESTS_FAILED
        after.stdout.fnmatch_lines(["*an invalid credential is accepted*"])
    with serve_variant(named("plain")) as server:
        correct = live(server, "bctrl")
    assert correct.ret == pytest.ExitCode.OK
    correct.stdout.no_fnmatch_line("*credentials are not checked*")


@pytest.mark.parametrize(
    ("paths", "scheme", "field", "value"),
    [
        ({"/a": operation("a", "401")}, "bearer", "Authorization", BEARER),
        ({"/a": operation("a", "401")}, "header", "X-Api-Key", KEY),
        ({"/a": operation("a", "401", parameters=[parameter("header", "X-Api-Key")])}, "", "X-Api-Key", KEY),
        (
            {"/a": operation("a", "401", parameters=[parameter("cookie", "session_id")])},
            "",
            "Cookie",
            SESSION,
        ),
        ({"/a": {**operation("a", "401"), "parameters": [AUTHORIZATION]}}, "", "Authorization", BEARER),
    ],
    ids=["bearer", "header", "header parameter", "cookie parameter", "parameter of the path"],
)
def test_what_init_writes_checks_the_credential(
    run_live: Run, paths: dict[str, Any], scheme: str, field: str, value: str
) -> None:
    write(paths, *filter(None, [scheme]))
    assert 0 == main(["init", "openapi.json"])
    with serve(field, value) as url:
        assert run_live(url).ret == pytest.ExitCode.OK
    with serve() as url:
        careless = run_live(url)
    assert careless.ret == pytest.ExitCode.TESTS_FAILED
    careless.stdout.fnmatch_lines(["*an invalid credential is accepted*"])


def test_the_overlay_that_doctor_prints_is_the_one_that_init_writes(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its command builds the same contract from it, which keeps the operations that are excluded."""
    broken = {"get": {"parameters": [{"$ref": "#/components/parameters/missing"}], "responses": {}}}
    write({"/a": operation("a"), "/broken": broken}, "bearer")
    main(["doctor", "--contract", "openapi.json", "--format", "json"])
    lines = json.loads(capsys.readouterr().out)["lines"]
    (overlay,) = (line for line in lines if line["topic"] == "overlay")
    main(["init", "openapi.json"])
    written = Path("openapi.contract.json").read_text("utf-8")

    assert Path("openapi.overlay.yaml").read_text("utf-8") == overlay["text"]
    command = overlay["text"].splitlines()[0].partition("pytest-bctrl ")[2]
    assert command in overlay["fix"]
    assert 0 == main(command.split())
    assert Path("openapi.contract.json").read_text("utf-8") == written
    main(["doctor", "--offline"])
    assert "- excluded   GET /broken" in capsys.readouterr().out


def test_a_second_init_uses_the_contract_as_its_owner_has_changed_it(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    write({"/a": operation("a")}, "bearer")
    main(["init", "openapi.json"])
    changed = yaml.safe_load(Path("openapi.contract.json").read_text("utf-8"))
    changed["info"]["title"] = "Changed"
    Path("openapi.contract.json").write_text(json.dumps(changed), "utf-8")
    capsys.readouterr()

    assert 0 == main(["init", "openapi.json"])

    assert capsys.readouterr().out.startswith("contract   Changed 1, 1 operation: 1 checked\n")
    assert json.dumps(changed) == Path("openapi.contract.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("schemes", "note"),
    [
        (
            ["bearer", "header"],
            "the security schemes bearer, header; pytest-bctrl doctor --contract openapi.json *",
        ),
        (["certificate"], "the security scheme certificate, and the kit cannot send a key by the scheme certificate"),
    ],
)
def test_init_writes_no_overlay_if_it_cannot_know_or_send_the_credential(
    pytester: pytest.Pytester, run_live: Run, capsys: pytest.CaptureFixture[str], schemes: list[str], note: str
) -> None:
    """Runs say so, and send no key."""
    write({"/a": operation("a")}, *schemes)
    assert 0 == main(["init", "openapi.json"])
    pytest.LineMatcher(capsys.readouterr().out.splitlines()).fnmatch_lines(
        [f"note       credentials are not checked: no operation applies {note}"]
    )
    assert not list(Path().glob("*.overlay.yaml"))
    main(["doctor", "--offline"])
    shown = capsys.readouterr().out
    assert "- key        credentials are not checked: no operation applies the security scheme" in shown
    assert ("bearer or header" in shown) == (len(schemes) > 1)
    assert ("no overlay is suggested" in shown) == (len(schemes) == 1)
    with serve() as url:
        live = run_live(url, "--bctrl-report", "report.json")
    mock = pytester.runpytest("--bctrl-mock", "bctrl")
    assert live.ret == mock.ret == pytest.ExitCode.OK
    for result in (live, mock):
        result.stdout.fnmatch_lines(["bctrl: note: credentials are not checked: no operation applies the security *"])
    not_checked = json.loads(Path("report.json").read_text("utf-8"))["not_checked"]
    assert any(reason.startswith("credentials: no operation applies the security scheme") for reason in not_checked)
    assert not any(KEY in text for fields in received for text in fields.values())


@pytest.mark.parametrize(
    ("document_name", "field"),
    [
        ("no security", ""),
        ("security: []", ""),
        ("security: [] of the operation", ""),
        ("two schemes", ""),
        ("one scheme", "authorization"),
        ("one header", "x-api-key"),
        ("a parameter", "authorization"),
    ],
)
def test_suite_client_and_recording_send_the_key_exactly_where_doctor_says(
    pytester: pytest.Pytester,
    run_live: Run,
    capsys: pytest.CaptureFixture[str],
    document_name: str,
    field: str,
) -> None:
    """The client also sends it to a path that the contract does not have."""
    {
        "no security": lambda: write({"/a": operation("a")}),
        "security: []": lambda: write({"/a": operation("a")}, "bearer", security=[]),
        "security: [] of the operation": lambda: write({"/a": operation("a", security=[])}, "bearer"),
        "two schemes": lambda: write({"/a": operation("a")}, "bearer", "header"),
        "one scheme": lambda: write({"/a": operation("a")}, "bearer"),
        "one header": lambda: write({"/a": operation("a")}, "header"),
        "a parameter": lambda: write({"/a": operation("a", parameters=[AUTHORIZATION])}),
    }[document_name]()
    pytester.makeini("[pytest]\nbctrl_contract = openapi.json")
    pytester.makepyfile(
        test_client="""
        import pytest

        def test_client(bctrl_client):
            for path in ("/a", "/unknown"):
                assert 200 == bctrl_client.get(path).status_code

        @pytest.mark.bctrl_recording
        def test_recording(bctrl_client):
            assert 200 == bctrl_client.get("/a").status_code
        """
    )
    main(["doctor", "--offline"])
    shown = capsys.readouterr().out
    if field:
        assert f"BCTRL_API_KEY, if it is set, sent as {field}: ".lower() in shown.lower()
    else:
        assert "(BCTRL_API_KEY is not sent)" in shown
    with serve() as url:
        for arguments in (["--bctrl-record-mode=rewrite"], []):
            result = pytester.runpytest("--bctrl-live", "--bctrl-base-url", url, *arguments)
            assert result.ret == pytest.ExitCode.OK
    assert received
    carrying = {name for fields in received for name, text in fields.items() if KEY in text}
    assert carrying == ({field} if field else set())


def test_a_key_that_a_public_document_does_not_need_is_not_a_gap(run_live: Run, pytester: pytest.Pytester) -> None:
    """With `security: []`, the author says that the operations are public."""
    write({"/a": operation("a")}, "bearer", security=[])
    with serve() as url:
        result = run_live(url, "--bctrl-contract=openapi.json")
    result.stdout.fnmatch_lines(["bctrl: note: BCTRL_API_KEY is not sent: no operation of the contract requires a key"])
    result.stdout.no_fnmatch_line("*credentials are not checked*")


def test_init_of_a_url_saves_the_document_beside_the_contract_with_the_overlay(pytester: pytest.Pytester) -> None:
    body = json.dumps(document({"/a": operation("a")}, "bearer")).encode()
    with serve_response(response(body=body)) as server:
        assert 0 == main(["init", f"{server.url}/openapi.json"])
    assert {"openapi.json", "openapi.overlay.yaml", "openapi.contract.json", "pytest.ini", "test_api.py"} == {
        path.name for path in Path().iterdir() if path.is_file()
    }
    assert "bctrl_contract = openapi.contract.json" in Path("pytest.ini").read_text("utf-8").splitlines()
    assert Path("openapi.json").read_bytes() == body
