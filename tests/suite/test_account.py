"""The account of a run adds up to the requests that the server has counted."""

from __future__ import annotations

import json
from collections import Counter
from threading import Lock
from typing import Any

import pytest

from pytest_bctrl.exchanges.account import Account
from pytest_bctrl.suite.sending.tally import CHECKED, RETRIED, UNANSWERED, UNEXAMINED
from tests.local_server import Handler, serving

KEY = "key-0123456789abcdef"


def contract() -> dict[str, Any]:
    """Return a contract with three operations, of which one documents the status 503."""
    content = {"application/json": {"schema": {"type": "object", "properties": {"id": {"type": "string"}}}}}
    responses = {status: {"description": "", "content": content} for status in ("200", "400", "401", "404")}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 9}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "security": [{"key": []}],
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            "/v1/pauses": {"get": {"operationId": "pauses", "parameters": [limit], "responses": responses}},
            "/v1/busy": {
                "get": {
                    "operationId": "busy",
                    "responses": {**responses, "503": {"description": "", "content": content}},
                }
            },
            "/v1/closes": {"get": {"operationId": "closes", "responses": responses}},
        },
    }


class Server(Handler):
    """A server that is unavailable for the third request to an operation, and closes the connections of `closes`.

    `log` has the operation of each request, and what was sent for it.
    """

    log: list[tuple[str, str]]
    lock = Lock()

    def do_GET(self) -> None:
        """Log a request, and send its response."""
        name = self.path.partition("?")[0].rpartition("/")[2]
        has_key = self.headers["Authorization"] == f"Bearer {KEY}"
        with self.lock:
            sent = "a response" if has_key else "a rejection"
            if 2 == sum(logged == name for logged, _ in self.log):
                sent = "503"
            if name == "closes":
                sent = "nothing"
            self.log.append((name, sent))
        if sent == "nothing":
            self.close_connection = True
        elif sent == "503":
            self.respond(503, b"{}", {"Content-Type": "application/json", "Retry-After": "0"})
        else:
            self.respond(200 if has_key else 401, b'{"id": "a"}')

    do_HEAD = do_GET


class AtEnd:
    """A plugin that stores the account of a run at its end, with the reasons in place of `not checked`."""

    counts: Counter[str]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Store the account."""
        account: Account = session.config.pluginmanager.get_plugin("bctrl-results").account  # type: ignore[union-attr]
        numbers = account.numbers()
        reasons = {text: note.count for text, note in account.notes("not checked").items()}
        assert numbers["sent"] == numbers["checked"] + numbers["unanswered"] + sum(reasons.values())
        self.counts = Counter({CHECKED: numbers["checked"], UNANSWERED: numbers["unanswered"], **reasons})


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the suite with some options; it returns its account and the log of the server."""

    def run_suite(*options: str) -> tuple[Counter[str], list[tuple[str, str]]]:
        monkeypatch.setenv("BCTRL_API_KEY", KEY)
        document = pytester.path / "things.json"
        document.write_text(json.dumps(contract()), "utf-8")
        handler = type("LoggingServer", (Server,), {"log": []})
        at_end = AtEnd()
        with serving(handler) as url:
            target = ("--bctrl-live", f"--bctrl-base-url={url}", f"--bctrl-contract={document}")
            pytester.runpytest(*target, *options, plugins=[at_end])
        return +at_end.counts, handler.log  # type: ignore[attr-defined]

    return run_suite


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_the_account_has_each_request_that_the_server_received(run: Any, workers: list[str]) -> None:
    """With retries, an operation without a response, and a deselected test; a documented 503 is checked."""
    account, log = run("--deselect", "bctrl::test_wrong_value_is_refused", *workers)
    sent = Counter(log)
    assert len(log) == account.total()
    assert sent["closes", "nothing"] == account[UNANSWERED] > 0
    assert sent["pauses", "503"] == account[RETRIED] == 1
    assert sent["busy", "503"] == 1
    received = len(log) - sent["closes", "nothing"] - sent["pauses", "503"]
    assert received == account[CHECKED] + account[UNEXAMINED]
    # The engines of a worker do not check the responses that another worker receives.
    assert workers or not account[UNEXAMINED]


def test_a_response_that_no_selected_test_examines_is_not_checked(run: Any) -> None:
    """The tests with wrong credentials need the plain request of each operation, and examine no response to it."""
    account, log = run("-k", "wrong_credential and pauses")
    sent = Counter(log)
    assert {UNEXAMINED: sent["pauses", "a response"], CHECKED: sent["pauses", "a rejection"], RETRIED: 1} == account
