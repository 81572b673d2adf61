"""A project overrides `bctrl_auth`: tokens that expire, signatures and digests, in suite, clients and recordings."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.local_server import Handler, serving

from .guarded_api import THING, document, guard, serve

SECRET = "cs_7Vn3xYk5TqLr8Zw2"
USES = 5
"""The number of requests for which a token is valid."""

CLIENT_CREDENTIALS = """
from pathlib import Path

import httpx
import pytest


class ClientCredentials(httpx.Auth):
    requires_response_body = True

    def __init__(self, url):
        self.url, self.token = url, ""

    def auth_flow(self, request):
        if not self.token:
            yield from self.renew()
        request.headers["Authorization"] = f"Bearer {self.token}"
        response = yield request
        if response.status_code == 401:
            yield from self.renew()
            request.headers["Authorization"] = f"Bearer {self.token}"
            yield request

    def renew(self):
        secret = Path("vault").read_text()
        data = {"grant_type": "client_credentials", "client_secret": secret}
        response = yield httpx.Request("POST", self.url, data=data)
        self.token = response.json()["access_token"]


@pytest.fixture(scope="SCOPE")
def bctrl_auth():
    return ClientCredentials(Path("token_url").read_text())
"""

CLIENTS = """
import pytest


def test_client(bctrl_client):
    for _ in range(6):
        assert [200] * 3 == [bctrl_client.get(path).status_code for path in ("/a", "/b", "/c")]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_async_client(bctrl_async_client):
    for _ in range(6):
        assert 200 == (await bctrl_async_client.get("/a")).status_code
"""

RECORDED = """
import pytest


@pytest.mark.bctrl_recording
def test_recorded(bctrl_client):
    for _ in range(6):
        assert [200] * 2 == [bctrl_client.get(path).status_code for path in ("/a", "/c")]


@pytest.mark.bctrl_recording
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_recorded_async(bctrl_async_client):
    assert 200 == (await bctrl_async_client.get("/a")).status_code
"""

FAILING = """
from pathlib import Path


def test_fails(bctrl_client):
    response = bctrl_client.get("/a")
    print("sent", dict(response.request.headers), response.request.headers["Authorization"])
    token, auth = bctrl_client.auth.token, response.request.headers["Authorization"]
    secret = Path("vault").read_text()
    print("of the client", secret)
    assert auth == f"{token} and more"
