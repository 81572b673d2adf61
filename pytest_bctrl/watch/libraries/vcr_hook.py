"""Observes the connections by which vcrpy replaces those of http.client."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pytest_bctrl.watch.exchange import WatchedExchange, header_fields
from pytest_bctrl.watch.libraries.urllib3_hook import attach_body
from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import HTTP_CLIENT, Recorder
from pytest_bctrl.watch.streams import tee_request_body
from pytest_bctrl.watch.substitutes.urllib3_substitute import recorded_body
from pytest_bctrl.watch.substitutes.vcr_substitute import vcr_response

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the method of connections that returns a response, recorded or real."""

    def wrap(getresponse: Any) -> Any:
        """Return a `getresponse` that also records the exchange, or changes the response in an impact rerun."""

        def observed_getresponse(self: Any, *arguments: Any, **named: Any) -> Any:
            """Get the response; record the exchange, or substitute the response while an impact run reruns the test."""
            if not recorder.records(HTTP_CLIENT):
                return getresponse(self, *arguments, **named)
            sent = self._vcr_request
            exchange = WatchedExchange("http.client", sent.method, sent.uri, header_fields(sent.headers.items()))
            exchange.sent_at = recorder.lines.calling_line()
            tee_request_body(sent.body, exchange.request_body)
            with recorder.sending(exchange, HTTP_CLIENT + 1):
                response = getresponse(self, *arguments, **named)
            exchange.receive(response.status, response.headers.items())
            if recorder.is_substituted(exchange):
                exchange.response_body.is_encoded = True
                return vcr_response(response, recorder.substitute(exchange, recorded_body(response)))
            attach_body(response, exchange.response_body)
            recorder.add(exchange)
            return response

        return observed_getresponse

    patches.wrap(module.VCRConnection, "getresponse", wrap)
