"""A project overrides `bctrl_api_key` or `bctrl_auth`, or sends credentials that no security scheme declares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .guarded_api import credential, document, guard, serve, value_of
from .test_own_auth import CLIENTS, RECORDED


@pytest.mark.parametrize("folder", ["", "tests", "tests/api"])
@pytest.mark.parametrize("name", ["bctrl_auth", "bctrl_api_key"])
def test_an_override_in_any_folder_is_that_of_the_suite(pytester: pytest.Pytester, name: str, folder: str) -> None:
    """The other fixtures of its `conftest.py` can be used, too."""
    key = value_of("bearer")
    Path("api.json").write_text(json.dumps(document({"/a": "bearer"})), "utf-8")
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, "conftest.py").write_text(
        f"""
import pytest


@pytest.fixture(scope="session")
def vault():
    return "{key}"


@pytest.fixture(scope="session")
def {name}(vault):
    import httpx

    class Bearer(httpx.Auth):
        def auth_flow(self, request):
            request.headers["Authorization"] = f"Bearer {{vault}}"
            yield request

    return Bearer() if "{name}" == "bctrl_auth" else vault
""",
        "utf-8",
    )
    Path(folder, "test_own.py").write_text("def test_own(bctrl_client):\n    assert bctrl_client.get('/a').json()\n")
    with serve(guard({"/a": "bearer"})) as api:
        pytester.makeini(
            f"[pytest]\nbctrl_contract = api.json\nbctrl_base_url = {api.url}\ntestpaths = {folder or '.'}"
        )
        result = pytester.runpytest_subprocess("--bctrl-live", "-v")
    assert pytest.ExitCode.OK == result.ret, result.stdout.str()
    assert {frozenset([credential("bearer")])} == api.accepted("/a")


def test_a_fixture_of_the_session_can_use_the_auth(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import httpx
        import pytest

        @pytest.fixture(scope="session")
        def client(bctrl_auth, bctrl_base_url):
            with httpx.Client(auth=bctrl_auth, base_url=bctrl_base_url, trust_env=False) as client:
                yield client

        def test_list(client, bctrl_space_id):
            assert 200 == client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize("scope", ["session", "function"])
@pytest.mark.parametrize("scheme", ["bearer", "header", "query", "cookie", "basic"])
def test_overriding_the_key_is_enough_for_suite_clients_and_recordings(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, scheme: str, scope: str
) -> None:
    monkeypatch.delenv("BCTRL_API_KEY", raising=False)
    securities = {"/a": scheme, "/b": scheme, "/c": "public"}
    Path("vault").write_text(value_of(scheme), "utf-8")
    Path("api.json").write_text(json.dumps(document(securities)), "utf-8")
    pytester.makeconftest(
        f"""
        from pathlib import Path

        import pytest

        @pytest.fixture(scope="{scope}")
        def bctrl_api_key():
            return Path("vault").read_text()
        """
    )
    pytester.makepyfile(test_clients=CLIENTS, test_recorded=RECORDED)
    with serve(guard(securities)) as api:
        pytester.makeini(f"[pytest]\nbctrl_contract = api.json\nbctrl_base_url = {api.url}")
        result = pytester.runpytest("--bctrl-live", "-v", "bctrl", "test_clients.py")
        assert pytest.ExitCode.OK == result.ret, result.stdout.str()
        recorded = pytester.runpytest("--bctrl-live", "--bctrl-record-mode=rewrite", "test_recorded.py")
        assert pytest.ExitCode.OK == recorded.ret, recorded.stdout.str()
    for path in ("/a", "/b"):
        assert {frozenset([credential(scheme)])} == api.accepted(path)
    assert {frozenset[str]()} == api.accepted("/c")
    texts = [result.stdout.str(), recorded.stdout.str(), *(path.read_text("utf-8") for path in Path().rglob("*.har"))]
    assert len(texts) > 2
    assert not any(value_of(scheme) in text for text in texts)


@pytest.mark.parametrize(
    ("securities", "field", "credential_of_the_scheme"),
    [
        ({"/a": None}, "Authorization: Bearer $TOKEN", ""),
        ({"/a": None}, "Cookie: sid=$TOKEN", ""),
        ({"/a": "header"}, "Authorization: Bearer $TOKEN", "header"),
        ({"/a": "cookie"}, "Cookie: theme=$TOKEN", "cookie"),
        ({"/a": "query"}, "Cookie: sid=$TOKEN", "query"),
    ],
)
def test_a_credential_that_no_scheme_declares_is_sent_and_a_note_says_what_is_not_checked(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    securities: dict[str, Any],
    field: str,
    credential_of_the_scheme: str,
) -> None:
    token = "ut_5Xk9TqLr4Zw2Vn3"
    monkeypatch.setenv("TOKEN", token)
    monkeypatch.delenv("BCTRL_API_KEY", raising=False)
    if credential_of_the_scheme:
        monkeypatch.setenv("BCTRL_API_KEY", value_of(credential_of_the_scheme))
    Path("api.json").write_text(json.dumps(document(securities)), "utf-8")
    with serve(guard(securities)) as api:
        pytester.makeini(f"[pytest]\nbctrl_contract = api.json\nbctrl_base_url = {api.url}\nbctrl_headers = {field}")
        result = pytester.runpytest("--bctrl-live", "-v")
    assert pytest.ExitCode.OK == result.ret, result.stdout.str()
    name = field.partition(":")[0]
    result.stdout.fnmatch_lines(
        [f"bctrl: note: {name} of bctrl_headers is sent with every request; what it gives access to is not checked"]
    )
    own = {credential(credential_of_the_scheme)} if credential_of_the_scheme else set()
    assert {frozenset({field.replace("$TOKEN", token)} | own)} == api.accepted("/a")
    assert token not in result.stdout.str()


@pytest.mark.parametrize(
    ("security", "field"),
    [
        ("bearer", "Authorization: Bearer $TOKEN"),
        ("basic", "Authorization: Basic $TOKEN"),
        ("described", "authorization: Token $TOKEN"),
        ("header or bearer", "Authorization: Bearer $TOKEN"),
        ("cookie", "Cookie: theme=dark; sid=$TOKEN"),
        ("header", "X-Api-Key: $TOKEN"),
    ],
)
def test_a_credential_that_a_scheme_declares_belongs_to_bctrl_credentials(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    security: str,
    field: str,
) -> None:
    monkeypatch.setenv("TOKEN", "ut_5Xk9TqLr4Zw2Vn3")
    Path("api.json").write_text(json.dumps(document({"/a": security})), "utf-8")
    pytester.makeini(
        f"[pytest]\nbctrl_contract = api.json\nbctrl_base_url = http://127.0.0.1:9\nbctrl_headers = {field}"
    )
    result = pytester.runpytest("--bctrl-live")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    scheme = security.split(" or ")[-1]
    name = field.partition(":")[0]
    result.stderr.fnmatch_lines(
        [f"*bctrl_headers: {name} carries the security scheme {scheme} (set bctrl_credentials: {scheme} = $VARIABLE, *"]
    )
