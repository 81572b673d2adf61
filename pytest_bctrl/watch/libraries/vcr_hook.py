"""Observes the connections by which vcrpy replaces those of http.client."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.watch.exchange import WatchedExchange, header_fields
from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import HTTP_CLIENT, Recorder
from pytest_bctrl.watch.streams import tee_request_body
from pytest_bctrl.watch.substitution import reason_phrase

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the method of connections that returns a response, recorded or real."""
    patches.require_use(module.VCRConnection, "getresponse", "_vcr_request")

    def wrap(getresponse: Any) -> Any:
        """Return a `getresponse` that also records the exchange, or changes the response in an impact rerun."""

        def observed_getresponse(self: Any, *arguments: Any, **named: Any) -> Any:
            """Get the response; record the exchange, or substitute the response while an impact run reruns the test."""
            sent = getattr(self, "_vcr_request", None)
            if sent is None or not recorder.records(HTTP_CLIENT):
                return getresponse(self, *arguments, **named)
            exchange = WatchedExchange("http.client", sent.method, sent.uri, header_fields(sent.headers.items()))
            exchange.sent_at = recorder.lines.calling_line()
            tee_request_body(sent.body, exchange.request_body)
            with recorder.sending(exchange, HTTP_CLIENT + 1):
                response = getresponse(self, *arguments, **named)
            exchange.receive(response.status, response.headers.items())
            exchange.response_body.is_encoded = True
            content = recorded_body(response)
            if recorder.is_substituted(exchange):
                return substituted_recording(response, recorder.substitute(exchange, content))
            exchange.response_body.set(content)
            recorder.add(exchange)
            return response

        return observed_getresponse

    patches.wrap(module.VCRConnection, "getresponse", wrap)


def is_recorded(response: Any) -> bool:
    """Return whether a response is one of vcrpy, which has its whole body."""
    return isinstance(getattr(response, "recorded_response", None), dict)


def recorded_body(response: Any) -> bytes:
    """Return the body of a response of vcrpy."""
    body: bytes = response.recorded_response["body"]["string"] or b""
    return body


def substituted_recording(response: Any, substitute: MockResponse) -> Any:
    """Return a response of vcrpy with the substitute's contents."""
    headers: dict[str, list[str]] = {}
    for name, value in substitute.headers:
        headers.setdefault(name, []).append(value)
    return type(response)(
        {
            "status": {
                "code": substitute.status,
                "message": reason_phrase(substitute.status, response.status, response.reason),
            },
            "headers": headers,
            "body": {"string": substitute.payload.content},
        }
    )