"""


@dataclass
class Tokens:
    """The tokens of a token server: those that it has issued, with the requests that each is still valid for."""

    left: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    authorized: list[tuple[str, str]] = field(default_factory=list)
    """Path and `Authorization` of each request to the API."""

    def issue(self) -> str:
        """Return a new token."""
        token = f"tok_{secrets.token_hex(12)}"
        self.left[token] = USES
        return token

    @property
    def paths(self) -> set[str]:
        """The paths of the API that got a token."""
        return {path for path, header in self.authorized if header.removeprefix("Bearer ") in self.left}

    def use(self, header: str) -> bool:
        """Return whether the token in a header field is still valid, for one request less from now on."""
        token = header.removeprefix("Bearer ")
        is_valid = header.startswith("Bearer ") and self.left.get(token, 0) > 0
        if is_valid:
            self.left[token] -= 1
        return is_valid


@contextmanager
def token_api(tokens: Tokens) -> Iterator[str]:
    """Serve an API with the public path `/c`, whose other paths require a token, and `POST /token` of no contract."""

    class Api(Handler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if self.path != "/token" or form.get("client_secret") != [SECRET]:
                self.respond(403, b"{}")
                return
            tokens.requests += 1
            self.respond(200, json.dumps({"access_token": tokens.issue(), "token_type": "Bearer"}).encode())

        def do_GET(self) -> None:
            path, header = urlsplit(self.path).path, self.headers.get("Authorization", "")
            tokens.authorized.append((path, header))
            if path not in ("/a", "/b", "/c"):
                self.respond(404, b"{}")
            elif path == "/c" or tokens.use(header):
                self.respond(200, json.dumps(THING).encode())
            else:
                self.respond(401, b'{"message": "the token is invalid or expired"}')

        do_HEAD = do_GET

    with serving(Api) as url:
        yield url


@pytest.fixture(params=["same origin", "another port"])
def api(request: pytest.FixtureRequest, pytester: pytest.Pytester) -> Iterator[tuple[str, Tokens]]:
    """Write a project with client credentials, and yield the URL of its API and the tokens of its token server."""
    tokens = Tokens()
    with ExitStack() as stack:
        url = stack.enter_context(token_api(tokens))
        token_url = url if request.param == "same origin" else stack.enter_context(token_api(tokens))
        securities = {"/a": "oauth", "/b": "oauth", "/c": "public"}
        Path("api.json").write_text(json.dumps(document(securities)), "utf-8")
        Path("vault").write_text(SECRET, "utf-8")
        Path("token_url").write_text(f"{token_url}/token", "utf-8")
        pytester.makeini(f"[pytest]\nbctrl_contract = api.json\nbctrl_base_url = {url}")
        pytester.makeconftest(CLIENT_CREDENTIALS.replace("SCOPE", "session"))
        yield url, tokens


def leaks(tokens: Tokens, result: pytest.RunResult) -> list[str]:
    """Return the secrets in the output of a run and in the files that it wrote."""
    texts = [result.stdout.str(), result.stderr.str()]
    files = [path for path in Path().rglob("*") if path.suffix in (".json", ".har", ".xml", ".html", ".log")]
    texts += [path.read_text("utf-8") for path in files]
    return [secret for secret in (SECRET, *tokens.left) if any(secret in text for text in texts)]


def test_the_suite_passes_with_tokens_that_expire_and_counts_the_requests_for_them(
    pytester: pytest.Pytester, api: tuple[str, Tokens]
) -> None:
    _, tokens = api
    result = pytester.runpytest("--bctrl-live", "-v", "--bctrl-report=report.json")
    assert pytest.ExitCode.OK == result.ret, result.stdout.str()
    assert tokens.requests > 2
    assert [] == leaks(tokens, result)
    assert {"/a", "/b"} == tokens.paths
    report = json.loads(Path("report.json").read_text("utf-8"))
    assert [] == report["findings"]
    account = report["exchanges"]
    assert 0 == account["not checked"] == account["unanswered"]
    assert tokens.requests == account["unmatched"] + account["foreign"]
    assert account["sent"] == account["checked"] + tokens.requests
    gap = "wrong credentials that contain a part of the right one, which bctrl_auth provides"
    result.stdout.fnmatch_lines([f"not checked  {gap}"])


@pytest.mark.parametrize("scope", ["session", "function"])
def test_suite_and_clients_pass_whatever_the_scope_of_the_auth(
    pytester: pytest.Pytester, api: tuple[str, Tokens], scope: str
) -> None:
    _, tokens = api
    pytester.makeconftest(CLIENT_CREDENTIALS.replace("SCOPE", scope))
    pytester.makepyfile(test_clients=CLIENTS)
    result = pytester.runpytest("--bctrl-live", "-v")
    assert pytest.ExitCode.OK == result.ret, result.stdout.str()
    assert {"/a", "/b"} == tokens.paths
    assert [] == leaks(tokens, result)


def test_a_recording_has_neither_a_token_nor_a_request_for_one(
    pytester: pytest.Pytester, api: tuple[str, Tokens]
) -> None:
    _, tokens = api
    pytester.makepyfile(test_recorded=RECORDED)
    result = pytester.runpytest("--bctrl-live", "--bctrl-record-mode=rewrite", "-v")
    assert pytest.ExitCode.OK == result.ret, result.stdout.str()
    assert tokens.requests > 1
    assert [] == leaks(tokens, result)
    recordings = [json.loads(path.read_text("utf-8"))["log"]["entries"] for path in Path().rglob("*.har")]
    urls = [urlsplit(entry["request"]["url"]).path for entries in recordings for entry in entries]
    assert {"/a", "/c"} == set(urls)
    statuses = {entry["response"]["status"] for entries in recordings for entry in entries}
    assert {200} == statuses
    Path("token_url").unlink()
    replayed = pytester.runpytest("-v")
    assert pytest.ExitCode.OK == replayed.ret, replayed.stdout.str()


def test_a_failing_test_that_prints_its_request_shows_no_token(
    pytester: pytest.Pytester, api: tuple[str, Tokens]
) -> None:
    _, tokens = api
    pytester.makepyfile(test_failing=FAILING)
    arguments = ("-vv", "--showlocals", "--junitxml=junit.xml", "--log-file=all.log", "--log-level=DEBUG")
    result = pytester.runpytest_subprocess("--bctrl-live", *arguments, "test_failing.py")
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["sent *[[]redacted]*"])
    assert tokens.left
    assert [] == leaks(tokens, result)


@pytest.mark.parametrize(
    "statement",
    [
        'request.headers["X-Signature"] = VALUE',
        'request.headers["X-Note"] = VALUE',
        'request.headers["Cookie"] = f"theme=dark; sid={VALUE}"',
        'request.url = request.url.copy_add_param("sig", VALUE)',
    ],
)
def test_whatever_an_auth_adds_to_a_request_is_a_secret(pytester: pytest.Pytester, statement: str) -> None:
    pytester.makeconftest(
        f"""
        from pathlib import Path

        import httpx
        import pytest

        VALUE = Path("vault").read_text()

        class Signature(httpx.Auth):
            def auth_flow(self, request):
                {statement}
                yield request

        @pytest.fixture(scope="session")
        def bctrl_auth():
            return Signature()
        """
    )
    pytester.makepyfile(
        test_failing="""
        from pathlib import Path

        def test_fails(bctrl_client):
            request = bctrl_client.get("/a").request
            print("sent", request.url, dict(request.headers))
            assert Path("vault").read_text() == ""
        """
    )
    Path("vault").write_text(SECRET, "utf-8")
    Path("api.json").write_text(json.dumps(document({"/a": "oauth"})), "utf-8")
    with serve(guard({"/a": None})) as server:
        pytester.makeini(f"[pytest]\nbctrl_contract = api.json\nbctrl_base_url = {server.url}")
        arguments = ("-vv", "--junitxml=junit.xml", "test_failing.py")
        result = pytester.runpytest_subprocess("--bctrl-live", "--bctrl-report=report.json", *arguments)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert any(SECRET in text for request in server.log for text in request.credentials)
    result.stdout.fnmatch_lines(["sent *[[]redacted]*"])
    assert [] == leaks(Tokens(), result)


@dataclass
class Digest:
    """A server of HTTP Digest authentication (RFC 7616), and the number of requests that it has accepted."""

    accepted: int = 0

    def accepts(self, method: str, target: str, header: str) -> bool:
        """Return whether a header field has the right response for a method and a target."""
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', header.removeprefix("Digest ")))

        def digest(*parts: str) -> str:
            """Return the hash of parts."""
            return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()

        if fields.get("uri") != target:
            return False
        challenge = [fields[name] for name in ("nonce", "nc", "cnonce", "qop")]
        right = digest(digest("alice", "shop", SECRET), *challenge, digest(method, target))
        is_right: bool = fields["response"] == right
        self.accepted += is_right
        return is_right


def test_httpx_digest_auth_works_for_an_operation_that_requires_a_digest(pytester: pytest.Pytester) -> None:
    digest = Digest()

    class Api(Handler):
        def do_GET(self) -> None:
            if urlsplit(self.path).path not in ("/a", "/c"):
                self.respond(404, b"{}")
            elif self.path.startswith("/c") or digest.accepts(
                self.command, self.path, self.headers.get("Authorization", "")
            ):
                self.respond(200, json.dumps(THING).encode())
            else:
                challenge = f'Digest realm="shop", nonce="{secrets.token_hex(8)}", qop="auth", algorithm=MD5'
                self.respond(401, b"{}", {"Content-Type": "application/json", "WWW-Authenticate": challenge})

        do_HEAD = do_GET

    Path("api.json").write_text(json.dumps(document({"/a": "digest", "/c": None})), "utf-8")
    pytester.makeconftest(
        f"""
        import httpx
        import pytest

        @pytest.fixture(scope="session")
        def bctrl_auth():
            return httpx.DigestAuth("alice", "{SECRET}")
        """
    )
    pytester.makepyfile(test_recorded=RECORDED)
    with serving(Api) as url:
        pytester.makeini(f"[pytest]\nbctrl_contract = api.json\nbctrl_base_url = {url}")
        result = pytester.runpytest("--bctrl-live", "-v", "bctrl")
        assert pytest.ExitCode.OK == result.ret, result.stdout.str()
        result.stdout.fnmatch_lines(["passed *2 of 2 operations passed*"])
        accepted = digest.accepted
        assert accepted > 1
        recorded = pytester.runpytest("--bctrl-live", "--bctrl-record-mode=rewrite", "-v")
    assert pytest.ExitCode.OK == recorded.ret, recorded.stdout.str()
    assert digest.accepted > accepted
    assert pytest.ExitCode.OK == pytester.runpytest().ret
    texts = [path.read_text("utf-8") for path in Path().rglob("*.har")]
    assert texts
    assert not any(word in text for text in texts for word in ("Digest", SECRET, "cnonce"))
