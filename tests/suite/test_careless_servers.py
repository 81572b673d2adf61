"""Servers that accept the key in a form that they must reject, which only wrong credentials with the key show."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from typing import Any

import pytest

from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField, with_key_prefix
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.target import Target
from tests.run_probes import run_probes
from tests.suite.conftest import LiveRun
from tests.variants import Server, named, serve

SECRET = "4Kd9wQx2LmZ7-Tr8vB3"
KEY = f"vk_{SECRET}"
UNSENT = "the key under another scheme or none*bctrl_probes = derived*"

VARIANTS = {
    "any-scheme-with-key-accepted": "another scheme",
    "key-as-user-of-basic-accepted": "key as a user",
    "key-without-scheme-accepted": "key without a scheme",
    "key-in-other-case-accepted": "key in another case or with another middle",
    "key-with-suffix-accepted": "key with one character more",
    "wrong-last-character-or-none-accepted": "key with another last character",
    "all-but-the-last-character-accepted": "key without its last character",
    "all-but-the-first-6-characters-compared": "key with another first character",
}
"""Careless servers, and the credential that shows each."""


def forms_of(server: Server) -> list[str]:
    """Return the values of `Authorization` that a server received and that contain most of its key."""
    sent = [request.header("Authorization") or "" for request in server.log]
    texts = [base64.b64decode(text[6:]).decode() if text.startswith("Basic ") else text for text in sent]
    wrong = [text for text, header in zip(texts, sent, strict=True) if header != f"Bearer {server.api_key}"]
    return [text for text in wrong if server.api_key[9:-9].lower() in text.lower()]


@pytest.mark.parametrize(("name", "credential"), VARIANTS.items())
def test_a_careless_server_on_loopback_fails(live: LiveRun, name: str, credential: str) -> None:
    with serve(named(name)) as server:
        result = live(server, "bctrl", "-k", "credential")
        secret = server.api_key[-12:]
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["error ignored_auth: *", f"*credential: {credential},*", "*curl*$*BCTRL_API_KEY*"])
    output = result.stdout.str().lower()
    assert [] == [secret[at : at + 9] for at in range(4) if secret[at : at + 9].lower() in output]


def test_a_correct_server_on_loopback_passes_and_no_form_is_unchecked(live: LiveRun) -> None:
    with serve(named("plain")) as server:
        result = live(server, "bctrl")
        assert len(VARIANTS) == len(set(forms_of(server)))
        assert len(server.log) <= 40
    assert pytest.ExitCode.OK == result.ret
    result.stdout.no_fnmatch_line(f"*{UNSENT}")


@pytest.mark.parametrize("probes", ["all", "derived", "contract"])
def test_another_machine_gets_the_key_in_wrong_forms_only_on_request(
    live: LiveRun, monkeypatch: pytest.MonkeyPatch, probes: str
) -> None:
    """The server acts as a proxy, so that the target is not on loopback; the run says in one line what it omits."""
    with serve(named("plain")) as server:
        monkeypatch.setenv("http_proxy", server.url)
        settings = ("-o", "bctrl_http_hosts=api.test", "-o", f"bctrl_probes={probes}")
        result = live(server, "bctrl", "--bctrl-base-url=http://api.test", *settings)
        forms = forms_of(server)
    assert pytest.ExitCode.OK == result.ret
    unsent = [line for line in result.outlines if "bctrl_probes = derived" in line]
    assert (bool(forms), len(unsent)) == {"derived": (True, 0)}.get(probes, (False, 1))


HTTP = {"type": "http"}
FIELDS = {
    "bearer": (HTTP | {"scheme": "bearer"}, BEARER, KEY),
    "basic": (HTTP | {"scheme": "basic"}, BASIC, f"user:{KEY}"),
    "prefix": ({"type": "apiKey", "in": "header", "name": "Authorization"}, KeyField("Authorization", "Token "), KEY),
    "header": ({"type": "apiKey", "in": "header", "name": "X-Key"}, KeyField("X-Key"), KEY),
    "cookie": ({"type": "apiKey", "in": "cookie", "name": "id"}, KeyField("Cookie", "id="), KEY),
}
"""Security schemes, the fields that carry their keys, and keys."""


def key_in(field: KeyField, text: str) -> str | None:
    """Return the key in a header value; None if it is not in the form of the field."""
    if not text.startswith(field.prefix):
        return None
    key = text.removeprefix(field.prefix)
    return base64.b64decode(key).decode().removesuffix(":") if field == BASIC else key


Accepts = Callable[[str, str], bool]

KEY_FAULTS: dict[str, Accepts] = {
    "another case": lambda sent, key: sent.lower() == key.lower(),
    "one more": lambda sent, key: sent.startswith(key),
    "another last": lambda sent, key: sent[:-1] == key[:-1],
    "another first": lambda sent, key: sent[1:] == key[1:],
    "truncated": lambda sent, key: sent == key[:-1],
    "both ends": lambda sent, key: (sent[:3], sent[-3:]) == (key[:3], key[-3:]),
    "length": lambda sent, key: len(sent) == len(key),
    "prefix": lambda sent, key: sent[:4] == key[:4],
    "suffix": lambda sent, key: sent[-4:] == key[-4:],
    "a start": lambda sent, key: bool(sent) and key.startswith(sent),
    "an end": lambda sent, key: bool(sent) and key.endswith(sent),
}
"""What a careless server accepts in place of the key."""

SCHEME_FAULTS: dict[str, Accepts] = {
    "any scheme": lambda sent, right: sent.rpartition(" ")[2] == right.rpartition(" ")[2],
    "no scheme": lambda sent, right: sent == right.rpartition(" ")[2],
}
"""What a careless server accepts in place of the header value."""


@contextmanager
def careless(field: KeyField, key: str, accepts: Accepts | None, *, compares_header: bool = False) -> Iterator[str]:
    """Accept the right key, and a key, or header value, for which the function is true; yield the base URL.

    The body of each response repeats the key that was sent.
    """
    right = field.value(key)

    def admits(text: str) -> bool:
        """Return whether a header value is accepted."""
        if text == right or accepts is None:
            return text == right
        if compares_header:
            return accepts(text, right)
        sent = key_in(field, text)
        return sent is not None and accepts(sent, key)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            text = self.headers.get(field.name, "")
            body = json.dumps({"sent": key_in(field, text)}).encode()
            self.send_response(200 if admits(text) else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = respond

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def document_with(scheme: dict[str, Any], **rejection: Any) -> dict[str, Any]:
    """Return a document of one operation with a security scheme, and keywords of the schema of its rejections."""

    def response(schema: dict[str, Any]) -> dict[str, Any]:
        """Return a response with a JSON object as its body."""
        return {"description": "x", "content": {"application/json": {"schema": {"type": "object", **schema}}}}

    operation = {"operationId": "listThings", "responses": {"200": response({}), "401": response(rejection)}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "things", "version": "1"},
        "paths": {"/v1/things": {"get": operation}},
        "security": [{"own": []}],
        "components": {"securitySchemes": {"own": scheme}},
    }


def contract_with(scheme: dict[str, Any], field: KeyField) -> Contract:
    """Return a contract of one operation with a security scheme."""
    contract = from_document(document_with(scheme), "things.json")
    return with_key_prefix(contract, field.prefix) if field.prefix == "Token " else contract


def accepted_credentials(contract: Contract, url: str, key: str) -> list[str]:
    """Return the names of the wrong credentials that a server accepts, by our own checks."""
    target = Target(ContractRun("live", contract, url, Secret(key)))
    try:
        findings = run_probes(target, "test_wrong_credential_is_refused")
        assert target.sender.sent_count["GET /v1/things"] <= 40
    finally:
        target.close()
    assert {"ignored_auth"} >= {finding.rule for finding in findings}
    assert key not in json.dumps([finding.reproduce for finding in findings])
    return [finding.location for finding in findings]


HAVE_A_SCHEME = ("bearer", "basic", "prefix")


@pytest.mark.parametrize(
    ("name", "fault"), [*product(FIELDS, KEY_FAULTS), *product(HAVE_A_SCHEME, SCHEME_FAULTS)], ids=str
)
def test_each_careless_server_accepts_a_wrong_credential(name: str, fault: str) -> None:
    scheme, field, key = FIELDS[name]
    accepts = {**KEY_FAULTS, **SCHEME_FAULTS}[fault]
    with careless(field, key, accepts, compares_header=fault in SCHEME_FAULTS) as url:
        assert accepted_credentials(contract_with(scheme, field), url, key)


@pytest.mark.parametrize("key", [KEY, "a", "ab", "0123456789", "0000", "AbC:", ":", "A:B", "some.user@host.test:pw"])
@pytest.mark.parametrize("name", FIELDS)
def test_a_correct_server_accepts_no_wrong_credential(name: str, key: str) -> None:
    """Whatever the key: short, without letters, without a password. The case of a user name does not matter."""
    scheme, field, _ = FIELDS[name]

    def accepts(sent: str, right: str) -> bool:
        """Return whether credentials are right, regardless of the case of a user name."""
        user, _, password = sent.partition(":")
        right_user, _, right_password = right.partition(":")
        return bool(right_password) and (user.lower(), password) == (right_user.lower(), right_password)

    with careless(field, key, accepts if field == BASIC else None) as url:
        assert [] == accepted_credentials(contract_with(scheme, field), url, key)


@pytest.mark.parametrize("name", ["bearer", "basic"])
def test_wrong_credentials_that_a_server_repeats_are_redacted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each rejection breaks its schema with the value that was sent, so that findings quote it."""
    scheme, field, key = FIELDS[name]
    document = document_with(scheme, properties={"sent": {"type": "integer"}})
    (pytester.path / "things.json").write_text(json.dumps(document))
    monkeypatch.setenv("BCTRL_API_KEY", key)
    arguments = ("--bctrl-live", "bctrl", "-vv", "--bctrl-contract=things.json", "--bctrl-report=report.json")
    with careless(field, key, None) as url:
        result = pytester.runpytest(*arguments, f"--bctrl-base-url={url}")
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    text = (result.stdout.str() + (pytester.path / "report.json").read_text()).lower()
    assert "[redacted]" in text
    assert [] == [part for at in range(len(SECRET) - 8) if (part := SECRET[at : at + 9].lower()) in text]
