"""The key is in no output, whatever shows locals, saves reports or crashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.suite.conftest import LiveRun
from tests.variants import named, serve

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


def everything(result: pytest.RunResult, folder: Path) -> str:
    """All that a run printed and all that it wrote."""
    files = [path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.suffix in (".xml", ".log")]
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
