"""Connects an impact run with the watch: it changes the responses that the tests' own clients receive."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import replace

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.impact.interceptor import InterceptedExchange, Interceptor
from pytest_bctrl.recorded.hooks import replay_url
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.traffic.origin import origin_of
from pytest_bctrl.watch.exchange import WatchedExchange
from pytest_bctrl.watch.importing import LibraryHooks
from pytest_bctrl.watch.recorder import Recorder
from pytest_bctrl.watch.selection import WatchedApi, watched_servers
from pytest_bctrl.watch.substitution import (
    is_stream,
    observed_response,
    original_response,
    substitute_for,
)

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


class WatchedExchanges:
    """Passes the exchanges of the tests' clients to an impact run, and substitutes responses while it reruns a test.

    The mock and the recordings of this kit change their responses themselves.
    """

    def __init__(self, config: pytest.Config, contract: Contract, interceptor: Interceptor) -> None:
        self._config = config
        self._interceptor = interceptor
        self._recorder = Recorder(config.rootpath)
        self._recorder.changer = self
        self._libraries = LibraryHooks(self._recorder)
        self._item: pytest.Item | None = None
        base_url = lookup.find_value(table.BASE_URL, config, os.environ)
        servers = watched_servers(contract, base_url.value if base_url else "", settings.watch_hosts(config))
        self._api = WatchedApi(contract, servers)

    def install(self) -> None:
        """Observe the libraries that the tests import, until the run ends."""
        self._libraries.install()
        self._config.add_cleanup(self._libraries.uninstall)

    @property
    def unobserved(self) -> list[str]:
        """A sentence for each imported library whose exchanges are not observed."""
        return self._libraries.unobserved

    def trust_mock(self, url: str) -> None:
        """Leave the responses of a mock server of this kit as they are: it applies the changes itself."""
        self._api.mocks.add(origin_of(url))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Store the running test; when it has ended, complete the bodies of its exchanges, and empty the recorder."""
        self._item = item
        result = yield
        self._recorder.take()
        return result

    def add(self, exchange: WatchedExchange) -> None:
        """Pass an exchange with the API to the impact run, unless a test is being rerun."""
        if self._interceptor.is_rerunning:
            return
        request = self._api_request(exchange)
        if request is None:
            return
        operation_label = self._api.operation_label(request)

        def observed_exchange() -> InterceptedExchange:
            """Return the exchange with its response, or with the reason why it cannot be changed."""
            response, problem = observed_response(exchange)
            # The test may have sent the body of the request since.
            request = self._api.request(exchange)
            if request.method in _WITHOUT_BODY:
                request = replace(request, unread="")
            if request.unread:
                problem = f"the body of its request is not known: {request.unread}"
            obstacle = ""
            if problem:
                obstacle = f"the response of {operation_label} cannot be changed: {problem}"
            is_unread = bool(exchange.response_body.unread) and not obstacle
            library = exchange.client_library
            return InterceptedExchange(request, response, response, library, obstacle, is_unread)

        self._interceptor.add(observed_exchange)

    def fail(self, exchange: WatchedExchange) -> None:
        """Count a request to the API that got no response in the impact run."""
        request = self._api_request(exchange)
        if request is not None:
            self._interceptor.fail(self._api.operation_label(request))

    def is_substituted(self, exchange: WatchedExchange) -> bool:
        """Return whether a test is being rerun, and the exchange is one with the API whose response can be changed."""
        if not self._interceptor.is_rerunning or is_stream(exchange):
            return False
        request = self._api_request(exchange)
        if request is None:
            return False
        return shape(self._api.operation_label(request)) not in self._interceptor.unchangeable

    def substitute(self, exchange: WatchedExchange, content: bytes) -> MockResponse:
        """Return the response with or without the active change; raises `ConnectionResetError` past the time limit."""
        request = self._api_request(exchange)
        original, problem = original_response(exchange, content)
        if request is None or problem:
            return substitute_for(exchange, content, original, original)
        changed = self._interceptor.intercept(request, original, exchange.client_library)
        if changed.ending == "reset":
            raise ConnectionResetError("the time limit of a test in an impact run was reached")
        return substitute_for(exchange, content, original, changed)

    def _api_request(self, watched: WatchedExchange) -> Request | None:
        """Return a request as the API receives it; None if it is to no operation, or if this kit responds."""
        origin = self._api.watched_origin(watched)
        if origin is None or origin in self._api.mocks or watched.is_of_mock or watched.is_of_recording:
            return None
        recording_url = replay_url(self._item)
        if recording_url and origin_of(recording_url) == origin:
            return None
        request = self._api.request(watched)
        return request if self._api.operation_label(request) else None
