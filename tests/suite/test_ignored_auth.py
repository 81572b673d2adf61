"""What counts as an ignored credential: another response than to an unknown path, with the media type of the key's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.target import Target
from tests.run_probes import run_probes

KEY = "vk_4Kd9wQx2LmZ7-Tr8vB3"
PATH = "/v1/things"
BODY = b'{"name": "a"}'
UNKNOWN = "/v1/no-such-path-of-this-api"


@dataclass(frozen=True)
class Reply:
    """Status, media type and body of a response."""

    status: int
    media_type: str = "application/json"
    body: bytes = BODY


PAGE = Reply(200, "text/html", b"<h1>Things</h1>")
LIST, NO_KEY, NOT_FOUND = Reply(200), Reply(401, body=b"{}"), Reply(404, body=b"{}")

Answer = Callable[[str, bool, bool], Reply]
"""Returns the reply for a method, whether the path is known, and whether the request has the key."""


def correct(_method: str, is_known: bool, has_key: bool) -> Reply:
    """Answer as an API without a front end."""
    if not is_known:
        return NOT_FOUND
    return LIST if has_key else NO_KEY


def single_page(method: str, is_known: bool, has_key: bool) -> Reply:
    """Answer as a front end that sends its page for every unknown path, and for every HEAD."""
    if method == "HEAD" or not is_known:
        return PAGE
    return correct(method, is_known, has_key)


def with_bypass(answer: Answer, method: str, reply: Reply) -> Answer:
    """Return the answer of a server that sends a reply without a key as well, to one method."""

    def bypassed(sent_method: str, is_known: bool, has_key: bool) -> Reply:
        """Return the reply to the method at the known path, whatever the key, and the usual one elsewhere."""
        return reply if sent_method == method and is_known else answer(sent_method, is_known, has_key)

    return bypassed


def catch_all(_method: str, _is_known: bool, has_key: bool) -> Reply:
    """Answer every path with the same JSON, unless a known one is requested with the key."""
    return LIST if has_key else Reply(200, body=b'{"name": "log in"}')


def page_without_key(method: str, is_known: bool, has_key: bool) -> Reply:
    """Answer with a page of another media type if there is no key."""
    return correct(method, is_known, has_key) if has_key or not is_known else PAGE


def head_without_type(method: str, is_known: bool, has_key: bool) -> Reply:
    """Answer every HEAD to the known path without a media type, and with success."""
    return Reply(200, "") if method == "HEAD" and is_known else correct(method, is_known, has_key)


def head_rejected_with_key(method: str, is_known: bool, has_key: bool) -> Reply:
    """Reject HEAD with the key like an unknown path, and answer it without the key."""
    if method == "HEAD" and is_known:
        return NOT_FOUND if has_key else LIST
    return correct(method, is_known, has_key)


@dataclass
class Api:
    """A server that answers as a function says, and the requests that it received: method, path, whether with key."""

    url: str = ""
    requests: list[tuple[str, str, bool]] = field(default_factory=list)


@contextmanager
def serving(answer: Answer) -> Iterator[Api]:
    """Serve an answer on a free loopback port."""
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            has_key = self.headers.get("Authorization") == f"Bearer {KEY}"
            api.requests.append((self.command, self.path, has_key))
            reply = answer(self.command, self.path == PATH, has_key)
            self.send_response(reply.status)
            if reply.media_type:
                self.send_header("Content-Type", reply.media_type)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_HEAD = respond

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        api.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


def contract() -> Contract:
    """Return a contract of one operation that needs a bearer token."""
    item = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    success = {"description": "x", "content": {"application/json": {"schema": item}}}
    failure = {"description": "x", "content": {"application/json": {"schema": {"type": "object"}}}}
    operation = {"operationId": "listThings", "responses": {"200": success, "401": failure}}
    return from_document(
        {
            "openapi": "3.1.0",
            "info": {"title": "things", "version": "1"},
            "paths": {PATH: {"get": operation}},
            "security": [{"own": []}],
            "components": {"securitySchemes": {"own": {"type": "http", "scheme": "bearer"}}},
        },
        "things.json",
    )


def ignored_auth(api: Api, *tests: str) -> list[Finding]:
    """Return the findings of the tests, or all of a run, about ignored credentials, of all engines."""
    target = Target(ContractRun("live", contract(), api.url, Secret(KEY)))
    try:
        findings = run_probes(target, *tests)
    finally:
        target.close()
    assert len(api.requests) <= 40
    return [finding for finding in findings if finding.location.startswith("credential: ")]


CORRECT = {
    "api": correct,
    "single page": single_page,
    "catch-all": catch_all,
    "page without key": page_without_key,
    "HEAD rejected with the key": head_rejected_with_key,
}


@pytest.mark.parametrize("name", CORRECT)
def test_a_success_without_evidence_is_no_ignored_credential(name: str) -> None:
    with serving(CORRECT[name]) as api:
        assert [] == ignored_auth(api)


BYPASSES = {
    "HEAD": (with_bypass(single_page, "HEAD", LIST), "credential: no header, HEAD"),
    "GET": (with_bypass(single_page, "GET", LIST), "credential: no header"),
    "GET with a broken body": (with_bypass(single_page, "GET", Reply(200, body=b"{")), "credential: no header"),
    "HEAD without a front end": (with_bypass(correct, "HEAD", LIST), "credential: no header, HEAD"),
    "HEAD without a media type": (head_without_type, "credential: no header, HEAD"),
}


@pytest.mark.parametrize("name", BYPASSES)
def test_a_bypass_is_one_finding_with_its_requests(name: str) -> None:
    answer, location = BYPASSES[name]
    with serving(answer) as api:
        (finding,) = ignored_auth(api)
    assert location == finding.location
    with_key, unknown = finding.extra["evidence"]
    assert with_key.startswith("with the key: 200 ")
    assert unknown.startswith("to an unknown path: ")
    assert (True, False) == ("$BCTRL_API_KEY" in with_key, "BCTRL_API_KEY" in finding.reproduce)
    assert UNKNOWN in unknown


@pytest.mark.parametrize("name", BYPASSES)
def test_schemathesis_alone_reports_a_bypass(name: str) -> None:
    with serving(BYPASSES[name][0]) as api:
        findings = ignored_auth(api, "test_schemathesis")
    assert {"Schemathesis"} == {finding.extra["engine"] for finding in findings}
    assert {"ignored_auth", "negative_data_rejection"} == {finding.rule for finding in findings}


@pytest.mark.parametrize("name", CORRECT)
def test_schemathesis_alone_reports_no_bypass_without_evidence(name: str) -> None:
    with serving(CORRECT[name]) as api:
        assert [] == ignored_auth(api, "test_schemathesis")


def test_a_correct_api_gets_no_further_request_and_a_single_page_one() -> None:
    with serving(correct) as api:
        ignored_auth(api)
        paths = [path for _, path, _ in api.requests]
    assert {PATH} == set(paths)
    with serving(single_page) as page_api:
        ignored_auth(page_api)
    further = [request for request in page_api.requests if request[1] != PATH]
    assert [("HEAD", UNKNOWN, False)] == further
    assert len(page_api.requests) == len(paths) + 1
