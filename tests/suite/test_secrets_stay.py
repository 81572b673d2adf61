"""The key is in no output, whatever shows locals, saves reports or crashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_bctrl.traffic.recordings.spellings import found_as, sought
from tests.recordings.test_secrets import SPELLINGS
from tests.suite.conftest import LiveRun
from tests.traffic.servers import serve as scripted
from tests.variants import named, serve
from tests.variants.reply import Reply
from tests.variants.runtimes import SPACE_ID, edited, put
from tests.variants.service import Service, Visit
from tests.variants.variant import faulty

WRITTEN = (".xml", ".log", ".json", ".html", ".sarif", ".md")

CRASHES = {
    "fixture": "import pytest\n\n@pytest.fixture\ndef broken(bctrl_api_key):\n"
    "    token = bctrl_api_key.reveal()\n    raise RuntimeError(token)\n\ndef test_it(broken):\n    pass\n",
    "environment": "import os\n\ndef test_it():\n    seen = dict(os.environ)\n    print(seen)\n    assert not seen\n",
    "url": "def test_it(bctrl_client, bctrl_api_key):\n"
    "    bctrl_client.get('http://127.0.0.1:9/', headers={'X': bctrl_api_key.reveal()})\n",
    "collection": "import os\n\nraise RuntimeError(os.environ['BCTRL_API_KEY'])\n",
    "async": "import pytest\n\n@pytest.mark.anyio\nasync def test_it(bctrl_async_client):\n"
    "    await bctrl_async_client.get('http://127.0.0.1:9/')\n",
}


ODD_KEY = "pk/Li<ve\"01\\23'&=x"


def everything(result: pytest.RunResult, folder: Path) -> str:
    """All that a run printed and all that it wrote."""
    files = [path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.suffix in WRITTEN]
    return "\n".join([result.stdout.str(), result.stderr.str(), *files])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize("variant", ["plain", "any-scheme-with-key-accepted", "reset-always"])
def test_verdicts_do_not_show_it(
    pytester: pytest.Pytester, live: LiveRun, variant: str, workers: tuple[str, ...]
) -> None:
    with serve(named(variant)) as server:
        result = live(
            server, "-vv", "--showlocals", "--tb=long", "--junitxml=out.xml", "--debug", "--full-trace", *workers
        )
        assert server.api_key not in everything(result, pytester.path)
        assert "test_answer_conforms" in result.stdout.str()


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (b"HTTP/1.1 200 OK\r\nAuthorization Bearer {key}\r\nContent-Length: 0\r\n\r\n", "! bctrl: *key hidden* !"),
        (b"HTTP/1.1 {key}\r\n\r\n", "! bctrl: *key hidden* !"),
        (
            b"HTTP/1.1 429 Slow Down\r\nRetry-After: {key}\r\nContent-Length: 0\r\n\r\n",
            "!* bctrl: the target says 429 *attempts !*",
        ),
    ],
    ids=["a header line", "the status line", "when to come back"],
)
def test_the_line_that_ends_a_run_does_not_show_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, said: bytes, line: str
) -> None:
    key = "pk_live_51Nightjar4Kd9wQx2LmZ"
    monkeypatch.setenv("BCTRL_API_KEY", key)
    monkeypatch.setenv("BCTRL_SPACE_ID", SPACE_ID)
    with scripted(said.replace(b"{key}", key.encode())) as server:
        result = pytester.runpytest("--bctrl-live", "--bctrl-base-url", server.url, "-p", "no:randomly")
    assert result.ret == 1
    result.stdout.fnmatch_lines([line])
    assert key[:8] not in everything(result, pytester.path)


@pytest.mark.parametrize("crash", CRASHES)
def test_crashes_do_not_show_it(pytester: pytest.Pytester, live: LiveRun, crash: str) -> None:
    pytester.makepyfile(test_mine=CRASHES[crash])
    with serve(named("plain")) as server:
        result = live(
            server, "-vv", "--showlocals", "--tb=long", "--junitxml=out.xml", "--debug", "-rA", "--full-trace",
            "-k", "test_it", "--continue-on-collection-errors",
        )  # fmt: skip
        assert result.ret != 0
        assert server.api_key not in everything(result, pytester.path)
        assert "test_mine" in result.stdout.str()


def _has_odd_key(visit: Visit) -> bool:
    return visit.request.authorization == ("bearer", ODD_KEY)


def _echoed(spelling: str) -> Service:
    """A service that tells the key as a value of an enum, and in a page that says that it failed."""
    told = SPELLINGS[spelling](ODD_KEY)
    page = Reply(500, f"<p>{told}</p>".encode(), (("Content-Type", "text/html"),))
    return Service(document=edited(put(3, "status", told)), admits=_has_odd_key, unknown=lambda _, __: page)


@pytest.mark.parametrize("spelling", ["plain", "url with slashes", "json with slashes", "html", "base64, 1 before"])
def test_a_key_that_the_server_tells_encoded_is_in_no_output(
    pytester: pytest.Pytester, live: LiveRun, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    reports = [f"--bctrl-report=out.{kind}" for kind in ("json", "html", "sarif", "md", "xml")]
    with serve(faulty("schema", "told", "schema", _echoed(spelling))) as server:
        server.api_key = ODD_KEY
        result = live(server, "-vv", "--showlocals", "--junitxml=unit.xml", *reports)
    shown = everything(result, pytester.path)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "[key hidden]" in shown
    assert (pytester.path / "out.json").exists()
    wanted = sought(ODD_KEY)
    assert [] == [line for line in shown.splitlines() if found_as(line, wanted)]


def test_logs_that_pytest_writes_as_they_come_do_not_show_it(pytester: pytest.Pytester, live: LiveRun) -> None:
    pytester.makepyfile(
        """
        import logging

        def test_it(bctrl_api_key):
            logging.getLogger("mine").warning("the key is %s", bctrl_api_key.reveal())
        """
    )
    with serve(named("plain")) as server:
        result = live(server, "--log-cli-level=DEBUG", "--log-file=run.log", "--log-file-level=DEBUG", "-k", "test_it")
    result.assert_outcomes(passed=1, deselected=36)
    result.stdout.fnmatch_lines(["*the key is [[]key hidden]*"])
    assert "the key is [key hidden]" in (pytester.path / "run.log").read_text()
    assert server.api_key not in everything(result, pytester.path)
